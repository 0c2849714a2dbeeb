/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of text with aligned columns; widths follow the widest cell. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ctl/ctl.h"

#define COLUMNS_MAX 16

struct table {
	unsigned columns;
	bool right[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	char **cells;
	size_t count, room;
};

static void put(struct table *t, char *cell)
{
	size_t column = t->count % t->columns;

	if (t->count == t->room) {
		t->room = t->room > 0 ? t->room * 2 : 256;
		t->cells = realloc(t->cells, t->room * sizeof(*t->cells));
	}
	must(t->cells != NULL && cell != NULL);
	t->cells[t->count++] = cell;
	if (strlen(cell) > t->width[column])
		t->width[column] = strlen(cell);
}

struct table *table_new(const char *titles)
{
	struct table *t = calloc(1, sizeof(*t));
	char *copy = strdup(titles), *rest = copy, *title;
	char *names[COLUMNS_MAX];

	must(t != NULL && copy != NULL);
	while ((title = strsep(&rest, " ")) != NULL) {
		must(t->columns < COLUMNS_MAX);
		t->right[t->columns] = title[0] == '>';
		names[t->columns] = title + (title[0] == '>');
		t->columns++;
	}
	for (unsigned i = 0; i < t->columns; i++)
		put(t, strdup(names[i]));
	free(copy);
	return t;
}

void table_cell(struct table *t, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	put(t, text);
}

static void print_cell(const struct table *t, size_t i)
{
	size_t column = i % t->columns;
	bool last = column + 1 == t->columns;

	if (t->right[column])
		printf("%*s%s", (int)t->width[column], t->cells[i], last ? "\n" : "  ");
	else if (last)
		printf("%s\n", t->cells[i]);
	else
		printf("%-*s  ", (int)t->width[column], t->cells[i]);
}

void table_print(struct table *t)
{
	bool rows = t->count > t->columns; /* titles alone say nothing */

	for (size_t i = 0; i < t->count; i++) {
		if (rows)
			print_cell(t, i);
		free(t->cells[i]);
	}
	free(t->cells);
	free(t);
}

const char *human_bytes(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	static char text[8][32];
	static unsigned next;
	double value = (double)bytes;
	unsigned unit = 0;
	char *out = text[next++ % 8];

	while (value >= 1024 && unit < 6) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(out, sizeof(text[0]), "%lu B", bytes);
	else
		snprintf(out, sizeof(text[0]), "%.*f %s",
			 value < 10    ? 2
			 : value < 100 ? 1
				       : 0,
			 value, units[unit]);
	return out;
}

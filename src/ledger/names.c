/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ledger/names.h"

struct name {
	RB_ENTRY(name) entry;
	const char *text;
	void *value;
	char room[];
};

static int name_order(const struct name *a, const struct name *b)
{
	return strcmp(a->text, b->text);
}

RB_PROTOTYPE(names, name, entry, name_order)
RB_GENERATE(names, name, entry, name_order)

static struct name *find(struct names *names, const char *text)
{
	return RB_FIND(names, names, &(struct name){.text = text});
}

void **names_put(struct names *names, const char *text)
{
	struct name *n = find(names, text);

	if (n == NULL) {
		size_t room = strlen(text) + 1;

		n = calloc(1, sizeof(*n) + room);
		must(n != NULL);
		memcpy(n->room, text, room);
		n->text = n->room;
		RB_INSERT(names, names, n);
	}
	return &n->value;
}

void *names_find(struct names *names, const char *text)
{
	struct name *n = find(names, text);

	return n != NULL ? n->value : NULL;
}

void names_remove(struct names *names, const char *text)
{
	struct name *n = find(names, text);

	if (n != NULL)
		RB_REMOVE(names, names, n);
	free(n);
}

void names_clear(struct names *names, void (*each)(void *value))
{
	struct name *n;

	while ((n = RB_ROOT(names)) != NULL) {
		RB_REMOVE(names, names, n);
		if (each != NULL)
			each(n->value);
		free(n);
	}
}

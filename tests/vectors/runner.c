/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors/runner.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALLOCS_MAX 4096

/* Memory of the case that runs. */
static void *allocs[ALLOCS_MAX];
static size_t alloc_count;
/* What runs, for messages about a file of another schema. */
static const char *current_section = "", *current_id = "";

static struct {
	unsigned passed, failed, skipped;
} result;

__attribute__((noreturn, format(printf, 1, 2))) static void give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s %s: ", current_section, current_id);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

void *vector_alloc(size_t len)
{
	void *p = calloc(1, len > 0 ? len : 1);

	if (p == NULL || alloc_count == ALLOCS_MAX)
		give_up("out of memory");
	return allocs[alloc_count++] = p;
}

static void free_allocs(void)
{
	while (alloc_count > 0)
		free(allocs[--alloc_count]);
}

bool vector_fail(struct vector_case *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
	return false;
}

static const json_t *field(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (value == NULL)
		give_up("field %s is missing", name);
	return value;
}

const char *vector_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(field(object, name));

	if (text == NULL)
		give_up("field %s is not a text", name);
	return text;
}

uint64_t vector_u64(const json_t *object, const char *name)
{
	const json_t *value = field(object, name);
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return (uint64_t)json_integer_value(value);
	if (text == NULL || *text < '0' || *text > '9')
		give_up("field %s is not an unsigned number", name);
	uint64_t number = strtoull(text, &end, 10);

	if (*end != '\0')
		give_up("field %s is not an unsigned number", name);
	return number;
}

int64_t vector_i64(const json_t *object, const char *name)
{
	const json_t *value = field(object, name);
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (text == NULL)
		give_up("field %s is not a number", name);
	int64_t number = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0')
		give_up("field %s is not a number", name);
	return number;
}

bool vector_bool(const json_t *object, const char *name)
{
	const json_t *value = field(object, name);

	if (!json_is_boolean(value))
		give_up("field %s is not true or false", name);
	return json_is_true(value);
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)((at - digits) % 16) : -1;
}

uint8_t *vector_hex_text(const char *text, size_t *len)
{
	size_t n = strlen(text) / 2;
	uint8_t *out = vector_alloc(n);

	if (strlen(text) % 2 != 0)
		give_up("hex text of odd length");
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			give_up("not a hex text: %.40s", text);
		out[i] = (uint8_t)(high << 4 | low);
	}
	if (len != NULL)
		*len = n;
	return out;
}

uint8_t *vector_hex(const json_t *object, const char *name, size_t *len)
{
	return vector_hex_text(vector_text(object, name), len);
}

uint8_t *vector_data(const json_t *object, const char *name, size_t *len)
{
	const json_t *rule = field(object, name);
	uint64_t n = vector_u64(rule, "len"), mul = vector_u64(rule, "mul"),
		 add = vector_u64(rule, "add");
	uint8_t *out = vector_alloc(n);

	for (uint64_t i = 0; i < n; i++)
		out[i] = (uint8_t)(i * mul + add + (i >> 8));
	*len = n;
	return out;
}

bool vector_same(struct vector_case *c, const char *name, const uint8_t *got, size_t len)
{
	size_t told_len;
	const uint8_t *told = vector_hex(c->out, name, &told_len);

	if (told_len != len)
		return vector_fail(c, "%s has %zu bytes instead of %zu", name, len, told_len);
	for (size_t i = 0; i < len; i++)
		if (got[i] != told[i])
			return vector_fail(c, "%s differs from byte %zu on: %02x instead of %02x",
					   name, i, got[i], told[i]);
	return true;
}

/* id of a case: its text, or the number that some files have as index. */
static const char *case_id(const json_t *item, size_t number)
{
	static char text[32];
	const char *id = json_string_value(json_object_get(item, "id"));

	if (id == NULL)
		id = json_string_value(json_object_get(item, "name"));
	snprintf(text, sizeof(text), "#%zu", number);
	return id != NULL ? id : text;
}

static void run_section(const struct vector_section *section, const json_t *cases)
{
	size_t i;
	json_t *item;

	json_array_foreach(cases, i, item)
	{
		/* A case without in and out is both in one. */
		const json_t *in = json_object_get(item, "in"), *out = json_object_get(item, "out");
		struct vector_case c = {in != NULL ? in : item, out != NULL ? out : item, ""};

		if (json_is_true(json_object_get(item, "source_only"))) {
			result.skipped++;
			continue;
		}
		current_id = case_id(item, i);
		if (section->run(&c)) {
			result.passed++;
		} else {
			const char *note = json_string_value(json_object_get(item, "note"));

			result.failed++;
			printf("%s %s (%s): %s\n", current_section, current_id,
			       note != NULL ? note : "", c.why);
		}
		free_allocs();
	}
}

/* Is name in the comma-separated list? NULL lists all. */
static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	if (list == NULL)
		return true;
	while (list != NULL) {
		if (strncmp(list, name, len) == 0 && (list[len] == ',' || list[len] == '\0'))
			return true;
		list = strchr(list, ',');
		list = list != NULL ? list + 1 : NULL;
	}
	return false;
}

static void run_named(const struct vector_section *sections, const char *name, const json_t *cases)
{
	current_section = name;
	current_id = "";
	for (; sections->name != NULL; sections++)
		if (strcmp(sections->name, name) == 0) {
			run_section(sections, cases);
			return;
		}
	printf("%s: this build does not know the section (%zu cases)\n", name,
	       json_array_size(cases));
	result.failed += json_array_size(cases) > 0 ? (unsigned)json_array_size(cases) : 1;
}

/* Every name asked for must be in the file: a misspelt one is not a success. */
static void check_only(const char *only, json_t *cases)
{
	char name[128];

	for (const char *p = only; p != NULL && *p != '\0';) {
		size_t len = strcspn(p, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		if (json_object_get(cases, name) == NULL) {
			printf("%s: the file has no such section\n", name);
			result.failed++;
		}
		p += len + (p[len] == ',' ? 1 : 0);
	}
}

/* The lists of a file: "cases", or those of "unit" with the list "scripts" beside them. */
static json_t *cases_of(json_t *root)
{
	json_t *unit = json_object_get(root, "unit"), *scripts = json_object_get(root, "scripts");

	if (!json_is_object(unit) || !json_is_array(scripts))
		return json_object_get(root, "cases");
	json_object_set(unit, "scripts", scripts);
	return unit;
}

int vectors_main(int argc, char **argv, const char *default_file,
		 const struct vector_section *sections)
{
	const char *file = default_file, *only = NULL, *name;
	json_error_t error;
	json_t *root, *cases, *list;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc) {
			only = argv[++i];
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "usage: %s [--only section,...] [FILE]\n", argv[0]);
			return 2;
		} else {
			file = argv[i];
		}
	}
	root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		fprintf(stderr, "%s:%d: %s\n", file, error.line, error.text);
		return 2;
	}
	cases = cases_of(root);
	if (json_is_array(cases)) { /* a file of one section, which the build's first one reads */
		run_named(sections, sections->name, cases);
	} else if (json_is_object(cases)) {
		check_only(only, cases);
		json_object_foreach(cases, name, list) if (listed(only, name))
			run_named(sections, name, list);
	} else {
		fprintf(stderr, "%s: has no cases\n", file);
		result.failed++;
	}
	json_decref(root);
	if (result.skipped > 0)
		printf("%u source_only cases skipped\n", result.skipped);
	printf("%u passed, %u failed\n", result.passed, result.failed);
	return result.failed == 0 && result.passed > 0 ? 0 : 1;
}

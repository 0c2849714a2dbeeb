/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/field.h"
#include "ledger/jcs.h"

struct list { /* how FIELD_NUMBERS and FIELD_OBJECTS lie in a record */
	void *at;
	size_t n;
};

/* In a list every member is written, also one that is zero. */
static void write_members(struct buf *out, const struct shape *shape, const void *record, bool all);

static bool is_zero(const struct field *f, const void *p)
{
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_JSON:
		return *(char *const *)p == NULL;
	case FIELD_NUMBER:
	case FIELD_SIGNED:
		return *(const uint64_t *)p == 0;
	case FIELD_BOOL:
		return !*(const bool *)p;
	case FIELD_TEXTS:
		return ((const struct texts *)p)->n == 0;
	case FIELD_NUMBERS:
	case FIELD_OBJECTS:
		return ((const struct list *)p)->n == 0;
	}
	return true;
}

static void write_number(struct buf *out, uint64_t v, bool negative)
{
	const char *quote = v > (uint64_t)JCS_INT_MAX ? "\"" : "";

	buf_text(out, quote);
	if (negative)
		buf_char(out, '-');
	buf_u64(out, v);
	buf_text(out, quote);
}

static void write_text(struct buf *out, const char *text)
{
	text = text_of(text);
	jcs_write_text(out, text, strlen(text));
}

static void write_texts(struct buf *out, const struct texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		buf_text(out, i > 0 ? "," : "");
		write_text(out, texts->at[i]);
	}
}

static void write_numbers(struct buf *out, const struct list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		buf_text(out, i > 0 ? "," : "");
		write_number(out, ((const uint64_t *)list->at)[i], false);
	}
}

static void write_objects(struct buf *out, const struct shape *item, const struct list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		buf_text(out, i > 0 ? "," : "");
		write_members(out, item, (const char *)list->at + i * item->size, true);
	}
}

static void write_field(struct buf *out, const struct field *f, const void *p)
{
	int64_t v;

	switch (f->type) {
	case FIELD_TEXT:
		write_text(out, *(char *const *)p);
		return;
	case FIELD_JSON:
		buf_text(out, *(char *const *)p);
		return;
	case FIELD_NUMBER:
		write_number(out, *(const uint64_t *)p, false);
		return;
	case FIELD_SIGNED:
		v = *(const int64_t *)p;
		write_number(out, v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
		return;
	case FIELD_BOOL:
		buf_text(out, *(const bool *)p ? "true" : "false");
		return;
	case FIELD_TEXTS:
	case FIELD_NUMBERS:
	case FIELD_OBJECTS:
		break;
	}
	buf_char(out, '[');
	if (f->type == FIELD_TEXTS)
		write_texts(out, p);
	else if (f->type == FIELD_NUMBERS)
		write_numbers(out, p);
	else
		write_objects(out, f->item, p);
	buf_char(out, ']');
}

static void write_members(struct buf *out, const struct shape *shape, const void *record, bool all)
{
	char before = '{';

	for (size_t i = 0; i < shape->n; i++) {
		const struct field *f = &shape->fields[i];
		const void *p = (const char *)record + f->offset;

		if (!all && is_zero(f, p))
			continue;
		buf_char(out, before);
		buf_char(out, '"');
		buf_text(out, f->name);
		buf_text(out, "\":");
		write_field(out, f, p);
		before = ',';
	}
	buf_text(out, before == '{' ? "{}" : "}");
}

void shape_write(struct buf *out, const struct shape *shape, const void *record)
{
	write_members(out, shape, record, false);
}

/* --- freeing --- */

static void free_field(const struct field *f, void *p)
{
	struct texts *texts = p;
	struct list *list = p;

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_JSON:
		free(*(char **)p);
		*(char **)p = NULL;
		return;
	case FIELD_NUMBER:
	case FIELD_SIGNED:
		*(uint64_t *)p = 0;
		return;
	case FIELD_BOOL:
		*(bool *)p = false;
		return;
	case FIELD_TEXTS:
		texts_free(texts);
		return;
	case FIELD_OBJECTS:
		for (size_t i = 0; i < list->n; i++)
			shape_free((char *)list->at + i * f->item->size, f->item);
		break;
	case FIELD_NUMBERS:
		break;
	}
	free(list->at);
	*list = (struct list){0};
}

void shape_free(void *record, const struct shape *shape)
{
	for (size_t i = 0; i < shape->n; i++)
		free_field(&shape->fields[i], (char *)record + shape->fields[i].offset);
}

/* --- reading --- */

static bool read_number(uint64_t *out, const json_t *v)
{
	if (json_is_integer(v)) {
		*out = (uint64_t)json_integer_value(v);
		return json_integer_value(v) >= 0;
	}
	return json_is_string(v) && u64_parse(out, json_string_value(v)) == 0 &&
	       *out > (uint64_t)JCS_INT_MAX;
}

static bool read_signed(int64_t *out, const json_t *v)
{
	const char *text = json_string_value(v);
	bool negative = text != NULL && text[0] == '-';
	uint64_t size;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return true;
	}
	if (text == NULL || u64_parse(&size, text + negative) != 0 ||
	    size <= (uint64_t)JCS_INT_MAX || size > (uint64_t)INT64_MAX + negative)
		return false;
	*out = (int64_t)(negative ? -size : size);
	return true;
}

static bool read_texts(struct texts *out, const json_t *v)
{
	size_t n = json_array_size(v);

	if (!json_is_array(v))
		return false;
	if (n == 0)
		return true;
	out->at = calloc(n, sizeof(*out->at));
	must(out->at != NULL);
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(v, i));

		if (text == NULL)
			return false;
		text_set(&out->at[i], text);
	}
	return true;
}

static bool read_list(struct list *out, const struct field *f, const json_t *v)
{
	size_t n = json_array_size(v);
	size_t size = f->type == FIELD_NUMBERS ? sizeof(uint64_t) : f->item->size;
	const char *fault;

	if (!json_is_array(v))
		return false;
	if (n == 0)
		return true;
	out->at = calloc(n, size);
	must(out->at != NULL);
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(v, i);
		void *p = (char *)out->at + i * size;

		if (f->type == FIELD_NUMBERS ? !read_number(p, item)
					     : shape_read(p, &fault, f->item, item) != 0)
			return false;
	}
	return true;
}

static bool read_json(char **out, const json_t *v)
{
	struct buf text = {0};

	if (!json_is_object(v) && !json_is_array(v))
		return false;
	if (json_object_size(v) + json_array_size(v) > 0) {
		jcs_write(&text, v);
		*out = text.at;
	}
	return true;
}

static bool read_field(const struct field *f, void *p, const json_t *v)
{
	switch (f->type) {
	case FIELD_TEXT:
		if (json_is_string(v))
			text_set(p, json_string_value(v));
		return json_is_string(v);
	case FIELD_NUMBER:
		return read_number(p, v);
	case FIELD_SIGNED:
		return read_signed(p, v);
	case FIELD_BOOL:
		*(bool *)p = json_is_true(v);
		return json_is_boolean(v);
	case FIELD_TEXTS:
		return read_texts(p, v);
	case FIELD_NUMBERS:
	case FIELD_OBJECTS:
		return read_list(p, f, v);
	case FIELD_JSON:
		return read_json(p, v);
	}
	return false;
}

static const struct field *find_field(const struct shape *shape, const char *name)
{
	for (size_t i = 0; i < shape->n; i++)
		if (strcmp(shape->fields[i].name, name) == 0)
			return &shape->fields[i];
	return NULL;
}

int shape_update(void *record, const char **fault, const struct shape *shape, const json_t *object)
{
	const char *name;
	json_t *value;

	*fault = NULL;
	if (!json_is_object(object))
		return ASSAY_E_INVAL;
	json_object_foreach((json_t *)object, name, value)
	{
		const struct field *f = find_field(shape, name);

		*fault = name;
		if (f == NULL)
			return ASSAY_E_INVAL;
		free_field(f, (char *)record + f->offset);
		if (!read_field(f, (char *)record + f->offset, value))
			return ASSAY_E_INVAL;
	}
	return 0;
}

int shape_read(void *record, const char **fault, const struct shape *shape, const json_t *object)
{
	int status;

	shape_free(record, shape);
	status = shape_update(record, fault, shape, object);
	if (status != 0)
		shape_free(record, shape);
	return status;
}

/* --- keys --- */

/* out is NULL for a part that the record does not keep. */
static bool read_key_number(uint64_t *out, const char *text, size_t len)
{
	char digits[21];
	uint64_t number;

	if (len != 20)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return u64_parse(out != NULL ? out : &number, digits) == 0;
}

static bool read_key_text(char **out, const char *text, size_t len)
{
	if (out != NULL && len > 0) {
		free(*out);
		*out = strndup(text, len);
		must(*out != NULL);
	}
	return len > 0;
}

/* Length of the part that begins here; `behind` parts follow it. */
static size_t part_len(const struct key_part *part, const char *text, unsigned behind)
{
	const char *end = text + strlen(text);

	if (part->kind != KEY_REST)
		return strcspn(text, "/");
	for (; behind > 0; behind--) {
		const char *slash = memrchr(text, '/', (size_t)(end - text));

		if (slash == NULL)
			return 0;
		end = slash;
	}
	return (size_t)(end - text);
}

bool key_read(void *record, const struct table_shape *table, const char *key)
{
	unsigned n = 0;

	while (n < KEY_PARTS_MAX && table->key[n].kind != 0)
		n++;
	for (unsigned i = 0; i < n; i++) {
		const struct key_part *part = &table->key[i];
		void *p = part->offset > 0 ? (char *)record + part->offset : NULL;
		size_t len = part_len(part, key, n - 1 - i);

		if (part->kind == KEY_NUMBER ? !read_key_number(p, key, len)
					     : !read_key_text(p, key, len))
			return false;
		key += len;
		if (*key != (i + 1 < n ? '/' : '\0'))
			return false;
		key += *key == '/';
	}
	return true;
}

void key_free(void *record, const struct table_shape *table)
{
	for (unsigned i = 0; i < KEY_PARTS_MAX; i++) {
		const struct key_part *part = &table->key[i];

		if (part->offset > 0 && part->kind != KEY_NUMBER) {
			char **p = (char **)((char *)record + part->offset);

			free(*p);
			*p = NULL;
		}
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/field.h"
#include "ledger/jcs.h"

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
	texts_pack(out);
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
		field_free(f, (char *)record + f->offset);
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

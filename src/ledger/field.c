/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/must.h"
#include "ledger/field.h"
#include "ledger/jcs.h"

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

void field_free(const struct field *f, void *p)
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
		field_free(&shape->fields[i], (char *)record + shape->fields[i].offset);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the records of a table look like in JSON: one list of members per table, from which the
 * line writer, the line reader and the freeing of a record follow (shapes.c). A line is the
 * canonical JSON of the record's own members without those that are 0, false, "", [] or {};
 * integers beyond 2^53-1 are decimal strings.
 */
#ifndef LEDGER_FIELD_H
#define LEDGER_FIELD_H

#include <jansson.h>

#include "ledger/buf.h"
#include "ledger/record.h"

enum field_type {
	FIELD_TEXT,    /* char * */
	FIELD_NUMBER,  /* uint64_t */
	FIELD_SIGNED,  /* int64_t */
	FIELD_BOOL,    /* bool */
	FIELD_TEXTS,   /* struct texts */
	FIELD_NUMBERS, /* uint64_t *, size_t */
	FIELD_OBJECTS, /* struct *, size_t: a list of what `item` describes */
	FIELD_JSON,    /* char *: canonical JSON of an object or array */
};

struct shape;
struct field {
	const char *name;
	enum field_type type;
	uint16_t offset;
	const struct shape *item;
};
struct shape { /* fields in the order of their names */
	const struct field *fields;
	size_t n, size;
};

/*
 * The parts of a table's key in their order, and where the record keeps them (offset 0: nowhere):
 * numbers have 20 digits, texts hold no "/", but the one of kind REST may (ticket ids do).
 */
enum key_kind { KEY_NUMBER = 1, KEY_TEXT, KEY_REST };
struct key_part {
	enum key_kind kind;
	uint16_t offset;
};
#define KEY_PARTS_MAX 4

struct table_shape {
	const char *name;
	struct shape shape;
	struct key_part key[KEY_PARTS_MAX]; /* kind 0 ends it */
};
extern const struct table_shape table_shapes[TABLES];

struct list { /* how FIELD_NUMBERS and FIELD_OBJECTS lie in a record */
	void *at;
	size_t n;
};

/* The canonical JSON of a record, appended. */
void shape_write(struct buf *out, const struct shape *shape, const void *record);
/*
 * The members of a JSON object into a record; absent ones become zero. 0, or ASSAY_E_INVAL with
 * *fault set to the member that is unknown or of another type (NULL: no object), and then the
 * record is zero.
 */
int shape_read(void *record, const char **fault, const struct shape *shape, const json_t *object);
/* The same, but absent members stay, and what was read before the fault stays too. */
int shape_update(void *record, const char **fault, const struct shape *shape, const json_t *object);
/* Frees what the members own and makes them zero. */
void shape_free(void *record, const struct shape *shape);
/* One member. */
void field_free(const struct field *f, void *member);
/* Sets the parts of the record's key; false when the text is no key of that table. */
bool key_read(void *record, const struct table_shape *table, const char *key);
void key_free(void *record, const struct table_shape *table);

#endif

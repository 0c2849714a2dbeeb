/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "ledger/field.h"
#include "ledger/table_impl.h"

static int key_order(const struct record *a, const struct record *b)
{
	return strcmp(a->key, b->key);
}

static int line_order(const struct record *a, const struct record *b)
{
	return a->table != b->table ? (a->table < b->table ? -1 : 1) : strcmp(a->key, b->key);
}

RB_GENERATE(key_tree, record, by_key, key_order)
RB_GENERATE(bucket_tree, record, by_bucket, line_order)

struct tables *tables_new(void)
{
	struct tables *t = calloc(1, sizeof(*t));

	must(t != NULL);
	digest_init();
	t->changes_end = &t->changes;
	memset(t->stale, 0xff, sizeof(t->stale));
	return t;
}

static void record_free(struct record *r)
{
	const struct table_shape *table = &table_shapes[r->table];

	shape_free(r, &table->shape);
	key_free(r, table);
	free(r->key);
	free(r);
}

/* Frees what was removed and empties the list. */
static void clear_changes(struct tables *t)
{
	struct record *next;

	for (struct record *r = t->changes; r != NULL; r = next) {
		next = r->next_change;
		r->next_change = NULL;
		r->changed = false;
		if (r->removed)
			record_free(r);
	}
	t->changes = NULL;
	t->changes_end = &t->changes;
}

void tables_free(struct tables *t)
{
	if (t == NULL)
		return;
	clear_changes(t);
	for (int table = 0; table < TABLES; table++) {
		struct record *next;

		for (struct record *r = table_first(t, table); r != NULL; r = next) {
			next = table_next(t, r);
			RB_REMOVE(key_tree, &t->keys[table], r);
			record_free(r);
		}
	}
	buf_free(&t->line);
	free(t);
}

const char *table_name(enum table_id table)
{
	must(table < TABLES);
	return table_shapes[table].name;
}

enum table_id table_by_name(const char *name, size_t len)
{
	for (int i = 0; i < TABLES; i++)
		if (strlen(table_shapes[i].name) == len &&
		    memcmp(table_shapes[i].name, name, len) == 0)
			return i;
	return TABLES;
}

bool table_key_valid(enum table_id table, const char *key)
{
	void *scratch = calloc(1, table_shapes[table].shape.size);
	bool valid = key[0] != '\0';

	must(scratch != NULL);
	for (const char *p = key; *p != '\0'; p++)
		valid = valid && *p > 0x20 && *p < 0x7f;
	valid = valid && key_read(scratch, &table_shapes[table], key);
	key_free(scratch, &table_shapes[table]);
	free(scratch);
	return valid;
}

void *table_find(struct tables *t, enum table_id table, const char *key)
{
	struct record wanted = {.key = (char *)key};

	return RB_FIND(key_tree, &t->keys[table], &wanted);
}

/* First 12 bits of BLAKE3(table ‖ 00 ‖ key). */
unsigned table_bucket(enum table_id table, const char *key)
{
	struct digest_stream s;
	uint8_t digest[32];

	digest_stream_init(&s, NULL);
	digest_stream_add(&s, table_name(table), strlen(table_name(table)) + 1);
	digest_stream_add(&s, key, strlen(key));
	digest_stream_end(&s, digest);
	return (unsigned)(digest[0] << 4 | digest[1] >> 4);
}

void *table_put(struct tables *t, enum table_id table, const char *key)
{
	struct record *r = table_find(t, table, key);

	if (r == NULL) {
		r = calloc(1, table_shapes[table].shape.size);
		must(r != NULL);
		r->table = (uint16_t)table;
		r->bucket = (uint16_t)table_bucket(table, key);
		text_set(&r->key, key);
		must(r->key != NULL && key_read(r, &table_shapes[table], key));
		RB_INSERT(key_tree, &t->keys[table], r);
		RB_INSERT(bucket_tree, &t->buckets[r->bucket], r);
		t->counts[table]++;
	}
	table_touch(t, r);
	return r;
}

void table_touch(struct tables *t, void *record)
{
	struct record *r = record;

	must(!r->removed);
	t->stale[r->bucket / 64] |= UINT64_C(1) << r->bucket % 64;
	if (r->changed)
		return;
	r->changed = true;
	*t->changes_end = r;
	t->changes_end = &r->next_change;
}

void table_remove(struct tables *t, void *record)
{
	struct record *r = record;

	table_touch(t, r);
	RB_REMOVE(key_tree, &t->keys[r->table], r);
	RB_REMOVE(bucket_tree, &t->buckets[r->bucket], r);
	t->counts[r->table]--;
	r->removed = true;
}

size_t table_count(const struct tables *t, enum table_id table)
{
	return t->counts[table];
}

void *table_first(struct tables *t, enum table_id table)
{
	return RB_MIN(key_tree, &t->keys[table]);
}

void *table_last(struct tables *t, enum table_id table)
{
	return RB_MAX(key_tree, &t->keys[table]);
}

void *table_from(struct tables *t, enum table_id table, const char *key)
{
	struct record wanted = {.key = (char *)key};

	return RB_NFIND(key_tree, &t->keys[table], &wanted);
}

void *table_next(struct tables *t, void *record)
{
	struct record *r = record;

	return RB_NEXT(key_tree, &t->keys[r->table], r);
}

bool record_within(const void *record, const char *prefix)
{
	const struct record *r = record;

	return r != NULL && strncmp(r->key, prefix, strlen(prefix)) == 0;
}

void tables_changes(struct tables *t,
		    void (*each)(void *arg, enum table_id table, const char *key, const char *line,
				 size_t line_len),
		    void *arg)
{
	for (struct record *r = t->changes; each != NULL && r != NULL; r = r->next_change) {
		buf_clear(&t->line);
		if (!r->removed)
			shape_write(&t->line, &table_shapes[r->table].shape, r);
		each(arg, r->table, r->key, r->removed ? NULL : t->line.at, t->line.len);
	}
	clear_changes(t);
}

const char *key_epoch(char out[KEY_ROOM], uint64_t epoch)
{
	return key_format(out, "%020" PRIu64, epoch);
}

const char *key_format(char out[KEY_ROOM], const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out, KEY_ROOM, format, args);
	va_end(args);
	must(n >= 0 && n < KEY_ROOM);
	return out;
}

void text_set(char **member, const char *text)
{
	char *copy = NULL;

	if (text != NULL && text[0] != '\0') {
		copy = strdup(text);
		must(copy != NULL);
	}
	free(*member);
	*member = copy;
}

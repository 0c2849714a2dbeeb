/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the ledger's state in memory: records in bytewise order of their key text, which is
 * the key of the dump (integers as 20 digits, parts joined by "/"). Every change goes through
 * table_put, table_touch or table_remove, which note it for the transaction of the entry being
 * applied and for the state hash. One thread. Memory that cannot be had ends the process (must).
 */
#ifndef LEDGER_TABLE_H
#define LEDGER_TABLE_H

#include <jansson.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In bytewise order of the names, which is the order of the dump. */
enum table_id {
	T_ANCHORS,
	T_COMMITTEES,
	T_FAILED_HEALS,
	T_HEAL_OPS,
	T_HEAL_VOTES,
	T_META,
	T_NODE_FAILURES,
	T_NODE_SUSPICION,
	T_NODES,
	T_PARAM_SNAPSHOTS,
	T_PARAMS,
	T_POSTPONEMENTS,
	T_PRESENCE,
	T_RECHECKS,
	T_REPORTER_RELIABILITY,
	T_REPORTER_RESULTS,
	T_REPORTS,
	T_ROOTS,
	T_SEALS,
	T_TICKET_DETERIORATION,
	T_TICKETS,
	T_TRANSCRIPTS,
	T_VERDICTS,
	TABLES,
};

#define BUCKETS 4096

struct record {
	RB_ENTRY(record) by_key;    /* within its table */
	RB_ENTRY(record) by_bucket; /* within its bucket of the state hash, all tables */
	struct record *next_change;
	char *key;
	uint16_t table, bucket;
	bool changed, removed;
};

struct tables;

struct tables *tables_new(void);
void tables_free(struct tables *t);

const char *table_name(enum table_id table);
/* TABLES when there is none of that name. */
enum table_id table_by_name(const char *name, size_t len);

/* A text that can be a key of that table. */
bool table_key_valid(enum table_id table, const char *key);

/* NULL when there is none. */
void *table_find(struct tables *t, enum table_id table, const char *key);
/* The record with that key, made with all members zero when there is none; noted as changed. */
void *table_put(struct tables *t, enum table_id table, const char *key);
/* A member of this record is about to change, or has. */
void table_touch(struct tables *t, void *record);
/* Leaves the table at once; the memory lives until the change list is cleared. */
void table_remove(struct tables *t, void *record);
size_t table_count(const struct tables *t, enum table_id table);

/* In order of keys. Removing the record that is looked at needs its successor fetched before. */
void *table_first(struct tables *t, enum table_id table);
void *table_last(struct tables *t, enum table_id table);
/* The first record whose key is not below `key`. */
void *table_from(struct tables *t, enum table_id table, const char *key);
void *table_next(struct tables *t, void *record);
/* True when the record's key begins with `prefix`: the end of a scan from table_from(prefix). */
bool record_within(const void *record, const char *prefix);

/*
 * The changes since the last clear, in the order in which they are to be stored; line is NULL for
 * a removed record and otherwise its JSON without the key. Then the list is cleared.
 */
void tables_changes(struct tables *t,
		    void (*each)(void *arg, enum table_id table, const char *key, const char *line,
				 size_t line_len),
		    void *arg);

/* Merkle root over the 4096 bucket digests; only buckets that changed are hashed again. */
void tables_hash(struct tables *t, uint8_t out[32]);
/* The bucket of a record. */
unsigned table_bucket(enum table_id table, const char *key);
/*
 * The root of a tree: nodes BUCKETS.. are the buckets' digests, the others are filled in, node n
 * from 2n and 2n + 1.
 */
void buckets_root(uint8_t out[32], uint8_t nodes[2 * BUCKETS][32]);
/* Digest of one bucket and its lines in order (for snapshots). */
void tables_bucket(struct tables *t, unsigned bucket, uint8_t digest[32],
		   void (*line)(void *arg, const char *text, size_t len), void *arg);

/* Every line "table key TAB json LF" in the order of table and key. */
void tables_dump(struct tables *t, void (*line)(void *arg, const char *text, size_t len),
		 void *arg);

/* Key texts. Each writes at most room bytes with a final NUL and must() fit. */
#define KEY_ROOM 512
const char *key_epoch(char out[KEY_ROOM], uint64_t epoch);
/* printf-like, with "%020" PRIu64 for integers. */
const char *key_format(char out[KEY_ROOM], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Owned texts of a record. */
struct texts {
	char **at;
	size_t n;
	bool packed; /* the texts lie behind the pointers to them, in one piece of memory */
};
void text_set(char **member, const char *text); /* copies; NULL or "" stores NULL */
void texts_add(struct texts *texts, const char *text);
void texts_remove_first(struct texts *texts);
void texts_copy(struct texts *out, const struct texts *texts);
/* A JSON array of them. */
json_t *texts_json(const struct texts *texts);
void texts_free(struct texts *texts);
/*
 * Into one piece of memory, for lists that stay: smaller, and read without a cache miss per text.
 * The pointers to the texts are others then. Copies and what is read from a line are packed.
 */
void texts_pack(struct texts *texts);
bool texts_have(const struct texts *texts, const char *text);
/* For lists in bytewise order. */
bool texts_have_sorted(const struct texts *texts, const char *text);
static inline const char *text_of(const char *member)
{
	return member != NULL ? member : "";
}

#endif

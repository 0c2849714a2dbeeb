/* SPDX-License-Identifier: Apache-2.0 */
#include "node/copy.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"
#include "node/node_db.h"

enum statement {
	ENTRY_GET,
	ENTRY_PUT,
	STATE_PUT,
	STATE_DROP,
	STATE_ALL,
	META_GET,
	META_PUT,
	META_DROP,
	HEIGHT_GET,
	HEIGHT_PUT,
	HEIGHT_DROP,
	STATEMENTS
};

static const char *const sql[STATEMENTS] = {
	[ENTRY_GET] = "select log, bytes from entries where seq = ?1",
	[ENTRY_PUT] = "insert into entries(seq, bytes, log) values (?1, ?2, ?3)",
	[STATE_PUT] = ("insert into state(bucket, tab, key, line) values (?1, ?2, ?3, ?4)"
		       " on conflict(bucket, tab, key) do update set line = excluded.line"),
	[STATE_DROP] = "delete from state where bucket = ?1 and tab = ?2 and key = ?3",
	[STATE_ALL] = "select tab, key, line from state",
	[META_GET] = "select value from meta where name = ?1",
	[META_PUT] = "insert or replace into meta(name, value) values (?1, ?2)",
	[META_DROP] = "delete from meta where name = ?1",
	[HEIGHT_GET] = "select hash from heights where height = ?1",
	[HEIGHT_PUT] = "insert or replace into heights(height, seq, hash) values (?1, ?2, ?3)",
	[HEIGHT_DROP] = "delete from heights where height <= ?1",
};

#define ORIGIN	   "origin"
#define ORIGIN_LEN (32 + 8 + 32 + 192)

struct copy {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	int error; /* of changes being written */
};

int copy_open(struct copy **out, sqlite3 *db)
{
	struct copy *c = calloc(1, sizeof(*c));
	int err;

	must(c != NULL);
	c->db = db;
	err = node_db_prepare(db, c->statement, sql, STATEMENTS);
	if (err != 0) {
		copy_close(c);
		c = NULL;
	}
	*out = c;
	return err;
}

void copy_close(struct copy *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(c->statement[i]);
	free(c);
}

/* One row of blobs: fills what fits in `out`. */
static int get_blob(sqlite3_stmt *s, void *out, size_t room)
{
	int rc = sqlite3_step(s), len = ASSAY_E_IO;

	if (rc == SQLITE_ROW) {
		len = sqlite3_column_bytes(s, 0);
		if ((size_t)len > room)
			len = ASSAY_E_CORRUPT;
		else if (len > 0)
			memcpy(out, sqlite3_column_blob(s, 0), (size_t)len);
	} else if (rc == SQLITE_DONE) {
		len = ASSAY_E_NOTFOUND;
	}
	sqlite3_reset(s);
	return len;
}

int copy_get(struct copy *c, const char *name, void *out, size_t room)
{
	sqlite3_stmt *s = c->statement[META_GET];

	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	return get_blob(s, out, room);
}

int copy_put(struct copy *c, const char *name, const void *value, size_t len)
{
	sqlite3_stmt *s = c->statement[value != NULL ? META_PUT : META_DROP];

	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	if (value != NULL)
		sqlite3_bind_blob(s, 2, value, (int)len, SQLITE_STATIC);
	return node_db_run(s);
}

int copy_entry(struct copy *c, uint64_t seq, const uint8_t **bytes, size_t *len, uint8_t log[32])
{
	sqlite3_stmt *s = c->statement[ENTRY_GET];
	int rc;

	sqlite3_reset(s);
	sqlite3_bind_int64(s, 1, (int64_t)seq);
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? ASSAY_E_NOTFOUND : ASSAY_E_IO;
	if (sqlite3_column_bytes(s, 0) != 32)
		return ASSAY_E_CORRUPT;
	memcpy(log, sqlite3_column_blob(s, 0), 32);
	*bytes = sqlite3_column_blob(s, 1);
	*len = (size_t)sqlite3_column_bytes(s, 1);
	return 0;
}

int copy_log(struct copy *c, uint64_t seq, uint8_t log[32])
{
	const uint8_t *bytes;
	size_t len;
	int err = copy_entry(c, seq, &bytes, &len, log);

	sqlite3_reset(c->statement[ENTRY_GET]);
	return err;
}

int copy_put_entry(struct copy *c, uint64_t seq, const uint8_t *bytes, size_t len,
		   const uint8_t log[32])
{
	sqlite3_stmt *s = c->statement[ENTRY_PUT];

	sqlite3_reset(c->statement[ENTRY_GET]);
	sqlite3_bind_int64(s, 1, (int64_t)seq);
	sqlite3_bind_blob(s, 2, bytes, (int)len, SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, log, 32, SQLITE_STATIC);
	return node_db_run(s);
}

static void put_change(void *arg, enum table_id table, const char *key, const char *line,
		       size_t len)
{
	struct copy *c = arg;
	sqlite3_stmt *s = c->statement[line != NULL ? STATE_PUT : STATE_DROP];

	if (c->error != 0)
		return;
	sqlite3_bind_int(s, 1, (int)table_bucket(table, key));
	sqlite3_bind_int(s, 2, (int)table);
	sqlite3_bind_text(s, 3, key, -1, SQLITE_STATIC);
	if (line != NULL)
		sqlite3_bind_text(s, 4, line, (int)len, SQLITE_STATIC);
	c->error = node_db_run(s);
}

static int put_origin(struct copy *c, const struct state *s)
{
	struct state_origin origin;
	uint8_t bytes[ORIGIN_LEN];
	struct writer w = writer_of(bytes, sizeof(bytes));

	state_origin(s, &origin);
	write_bytes(&w, origin.net, sizeof(origin.net));
	write_u64be(&w, origin.seq);
	write_bytes(&w, origin.log, sizeof(origin.log));
	write_bytes(&w, origin.trailer_0, sizeof(origin.trailer_0));
	must(!w.full && w.left == 0);
	return copy_put(c, ORIGIN, bytes, sizeof(bytes));
}

int copy_put_state(struct copy *c, struct state *s)
{
	c->error = 0;
	tables_changes(state_tables(s), put_change, c);
	return c->error != 0 ? c->error : put_origin(c, s);
}

/* A line of the dump: "table key TAB json LF". */
static void put_line(void *arg, const char *text, size_t len)
{
	const char *space = memchr(text, ' ', len), *tab = memchr(text, '\t', len);
	char key[KEY_ROOM];
	size_t key_len;

	must(space != NULL && tab > space && text[len - 1] == '\n');
	key_len = (size_t)(tab - space) - 1;
	must(key_len < sizeof(key));
	memcpy(key, space + 1, key_len);
	key[key_len] = '\0';
	put_change(arg, table_by_name(text, (size_t)(space - text)), key, tab + 1,
		   len - (size_t)(tab - text) - 2);
}

int copy_put_all(struct copy *c, struct state *s)
{
	c->error = 0;
	state_dump(s, put_line, c);
	tables_changes(state_tables(s), NULL, NULL); /* they are in it */
	return c->error != 0 ? c->error : put_origin(c, s);
}

int copy_put_height(struct copy *c, struct state *s)
{
	sqlite3_stmt *put = c->statement[HEIGHT_PUT], *drop = c->statement[HEIGHT_DROP];
	uint64_t height = state_height(s);
	uint8_t hash[32];
	int err;

	state_hash(s, hash);
	sqlite3_bind_int64(put, 1, (int64_t)height);
	sqlite3_bind_int64(put, 2, (int64_t)state_seq(s));
	sqlite3_bind_blob(put, 3, hash, sizeof(hash), SQLITE_STATIC);
	err = node_db_run(put);
	if (err != 0 || height <= COPY_HEIGHTS)
		return err;
	sqlite3_bind_int64(drop, 1, (int64_t)(height - COPY_HEIGHTS));
	return node_db_run(drop);
}

int copy_height(struct copy *c, uint64_t height, uint8_t hash[32])
{
	sqlite3_stmt *s = c->statement[HEIGHT_GET];
	int len;

	sqlite3_bind_int64(s, 1, (int64_t)height);
	len = get_blob(s, hash, 32);
	return len < 0 ? len : len == 32 ? 0 : ASSAY_E_CORRUPT;
}

static int get_origin(struct copy *c, struct state_origin *origin)
{
	uint8_t bytes[ORIGIN_LEN];
	struct reader r = reader_of(bytes, sizeof(bytes));
	int len = copy_get(c, ORIGIN, bytes, sizeof(bytes));

	if (len != ORIGIN_LEN)
		return len < 0 ? len : ASSAY_E_CORRUPT;
	memcpy(origin->net, read_bytes(&r, 32), 32);
	origin->seq = read_u64be(&r);
	memcpy(origin->log, read_bytes(&r, 32), 32);
	memcpy(origin->trailer_0, read_bytes(&r, 192), 192);
	return 0;
}

int copy_load(struct copy *c, struct state *s)
{
	sqlite3_stmt *all = c->statement[STATE_ALL];
	struct state_origin origin;
	int err = get_origin(c, &origin), rc = SQLITE_DONE;

	while (err == 0 && (rc = sqlite3_step(all)) == SQLITE_ROW)
		err = state_load(s, (enum table_id)sqlite3_column_int(all, 0),
				 (const char *)sqlite3_column_text(all, 1),
				 (const char *)sqlite3_column_text(all, 2),
				 (size_t)sqlite3_column_bytes(all, 2));
	sqlite3_reset(all);
	if (err == 0 && rc != SQLITE_DONE)
		err = ASSAY_E_IO;
	if (err == 0)
		err = state_loaded(s, &origin);
	return err == ASSAY_E_INVAL ? ASSAY_E_CORRUPT : err;
}

int copy_clear(struct copy *c)
{
	int err = node_db_exec(c->db, "delete from entries; delete from state;"
				      "delete from heights; delete from meta");

	return err;
}

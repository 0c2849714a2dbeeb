/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_db.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "log/local_fs.h"

#define APPLICATION_ID 0x6173796e /* "asyn" */
#define VERSION	       1
#define BUSY_MS	       5000

/*
 * state: one row per record of the ledger's tables; the bucket of the state hash first, so that a
 * snapshot reads along the key. outbox: entries on their way. heights: the state hash after each
 * tick, of the last ones.
 */
static const char schema[] =
	"create table entries(seq integer primary key, bytes blob not null, log blob not null);"
	"create table state(bucket integer not null, tab integer not null, key text not null,"
	" line text not null, primary key(bucket, tab, key)) without rowid;"
	"create table meta(name text primary key, value blob not null) without rowid;"
	"create table outbox(n integer primary key autoincrement, class integer not null,"
	" id blob not null unique, bytes blob not null);"
	"create table heights(height integer primary key, seq integer not null,"
	" hash blob not null);";

static int64_t number_of(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

static int error_of(sqlite3 *db)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_FULL:
		return ASSAY_E_NOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ASSAY_E_CORRUPT;
	default:
		return ASSAY_E_IO;
	}
}

int node_db_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : error_of(db);
}

static int make_tables(sqlite3 *db)
{
	char mark[128];
	int err = node_db_exec(db, "begin immediate");

	snprintf(mark, sizeof(mark), "pragma application_id = %d; pragma user_version = %d",
		 APPLICATION_ID, VERSION);
	if (err == 0)
		err = node_db_exec(db, schema);
	if (err == 0)
		err = node_db_exec(db, mark);
	return err == 0 ? node_db_exec(db, "commit") : err;
}

/* New, or ours and of a version this program knows. */
static int check_file(sqlite3 *db, char *why, size_t why_room, const char *path)
{
	int64_t id = number_of(db, "pragma application_id");
	int64_t version = number_of(db, "pragma user_version");

	if (id == 0 && number_of(db, "select count(*) from sqlite_schema") == 0)
		return make_tables(db);
	if (id != APPLICATION_ID) {
		snprintf(why, why_room, "%s is no node database; move it away", path);
		return ASSAY_E_CORRUPT;
	}
	if (version > VERSION) {
		snprintf(why, why_room,
			 "%s was written by a newer version (%lld); start that version", path,
			 (long long)version);
		return ASSAY_E_UNSUPPORTED;
	}
	return 0;
}

int node_db_open(sqlite3 **out, char *why, size_t why_room, const char *path)
{
	const char *network_fs = network_fs_of(path);
	sqlite3 *db = NULL;
	int err = ASSAY_E_IO;

	*out = NULL;
	if (network_fs != NULL) {
		snprintf(why, why_room, "%s lies on %s; it must be on a local disk", path,
			 network_fs);
		return ASSAY_E_UNSUPPORTED;
	}
	why[0] = '\0';
	if (sqlite3_open_v2(path, &db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_MS);
		err = node_db_exec(db, "pragma journal_mode = wal; pragma synchronous = full;"
				       "pragma journal_size_limit = 67108864");
	}
	if (err == 0)
		err = check_file(db, why, why_room, path);
	if (err == 0) {
		*out = db;
		return 0;
	}
	if (why[0] == '\0')
		snprintf(why, why_room, "%s: %s", path, sqlite3_errmsg(db));
	sqlite3_close(db);
	return err;
}

void node_db_close(sqlite3 *db)
{
	sqlite3_close(db);
}

int node_db_reader(sqlite3 **out, sqlite3 *db)
{
	if (sqlite3_open_v2(sqlite3_db_filename(db, "main"), out,
			    SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(*out, BUSY_MS);
		return 0;
	}
	sqlite3_close(*out);
	*out = NULL;
	return ASSAY_E_IO;
}

int node_db_prepare(sqlite3 *db, sqlite3_stmt **out, const char *const *sql, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &out[i], NULL) !=
		    SQLITE_OK)
			return ASSAY_E_CORRUPT;
	return 0;
}

int node_db_run(sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return rc == SQLITE_DONE ? 0 : error_of(sqlite3_db_handle(s));
}

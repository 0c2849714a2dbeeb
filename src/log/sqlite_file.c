/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the SQLite engine's file: write-ahead log, tables, and whose it is. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "assay/status.h"
#include "base/text.h"
#include "log/sqlite_impl.h"

#define APPLICATION_ID 0x6173796c /* "asyl" */
#define BUSY_MS	       5000
#define BUSY_STEP_MS   2
#define VALUE_MAX      (1 << 20)

static const char *const sql[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[VERSION] = "PRAGMA data_version",
	[FIND] = "SELECT seq FROM log WHERE hash = ?1",
	[HEAD] = "SELECT coalesce(max(seq), 0) FROM log",
	[FLOOR] = "SELECT coalesce(min(seq), 1) FROM log",
	[INSERT] = "INSERT INTO log(seq, hash, entry) VALUES (?1, ?2, ?3)",
	[READ] = "SELECT seq, entry FROM log WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
	[DROP] = "DELETE FROM log WHERE seq < ?1",
};

void sqlite_trouble(struct sqlite_engine *e, const char *what)
{
	snprintf(e->health.trouble, sizeof(e->health.trouble), "%s: %s", what,
		 e->db != NULL ? sqlite3_errmsg(e->db) : "not open");
	e->health.reachable = false;
}

void sqlite_reached(struct sqlite_engine *e)
{
	e->health.reachable = true;
	e->health.trouble[0] = '\0';
}

int sqlite_run(struct sqlite_engine *e, enum statement which, int64_t *value)
{
	sqlite3_stmt *s = e->statement[which];
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW && value != NULL)
		*value = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return rc;
}

/* The standard handler sleeps up to 100 ms and starves a writer among many; this one also stops. */
static int on_busy(void *ctx, int count)
{
	struct sqlite_engine *e = ctx;

	if (atomic_load(&e->stop) || count >= BUSY_MS / BUSY_STEP_MS)
		return 0;
	sqlite3_sleep(BUSY_STEP_MS);
	return 1;
}

void sqlite_file_close(struct sqlite_engine *e)
{
	for (unsigned i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(e->statement[i]);
		e->statement[i] = NULL;
	}
	sqlite3_close(e->db);
	e->db = NULL;
}

bool sqlite_file_same(const struct sqlite_engine *e)
{
	struct stat st;

	return e->db != NULL && stat(e->path, &st) == 0 && st.st_dev == e->device &&
	       st.st_ino == e->inode;
}

static int64_t number_of(struct sqlite_engine *e, const char *query)
{
	sqlite3_stmt *s = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(e->db, query, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

/* Processes that start together compete for the switch, which does not wait for the busy handler.
 */
static bool use_wal(struct sqlite_engine *e)
{
	sqlite3_stmt *s = NULL;
	int rc = SQLITE_BUSY;
	bool wal = false;

	for (unsigned i = 0; rc == SQLITE_BUSY && on_busy(e, (int)i); i++) {
		rc = sqlite3_prepare_v2(e->db, "PRAGMA journal_mode = WAL", -1, &s, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_step(s);
		if (rc == SQLITE_ROW)
			wal = strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
		sqlite3_finalize(s);
	}
	return wal;
}

/* 0, PERM for another network's file, IO. */
static int check_net(struct sqlite_engine *e)
{
	sqlite3_stmt *s = NULL;
	int err = ASSAY_E_IO;

	if (sqlite3_prepare_v2(e->db, "SELECT l0 FROM network", -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW) {
		bool same = sqlite3_column_bytes(s, 0) == sizeof(e->net) &&
			    memcmp(sqlite3_column_blob(s, 0), e->net, sizeof(e->net)) == 0;

		err = same ? 0 : ASSAY_E_PERM;
	}
	sqlite3_finalize(s);
	return err;
}

static int make_tables(struct sqlite_engine *e)
{
	char hex[65], text[1024];

	hex_encode(hex, e->net, sizeof(e->net));
	snprintf(
		text, sizeof(text),
		"BEGIN IMMEDIATE;"
		"CREATE TABLE IF NOT EXISTS log(seq INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
		" entry BLOB NOT NULL);"
		"CREATE TABLE IF NOT EXISTS network(one INTEGER PRIMARY KEY CHECK (one = 1),"
		" l0 BLOB NOT NULL);"
		"INSERT OR IGNORE INTO network(one, l0) VALUES (1, x'%s');"
		"PRAGMA application_id = %d;"
		"COMMIT;",
		hex, APPLICATION_ID);
	return sqlite3_exec(e->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : ASSAY_E_IO;
}

/* Is it ours, or nobody's yet? */
static int prepare(struct sqlite_engine *e)
{
	int64_t id = number_of(e, "PRAGMA application_id");
	int err;

	if (id != APPLICATION_ID) {
		if (id != 0 || number_of(e, "SELECT count(*) FROM sqlite_schema") != 0)
			return id < 0 ? ASSAY_E_IO : ASSAY_E_CORRUPT;
		err = make_tables(e);
		if (err != 0)
			return err;
	}
	for (unsigned i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(e->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &e->statement[i], NULL) != SQLITE_OK)
			return ASSAY_E_CORRUPT;
	return check_net(e);
}

int sqlite_file_open(struct sqlite_engine *e)
{
	struct stat st;
	int err = ASSAY_E_IO;

	if (sqlite3_open_v2(e->path, &e->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		goto fail;
	sqlite3_busy_handler(e->db, on_busy, e);
	sqlite3_limit(e->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	if (!use_wal(e) ||
	    sqlite3_exec(e->db, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864",
			 NULL, NULL, NULL) != SQLITE_OK)
		goto fail;
	err = prepare(e);
	if (err != 0)
		goto fail;
	if (stat(e->path, &st) != 0) {
		err = ASSAY_E_IO;
		goto fail;
	}
	e->device = st.st_dev;
	e->inode = st.st_ino;
	e->head = 0;
	sqlite_reached(e);
	return 0;
fail:
	sqlite_trouble(e, "cannot open the log");
	sqlite_file_close(e);
	return err;
}

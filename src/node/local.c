/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/local_impl.h"
#include "node/local_schema.h"

static const char *const texts[S_COUNT] = {
#define X(name, sql) sql,
	STATEMENTS(X)
#undef X
};

#define STATE_KEY "lep6.last_submitted_epoch"

int local_open(struct local **out, sqlite3 *db, char *why, size_t why_room)
{
	struct local *l = calloc(1, sizeof(*l));
	int error;

	*out = NULL;
	must(l != NULL);
	l->db = db;
	error = local_migrate(db, why, why_room);
	for (int i = 0; error == 0 && i < S_COUNT; i++)
		if (sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &l->statement[i], NULL) != SQLITE_OK)
			error = local_fault(db, why, why_room);
	if (error != 0)
		local_close(l);
	else
		*out = l;
	return error;
}

void local_close(struct local *l)
{
	if (l == NULL)
		return;
	for (int i = 0; i < S_COUNT; i++)
		sqlite3_finalize(l->statement[i]);
	free(l);
}

sqlite3_stmt *local_text(struct local *l, enum statement which, int at, const char *text)
{
	sqlite3_bind_text(l->statement[which], at, text, -1, SQLITE_STATIC);
	return l->statement[which];
}

/* Parameters 1 to 3 of most statements. */
static sqlite3_stmt *with_key(struct local *l, enum statement which, const struct recheck_key *key)
{
	sqlite3_bind_int64(l->statement[which], 1, (sqlite3_int64)key->epoch);
	local_text(l, which, 2, key->ticket);
	return local_text(l, which, 3, key->target);
}

void local_reset(sqlite3_stmt *s)
{
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

int local_run(sqlite3_stmt *s)
{
	int result = sqlite3_step(s);

	local_reset(s);
	return result == SQLITE_DONE ? 0 : ASSAY_E_IO;
}

/* --- the last epoch
 * ------------------------------------------------------------------------------------------
 */

int local_last_epoch(struct local *l, uint64_t *epoch)
{
	sqlite3_stmt *s = local_text(l, S_GET_STATE, 1, STATE_KEY);
	int result = sqlite3_step(s);

	if (result == SQLITE_ROW)
		*epoch = (uint64_t)sqlite3_column_int64(s, 0);
	local_reset(s);
	if (result == SQLITE_ROW)
		return 0;
	return result == SQLITE_DONE ? ASSAY_E_NOTFOUND : ASSAY_E_IO;
}

int local_set_last_epoch(struct local *l, uint64_t epoch, uint64_t now_ms)
{
	sqlite3_stmt *s = local_text(l, S_SET_STATE, 1, STATE_KEY);

	sqlite3_bind_int64(s, 2, (sqlite3_int64)epoch);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)now_ms);
	return local_run(s);
}

/* --- rechecks
 * ------------------------------------------------------------------------------------------------
 */

static const char *const statuses[] = {"", "pending", "submitted", "closed"};

static int status_read(enum recheck_status *out, const char *text)
{
	for (unsigned i = RECHECK_PENDING; i <= RECHECK_CLOSED; i++)
		if (strcmp(text, statuses[i]) == 0) {
			*out = (enum recheck_status)i;
			return 0;
		}
	return ASSAY_E_CORRUPT;
}

static int find(void *ctx, enum recheck_status *status, const struct recheck_key *key)
{
	sqlite3_stmt *s = with_key(ctx, S_FIND, key);
	int result = sqlite3_step(s), error = ASSAY_E_IO;

	if (result == SQLITE_ROW)
		error = status_read(status, (const char *)sqlite3_column_text(s, 0));
	else if (result == SQLITE_DONE)
		error = ASSAY_E_NOTFOUND;
	local_reset(s);
	return error;
}

static sqlite3_stmt *with_row(struct local *l, enum statement which, const struct recheck_row *row,
			      uint64_t now_ms)
{
	sqlite3_stmt *s = with_key(l, which, &row->key);

	local_text(l, which, 4, row->challenged);
	local_text(l, which, 5, row->recheck);
	sqlite3_bind_int(s, 6, (int)row->result);
	sqlite3_bind_int64(s, 7, (sqlite3_int64)now_ms);
	return s;
}

static int stage(void *ctx, enum recheck_status *there, const struct recheck_row *row,
		 uint64_t now_ms)
{
	struct local *l = ctx;
	int error;

	if (row->key.epoch == 0 || row->key.ticket[0] == '\0')
		return ASSAY_E_INVAL;
	error = local_run(with_row(l, S_STAGE, row, now_ms));
	if (error != 0 || sqlite3_changes(l->db) == 1)
		return error;
	error = find(l, there, &row->key);
	return error == 0 ? ASSAY_E_EXISTS : error;
}

static int renew(void *ctx, const struct recheck_row *row, uint64_t now_ms)
{
	return local_run(with_row(ctx, S_RENEW, row, now_ms));
}

static int mark(void *ctx, const struct recheck_key *key, enum recheck_status status)
{
	struct local *l = ctx;

	local_text(l, S_MARK, 4, statuses[status]);
	return local_run(with_key(l, S_MARK, key));
}

static int drop(void *ctx, const struct recheck_key *key)
{
	return local_run(with_key(ctx, S_DROP, key));
}

static int failures(void *ctx, unsigned *count, const struct recheck_key *key, uint64_t now_ms)
{
	sqlite3_stmt *s = with_key(ctx, S_FAILURES, key);
	int result;

	sqlite3_bind_int64(s, 4, (sqlite3_int64)now_ms);
	result = sqlite3_step(s);
	*count = result == SQLITE_ROW ? (unsigned)sqlite3_column_int(s, 0) : 0;
	local_reset(s);
	return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : ASSAY_E_IO;
}

static int fail(void *ctx, const struct recheck_key *key, const char *text, uint64_t expires_ms)
{
	sqlite3_stmt *s = with_key(ctx, S_FAIL, key);

	local_text(ctx, S_FAIL, 4, text);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)expires_ms);
	return local_run(s);
}

static int purge(void *ctx, uint64_t now_ms)
{
	struct local *l = ctx;

	sqlite3_bind_int64(l->statement[S_PURGE], 1, (sqlite3_int64)now_ms);
	return local_run(l->statement[S_PURGE]);
}

struct recheck_store local_rechecks(struct local *l)
{
	return (struct recheck_store){stage, renew, mark, drop, find, failures, fail, purge, l};
}

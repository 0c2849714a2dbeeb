/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of healing: claims and votes of this node (docs/healing.md, "Rows"). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "node/local_impl.h"

static sqlite3_stmt *with_op(struct local *l, enum statement which, uint64_t op)
{
	sqlite3_bind_int64(l->statement[which], 1, (sqlite3_int64)op);
	return l->statement[which];
}

/* Inserts: EXISTS when the key is there. */
static int put(struct local *l, sqlite3_stmt *s)
{
	int error = local_run(s);

	return error == 0 && sqlite3_changes(l->db) == 0 ? ASSAY_E_EXISTS : error;
}

static int copy_text(char *out, size_t room, sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	if (text == NULL || strlen(text) >= room)
		return ASSAY_E_CORRUPT;
	strcpy(out, text);
	return 0;
}

static int copy_status(enum heal_row_status *out, sqlite3_stmt *s, int column)
{
	char text[16];
	int error = copy_text(text, sizeof(text), s, column);

	if (error != 0)
		return error;
	*out = strcmp(text, "pending") == 0 ? HEAL_ROW_PENDING : HEAL_ROW_SUBMITTED;
	return *out == HEAL_ROW_PENDING || strcmp(text, "submitted") == 0 ? 0 : ASSAY_E_CORRUPT;
}

/* --- claims */

static int claim_put(void *ctx, const struct heal_claim_row *row, uint64_t now_ms)
{
	struct local *l = ctx;
	sqlite3_stmt *s = with_op(l, S_CLAIM_PUT, row->op);
	char folder[24];

	snprintf(folder, sizeof(folder), "%" PRIu64, row->op);
	local_text(l, S_CLAIM_PUT, 2, row->ticket);
	local_text(l, S_CLAIM_PUT, 3, row->hash);
	local_text(l, S_CLAIM_PUT, 4, folder);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)now_ms);
	return put(l, s);
}

/* What a statement for several rows yields: read into the n-th place. */
static int step_all(sqlite3_stmt *s, void *out, size_t *n, size_t room,
		    int (*read)(void *out, size_t at, sqlite3_stmt *s))
{
	int result = SQLITE_DONE, error = 0;

	for (*n = 0; error == 0 && *n < room && (result = sqlite3_step(s)) == SQLITE_ROW; ++*n)
		error = read(out, *n, s);
	local_reset(s);
	if (error != 0)
		return error;
	return result == SQLITE_ROW || result == SQLITE_DONE ? 0 : ASSAY_E_IO;
}

static int claim_at(void *out, size_t at, sqlite3_stmt *s)
{
	struct heal_claim_row *row = (struct heal_claim_row *)out + at;
	int error;

	row->op = (uint64_t)sqlite3_column_int64(s, 0);
	error = copy_text(row->ticket, sizeof(row->ticket), s, 1);
	if (error == 0)
		error = copy_text(row->hash, sizeof(row->hash), s, 2);
	return error == 0 ? copy_status(&row->status, s, 3) : error;
}

static int claims(void *ctx, struct heal_claim_row *out, size_t *n, size_t room, uint64_t after)
{
	sqlite3_stmt *s = with_op(ctx, S_CLAIMS, after);

	sqlite3_bind_int64(s, 2, (sqlite3_int64)room);
	return step_all(s, out, n, room, claim_at);
}

static int claim_find(void *ctx, struct heal_claim_row *out, uint64_t op)
{
	size_t n;
	int error = step_all(with_op(ctx, S_CLAIM_FIND, op), out, &n, 1, claim_at);

	return error == 0 && n == 0 ? ASSAY_E_NOTFOUND : error;
}

static int claim_mark(void *ctx, uint64_t op)
{
	return local_run(with_op(ctx, S_CLAIM_MARK, op));
}

static int claim_drop(void *ctx, uint64_t op, bool pending_only)
{
	local_text(ctx, S_CLAIM_DROP, 2, pending_only ? "" : "submitted");
	return local_run(with_op(ctx, S_CLAIM_DROP, op));
}

int local_heal_claims(struct local *l, uint64_t *count)
{
	sqlite3_stmt *s = l->statement[S_CLAIM_COUNT];
	int result = sqlite3_step(s);

	*count = result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
	local_reset(s);
	return result == SQLITE_ROW ? 0 : ASSAY_E_IO;
}

/* --- votes */

static sqlite3_stmt *with_vote(struct local *l, enum statement which, const char *self, uint64_t op)
{
	local_text(l, which, 2, self);
	return with_op(l, which, op);
}

static int vote_put(void *ctx, const char *self, const struct heal_vote_row *row, uint64_t now_ms)
{
	struct local *l = ctx;
	sqlite3_stmt *s = with_vote(l, S_VOTE_PUT, self, row->op);

	sqlite3_bind_int(s, 3, row->verified);
	local_text(l, S_VOTE_PUT, 4, row->hash);
	sqlite3_bind_int64(s, 5, (sqlite3_int64)now_ms);
	return put(l, s);
}

static int vote_at(void *out, size_t at, sqlite3_stmt *s)
{
	struct heal_vote_row *row = (struct heal_vote_row *)out + at;
	int error;

	row->op = (uint64_t)sqlite3_column_int64(s, 0);
	row->verified = sqlite3_column_int(s, 1) != 0;
	error = copy_text(row->hash, sizeof(row->hash), s, 2);
	return error == 0 ? copy_status(&row->status, s, 3) : error;
}

static int votes(void *ctx, const char *self, struct heal_vote_row *out, size_t *n, size_t room,
		 uint64_t after)
{
	sqlite3_stmt *s = with_vote(ctx, S_VOTES, self, after);

	sqlite3_bind_int64(s, 3, (sqlite3_int64)room);
	return step_all(s, out, n, room, vote_at);
}

static int vote_find(void *ctx, const char *self, struct heal_vote_row *out, uint64_t op)
{
	size_t n;
	int error = step_all(with_vote(ctx, S_VOTE_FIND, self, op), out, &n, 1, vote_at);

	return error == 0 && n == 0 ? ASSAY_E_NOTFOUND : error;
}

static int vote_mark(void *ctx, const char *self, uint64_t op)
{
	return local_run(with_vote(ctx, S_VOTE_MARK, self, op));
}

static int vote_drop(void *ctx, const char *self, uint64_t op, bool pending_only)
{
	local_text(ctx, S_VOTE_DROP, 3, pending_only ? "" : "submitted");
	return local_run(with_vote(ctx, S_VOTE_DROP, self, op));
}

struct heal_store local_heals(struct local *l)
{
	return (struct heal_store){claim_put,  claim_find, claims,    claim_mark,
				   claim_drop, vote_put,   vote_find, votes,
				   vote_mark,  vote_drop,  l};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch end, last step: what is too old to count is forgotten. */
#include <inttypes.h>
#include <string.h>

#include "ledger/heal.h"
#include "ledger/scores.h"

/* Tables whose keys begin with the epoch. */
static void prune_by_epoch(struct tables *t, enum table_id table, uint64_t first)
{
	char end[KEY_ROOM];
	struct record *r, *next;

	key_epoch(end, first);
	for (r = table_first(t, table); r != NULL && strcmp(r->key, end) < 0; r = next) {
		next = table_next(t, r);
		table_remove(t, r);
	}
}

/*
 * Tables whose keys begin with an account and then the epoch: of each account only what goes is
 * looked at. forget, if given, takes a record out of its other order.
 */
static void prune_by_account(struct state *s, enum table_id table, uint64_t first,
			     void (*forget)(struct state *s, struct record *r))
{
	struct tables *t = state_tables(s);
	struct record *r = table_first(t, table), *next;
	char end[KEY_ROOM];

	while (r != NULL) {
		int account = (int)strcspn(r->key, "/");

		key_format(end, "%.*s/%020" PRIu64, account, r->key, first);
		for (; r != NULL && strcmp(r->key, end) < 0; r = next) {
			next = table_next(t, r);
			if (forget != NULL)
				forget(s, r);
			table_remove(t, r);
		}
		/* "0" is what comes after "/". */
		end[account] = '0';
		end[account + 1] = '\0';
		r = table_from(t, table, end);
	}
}

static void forget_result(struct state *s, struct record *r)
{
	index_take_result(&state_scores(s)->index, (struct reporter_result *)r);
}

/* By their second order: old ones stand before the others of their target and bucket. */
static void prune_transcripts(struct state *s, uint64_t first)
{
	struct index *x = &state_scores(s)->index;
	struct transcript_record *r = index_transcript_from(x, "", 0, 0), *next;

	while (r != NULL) {
		if (r->epoch >= first) {
			r = index_transcript_from(x, text_of(r->target), r->bucket + 1, 0);
			continue;
		}
		next = index_transcript_next(r);
		index_take_transcript(x, r);
		table_remove(state_tables(s), r);
		r = next;
	}
}

static void prune_votes(struct tables *t, const struct heal_op *op)
{
	char prefix[KEY_ROOM];
	struct record *r, *next;

	key_format(prefix, "%020" PRIu64 "/", op->id);
	for (r = table_from(t, T_HEAL_VOTES, prefix); record_within(r, prefix); r = next) {
		next = table_next(t, r);
		table_remove(t, r);
	}
}

static void prune_ops(struct state *s, uint64_t epoch, uint64_t keep)
{
	struct tables *t = state_tables(s);
	struct heal_op *op, *next;

	for (op = table_first(t, T_HEAL_OPS); op != NULL; op = next) {
		next = table_next(t, op);
		if (!heal_op_final(op) || epoch < keep || op->scheduled_epoch >= epoch - keep)
			continue;
		prune_votes(t, op);
		index_take_op(&state_scores(s)->index, op);
		table_remove(t, op);
	}
}

static void prune_deteriorations(struct tables *t, uint64_t epoch, uint64_t keep)
{
	struct ticket_deterioration *d, *next;

	if (epoch <= keep)
		return;
	for (d = table_first(t, T_TICKET_DETERIORATION); d != NULL; d = next) {
		next = table_next(t, d);
		if (d->last_updated_epoch < epoch - keep && d->deterioration_score == 0 &&
		    d->active_heal_op_id == 0)
			table_remove(t, d);
	}
}

void prune_scores(struct state *s, uint64_t epoch)
{
	struct tables *t = state_tables(s);
	uint64_t keep = state_params(s)->keep_last_epoch_entries, first = above(epoch + 1, keep);

	prune_by_epoch(t, T_ANCHORS, first);
	prune_by_epoch(t, T_RECHECKS, first);
	prune_by_epoch(t, T_REPORTS, first);
	prune_by_account(s, T_FAILED_HEALS, first, NULL);
	prune_by_account(s, T_NODE_FAILURES, first, NULL);
	prune_by_account(s, T_REPORTER_RESULTS, first, forget_result);
	prune_transcripts(s, first);
	prune_ops(s, epoch, keep);
	prune_deteriorations(t, epoch, keep);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The healer's claim and the verifiers' votes. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "ledger/buf.h"
#include "ledger/heal.h"
#include "ledger/scores.h"

#define HEALED_SCORE_MIN 8
#define HEALED_DIVISOR	 4

/* Appends to the notes what is left of the details without white space around it. */
static void add_note(struct heal_op *op, const char *details)
{
	struct buf notes = {0};
	char cut[257], *text = cut;
	size_t len;

	details_cut(cut, details);
	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	if (len == 0)
		return;
	text[len] = '\0';
	if (op->notes != NULL) {
		buf_text(&notes, op->notes);
		buf_text(&notes, " | ");
	}
	buf_text(&notes, text);
	text_set(&op->notes, notes.at);
	buf_free(&notes);
}

static unsigned wrong_status(const struct heal_op *op, const char **reason, const char *word)
{
	return refuse(reason, VERDICT_HEAL_OP_STATE,
		      op->status == HEAL_EXPIRED ? "PAST_DEADLINE" : word);
}

static unsigned check_claim(struct state *s, const struct heal_op *op, const char *author,
			    const char *hash, const char **reason)
{
	struct ticket *ticket = ticket_find(s, text_of(op->ticket));

	if (strcmp(text_of(op->healer), author) != 0)
		return VERDICT_HEAL_OP_UNAUTHORIZED;
	if (op->status != HEAL_SCHEDULED && op->status != HEAL_IN_PROGRESS)
		return wrong_status(op, reason, "NOT_CLAIMABLE");
	if (op->verifiers.n == 0)
		return refuse(reason, VERDICT_HEAL_OP_STATE, "NO_VERIFIERS");
	if (ticket != NULL && strcmp(text_of(ticket->data_hash), hash) != 0)
		return VERDICT_HEAL_VOTE_INVALID;
	return VERDICT_OK;
}

unsigned apply_heal_claim(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			  const char **reason)
{
	uint64_t id = data_number(data, "heal_op_id");
	const char *ticket = data_text(data, "ticket"),
		   *hash = data_text(data, "heal_manifest_hash");
	struct heal_op *op = heal_op_find(s, id);
	unsigned code;

	if (*ctx->author == '\0')
		return VERDICT_BAD_SIGNER;
	if (id == 0)
		return VERDICT_HEAL_OP_UNKNOWN;
	if (*ticket == '\0')
		return VERDICT_HEAL_OP_TICKET;
	if (*hash == '\0')
		return refuse(reason, VERDICT_HEAL_OP_STATE, "EMPTY_HASH");
	if (op == NULL)
		return VERDICT_HEAL_OP_UNKNOWN;
	if (strcmp(text_of(op->ticket), ticket) != 0)
		return VERDICT_HEAL_OP_TICKET;
	code = check_claim(s, op, ctx->author, hash, reason);
	if (code != VERDICT_OK)
		return code;

	heal_op_set_status(s, op, HEAL_HEALER_REPORTED);
	text_set(&op->result_hash, hash);
	add_note(op, data_text(data, "details"));
	state_event_named(s, "storage_truth_heal_op_healer_reported", ctx->author, op->ticket);
	return VERDICT_OK;
}

static struct heal_vote *vote_find(struct state *s, const struct heal_op *op, const char *verifier)
{
	char key[KEY_ROOM];

	return table_find(state_tables(s), T_HEAL_VOTES,
			  key_format(key, "%020" PRIu64 "/%s", op->id, verifier));
}

/* The ticket is well again: its past failures no longer count. */
static void reward_ticket(struct state *s, const struct heal_op *op)
{
	struct ticket_deterioration *d =
		table_find(state_tables(s), T_TICKET_DETERIORATION, text_of(op->ticket));
	uint64_t epoch = state_epoch(s);

	if (d == NULL)
		return;
	table_touch(state_tables(s), d);
	d->deterioration_score /= HEALED_DIVISOR;
	if (d->deterioration_score < HEALED_SCORE_MIN)
		d->deterioration_score = HEALED_SCORE_MIN;
	if (d->active_heal_op_id == op->id)
		d->active_heal_op_id = 0;
	d->last_heal_epoch = epoch;
	d->probation_until_epoch = epoch + state_params(s)->storage_truth_probation_epochs;
	d->distinct_holder_failure_count = d->recent_failure_epoch_count = 0;
	d->last_index_failure_epoch = d->last_failure_epoch = 0;
}

/* Settles the op when the votes of its verifiers have a majority; ties wait for the deadline. */
static void count_votes(struct state *s, struct heal_op *op, const char *hash, const char *details)
{
	size_t for_it = 0, against = 0, majority = op->verifiers.n / 2 + 1;
	bool failed;

	for (size_t i = 0; i < op->verifiers.n; i++) {
		struct heal_vote *vote = vote_find(s, op, op->verifiers.at[i]);

		for_it += vote != NULL && vote->verified;
		against += vote != NULL && !vote->verified;
	}
	failed = against >= majority;
	if (!failed && for_it < majority)
		return;
	heal_op_set_status(s, op, failed ? HEAL_FAILED : HEAL_VERIFIED);
	text_set(&op->result_hash, hash);
	add_note(op, details);
	if (failed)
		heal_op_charge(s, op, state_epoch(s));
	else
		reward_ticket(s, op);
	state_event_named(
		s, failed ? "storage_truth_heal_op_failed" : "storage_truth_heal_op_verified",
		op->healer, op->ticket);
}

unsigned apply_heal_vote(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			 const char **reason)
{
	uint64_t id = data_number(data, "heal_op_id");
	const char *hash = data_text(data, "verification_hash");
	bool verified = data_flag(data, "verified");
	struct heal_op *op = heal_op_find(s, id);
	struct heal_vote *vote;
	char key[KEY_ROOM];

	if (*ctx->author == '\0')
		return VERDICT_BAD_SIGNER;
	if (id == 0)
		return VERDICT_HEAL_OP_UNKNOWN;
	if (*hash == '\0')
		return refuse(reason, VERDICT_HEAL_OP_STATE, "EMPTY_HASH");
	if (op == NULL)
		return VERDICT_HEAL_OP_UNKNOWN;
	if (op->status != HEAL_HEALER_REPORTED)
		return wrong_status(op, reason, "NOT_VERIFIABLE");
	if (!texts_have(&op->verifiers, ctx->author))
		return VERDICT_HEAL_OP_UNAUTHORIZED;
	if (vote_find(s, op, ctx->author) != NULL)
		return VERDICT_HEAL_VOTE_EXISTS;
	if (verified && strcmp(text_of(op->result_hash), hash) != 0)
		return VERDICT_HEAL_VOTE_INVALID;

	vote = table_put(state_tables(s), T_HEAL_VOTES,
			 key_format(key, "%020" PRIu64 "/%s", id, ctx->author));
	vote->verified = verified;
	count_votes(s, op, hash, data_text(data, "details"));
	return VERDICT_OK;
}

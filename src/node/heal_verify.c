/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier: hashes what the healer has staged, and votes. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "node/heal_impl.h"

#define READ_PER_MS_MIN (8 * 1024 * 1024 / 1000) /* octets that a healer has to keep up */

uint64_t heal_verify_limit_ns(const struct heal *h, const struct heal_job *job)
{
	uint64_t ms = h->settings.fetch_timeout_ms, by_size = job->size / READ_PER_MS_MIN;

	return (by_size > ms ? by_size : ms) * NS_PER_MS;
}

static int drop(struct heal *h, uint64_t op, bool pending_only)
{
	int error = h->store.vote_drop(h->store.ctx, h->ctx->self, op, pending_only);

	if (error != 0)
		heal_row_error(h, op, "the vote's row cannot be deleted", error);
	return error;
}

static void mark(struct heal *h, uint64_t op)
{
	int error = h->store.vote_mark(h->store.ctx, h->ctx->self, op);

	if (error != 0)
		heal_row_error(h, op, "the vote's row cannot be marked", error);
}

/* --- dispatch */

/* 1: the ledger has this node's vote; 0: it has not; or a code. */
static int voted(const struct heal *h, uint64_t op)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	bool verified;
	int error = ledger->heal_vote(ledger->ctx, &verified, op, h->ctx->self);

	return error == ASSAY_E_NOTFOUND ? 0 : error == 0 ? 1 : error;
}

/*
 * A vote that was about to be sent and is not on the ledger is begun anew: should the first one
 * still come, the ledger takes one of the two.
 */
static bool may_vote(struct heal *h, uint64_t op)
{
	struct heal_vote_row row;
	int error = h->store.vote_find(h->store.ctx, h->ctx->self, &row, op), there = voted(h, op);

	if (error != 0 && error != ASSAY_E_NOTFOUND) {
		heal_row_error(h, op, "the vote's row cannot be read", error);
		return false;
	}
	if (there < 0 || (error == 0 && row.status == HEAL_ROW_SUBMITTED))
		return false;
	if (there == 1) {
		mark(h, op);
		return false;
	}
	return error == ASSAY_E_NOTFOUND || drop(h, op, true) == 0;
}

/* Why nothing is read for it, or NULL. */
static const char *no_vote_on(const struct heal *h, const struct heal_op *op,
			      const struct ticket *ticket)
{
	if (text_of(op->result_hash)[0] == '\0')
		return "the claim names no hash";
	if (heal_late(h, op->deadline_epoch))
		return "it is too late to vote";
	if (ticket == NULL)
		return "the ledger does not know the ticket";
	if (ticket->size > h->settings.reconstructed_max)
		return "the file is larger than max_reconstructed_bytes";
	return NULL;
}

void heal_verify_dispatch(void *heal, const struct heal_op *op)
{
	struct heal *h = heal;
	struct heal_job *job;
	const struct ticket *ticket;
	const char *why;

	if (!texts_have(&op->verifiers, h->ctx->self))
		return;
	job = heal_job_get(h, op->id, HEAL_ROLE_VERIFIER);
	if (job->phase != JOB_IDLE || !may_vote(h, op->id))
		return;
	ticket = heal_ticket(h, text_of(op->ticket));
	why = no_vote_on(h, op, ticket);
	if (why != NULL) {
		h->ctx->counters.heal_withheld += heal_job_refrain(h, job, why);
		return;
	}
	heal_job_fill(job, op);
	job->size = ticket->size;
	heal_job_order(job, HEAL_HASH);
}

/* --- voting */

struct vote {
	bool verified;
	char hash[HEAL_HASH_ROOM];
	char details[256];
};

static char *vote_data(uint64_t op, const struct vote *v)
{
	return heal_text(json_pack("{s:I, s:b, s:s, s:s}", "heal_op_id", (json_int_t)op, "verified",
				   v->verified, "verification_hash", v->hash, "details",
				   v->details));
}

static void withhold(struct heal *h, struct heal_job *job, const char *why)
{
	h->ctx->counters.heal_withheld++;
	heal_job_failed(h, job, "%s: no vote", why);
}

static void vote(struct heal *h, struct heal_job *job, const struct vote *v, struct moment now,
		 struct effects *out)
{
	struct heal_vote_row row = {
		.op = job->op, .verified = v->verified, .status = HEAL_ROW_PENDING};
	int error;

	if (heal_late(h, job->deadline_epoch)) {
		withhold(h, job, "it is too late to vote");
		return;
	}
	if (heal_fits(h, job) != 1 || voted(h, job->op) != 0) {
		withhold(h, job, "the op has moved on, has the vote, or cannot be read");
		return;
	}
	strcpy(row.hash, v->hash);
	error = h->store.vote_put(h->store.ctx, h->ctx->self, &row, now.wall_ms);
	if (error != 0) {
		withhold(h, job,
			 error == ASSAY_E_EXISTS ? "there is a vote on this op already"
						 : "the vote's row cannot be written");
		return;
	}
	failpoint(&h->failpoints, FAIL_VOTE_PENDING);
	job->verified = v->verified;
	if (failpoint(&h->failpoints, FAIL_VOTE_UNSENT)) {
		h->ctx->counters.heal_messages[HEAL_VOTE][HEAL_SAYS_TRANSIENT]++;
		heal_job_failed(h, job, "the vote was not sent");
		return;
	}
	heal_job_log(h, job, "votes", "verified=%d hash=%s details=\"%s\"", v->verified, v->hash,
		     v->details);
	heal_job_send(h, job, "heal_vote", vote_data(job->op, v), 0, out);
}

/* The hash stands for the reason alone, so all verifiers give the same one; words are details. */
static void vote_against(struct heal *h, struct heal_job *job, const char *reason, const char *why,
			 struct moment now, struct effects *out)
{
	struct vote v = {.verified = false};

	heal_negative_hash(v.hash, reason);
	snprintf(v.details, sizeof(v.details), "%s: %s", reason, why);
	/* What others have a part in may be cut within a character, and JSON takes no half ones. */
	for (char *p = v.details; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	vote(h, job, &v, now, out);
}

static void vote_on(struct heal *h, struct heal_job *job, const char *hash, struct moment now,
		    struct effects *out)
{
	struct vote v = {.verified = strcmp(hash, job->hash) == 0};

	snprintf(v.hash, sizeof(v.hash), "%s", hash);
	strcpy(v.details, v.verified ? "" : "reason_hash_mismatch");
	vote(h, job, &v, now, out);
}

/* A try that our own deadline cut short says nothing about the healer. */
static void fetch_failed(struct heal *h, struct heal_job *job, const char *why, bool counts,
			 struct moment now, struct effects *out)
{
	uint64_t delay_ms = h->settings.fetch_backoff_ms;

	job->tries += counts;
	for (unsigned i = 1; i < job->tries && delay_ms < h->settings.op_timeout_ms; i++)
		delay_ms *= 2;
	if (counts && job->tries < h->settings.fetch_attempts &&
	    now.mono_ns + delay_ms * NS_PER_MS < job->end_ns) {
		heal_job_failed(h, job, "%s", why);
		heal_job_pause(job, delay_ms, now);
	} else if (job->tries > 0) {
		heal_job_failed(h, job, "%s", why);
		vote_against(h, job, "reason_fetch_failed", why, now, out);
	} else {
		h->ctx->counters.heal_withheld++;
		heal_job_failed(h, job, "the deadline came before the staged file, no vote: %s",
				why);
	}
}

void heal_verify_healed(struct heal *h, struct heal_job *job, const struct heal_done *done,
			enum heal_end end, struct moment now, struct effects *out)
{
	switch (end) {
	case HEAL_END_DONE:
		failpoint(&h->failpoints, FAIL_VOTE_FETCHED);
		vote_on(h, job, done->hash, now, out);
		break;
	case HEAL_END_WRONG:
		vote_against(h, job, "reason_hash_compute_failed", done->why, now, out);
		break;
	case HEAL_END_REMOTE:
		fetch_failed(h, job, done->why, true, now, out);
		break;
	case HEAL_END_LATE:
		fetch_failed(h, job, done->why, !job->cut, now, out);
		break;
	default: /* ours, or cancelled */
		withhold(h, job, done->why);
		break;
	}
}

void heal_verify_verdict(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome)
{
	failpoint(&h->failpoints, FAIL_VOTE_SUBMITTED);
	switch (heal_says_of(h, job, HEAL_VOTE, outcome, FAIL_VOTE_ACK_LOST, FAIL_VOTE_GARBLED)) {
	case HEAL_SAYS_ACCEPTED:
		h->ctx->counters.heal_votes[job->verified]++;
		mark(h, job->op);
		heal_job_rest(job);
		break;
	case HEAL_SAYS_EXISTS:
		mark(h, job->op);
		heal_job_rest(job);
		break;
	case HEAL_SAYS_TRANSIENT:
	case HEAL_SAYS_INDETERMINATE:
		heal_job_failed(h, job, "the vote has no verdict");
		break;
	default:
		heal_job_failed(h, job, "the vote was refused: %u %s", outcome->code,
				outcome->reason);
		drop(h, job->op, true);
		break;
	}
}

void heal_verify_forget(struct heal *h, const struct heal_vote_row *row)
{
	const struct heal_op *op;
	int error = heal_op_read(h, &op, row->op);

	if (error == ASSAY_E_NOTFOUND || (error == 0 && heal_op_final(op)))
		drop(h, row->op, false);
}

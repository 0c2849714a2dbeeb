/* SPDX-License-Identifier: Apache-2.0 */
/* What others ask of healing: who may read staged bytes, and how the ops stand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "node/heal_impl.h"

/* --- grants */

struct granting {
	struct heal_grant *out;
	unsigned n, room;
};

static void grant(const struct heal *h, struct granting *g, const struct heal_op *op,
		  const char *verifier)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	const struct node *node = ledger->node(ledger->ctx, verifier);
	struct heal_grant one = {.op = op->id, .until_epoch = op->deadline_epoch};

	if (node == NULL || hex_decode(one.key, 32, text_of(node->key)) != 0 ||
	    strlen(verifier) >= sizeof(one.account))
		return;
	strcpy(one.account, verifier);
	if (g->n < g->room)
		g->out[g->n] = one;
	g->n++;
}

/* The checks in the order of docs/healing.md, "Who may read"; the status was asked for. */
static void grants_of(const struct heal *h, struct granting *g, const struct heal_op *op)
{
	if (strcmp(text_of(op->healer), h->ctx->self) != 0 || op->verifiers.n == 0 ||
	    text_of(op->result_hash)[0] == '\0' ||
	    heal_staged(h, op->id, text_of(op->result_hash)) != 0)
		return;
	for (size_t i = 0; i < op->verifiers.n; i++)
		grant(h, g, op, op->verifiers.at[i]);
}

unsigned heal_grants(const struct heal *h, struct heal_grant *out, unsigned room)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	const struct heal_op *page[HEAL_PAGE_MAX];
	struct granting g = {out, 0, room};
	uint64_t cursor = 0;

	do {
		int n = ledger->heal_ops(ledger->ctx, page, &cursor, HEAL_HEALER_REPORTED);

		if (n < 0)
			break;
		for (int i = 0; i < n; i++)
			grants_of(h, &g, page[i]);
	} while (cursor != 0);
	return g.n;
}

/* --- for the operator */

static const char *working_word(const struct heal_job *job)
{
	switch (job->work) {
	case HEAL_BUILD:
		return "rebuilding";
	case HEAL_HASH:
		return "reading the staged file";
	case HEAL_PLACE:
		return "publishing";
	default:
		return "cleaning";
	}
}

static const char *sent_word(const struct heal_job *job)
{
	static const char *const words[] = {"claiming", "voting", "publishing"};

	return words[job->role];
}

/* A job that has nothing under way waits for the ledger, or for the next tick. */
static void say_idle(const struct heal *h, struct heal_standing *s, const struct heal_job *job)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	struct heal_vote_row vote;
	struct heal_claim_row claim;
	struct heal_terms terms;
	const struct heal_op *op;

	s->phase = "waiting";
	strcpy(s->waiting_for, "the next tick");
	if (heal_op_read(h, &op, job->op) != 0)
		return;
	if (job->role == HEAL_ROLE_FINALIZER) {
		if (op->status == HEAL_HEALER_REPORTED) {
			s->phase = "serving verifiers";
			snprintf(s->waiting_for, sizeof(s->waiting_for),
				 "their votes, or the end of epoch %" PRIu64, op->deadline_epoch);
		}
		return;
	}
	if (job->role == HEAL_ROLE_VERIFIER &&
	    h->store.vote_find(h->store.ctx, h->ctx->self, &vote, job->op) == 0 &&
	    vote.status == HEAL_ROW_SUBMITTED) {
		s->phase = "voted";
		strcpy(s->waiting_for, "the other verifiers");
	} else if (heal_late(h, op->deadline_epoch)) {
		snprintf(s->waiting_for, sizeof(s->waiting_for),
			 "the end of epoch %" PRIu64 ": it is too late to %s", op->deadline_epoch,
			 job->role == HEAL_ROLE_HEALER ? "claim" : "vote");
	} else if (job->role == HEAL_ROLE_HEALER &&
		   h->store.claim_find(h->store.ctx, &claim, job->op) == 0) {
		s->phase = "claiming";
	} else if (ledger->heal_terms(ledger->ctx, &terms) == 0 && terms.mode == 0) {
		strcpy(s->waiting_for, "the network: its enforcement mode is 0");
	}
}

static void say(const struct heal *h, struct heal_standing *s, const struct heal_job *job)
{
	*s = (struct heal_standing){.op = job->op, .role = job->role, .attempts = job->attempts};
	strcpy(s->why, job->why);
	switch (job->phase) {
	case JOB_IDLE:
		say_idle(h, s, job);
		break;
	case JOB_QUEUED:
		s->phase = "waiting for a permit";
		snprintf(s->waiting_for, sizeof(s->waiting_for), "other ops: %s",
			 working_word(job));
		break;
	case JOB_WORKING:
		s->phase = working_word(job);
		s->cookie = job->cookie;
		break;
	case JOB_PAUSED:
		s->phase = working_word(job);
		strcpy(s->waiting_for, "a moment before the next attempt");
		break;
	case JOB_SENT:
		s->phase = sent_word(job);
		strcpy(s->waiting_for, job->open ? "the ledger's verdict; the log does not answer"
						 : "the ledger's verdict");
		break;
	}
}

static int order(const void *a, const void *b)
{
	const struct heal_job *const *x = a, *const *y = b;

	if ((*x)->op != (*y)->op)
		return (*x)->op < (*y)->op ? -1 : 1;
	return (int)(*x)->role - (int)(*y)->role;
}

size_t heal_list(const struct heal *h, struct heal_standing *out, size_t room)
{
	const struct heal_job *job, **sorted;
	size_t n = 0;

	TAILQ_FOREACH(job, &h->jobs, next)
	n++;
	sorted = calloc(n > 0 ? n : 1, sizeof(struct heal_job *));
	must(sorted != NULL);
	n = 0;
	TAILQ_FOREACH(job, &h->jobs, next)
	sorted[n++] = job;
	qsort(sorted, n, sizeof(struct heal_job *), order);
	for (size_t i = 0; i < n && i < room; i++)
		say(h, &out[i], sorted[i]);
	free(sorted);
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How the ops stand in which this node has a part: what it does, and what it waits for. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/heal_impl.h"

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

/* --- nothing is under way: it waits for the ledger, for others, or for the next tick */

__attribute__((format(printf, 3, 4))) static void waits(struct heal_standing *s, const char *phase,
							const char *format, ...)
{
	va_list args;

	s->phase = phase;
	va_start(args, format);
	vsnprintf(s->waiting_for, sizeof(s->waiting_for), format, args);
	va_end(args);
}

static bool is_off(const struct heal *h)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	struct heal_terms terms;

	return ledger->heal_terms(ledger->ctx, &terms) == 0 && terms.mode == 0;
}

static bool claims(const struct heal *h, uint64_t op)
{
	struct heal_claim_row row;

	return h->store.claim_find(h->store.ctx, &row, op) == 0;
}

static void say_finalizer(const struct heal *h, struct heal_standing *s, const struct heal_op *op)
{
	if (op->status == HEAL_HEALER_REPORTED)
		waits(s, "serving verifiers", "their votes, or the end of epoch %" PRIu64,
		      op->deadline_epoch);
	else if (op->status == HEAL_VERIFIED && !op->published && !claims(h, op->id))
		waits(s, "nothing",
		      "nothing: its database has no claim of it, so it cannot publish");
	else if (op->status == HEAL_VERIFIED && !op->published)
		waits(s, "publishing", "the next tick");
	else
		waits(s, "cleaning", "the next tick");
}

static void say_healer(const struct heal *h, struct heal_standing *s, const struct heal_op *op)
{
	if (heal_late(h, op->deadline_epoch))
		waits(s, "waiting", "the end of epoch %" PRIu64 ": it is too late to claim",
		      op->deadline_epoch);
	else if (claims(h, op->id))
		waits(s, "claiming", "the next tick");
	else if (is_off(h))
		waits(s, "waiting", "the network: its enforcement mode is 0");
	else if (heal_folder_busy(h, op->id))
		waits(s, "waiting", "its staging folder to be emptied");
	else
		waits(s, "waiting", "the next tick");
}

static bool has_voted(const struct heal *h, uint64_t op)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	bool verified;

	return ledger->heal_vote(ledger->ctx, &verified, op, h->ctx->self) == 0;
}

static void say_verifier(const struct heal *h, struct heal_standing *s, const struct heal_op *op)
{
	if (heal_claimable(op))
		waits(s, "waiting", "the healer's claim");
	else if (has_voted(h, op->id))
		waits(s, "voted", "the other verifiers");
	else if (heal_late(h, op->deadline_epoch))
		waits(s, "waiting", "the end of epoch %" PRIu64 ": it is too late to vote",
		      op->deadline_epoch);
	else if (is_off(h))
		waits(s, "waiting", "the network: its enforcement mode is 0");
	else
		waits(s, "waiting", "the next tick");
}

static void say_idle(const struct heal *h, struct heal_standing *s, const struct heal_op *op)
{
	static void (*const says[])(const struct heal *h, struct heal_standing *s,
				    const struct heal_op *op) = {say_healer, say_verifier,
								 say_finalizer};

	/* Until the next tick ends the job. */
	if (s->role != HEAL_ROLE_FINALIZER && heal_op_final(op))
		waits(s, "over", "%s", "");
	else if (s->role == HEAL_ROLE_HEALER && !heal_claimable(op))
		waits(s, "claimed", "%s", "");
	else
		says[s->role](h, s, op);
}

/* --- one job */

static void say(const struct heal *h, struct heal_standing *s, const struct heal_job *job)
{
	const struct heal_op *op;

	*s = (struct heal_standing){.op = job->op, .role = job->role, .attempts = job->attempts};
	strcpy(s->why, job->why);
	switch (job->phase) {
	case JOB_IDLE:
		if (heal_op_read(h, &op, job->op) == 0)
			say_idle(h, s, op);
		else
			waits(s, "waiting", "the next tick");
		break;
	case JOB_QUEUED:
		waits(s, "waiting for a permit", "other ops: %s", working_word(job));
		break;
	case JOB_WORKING:
		waits(s, working_word(job), "%s",
		      job->moved ? "it to end: the op has moved on" : "");
		s->cookie = job->cookie;
		break;
	case JOB_PAUSED:
		waits(s, working_word(job), "a moment before the next attempt");
		break;
	case JOB_SENT:
		waits(s, sent_word(job), "the ledger's verdict%s",
		      job->open ? "; the log does not answer" : "");
		break;
	}
}

/* --- all of them */

struct listing {
	const struct heal *h;
	struct heal_standing *out;
	size_t n, room;
};

static struct heal_standing *more(struct listing *l)
{
	return l->n++ < l->room ? &l->out[l->n - 1] : NULL;
}

/* A part that the ledger gives this node and that no job is about, or not yet. */
static void list_part(struct listing *l, const struct heal_op *op, enum heal_role role)
{
	struct heal_standing *s;

	if (heal_job_find(l->h, op->id, role) != NULL)
		return;
	s = more(l);
	if (s == NULL)
		return;
	*s = (struct heal_standing){.op = op->id, .role = role};
	say_idle(l->h, s, op);
}

/* There is somebody to publish to. */
static bool is_due(const struct heal *h, const struct heal_op *op)
{
	const struct ticket *ticket = heal_ticket(h, text_of(op->ticket));

	return !op->published && ticket != NULL && ticket->state != TICKET_CLOSED;
}

static void list_op(void *arg, const struct heal_op *op)
{
	struct listing *l = arg;
	const char *self = l->h->ctx->self;

	if (strcmp(text_of(op->healer), self) == 0 && heal_claimable(op))
		list_part(l, op, HEAL_ROLE_HEALER);
	if (texts_have(&op->verifiers, self) && !heal_op_final(op))
		list_part(l, op, HEAL_ROLE_VERIFIER);
	if (strcmp(text_of(op->healer), self) == 0 && !heal_claimable(op) && is_due(l->h, op))
		list_part(l, op, HEAL_ROLE_FINALIZER);
}

static int order(const void *a, const void *b)
{
	const struct heal_standing *x = a, *y = b;

	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	return (int)x->role - (int)y->role;
}

size_t heal_list(const struct heal *h, struct heal_standing *out, size_t room)
{
	struct listing l = {h, out, 0, room};
	const struct heal_job *job = NULL;

	TAILQ_FOREACH(job, &h->jobs, next)
	{
		struct heal_standing *s = more(&l);

		if (s != NULL)
			say(h, s, job);
	}
	for (enum heal_status status = HEAL_SCHEDULED; status <= HEAL_VERIFIED; status++)
		heal_each_op(h, status, list_op, &l);
	if (room > 0)
		qsort(out, l.n < room ? l.n : room, sizeof(*out), order);
	return l.n;
}

/* --- what is over */

void heal_remember(struct heal *h, const struct heal_job *job)
{
	struct heal_standing *s = &h->past[h->past_n % HEAL_PAST];

	if (job->why[0] == '\0')
		return;
	*s = (struct heal_standing){
		.op = job->op, .role = job->role, .phase = "over", .attempts = job->attempts};
	strcpy(s->why, job->why);
	h->past_n++;
}

size_t heal_past(const struct heal *h, struct heal_standing *out, size_t room, uint64_t op)
{
	unsigned there = h->past_n < HEAL_PAST ? h->past_n : HEAL_PAST;
	size_t n = 0;

	for (unsigned i = 0; i < there; i++) {
		const struct heal_standing *s = &h->past[(h->past_n - there + i) % HEAL_PAST];

		if (s->op == op && n < room)
			out[n++] = *s;
	}
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/heal.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/heal_impl.h"

#define GRACE_NS   (5000 * NS_PER_MS) /* behind its deadline, work ends by itself */
#define SOON_NS	   (100 * NS_PER_MS)  /* between ticks that the ledger asks for */
#define CLEANS_MAX 2		      /* at once: many ops may end together */

void heal_settings_standard(struct heal_settings *s)
{
	if (s->poll_interval_ms == 0)
		s->poll_interval_ms = 30000;
	if (s->reconstructs_max == 0)
		s->reconstructs_max = 2;
	if (s->verifications_max == 0)
		s->verifications_max = 4;
	if (s->publishes_max == 0)
		s->publishes_max = 2;
	if (s->fetch_timeout_ms == 0)
		s->fetch_timeout_ms = 60000;
	if (s->fetch_attempts == 0)
		s->fetch_attempts = 3;
	if (s->fetch_backoff_ms == 0)
		s->fetch_backoff_ms = 2000;
	if (s->op_timeout_ms == 0)
		s->op_timeout_ms = 900000;
	if (s->reconstructed_max == 0)
		s->reconstructed_max = UINT64_C(4) << 30;
}

const char *heal_role_name(enum heal_role role)
{
	static const char *const names[] = {"healer", "verifier", "finalizer"};

	return names[role];
}

void heal_init(struct heal *h, struct node_ctx *ctx, const struct heal_store *store,
	       const struct heal_port *port, const struct failpoints *failpoints,
	       const struct heal_settings *settings)
{
	*h = (struct heal){
		.ctx = ctx,
		.store = *store,
		.port = *port,
		.failpoints = *failpoints,
		.settings = *settings,
	};
	heal_settings_standard(&h->settings);
	TAILQ_INIT(&h->jobs);
}

void heal_free(struct heal *h)
{
	while (!TAILQ_EMPTY(&h->jobs))
		heal_job_end(h, TAILQ_FIRST(&h->jobs));
}

/* --- permits */

static unsigned permits(const struct heal *h, enum heal_work work)
{
	switch (work) {
	case HEAL_BUILD:
		return h->settings.reconstructs_max;
	case HEAL_HASH:
		return h->settings.verifications_max;
	case HEAL_PLACE:
		return h->settings.publishes_max;
	default:
		return CLEANS_MAX;
	}
}

/* A verifier keeps its permit between its attempts: they are one piece of work. */
static bool has_permit(const struct heal_job *job)
{
	return job->phase == JOB_WORKING || (job->phase == JOB_QUEUED && job->tries > 0) ||
	       (job->phase == JOB_PAUSED);
}

static bool permitted(const struct heal *h, const struct heal_job *job)
{
	const struct heal_job *other;
	unsigned used = 0;

	if (has_permit(job))
		return true;
	TAILQ_FOREACH(other, &h->jobs, next)
	used += other->work == job->work && has_permit(other);
	return used < permits(h, job->work);
}

static void begin(struct heal *h, struct heal_job *job, struct moment now, struct effects *out)
{
	struct heal_order *order;
	uint64_t limit = UINT64_MAX;

	if (job->end_ns == 0)
		job->end_ns = heal_end_ns(h, job, now);
	if (job->work == HEAL_HASH)
		limit = now.mono_ns + heal_verify_limit_ns(h, job);
	job->cut = job->end_ns < limit;
	job->order_ns = job->cut ? job->end_ns : limit;
	job->phase = JOB_WORKING;
	job->overdue = job->moved = false;
	job->untidy |= job->work == HEAL_BUILD;
	job->cookie = ctx_cookie(h->ctx, PART_HEAL);
	order = &effects_add(out, EFFECT_HEAL, job->cookie, job->healer)->heal;
	order->work = job->work;
	order->op = job->op;
	order->size = job->size;
	order->deadline_ns = job->order_ns;
	strcpy(order->ticket, job->ticket);
	strcpy(order->healer, job->healer);
	strcpy(order->hash, job->hash);
	heal_job_log(h, job, "begins", "work=%s", heal_work_name(job->work));
}

/* With a permit op and mode are read again: both may have changed while the job waited. */
static bool may_begin(const struct heal *h, const struct heal_job *job)
{
	if (job->work == HEAL_CLEAN)
		return true;
	return heal_fits(h, job) == 1 && (job->role == HEAL_ROLE_FINALIZER || heal_is_on(h));
}

static void run_queue(struct heal *h, struct moment now, struct effects *out)
{
	struct heal_job *job;

	TAILQ_FOREACH(job, &h->jobs, next)
	{
		if (job->phase == JOB_PAUSED && now.mono_ns >= job->retry_ns)
			job->phase = JOB_QUEUED;
		if (job->phase != JOB_QUEUED || !permitted(h, job))
			continue;
		if (may_begin(h, job))
			begin(h, job, now, out);
		else
			heal_job_drop(h, job,
				      "the op has moved on or cannot be read, or the mode is 0");
	}
}

/* --- events */

/* Work that does not end by itself is told to, once; its permit comes back when it has ended. */
static void cancel_overdue(struct heal *h, struct moment now, struct effects *out)
{
	struct heal_job *job;

	TAILQ_FOREACH(job, &h->jobs, next)
	if (job->phase == JOB_WORKING && !job->overdue && now.mono_ns >= job->order_ns + GRACE_NS) {
		job->overdue = true;
		effects_add(out, EFFECT_HEAL_CANCEL, job->cookie, "");
	}
}

static uint64_t interval_ns(const struct heal *h)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	uint64_t ms = h->settings.poll_interval_ms;
	struct heal_terms terms;

	if (ledger->heal_terms(ledger->ctx, &terms) == 0 &&
	    ms > terms.epoch_length * terms.tick_interval_ms / 20)
		ms = terms.epoch_length * terms.tick_interval_ms / 20;
	return (ms > 0 ? ms : 1) * NS_PER_MS;
}

void heal_turn(struct heal *h, struct moment now, struct effects *out)
{
	if (h->stopping)
		return;
	cancel_overdue(h, now, out);
	if (now.mono_ns >= h->due_ns) {
		h->tick_ns = now.mono_ns;
		h->due_ns = now.mono_ns + interval_ns(h);
		heal_tick(h, now, out);
	}
	run_queue(h, now, out);
}

void heal_changed(struct heal *h, struct moment now)
{
	uint64_t soon = h->tick_ns + SOON_NS;

	h->generation++;
	if (soon < now.mono_ns)
		soon = now.mono_ns;
	if (soon < h->due_ns)
		h->due_ns = soon;
}

static struct heal_job *job_of(struct heal *h, uint64_t cookie, enum job_phase phase)
{
	struct heal_job *job;

	TAILQ_FOREACH(job, &h->jobs, next)
	if (job->cookie == cookie && job->phase == phase)
		break;
	return job;
}

void heal_healed(struct heal *h, uint64_t cookie, const struct heal_done *done, struct moment now,
		 struct effects *out)
{
	struct heal_job *job = job_of(h, cookie, JOB_WORKING);
	enum heal_end end = done->end;

	if (cookie == 0)
		heal_changed(h, now);
	if (job == NULL)
		return;
	h->generation++;
	h->ctx->counters.heal_works[job->work][end]++;
	job->cookie = 0;
	if (end == HEAL_END_CLOSED && job->overdue)
		end = HEAL_END_LATE;
	if (end == HEAL_END_DONE)
		heal_job_log(h, job, "done", "work=%s hash=%s", heal_work_name(job->work),
			     done->hash);
	if (h->stopping && job->work != HEAL_CLEAN)
		heal_job_drop(h, job, "the node stops");
	else if (end == HEAL_END_CLOSED && job->moved)
		heal_job_drop(h, job, "the op has moved on");
	else if (job->role == HEAL_ROLE_HEALER)
		heal_claim_healed(h, job, done, end, now, out);
	else if (job->role == HEAL_ROLE_VERIFIER)
		heal_verify_healed(h, job, done, end, now, out);
	else
		heal_finish_healed(h, job, done, end, now, out);
	if (!h->stopping)
		run_queue(h, now, out);
}

void heal_verdict(struct heal *h, uint64_t cookie, const struct entry_outcome *outcome,
		  struct moment now, struct effects *out)
{
	struct heal_job *job = job_of(h, cookie, JOB_SENT);

	if (job == NULL)
		return;
	if (outcome->end == ENTRY_OPEN) {
		job->open = true;
		return;
	}
	if (job->role == HEAL_ROLE_HEALER)
		heal_claim_verdict(h, job, outcome);
	else if (job->role == HEAL_ROLE_VERIFIER)
		heal_verify_verdict(h, job, outcome);
	else
		heal_finish_verdict(h, job, outcome);
	if (!h->stopping)
		run_queue(h, now, out);
}

void heal_stop(struct heal *h, struct effects *out)
{
	struct heal_job *job;

	h->stopping = true;
	TAILQ_FOREACH(job, &h->jobs, next)
	{
		if (job->phase == JOB_WORKING)
			effects_add(out, EFFECT_HEAL_CANCEL, job->cookie, "");
		else if (job->phase != JOB_SENT)
			heal_job_rest(job);
	}
}

static bool any(const struct heal *h, enum job_phase phase)
{
	const struct heal_job *job;

	TAILQ_FOREACH(job, &h->jobs, next)
	if (job->phase == phase)
		return true;
	return false;
}

bool heal_working(const struct heal *h)
{
	return any(h, JOB_WORKING);
}

bool heal_sending(const struct heal *h)
{
	return any(h, JOB_SENT);
}

uint64_t heal_due(const struct heal *h)
{
	const struct heal_job *job;
	uint64_t due = h->due_ns;

	TAILQ_FOREACH(job, &h->jobs, next)
	{
		uint64_t own = UINT64_MAX;

		if (job->phase == JOB_PAUSED)
			own = job->retry_ns;
		else if (job->phase == JOB_WORKING && !job->overdue)
			own = job->order_ns + GRACE_NS;
		if (own < due)
			due = own;
	}
	return due;
}

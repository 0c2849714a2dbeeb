/* SPDX-License-Identifier: Apache-2.0 */
/* This node's jobs in ops, from state to state. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/heal_impl.h"

struct heal_job *heal_job_find(const struct heal *h, uint64_t op, enum heal_role role)
{
	struct heal_job *job;

	TAILQ_FOREACH(job, &h->jobs, next)
	if (job->op == op && job->role == role)
		break;
	return job;
}

struct heal_job *heal_job_get(struct heal *h, uint64_t op, enum heal_role role)
{
	struct heal_job *job = heal_job_find(h, op, role);

	if (job != NULL)
		return job;
	job = calloc(1, sizeof(*job));
	must(job != NULL);
	job->op = op;
	job->role = role;
	TAILQ_INSERT_TAIL(&h->jobs, job, next);
	return job;
}

void heal_job_end(struct heal *h, struct heal_job *job)
{
	TAILQ_REMOVE(&h->jobs, job, next);
	free(job);
}

static bool busy(const struct heal *h, uint64_t op, enum heal_role role)
{
	const struct heal_job *job = heal_job_find(h, op, role);

	return job != NULL && job->phase != JOB_IDLE;
}

bool heal_folder_busy(const struct heal *h, uint64_t op)
{
	return busy(h, op, HEAL_ROLE_HEALER) || busy(h, op, HEAL_ROLE_FINALIZER);
}

void heal_job_fill(struct heal_job *job, const struct heal_op *op)
{
	snprintf(job->ticket, sizeof(job->ticket), "%s", text_of(op->ticket));
	snprintf(job->healer, sizeof(job->healer), "%s", text_of(op->healer));
	snprintf(job->hash, sizeof(job->hash), "%s", text_of(op->result_hash));
	job->deadline_epoch = op->deadline_epoch;
}

void heal_job_order(struct heal_job *job, enum heal_work work)
{
	job->phase = JOB_QUEUED;
	job->work = work;
	job->tries = 0;
	job->end_ns = 0;
}

void heal_job_pause(struct heal_job *job, uint64_t delay_ms, struct moment now)
{
	job->phase = JOB_PAUSED;
	job->retry_ns = now.mono_ns + delay_ms * NS_PER_MS;
}

void heal_job_rest(struct heal_job *job)
{
	job->phase = JOB_IDLE;
	job->cookie = 0;
}

void heal_job_log(const struct heal *h, const struct heal_job *job, const char *what,
		  const char *format, ...)
{
	char more[256];
	va_list args;

	va_start(args, format);
	vsnprintf(more, sizeof(more), format, args);
	va_end(args);
	log_info(&h->ctx->log, "heal", what, "op=%" PRIu64 " role=%s %s", job->op,
		 heal_role_name(job->role), more);
}

void heal_job_drop(struct heal *h, struct heal_job *job, const char *why)
{
	heal_job_rest(job);
	heal_job_log(h, job, "given up", "work=%s why=\"%s\"", heal_work_name(job->work), why);
}

bool heal_job_refrain(struct heal *h, struct heal_job *job, const char *why)
{
	if (strcmp(job->why, why) == 0)
		return false;
	snprintf(job->why, sizeof(job->why), "%s", why);
	log_warning(&h->ctx->log, "heal", "nothing is done", "op=%" PRIu64 " role=%s why=\"%s\"",
		    job->op, heal_role_name(job->role), why);
	return true;
}

void heal_job_failed(struct heal *h, struct heal_job *job, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(job->why, sizeof(job->why), format, args);
	va_end(args);
	job->attempts++;
	heal_job_rest(job);
	log_warning(&h->ctx->log, "heal", "attempt failed", "op=%" PRIu64 " role=%s why=\"%s\"",
		    job->op, heal_role_name(job->role), job->why);
}

void heal_job_send(struct heal *h, struct heal_job *job, const char *type, char *data, uint64_t n,
		   struct effects *out)
{
	job->phase = JOB_SENT;
	job->open = false;
	job->cookie = ctx_cookie(h->ctx, PART_HEAL);
	heal_job_log(h, job, "sends", "type=%s", type);
	effects_entry(out, job->cookie, ENTRY_HEAL, type, data);
	out->list[out->n - 1].entry.n = n;
}

void heal_job_heard(struct heal *h, const struct heal_job *job, enum heal_message message,
		    enum heal_says says, const struct entry_outcome *outcome)
{
	h->ctx->counters.heal_messages[message][says]++;
	heal_job_log(h, job, "answered", "message=%s outcome=%s code=%u reason=%s",
		     heal_message_name(message), heal_says_name(says), outcome->code,
		     outcome->reason);
}

enum heal_says heal_says_of(struct heal *h, const struct heal_job *job, enum heal_message message,
			    const struct entry_outcome *outcome, enum failpoint ack_lost,
			    enum failpoint garbled)
{
	enum heal_says says = classify_heal(outcome);

	if (failpoint(&h->failpoints, ack_lost))
		says = HEAL_SAYS_TRANSIENT;
	else if (failpoint(&h->failpoints, garbled))
		says = HEAL_SAYS_INDETERMINATE;
	heal_job_heard(h, job, message, says, outcome);
	return says;
}

void heal_row_error(struct heal *h, uint64_t op, const char *what, int error)
{
	log_error(&h->ctx->log, "heal", what, "op=%" PRIu64 " error=\"%s\"", op,
		  assay_error_text(error));
}

char *heal_text(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	must(text != NULL);
	json_decref(object);
	return text;
}

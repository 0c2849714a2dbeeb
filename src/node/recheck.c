/* SPDX-License-Identifier: Apache-2.0 */
#include "node/recheck.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/challenge.h"

enum job_state {
	JOB_RESOLVING,
	JOB_ASKING,
	JOB_SENT, /* its entry has no final verdict yet */
};
struct recheck_job {
	enum job_state state;
	struct recheck_candidate candidate;
	uint64_t cookie;
	bool counted; /* a missing verdict was counted as a failed attempt */
	struct recheck_result result;
	struct epoch_facts facts; /* of the challenged epoch */
	uint64_t call_ns;
	struct exam exam;
};

void recheck_settings_standard(struct recheck_settings *s)
{
	if (s->lookback == 0)
		s->lookback = 7;
	if (s->per_turn_max == 0)
		s->per_turn_max = 5;
	if (s->interval_ms == 0)
		s->interval_ms = 60000;
	if (s->failures_max == 0)
		s->failures_max = 3;
	if (s->failures_ttl_ms == 0)
		s->failures_ttl_ms = 900000;
	if (s->timeout_ms == 0)
		s->timeout_ms = 30000;
}

void recheck_init(struct recheck *r, struct node_ctx *ctx, const struct recheck_store *store,
		  const struct recheck_settings *settings)
{
	*r = (struct recheck){.ctx = ctx, .store = *store, .settings = *settings};
	recheck_settings_standard(&r->settings);
	r->cache = recheck_cache_new();
}

void recheck_free(struct recheck *r)
{
	recheck_cache_free(r->cache);
	free(r->jobs);
}

static struct exam_terms terms_of(const struct recheck_job *job, const char *self)
{
	const struct epoch_facts *f = &job->facts;

	return (struct exam_terms){f->epoch, f->seed, f->seed_len, self, f->k, f->range_length};
}

static void job_end(struct recheck *r, struct recheck_job *job)
{
	*job = r->jobs[--r->n];
}

/* One more failed attempt of the candidate; too many, and it is left alone for a while. */
static void attempt_failed(struct recheck *r, const struct recheck_key *key, const char *why,
			   struct moment now)
{
	const struct recheck_store *s = &r->store;

	if (s->failed(s->ctx, key, why, now.wall_ms + r->settings.failures_ttl_ms) != 0)
		log_error(&r->ctx->log, "recheck", "a failed attempt could not be written down",
			  NULL);
	log_warning(&r->ctx->log, "recheck", "attempt failed",
		    "epoch=%" PRIu64 " target=%s ticket=%s why=%s", key->epoch, key->target,
		    key->ticket, why);
}

static void execute_failed(struct recheck *r, struct recheck_job *job, const char *why,
			   struct moment now)
{
	r->ctx->counters.recheck_execute_failures++;
	attempt_failed(r, &job->candidate.key, why, now);
	job_end(r, job);
}

/* --- execution
 * -------------------------------------------------------------------------------------------------
 */

static bool is_busy(const void *arg, const struct recheck_key *key)
{
	const struct recheck *r = arg;

	for (size_t i = 0; i < r->n; i++) {
		const struct recheck_key *k = &r->jobs[i].candidate.key;

		if (k->epoch == key->epoch && strcmp(k->ticket, key->ticket) == 0 &&
		    strcmp(k->target, key->target) == 0)
			return true;
	}
	return false;
}

static struct recheck_job *job_new(struct recheck *r, const struct recheck_candidate *candidate)
{
	if (r->n == r->room) {
		r->room = r->room > 0 ? 2 * r->room : 8;
		r->jobs = realloc(r->jobs, r->room * sizeof(*r->jobs));
		must(r->jobs != NULL);
	}
	r->jobs[r->n] = (struct recheck_job){.candidate = *candidate};
	return &r->jobs[r->n++];
}

static void job_begin(struct recheck *r, const struct recheck_candidate *candidate,
		      uint64_t call_ns, struct moment now, struct effects *out)
{
	const struct ledger_view *ledger = &r->ctx->ledger;
	const struct recheck_key *key = &candidate->key;
	struct recheck_job *job = job_new(r, candidate);
	struct exam_terms terms;
	enum exam_stage stage;
	struct effect *resolve;
	bool empty;

	job->call_ns = call_ns;
	if (!ledger->epoch(ledger->ctx, &job->facts, key->epoch) ||
	    job->facts.epoch != key->epoch || job->facts.mode == 0) {
		execute_failed(r, job, "no anchor", now);
		return;
	}
	terms = terms_of(job, r->ctx->self);
	stage = exam_draw(&job->exam, &empty, &terms, ledger->ticket(ledger->ctx, key->ticket),
			  key->ticket, key->target, ASSAY_BUCKET_RECHECK);
	if (stage != EXAM_OK || empty) {
		execute_failed(r, job, empty ? "nothing to ask for" : exam_stage_name(stage), now);
		return;
	}
	job->cookie = ctx_cookie(r->ctx, PART_RECHECK);
	job->state = JOB_RESOLVING;
	resolve = effects_add(out, EFFECT_RESOLVE, job->cookie, key->target);
	strcpy(resolve->artifact.ticket, key->ticket);
	resolve->artifact.class = job->exam.row.class;
	resolve->artifact.ordinal = job->exam.row.ordinal;
}

/* Executing jobs only: an entry that waits for its verdict holds nobody up. */
static size_t executing(const struct recheck *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->jobs[i].state != JOB_SENT;
	return n;
}

/* Entries whose epoch is too old for a verdict of use. */
static void forget_old(struct recheck *r, uint64_t epoch_now)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->jobs[i].candidate.key.epoch + r->settings.lookback < epoch_now)
			job_end(r, &r->jobs[i]);
}

void recheck_stop(struct recheck *r)
{
	for (size_t i = r->n; i-- > 0;)
		if (r->jobs[i].state != JOB_SENT)
			job_end(r, &r->jobs[i]);
}

static void find_and_begin(struct recheck *r, const struct epoch_facts *facts, uint64_t epoch_ms,
			   struct moment now, struct effects *out)
{
	uint64_t call_ns = challenge_call_ns(r->settings.timeout_ms, epoch_ms);
	size_t running = executing(r), n, max = r->settings.per_turn_max;
	const struct recheck_search search = {
		.ctx = r->ctx,
		.cache = r->cache,
		.store = &r->store,
		.epoch_now = facts->epoch,
		.lookback = r->settings.lookback,
		.nodes = facts->nodes,
		.busy = is_busy,
		.arg = r,
	};
	struct recheck_candidate *list;

	if (running >= max)
		return;
	list = calloc(max, sizeof(*list));
	must(list != NULL);
	if (recheck_find(list, &n, max - running, &search) != 0) {
		log_error(&r->ctx->log, "recheck", "the candidates could not be read", NULL);
		n = 0;
	}
	r->ctx->counters.recheck_pending = n;
	r->store.purge(r->store.ctx, now.wall_ms);
	for (size_t i = 0; i < n; i++) {
		unsigned failed = 0;

		r->ctx->counters.recheck_candidates++;
		if (r->store.failures(r->store.ctx, &failed, &list[i].key, now.wall_ms) == 0 &&
		    failed < r->settings.failures_max)
			job_begin(r, &list[i], call_ns, now, out);
	}
	free(list);
}

void recheck_turn(struct recheck *r, const struct epoch_facts *facts, struct moment now,
		  struct effects *out)
{
	uint64_t epoch_ms = (facts->end + 1 - facts->start) * facts->tick_interval_ms;
	uint64_t interval_ms = r->settings.interval_ms;

	if (now.mono_ns < r->due_ns)
		return;
	/* In a network of short epochs a minute is too long. */
	if (epoch_ms > 0 && interval_ms > epoch_ms / 4)
		interval_ms = epoch_ms / 4;
	r->due_ns = now.mono_ns + interval_ms * NS_PER_MS;
	forget_old(r, facts->epoch);
	if (facts->mode == 0 || !facts->enabled)
		return;
	find_and_begin(r, facts, epoch_ms, now, out);
}

static struct recheck_job *job_of(struct recheck *r, uint64_t cookie, enum job_state state)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->jobs[i].cookie == cookie && r->jobs[i].state == state)
			return &r->jobs[i];
	return NULL;
}

void recheck_resolved(struct recheck *r, uint64_t cookie, enum resolve_end end,
		      const struct resolved *artifact, struct moment now, struct effects *out)
{
	struct recheck_job *job = job_of(r, cookie, JOB_RESOLVING);
	struct exam_terms terms;
	enum exam_stage stage;
	struct effect *ask;

	if (job == NULL)
		return;
	terms = terms_of(job, r->ctx->self);
	if (end == RESOLVE_DONE)
		stage = exam_derive(&job->exam, &terms, artifact);
	else
		stage = end == RESOLVE_NO_KEY ? EXAM_RESOLVE_KEY : EXAM_RESOLVE_SIZE;
	if (stage != EXAM_OK) {
		execute_failed(r, job, exam_stage_name(stage), now);
		return;
	}
	job->state = JOB_ASKING;
	job->cookie = ctx_cookie(r->ctx, PART_RECHECK);
	ask = effects_add(out, EFFECT_ASK, job->cookie, job->candidate.key.target);
	ask->question = job->exam.question;
	ask->deadline_ns = now.mono_ns + job->call_ns;
}

/* --- submission
 * ----------------------------------------------------------------------------------------------
 */

static void count_submission(struct recheck *r, unsigned result, enum recheck_says says)
{
	if (says == RECHECK_SAYS)
		return;
	r->ctx->counters.recheck_submissions[result][says]++;
	r->ctx->counters.recheck_already_submitted += says == RECHECK_ALREADY_SUBMITTED;
}

static void submit_failed(struct recheck *r, const struct recheck_job *job, const char *why,
			  struct moment now)
{
	r->ctx->counters.recheck_submit_failures++;
	attempt_failed(r, &job->candidate.key, why, now);
}

static void submit(struct recheck *r, struct recheck_job *job, struct moment now,
		   struct effects *out)
{
	const struct ledger_view *ledger = &r->ctx->ledger;
	struct epoch_facts today;
	enum recheck_says says;
	int error;

	if (!ledger->current(ledger->ctx, &today)) {
		execute_failed(r, job, "no epoch", now);
		return;
	}
	/* While it was asked somebody else's recheck may have been taken. */
	if (recheck_known(r->ctx, &r->store, &job->candidate)) {
		job_end(r, job);
		return;
	}
	job->cookie = ctx_cookie(r->ctx, PART_RECHECK);
	error = recheck_submit(&says, r->ctx, &r->store, &job->candidate, &job->result, today.epoch,
			       r->settings.lookback, job->cookie, now.wall_ms, out);
	if (error != 0) {
		count_submission(r, job->result.result, says);
		submit_failed(r, job, assay_error_text(error), now);
		job_end(r, job);
	} else if (says == RECHECK_SUBMITTED) {
		job->state = JOB_SENT; /* counted with the verdict */
	} else {
		count_submission(r, job->result.result, says);
		job_end(r, job);
	}
}

/* The row never comes near the epoch's buffer: it lives here, and only its hash and class go on. */
static int judge(struct recheck *r, struct recheck_job *job, const struct ask_result *result)
{
	struct row row;

	if (exam_judge(&row, &job->exam, result) != EXAM_OK)
		return ASSAY_E_AGAIN;
	if (row_sign(&row, &r->ctx->signer) != 0) {
		r->ctx->counters.sign_failures[row.result]++;
		return ASSAY_E_CRYPTO;
	}
	strcpy(job->result.transcript, row.transcript);
	job->result.result = classify_recheck(row.result);
	return 0;
}

void recheck_asked(struct recheck *r, uint64_t cookie, const struct ask_result *result,
		   struct moment now, struct effects *out)
{
	struct recheck_job *job = job_of(r, cookie, JOB_ASKING);
	int error;

	if (job == NULL)
		return;
	error = judge(r, job, result);
	if (error == 0)
		submit(r, job, now, out);
	else
		execute_failed(r, job, assay_error_text(error), now);
}

void recheck_verdict(struct recheck *r, uint64_t cookie, const struct entry_outcome *outcome,
		     struct moment now)
{
	struct recheck_job *job = job_of(r, cookie, JOB_SENT);
	bool first;
	enum recheck_says says;
	int error;

	if (job == NULL)
		return;
	first = !job->counted;
	error = recheck_settle(&says, &r->store, &job->candidate.key, outcome);
	/* Without a verdict the entry is still under way: that is one failed attempt, not more. */
	job->counted = says == RECHECK_SUBMIT_TRANSIENT;
	if (says == RECHECK_SUBMIT_TRANSIENT && !first)
		return;
	count_submission(r, job->result.result, says);
	if (error != 0)
		submit_failed(r, job, recheck_says_name(says), now);
	if (says != RECHECK_SUBMIT_TRANSIENT)
		job_end(r, job);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/heals.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/heal_stage.h"
#include "control/heals_impl.h"
#include "control/network.h"

#define ANSWER_MS     10000 /* longest wait for the answer to one request */
#define PAUSE_MS      2000
#define SHARE_BATCH   64
#define WORKS	      8 /* two builds, four hashes, two places */
#define OTHER_THREADS 4 /* two folders that are removed, a manifest, one to spare */

/* --- jobs --- */

struct state *heals_state(struct heals_job *j)
{
	return j->heals->config.state(j->heals->config.ctx);
}

static void job_free(struct heals_job *j)
{
	heal_task_free(&j->task);
	wipe(j->task.client.session_secret, 32);
	texts_free(&j->skip);
	json_decref(j->data);
	free(j->entry_text);
	free(j);
}

void heals_job_drop(struct heals_job *j)
{
	TAILQ_REMOVE(&j->heals->jobs, j, entry);
	job_free(j);
}

void heals_job_end(struct heals_job *j)
{
	struct heals *h = j->heals;

	TAILQ_REMOVE(&h->jobs, j, entry);
	TAILQ_INSERT_TAIL(&h->done, j, entry);
	work_thread_poke(h->thread);
}

void heals_job_fail(struct heals_job *j, enum heal_end end, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	heal_finish(&j->task, end, "%s", text);
	heals_job_end(j);
}

void heals_job_submit(struct heals_job *j, enum heal_step step)
{
	j->task.step = step;
	j->task.end = HEAL_END_CLOSED; /* until it has run */
	if (j->heals->stopped)
		heals_job_fail(j, HEAL_END_CLOSED, "the node stops");
	else
		work_thread_submit(j->heals->thread, &j->task.work);
}

struct heals_job *heals_job_of(struct store_task *task)
{
	return (struct heals_job *)((char *)task - offsetof(struct heals_job, storing));
}

/* The store's thread has ended. */
static void on_dropped(struct store_task *task)
{
	heals_job_drop(heals_job_of(task));
}

void heals_job_store(struct heals_job *j, void (*errand)(struct store_task *task, struct store *s),
		     void (*finished)(struct store_task *task))
{
	struct heals *h = j->heals;

	if (h->stopped || h->config.app->store_thread == NULL) {
		heals_job_fail(j, HEAL_END_CLOSED, "the node stops");
		return;
	}
	j->storing = (struct store_task){.kind = STORE_ERRAND,
					 .fd = -1,
					 .errand = errand,
					 .finished = finished,
					 .dropped = on_dropped};
	store_thread_submit(h->config.app->store_thread, &j->storing);
}

/* --- what comes next --- */

/* A step came back from its thread. */
static void go_on(struct heals_job *j)
{
	const struct heal_task *t = &j->task;

	if (t->step == HEAL_STEP_LOOK)
		staged_read(j);
	else if (t->order.work == HEAL_BUILD && t->step == HEAL_STEP_BUILD &&
		 t->end == HEAL_END_DONE)
		staged_open(j);
	else if (t->order.work == HEAL_PLACE && t->end == HEAL_END_DONE)
		place_continue(j);
	else
		heals_job_end(j);
}

/* --- preparing --- */

static bool take_ticket_of(struct heals_job *j, struct state *s)
{
	struct heal_task *t = &j->task;
	const struct ticket *ticket = ticket_find(s, t->order.ticket);

	return ticket != NULL && ticket->state == TICKET_OPEN &&
	       ticket_take(&t->facts, &t->deal, s, t->account, ticket);
}

/* NULL, or why it cannot begin. */
static const char *prepare(struct heals_job *j)
{
	struct heal_task *t = &j->task;
	struct state *s = heals_state(j);

	if (t->order.work == HEAL_CLEAN)
		return NULL;
	if (s == NULL)
		return "there is no copy of the ledger";
	if (t->order.work == HEAL_HASH)
		return deal_node(&t->deal.other[0], node_find(s, t->order.healer))
			       ? NULL
			       : "the ledger does not know the healer's keys";
	return take_ticket_of(j, s)
		       ? NULL
		       : "the ledger has no open ticket of that name whose file can be rebuilt";
}

struct heals_job *heals_job_new(struct heals *h, uint64_t cookie, const struct heal_order *order)
{
	struct app *app = h->config.app;
	struct heals_job *j = calloc(1, sizeof(*j));
	struct heal_task *t;

	must(j != NULL);
	t = &j->task;
	j->heals = h;
	j->cookie = cookie;
	t->order = *order;
	snprintf(t->root, sizeof(t->root), "%s", h->root);
	t->clock = app->clock;
	t->failpoints = h->config.failpoints;
	t->pool = &app->plane.codec;
	t->own = network_own(app);
	t->size_max = h->config.reconstructed_max;
	t->client.answer_ms = h->config.answer_ms;
	memcpy(t->client.session_secret, app->self.session_secret, 32);
	memcpy(t->client.network_id, app->self.network_id, 32);
	snprintf(t->account, sizeof(t->account), "%s", app->self.account);
	TAILQ_INSERT_TAIL(&h->jobs, j, entry);
	return j;
}

/* --- the port --- */

static void begin(void *ctx, uint64_t cookie, const struct heal_order *order)
{
	static const enum heal_step first[] = {
		[HEAL_BUILD] = HEAL_STEP_BUILD,
		[HEAL_HASH] = HEAL_STEP_HASH,
		[HEAL_PLACE] = HEAL_STEP_READ,
	};
	struct heals_job *j = heals_job_new(ctx, cookie, order);
	const char *why = prepare(j);

	if (why != NULL) {
		heals_job_fail(j, HEAL_END_OURS, "%s", why);
		return;
	}
	if (order->work == HEAL_BUILD)
		staged_forget(ctx, order->op);
	if (order->work == HEAL_CLEAN)
		staged_close(j);
	else
		heals_job_submit(j, first[order->work]);
}

static struct heals_job *job_find(struct heals *h, uint64_t cookie)
{
	struct heals_job *j;

	TAILQ_FOREACH(j, &h->jobs, entry)
	if (j->cookie == cookie)
		break;
	return j;
}

static void cancel(void *ctx, uint64_t cookie)
{
	struct heals_job *j = job_find(ctx, cookie);

	if (j != NULL)
		atomic_store(&j->task.cancel, true);
}

static bool next(void *ctx, struct heal_done *out)
{
	struct heals *h = ctx;
	struct work *w;
	struct heals_job *j;
	uint64_t count;

	while (read(work_thread_fd(h->thread), &count, sizeof(count)) == sizeof(count))
		;
	while ((w = work_thread_take(h->thread)) != NULL)
		go_on((struct heals_job *)w);
	if (h->changed) {
		h->changed = false;
		*out = (struct heal_done){.cookie = 0};
		return true;
	}
	j = TAILQ_FIRST(&h->done);
	if (j == NULL)
		return false;
	TAILQ_REMOVE(&h->done, j, entry);
	*out = (struct heal_done){.cookie = j->cookie, .end = j->task.end};
	if (out->end == HEAL_END_DONE) {
		memcpy(out->hash, j->task.hash, sizeof(out->hash));
		out->entry = j->entry_text;
		j->entry_text = NULL;
	} else {
		memcpy(out->why, j->task.why, sizeof(out->why));
	}
	job_free(j);
	return true;
}

static bool progress(void *ctx, uint64_t *done, uint64_t *total, uint64_t cookie)
{
	const struct heals_job *j = job_find(ctx, cookie);

	if (j == NULL)
		return false;
	*done = atomic_load(&j->task.done);
	*total = atomic_load(&j->task.total);
	return true;
}

static int staged(void *ctx, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	return staged_hash(ctx, hash, op);
}

struct sweeping {
	struct heals *heals;
	unsigned left;
	heal_keep keep;
	void *arg;
	int error;
};

static bool stays(void *ctx, uint64_t op)
{
	struct sweeping *s = ctx;
	char hash[HEAL_HASH_ROOM] = "";

	if (!s->keep(s->arg, hash, op))
		return false;
	if (!staged_keep(s->heals, op, hash))
		s->error = ASSAY_E_NOMEM;
	s->left++;
	return true;
}

static int sweep(void *ctx, unsigned *left, heal_keep keep, void *arg)
{
	struct heals *h = ctx;
	struct sweeping s = {.heals = h, .keep = keep, .arg = arg};
	int error = stage_sweep(h->root, stays, &s);

	*left = s.left;
	return error != 0 ? error : s.error;
}

struct heal_port heals_port(struct heals *h)
{
	return (struct heal_port){begin, cancel, next, progress, staged, sweep, h};
}

/* --- life --- */

static void run(void *ctx, struct work *w)
{
	heal_task_run((struct heal_task *)w);
}

static void cancel_work(struct work *w)
{
	atomic_store(&((struct heal_task *)w)->cancel, true);
}

int heals_new(struct heals **out, const struct heals_config *config)
{
	struct heals *h = calloc(1, sizeof(*h));
	int error;

	*out = NULL;
	if (h == NULL)
		return ASSAY_E_NOMEM;
	h->config = *config;
	if (h->config.answer_ms == 0)
		h->config.answer_ms = ANSWER_MS;
	if (h->config.pause_ms == 0)
		h->config.pause_ms = PAUSE_MS;
	if (h->config.share_batch == 0)
		h->config.share_batch = SHARE_BATCH;
	snprintf(h->root, sizeof(h->root), "%s", config->root);
	TAILQ_INIT(&h->jobs);
	TAILQ_INIT(&h->done);
	TAILQ_INIT(&h->staged);
	h->kind = (struct work_kind){"assay-heal",
				     (config->works > 0 ? config->works : WORKS) + OTHER_THREADS,
				     run, cancel_work};
	error = work_thread_start(&h->thread, &h->kind, h);
	if (error != 0)
		free(h);
	else
		*out = h;
	return error;
}

int heals_fd(const struct heals *h)
{
	return work_thread_fd(h->thread);
}

void heals_stop(struct heals *h)
{
	struct heals_job *j;

	if (h == NULL)
		return;
	h->stopped = true;
	TAILQ_FOREACH(j, &h->jobs, entry)
	atomic_store(&j->task.cancel, true);
	work_thread_join(h->thread);
}

/* All jobs are in the lists. */
static void drop(struct work *w)
{
}

void heals_free(struct heals *h)
{
	struct heals_job_list *lists[] = {&h->jobs, &h->done};
	struct staged_op *s;

	if (h == NULL)
		return;
	work_thread_stop(h->thread, drop);
	for (unsigned i = 0; i < 2; i++)
		for (struct heals_job *j; (j = TAILQ_FIRST(lists[i])) != NULL;) {
			TAILQ_REMOVE(lists[i], j, entry);
			job_free(j);
		}
	while ((s = TAILQ_FIRST(&h->staged)) != NULL)
		staged_forget(h, s->op);
	free(h);
}

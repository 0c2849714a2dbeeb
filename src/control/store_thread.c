/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"

#define SCRUB_LOOK_S 5 /* how often an idle thread looks for something to check */

struct queue {
	struct store_task *head, **tail;
};

struct store_thread {
	struct store *store;
	const struct clock *clock;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	struct queue waiting, finished;
	struct store_task *scrub_task; /* runs in slices between other tasks */
	struct store_task *running;
	struct store_scrub scrub;
	uint64_t started_wall_ns;
	uint64_t scrub_started_ns; /* of scrub_task, wall */
	bool stop;
	int event_fd;
};

static void queue_put(struct queue *q, struct store_task *task)
{
	task->next = NULL;
	*q->tail = task;
	q->tail = &task->next;
}

static struct store_task *queue_take(struct queue *q)
{
	struct store_task *task = q->head;

	if (task == NULL)
		return NULL;
	q->head = task->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return task;
}

static void queue_free(struct queue *q)
{
	for (struct store_task *task; (task = queue_take(q)) != NULL;) {
		if (task->kind == STORE_ERRAND) {
			task->dropped(task);
			continue;
		}
		if (task->fd >= 0)
			close(task->fd);
		free(task);
	}
}

/* With the lock held. */
static void finish(struct store_thread *t, struct store_task *task, int result)
{
	uint64_t one = 1;

	task->result = result;
	queue_put(&t->finished, task);
	must(write(t->event_fd, &one, sizeof(one)) == sizeof(one));
}

static bool on_step(void *ctx, uint64_t done, uint64_t total)
{
	struct store_task *task = ctx;

	atomic_store_explicit(&task->total, total, memory_order_relaxed);
	atomic_store_explicit(&task->done, done, memory_order_relaxed);
	return !atomic_load_explicit(&task->cancel, memory_order_relaxed);
}

static int64_t read_input(void *ctx, void *out, size_t len)
{
	struct store_task *task = ctx;
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(task->fd, (char *)out + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			task->fd_errno = errno;
			return ASSAY_E_IO;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (int64_t)got;
}

static int write_output(void *ctx, const void *data, size_t len)
{
	struct store_task *task = ctx;

	for (size_t done = 0; done < len;) {
		ssize_t n = write(task->fd, (const char *)data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			task->fd_errno = errno;
			return errno == ENOSPC ? ASSAY_E_NOSPC : ASSAY_E_IO;
		}
		done += (size_t)n;
	}
	return 0;
}

static int run(struct store *store, struct store_task *task)
{
	struct store_progress progress = {on_step, task};
	struct store_input input = {read_input, task, task->size};
	struct store_output output = {write_output, task};

	if (atomic_load(&task->cancel))
		return ASSAY_E_CLOSED;
	switch (task->kind) {
	case STORE_PUT:
		return store_put(store, task->key, &input, &progress);
	case STORE_GET:
		return store_get(store, task->key, &output, &progress);
	case STORE_VERIFY:
		return store_verify(store, task->key, &progress);
	case STORE_REMOVE:
		return store_remove(store, task->key);
	case STORE_ERRAND:
		task->errand(task, store);
		return task->result;
	case STORE_SCRUB:
		break; /* in slices, see scrub_slice */
	}
	return ASSAY_E_INVAL;
}

/* Everything checked before since_wall_ns is due. */
static int scrub_one(struct store_thread *t, uint64_t since_wall_ns)
{
	uint64_t now = clock_wall(t->clock);

	return store_scrub_one(t->store, now > since_wall_ns ? now - since_wall_ns : 0);
}

/* One artifact of the pass that was asked for; with the lock held, which it drops meanwhile. */
static void scrub_slice(struct store_thread *t)
{
	struct store_task *task = t->scrub_task;
	struct store_stats before, after;
	int result = ASSAY_E_CLOSED;

	pthread_mutex_unlock(&t->lock);
	if (!atomic_load(&task->cancel)) {
		store_stats(t->store, &before);
		result = scrub_one(t, t->scrub_started_ns);
		store_stats(t->store, &after);
		task->checked += result > 0;
		task->rotten += after.rot > before.rot ? after.rot - before.rot : 0;
		atomic_store(&task->total, after.bytes);
		atomic_fetch_add(&task->done, after.scrub_bytes - before.scrub_bytes);
	}
	pthread_mutex_lock(&t->lock);
	if (result > 0)
		return;
	t->scrub_task = NULL;
	finish(t, task, result);
}

/* One artifact of the background scrub: 1 when there was one to check. */
static int background(struct store_thread *t)
{
	struct store_scrub scrub = t->scrub;
	uint64_t now = clock_wall(t->clock), since = t->started_wall_ns;
	int result;

	if (scrub.on && scrub.age_ns < now && now - scrub.age_ns > since)
		since = now - scrub.age_ns;
	pthread_mutex_unlock(&t->lock);
	result = scrub_one(t, since);
	pthread_mutex_lock(&t->lock);
	return result;
}

/* Transfers that are whole; with the lock held, which it drops meanwhile. */
static bool commit(struct store_thread *t)
{
	bool worked = store_commit_waits(t->store);

	pthread_mutex_unlock(&t->lock);
	if (worked)
		store_commit(t->store);
	worked |= store_claims_sweep(t->store);
	pthread_mutex_lock(&t->lock);
	return worked;
}

/* The fetch role's thread calls it. */
static void on_commit(void *ctx)
{
	struct store_thread *t = ctx;

	pthread_mutex_lock(&t->lock);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

static bool nothing_waits(const struct store_thread *t)
{
	return t->waiting.head == NULL && !store_commit_waits(t->store) && !t->stop;
}

static void wait_for_work(struct store_thread *t)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SCRUB_LOOK_S;
	pthread_cond_timedwait(&t->wake, &t->lock, &until);
}

/* With the lock held, dropped while the task runs. */
static void run_next(struct store_thread *t, struct store_task *task)
{
	int result;

	if (task->kind == STORE_SCRUB && t->scrub_task != NULL) {
		finish(t, task, ASSAY_E_BUSY);
		return;
	}
	if (task->kind == STORE_SCRUB) {
		t->scrub_task = task;
		t->scrub_started_ns = clock_wall(t->clock);
		return;
	}
	t->running = task;
	pthread_mutex_unlock(&t->lock);
	result = run(t->store, task);
	pthread_mutex_lock(&t->lock);
	t->running = NULL;
	finish(t, task, result);
}

static void *thread_main(void *arg)
{
	struct store_thread *t = arg;

	pthread_setname_np(pthread_self(), "assay-store");
	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		bool committed = commit(t);
		struct store_task *task = queue_take(&t->waiting);

		if (task != NULL)
			run_next(t, task);
		else if (t->scrub_task != NULL)
			scrub_slice(t);
		else if (!committed && background(t) <= 0 && nothing_waits(t))
			wait_for_work(t);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void free_thread(struct store_thread *t)
{
	if (t->event_fd >= 0)
		close(t->event_fd);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int store_thread_start(struct store_thread **out, struct store *store, const struct clock *clock,
		       const struct store_scrub *scrub)
{
	struct store_thread *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->store = store;
	t->clock = clock;
	t->scrub = *scrub;
	t->started_wall_ns = clock_wall(clock);
	t->waiting.tail = &t->waiting.head;
	t->finished.tail = &t->finished.head;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wake, &attr);
	pthread_condattr_destroy(&attr);
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event_fd < 0 || pthread_create(&t->thread, NULL, thread_main, t) != 0) {
		free_thread(t);
		return ASSAY_E_NOMEM;
	}
	store_on_commit(store, on_commit, t);
	*out = t;
	return 0;
}

void store_thread_stop(struct store_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	if (t->running != NULL)
		atomic_store(&t->running->cancel, true);
	store_stop(t->store); /* a scrub of something large ends too */
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	if (t->scrub_task != NULL)
		queue_put(&t->waiting, t->scrub_task);
	queue_free(&t->waiting);
	queue_free(&t->finished);
	free_thread(t);
}

void store_thread_scrub(struct store_thread *t, const struct store_scrub *scrub)
{
	pthread_mutex_lock(&t->lock);
	t->scrub = *scrub;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void store_thread_submit(struct store_thread *t, struct store_task *task)
{
	pthread_mutex_lock(&t->lock);
	queue_put(&t->waiting, task);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

int store_thread_fd(const struct store_thread *t)
{
	return t->event_fd;
}

struct store_task *store_thread_take(struct store_thread *t)
{
	struct store_task *task;

	pthread_mutex_lock(&t->lock);
	task = queue_take(&t->finished);
	pthread_mutex_unlock(&t->lock);
	return task;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/codec_thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "codec/pipeline.h"
#include "control/app.h"

struct queue {
	struct codec_task *head, **tail;
};

struct codec_thread {
	struct task_pool pool;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	struct queue waiting, finished;
	struct codec_task *running;
	bool stop;
	int event_fd;
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

void codec_pool_hold(void)
{
	pthread_mutex_lock(&pool_lock);
}

void codec_pool_release(void)
{
	pthread_mutex_unlock(&pool_lock);
}

static void queue_put(struct queue *q, struct codec_task *task)
{
	task->next = NULL;
	*q->tail = task;
	q->tail = &task->next;
}

static struct codec_task *queue_take(struct queue *q)
{
	struct codec_task *task = q->head;

	if (task == NULL)
		return NULL;
	q->head = task->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return task;
}

void codec_task_free(struct codec_task *task)
{
	if (task->file >= 0)
		close(task->file);
	if (task->folder >= 0)
		close(task->folder);
	free(task);
}

static bool on_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct codec_task *task = ctx;

	atomic_store_explicit(&task->total, total, memory_order_relaxed);
	atomic_store_explicit(&task->done, done, memory_order_relaxed);
	return atomic_load_explicit(&task->cancel, memory_order_relaxed);
}

static void on_skipped(void *ctx, const char *name, const char *why)
{
	struct codec_task *task = ctx;
	unsigned i = task->skipped_count++;

	if (i >= CODEC_SKIPPED_MAX)
		return;
	snprintf(task->skipped[i].name, sizeof(task->skipped[i].name), "%s", name);
	snprintf(task->skipped[i].why, sizeof(task->skipped[i].why), "%s", why);
}

static int run(struct codec_thread *t, struct codec_task *task)
{
	struct pipeline p = {.pool = &t->pool,
			     .ratio = task->ratio,
			     .owner = task->give ? &task->owner : NULL,
			     .progress = on_progress,
			     .skipped = on_skipped,
			     .ctx = task};
	int e = ASSAY_E_CLOSED;

	if (atomic_load(&task->cancel))
		return e;
	if (task->kind == CODEC_ENCODE)
		e = pipeline_encode(&p, task->file, task->folder);
	else if (task->kind == CODEC_DECODE)
		e = pipeline_decode(&p, task->folder, task->file);
	else
		e = pipeline_heal(&p, task->folder, task->file);
	snprintf(task->message, sizeof(task->message), "%s", p.message);
	return e;
}

static void *thread_main(void *arg)
{
	struct codec_thread *t = arg;
	uint64_t one = 1;

	pthread_setname_np(pthread_self(), "assay-codec");
	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct codec_task *task = queue_take(&t->waiting);

		if (task == NULL) {
			pthread_cond_wait(&t->wake, &t->lock);
			continue;
		}
		t->running = task;
		pthread_mutex_unlock(&t->lock);
		codec_pool_hold();
		task->result = run(t, task);
		codec_pool_release();
		pthread_mutex_lock(&t->lock);
		t->running = NULL;
		queue_put(&t->finished, task);
		must(write(t->event_fd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void free_thread(struct codec_thread *t)
{
	if (t->event_fd >= 0)
		close(t->event_fd);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int codec_thread_start(struct codec_thread **out, const struct task_pool *pool)
{
	struct codec_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->pool = *pool;
	t->waiting.tail = &t->waiting.head;
	t->finished.tail = &t->finished.head;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event_fd < 0 || pthread_create(&t->thread, NULL, thread_main, t) != 0) {
		free_thread(t);
		return ASSAY_E_NOMEM;
	}
	*out = t;
	return 0;
}

void codec_thread_stop(struct codec_thread *t)
{
	struct codec_task *task;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	if (t->running != NULL)
		atomic_store(&t->running->cancel, true);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	while ((task = queue_take(&t->waiting)) != NULL ||
	       (task = queue_take(&t->finished)) != NULL)
		codec_task_free(task);
	free_thread(t);
}

void codec_thread_submit(struct codec_thread *t, struct codec_task *task)
{
	pthread_mutex_lock(&t->lock);
	queue_put(&t->waiting, task);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

int codec_thread_fd(const struct codec_thread *t)
{
	return t->event_fd;
}

struct codec_task *codec_thread_take(struct codec_thread *t)
{
	struct codec_task *task;

	pthread_mutex_lock(&t->lock);
	task = queue_take(&t->finished);
	pthread_mutex_unlock(&t->lock);
	return task;
}

int app_codec_start(struct app *app)
{
	int e = codec_thread_start(&app->codec_thread, &app->plane.codec);

	return e == 0 ? 0 : app_fail(app, e, "codec: the thread cannot be started");
}

void app_codec_stop(struct app *app)
{
	if (app->codec_thread != NULL)
		codec_thread_stop(app->codec_thread);
	app->codec_thread = NULL;
}

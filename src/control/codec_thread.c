/* SPDX-License-Identifier: Apache-2.0 */
#include "control/codec_thread.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "assay/status.h"
#include "codec/files.h"
#include "control/app.h"

#define SECOND_NS 1000000000
#define HOLD_NS	  100000000 /* between looks at who wants to wait */

struct codec_thread {
	struct task_pool pool;
	struct work_thread *thread;
};

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;

int codec_pool_hold(struct pipeline *p)
{
	struct timespec until;

	do {
		if (work_progress(p, "waiting for the workers", 0, 0) != 0)
			return ASSAY_E_CLOSED;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += HOLD_NS;
		until.tv_sec += until.tv_nsec / SECOND_NS;
		until.tv_nsec %= SECOND_NS;
	} while (pthread_mutex_timedlock(&pool_lock, &until) != 0);
	return 0;
}

void codec_pool_release(void)
{
	pthread_mutex_unlock(&pool_lock);
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

static int code(struct codec_thread *t, struct codec_task *task)
{
	struct pipeline p = {.pool = &t->pool,
			     .ratio = task->ratio,
			     .owner = task->give ? &task->owner : NULL,
			     .progress = on_progress,
			     .skipped = on_skipped,
			     .ctx = task};
	int e = codec_pool_hold(&p);
	if (e != 0)
		return e;
	if (task->kind == CODEC_ENCODE)
		e = pipeline_encode(&p, task->file, task->folder);
	else if (task->kind == CODEC_DECODE)
		e = pipeline_decode(&p, task->folder, task->file);
	else
		e = pipeline_heal(&p, task->folder, task->file);
	codec_pool_release();
	snprintf(task->message, sizeof(task->message), "%s", p.message);
	return e;
}

static void run(void *ctx, struct work *w)
{
	struct codec_task *task = (struct codec_task *)w;

	task->result = code(ctx, task);
}

static void cancel(struct work *w)
{
	atomic_store(&((struct codec_task *)w)->cancel, true);
}

static void drop(struct work *w)
{
	codec_task_free((struct codec_task *)w);
}

int codec_thread_start(struct codec_thread **out, const struct task_pool *pool)
{
	static const struct work_kind kind = {"assay-codec", 1, run, cancel};
	struct codec_thread *t = calloc(1, sizeof(*t));
	int error;

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->pool = *pool;
	error = work_thread_start(&t->thread, &kind, t);
	if (error != 0)
		free(t);
	else
		*out = t;
	return error;
}

void codec_thread_stop(struct codec_thread *t)
{
	work_thread_stop(t->thread, drop);
	free(t);
}

void codec_thread_submit(struct codec_thread *t, struct codec_task *task)
{
	work_thread_submit(t->thread, &task->work);
}

int codec_thread_fd(const struct codec_thread *t)
{
	return work_thread_fd(t->thread);
}

struct codec_task *codec_thread_take(struct codec_thread *t)
{
	return (struct codec_task *)work_thread_take(t->thread);
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

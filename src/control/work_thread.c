/* SPDX-License-Identifier: Apache-2.0 */
#include "control/work_thread.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"

#define WORK_THREADS_MAX 256

STAILQ_HEAD(queue, work);

struct work_thread {
	const struct work_kind *kind;
	void *ctx;
	pthread_t thread[WORK_THREADS_MAX];
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	struct queue waiting, running, finished;
	unsigned threads, idle, queued; /* queued: in waiting */
	bool stop;
	int event_fd;
};

static struct work *queue_take(struct queue *q)
{
	struct work *w = STAILQ_FIRST(q);

	if (w != NULL)
		STAILQ_REMOVE_HEAD(q, entry);
	return w;
}

static void *thread_main(void *arg)
{
	struct work_thread *t = arg;
	uint64_t one = 1;

	pthread_setname_np(pthread_self(), t->kind->name);
	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct work *w = queue_take(&t->waiting);

		if (w == NULL) {
			t->idle++;
			pthread_cond_wait(&t->wake, &t->lock);
			t->idle--;
			continue;
		}
		t->queued--;
		STAILQ_INSERT_TAIL(&t->running, w, entry);
		pthread_mutex_unlock(&t->lock);
		t->kind->run(t->ctx, w);
		pthread_mutex_lock(&t->lock);
		STAILQ_REMOVE(&t->running, w, work, entry);
		STAILQ_INSERT_TAIL(&t->finished, w, entry);
		must(write(t->event_fd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void free_thread(struct work_thread *t)
{
	if (t->event_fd >= 0)
		close(t->event_fd);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool add_thread(struct work_thread *t)
{
	if (pthread_create(&t->thread[t->threads], NULL, thread_main, t) != 0)
		return false;
	t->threads++;
	return true;
}

int work_thread_start(struct work_thread **out, const struct work_kind *kind, void *ctx)
{
	struct work_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->kind = kind;
	t->ctx = ctx;
	STAILQ_INIT(&t->waiting);
	STAILQ_INIT(&t->running);
	STAILQ_INIT(&t->finished);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(kind->threads <= WORK_THREADS_MAX);
	if (t->event_fd < 0 || !add_thread(t)) {
		free_thread(t);
		return ASSAY_E_NOMEM;
	}
	*out = t;
	return 0;
}

void work_thread_beside(struct work_thread *t)
{
	cpu_set_t cpus;

	if (pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus) != 0)
		return;
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->threads; i++)
		pthread_setaffinity_np(t->thread[i], sizeof(cpus), &cpus);
	pthread_mutex_unlock(&t->lock);
}

void work_thread_join(struct work_thread *t)
{
	struct work *w;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	STAILQ_FOREACH(w, &t->running, entry)
	t->kind->cancel(w);
	pthread_cond_broadcast(&t->wake);
	pthread_mutex_unlock(&t->lock);
	while (t->threads > 0)
		pthread_join(t->thread[--t->threads], NULL);
	STAILQ_CONCAT(&t->finished, &t->waiting);
}

void work_thread_stop(struct work_thread *t, void (*drop)(struct work *w))
{
	struct work *w;

	work_thread_join(t);
	while ((w = queue_take(&t->waiting)) != NULL || (w = queue_take(&t->finished)) != NULL)
		drop(w);
	free_thread(t);
}

void work_thread_submit(struct work_thread *t, struct work *w)
{
	pthread_mutex_lock(&t->lock);
	STAILQ_INSERT_TAIL(&t->waiting, w, entry);
	t->queued++;
	/* Without one more it waits for those that are there. */
	if (t->queued > t->idle && t->threads < t->kind->threads && !t->stop)
		add_thread(t);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void work_thread_poke(struct work_thread *t)
{
	uint64_t one = 1;

	must(write(t->event_fd, &one, sizeof(one)) == sizeof(one));
}

int work_thread_fd(const struct work_thread *t)
{
	return t->event_fd;
}

struct work *work_thread_take(struct work_thread *t)
{
	struct work *w;

	pthread_mutex_lock(&t->lock);
	w = queue_take(&t->finished);
	pthread_mutex_unlock(&t->lock);
	return w;
}

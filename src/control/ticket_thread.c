/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/ticket_work.h"

struct queue {
	struct ticket_work *head, **tail;
};

struct ticket_thread {
	struct task_pool pool;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	struct queue waiting, finished;
	struct ticket_work *running;
	bool stop;
	int event_fd;
};

static void queue_put(struct queue *q, struct ticket_work *w)
{
	w->next = NULL;
	*q->tail = w;
	q->tail = &w->next;
}

static struct ticket_work *queue_take(struct queue *q)
{
	struct ticket_work *w = q->head;

	if (w == NULL)
		return NULL;
	q->head = w->next;
	if (q->head == NULL)
		q->tail = &q->head;
	return w;
}

int ticket_fail(struct ticket_work *w, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->message, sizeof(w->message), format, args);
	va_end(args);
	return error;
}

bool ticket_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct ticket_work *w = ctx;

	atomic_store_explicit(&w->total, total, memory_order_relaxed);
	atomic_store_explicit(&w->done, done, memory_order_relaxed);
	return atomic_load_explicit(&w->cancel, memory_order_relaxed);
}

void ticket_work_clear(struct ticket_work *w)
{
	free(w->index_ids);
	free(w->signatures);
	free(w->keys[1]);
	free(w->keys[2]);
	free(w->description);
	w->index_ids = NULL;
	w->signatures = w->description = NULL;
	w->keys[1] = w->keys[2] = NULL;
}

void staging_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(folder);
}

static int run(struct ticket_thread *t, struct ticket_work *w)
{
	if (atomic_load(&w->cancel))
		return ASSAY_E_CLOSED;
	switch (w->step) {
	case STEP_ENCODE:
		return ticket_encode(w, &t->pool);
	case STEP_PUSH:
		return ticket_push(w);
	case STEP_GET:
		return ticket_fetch(w, &t->pool);
	}
	return ASSAY_E_INVAL;
}

static void *thread_main(void *arg)
{
	struct ticket_thread *t = arg;
	uint64_t one = 1;

	pthread_setname_np(pthread_self(), "assay-tickets");
	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct ticket_work *w = queue_take(&t->waiting);

		if (w == NULL) {
			pthread_cond_wait(&t->wake, &t->lock);
			continue;
		}
		t->running = w;
		pthread_mutex_unlock(&t->lock);
		w->message[0] = '\0';
		w->result = run(t, w);
		pthread_mutex_lock(&t->lock);
		t->running = NULL;
		queue_put(&t->finished, w);
		must(write(t->event_fd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void free_thread(struct ticket_thread *t)
{
	if (t->event_fd >= 0)
		close(t->event_fd);
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int ticket_thread_start(struct ticket_thread **out, const struct task_pool *pool)
{
	struct ticket_thread *t = calloc(1, sizeof(*t));

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

void ticket_thread_stop(struct ticket_thread *t, void (*dropped)(struct ticket_work *w))
{
	struct ticket_work *w;

	pthread_mutex_lock(&t->lock);
	t->stop = true;
	if (t->running != NULL)
		atomic_store(&t->running->cancel, true);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	while ((w = queue_take(&t->waiting)) != NULL || (w = queue_take(&t->finished)) != NULL)
		dropped(w);
	free_thread(t);
}

void ticket_thread_submit(struct ticket_thread *t, struct ticket_work *w)
{
	pthread_mutex_lock(&t->lock);
	queue_put(&t->waiting, w);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

int ticket_thread_fd(const struct ticket_thread *t)
{
	return t->event_fd;
}

struct ticket_work *ticket_thread_take(struct ticket_thread *t)
{
	struct ticket_work *w;

	pthread_mutex_lock(&t->lock);
	w = queue_take(&t->finished);
	pthread_mutex_unlock(&t->lock);
	return w;
}

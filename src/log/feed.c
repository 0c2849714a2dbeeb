/* SPDX-License-Identifier: Apache-2.0 */
#include "log/feed_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"

struct queued {
	struct feed_event event;
	struct queued *next;
};

struct feed *feed_new(const struct log_engine *engine, uint64_t next)
{
	struct feed *f = calloc(1, sizeof(*f));

	must(f != NULL && next > 0);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->tail = &f->first;
	f->engine = *engine;
	f->next = next;
	f->page = FEED_PAGE_FIRST;
	f->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(f->fd >= 0);
	return f;
}

void feed_free(struct feed *f)
{
	struct feed_event event;

	if (f == NULL)
		return;
	feed_stop(f);
	while (feed_next(f, &event))
		free(event.bytes);
	f->engine.close(f->engine.ctx);
	free(f->own);
	close(f->fd);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* --- the queue; under the lock --- */

void feed_push(struct feed *f, const struct feed_event *event)
{
	struct queued *q;

	if (f->restart && event->kind != FEED_APPENDED) {
		free(event->bytes); /* of before */
		return;
	}
	q = malloc(sizeof(*q));
	must(q != NULL);
	q->event = *event;
	q->next = NULL;
	if (f->first == NULL)
		eventfd_write(f->fd, 1);
	*f->tail = q;
	f->tail = &q->next;
	if (event->kind == FEED_ENTRY) {
		f->entries++;
		f->bytes += event->len;
	}
}

bool feed_next(struct feed *f, struct feed_event *out)
{
	struct queued *q;
	eventfd_t count;

	pthread_mutex_lock(&f->lock);
	q = f->first;
	if (q == NULL || q->next == NULL)
		eventfd_read(f->fd, &count);
	if (q != NULL) {
		*out = q->event;
		f->first = q->next;
		if (f->first == NULL)
			f->tail = &f->first;
		if (out->kind == FEED_ENTRY) {
			f->entries--;
			f->bytes -= out->len;
			pthread_cond_signal(&f->changed);
		}
		free(q);
	}
	pthread_mutex_unlock(&f->lock);
	return q != NULL;
}

/* All but what became of an append. */
static void drop_queue(struct feed *f)
{
	struct queued *q = f->first, *next;

	f->first = NULL;
	f->tail = &f->first;
	f->entries = 0;
	f->bytes = 0;
	for (; q != NULL; q = next) {
		next = q->next;
		if (q->event.kind == FEED_APPENDED) {
			q->next = NULL;
			*f->tail = q;
			f->tail = &q->next;
			continue;
		}
		free(q->event.bytes);
		free(q);
	}
}

/* --- the owner's side --- */

int feed_fd(const struct feed *f)
{
	return f->fd;
}

static void wake(struct feed *f)
{
	pthread_cond_signal(&f->changed);
	f->engine.wake(f->engine.ctx, false);
}

int feed_append(struct feed *f, const uint8_t *entry, size_t len)
{
	int err = 0;

	pthread_mutex_lock(&f->lock);
	if (!f->connected || f->restart)
		err = ASSAY_E_AGAIN;
	else if (f->own != NULL)
		err = ASSAY_E_BUSY;
	if (err == 0) {
		f->own = malloc(len > 0 ? len : 1);
		must(f->own != NULL);
		memcpy(f->own, entry, len);
		f->own_len = len;
		wake(f);
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

void feed_hurry(struct feed *f, bool hurry)
{
	pthread_mutex_lock(&f->lock);
	if (hurry && !f->hurry)
		wake(f);
	f->hurry = hurry;
	pthread_mutex_unlock(&f->lock);
}

void feed_trim(struct feed *f, uint64_t upto)
{
	pthread_mutex_lock(&f->lock);
	f->trim_upto = upto > f->trim_upto ? upto : f->trim_upto;
	pthread_mutex_unlock(&f->lock);
}

void feed_restart(struct feed *f, uint64_t next)
{
	must(next > 0);
	pthread_mutex_lock(&f->lock);
	drop_queue(f);
	f->restart = true;
	f->restart_next = next;
	wake(f);
	pthread_mutex_unlock(&f->lock);
}

void feed_health(struct feed *f, struct log_health *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->health;
	pthread_mutex_unlock(&f->lock);
}

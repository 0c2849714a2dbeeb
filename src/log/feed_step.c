/* SPDX-License-Identifier: Apache-2.0 */
/* A feed's turns: connect, append, read, trim, one after the other. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "log/feed_impl.h"

#define RETRY_MS 200
#define IDLE_MS	 1000

static void say(struct feed *f, enum feed_kind kind, uint64_t seq, uint64_t floor)
{
	struct feed_event event = {.kind = kind, .seq = seq, .floor = floor};

	pthread_mutex_lock(&f->lock);
	feed_push(f, &event);
	pthread_mutex_unlock(&f->lock);
}

static void answer(struct feed *f, enum log_result result, uint64_t seq)
{
	struct feed_event event = {.kind = FEED_APPENDED, .seq = seq, .result = result};

	pthread_mutex_lock(&f->lock);
	if (f->own != NULL) {
		free(f->own);
		f->own = NULL;
		feed_push(f, &event);
	}
	pthread_mutex_unlock(&f->lock);
}

void feed_lose(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->connected = false;
	pthread_mutex_unlock(&f->lock);
	/* What waited was for the log as it was; whether it still is has to be seen first. */
	answer(f, LOG_UNAVAILABLE, 0);
	if (!f->said_lost)
		say(f, FEED_LOST, 0, 0);
	f->said_lost = true;
}

static unsigned connect_step(struct feed *f)
{
	uint64_t floor, head, again;
	int err = f->engine.head(f->engine.ctx, &floor, &head);

	if (err != 0) {
		feed_lose(f);
		return RETRY_MS;
	}
	say(f, FEED_CONNECTED, head, floor);
	f->said_lost = false;
	if (f->next < floor) {
		say(f, FEED_TRIMMED, f->next, floor);
		f->halted = true;
		return IDLE_MS;
	}
	again = f->next > FEED_COMPARE ? f->next - FEED_COMPARE : 1;
	f->next = again > floor ? again : floor;
	pthread_mutex_lock(&f->lock);
	f->connected = !f->restart;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

/* The owner's entry, if there is one: true when it has been tried. */
static bool append_step(struct feed *f)
{
	enum log_result result;
	const uint8_t *entry;
	uint64_t seq = 0;
	size_t len;

	pthread_mutex_lock(&f->lock);
	entry = f->own; /* stays until it is answered */
	len = f->own_len;
	pthread_mutex_unlock(&f->lock);
	if (entry == NULL)
		return false;
	result = f->engine.append(f->engine.ctx, &seq, entry, len);
	answer(f, result, seq);
	return true;
}

static void on_entry(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	struct feed *f = arg;
	struct feed_event event = {.kind = FEED_ENTRY, .seq = seq, .len = len};

	event.bytes = malloc(len > 0 ? len : 1);
	must(event.bytes != NULL);
	if (len > 0)
		memcpy(event.bytes, entry, len);
	f->page_bytes += len;
	pthread_mutex_lock(&f->lock);
	feed_push(f, &event);
	pthread_mutex_unlock(&f->lock);
}

/* How many more entries there is room for. */
static unsigned room(struct feed *f)
{
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->bytes < FEED_BYTES_MAX ? FEED_ENTRIES_MAX - f->entries : 0;
	pthread_mutex_unlock(&f->lock);
	return n < f->page ? n : f->page;
}

/* Pages of about half the room, by the size of entries seen last. */
static void size_page(struct feed *f, unsigned n)
{
	size_t each = f->page_bytes / n + 1, fit = FEED_BYTES_MAX / 2 / each;

	f->page = fit > LOG_PAGE_MAX ? LOG_PAGE_MAX : fit > 0 ? (unsigned)fit : 1;
}

static unsigned read_step(struct feed *f, bool appended)
{
	unsigned max = room(f);
	int n;

	if (max == 0)
		return appended ? 0 : IDLE_MS;
	f->page_bytes = 0;
	n = f->engine.read(f->engine.ctx, f->next, max, on_entry, f);
	if (n > 0) {
		f->next += (unsigned)n;
		size_page(f, (unsigned)n);
		return 0;
	}
	if (n == 0)
		return appended ? 0 : IDLE_MS;
	if (n == ASSAY_E_CORRUPT) {
		say(f, FEED_HOLE, f->next, 0);
		f->halted = true;
		return IDLE_MS;
	}
	feed_lose(f);
	return n == ASSAY_E_IO ? RETRY_MS : 0;
}

static void trim_step(struct feed *f)
{
	uint64_t upto;

	pthread_mutex_lock(&f->lock);
	upto = f->trim_upto;
	f->trim_upto = 0;
	pthread_mutex_unlock(&f->lock);
	if (upto > 0 && f->engine.trim(f->engine.ctx, upto) != 0) {
		pthread_mutex_lock(&f->lock);
		f->trim_upto = f->trim_upto > upto ? f->trim_upto : upto;
		pthread_mutex_unlock(&f->lock);
	}
}

static void take_restart(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	if (f->restart) {
		f->next = f->restart_next;
		f->halted = f->restart = f->connected = false;
	}
	pthread_mutex_unlock(&f->lock);
}

unsigned feed_step(struct feed *f)
{
	unsigned wait_ms;

	take_restart(f);
	if (f->halted) {
		answer(f, LOG_UNAVAILABLE, 0);
		wait_ms = IDLE_MS;
	} else if (!f->connected) {
		wait_ms = connect_step(f);
	} else {
		bool appended = append_step(f);

		wait_ms = read_step(f, appended);
		if (wait_ms > 0 && f->connected)
			trim_step(f);
	}
	pthread_mutex_lock(&f->lock);
	f->engine.health(f->engine.ctx, &f->health);
	pthread_mutex_unlock(&f->lock);
	return wait_ms;
}

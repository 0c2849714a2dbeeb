/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated engine: entries in memory, faults by a seed, and everything an engine must not do.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/sim_random.h"
#include "log/log.h"

#define LAG_MAX 8

struct held {
	uint8_t *bytes; /* NULL: a hole, or trimmed */
	size_t len;
};

struct engine_sim {
	pthread_mutex_t lock; /* handles may be on threads of their own */
	uint64_t seed;
	struct held *entry; /* [seq - 1] */
	uint64_t head, floor, room;
	uint64_t generation; /* one up with each thing that must not be */
	struct engine_sim_faults faults;
	bool down;
	uint64_t appends;
};

struct handle {
	struct engine_sim *sim;
	uint64_t generation, head; /* highest seen */
	atomic_bool stop;
};

struct engine_sim *engine_sim_new(uint64_t seed)
{
	struct engine_sim *s = calloc(1, sizeof(*s));

	must(s != NULL);
	pthread_mutex_init(&s->lock, NULL);
	s->seed = seed;
	s->floor = 1;
	return s;
}

void engine_sim_free(struct engine_sim *s)
{
	for (uint64_t i = 0; i < s->head; i++)
		free(s->entry[i].bytes);
	free(s->entry);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	must(copy != NULL);
	memcpy(copy, bytes, len);
	return copy;
}

static uint64_t find(const struct engine_sim *s, const uint8_t *bytes, size_t len)
{
	for (uint64_t i = s->head; i >= s->floor; i--) {
		const struct held *h = &s->entry[i - 1];

		if (h->bytes != NULL && h->len == len && memcmp(h->bytes, bytes, len) == 0)
			return i;
	}
	return 0;
}

static uint64_t push(struct engine_sim *s, const uint8_t *bytes, size_t len)
{
	if (s->head == s->room) {
		s->room = 2 * s->room + 64;
		s->entry = realloc(s->entry, s->room * sizeof(*s->entry));
		must(s->entry != NULL);
	}
	s->entry[s->head++] = (struct held){copy_of(bytes, len), len};
	return s->head;
}

static bool gone(struct handle *h)
{
	struct engine_sim *s = h->sim;

	return s->down || atomic_load(&h->stop) || sim_chance(&s->seed, s->faults.unavailable);
}

static enum log_result append(struct handle *h, uint64_t *seq, const uint8_t *entry, size_t len)
{
	struct engine_sim *s = h->sim;
	bool lost;

	if (gone(h))
		return LOG_UNAVAILABLE;
	*seq = find(s, entry, len);
	if (*seq > 0)
		return LOG_DUPLICATE;
	s->appends++;
	if (s->head < h->head || (s->faults.races > 0 && sim_chance(&s->seed, s->faults.races)))
		return LOG_SEQUENCE;
	lost = sim_chance(&s->seed, s->faults.lost_ack);
	if (lost && sim_chance(&s->seed, 50))
		return LOG_UNKNOWN;
	*seq = h->head = push(s, entry, len);
	return lost ? LOG_UNKNOWN : LOG_APPENDED;
}

static enum log_result sim_append(void *ctx, uint64_t *seq, const uint8_t *entry, size_t len)
{
	struct handle *h = ctx;
	enum log_result result;

	if (len > LOG_ENTRY_MAX)
		return LOG_TOO_LARGE;
	pthread_mutex_lock(&h->sim->lock);
	result = append(h, seq, entry, len);
	pthread_mutex_unlock(&h->sim->lock);
	return result;
}

/* The newest entries may not be seen yet, but what was seen once stays. */
static uint64_t visible(struct handle *h)
{
	struct engine_sim *s = h->sim;
	uint64_t head = s->head;

	if (sim_chance(&s->seed, s->faults.lag)) {
		uint64_t lag = sim_next(&s->seed) % LAG_MAX;

		head = head > lag ? head - lag : 0;
	}
	return head > h->head ? head : h->head;
}

static int read_page(struct handle *h, uint64_t from, unsigned max, log_each each, void *arg)
{
	struct engine_sim *s = h->sim;
	uint64_t head;
	int n = 0;

	if (gone(h))
		return ASSAY_E_IO;
	if (h->generation != s->generation)
		return ASSAY_E_CHANGED;
	if (from < s->floor)
		return ASSAY_E_RANGE;
	head = visible(h);
	for (; from <= head && (unsigned)n < max; from++, n++) {
		const struct held *entry = &s->entry[from - 1];

		if (entry->bytes == NULL)
			return n > 0 ? n : ASSAY_E_CORRUPT;
		each(arg, from, entry->bytes, entry->len);
		h->head = from > h->head ? from : h->head;
	}
	return n;
}

static int sim_read(void *ctx, uint64_t from, unsigned max, log_each each, void *arg)
{
	struct handle *h = ctx;
	int n;

	must(from > 0 && max <= LOG_PAGE_MAX);
	pthread_mutex_lock(&h->sim->lock);
	n = read_page(h, from, max, each, arg);
	pthread_mutex_unlock(&h->sim->lock);
	return n;
}

/* Whoever drives the simulation decides when to look again. */
static int sim_wait(void *ctx, unsigned timeout_ms, bool hurry)
{
	return 0;
}

static int sim_head(void *ctx, uint64_t *floor, uint64_t *head)
{
	struct handle *h = ctx;
	struct engine_sim *s = h->sim;
	int err = ASSAY_E_IO;

	pthread_mutex_lock(&s->lock);
	if (!gone(h)) {
		h->generation = s->generation;
		*floor = s->floor;
		*head = h->head = s->head;
		err = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

static int sim_trim(void *ctx, uint64_t upto)
{
	struct handle *h = ctx;
	struct engine_sim *s = h->sim;
	int err = ASSAY_E_IO;

	pthread_mutex_lock(&s->lock);
	if (!gone(h)) {
		for (; s->floor <= upto && s->floor < s->head; s->floor++) {
			free(s->entry[s->floor - 1].bytes);
			s->entry[s->floor - 1].bytes = NULL;
		}
		err = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

static void sim_health(void *ctx, struct log_health *out)
{
	struct handle *h = ctx;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&h->sim->lock);
	out->reachable = !h->sim->down;
	pthread_mutex_unlock(&h->sim->lock);
	snprintf(out->where, sizeof(out->where), "simulated");
	snprintf(out->trouble, sizeof(out->trouble), "%s", out->reachable ? "" : "it is down");
}

static void sim_wake(void *ctx, bool stop)
{
	if (stop)
		atomic_store(&((struct handle *)ctx)->stop, true);
}

static void sim_close(void *ctx)
{
	free(ctx);
}

int engine_sim_open(struct log_engine *out, struct engine_sim *s)
{
	struct handle *h = calloc(1, sizeof(*h));

	must(h != NULL);
	h->sim = s;
	*out = (struct log_engine){sim_append, sim_read, sim_wait,  sim_head, sim_trim,
				   sim_health, sim_wake, sim_close, h};
	return 0;
}

void engine_sim_set_faults(struct engine_sim *s, struct engine_sim_faults faults)
{
	pthread_mutex_lock(&s->lock);
	s->faults = faults;
	pthread_mutex_unlock(&s->lock);
}

void engine_sim_down(struct engine_sim *s, bool down)
{
	pthread_mutex_lock(&s->lock);
	s->down = down;
	pthread_mutex_unlock(&s->lock);
}

uint64_t engine_sim_appends(const struct engine_sim *s)
{
	return s->appends;
}

void engine_sim_put(struct engine_sim *s, const uint8_t *entry, size_t len)
{
	pthread_mutex_lock(&s->lock);
	push(s, entry, len);
	pthread_mutex_unlock(&s->lock);
}

void engine_sim_lose(struct engine_sim *s, uint64_t newest)
{
	pthread_mutex_lock(&s->lock);
	for (; newest > 0 && s->head >= s->floor; newest--)
		free(s->entry[--s->head].bytes);
	s->generation++;
	pthread_mutex_unlock(&s->lock);
}

void engine_sim_swap(struct engine_sim *s, uint64_t seq)
{
	struct held kept;

	pthread_mutex_lock(&s->lock);
	must(seq >= s->floor && seq < s->head);
	kept = s->entry[seq - 1];
	s->entry[seq - 1] = s->entry[seq];
	s->entry[seq] = kept;
	s->generation++;
	pthread_mutex_unlock(&s->lock);
}

void engine_sim_rewrite(struct engine_sim *s, uint64_t seq, const uint8_t *entry, size_t len)
{
	pthread_mutex_lock(&s->lock);
	must(seq >= s->floor && seq <= s->head);
	free(s->entry[seq - 1].bytes);
	s->entry[seq - 1] = (struct held){entry != NULL ? copy_of(entry, len) : NULL, len};
	s->generation++;
	pthread_mutex_unlock(&s->lock);
}

void engine_sim_punch(struct engine_sim *s, uint64_t seq)
{
	engine_sim_rewrite(s, seq, NULL, 0);
}

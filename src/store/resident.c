/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept in memory: bytes and outboard in one block. When the budget is used up, the least
 * recently used of a few gives way, and only to one that was used after it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "store/store_impl.h"

#define LINE	       64
#define STAGGER	       128 /* processors fetch lines in pairs */
#define STAGGER_STEPS  16
#define STAGGER_MIN    (16 * 1024)
#define SHARE_MAX      4 /* an artifact takes at most a quarter of the budget */
#define VICTIMS_LOOKED 32

static void *heap_alloc(void *ctx, size_t len)
{
	return aligned_alloc(LINE, (len + LINE - 1) / LINE * LINE);
}

static void heap_release(void *ctx, void *p, size_t len)
{
	free(p);
}

struct store_memory store_memory_heap(void)
{
	return (struct store_memory){heap_alloc, heap_release, NULL};
}

static void defer_now(void *ctx, void (*release)(void *pointer), void *pointer)
{
	release(pointer);
}

struct grace grace_immediate(void)
{
	return (struct grace){defer_now, NULL};
}

/* Artifacts of one size, one after the other, would all start in the same cache sets. */
static size_t stagger_of(const struct artifact *a)
{
	return a->size < STAGGER_MIN ? 0 : STAGGER * (a->key[31] % STAGGER_STEPS);
}

static size_t data_room(const struct artifact *a)
{
	return (a->size + LINE - 1) / LINE * LINE;
}

static size_t block_len(const struct artifact *a)
{
	return stagger_of(a) + data_room(a) + tree_outboard_len(a->chunks);
}

static uint32_t used_s(const struct record *r)
{
	return atomic_load_explicit(&r->artifact.used_s, memory_order_relaxed);
}

/* The hand goes round; the least recently used of the next few. */
static struct resident *find_victim(struct store *s)
{
	struct resident *victim = NULL;

	for (uint32_t i = 0; i < s->resident_count && i < VICTIMS_LOOKED; i++) {
		struct resident *res;

		if (++s->resident_hand >= s->resident_count)
			s->resident_hand = 0;
		res = s->residents[s->resident_hand];
		if (victim == NULL || used_s(res->record) < used_s(victim->record))
			victim = res;
	}
	return victim;
}

static bool make_room(struct store *s, const struct record *r, size_t len)
{
	if (len > s->config.resident_max / SHARE_MAX)
		return false;
	while (s->stats.resident_bytes + len > s->config.resident_max) {
		struct resident *victim = find_victim(s);

		if (victim == NULL || used_s(victim->record) >= used_s(r))
			return false;
		resident_retire(s, victim->record);
	}
	return true;
}

static bool list_room(struct store *s)
{
	uint32_t room = s->resident_room > 0 ? 2 * s->resident_room : 64;
	struct resident **more;

	if (s->resident_count < s->resident_room)
		return true;
	more = realloc(s->residents, room * sizeof(*more));
	if (more == NULL)
		return false;
	s->residents = more;
	s->resident_room = room;
	return true;
}

struct resident *resident_new(struct store *s, struct record *r)
{
	size_t len = block_len(&r->artifact);
	struct resident *res;
	uint8_t *data;

	if (!make_room(s, r, len) || !list_room(s))
		return NULL;
	res = calloc(1, sizeof(*res));
	if (res == NULL)
		return NULL;
	res->memory = s->config.memory;
	res->block = res->memory.alloc(res->memory.ctx, len);
	if (res->block == NULL) {
		free(res);
		return NULL;
	}
	must((uintptr_t)res->block % LINE == 0);
	data = (uint8_t *)res->block + stagger_of(&r->artifact);
	res->bytes.data = data;
	res->bytes.outboard = data + data_room(&r->artifact);
	res->len = len;
	res->record = r;
	return res;
}

void resident_free(struct resident *res)
{
	if (res == NULL)
		return;
	res->memory.release(res->memory.ctx, res->block, res->len);
	free(res);
}

/* The block is the writer's until it is published. */
static uint8_t *own(const uint8_t *p)
{
	return (uint8_t *)(uintptr_t)p;
}

void resident_fill(struct resident *res, uint64_t offset, const uint8_t *data, size_t len)
{
	memcpy(own(res->bytes.data) + offset, data, len);
}

void resident_fill_values(struct resident *res, struct tree_node first, const uint8_t *values,
			  uint32_t count)
{
	memcpy(own(tree_value(res->bytes.outboard, res->record->artifact.chunks, first)), values,
	       32 * (size_t)count);
}

void resident_publish(struct store *s, struct resident *res)
{
	struct record *r = res->record;

	res->place = s->resident_count;
	s->residents[s->resident_count++] = res;
	r->resident = res;
	atomic_store_explicit(&r->artifact.bytes, &res->bytes, memory_order_release);
	pthread_mutex_lock(&s->lock);
	s->stats.resident++;
	s->stats.resident_bytes += res->len;
	pthread_mutex_unlock(&s->lock);
}

static void release_resident(void *pointer)
{
	resident_free(pointer);
}

void resident_retire(struct store *s, struct record *r)
{
	struct resident *res = r->resident;

	if (res == NULL)
		return;
	r->resident = NULL;
	atomic_store_explicit(&r->artifact.bytes, NULL, memory_order_release);
	s->residents[res->place] = s->residents[--s->resident_count];
	s->residents[res->place]->place = res->place;
	pthread_mutex_lock(&s->lock);
	s->stats.resident--;
	s->stats.resident_bytes -= res->len;
	pthread_mutex_unlock(&s->lock);
	s->config.grace.defer(s->config.grace.ctx, release_resident, res);
}

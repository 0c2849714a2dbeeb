/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: open addressing with linear probing, at most half full, one atomic pointer a slot. One
 * writer, any number of readers without a lock; a table that was replaced is freed after a grace
 * period.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "store/store_impl.h"

#define SLOTS_MIN 64
#define BURST	  64

struct index_table {
	uint64_t mask;
	uint64_t used; /* slots that are not empty; the writer's */
	_Atomic(struct record *) slot[];
};

/* Where a record was: searches go on past it. */
static struct record grave;

/* Keys are digests, but who stores files can choose them: the seeds keep slots unpredictable. */
static uint64_t hash(const struct store *s, const uint8_t key[32])
{
	uint64_t word[2];

	memcpy(word, key, sizeof(word));
	unsigned __int128 product =
		(unsigned __int128)(word[0] ^ s->hash_seed[0]) * (word[1] ^ s->hash_seed[1]);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static struct index_table *table_new(uint64_t slots)
{
	struct index_table *t = calloc(1, sizeof(*t) + slots * sizeof(t->slot[0]));

	if (t != NULL)
		t->mask = slots - 1;
	return t;
}

/* The writer's own look at its table. */
static struct index_table *table_of(struct store *s)
{
	return atomic_load_explicit(&s->table, memory_order_relaxed);
}

static void table_add(struct store *s, struct index_table *t, struct record *r)
{
	uint64_t at = hash(s, r->artifact.key) & t->mask;

	while (atomic_load_explicit(&t->slot[at], memory_order_relaxed) != NULL)
		at = (at + 1) & t->mask;
	atomic_store_explicit(&t->slot[at], r, memory_order_release);
	t->used++;
}

int index_open(struct store *s)
{
	struct index_table *t = table_new(SLOTS_MIN);

	if (t == NULL)
		return ASSAY_E_NOMEM;
	s->hash_seed[0] = 0x9e3779b97f4a7c15u;
	s->hash_seed[1] = 0xbf58476d1ce4e5b9u;
	if (s->config.random != NULL)
		random_fill(s->config.random, s->hash_seed, sizeof(s->hash_seed));
	atomic_store(&s->table, t);
	return 0;
}

void index_close(struct store *s)
{
	free(table_of(s));
}

int index_reserve(struct store *s, uint64_t more)
{
	struct index_table *old = table_of(s), *t;
	uint64_t slots = SLOTS_MIN;

	if ((old->used + more) * 2 <= old->mask + 1)
		return 0;
	while (slots < (s->live + more) * 4)
		slots *= 2;
	t = table_new(slots);
	if (t == NULL)
		return ASSAY_E_NOMEM;
	for (uint64_t i = 0; i <= old->mask; i++) {
		struct record *r = atomic_load_explicit(&old->slot[i], memory_order_relaxed);

		if (r != NULL && r != &grave)
			table_add(s, t, r);
	}
	atomic_store_explicit(&s->table, t, memory_order_release);
	s->config.grace.defer(s->config.grace.ctx, free, old);
	return 0;
}

void index_insert(struct store *s, struct record *r)
{
	struct index_table *t = table_of(s);

	must((t->used + 1) * 2 <= t->mask + 1);
	table_add(s, t, r);
	s->live++;
}

static uint64_t slot_of(struct store *s, const struct record *r)
{
	const struct index_table *t = table_of(s);
	uint64_t at = hash(s, r->artifact.key) & t->mask;
	const struct record *found;

	while ((found = atomic_load_explicit(&t->slot[at], memory_order_relaxed)) != r) {
		must(found != NULL);
		at = (at + 1) & t->mask;
	}
	return at;
}

void index_replace(struct store *s, struct record *old, struct record *r)
{
	atomic_store_explicit(&table_of(s)->slot[slot_of(s, old)], r, memory_order_release);
}

void index_remove(struct store *s, const struct record *r)
{
	atomic_store_explicit(&table_of(s)->slot[slot_of(s, r)], &grave, memory_order_release);
	s->live--;
}

static struct record *probe(const struct index_table *t, uint64_t at, const uint8_t key[32])
{
	struct record *r;

	while ((r = atomic_load_explicit(&t->slot[at], memory_order_acquire)) != NULL) {
		if (r != &grave && memcmp(r->artifact.key, key, 32) == 0)
			return r;
		at = (at + 1) & t->mask;
	}
	return NULL;
}

struct record *index_find(struct store *s, const uint8_t key[32])
{
	const struct index_table *t = table_of(s);

	return probe(t, hash(s, key) & t->mask, key);
}

struct record *index_find_artifact(struct store *s, const uint8_t key[32])
{
	struct record *r = index_find(s, key);

	return r != NULL && !r->staged ? r : NULL;
}

/* Two misses a key, of the slot and of the record: each is asked for for the whole burst first. */
static void find_burst(struct store *s, const struct index_table *t, struct artifact **out,
		       const uint8_t *const *keys, unsigned n)
{
	uint64_t at[BURST];

	for (unsigned i = 0; i < n; i++) {
		at[i] = hash(s, keys[i]) & t->mask;
		__builtin_prefetch(&t->slot[at[i]]);
	}
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(atomic_load_explicit(&t->slot[at[i]], memory_order_relaxed));
	for (unsigned i = 0; i < n; i++) {
		struct record *r = probe(t, at[i], keys[i]);

		out[i] = r != NULL ? &r->artifact : NULL;
	}
}

void index_find_many(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n)
{
	struct store *s = ctx;
	const struct index_table *t = atomic_load_explicit(&s->table, memory_order_acquire);

	for (unsigned done = 0, count; done < n; done += count) {
		count = n - done < BURST ? n - done : BURST;
		find_burst(s, t, out + done, keys + done, count);
	}
}

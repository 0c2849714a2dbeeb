/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner stores, removes, checks and evicts while workers look up and read, a fetch thread reads
 * cold artifacts and somebody lists: nobody ever sees wrong bytes or freed memory. Meant for TSan
 * and ASan as well.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/sim_random.h"
#include "crypto/digest.h"
#include "store/world.h"

#define FILES	 24
#define READERS	 3   /* two workers, one fetch thread */
#define STEPS	 400 /* of the owner, at least */
#define BURST	 16
#define LIMIT_NS 60000000000u /* for what the marks ask, on the busiest machine */

static uint8_t keys[FILES][32];
static uint64_t sizes[FILES];

/* A grace period: over when every reader has been quiet once. */
struct qsbr {
	_Atomic uint64_t quiet[READERS];
	struct entry {
		struct entry *next;
		uint64_t since[READERS];
		void (*release)(void *pointer);
		void *pointer;
	} * waiting;
	unsigned released;
};

static void collect(struct qsbr *q, bool all)
{
	for (struct entry **at = &q->waiting, *e; (e = *at) != NULL;) {
		bool over = true;

		for (unsigned i = 0; i < READERS; i++)
			over = over && atomic_load(&q->quiet[i]) > e->since[i] + 1;
		if (!over && !all) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		e->release(e->pointer);
		free(e);
		q->released++;
	}
}

static void defer(void *ctx, void (*release)(void *pointer), void *pointer)
{
	struct qsbr *q = ctx;
	struct entry *e = malloc(sizeof(*e));

	assert_non_null(e);
	e->release = release;
	e->pointer = pointer;
	for (unsigned i = 0; i < READERS; i++)
		e->since[i] = atomic_load(&q->quiet[i]);
	e->next = q->waiting;
	q->waiting = e;
	collect(q, false);
}

struct shared {
	struct world *world;
	struct qsbr qsbr;
	_Atomic bool stop;
	_Atomic uint64_t found, warm, cold, listed;
	_Atomic(const char *) wrong; /* what was seen that must not be */
};

struct thread {
	struct shared *shared;
	unsigned number;
	pthread_t id;
};

static bool bytes_are(uint64_t n, uint64_t at, const uint8_t *data, size_t len)
{
	uint8_t wanted[1024];

	file_bytes(n, at, wanted, len);
	return memcmp(wanted, data, len) == 0;
}

static void look(struct shared *s, uint64_t n, struct artifact *a, uint64_t *seed)
{
	if (a == NULL)
		return;
	const struct artifact_bytes *bytes = atomic_load_explicit(&a->bytes, memory_order_acquire);
	uint32_t chunk = (uint32_t)(sim_next(seed) % a->chunks);
	uint64_t at = (uint64_t)chunk * 1024;

	atomic_fetch_add(&s->found, 1);
	atomic_store_explicit(&a->used_s, (uint32_t)(sim_next(seed) % 100), memory_order_relaxed);
	if (a->size != sizes[n] || memcmp(a->key, keys[n], 32) != 0)
		s->wrong = "a lookup's artifact";
	if (bytes == NULL || atomic_load(&a->state) != ARTIFACT_STORED)
		return;
	atomic_fetch_add(&s->warm, 1);
	if (!bytes_are(n, at, bytes->data + at, tree_chunk_len(a->size, chunk)) ||
	    memcmp(bytes->outboard + tree_outboard_len(a->chunks) - 32, a->key, 32) != 0)
		s->wrong = "bytes in memory";
}

static void *worker(void *arg)
{
	struct thread *t = arg;
	struct shared *s = t->shared;
	struct artifact_source source = store_source(s->world->store);
	uint64_t seed = t->number;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		struct artifact *found[BURST];
		const uint8_t *burst[BURST];
		uint64_t n[BURST];

		for (unsigned i = 0; i < BURST; i++) {
			n[i] = sim_next(&seed) % FILES;
			burst[i] = keys[n[i]];
		}
		source.find_many(source.ctx, found, burst, BURST);
		for (unsigned i = 0; i < BURST; i++)
			look(s, n[i], found[i], &seed);
		atomic_fetch_add(&s->qsbr.quiet[t->number], 1);
		sched_yield();
	}
	return NULL;
}

static void *fetcher(void *arg)
{
	static struct job_room room;
	struct thread *t = arg;
	struct shared *s = t->shared;
	struct artifact_source source = store_source(s->world->store);
	struct fetch_job *job = &room.job;
	struct store_reader *reader;
	uint64_t seed = 99;

	if (store_reader_new(&reader, s->world->store) != 0)
		abort();
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint64_t n = sim_next(&seed) % FILES;
		const uint8_t *key = keys[n];
		struct artifact *a;

		source.find_many(source.ctx, &a, &key, 1);
		if (a != NULL) {
			uint32_t chunk = (uint32_t)(sim_next(&seed) % a->chunks);

			atomic_fetch_add(&a->pins, 1);
			atomic_fetch_add(&s->qsbr.quiet[t->number], 1);
			job_of(&room, a, &chunk, 1);
			store_read_cold(reader, &job, 1);
			if (job->reason == ASSAY_R_NONE &&
			    !bytes_are(n, (uint64_t)chunk * 1024, job->data,
				       tree_chunk_len(a->size, chunk)))
				s->wrong = "bytes of a cold read";
			if (job->reason == ASSAY_R_ARTIFACT_ROT)
				s->wrong = "rot in a cold read";
			atomic_fetch_add(&s->cold, job->reason == ASSAY_R_NONE);
			atomic_fetch_sub(&a->pins, 1);
		}
		atomic_fetch_add(&s->qsbr.quiet[t->number], 1);
		sched_yield();
	}
	store_reader_free(reader);
	return NULL;
}

static void *lister(void *arg)
{
	struct thread *t = arg;
	struct shared *s = t->shared;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		struct artifact_info info[FILES];
		struct store_stats stats;
		unsigned n = store_list(s->world->store, NULL, info, FILES);

		for (unsigned i = 1; i < n; i++)
			if (memcmp(info[i - 1].key, info[i].key, 32) >= 0)
				s->wrong = "the order of the list";
		store_stats(s->world->store, &stats);
		if (stats.resident > stats.artifacts || stats.artifacts > FILES)
			s->wrong = "the counts";
		atomic_fetch_add(&s->listed, n);
		sched_yield();
	}
	return NULL;
}

/* The counter that has not reached its mark yet; NULL when all have. */
static const char *missing(const struct shared *s)
{
	return s->found < 1000	       ? "found"
	       : s->warm < 100	       ? "warm"
	       : s->cold < 100	       ? "cold"
	       : s->listed < 100       ? "listed"
	       : s->qsbr.released < 50 ? "released"
				       : NULL;
}

static void owner_step(struct shared *s, uint64_t *seed)
{
	struct world *w = s->world;
	uint64_t n = sim_next(seed) % FILES;
	uint8_t key[32];
	int err;

	switch (sim_next(seed) % 4) {
	case 0:
		err = store_remove(w->store, keys[n]);
		assert_true(err == 0 || err == ASSAY_E_NOTFOUND);
		break;
	case 1:
		assert_true(store_scrub_one(w->store, 0) >= 0);
		break;
	default:
		err = put_file(w, n, sizes[n], key);
		assert_true(err == 0 || err == ASSAY_E_EXISTS);
	}
	collect(&s->qsbr, false);
}

/* Goes on until everybody has had a share of the machine, however busy that is. */
static void owner(struct shared *s)
{
	uint64_t seed = 5, end = clock_mono(&s->world->clock) + LIMIT_NS;

	for (unsigned step = 0; step < STEPS || missing(s) != NULL; step++) {
		owner_step(s, &seed);
		if (clock_mono(&s->world->clock) > end)
			fail_msg("after a minute: too few %s", missing(s) ? missing(s) : "steps");
	}
}

static void test_all_at_once(void **state)
{
	static struct world w;
	static struct shared s;
	struct thread threads[READERS + 1];
	void *(*const run[READERS + 1])(void *) = {worker, worker, fetcher, lister};

	world_real(&w);
	w.clock = clock_real();
	w.config.grace = (struct grace){defer, &s.qsbr};
	w.config.resident_max = 400000; /* not enough for all */
	for (unsigned i = 0; i < FILES; i++) {
		sizes[i] = 1 + i * 2500;
		file_key(i, sizes[i], keys[i]);
	}
	assert_int_equal(world_open(&w), 0);
	s.world = &w;
	for (unsigned i = 0; i < READERS + 1; i++) {
		threads[i] = (struct thread){&s, i, 0};
		assert_int_equal(pthread_create(&threads[i].id, NULL, run[i], &threads[i]), 0);
	}
	owner(&s);
	atomic_store(&s.stop, true);
	for (unsigned i = 0; i < READERS + 1; i++)
		pthread_join(threads[i].id, NULL);
	collect(&s.qsbr, true);
	if (s.wrong != NULL)
		fail_msg("wrong: %s", s.wrong);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

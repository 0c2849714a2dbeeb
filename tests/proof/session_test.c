/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the responder against the plainest statement of what they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>

#include "proof/world.h"

static uint64_t seed = 5;

static uint64_t number(void)
{
	struct random random = random_sim(&seed);

	return random_u64(&random);
}

/* --- replay window against a list of all counters that were seen --- */

static void test_window(void **state)
{
	static uint64_t seen[20000];
	static struct session session;

	for (unsigned round = 0; round < 4; round++) {
		unsigned n = 0;
		uint64_t highest = 0;

		memset(&session, 0, sizeof(session));
		for (unsigned i = 0; i < 6000; i++) {
			static const unsigned jumps[] = {4, 70, 3000, 5000};
			uint64_t counter = number() % 3 == 0 && highest > 2100
						   ? highest - number() % 2100
						   : highest + number() % jumps[round];
			enum assay_reason told = ASSAY_R_NONE;

			if (counter == 0 || (counter <= highest && highest - counter >= 2048))
				told = ASSAY_R_REPLAY_OLD;
			for (unsigned j = 0; told == ASSAY_R_NONE && j < n; j++)
				if (seen[j] == counter)
					told = ASSAY_R_REPLAY_SEEN;
			assert_int_equal(window_check(&session, counter), told);
			if (told != ASSAY_R_NONE || number() % 4 == 0)
				continue;
			window_mark(&session, counter);
			seen[n++] = counter;
			highest = counter > highest ? counter : highest;
			assert_int_equal(session.highest, highest);
		}
	}
}

/* --- token bucket against floating point --- */

static void test_bucket(void **state)
{
	struct session session = {0};
	double rate = 3000 * 1024.0, burst = 500 * 1024.0, tokens = burst;
	uint64_t now = 77;
	uint32_t wait_ms = 0;

	session.rate = (uint64_t)(rate / 1e9 * 4294967296.0);
	session.burst = session.tokens = (uint64_t)burst << 32;
	session.filled_ns = now;
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t step = number() % (i % 100 == 0 ? NS_PER_S : 1000000),
			 cost = number() % 4000;
		bool paid;

		now += step;
		tokens += rate * (double)step / 1e9;
		tokens = tokens > burst ? burst : tokens;
		paid = session_pay(&session, now, cost, &wait_ms);
		if (tokens - (double)cost > 2 || (double)cost - tokens > 2)
			assert_int_equal(paid, tokens >= (double)cost);
		if (paid) {
			tokens -= (double)cost;
			continue;
		}
		/* The stated wait is enough, a millisecond less is not. */
		struct session later = session;

		assert_true(session_pay(&later, now + wait_ms * NS_PER_MS, cost, &wait_ms));
	}
	session.rate = 0;
	session.tokens = 0;
	assert_false(session_pay(&session, now, 1, &wait_ms));
	assert_int_equal(wait_ms, UINT32_MAX);
}

static void test_limiter(void **state)
{
	static struct limiter limiter;
	static uint64_t allowed[100000];
	unsigned n = 0;
	uint64_t now = 0;

	for (unsigned i = 0; i < 50000; i++) {
		now += number() % (i % 7 == 0 ? 20 * NS_PER_MS : NS_PER_MS);
		if (limiter_allow(&limiter, now))
			allowed[n++] = now;
	}
	assert_true(n > 1000);
	for (unsigned i = 100; i < n; i++)
		assert_true(allowed[i] - allowed[i - 100] >= NS_PER_S - 1);
}

/* --- grouped digests against one at a time --- */

static void test_lanes(void **state)
{
	static uint8_t data[LANES_MAX][24 * 64];
	static struct lanes lanes;
	uint8_t told[32];

	digest_init();
	for (unsigned round = 0; round < 200; round++) {
		unsigned n = round < LANES_MAX ? round : (unsigned)(number() % (LANES_MAX + 1));
		const uint8_t *key = round % 2 == 0 ? NULL : digest_label_key(DIGEST_LEAF);
		unsigned blocks[LANES_MAX];

		for (unsigned i = 0; i < n; i++) {
			blocks[i] = 1 + (unsigned)(number() % (round % 3 == 0 ? 2 : 24));
			for (unsigned j = 0; j < blocks[i] * 64; j++)
				data[i][j] = (uint8_t)number();
			assert_int_equal(lanes_add(&lanes, data[i], blocks[i]), i);
		}
		lanes_run(&lanes, key);
		assert_int_equal(lanes.n, 0);
		for (unsigned i = 0; i < n; i++) {
			digest_one(told, key, data[i], blocks[i] * 64);
			assert_memory_equal(lanes_digest(&lanes, i), told, 32);
		}
	}
}

/* --- view --- */

static void test_view(void **state)
{
	static const unsigned counts[] = {0, 1, 2, 3, 100, VIEW_PEERS_MAX};

	for (unsigned c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		unsigned n = counts[c];
		struct view settings = {.generation = 9, .idle_s = 5};
		struct view_peer *peers = calloc(n + 1, sizeof(*peers));
		uint8_t unknown[16] = {0};
		struct view *view;

		for (unsigned i = 0; i < n; i++) {
			for (unsigned j = 0; j < 16; j++)
				peers[i].noise.hint[j] = (uint8_t)number();
			/* All of the first half fall on the same place. */
			if (i < n / 2)
				memset(peers[i].noise.hint, 1, 8);
			peers[i].slot = n - 1 - i;
		}
		view = view_build(&settings, peers, n);
		assert_non_null(view);
		assert_int_equal(view->generation, 9);
		for (unsigned i = 0; i < n; i++) {
			assert_ptr_equal(view_find(view, peers[i].noise.hint), &peers[i]);
			assert_ptr_equal(view_peer_at(view, n - 1 - i), &peers[i]);
		}
		assert_null(view_find(view, unknown));
		assert_null(view_peer_at(view, n));
		assert_null(view_peer_at(view, UINT32_MAX));
		view_free(view);
	}
	view_free(NULL);
}

/* --- sessions of a key against their rules --- */

#define INDICES 64

static void test_peers(void **state)
{
	struct peer_sessions *p = peer_sessions_new();
	struct {
		bool listed, confirmed;
		uint64_t used;
	} told[INDICES + 1] = {0};
	uint64_t now = NS_PER_S;
	uint32_t replaced[PEER_SESSIONS_MAX];

	for (unsigned i = 0; i < 50000; i++) {
		uint32_t index = 1 + (uint32_t)(number() % INDICES),
			 limit = 3 + (uint32_t)(number() % 6);
		int place = peers_place(p, 5, index);
		unsigned sessions = 0, unconfirmed = 0;

		now += 100 * NS_PER_MS;
		assert_int_equal(place >= 0, told[index].listed);
		if (place >= 0 && number() % 4 == 0) {
			peers_release(p, 5, (unsigned)place, index);
			told[index].listed = false;
			continue;
		}
		if (place >= 0) {
			assert_true(peers_touch(p, 5, (unsigned)place, index, true, now));
			told[index].confirmed = true;
			told[index].used = now;
			continue;
		}
		for (unsigned n = peers_claim(p, 5, limit, index, now, replaced); n > 0; n--) {
			uint32_t out = replaced[n - 1];

			/* None of its kind that stays was idle longer. */
			assert_true(told[out].listed);
			told[out].listed = false;
			for (unsigned j = 1; j <= INDICES; j++)
				assert_false(peers_place(p, 5, j) >= 0 && j != index &&
					     told[j].confirmed == told[out].confirmed &&
					     told[j].used < told[out].used);
		}
		told[index].listed = true;
		told[index].confirmed = false;
		told[index].used = now;
		for (unsigned j = 1; j <= INDICES; j++) {
			sessions += told[j].listed;
			unconfirmed += told[j].listed && !told[j].confirmed;
			assert_int_equal(told[j].listed, peers_place(p, 5, j) >= 0);
		}
		assert_true(sessions <= limit && unconfirmed <= 2);
	}
	assert_false(peers_touch(p, 6, 0, 3, true, now));
	peer_sessions_free(p);
}

/* --- and with workers that use and end their sessions at the same time --- */

#define THREADS	     2
#define CLAIMS	     20000
#define CLAIMS_LIMIT 5

static struct peer_sessions *shared;
static _Atomic uint32_t given[THREADS]; /* newest index of a worker */
static _Atomic bool done;

/* Uses its newest session, and ends one now and then. */
static void *worker_thread(void *arg)
{
	_Atomic uint32_t *newest = arg;

	for (uint64_t now = NS_PER_S; !atomic_load(&done); now += NS_PER_S) {
		uint32_t index = atomic_load(newest);
		int place = index == 0 ? -1 : peers_place(shared, 9, index);

		if (place < 0)
			continue;
		if (peers_touch(shared, 9, (unsigned)place, index, true, now) &&
		    now / NS_PER_S % 3 == 0)
			peers_release(shared, 9, (unsigned)place, index);
	}
	return NULL;
}

static void test_peers_threads(void **state)
{
	pthread_t thread[THREADS];
	uint32_t replaced[PEER_SESSIONS_MAX];

	shared = peer_sessions_new();
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, worker_thread, &given[i]), 0);
	for (uint32_t index = 1; index <= CLAIMS; index++) {
		unsigned sessions = 0;

		peers_claim(shared, 9, CLAIMS_LIMIT, index, index * NS_PER_S, replaced);
		/* Only this thread adds, so the limit holds at any moment. */
		for (unsigned i = 0; i < PEER_SESSIONS_MAX; i++)
			sessions += atomic_load(&shared->row[9].entry[i]) != 0;
		assert_in_range(sessions, 0, CLAIMS_LIMIT);
		atomic_store(&given[index % THREADS], index);
	}
	atomic_store(&done, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	/* Nothing but what was claimed, each at most once. */
	for (unsigned i = 0; i < PEER_SESSIONS_MAX; i++) {
		uint32_t index = (uint32_t)(atomic_load(&shared->row[9].entry[i]) >> 32);

		assert_true(index <= CLAIMS);
		assert_true(index == 0 || peers_place(shared, 9, index) == (int)i);
	}
	peer_sessions_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),	      cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_limiter),	      cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_view),	      cmocka_unit_test(test_peers),
		cmocka_unit_test(test_peers_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

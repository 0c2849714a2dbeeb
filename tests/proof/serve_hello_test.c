/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes over two workers: queue, cookies, replays, what a stranger gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proof/peer.h"

#define PEERS 24

static struct world world;
static struct peer peer[PEERS];

static int setup(void **state)
{
	assay_init();
	world_init(&world, 7, 2);
	for (unsigned i = 0; i < PEERS; i++) {
		char account[16];

		snprintf(account, sizeof(account), "node-%u", i);
		peer_init(&peer[i], &world, account, 10 + i);
	}
	world_publish(&world);
	return 0;
}

/* Every slot that is not free has a session. */
static void assert_slots(const struct serve *s)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < SERVE_SESSIONS_MAX / 64; i++)
		taken += (unsigned)__builtin_popcountll(s->taken[i]);
	assert_int_equal(taken, s->counters.sessions);
}

static int teardown(void **state)
{
	world_rest(&world);
	for (unsigned i = 0; i < world.workers; i++)
		assert_slots(world_serve(&world, i));
	assert_int_equal(world_imbalance(&world), 0);
	assert_int_equal(atomic_load(&world.peer_sessions->hellos), 0);
	world_free(&world);
	return 0;
}

static uint64_t sessions(void)
{
	return serve_counters(world_serve(&world, 0))->sessions +
	       serve_counters(world_serve(&world, 1))->sessions;
}

static bool alive(struct peer *p)
{
	world_forget(&world);
	peer_ping(p);
	return peer_pongs(p) == 1;
}

/* The session lives where its HELLO came in, though worker 0 does the handshake. */
static void test_other_worker(void **state)
{
	assert_true(peer_connect(&peer[0], 1));
	assert_int_equal(peer_worker(&peer[0]), 1);
	assert_int_equal(serve_counters(world_serve(&world, 1))->welcomes, 1);
	assert_int_equal(serve_counters(world_serve(&world, 1))->sessions, 1);
	assert_true(alive(&peer[0]));
}

static void test_ring_full(void **state)
{
	/* No room on the way there. */
	world.hello_room = 0;
	peer_hello(&peer[0], 1, NULL);
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_QUEUE), 1);
	/* No room on the way back: the finished job waits in the queue. */
	world.hello_room = 1;
	peer_hello(&peer[0], 1, NULL);
	world_rings(&world);
	world.hello_room = 0;
	for (unsigned i = 0; i < 10; i++)
		serve_handshake_slice(world_serve(&world, 0), world.time.mono_ns,
				      world.time.wall_ns);
	assert_false(serve_idle(world_serve(&world, 0)));
	assert_int_equal(world.sent_count, 0);
	world.hello_room = 1;
	world_rest(&world);
	assert_true(peer_welcome(&peer[0]));
}

static void test_replay_and_rate(void **state)
{
	struct assay_hello first;

	peer_hello_make(&peer[0], NULL);
	first = peer[0].hello;
	for (unsigned i = 0; i < 3; i++) {
		world_in(&world, i % 2, &peer[0].path, &first, sizeof(first));
		world_rest(&world);
	}
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_REPLAY), 2);
	/* 8 at once, then one a second; replays do not count. */
	for (unsigned i = 0; i < 9; i++) {
		peer_hello(&peer[0], 0, NULL);
		world_rest(&world);
	}
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_RATE), 2);
	world_advance(&world, NS_PER_S);
	for (unsigned i = 0; i < 2; i++) {
		peer_hello(&peer[0], 0, NULL);
		world_rest(&world);
	}
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_RATE), 3);
	/* Another key is not held up. */
	assert_true(peer_connect(&peer[1], 0));
}

/* A slot that goes to another key forgets the time of the first. */
static void test_slot_reused(void **state)
{
	peer[0].time_ns = world.time.wall_ns + 1000 * NS_PER_S;
	assert_true(peer_connect(&peer[0], 0));
	world.peer[0] = world.peer[1];
	world.peer[0].slot = 0;
	world.peers = 1;
	world_publish(&world);
	assert_int_equal(sessions(), 0);
	assert_true(peer_connect(&peer[1], 0));
}

/* 64 HELLOs of the node, over a quarter of that: cookies. */
static void test_cookies(void **state)
{
	const struct world_sent *cookie;
	unsigned told = 0;

	for (unsigned i = 0; i < 17; i++)
		peer_hello(&peer[i], i % 2, NULL);
	assert_int_equal(world.sent_count, 0);
	peer_hello(&peer[20], 1, NULL);
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_COOKIE), 1);
	cookie = world_find(&world, ASSAY_COOKIE, 0);
	assert_non_null(cookie);
	assert_true(cookie->len < sizeof(struct assay_hello));
	assert_true(
		noise_cookie_check((const void *)cookie->data, &peer[20].noise, &peer[20].hello));
	peer_hello(&peer[20], 1, ((const struct assay_cookie *)cookie->data)->cookie);
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_COOKIE), 1);
	world_rest(&world);
	assert_true(peer_welcome(&peer[20]));
	for (unsigned i = 0; i < 17; i++)
		told += peer_welcome(&peer[i]);
	assert_int_equal(told, 17);
	/* They stay on for 10 s. */
	world_advance(&world, 9 * NS_PER_S);
	peer_hello(&peer[21], 0, NULL);
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_COOKIE), 2);
	world_advance(&world, 2 * NS_PER_S);
	assert_true(peer_connect(&peer[21], 0));
}

/* One over a quarter is enough, and they stay on for 10 s. */
static void test_cookies_stay(void **state)
{
	for (unsigned i = 0; i < 17; i++)
		peer_hello(&peer[i], i % 2, NULL);
	world_rest(&world);
	world_advance(&world, 10 * NS_PER_S - 1);
	peer_hello(&peer[20], 0, NULL);
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_COOKIE), 1);
	world_advance(&world, 1);
	assert_true(peer_connect(&peer[20], 0));
}

static const uint8_t *ask_cookie(struct peer *p)
{
	world_forget(&world);
	peer_hello(p, 0, NULL);
	assert_non_null(world_find(&world, ASSAY_COOKIE, 0));
	return ((const struct assay_cookie *)world_find(&world, ASSAY_COOKIE, 0)->data)->cookie;
}

/* A cookie is good until its secret is two generations old, and for its address only. */
static void test_cookie_life(void **state)
{
	uint8_t cookie[16];
	struct path home = peer[0].path;

	atomic_store(&world.peer_sessions->cookies_until_ns, UINT64_MAX);
	memcpy(cookie, ask_cookie(&peer[0]), 16);
	world_advance(&world, 121 * NS_PER_S);
	assert_memory_not_equal(ask_cookie(&peer[1]), cookie, 16);
	peer_hello(&peer[0], 0, cookie);
	world_rest(&world);
	assert_true(peer_welcome(&peer[0]));
	peer[0].path.remote.port++;
	world_forget(&world);
	peer_hello(&peer[0], 0, cookie);
	assert_int_equal(world.sent_count, 1);
	peer[0].path = home;
	world_advance(&world, 120 * NS_PER_S);
	ask_cookie(&peer[1]);
	world_forget(&world);
	peer_hello(&peer[0], 0, cookie);
	assert_non_null(world_find(&world, ASSAY_COOKIE, 0));
	/* Nobody asked for a long time: the secret is too old, though it is the last one. */
	memcpy(cookie, ask_cookie(&peer[0]), 16);
	world_advance(&world, 241 * NS_PER_S);
	world_forget(&world);
	peer_hello(&peer[0], 0, cookie);
	assert_non_null(world_find(&world, ASSAY_COOKIE, 0));
}

static void test_queue(void **state)
{
	/* With good cookies, or before cookies are noticed: 64 places. */
	for (unsigned i = 0; i < 70; i++) {
		uint8_t cookie[16];
		struct world_in in;
		struct peer *p = &peer[i % PEERS];

		peer_hello_make(p, NULL);
		in = (struct world_in){&p->path, &p->hello, sizeof(p->hello)};
		world_burst(&world, 0, &in, 1);
		if (world_find(&world, ASSAY_COOKIE, 0) == NULL)
			continue;
		memcpy(cookie,
		       ((const struct assay_cookie *)world_find(&world, ASSAY_COOKIE, 0)->data)
			       ->cookie,
		       16);
		world_forget(&world);
		peer_hello(p, 0, cookie);
	}
	assert_int_equal(world_drops(&world, ASSAY_R_HELLO_QUEUE), 6);
	world_rest(&world);
	assert_int_equal(serve_counters(world_serve(&world, 0))->welcomes, 64);
}

static void test_session_full(void **state)
{
	struct serve *s = world_serve(&world, 0);
	uint32_t index[SERVE_SESSIONS_MAX];

	for (unsigned i = 0; i < SERVE_SESSIONS_MAX; i++) {
		index[i] = session_reserve(s);
		assert_int_not_equal(index[i], 0);
	}
	assert_int_equal(session_reserve(s), 0);
	assert_false(peer_connect(&peer[0], 0));
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION_FULL), 1);
	session_unreserve(s, index[1234]);
	world_advance(&world, NS_PER_S);
	assert_true(peer_connect(&peer[0], 0));
	assert_int_equal(peer[0].welcome.index & 0xffff, 1234);
	for (unsigned i = 0; i < SERVE_SESSIONS_MAX; i++)
		if (i != 1234)
			session_unreserve(s, index[i]);
}

static void test_welcome_without_buffer(void **state)
{
	peer_hello(&peer[0], 1, NULL);
	world.buffers_max = 0;
	world_rest(&world);
	world.buffers_max = 100;
	assert_int_equal(world_drops(&world, ASSAY_R_TX_FULL), 1);
	assert_int_equal(sessions(), 0);
	world_advance(&world, NS_PER_S);
	assert_true(peer_connect(&peer[0], 1));
}

/* The key leaves the registry while its handshake is on the way. */
static void test_key_leaves(void **state)
{
	for (unsigned slices = 0; slices < 6; slices++) {
		unsigned peers = world.peers;

		peer_hello(&peer[0], 1, NULL);
		world_rings(&world);
		for (unsigned i = 0; i < slices; i++)
			serve_handshake_slice(world_serve(&world, 0), world.time.mono_ns,
					      world.time.wall_ns);
		struct view_peer first = world.peer[0];

		world.peer[0] = world.peer[--world.peers];
		world_publish(&world);
		world_rest(&world);
		assert_int_equal(sessions(), 0);
		assert_int_equal(world_drops(&world, ASSAY_R_HELLO_UNKNOWN), slices + 1);
		world.peer[world.peers] = world.peer[0];
		world.peer[0] = first;
		world.peers = peers;
		world_publish(&world);
		world_advance(&world, NS_PER_S);
	}
}

/* What a stranger can make the node send, against what it sent itself. */
static void test_amplification(void **state)
{
	uint64_t in = 0, out;
	uint8_t junk[ASSAY_PAYLOAD_DEFAULT];

	for (unsigned round = 0; round < 20000; round++) {
		struct assay_head *head = (void *)junk;
		size_t len = random_u64(&world.random) % 400;
		const void *data = junk;

		random_fill(&world.random, junk, len);
		if (len >= 4 && round % 4 != 0) {
			head->version = round % 16 == 1 ? 2 : 1;
			head->length = (uint16_t)len;
			head->type = (uint8_t)(round % 8 == 2 ? ASSAY_PING : junk[1]);
			len = head->type == ASSAY_PING ? 56 : len;
			head->length = (uint16_t)len;
		}
		/* Unproved, though with a good HELLO each time. */
		if (round % 64 == 0) {
			struct peer *p = &peer[round / 64 % PEERS];

			peer_hello_make(p, NULL);
			data = &p->hello;
			len = sizeof(p->hello);
			p->path.remote = peer[0].path.remote;
		}
		world_forget(&world);
		world_in(&world, 0, &peer[0].path, data, len);
		assert_true(world.sent_count <= 1);
		assert_true(world.sent_count == 0 || world.sent[0].len <= len);
		in += len;
		world_advance(&world, NS_PER_MS);
	}
	world_rest(&world);
	out = serve_counters(world_serve(&world, 0))->sent_bytes;
	assert_true(out > 0 && out < in / 2);
	assert_int_equal(serve_counters(world_serve(&world, 0))->received_bytes, in);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_other_worker),	 T(test_ring_full),
		T(test_replay_and_rate), T(test_slot_reused),
		T(test_cookies),	 T(test_cookies_stay),
		T(test_cookie_life),	 T(test_queue),
		T(test_session_full),	 T(test_welcome_without_buffer),
		T(test_key_leaves),	 T(test_amplification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

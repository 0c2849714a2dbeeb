/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions over two workers: limits of a key, replacing, handover, indices. */
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

/* --- sessions of a key --- */

static void test_unconfirmed_two(void **state)
{
	uint32_t index[3];

	for (unsigned i = 0; i < 3; i++) {
		world_advance(&world, NS_PER_S);
		peer_hello(&peer[0], i % 2, NULL);
		world_rest(&world);
		assert_true(peer_welcome(&peer[0]));
		index[i] = peer[0].welcome.index;
	}
	assert_int_equal(sessions(), 2);
	assert_null(session_find(world_serve(&world, 0), index[0]));
	assert_non_null(session_find(world_serve(&world, 1), index[1]));
	assert_non_null(session_find(world_serve(&world, 0), index[2]));
}

static void test_longest_idle(void **state)
{
	struct peer old[PEER_SESSIONS_MAX];

	assert_true(peer_connect(&peer[1], 0));
	for (unsigned i = 0; i < PEER_SESSIONS_MAX; i++) {
		world_advance(&world, NS_PER_S);
		assert_true(peer_connect(&peer[0], i % 2));
		old[i] = peer[0];
		world_forget(&world);
	}
	assert_int_equal(sessions(), 9);
	/* The first is used again: then the second is the one that goes. */
	world_advance(&world, NS_PER_S);
	assert_true(alive(&old[0]));
	world_advance(&world, NS_PER_S);
	assert_true(peer_connect(&peer[0], 0));
	assert_int_equal(sessions(), 9);
	assert_true(alive(&old[0]));
	assert_false(alive(&old[1]));
	assert_true(alive(&old[2]) && alive(&peer[0]) && alive(&peer[1]));
	/* A smaller limit is met with the next session. */
	world.peer[0].session_limit = 3;
	world_publish(&world);
	world_advance(&world, NS_PER_S);
	assert_true(peer_connect(&peer[0], 0));
	world_rings(&world);
	assert_int_equal(sessions(), 3 + 1);
	assert_true(alive(&peer[0]) && alive(&peer[1]));
}

/* The order to the other worker is lost: the sweep sees that the session is not listed. */
static void test_lost_order(void **state)
{
	world.order_room = 0;
	world.peer[0].session_limit = 1;
	world_publish(&world);
	assert_true(peer_connect(&peer[0], 1));
	world_forget(&world);
	world_advance(&world, NS_PER_S);
	assert_true(peer_connect(&peer[0], 0));
	assert_int_equal(sessions(), 2);
	for (unsigned i = 0; i < 70; i++) {
		world_advance(&world, 4 * NS_PER_MS);
		world_turn(&world, true);
	}
	assert_int_equal(sessions(), 1);
	assert_true(alive(&peer[0]));
}

/* Likewise a datagram of the replaced session: it is the last one. */
static void test_lost_order_used(void **state)
{
	struct peer old;

	world.order_room = 0;
	world.peer[0].session_limit = 1;
	world_publish(&world);
	assert_true(peer_connect(&peer[0], 1));
	old = peer[0];
	world_forget(&world);
	world_advance(&world, NS_PER_S);
	assert_true(peer_connect(&peer[0], 0));
	peer_ping(&old);
	assert_int_equal(sessions(), 1);
	assert_false(alive(&old));
	assert_true(alive(&peer[0]));
}

/* --- handover --- */

static void test_handover(void **state)
{
	uint8_t payload[56], opaque[24] = {3};
	const struct serve_counters *c0 = serve_counters(world_serve(&world, 0));
	const struct serve_counters *c1 = serve_counters(world_serve(&world, 1));
	uint64_t before = c1->received;
	struct assay_ping stray = {.head = {.head = {1, ASSAY_PING, 56}, .index = 0x7700ffff}};

	assert_true(peer_connect(&peer[0], 1));
	assert_true(peer_connect(&peer[1], 0));
	before = c1->received;
	world_forget(&world);
	peer_request(&peer[0], payload, ASSAY_PING, opaque, 24);
	world_in(&world, 0, &peer[0].path, payload, 56);
	assert_int_equal(c0->handed_over, 1);
	assert_int_equal(world.sent_count, 0);
	world_rings(&world);
	assert_int_equal(c1->received, before + 1);
	assert_int_equal(peer_pongs(&peer[0]), 1);
	assert_int_equal(world.sent[0].worker, 1);
	/* Its checks are made there. */
	world_in(&world, 0, &peer[0].path, payload, 56);
	world_rings(&world);
	assert_int_equal(c1->drops[ASSAY_R_REPLAY_SEEN], 1);
	world.handed_room = 0;
	world_in(&world, 0, &peer[0].path, payload, 56);
	assert_int_equal(c0->drops[ASSAY_R_HANDOVER_FULL], 1);
	/* Indices of no worker, of no slot, and one that comes handed to the wrong worker. */
	world.handed_room = 8;
	for (unsigned worker = 0; worker < 4; worker++) {
		stray.head.index = 0x77000000 | worker << 16 | (worker == 0 ? 0xffff : 5);
		world_in(&world, 0, &peer[0].path, &stray, sizeof(stray));
	}
	stray.head.index = 0x77000005;
	world.handed[0].worker = 1;
	memcpy(world.handed[0].dgram.data, &stray, sizeof(stray));
	world_rings(&world);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 4);
	assert_int_equal(c0->handed_over, 3);
}

static void test_index_rests(void **state)
{
	struct serve *s = world_serve(&world, 1);
	struct noise_keys keys = {.k_i = {1}};
	bool seen[256] = {0};
	unsigned different = 0;

	/* All slots but one are taken: it comes back at once, its indices only after a minute. */
	memset(s->taken, 0xff, sizeof(s->taken));
	s->taken[10] &= ~(1ull << 7);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t index = session_reserve(s);

		if (index == 0)
			break;
		assert_int_equal(index & 0xffffff, 1 << 16 | (10 * 64 + 7));
		assert_false(seen[index >> 24]);
		seen[index >> 24] = true;
		different++;
		session_end(s, world_session(&world, &world.peer[0], index, 1, &keys,
					     &peer[0].path.remote));
	}
	assert_int_equal(different, 256);
	s->now += 59 * NS_PER_S;
	assert_int_equal(session_reserve(s), 0);
	s->now += 61 * NS_PER_S;
	assert_int_not_equal(session_reserve(s), 0);
	memset(s->taken, 0, sizeof(s->taken));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_unconfirmed_two), T(test_longest_idle), T(test_lost_order),
		T(test_lost_order_used), T(test_handover),     T(test_index_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a session may not have: rate, requests in flight, permissions, buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proof/peer.h"

static struct world world;
static struct peer peer;

static int setup(void **state)
{
	assay_init();
	world_init(&world, 42, 1);
	peer_init(&peer, &world, "node-a", 9);
	world_publish(&world);
	return 0;
}

static int teardown(void **state)
{
	world_rest(&world);
	assert_int_equal(world_imbalance(&world), 0);
	world_free(&world);
	return 0;
}

static const struct serve_counters *counters(void)
{
	return serve_counters(world_serve(&world, 0));
}

static void ask_proofs(unsigned n)
{
	uint8_t body[PEER_BODY_MAX];
	size_t len;

	if (world.artifacts == 0)
		world_artifact(&world, 3000, 7, 7);
	for (unsigned i = 0; i < n; i++) {
		len = peer_prove_body(&peer, body, &world.artifact[0], 1, 64, 0);
		peer_ask(&peer, ASSAY_PROVE, body, len);
	}
}

static void test_rate(void **state)
{
	struct assay_refused refused;
	uint64_t pongs = 0;

	peer.listed->rate_kib = 64;
	peer.listed->burst_kib = 10;
	world_publish(&world);
	assert_true(peer_connect(&peer, 0));
	world_forget(&world);
	/* 10 KiB are 32 PINGs of 256 + 56 bytes; one was spent on confirming. */
	for (unsigned i = 0; i < 40; i++)
		peer_ping(&peer);
	pongs = peer_pongs(&peer);
	assert_int_equal(pongs, 31);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 1);
	assert_int_equal(world_drops(&world, ASSAY_R_RATE), 8);
	assert_int_equal(peer_refused(&peer, &refused), ASSAY_R_BUSY);
	/* 256 left of 312; at 65536 bytes per second the rest takes less than a millisecond. */
	assert_int_equal(refused.wait_ms, 1);
	world_advance(&world, refused.wait_ms * NS_PER_MS);
	world_forget(&world);
	peer_ping(&peer);
	assert_int_equal(peer_pongs(&peer), 1);
	/* One REFUSED in 10 ms. */
	world_advance(&world, 10 * NS_PER_MS);
	for (unsigned i = 0; i < 10; i++)
		peer_ping(&peer);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 2);
	/* Over a long time the rate is kept: 65536 bytes per second. */
	world_forget(&world);
	for (unsigned i = 0; i < 4000; i++) {
		world_advance(&world, NS_PER_MS);
		peer_ping(&peer);
	}
	pongs = peer_pongs(&peer) * 312;
	assert_in_range(pongs, 4 * 65536 - 1000, 4 * 65536 + 11000);
}

static void test_costs(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 5, 5);
	uint8_t body[PEER_BODY_MAX], zero[24] = {0};
	struct session *session;
	const struct {
		unsigned k, length, flags;
		uint64_t cost;
	} prove[] = {
		{4, 256, 0, 256 + 1440},
		{1, 1, 0, 256 + 1440},
		{5, 205, 0, 256 + 1440 + 1025 + 2 * 48},
		{16, 1024, 0, 256 + 1440 + 16384 + 16 * 48},
		{4, 256, 1, 256 + 416 + 8 * 1448},
		{0, 256, 0, 256 + 1440}, /* refused, and paid for */
	};

	assert_true(peer_connect(&peer, 0));
	session = session_find(world_serve(&world, 0), peer.welcome.index);
	for (unsigned i = 0; i < sizeof(prove) / sizeof(prove[0]); i++) {
		uint64_t before = session->tokens;

		peer_ask(&peer, ASSAY_PROVE, body,
			 peer_prove_body(&peer, body, a, prove[i].k, prove[i].length,
					 prove[i].flags));
		assert_int_equal((before - session->tokens) >> 32, prove[i].cost);
	}
	uint64_t before = session->tokens;

	peer_read(&peer, a, 0, 3, 0, 0);
	assert_int_equal((before - session->tokens) >> 32, 256 + 3 * 1448);
	before = session->tokens;
	peer_ask(&peer, ASSAY_PING, zero, 24);
	assert_int_equal((before - session->tokens) >> 32, 256 + 56);
}

static void test_in_flight(void **state)
{
	world.settings.in_flight = 4;
	world_publish(&world);
	assert_true(peer_connect(&peer, 0));
	assert_int_equal(peer.welcome.in_flight, 4);
	ask_proofs(6);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 2);
	world_turn(&world, true);
	ask_proofs(4);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 2);
	peer_read(&peer, &world.artifact[0], 0, 1, 0, 0);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 3);
}

static void test_draining(void **state)
{
	assert_true(peer_connect(&peer, 0));
	world.settings.draining = true;
	world_publish(&world);
	ask_proofs(1);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_DRAINING);
	peer_read(&peer, &world.artifact[0], 0, 1, 0, 0);
	assert_int_equal(world_refused(&world, ASSAY_R_DRAINING), 2);
	world_forget(&world);
	peer_ping(&peer);
	assert_int_equal(peer_pongs(&peer), 1);
}

static void test_tx_full(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 5, 5);
	uint8_t payload[4][300], body[PEER_BODY_MAX];
	struct world_in in[4];

	assert_true(peer_connect(&peer, 0));
	world_forget(&world);
	/* Room for one buffer: the tree needs more and is refused with it, whole answers or none.
	 */
	world.buffers_max = 1;
	peer_ask(&peer, ASSAY_PROVE, body, peer_prove_body(&peer, body, a, 4, 256, 1));
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_TX_FULL);
	assert_int_equal(world.sent_count, 1);
	/* No room at all: a drop. */
	world.buffers_max = 0;
	peer_ask(&peer, ASSAY_PROVE, body, peer_prove_body(&peer, body, a, 4, 256, 1));
	peer_ping(&peer);
	peer_read(&peer, a, 0, 4, 0, 0);
	world_turn(&world, true);
	assert_int_equal(world_drops(&world, ASSAY_R_TX_FULL), 3);
	/* Room for some of a burst: those are answered. */
	world.buffers_max = 4;
	for (unsigned i = 0; i < 4; i++)
		in[i] = (struct world_in){
			&peer.path, payload[i],
			peer_request(&peer, payload[i], ASSAY_PROVE, body,
				     peer_prove_body(&peer, body, a, i < 2 ? 4 : 16, 64,
						     i < 2 ? 0 : 1))};
	world_burst(&world, 0, in, 4);
	world_turn(&world, true);
	assert_int_equal(counters()->proofs, 2);
	assert_int_equal(world_refused(&world, ASSAY_R_TX_FULL), 3);
	assert_int_equal(session_find(world_serve(&world, 0), peer.welcome.index)->in_flight, 0);
}

static void test_hints_are_limited(void **state)
{
	struct assay_ping stray = {.head = {.head = {1, ASSAY_PING, 56}, .index = 0x77000001}};
	uint8_t strange[100] = {9, 0x10};

	for (unsigned i = 0; i < 250; i++) {
		world_in(&world, 0, &peer.path, &stray, sizeof(stray));
		world_in(&world, 0, &peer.path, strange, sizeof(strange));
		world_advance(&world, 2 * NS_PER_MS);
	}
	assert_int_equal(counters()->resets, 100);
	assert_int_equal(counters()->versions, 100);
	world_advance(&world, NS_PER_S);
	world_in(&world, 0, &peer.path, &stray, sizeof(stray));
	assert_int_equal(counters()->resets, 101);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 251);
	assert_int_equal(world_drops(&world, ASSAY_R_VERSION), 250);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_rate),	  T(test_costs),   T(test_in_flight),
		T(test_draining), T(test_tx_full), T(test_hints_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The responder as its peers see it: sessions and answers. */
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

/* --- handshake and PING --- */

static void test_handshake(void **state)
{
	struct session_info info[4];
	uint32_t cursor = 0;

	peer_hello(&peer, 0, NULL);
	assert_int_equal(counters()->answered, 0);
	/* One curve operation a slice: message 1, then three for message 2. */
	for (unsigned i = 0; i < 3; i++) {
		assert_true(serve_handshake_slice(world_serve(&world, 0), world.time.mono_ns,
						  world.time.wall_ns));
		assert_int_equal(world.sent_count, 0);
	}
	world_rest(&world);
	assert_true(peer_welcome(&peer));
	assert_int_equal(counters()->welcomes, 1);
	assert_int_equal(peer.welcome.permissions, 15);
	assert_int_equal(peer.welcome.limit, ASSAY_PAYLOAD_DEFAULT);
	assert_int_equal(peer.welcome.life_s, 3600);
	assert_int_equal(peer.welcome.idle_s, 600);
	assert_int_equal(peer.welcome.time_ms, world.time.wall_ns / NS_PER_MS);
	assert_int_equal(serve_sessions(world_serve(&world, 0), &cursor, info, 4), 1);
	assert_string_equal(info[0].account, "node-a");
	assert_false(info[0].confirmed);

	peer_ping(&peer);
	assert_int_equal(peer_pongs(&peer), 1);
	assert_int_equal(serve_sessions(world_serve(&world, 0), &cursor, info, 4), 1);
	assert_true(info[0].confirmed);
	assert_int_equal(info[0].received, 1);
	assert_int_equal(info[0].answered, 1);
	assert_true(serve_close(world_serve(&world, 0), info[0].index));
	assert_false(serve_close(world_serve(&world, 0), info[0].index));
	assert_int_equal(counters()->sessions, 0);
}

static void test_unconfirmed_ends(void **state)
{
	peer_hello(&peer, 0, NULL);
	world_rest(&world);
	assert_true(peer_welcome(&peer));
	world_advance(&world, 5 * NS_PER_S + 1);
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 1);
	for (unsigned i = 0; i < 64; i++) {
		world_advance(&world, 5 * NS_PER_MS);
		world_turn(&world, true);
	}
	assert_int_equal(counters()->sessions, 0);
	assert_int_equal(counters()->sessions_closed, 1);
}

static void test_close(void **state)
{
	static const uint8_t zero[24];
	uint8_t payload[3][56];
	struct world_in in[3];

	assert_true(peer_connect(&peer, 0));
	/* What comes after a CLOSE in the same burst finds no session. */
	for (unsigned i = 0; i < 3; i++) {
		peer_request(&peer, payload[i], i == 1 ? ASSAY_CLOSE : ASSAY_PING, zero, 24);
		in[i] = (struct world_in){&peer.path, payload[i], 56};
	}
	world_forget(&world);
	world_burst(&world, 0, in, 3);
	assert_int_equal(peer_pongs(&peer), 1);
	assert_int_equal(counters()->closes, 1);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 1);
	assert_non_null(world_find(&world, ASSAY_RESET, 0));
	assert_int_equal(counters()->sessions, 0);
}

static void test_key_leaves(void **state)
{
	struct peer other;

	peer_init(&other, &world, "node-c", 10);
	world_publish(&world);
	assert_true(peer_connect(&peer, 0) && peer_connect(&other, 0));
	/* The first key goes; its slot stays empty. */
	world.peer[0] = world.peer[1];
	world.peers = 1;
	world_publish(&world);
	assert_int_equal(counters()->sessions, 1);
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 1);
	world_forget(&world);
	peer_ping(&other);
	assert_int_equal(peer_pongs(&other), 1);
	/* Rights of the others follow the snapshot. */
	world.peer[0].permissions = ASSAY_MAY_READ;
	world_publish(&world);
	uint8_t body[PEER_BODY_MAX];
	struct world_artifact *a = world_artifact(&world, 5000, 3, 1);

	peer_ask(&other, ASSAY_PROVE, body, peer_prove_body(&other, body, a, 4, 256, 0));
	assert_int_equal(peer_refused(&other, NULL), ASSAY_R_PERMISSION);
	/* The same key under another name is another party. */
	must(noise_peer_init(&world.peer[0].noise, &world.self.noise, other.self.public, false,
			     "node-d", world.self.account));
	memcpy(world.peer[0].noise.hint, other.noise.hint, 16);
	world_publish(&world);
	assert_int_equal(counters()->sessions, 0);
}

/* --- address, replay, life --- */

static void test_address(void **state)
{
	uint8_t payload[56], opaque[24] = {1};
	struct path moved = world_path(9, 5001);
	const struct world_sent *reset;

	assert_true(peer_connect(&peer, 0));
	peer_request(&peer, payload, ASSAY_PING, opaque, 24);
	world_forget(&world);
	world_in(&world, 0, &moved, payload, 56);
	assert_int_equal(world_drops(&world, ASSAY_R_ADDRESS), 1);
	reset = world_find(&world, ASSAY_RESET, 0);
	assert_non_null(reset);
	assert_memory_equal(&reset->path, &moved, sizeof(moved));
	/* The datagram was not used up: from the right address it still counts. */
	world_in(&world, 0, &peer.path, payload, 56);
	assert_int_equal(peer_pongs(&peer), 1);
	/* Another local address or port is fine: the answer leaves from there. */
	world_forget(&world);
	peer.path.local = world_addr(2, 9101);
	peer.path.port = 3;
	peer_ping(&peer);
	assert_int_equal(peer_pongs(&peer), 1);
}

static void test_replay(void **state)
{
	uint8_t payload[56], opaque[24] = {1};
	struct world_in in[8];

	assert_true(peer_connect(&peer, 0));
	peer_request(&peer, payload, ASSAY_PING, opaque, 24);
	world_forget(&world);
	/* Eight times in one burst: all pass the first look, one the second. */
	for (unsigned i = 0; i < 8; i++)
		in[i] = (struct world_in){&peer.path, payload, 56};
	world_burst(&world, 0, in, 8);
	assert_int_equal(peer_pongs(&peer), 1);
	assert_int_equal(world_drops(&world, ASSAY_R_REPLAY_SEEN), 7);
	world_in(&world, 0, &peer.path, payload, 56);
	assert_int_equal(world_drops(&world, ASSAY_R_REPLAY_SEEN), 8);
	peer.counter += 3000;
	peer_ping(&peer);
	world_in(&world, 0, &peer.path, payload, 56);
	assert_int_equal(world_drops(&world, ASSAY_R_REPLAY_OLD), 1);
}

static void turns(unsigned n, uint64_t ns)
{
	for (unsigned i = 0; i < n; i++) {
		world_advance(&world, ns);
		world_turn(&world, true);
	}
}

static void test_life(void **state)
{
	assert_true(peer_connect(&peer, 0));
	for (unsigned i = 0; i < 7; i++) {
		world_advance(&world, 514 * NS_PER_S);
		peer_ping(&peer);
	}
	assert_int_equal(peer_pongs(&peer), 8);
	world_advance(&world, 3 * NS_PER_S);
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_EXPIRED), 1);
	turns(64, 5 * NS_PER_MS);
	assert_int_equal(counters()->sessions, 1);
	world_advance(&world, 60 * NS_PER_S);
	turns(64, 5 * NS_PER_MS);
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 1);
	assert_int_equal(counters()->sessions, 0);
}

static void test_idle(void **state)
{
	assert_true(peer_connect(&peer, 0));
	world_advance(&world, 600 * NS_PER_S);
	peer_ping(&peer);
	assert_int_equal(peer_pongs(&peer), 2);
	world_advance(&world, 600 * NS_PER_S + 1);
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_EXPIRED), 1);
}

static void test_last_counter(void **state)
{
	assert_true(peer_connect(&peer, 0));
	peer.counter = (1ull << 63) - 2;
	peer_ping(&peer);
	assert_int_equal(peer_pongs(&peer), 2);
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_EXPIRED), 1);
	/* Likewise in the other direction. */
	session_find(world_serve(&world, 0), peer.welcome.index)->sent = 1ull << 63;
	peer.counter = 100;
	peer_ping(&peer);
	assert_int_equal(world_drops(&world, ASSAY_R_EXPIRED), 2);
}

/* --- proofs --- */

static void prove_and_judge(struct world_artifact *a, unsigned k, unsigned length, unsigned flags)
{
	uint8_t body[PEER_BODY_MAX];
	size_t len = peer_prove_body(&peer, body, a, k, length, flags);
	uint64_t counter;
	struct assay_report report;
	enum assay_verdict told = flags != 0 ? ASSAY_PASS : ASSAY_PLAIN;

	world_forget(&world);
	counter = peer_ask(&peer, ASSAY_PROVE, body, len);
	world_turn(&world, true);
	if (peer_judge(&peer, body, len, counter, &report) != told)
		fail_msg("size %llu k %u length %u flags %u: %s (%s)",
			 (unsigned long long)a->record.size, k, length, flags,
			 assay_verdict_name(report.verdict), report.why);
	assert_int_equal(report.parts, world.sent_count);
}

static void test_proofs(void **state)
{
	static const uint64_t sizes[] = {1, 63, 64, 1023, 1024, 1025, 2048, 5121, 65532, 200000};
	static const unsigned lengths[] = {1, 16, 63, 64, 205, 256, 1023, 1024};
	unsigned n = 0;

	assert_true(peer_connect(&peer, 0));
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct world_artifact *a = world_artifact(&world, sizes[i], 17, i);

		for (unsigned j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++)
			for (unsigned k = 1; k <= 16 && lengths[j] <= sizes[i];
			     k += 1 + k / 2, n += 2) {
				prove_and_judge(a, k, lengths[j], 0);
				prove_and_judge(a, k, lengths[j], ASSAY_PROVE_TREE);
			}
	}
	assert_int_equal(counters()->proofs, n);
	assert_int_equal(counters()->proves, n);
	assert_int_equal(counters()->proves_tree, n / 2);
	assert_int_equal(counters()->seals, n);
	assert_true(counters()->stage_items[STAGE_PROVE] == n &&
		    counters()->stage_cycles[STAGE_PROVE] > 0);
}

/* A burst of mixed requests, all answered under one seal. */
static void test_burst(void **state)
{
	uint8_t payload[SERVE_BURST_MAX][300], body[SERVE_BURST_MAX][PEER_BODY_MAX];
	size_t len[SERVE_BURST_MAX];
	uint64_t counter[SERVE_BURST_MAX];
	struct world_in in[SERVE_BURST_MAX];
	struct world_artifact *a = world_artifact(&world, 65532, 5, 5);
	uint8_t opaque[24] = {9};

	assert_true(peer_connect(&peer, 0));
	for (unsigned i = 0; i < SERVE_BURST_MAX; i++) {
		size_t n;

		len[i] = peer_prove_body(&peer, body[i], a, 1 + i % 7, 1 + (i * 37) % 300,
					 i % 3 == 0);
		n = i % 10 == 9 ? peer_request(&peer, payload[i], ASSAY_PING, opaque, 24)
				: peer_request(&peer, payload[i], ASSAY_PROVE, body[i], len[i]);
		counter[i] = peer.counter;
		in[i] = (struct world_in){&peer.path, payload[i], n};
	}
	world_forget(&world);
	world_burst(&world, 0, in, SERVE_BURST_MAX);
	world_turn(&world, true);
	assert_int_equal(counters()->seals, 1);
	assert_true(world.sent_count > 58 * 2);
	assert_int_equal(peer_pongs(&peer), 6);
	for (unsigned i = 0; i < SERVE_BURST_MAX; i++) {
		struct assay_report report;

		if (i % 10 == 9)
			continue;
		assert_int_equal(peer_judge(&peer, body[i], len[i], counter[i], &report),
				 i % 3 == 0 ? ASSAY_PASS : ASSAY_PLAIN);
		assert_int_equal(report.count, 58);
	}
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

static void test_batch_closing(void **state)
{
	assert_true(peer_connect(&peer, 0));
	/* Not while datagrams keep coming and 50 us have not passed. */
	ask_proofs(3);
	world_turn(&world, false);
	assert_int_equal(counters()->seals, 0);
	assert_false(serve_idle(world_serve(&world, 0)));
	world_advance(&world, BATCH_NS_MAX - 1);
	ask_proofs(1);
	world_turn(&world, false);
	assert_int_equal(counters()->seals, 0);
	/* 50 us after its first leaf. */
	world_advance(&world, 1);
	world_turn(&world, false);
	assert_int_equal(counters()->seals, 1);
	assert_int_equal(counters()->proofs, 4);
	/* A receive that came back empty. */
	ask_proofs(1);
	world_turn(&world, true);
	assert_int_equal(counters()->seals, 2);
	/* 256 leaves: at once. */
	ask_proofs(255);
	assert_int_equal(counters()->seals, 2);
	ask_proofs(2);
	assert_int_equal(counters()->seals, 3);
	assert_int_equal(counters()->proofs, 5 + 256);
	world_turn(&world, true);
	assert_int_equal(counters()->proofs, 5 + 257);
	assert_true(serve_idle(world_serve(&world, 0)));
}

/* A batch whose session ends before its seal is still sent: it was made under its keys. */
static void test_close_before_seal(void **state)
{
	static const uint8_t zero[24];
	uint8_t body[PEER_BODY_MAX];
	struct world_artifact *a = world_artifact(&world, 3000, 7, 7);
	size_t len = peer_prove_body(&peer, body, a, 2, 100, 0);
	uint64_t counter;

	assert_true(peer_connect(&peer, 0));
	counter = peer_ask(&peer, ASSAY_PROVE, body, len);
	peer_ask(&peer, ASSAY_CLOSE, zero, 24);
	assert_int_equal(counters()->sessions, 0);
	world_turn(&world, true);
	assert_int_equal(peer_judge(&peer, body, len, counter, NULL), ASSAY_PLAIN);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_handshake),
		T(test_unconfirmed_ends),
		T(test_close),
		T(test_key_leaves),
		T(test_address),
		T(test_replay),
		T(test_life),
		T(test_idle),
		T(test_last_counter),
		T(test_proofs),
		T(test_burst),
		T(test_batch_closing),
		T(test_close_before_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

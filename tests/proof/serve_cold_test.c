/* SPDX-License-Identifier: Apache-2.0 */
/* READ and its queue, artifacts that are not in memory, buffers that run short. */
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
	world_init(&world, 11, 1);
	peer_init(&peer, &world, "node-a", 9);
	world_publish(&world);
	if (!peer_connect(&peer, 0))
		return -1;
	world_forget(&world);
	return 0;
}

static int teardown(void **state)
{
	world_rest(&world);
	assert_int_equal(world_imbalance(&world), 0);
	for (unsigned i = 0; i < world.artifacts; i++)
		assert_int_equal(atomic_load(&world.artifact[i].record.pins), 0);
	world_free(&world);
	return 0;
}

static struct session *session(void)
{
	return session_find(world_serve(&world, 0), peer.welcome.index);
}

static uint64_t ask_prove(const struct world_artifact *a, unsigned k, unsigned length,
			  unsigned flags)
{
	uint8_t body[PEER_BODY_MAX];

	return peer_ask(&peer, ASSAY_PROVE, body,
			peer_prove_body(&peer, body, a, k, length, flags));
}

/* --- READ --- */

static void read_and_judge(const struct world_artifact *a, uint32_t first, unsigned count)
{
	uint32_t from = first == ASSAY_NO_CHUNK ? a->record.chunks - 1 : first;
	uint32_t left = a->record.chunks - from;
	struct assay_read_result result;
	uint64_t counter;

	world_forget(&world);
	counter = peer_read(&peer, a, first, count, ASSAY_READ_HASHES, 0);
	world_rest(&world);
	result = peer_judge_read(&peer, a, first, count, counter);
	assert_true(result.verified);
	assert_int_equal(result.first, from);
	assert_int_equal(result.count, count < left ? count : left);
	assert_int_equal(result.proves_size, count >= left);
	assert_int_equal(result.size, a->record.size);
}

static void test_read(void **state)
{
	static const uint64_t sizes[] = {1, 1024, 1025, 65532, 300000};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct world_artifact *a = world_artifact(&world, sizes[i], 3, i);

		/* First from memory, then from the disk. */
		for (int cold = 0; cold < 2; cold++) {
			for (uint32_t first = 0; first < a->record.chunks; first += 1 + first / 2)
				for (unsigned count = 1; count <= 16; count += 5)
					read_and_judge(a, first, count);
			read_and_judge(a, ASSAY_NO_CHUNK, 1);
			world_cold(a);
		}
	}
}

static void test_read_refused(void **state)
{
	struct world_artifact *a = world_artifact(&world, 3000, 3, 1);
	struct world_artifact none = {.record = {.key = {1}}};

	peer_read(&peer, a, 3, 1, 0, 0);
	world_turn(&world, true);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_RANGE_END);
	peer_read(&peer, a, 0, 17, 0, 0);
	world_turn(&world, true);
	assert_int_equal(world_refused(&world, ASSAY_R_RANGE_END), 2);
	peer_read(&peer, a, 0, 1, 2, 0);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_RESERVED);
	peer_read(&peer, a, 0, 1, 0, 99);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_GRANT);
	peer_read(&peer, &none, 0, 1, 0, 0);
	world_turn(&world, true);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_ARTIFACT_UNKNOWN);
	atomic_store(&a->record.state, ARTIFACT_PRIVATE);
	peer_read(&peer, a, 0, 1, 0, 0);
	world_turn(&world, true);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_ARTIFACT_PRIVATE);
	atomic_store(&a->record.state, ARTIFACT_ROT);
	peer_read(&peer, a, 0, 1, 0, 0);
	world_turn(&world, true);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_ARTIFACT_ROT);
	world.peer[0].permissions = ASSAY_MAY_PROVE;
	world_publish(&world);
	peer_read(&peer, a, 0, 1, 0, 0);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_PERMISSION);
	/* A grant stands for the permission. */
	peer_read(&peer, a, 0, 1, 0, 99);
	assert_int_equal(peer_refused(&peer, NULL), ASSAY_R_GRANT);
	assert_int_equal(session()->in_flight, 0);
}

/* 64 READs wait; a turn sends 16 CHUNKs of them, PROVEs at once. */
static void test_read_queue(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);
	unsigned sent = 0;

	for (unsigned i = 0; i < 70; i++)
		peer_read(&peer, a, i % 32, 1 + i % 16, 0, 0);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 6);
	ask_prove(a, 4, 256, ASSAY_PROVE_TREE);
	for (unsigned turn = 0; !serve_idle(world_serve(&world, 0)); turn++) {
		world_forget(&world);
		world_turn(&world, true);
		sent = 0;
		for (unsigned i = 0; i < world.sent_count; i++)
			sent += world.sent[i].data[1] == ASSAY_CHUNK_MSG;
		assert_in_range(sent, 1, 16);
		assert_int_equal(world_find(&world, ASSAY_PROOF, 0) != NULL, turn == 0);
		assert_true(turn < 64);
	}
	assert_int_equal(session()->in_flight, 0);
}

static void test_read_session_ends(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);

	for (unsigned i = 0; i < 5; i++)
		peer_read(&peer, a, 0, 1, 0, 0);
	serve_close(world_serve(&world, 0), peer.welcome.index);
	world_rest(&world);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 5);
	assert_int_equal(world.sent_count, 0);
}

/* --- cold --- */

static void test_cold_proofs(void **state)
{
	static const uint64_t sizes[] = {1, 1024, 1025, 5121, 65532, 3071991};
	static const unsigned lengths[] = {1, 64, 205, 256, 1024};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct world_artifact *a = world_artifact(&world, sizes[i], 17, i);

		world_cold(a);
		for (unsigned j = 0; j < 10 * 2 && lengths[j / 4] <= sizes[i]; j++) {
			unsigned k = j % 2 == 0 ? 4 : 16, flags = j / 2 % 2;
			uint8_t body[PEER_BODY_MAX];
			size_t len = peer_prove_body(&peer, body, a, k, lengths[j / 4], flags);
			struct assay_report report;
			uint64_t counter;

			world_forget(&world);
			counter = peer_ask(&peer, ASSAY_PROVE, body, len);
			world_turn(&world, true);
			assert_int_equal(world.sent_count, 0);
			assert_int_equal(atomic_load(&a->record.pins), 1);
			assert_false(serve_idle(world_serve(&world, 0)));
			world_fetch(&world, 1, ASSAY_R_NONE);
			world_turn(&world, true);
			assert_int_equal(peer_judge(&peer, body, len, counter, &report),
					 flags != 0 ? ASSAY_PASS : ASSAY_PLAIN);
		}
	}
}

static void test_cold_trouble(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);
	static const enum assay_reason reasons[] = {ASSAY_R_ARTIFACT_ROT, ASSAY_R_BUSY};

	world_cold(a);
	for (unsigned i = 0; i < 2; i++) {
		ask_prove(a, 4, 256, i);
		world_fetch(&world, 1, reasons[i]);
		assert_int_equal(peer_refused(&peer, NULL), reasons[i]);
		peer_read(&peer, a, 0, 4, 0, 0);
		world_turn(&world, true);
		world_fetch(&world, 1, reasons[i]);
		assert_int_equal(world_refused(&world, reasons[i]), 2);
	}
	/* Found rotten, or taken back, while the bytes were on their way. */
	ask_prove(a, 4, 256, 0);
	atomic_store(&a->record.state, ARTIFACT_ROT);
	world_fetch(&world, 1, ASSAY_R_NONE);
	assert_int_equal(world_refused(&world, ASSAY_R_ARTIFACT_ROT), 3);
	/* The ring to the fetch role is full. */
	atomic_store(&a->record.state, ARTIFACT_STORED);
	world.fetch_room = 0;
	ask_prove(a, 4, 256, 0);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 3);
	assert_true(serve_idle(world_serve(&world, 0)));
	assert_int_equal(session()->in_flight, 0);
	assert_int_equal(session()->parked, 0);
}

static void test_cold_late(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);

	world_cold(a);
	ask_prove(a, 4, 256, ASSAY_PROVE_TREE);
	peer_read(&peer, a, 0, 4, 0, 0);
	world_turn(&world, true);
	world_advance(&world, 5 * NS_PER_S - 1);
	world_turn(&world, true);
	assert_int_equal(world.sent_count, 0);
	world_advance(&world, 10 * NS_PER_MS);
	world_turn(&world, true);
	assert_int_equal(world_refused(&world, ASSAY_R_LATE), 2);
	assert_int_equal(world.sent_count, 2);
	/* The slots are still the fetch role's; what it brings now is not sent. */
	assert_false(serve_idle(world_serve(&world, 0)));
	world_fetch(&world, 2, ASSAY_R_NONE);
	world_turn(&world, true);
	assert_int_equal(world.sent_count, 2);
	assert_true(serve_idle(world_serve(&world, 0)));
	assert_int_equal(session()->parked, 0);
}

static void test_cold_limits(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);
	char account[] = "node-00";

	world_cold(a);
	for (unsigned i = 0; i < 10; i++)
		ask_prove(a, 1, 1, 0);
	assert_int_equal(session()->parked, 8);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 2);
	/* 256 of the worker: 31 more sessions fill it, the next gets nothing. */
	for (unsigned i = 1; i < WORLD_PEERS_MAX; i++) {
		static struct peer other;
		uint8_t body[PEER_BODY_MAX];

		account[5] = (char)('0' + i / 10);
		account[6] = (char)('0' + i % 10);
		peer_init(&other, &world, account, 20 + i);
		world_publish(&world);
		peer_hello(&other, 0, NULL);
		while (serve_handshake_slice(world_serve(&world, 0), world.time.mono_ns,
					     world.time.wall_ns))
			;
		assert_true(peer_welcome(&other));
		for (unsigned j = 0; j < 8; j++)
			peer_ask(&other, ASSAY_PROVE, body,
				 peer_prove_body(&other, body, a, 1, 1, 0));
	}
	assert_int_equal(world.fetch_count, 256);
	world_fetch(&world, 1, ASSAY_R_NONE);
	assert_int_equal(session()->parked, 7);
	ask_prove(a, 1, 1, 0);
	assert_int_equal(world.fetch_count, 256);
	world_fetch(&world, 2, ASSAY_R_NONE);
	world_fetch(&world, 254, ASSAY_R_BUSY);
}

static void test_cold_session_ends(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);

	world_cold(a);
	/* Gone before the bytes come, before it is late, and while a READ waits for its turn. */
	ask_prove(a, 4, 256, 1);
	peer_read(&peer, a, 0, 4, 0, 0);
	world_turn(&world, true);
	assert_int_equal(world.fetch_count, 2);
	world_fetch(&world, 2, ASSAY_R_NONE);
	ask_prove(a, 4, 256, 1);
	ask_prove(a, 4, 256, 1);
	serve_close(world_serve(&world, 0), peer.welcome.index);
	world_fetch(&world, 1, ASSAY_R_NONE);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 1);
	world_advance(&world, 6 * NS_PER_S);
	world_turn(&world, true);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), 3);
	world_fetch(&world, 1, ASSAY_R_NONE);
	/* The first PROVE was sealed, the rest was not answered. */
	assert_int_equal(serve_counters(world_serve(&world, 0))->proofs, 1);
	assert_int_equal(serve_counters(world_serve(&world, 0))->cold, 4);
}

static void test_cold_tx_full(void **state)
{
	struct world_artifact *a = world_artifact(&world, 65532, 3, 1);

	world_cold(a);
	ask_prove(a, 4, 256, 1);
	peer_read(&peer, a, 0, 4, 0, 0);
	world_turn(&world, true);
	world.buffers_max = 1;
	world_fetch(&world, 2, ASSAY_R_NONE);
	world_turn(&world, true);
	assert_int_equal(world_refused(&world, ASSAY_R_TX_FULL), 2);
	assert_int_equal(session()->in_flight, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_read),
		T(test_read_refused),
		T(test_read_queue),
		T(test_read_session_ends),
		T(test_cold_proofs),
		T(test_cold_trouble),
		T(test_cold_late),
		T(test_cold_limits),
		T(test_cold_session_ends),
		T(test_cold_tx_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

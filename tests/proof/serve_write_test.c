/* SPDX-License-Identifier: Apache-2.0 */
/* WRITE and CALL in the responder: permissions, grants, handing over, answers, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proof/peer.h"

static struct world world;
static struct peer peer;
static struct write_job seen; /* the last one that was done */
static struct write_status answer;
static enum assay_reason refuse;

static void write_one(void *ctx, struct write_job *job)
{
	seen = *job;
	job->reason = (uint16_t)refuse;
	job->wait_ms = 17;
	job->parameter = 3;
	job->status = answer;
}

static int setup(void **state)
{
	assay_init();
	refuse = ASSAY_R_NONE;
	world_init(&world, 5, 2);
	world.writer = (struct world_writer){write_one, NULL};
	peer_init(&peer, &world, "node-a", 9);
	world_publish(&world);
	assert_true(peer_connect(&peer, 0));
	world_rest(&world);
	world_forget(&world);
	return 0;
}

static int teardown(void **state)
{
	world_rest(&world);
	assert_int_equal(world_imbalance(&world), 0);
	world_free(&world);
	return 0;
}

static struct session *session(void)
{
	return session_find(world_serve(&world, peer_worker(&peer)), peer.welcome.index);
}

/* What a request says reaches the fetch role, and what that says reaches the peer. */
static void test_handed_over_and_answered(void **state)
{
	uint8_t key[32] = {7}, bytes[1024] = {9};
	struct assay_write_state s;
	uint64_t counter;

	answer = (struct write_status){0x11223344, WRITE_OPENED, 0, 5, 64, 0x8000000000000001};
	counter = peer_write_open(&peer, key, 123456789012, 0);
	assert_int_equal(session()->in_flight, 1);
	assert_int_equal(world.sent_count, 0);
	world_rest(&world);
	assert_int_equal(session()->in_flight, 0);
	assert_int_equal(seen.type, ASSAY_WRITE_OPEN);
	assert_memory_equal(seen.key, key, 32);
	assert_int_equal(seen.size, 123456789012);
	assert_int_equal(seen.account, 0);
	assert_int_equal(seen.session, peer.welcome.index);
	assert_true(peer_write_state(&peer, counter, &s));
	assert_int_equal(s.transfer, 0x11223344);
	assert_int_equal(s.state, WRITE_OPENED);
	assert_int_equal(s.first_missing, 5);
	assert_int_equal(s.window, 64);
	assert_int_equal(s.set, 0x8000000000000001);
	counter = peer_write(&peer, 0x55, 12, bytes, 1000, false);
	world_rest(&world);
	assert_int_equal(seen.type, ASSAY_WRITE_DATA);
	assert_int_equal(seen.transfer, 0x55);
	assert_int_equal(seen.chunk, 12);
	assert_int_equal(seen.length, 1000);
	assert_memory_equal(seen.data, bytes, 1000);
	assert_true(peer_write_state(&peer, counter, &s));
	answer.state = WRITE_FAILED;
	answer.code = ASSAY_R_DISK_FULL;
	counter = peer_write_commit(&peer, 0x55);
	world_rest(&world);
	assert_int_equal(seen.type, ASSAY_WRITE_COMMIT);
	assert_int_equal(seen.transfer, 0x55);
	assert_true(peer_write_state(&peer, counter, &s));
	assert_int_equal(s.state, WRITE_FAILED);
	assert_int_equal(s.code, ASSAY_R_DISK_FULL);
}

static void test_refused(void **state)
{
	struct assay_refused refused;
	uint64_t counter;

	refuse = ASSAY_R_BUSY;
	counter = peer_write_commit(&peer, 1);
	world_rest(&world);
	assert_int_equal(peer_refused_to(&peer, counter), ASSAY_R_BUSY);
	assert_int_equal(peer_refused(&peer, &refused), ASSAY_R_BUSY);
	assert_int_equal(refused.wait_ms, 17);
	assert_int_equal(refused.parameter, 3);
}

/* The tag is over the chunk's value, as the only chunk or as one of several. */
static void test_tags(void **state)
{
	uint8_t payload[200], bytes[100];

	memset(bytes, 0x55, sizeof(bytes));
	for (unsigned i = 0; i < 4; i++) {
		size_t len = peer_write_data(&peer, payload, 1, i / 2, bytes, 100, i == 1);

		if (i == 3)
			payload[60] ^= 1;
		world_in(&world, peer_worker(&peer), &peer.path, payload, len);
	}
	assert_int_equal(world_drops(&world, ASSAY_R_TAG), 1);
	assert_int_equal(world.write_count, 3);
	/* A length that is not that of the bytes. */
	peer_write_data(&peer, payload, 1, 0, bytes, 100, false);
	((struct assay_write_data *)payload)->length = 99;
	world_in(&world, peer_worker(&peer), &peer.path, payload, 156);
	assert_int_equal(world_drops(&world, ASSAY_R_TAG), 2);
}

static void test_permissions(void **state)
{
	uint8_t key[32] = {7}, bytes[10] = {0};

	world.peer[0].permissions = ASSAY_MAY_PROVE | ASSAY_MAY_READ;
	world_publish(&world);
	assert_int_equal(peer_refused_to(&peer, peer_write_open(&peer, key, 10, 0)),
			 ASSAY_R_PERMISSION);
	assert_int_equal(peer_refused_to(&peer, peer_write(&peer, 1, 0, bytes, 10, true)),
			 ASSAY_R_PERMISSION);
	assert_int_equal(peer_refused_to(&peer, peer_write_commit(&peer, 1)), ASSAY_R_PERMISSION);
	assert_int_equal(peer_refused_to(&peer, peer_ask(&peer, ASSAY_CALL, (uint8_t[24]){0}, 24)),
			 ASSAY_R_PERMISSION);
	assert_int_equal(world.write_count + world.call_count, 0);
	world.peer[0].permissions = ASSAY_MAY_WRITE | ASSAY_MAY_CALL;
	world.settings.draining = true;
	world_publish(&world);
	assert_int_equal(peer_refused_to(&peer, peer_write_open(&peer, key, 10, 0)),
			 ASSAY_R_DRAINING);
	assert_int_equal(peer_refused_to(&peer, peer_ask(&peer, ASSAY_CALL, (uint8_t[24]){0}, 24)),
			 ASSAY_R_DRAINING);
}

static void grant(uint64_t op, const char *account, const uint8_t key[32], uint32_t may,
		  uint64_t until)
{
	struct view_grant *g =
		realloc((void *)world.settings.grants,
			(world.settings.grant_count + 1) * sizeof(*world.settings.grants));

	must(g != NULL);
	world.settings.grants = g;
	g += world.settings.grant_count++;
	*g = (struct view_grant){.op = op, .may = may, .until_epoch = until};
	strcpy(g->account, account);
	memcpy(g->key, key, 32);
}

/* The snapshot takes its grants over. */
static void publish_grants(void)
{
	world_publish(&world);
	world.settings.grants = NULL;
	world.settings.grant_count = 0;
}

static unsigned refusal(uint64_t counter)
{
	world_rest(&world);
	return peer_refused_to(&peer, counter);
}

/* A grant is somebody's, of some op, or there is no snapshot. */
static void test_grants_of_nobody(void **state)
{
	struct view_grant g[2] = {{.op = 1, .account = "node-a"}, {.op = 2, .account = "node-b"}};
	struct view settings = {.grants = g, .grant_count = 2};

	g[1].account[0] = '\0';
	assert_null(view_build(&settings, NULL, 0));
	g[1] = (struct view_grant){.account = "node-b"};
	assert_null(view_build(&settings, NULL, 0));
}

static void test_grants(void **state)
{
	struct world_artifact *a = world_artifact(&world, 3000, 5, 5);
	const uint8_t *key = a->record.key;
	uint8_t other[32] = {1};

	world.peer[0].permissions = 0;
	world.settings.any_epoch = false;
	world.settings.epoch[0] = 7;
	world.settings.epoch[1] = 6;
	for (uint64_t op = 100; op < 400; op++) /* so that the table is one */
		grant(op, "node-a", other, ASSAY_MAY_READ, 9);
	grant(1, "node-a", key, ASSAY_MAY_READ, 7);
	grant(2, "node-a", key, ASSAY_MAY_READ, 6); /* over */
	grant(3, "node-b", key, ASSAY_MAY_READ, 7); /* somebody else's */
	grant(4, "node-a", other, ASSAY_MAY_READ, 7);
	grant(5, "node-a", key, ASSAY_MAY_WRITE, 7);
	publish_grants();
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 0)), ASSAY_R_PERMISSION);
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 1)), 0);
	for (uint64_t op = 2; op <= 6; op++)
		assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, op)), ASSAY_R_GRANT);
	assert_int_equal(serve_counters(world_serve(&world, 0))->chunks, 1);
	/* What is staged is for those with a grant alone, from memory and from the disk. */
	atomic_store(&a->record.state, ARTIFACT_PRIVATE);
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 1)), 0);
	world_cold(a);
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 1)), 0);
	assert_int_equal(serve_counters(world_serve(&world, 0))->chunks, 3);
	world.peer[0].permissions = ASSAY_MAY_READ | ASSAY_MAY_PROVE;
	grant(1, "node-a", key, ASSAY_MAY_READ, 7);
	publish_grants();
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 0)), ASSAY_R_ARTIFACT_PRIVATE);
	/* Without an epoch that is known, no grant is over. */
	world.settings.any_epoch = true;
	grant(2, "node-a", key, ASSAY_MAY_READ, 6);
	publish_grants();
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 2)), 0);
	assert_int_equal(refusal(peer_read(&peer, a, 0, 1, 0, 1)), ASSAY_R_GRANT);
}

/* READs that wait, for their turn or for the disk, while the grant ends: nothing is read any more.
 */
static void test_grant_ends(void **state)
{
	struct world_artifact *a = world_artifact(&world, 3000, 5, 5);
	const uint8_t *key = a->record.key;
	uint64_t chunks = serve_counters(world_serve(&world, 0))->chunks, counter;

	atomic_store(&a->record.state, ARTIFACT_PRIVATE);
	world.settings.any_epoch = false;
	world.settings.epoch[0] = 7;
	for (unsigned cold = 0; cold < 2; cold++) {
		grant(1, "node-a", key, ASSAY_MAY_READ, 7);
		publish_grants();
		counter = peer_read(&peer, a, 0, 2, ASSAY_READ_HASHES, 1);
		assert_int_equal(peer_refused_to(&peer, counter), 0);
		if (cold == 1) {
			world_turn(&world, true);
			assert_int_equal(world.fetch_count, 1);
		}
		publish_grants(); /* none: the op is verified */
		assert_int_equal(refusal(counter), ASSAY_R_GRANT);
		/* Its deadline epoch begins. */
		grant(1, "node-a", key, ASSAY_MAY_READ, 7);
		publish_grants();
		counter = peer_read(&peer, a, 0, 2, 0, 1);
		if (cold == 1)
			world_turn(&world, true);
		grant(1, "node-a", key, ASSAY_MAY_READ, 7);
		world.settings.epoch[0] = 8;
		publish_grants();
		assert_int_equal(refusal(counter), ASSAY_R_GRANT);
		world.settings.epoch[0] = 7;
		world_cold(a);
	}
	assert_int_equal(serve_counters(world_serve(&world, 0))->chunks, chunks);
	assert_int_equal(atomic_load(&a->record.pins), 0);
	assert_int_equal(session()->in_flight, 0);
	assert_int_equal(session()->parked, 0);
}

static unsigned read_by(struct peer *p, const struct world_artifact *a, uint64_t op)
{
	uint64_t counter = peer_read(p, a, 0, 1, 0, op);

	world_rest(&world);
	return peer_refused_to(p, counter);
}

/* One session of a key reads for an op, and so many in all; a place is free again when its session
 * ends or rests. */
static void test_streams(void **state)
{
	struct world_artifact *a = world_artifact(&world, 3000, 5, 5);
	struct peer second = peer, other;

	peer_init(&other, &world, "node-b", 10);
	world.settings.streams_max = 2;
	for (uint64_t op = 1; op <= 3; op++)
		grant(op, "node-a", a->record.key, ASSAY_MAY_READ, 7);
	grant(1, "node-b", a->record.key, ASSAY_MAY_READ, 7);
	publish_grants();
	assert_true(peer_connect(&second, 1)); /* another worker's */
	assert_true(peer_connect(&other, 0));
	assert_int_equal(read_by(&peer, a, 1), 0);
	assert_int_equal(read_by(&second, a, 1), ASSAY_R_BUSY);
	assert_int_equal(read_by(&peer, a, 1), 0);
	assert_int_equal(read_by(&second, a, 2), 0); /* another op, the last place */
	assert_int_equal(read_by(&other, a, 1), ASSAY_R_BUSY);
	assert_int_equal(read_by(&peer, a, 3), ASSAY_R_BUSY);
	/* Who goes on keeps its place. */
	world_advance(&world, STREAM_IDLE_NS / 2);
	assert_int_equal(read_by(&peer, a, 1), 0);
	world_advance(&world, STREAM_IDLE_NS * 6 / 10);
	assert_int_equal(read_by(&other, a, 1), 0); /* in place of op 2, which rests */
	assert_int_equal(read_by(&second, a, 1), ASSAY_R_BUSY);
	/* A session that ends gives it up at once. */
	session_end(world_serve(&world, peer_worker(&peer)), session());
	assert_int_equal(read_by(&second, a, 1), 0);
}

/* Who may write by a grant alone may do so for that artifact. */
static void test_write_grant(void **state)
{
	uint8_t key[32] = {7}, other[32] = {8};

	world.peer[0].permissions = 0;
	grant(9, "node-a", key, ASSAY_MAY_WRITE, 7);
	publish_grants();
	assert_int_equal(refusal(peer_write_open(&peer, key, 10, 9)), 0);
	assert_int_equal(refusal(peer_write_open(&peer, key, 10, 0)), ASSAY_R_PERMISSION);
	assert_int_equal(refusal(peer_write_open(&peer, other, 10, 9)), ASSAY_R_GRANT);
	assert_int_equal(refusal(peer_write_commit(&peer, 1)), 0);
}

/* Every slot in use, a ring that is full, more in flight than allowed: busy, and nothing is lost.
 */
static void test_writes_are_bounded(void **state)
{
	unsigned refused = 0;
	uint64_t last = 0;

	world.settings.in_flight = 40;
	world_publish(&world);
	assert_true(peer_connect(&peer, 0));
	world_forget(&world);
	for (unsigned i = 0; i < 50; i++)
		last = peer_write_commit(&peer, i);
	assert_int_equal(world.write_count, 40);
	assert_int_equal(world_refused(&world, ASSAY_R_BUSY), 10);
	assert_int_equal(peer_refused_to(&peer, last), ASSAY_R_BUSY);
	world_rest(&world);
	assert_int_equal(session()->in_flight, 0);
	world.write_room = 3;
	for (unsigned i = 0; i < 10; i++)
		refused += peer_refused_to(&peer, peer_write_commit(&peer, i)) == ASSAY_R_BUSY;
	assert_int_equal(refused, 7);
	world_rest(&world);
	world.write_room = WORLD_RING;
	assert_int_equal(world_serve(&world, peer_worker(&peer))->writes_free_count, WRITE_SLOTS);
}

/* Its session ended while the request was away. */
static void test_session_gone(void **state)
{
	uint64_t drops = world_drops(&world, ASSAY_R_SESSION);

	peer_write_commit(&peer, 1);
	peer_ask(&peer, ASSAY_CALL, (uint8_t[24]){0}, 24);
	serve_close(world_serve(&world, peer_worker(&peer)), peer.welcome.index);
	world_rest(&world);
	assert_int_equal(world_drops(&world, ASSAY_R_SESSION), drops + 2);
}

/* --- CALL --- */

static uint64_t call(uint16_t method, uint8_t nonce, const void *bytes, size_t len)
{
	uint8_t body[24 + CALL_BODY_MAX] = {0};

	body[0] = (uint8_t)method;
	body[1] = (uint8_t)(method >> 8);
	body[8] = nonce;
	memcpy(body + 24, bytes, len);
	return peer_ask(&peer, ASSAY_CALL, body, 24 + len);
}

static void test_call(void **state)
{
	uint8_t out[sizeof(struct assay_result) + CALL_BODY_MAX], bytes[CALL_BODY_MAX];
	const struct assay_result *result = (const void *)out;
	uint64_t counter;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= CALL_BODY_MAX; len += 448) {
		counter = call(0x1234, 3, bytes, len);
		assert_int_equal(world.call_count, 1);
		assert_string_equal(world.call[0]->account, "node-a");
		assert_int_equal(world.call[0]->method, 0x1234);
		assert_int_equal(world.call[0]->nonce[0], 3);
		assert_int_equal(world.call[0]->len, len);
		assert_int_equal(session()->calls, 1);
		world_rest(&world);
		assert_int_equal(peer_result(&peer, counter, out), sizeof(*result) + len);
		assert_int_equal(result->answer.n, len);
		assert_int_equal(result->answer.status, CALL_DONE);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(out[sizeof(*result) + i], bytes[len - 1 - i]);
	}
	assert_int_equal(session()->calls, 0);
	assert_int_equal(session()->in_flight, 0);
}

static void test_calls_are_bounded(void **state)
{
	uint64_t third;

	call(1, 1, "", 0);
	call(1, 2, "", 0);
	third = call(1, 3, "", 0);
	assert_int_equal(peer_refused_to(&peer, third), ASSAY_R_BUSY);
	world_call(&world, 1, ASSAY_R_LATE); /* control gave up */
	world_turn(&world, true);
	assert_int_equal(world_refused(&world, ASSAY_R_LATE), 1);
	assert_int_equal(peer_refused_to(&peer, call(1, 3, "", 0)), 0);
	world_rest(&world);
	world.call_room = 0;
	assert_int_equal(peer_refused_to(&peer, call(1, 4, "", 0)), ASSAY_R_BUSY);
	world.call_room = WORLD_RING;
	world.buffers_max = 0;
	call(1, 5, "", 0);
	world_call(&world, 1, ASSAY_R_NONE);
	assert_int_equal(world_drops(&world, ASSAY_R_TX_FULL), 1);
	world.buffers_max = 1000;
	assert_int_equal(world_serve(&world, peer_worker(&peer))->calls_free_count, CALL_SLOTS);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_handed_over_and_answered),
		T(test_refused),
		T(test_tags),
		T(test_permissions),
		T(test_grants),
		T(test_grant_ends),
		T(test_streams),
		cmocka_unit_test(test_grants_of_nobody),
		T(test_write_grant),
		T(test_writes_are_bounded),
		T(test_session_gone),
		T(test_call),
		T(test_calls_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

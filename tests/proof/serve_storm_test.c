/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A long random mix of everything on three workers: good and bad datagrams of many peers,
 * handshakes, other addresses, wrong workers, replays, short rings, few buffers, cold artifacts,
 * new snapshots. Whatever comes, each datagram is counted once, no buffer is lost, and a peer that
 * behaves is served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proof/peer.h"

#define WORKERS 3
#define PEERS	12
#define STEPS	3000
#define KEPT	64

static struct world world;
static struct peer peer[PEERS], good;
static struct {
	uint8_t data[ASSAY_PAYLOAD_DEFAULT];
	size_t len;
	struct path path;
} kept[KEPT];

static unsigned pick(unsigned n)
{
	return (unsigned)(random_u64(&world.random) % n);
}

static struct world_artifact *pick_artifact(void)
{
	return &world.artifact[pick(world.artifacts)];
}

/* A request with a good tag, sensible or not. */
static size_t make_request(struct peer *p, uint8_t *payload)
{
	static const uint8_t types[] = {ASSAY_PING,	    ASSAY_PROVE,      ASSAY_PROVE,
					ASSAY_PROVE,	    ASSAY_READ,	      ASSAY_READ,
					ASSAY_WRITE_OPEN,   ASSAY_WRITE_DATA, ASSAY_CALL,
					ASSAY_WRITE_COMMIT, ASSAY_PONG};
	uint8_t type = types[pick(sizeof(types))], body[PEER_BODY_MAX] = {0};
	struct world_artifact *a = pick_artifact();
	struct assay_read read = {
		.first = pick(70), .count = (uint16_t)pick(18), .flags = (uint16_t)pick(2)};
	unsigned length = 1 + pick(1024);

	switch (type) {
	case ASSAY_PROVE:
		if (length > a->record.size)
			length = 1;
		return peer_request(p, payload, type, body,
				    peer_prove_body(p, body, a, pick(18) % 17, length, pick(2)));
	case ASSAY_READ:
		memcpy(read.key, a->record.key, 32);
		return peer_request(p, payload, type, (uint8_t *)&read + 32, sizeof(read) - 32);
	case ASSAY_WRITE_OPEN:
		return peer_request(p, payload, type, body, 48);
	default:
		if (pick(256) == 0)
			type = ASSAY_CLOSE;
		return peer_request(p, payload, type, body, 24);
	}
}

static void damage(uint8_t *data, size_t *len)
{
	for (unsigned n = 1 + pick(3); n > 0; n--)
		data[pick((unsigned)*len)] ^= (uint8_t)(1u << pick(8));
	if (pick(8) == 0)
		*len = pick((unsigned)*len + 1);
}

/* One datagram of the storm. */
static void make_datagram(uint8_t *data, size_t *len, struct path *path)
{
	struct peer *p = &peer[pick(PEERS)];
	unsigned how = pick(20), i = pick(KEPT);

	*path = p->path;
	if (how < 12) {
		*len = make_request(p, data);
		memcpy(kept[i].data, data, *len);
		kept[i].len = *len;
		kept[i].path = *path;
	} else if (how < 14) {
		memcpy(data, kept[i].data, kept[i].len);
		*len = kept[i].len;
		*path = kept[i].path;
	} else if (how < 15) {
		*len = pick(ASSAY_PAYLOAD_DEFAULT);
		random_fill(&world.random, data, *len);
		data[0] = 1;
	} else if (how < 16 && pick(4) == 0) {
		peer_hello_make(p, NULL);
		*len = sizeof(p->hello);
		memcpy(data, &p->hello, *len);
	} else {
		*len = make_request(p, data);
	}
	if (how >= 16 && *len > 0)
		damage(data, len);
	if (pick(40) == 0)
		path->remote.port++;
}

static void storm_burst(void)
{
	static uint8_t data[SERVE_BURST_MAX][ASSAY_PAYLOAD_DEFAULT];
	static struct path path[SERVE_BURST_MAX];
	struct world_in in[SERVE_BURST_MAX];
	unsigned n = 1 + pick(pick(8) == 0 ? SERVE_BURST_MAX : 4);

	for (unsigned i = 0; i < n; i++) {
		size_t len;

		make_datagram(data[i], &len, &path[i]);
		path[i].port = (uint16_t)pick(3) / 2;
		in[i] = (struct world_in){&path[i], data[i], len};
	}
	world_burst(&world, pick(WORKERS), in, n);
}

static void change_settings(void)
{
	struct world_artifact *a = pick_artifact();

	world.peer[pick(PEERS)].permissions = pick(8);
	world.settings.draining = pick(6) == 0;
	world.settings.ranges_max = pick(2) == 0 ? 4 : 16;
	world.settings.in_flight = pick(2) == 0 ? 4 : 64;
	world_publish(&world);
	atomic_store(&a->record.state, pick(4) == 0 ? 1 + pick(2) : ARTIFACT_STORED);
	if (pick(2) == 0)
		world_cold(a);
	else
		atomic_store(&a->record.bytes, &a->bytes);
	world.handed_room = world.hello_room = world.order_room = pick(6) == 0 ? 1 : WORLD_RING;
	world.fetch_room = pick(6) == 0 ? 2 : WORLD_RING;
	world.buffers_max = pick(3) == 0 ? pick(30) : 1000;
}

/* The peer that behaves: its PROVE passes, in the middle of all this. */
static void good_is_served(void)
{
	struct world_artifact *a = &world.artifact[7];
	uint8_t body[PEER_BODY_MAX];
	size_t len = peer_prove_body(&good, body, a, 4, 256, ASSAY_PROVE_TREE);
	uint64_t counter;

	world.buffers_max = 10000;
	world.settings.draining = false;
	world.settings.ranges_max = 16;
	world_publish(&world);
	atomic_store(&a->record.state, ARTIFACT_STORED);
	atomic_store(&a->record.bytes, &a->bytes);
	world_forget(&world);
	counter = peer_ask(&good, ASSAY_PROVE, body, len);
	world_turn(&world, true);
	assert_int_equal(peer_judge(&good, body, len, counter, NULL), ASSAY_PASS);
}

/* Peers whose session is gone come back. */
static void reconnect(void)
{
	struct peer *p = &peer[pick(PEERS)];

	if (session_find(world_serve(&world, peer_worker(p)), p->welcome.index) != NULL)
		return;
	atomic_store(&world.peer_sessions->cookies_until_ns, 0);
	world.handed_room = world.hello_room = WORLD_RING;
	world.buffers_max = 1000;
	world_rest(&world);
	world_advance(&world, NS_PER_S);
	peer_connect(p, pick(WORKERS));
}

static void storm_step(unsigned step)
{
	if (pick(4) == 0)
		reconnect();
	storm_burst();
	if (pick(4) == 0)
		world_rings(&world);
	if (pick(40) == 0)
		world_fetch(&world, 1 + pick(8),
			    pick(4) == 0 ? ASSAY_R_ARTIFACT_ROT : ASSAY_R_NONE);
	if (pick(8) == 0)
		serve_handshake_slice(world_serve(&world, 0), world.time.mono_ns,
				      world.time.wall_ns);
	if (pick(3) == 0)
		world_turn(&world, pick(2));
	world_advance(&world, pick(100) == 0 ? 2 * NS_PER_S : pick(200000));
	for (unsigned i = 0; i < PEERS; i++)
		peer_welcome(&peer[i]);
	if (step % 50 == 0)
		change_settings();
	if (step % 100 == 0)
		good_is_served();
	world_forget(&world);
}

static void test_storm(void **state)
{
	uint64_t received = 0, answered = 0, handed = 0, refused = 0, dropped = 0;

	assay_init();
	world_init(&world, 2024, WORKERS);
	for (unsigned i = 0; i < PEERS; i++) {
		char account[16];

		snprintf(account, sizeof(account), "node-%u", i);
		peer_init(&peer[i], &world, account, 10 + i);
		peer[i].listed->rate_kib = 2000 << i % 4;
		peer[i].listed->burst_kib = 100 << i % 8;
	}
	peer_init(&good, &world, "good", 99);
	world_publish(&world);
	for (unsigned i = 0; i < 8; i++)
		world_artifact(&world, 1 + i * i * i * 700, 3, i);
	for (unsigned i = 0; i < PEERS; i++)
		assert_true(peer_connect(&peer[i], i % WORKERS));
	assert_true(peer_connect(&good, 1));

	for (unsigned step = 0; step < STEPS; step++)
		storm_step(step);
	world.handed_room = world.hello_room = world.order_room = world.fetch_room = WORLD_RING;
	world.buffers_max = 10000;
	world_rest(&world);
	assert_int_equal(world_imbalance(&world), 0);
	assert_int_equal(world.buffers, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct serve_counters *c = serve_counters(world_serve(&world, i));

		received += c->received;
		answered += c->answered;
		handed += c->handed_over;
		for (unsigned r = 0; r < ASSAY_R_MAX; r++) {
			refused += c->refused[r];
			dropped += c->drops[r];
		}
		for (unsigned j = 0; j < SERVE_SESSIONS_MAX; j++) {
			const struct session *session = &world_serve(&world, i)->sessions[j];

			assert_true(session->index == 0 ||
				    (session->in_flight == 0 && session->parked == 0));
		}
	}
	for (unsigned r = 0; r < ASSAY_R_MAX; r++)
		if (world_drops(&world, r) + world_refused(&world, r) > 0)
			printf("%-18s dropped %6lu refused %6lu\n", assay_reason_name(r),
			       world_drops(&world, r), world_refused(&world, r));
	printf("received %lu, answered %lu (refused %lu), handed over %lu, dropped %lu\n", received,
	       answered, refused, handed, dropped);
	/* The storm was one: all four outcomes came in numbers. */
	assert_true(answered - refused > 2000 && refused > 2000 && handed > 2000 && dropped > 2000);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_storm)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

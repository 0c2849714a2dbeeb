/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every reason of the one list is either provoked here, each by the smallest case, or named as one
 * that a responder cannot come to, with the cause.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proof/peer.h"

static struct world world;
static struct peer peer;
static struct world_artifact *artifact;
static uint8_t payload[400];

static const struct {
	unsigned reason;
	const char *why;
} not_here[] = {
	{ASSAY_R_PROVE_TOTAL, "k and length within their limits keep within the product of these"},
	{ASSAY_R_NOT_MINE, "frames are parsed by the port"},
	{ASSAY_R_VLAN, "frames are parsed by the port"},
	{ASSAY_R_IP_HEADER, "frames are parsed by the port"},
	{ASSAY_R_IP_FRAGMENT, "frames are parsed by the port"},
	{ASSAY_R_IP_LENGTH, "frames are parsed by the port"},
	{ASSAY_R_UDP_LENGTH, "frames are parsed by the port"},
};

/* A PING with a good tag in payload. */
static void ping(void)
{
	uint8_t opaque[24] = {0};

	peer_request(&peer, payload, ASSAY_PING, opaque, sizeof(opaque));
}

static void send(size_t len)
{
	world_in(&world, 0, &peer.path, payload, len);
}

static void send_ping_with(unsigned at, uint8_t value, size_t len)
{
	ping();
	payload[at] = value;
	send(len);
}

/* A good PROVE but for one byte of its body, as sent under a good tag. */
static struct assay_prove *prove(void)
{
	struct assay_prove *p = (void *)payload;

	peer_prove_body(&peer, payload + 32, artifact, 4, 256, 0);
	p->offsets[0] = p->offsets[1] = p->offsets[2] = p->offsets[3] = 0;
	return p;
}
static void send_prove(void)
{
	uint8_t body[140];

	memcpy(body, payload + 32, sizeof(body));
	peer_ask(&peer, ASSAY_PROVE, body, sizeof(body));
	world_turn(&world, true);
}

static void hello_with(unsigned at, uint8_t flip)
{
	peer_hello_make(&peer, NULL);
	((uint8_t *)&peer.hello)[at] ^= flip;
	if (at < 160)
		noise_mac1(peer.hello.mac1, peer.listed->noise.m, &peer.hello);
	world_in(&world, 0, &peer.path, &peer.hello, sizeof(peer.hello));
	world_rest(&world);
}

static void provoke(enum assay_reason reason)
{
	struct noise_self self = peer.self;

	switch (reason) {
	case ASSAY_R_SHORT:
		send(7);
		break;
	case ASSAY_R_VERSION:
		send_ping_with(0, 2, 56);
		break;
	case ASSAY_R_TYPE:
		send_ping_with(1, 0x77, 56);
		break;
	case ASSAY_R_LENGTH:
		send_ping_with(2, 57, 56);
		break;
	case ASSAY_R_SESSION:
		send_ping_with(7, 0x99, 56);
		break;
	case ASSAY_R_ROLE:
		send_ping_with(1, ASSAY_PONG, 56);
		break;
	case ASSAY_R_ADDRESS:
		ping();
		peer.path.remote.port++;
		send(56);
		break;
	case ASSAY_R_EXPIRED:
		world_advance(&world, 3601 * NS_PER_S);
		ping();
		send(56);
		break;
	case ASSAY_R_RESERVED:
		peer_request(&peer, payload, ASSAY_CLOSE, (uint8_t[24]){1}, 24);
		send(56);
		break;
	case ASSAY_R_REPLAY_OLD:
		peer.counter = UINT64_MAX;
		ping();
		send(56);
		break;
	case ASSAY_R_REPLAY_SEEN:
		ping();
		send(56);
		send(56);
		break;
	case ASSAY_R_TAG:
		send_ping_with(40, 0x77, 56);
		break;
	case ASSAY_R_RATE:
		world.peer[0].rate_kib = world.peer[0].burst_kib = 0;
		world_publish(&world);
		peer_ping(&peer);
		peer_ping(&peer);
		break;
	case ASSAY_R_PERMISSION:
		world.peer[0].permissions = 0;
		world_publish(&world);
		peer_ask(&peer, ASSAY_CALL, (uint8_t[24]){0}, 24);
		break;
	case ASSAY_R_DISK_FULL:
		peer_ask(&peer, ASSAY_WRITE_OPEN, (uint8_t[48]){0}, 48);
		world_write(&world, 1);
		world_turn(&world, true);
		break;
	case ASSAY_R_DRAINING:
		world.settings.draining = true;
		world_publish(&world);
		prove();
		send_prove();
		break;
	case ASSAY_R_EPOCH:
		prove()->epoch = 0;
		send_prove();
		break;
	case ASSAY_R_PROVE_CLASS:
		prove()->class = 0;
		send_prove();
		break;
	case ASSAY_R_PROVE_BUCKET:
		prove()->bucket = 5;
		send_prove();
		break;
	case ASSAY_R_PROVE_RANGES_NONE:
		prove()->k = 0;
		send_prove();
		break;
	case ASSAY_R_PROVE_RANGES_MANY:
		prove()->k = 17;
		send_prove();
		break;
	case ASSAY_R_PROVE_LENGTH_ZERO:
		prove()->range_length = 0;
		send_prove();
		break;
	case ASSAY_R_PROVE_LENGTH_BIG:
		prove()->range_length = 1025;
		send_prove();
		break;
	case ASSAY_R_RANGE_END:
		prove()->offsets[3] = UINT64_MAX - 10;
		send_prove();
		break;
	case ASSAY_R_ARTIFACT_UNKNOWN:
		prove()->key[0] ^= 1;
		send_prove();
		break;
	case ASSAY_R_ARTIFACT_PRIVATE:
	case ASSAY_R_ARTIFACT_ROT:
		atomic_store(&artifact->record.state,
			     reason == ASSAY_R_ARTIFACT_ROT ? ARTIFACT_ROT : ARTIFACT_PRIVATE);
		prove();
		send_prove();
		break;
	case ASSAY_R_ARTIFACT_SIZE:
		prove()->size++;
		send_prove();
		break;
	case ASSAY_R_BUSY:
	case ASSAY_R_LATE:
		world.fetch_room = reason == ASSAY_R_LATE;
		world_cold(artifact);
		prove();
		send_prove();
		world_advance(&world, 5 * NS_PER_S);
		world_turn(&world, true);
		break;
	case ASSAY_R_TX_FULL:
		world.buffers_max = 0;
		peer_ping(&peer);
		break;
	case ASSAY_R_GRANT:
		peer_read(&peer, artifact, 0, 1, 0, 1);
		break;
	case ASSAY_R_HELLO_LENGTH:
		peer_hello_make(&peer, NULL);
		world_in(&world, 0, &peer.path, &peer.hello, sizeof(peer.hello) - 1);
		break;
	case ASSAY_R_HELLO_UNKNOWN:
		hello_with(16, 1);
		break;
	case ASSAY_R_HELLO_MAC1:
		hello_with(160, 1);
		break;
	case ASSAY_R_HELLO_COOKIE:
		atomic_store(&world.peer_sessions->cookies_until_ns, UINT64_MAX);
		peer_hello(&peer, 0, NULL);
		break;
	case ASSAY_R_HELLO_QUEUE:
		atomic_fetch_add(&world.peer_sessions->hellos, HELLO_QUEUE_MAX);
		for (unsigned i = 0; i < 2; i++) { /* the second with the cookie of the first */
			const struct world_sent *cookie = world_find(&world, ASSAY_COOKIE, 0);

			peer_hello(&peer, 0,
				   cookie == NULL
					   ? NULL
					   : ((const struct assay_cookie *)cookie->data)->cookie);
		}
		break;
	case ASSAY_R_HELLO_REPLAY:
		peer.time_ns = world.time.wall_ns + 3601 * NS_PER_S;
		hello_with(191, 0);
		break;
	case ASSAY_R_HELLO_RATE:
		for (unsigned i = 0; i < 9; i++)
			hello_with(191, 0);
		break;
	case ASSAY_R_HELLO_POINT:
		hello_with(32, 0xff);
		break;
	case ASSAY_R_HELLO_CRYPTO:
		hello_with(70, 1);
		break;
	case ASSAY_R_HELLO_IDENTITY:
		peer.self.public[0] ^= 1; /* encrypts the key -S under the secrets of S */
		hello_with(191, 0);
		peer.self = self;
		break;
	case ASSAY_R_SESSION_FULL:
		memset(world_serve(&world, 0)->taken, 0xff, sizeof(world_serve(&world, 0)->taken));
		hello_with(191, 0);
		break;
	case ASSAY_R_HANDOVER_FULL:
		world.handed_room = 0;
		send_ping_with(6, 1, 56);
		break;
	default:
		fail_msg("nothing provokes %s", assay_reason_name(reason));
	}
}

static bool listed_not_here(unsigned reason)
{
	for (unsigned i = 0; i < sizeof(not_here) / sizeof(not_here[0]); i++)
		if (not_here[i].reason == reason)
			return true;
	return false;
}

static void check_reason(unsigned reason)
{
	uint64_t before;

	world_init(&world, reason, 2);
	peer_init(&peer, &world, "node-a", 9);
	world_publish(&world);
	artifact = world_artifact(&world, 3000, 5, 5);
	assert_true(peer_connect(&peer, 0));
	world_forget(&world);
	before = world_drops(&world, reason) + world_refused(&world, reason);
	provoke(reason);
	if (world_drops(&world, reason) + world_refused(&world, reason) <= before)
		fail_msg("%s was not counted", assay_reason_name(reason));
	atomic_store(&world.peer_sessions->hellos, 0);
	world.buffers_max = 1000;
	world_rest(&world);
	assert_int_equal(world_imbalance(&world), 0);
	world_free(&world);
}

static void test_reasons(void **state)
{
	assay_init();
	for (unsigned reason = 1; reason < ASSAY_R_MAX; reason++)
		if (assay_reason_known(reason) && !listed_not_here(reason))
			check_reason(reason);
}

/* Which epochs a node with a ledger answers for, in which bucket. */
static void test_epochs(void **state)
{
	static const struct {
		uint64_t epoch;
		uint8_t bucket;
		bool taken;
	} cases[] = {
		{20, ASSAY_BUCKET_RECENT, true},   {19, ASSAY_BUCKET_OLD, true},
		{18, ASSAY_BUCKET_OLD, false},	   {21, ASSAY_BUCKET_RECENT, false},
		{13, ASSAY_BUCKET_RECENT, false},  {13, ASSAY_BUCKET_RECHECK, true},
		{12, ASSAY_BUCKET_RECHECK, false}, {21, ASSAY_BUCKET_RECHECK, false},
		{0, ASSAY_BUCKET_RECHECK, false},
	};

	world_init(&world, 500, 1);
	peer_init(&peer, &world, "node-a", 9);
	world.settings.any_epoch = false;
	world.settings.epoch[0] = 20;
	world.settings.epoch[1] = 19;
	world.settings.recheck_epochs = 7;
	world_publish(&world);
	artifact = world_artifact(&world, 3000, 5, 5);
	assert_true(peer_connect(&peer, 0));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t refused = world_refused(&world, ASSAY_R_EPOCH);
		struct assay_prove *p = prove();

		p->epoch = cases[i].epoch;
		p->bucket = cases[i].bucket;
		send_prove();
		if (world_refused(&world, ASSAY_R_EPOCH) - refused != !cases[i].taken)
			fail_msg("epoch %llu in bucket %u", (unsigned long long)cases[i].epoch,
				 cases[i].bucket);
	}
	world_rest(&world);
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_epochs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The client library over a simulated network: handshakes, retries, loss, many in flight, reading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "client/challenge.h"
#include "client/client_impl.h"
#include "client/liar.h"

#define SECRET "2b7e151628aed2a6abf7158809cf4f3c2b7e151628aed2a6abf7158809cf4f3c"
#define NODE   "192.0.2.1:9100"
#define MS     1000000ull

/* What the wire does beside faults. */
enum wire_mode { WIRE_OPEN, WIRE_DEAD, WIRE_VERSION };

struct scene {
	struct liar *liar;
	struct sim_net *wire;
	struct net_addr node, self;
	struct net net, idle;
	uint64_t random;
	struct assay_client_config config;
	struct assay_client *client;
	enum wire_mode mode;
	unsigned hellos;      /* seen */
	unsigned hellos_lost; /* of the next ones */
	uint64_t hello_ns[16];
	char why[256];
};

static void wire_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	struct scene *s = ctx;

	sim_net_send(s->wire, &s->node, to, data, len);
}

static void wire_take(void *arg, struct sim_net *n, const struct net_addr *from,
		      const struct net_addr *to, const void *data, size_t len)
{
	static const struct assay_version_msg version = {
		{1, ASSAY_VERSION_MSG, sizeof(version)}, 2, 3, 0};
	struct scene *s = arg;

	if (len == sizeof(struct assay_hello)) {
		if (s->hellos < 16)
			s->hello_ns[s->hellos] = s->liar->world.time.mono_ns;
		s->hellos++;
		if (s->hellos_lost > 0) {
			s->hellos_lost--;
			return;
		}
	}
	if (s->mode == WIRE_VERSION)
		sim_net_send(n, to, from, &version, sizeof(version));
	if (s->mode == WIRE_OPEN)
		liar_take(s->liar, from, data, len);
}

static void scene_init(struct scene *s, uint64_t seed, uint64_t size)
{
	struct net_addr idle;

	*s = (struct scene){
		.node = world_addr(1, 9100), .self = world_addr(2, 5000), .random = seed + 1};
	assert_int_equal(hex_decode(s->config.session_secret, 32, SECRET), 0);
	s->liar = liar_new(seed, size, "node-a", s->config.session_secret);
	liar_config(s->liar, &s->config, NODE);
	s->liar->send = wire_send;
	s->liar->ctx = s;
	s->wire = sim_net_new(seed + 2, &s->liar->world.time);
	sim_net_set_faults(s->wire, (struct sim_net_faults){0, 0, 0, 100000, 300000});
	net_sim(s->wire, &s->node, wire_take, s);
	s->net = net_sim(s->wire, &s->self, NULL, NULL);
	idle = world_addr(3, 1);
	s->idle = net_sim(s->wire, &idle, NULL, NULL);
}

/* Time passes, and what is on the wire arrives. */
static void pass(struct scene *s, uint64_t ns)
{
	struct net_addr from;
	uint8_t byte;

	assert_int_equal(
		s->idle.receive(s->idle.ctx, &from, &byte, 1, s->liar->world.time.mono_ns + ns),
		ASSAY_E_TIMEOUT);
}

static int scene_connect(struct scene *s)
{
	struct random random = random_sim(&s->random);

	return client_open_over(&s->client, &s->config, &s->net, &s->liar->world.clock, &random,
				s->why, sizeof(s->why));
}

static void scene_open(struct scene *s, uint64_t seed, uint64_t size)
{
	scene_init(s, seed, size);
	if (scene_connect(s) != 0)
		fail_msg("%s", s->why);
}

static void scene_close(struct scene *s)
{
	assay_client_close(s->client);
	sim_net_free(s->wire);
	assert_int_equal(world_imbalance(&s->liar->world), 0);
	liar_free(s->liar);
}

static struct challenge_question question(const struct scene *s, bool tree)
{
	struct challenge_question q = {
		.epoch = 7,
		.class = ASSAY_CLASS_INDEX,
		.bucket = ASSAY_BUCKET_OLD,
		.size = ASSAY_SIZE_UNKNOWN,
		.tree = tree,
	};

	memcpy(q.key, s->liar->world.artifact[0].record.key, 32);
	return q;
}

static void expect(struct scene *s, const struct challenge_question *q, enum assay_verdict want)
{
	struct challenge_answer a;
	int error = challenge_run(s->client, &a, q);

	if (error != 0)
		fail_msg("%s", assay_client_why(s->client));
	if (a.proof.report.verdict != want)
		fail_msg("%s (%s)", assay_verdict_name(a.proof.report.verdict), a.proof.report.why);
}

/* --- handshakes
 * ------------------------------------------------------------------------------------------- */

static void test_terms(void **state)
{
	struct scene s;
	struct assay_client_terms terms;
	uint64_t rtt;

	scene_open(&s, 1, 5000);
	assay_client_terms(s.client, &terms);
	assert_int_equal(terms.permissions, 7);
	assert_int_equal(terms.idle_s, 600);
	assert_int_equal(terms.life_s, 3600);
	assert_int_equal(assay_client_ping(s.client, &rtt), 0);
	assert_in_range(rtt, 200000, 600000);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 1);
	scene_close(&s);
}

/* Nobody there: HELLOs after 0.5, 1, 2, 4 s, each within 20 %, then failure. */
static void test_retries(void **state)
{
	static const uint64_t wait[] = {500 * MS, 1000 * MS, 2000 * MS, 4000 * MS};
	struct scene s;

	scene_init(&s, 2, 5000);
	s.mode = WIRE_DEAD;
	assert_int_equal(scene_connect(&s), ASSAY_E_TIMEOUT);
	assert_int_equal(s.hellos, 5);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t took = s.hello_ns[i + 1] - s.hello_ns[i];

		assert_in_range(took, wait[i] * 79 / 100, wait[i] * 121 / 100);
	}
	assert_non_null(strstr(s.why, "did not answer the handshake"));
	scene_close(&s);
}

static void test_lost_hellos(void **state)
{
	struct scene s;
	struct challenge_question q;

	scene_init(&s, 3, 5000);
	s.hellos_lost = 3;
	assert_int_equal(scene_connect(&s), 0);
	assert_int_equal(s.hellos, 4);
	q = question(&s, true);
	expect(&s, &q, ASSAY_PASS);
	scene_close(&s);
}

static void test_other_version(void **state)
{
	struct scene s;

	scene_init(&s, 4, 5000);
	s.mode = WIRE_VERSION;
	assert_int_equal(scene_connect(&s), ASSAY_E_TIMEOUT);
	assert_non_null(strstr(s.why, "versions 2 to 3"));
	scene_close(&s);
}

static void test_cookie(void **state)
{
	struct scene s;
	struct challenge_question q;

	scene_init(&s, 5, 5000);
	atomic_store(&s.liar->world.peer_sessions->cookies_until_ns,
		     s.liar->world.time.mono_ns + 3600 * NS_PER_S);
	assert_int_equal(scene_connect(&s), 0);
	assert_int_equal(s.hellos, 2);
	assert_int_equal(assay_client_stats(s.client)->cookies, 1);
	q = question(&s, true);
	expect(&s, &q, ASSAY_PASS);
	scene_close(&s);
}

static void test_bad_config(void **state)
{
	struct scene s;

	scene_init(&s, 6, 5000);
	s.config.peer.address = "nowhere";
	assert_int_equal(scene_connect(&s), ASSAY_E_INVAL);
	assert_non_null(strstr(s.why, "nowhere"));
	s.config.peer.address = NODE;
	s.config.account = "Not An Account";
	assert_int_equal(scene_connect(&s), ASSAY_E_INVAL);
	s.config.account = "node-a";
	s.config.peer.session_key[0] = 7;
	assert_int_equal(scene_connect(&s), ASSAY_E_INVAL);
	scene_close(&s);
}

/* The node forgets its sessions: RESET, one new handshake, and the question is answered. */
static void test_reset(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct serve *serve;
	uint64_t begun;

	scene_open(&s, 7, 5000);
	q = question(&s, true);
	expect(&s, &q, ASSAY_PASS);
	serve = world_serve(&s.liar->world, 0);
	for (unsigned i = 0; i < SERVE_SESSIONS_MAX; i++)
		if (serve->sessions[i].index != 0)
			serve_close(serve, serve->sessions[i].index);
	q.size = 5000;
	begun = s.liar->world.time.mono_ns;
	expect(&s, &q, ASSAY_PASS);
	/* Three round trips; no repeat had to be waited for. */
	assert_in_range(s.liar->world.time.mono_ns - begun, 0, 5 * MS);
	assert_int_equal(assay_client_stats(s.client)->resets, 1);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 2);
	scene_close(&s);
}

/* A RESET about a datagram that was never sent is not believed. */
static void test_forged_reset(void **state)
{
	struct scene s;
	struct assay_reset reset = {{1, ASSAY_RESET, sizeof(reset)}, 0, 1000, ASSAY_R_SESSION, {0}};
	uint64_t rtt;

	scene_open(&s, 8, 5000);
	reset.index = s.client->flight.link.session[0].remote_index;
	sim_net_send(s.wire, &s.node, &s.self, &reset, sizeof(reset));
	assert_int_equal(assay_client_ping(s.client, &rtt), 0);
	/* Sent, but more than 5 s ago. */
	reset.counter = 1;
	world_advance(&s.liar->world, 6 * NS_PER_S);
	sim_net_send(s.wire, &s.node, &s.self, &reset, sizeof(reset));
	assert_int_equal(assay_client_ping(s.client, &rtt), 0);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 1);
	scene_close(&s);
}

static void send_reset(struct scene *s, const struct net_addr *from)
{
	const struct link_session *now = &s->client->flight.link.session[0];
	struct assay_reset reset = {{1, ASSAY_RESET, sizeof(reset)},
				    now->remote_index,
				    now->sent,
				    ASSAY_R_SESSION,
				    {0}};

	sim_net_send(s->wire, from, &s->self, &reset, sizeof(reset));
}

/* Somebody on the way makes true-looking RESETs: one new handshake a second at most. */
static void test_reset_flood(void **state)
{
	struct scene s;
	uint64_t rtt;

	scene_open(&s, 14, 5000);
	for (unsigned i = 0; i < 100; i++) {
		send_reset(&s, &s.node);
		assert_int_equal(assay_client_ping(s.client, &rtt), 0);
		pass(&s, 30 * MS);
	}
	assert_in_range(assay_client_stats(s.client)->handshakes, 3, 5);
	scene_close(&s);
}

/* What does not come from the node's address is nothing. */
static void test_other_address(void **state)
{
	struct scene s;
	struct net_addr other = world_addr(1, 9101);
	uint64_t rtt;

	scene_open(&s, 15, 5000);
	send_reset(&s, &other);
	assert_int_equal(assay_client_ping(s.client, &rtt), 0);
	assert_int_equal(assay_client_stats(s.client)->drops[ASSAY_R_ADDRESS], 1);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	scene_close(&s);
}

/* At 3/4 of its life a session is renewed beside its use; answers to the old one still count. */
static void test_renewal(void **state)
{
	struct scene s;
	struct challenge_question q;
	unsigned asked = 0;

	scene_open(&s, 9, 5000);
	q = question(&s, true);
	q.size = 5000;
	for (unsigned minute = 0; minute < 120; minute++) {
		expect(&s, &q, ASSAY_PASS);
		asked++;
		pass(&s, 60 * NS_PER_S);
	}
	/* 45 minutes each. */
	assert_int_equal(assay_client_stats(s.client)->handshakes, 3);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	assert_int_equal(serve_counters(world_serve(&s.liar->world, 0))->proves_tree, asked);
	scene_close(&s);
}

/* Idle for longer than the node keeps a session: a new one before the question. */
static void test_idle(void **state)
{
	struct scene s;
	struct challenge_question q;

	scene_open(&s, 10, 5000);
	world_advance(&s.liar->world, 700 * NS_PER_S);
	q = question(&s, true);
	expect(&s, &q, ASSAY_PASS);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 2);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	scene_close(&s);
}

/* --- questions
 * ------------------------------------------------------------------------------------------ */

static void test_refused(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;

	scene_open(&s, 11, 5000);
	q = question(&s, true);
	q.key[0] ^= 1;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_REFUSED);
	assert_non_null(strstr(assay_client_why(s.client), "artifact_unknown"));
	q.size = 5000;
	assert_int_equal(challenge_run(s.client, &a, &q), 0);
	assert_int_equal(a.proof.report.verdict, ASSAY_REFUSED_VERDICT);
	assert_int_equal(a.proof.report.refused, ASSAY_R_ARTIFACT_UNKNOWN);
	assert_int_equal(a.proof.asked, 1);
	q = question(&s, true);
	q.size = 4000;
	assert_int_equal(challenge_run(s.client, &a, &q), 0);
	assert_int_equal(a.proof.report.refused, ASSAY_R_ARTIFACT_SIZE);
	assert_int_equal(a.proof.report.parameter, 5000);
	scene_close(&s);
}

/* Refused for the moment: asked again, until the deadline. */
static void test_busy(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;

	scene_open(&s, 12, 5000);
	q = question(&s, true);
	q.size = 5000;
	s.liar->world.settings.draining = true;
	world_publish(&s.liar->world);
	assert_int_equal(challenge_run(s.client, &a, &q), 0);
	assert_int_equal(a.proof.report.verdict, ASSAY_REFUSED_VERDICT);
	assert_int_equal(a.proof.report.refused, ASSAY_R_DRAINING);
	assert_true(a.proof.asked > 3);
	assert_in_range(a.proof.took_ns, 30000 * MS, 30001 * MS);
	scene_close(&s);
}

static void test_bad_questions(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;

	scene_open(&s, 13, 5000);
	q = question(&s, true);
	q.epoch = 0;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_INVAL);
	q = question(&s, true);
	q.class = 3;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_INVAL);
	q = question(&s, true);
	q.k = 17;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_INVAL);
	assert_true(strlen(assay_client_why(s.client)) > 0);
	scene_close(&s);
}

/* Ranges longer than the artifact shrink to it; one byte is enough. */
static void test_small(void **state)
{
	static const uint64_t sizes[] = {1, 255, 256, 257, 1023, 1024, 1025, 2048};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct scene s;
		struct challenge_question q;

		scene_open(&s, 20 + i, sizes[i]);
		q = question(&s, true);
		expect(&s, &q, ASSAY_PASS);
		q.tree = false;
		q.k = 16;
		q.range_length = 1024;
		expect(&s, &q, ASSAY_PLAIN);
		scene_close(&s);
	}
}

/* The largest answers, and the ranges' bytes are the artifact's. */
static void test_large(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;
	static uint8_t ranges[16 * 1024];

	scene_open(&s, 30, 3 << 20);
	q = question(&s, true);
	q.k = 16;
	q.range_length = 1024;
	expect(&s, &q, ASSAY_PASS);
	q.tree = false;
	expect(&s, &q, ASSAY_PLAIN);
	q.tree = true;
	q.size = 3 << 20;
	q.seed = (const uint8_t *)"seed";
	q.seed_len = 4;
	assert_int_equal(challenge_derive(&a, &q, "node-b", s.why, sizeof(s.why)), 0);
	assert_int_equal(assay_client_prove(s.client, &a.proof, ranges, &a.request), 0);
	assert_int_equal(a.proof.report.verdict, ASSAY_PASS);
	for (unsigned i = 0; i < 16; i++)
		assert_memory_equal(ranges + i * 1024,
				    s.liar->world.artifact[0].data + a.request.offsets[i], 1024);
	scene_close(&s);
}

/* --- a bad network
 * -------------------------------------------------------------------------------------- */

static const struct sim_net_faults bad_wire = {10, 10, 20, 100000, 5000000};

static void test_bad_wire(void **state)
{
	for (unsigned seed = 40; seed < 50; seed++) {
		struct scene s;
		struct challenge_question q;

		scene_init(&s, seed, 65532);
		sim_net_set_faults(s.wire, bad_wire);
		assert_int_equal(scene_connect(&s), 0);
		q = question(&s, true);
		for (unsigned i = 0; i < 20; i++)
			expect(&s, &q, ASSAY_PASS);
		q.tree = false;
		q.k = 16;
		q.range_length = 1000;
		for (unsigned i = 0; i < 20; i++)
			expect(&s, &q, ASSAY_PLAIN);
		scene_close(&s);
	}
}

#define MANY 500
struct many {
	unsigned passed, order_broken;
	bool seen[MANY];
};

static int proved(void *arg, size_t i, const struct assay_prove_result *result)
{
	struct many *m = arg;

	assert_true(i < MANY && !m->seen[i]);
	m->seen[i] = true;
	m->passed += result->report.verdict == ASSAY_PASS;
	return 0;
}

static void test_many(void **state)
{
	static struct challenge_answer a[MANY];
	static struct assay_prove_request list[MANY];

	for (unsigned lossy = 0; lossy < 2; lossy++) {
		struct scene s;
		struct many m = {0};

		scene_open(&s, 50 + lossy, 65532);
		if (lossy)
			sim_net_set_faults(s.wire, bad_wire);
		for (unsigned i = 0; i < MANY; i++) {
			struct challenge_question q = question(&s, true);

			q.size = 65532;
			q.seed = (const uint8_t *)"many";
			q.seed_len = 4;
			q.ordinal = i;
			assert_int_equal(
				challenge_derive(&a[i], &q, "node-b", s.why, sizeof(s.why)), 0);
			list[i] = a[i].request;
			list[i].draw = &a[i].draw;
		}
		assert_int_equal(assay_client_prove_many(s.client, list, MANY, 64, proved, &m), 0);
		assert_int_equal(m.passed, MANY);
		if (!lossy)
			assert_int_equal(assay_client_stats(s.client)->repeats, 0);
		scene_close(&s);
	}
}

static int stop_at_ten(void *arg, size_t i, const struct assay_prove_result *result)
{
	unsigned *count = arg;

	return ++*count == 10 ? 77 : 0;
}

static void test_many_stopped(void **state)
{
	static struct assay_prove_request list[MANY];
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;
	unsigned count = 0;

	scene_open(&s, 55, 65532);
	q = question(&s, true);
	q.size = 65532;
	q.seed = (const uint8_t *)"many";
	q.seed_len = 4;
	assert_int_equal(challenge_derive(&a, &q, "node-b", s.why, sizeof(s.why)), 0);
	for (unsigned i = 0; i < MANY; i++)
		list[i] = a.request;
	assert_int_equal(assay_client_prove_many(s.client, list, MANY, 0, stop_at_ten, &count), 77);
	assert_int_equal(count, 10);
	/* The client is as good as before. */
	q = question(&s, true);
	expect(&s, &q, ASSAY_PASS);
	scene_close(&s);
}

/* --- reading
 * -------------------------------------------------------------------------------------------- */

struct seen {
	const uint8_t *truth;
	uint64_t len, stop;
};

static int see(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct seen *seen = arg;

	assert_int_equal(offset, seen->len);
	assert_memory_equal(data, seen->truth + offset, len);
	seen->len += len;
	return seen->stop != 0 && seen->len >= seen->stop ? 99 : 0;
}

static void read_one(uint64_t seed, uint64_t size, bool lossy)
{
	struct assay_read_stats stats;
	struct scene s;
	struct seen seen = {0};

	scene_open(&s, seed, size);
	if (lossy)
		sim_net_set_faults(s.wire, (struct sim_net_faults){2, 2, 5, 100000, 1000000});
	seen.truth = s.liar->world.artifact[0].data;
	if (assay_client_read(s.client, &stats, s.liar->world.artifact[0].record.key,
			      ASSAY_SIZE_UNKNOWN, see, &seen) != 0)
		fail_msg("%s", assay_client_why(s.client));
	assert_int_equal(seen.len, size);
	assert_int_equal(stats.size, size);
	assert_true(lossy ? stats.halved > 0 : stats.halved == 0 && stats.repeats == 0);
	assert_true(stats.window_max >= 64);
	scene_close(&s);
}

static void test_read(void **state)
{
	static const uint64_t sizes[] = {1,	1023,	 1024,		1025,
					 65532, 1 << 20, (1 << 20) + 1, 5000001};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		read_one(60 + i, sizes[i], false);
	read_one(70, 3000000, true);
}

/* A node that allows few requests at once is never asked more. */
static void test_in_flight(void **state)
{
	static struct assay_prove_request list[MANY];
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;
	struct many m = {0};
	struct seen seen = {0};

	scene_init(&s, 16, 1 << 20);
	s.liar->world.settings.in_flight = 3;
	world_publish(&s.liar->world);
	assert_int_equal(scene_connect(&s), 0);
	q = question(&s, true);
	q.size = 1 << 20;
	q.seed = (const uint8_t *)"few";
	q.seed_len = 3;
	assert_int_equal(challenge_derive(&a, &q, "node-b", s.why, sizeof(s.why)), 0);
	for (unsigned i = 0; i < MANY; i++)
		list[i] = a.request;
	assert_int_equal(assay_client_prove_many(s.client, list, MANY, 100, proved, &m), 0);
	assert_int_equal(m.passed, MANY);
	seen.truth = s.liar->world.artifact[0].data;
	assert_int_equal(assay_client_read(s.client, NULL, q.key, q.size, see, &seen), 0);
	assert_int_equal(seen.len, q.size);
	assert_int_equal(world_refused(&s.liar->world, ASSAY_R_BUSY), 0);
	scene_close(&s);
}

static void test_read_stopped(void **state)
{
	struct scene s;
	struct seen seen = {.stop = 100000};
	const uint8_t *key;

	scene_open(&s, 71, 1 << 20);
	key = s.liar->world.artifact[0].record.key;
	seen.truth = s.liar->world.artifact[0].data;
	assert_int_equal(assay_client_read(s.client, NULL, key, 1 << 20, see, &seen), 99);
	/* A size that is not the artifact's: nothing of it verifies. */
	seen = (struct seen){.truth = seen.truth};
	assert_int_equal(assay_client_read(s.client, NULL, key, (1 << 20) - 1, see, &seen),
			 ASSAY_E_CORRUPT);
	seen.len = 0;
	assert_int_equal(assay_client_read(s.client, NULL, key, 1 << 20, see, &seen), 0);
	scene_close(&s);
}

/* The node goes away in the middle. */
static int see_and_kill(void *arg, uint64_t offset, const void *data, size_t len)
{
	if (offset > 100000)
		((struct scene *)arg)->mode = WIRE_DEAD;
	return 0;
}

static void test_read_lost(void **state)
{
	struct scene s;

	scene_open(&s, 72, 1 << 20);
	assert_int_equal(assay_client_read(s.client, NULL, s.liar->world.artifact[0].record.key,
					   1 << 20, see_and_kill, &s),
			 ASSAY_E_TIMEOUT);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),	      cmocka_unit_test(test_retries),
		cmocka_unit_test(test_lost_hellos),   cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_cookie),	      cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_reset),	      cmocka_unit_test(test_forged_reset),
		cmocka_unit_test(test_renewal),	      cmocka_unit_test(test_reset_flood),
		cmocka_unit_test(test_other_address), cmocka_unit_test(test_idle),
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_busy),
		cmocka_unit_test(test_bad_questions), cmocka_unit_test(test_small),
		cmocka_unit_test(test_large),	      cmocka_unit_test(test_bad_wire),
		cmocka_unit_test(test_many),	      cmocka_unit_test(test_many_stopped),
		cmocka_unit_test(test_read),	      cmocka_unit_test(test_read_stopped),
		cmocka_unit_test(test_in_flight),     cmocka_unit_test(test_read_lost),
	};

	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

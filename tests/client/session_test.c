/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of the client library over a simulated wire: handshakes, retries, cookies, RESET,
 * renewal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/wired.h"

static void test_terms(void **state)
{
	struct scene s;
	struct assay_client_terms terms;
	uint64_t rtt;

	wired_open(&s, 1, 5000);
	assay_client_terms(s.client, &terms);
	assert_int_equal(terms.permissions, 15);
	assert_int_equal(terms.idle_s, 600);
	assert_int_equal(terms.life_s, 3600);
	assert_int_equal(assay_client_ping(s.client, &rtt), 0);
	assert_in_range(rtt, 200000, 600000);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 1);
	wired_close(&s);
}

/* Nobody there: HELLOs after 0.5, 1, 2, 4 s, each within 20 %, then failure. */
static void test_retries(void **state)
{
	static const uint64_t wait[] = {500 * MS, 1000 * MS, 2000 * MS, 4000 * MS};
	struct scene s;

	wired_init(&s, 2, 5000);
	s.mode = WIRE_DEAD;
	assert_int_equal(wired_connect(&s), ASSAY_E_TIMEOUT);
	assert_int_equal(s.hellos, 5);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t took = s.hello_ns[i + 1] - s.hello_ns[i];

		assert_in_range(took, wait[i] * 79 / 100, wait[i] * 121 / 100);
	}
	assert_non_null(strstr(s.why, "did not answer the handshake"));
	wired_close(&s);
}

static void test_lost_hellos(void **state)
{
	struct scene s;
	struct challenge_question q;

	wired_init(&s, 3, 5000);
	s.hellos_lost = 3;
	assert_int_equal(wired_connect(&s), 0);
	assert_int_equal(s.hellos, 4);
	q = wired_question(&s, true);
	wired_expect(&s, &q, ASSAY_PASS);
	wired_close(&s);
}

static void test_other_version(void **state)
{
	struct scene s;

	wired_init(&s, 4, 5000);
	s.mode = WIRE_VERSION;
	assert_int_equal(wired_connect(&s), ASSAY_E_TIMEOUT);
	assert_non_null(strstr(s.why, "versions 2 to 3"));
	wired_close(&s);
}

static void test_cookie(void **state)
{
	struct scene s;
	struct challenge_question q;

	wired_init(&s, 5, 5000);
	atomic_store(&s.liar->world.peer_sessions->cookies_until_ns,
		     s.liar->world.time.mono_ns + 3600 * NS_PER_S);
	assert_int_equal(wired_connect(&s), 0);
	assert_int_equal(s.hellos, 2);
	assert_int_equal(assay_client_stats(s.client)->cookies, 1);
	q = wired_question(&s, true);
	wired_expect(&s, &q, ASSAY_PASS);
	wired_close(&s);
}

static void test_bad_config(void **state)
{
	struct scene s;

	wired_init(&s, 6, 5000);
	s.config.peer.address = "nowhere";
	assert_int_equal(wired_connect(&s), ASSAY_E_INVAL);
	assert_non_null(strstr(s.why, "nowhere"));
	s.config.peer.address = WIRED_NODE;
	s.config.account = "Not An Account";
	assert_int_equal(wired_connect(&s), ASSAY_E_INVAL);
	s.config.account = "node-a";
	s.config.peer.session_key[0] = 7;
	assert_int_equal(wired_connect(&s), ASSAY_E_INVAL);
	wired_close(&s);
}

/* The node forgets its sessions: RESET, one new handshake, and the question is answered. */
static void test_reset(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct serve *serve;
	uint64_t begun;

	wired_open(&s, 7, 5000);
	q = wired_question(&s, true);
	wired_expect(&s, &q, ASSAY_PASS);
	serve = world_serve(&s.liar->world, 0);
	for (unsigned i = 0; i < SERVE_SESSIONS_MAX; i++)
		if (serve->sessions[i].index != 0)
			serve_close(serve, serve->sessions[i].index);
	q.size = 5000;
	begun = s.liar->world.time.mono_ns;
	wired_expect(&s, &q, ASSAY_PASS);
	/* Three round trips; no repeat had to be waited for. */
	assert_in_range(s.liar->world.time.mono_ns - begun, 0, 5 * MS);
	assert_int_equal(assay_client_stats(s.client)->resets, 1);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 2);
	wired_close(&s);
}

/* A RESET about a datagram that was never sent is not believed. */
static void test_forged_reset(void **state)
{
	struct scene s;
	struct assay_reset reset = {{1, ASSAY_RESET, sizeof(reset)}, 0, 1000, ASSAY_R_SESSION, {0}};
	uint64_t rtt;

	wired_open(&s, 8, 5000);
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
	wired_close(&s);
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

	wired_open(&s, 14, 5000);
	for (unsigned i = 0; i < 100; i++) {
		send_reset(&s, &s.node);
		assert_int_equal(assay_client_ping(s.client, &rtt), 0);
		wired_pass(&s, 30 * MS);
	}
	assert_in_range(assay_client_stats(s.client)->handshakes, 3, 5);
	wired_close(&s);
}

/* What does not come from the node's address is nothing. */
static void test_other_address(void **state)
{
	struct scene s;
	struct net_addr other = world_addr(1, 9101);
	uint64_t rtt;

	wired_open(&s, 15, 5000);
	send_reset(&s, &other);
	assert_int_equal(assay_client_ping(s.client, &rtt), 0);
	assert_int_equal(assay_client_stats(s.client)->drops[ASSAY_R_ADDRESS], 1);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	wired_close(&s);
}

/* The way becomes a hundred times as long: after a few repeats nothing is repeated any more. */
static void test_slow_wire(void **state)
{
	struct scene s;
	struct challenge_question q;
	uint64_t repeats;

	wired_open(&s, 16, 5000);
	q = wired_question(&s, true);
	sim_net_set_faults(
		s.wire, (struct sim_net_faults){.delay_ns_min = 40 * MS, .delay_ns_max = 60 * MS});
	for (unsigned i = 0; i < 30; i++)
		wired_expect(&s, &q, ASSAY_PASS);
	repeats = assay_client_stats(s.client)->repeats;
	assert_true(repeats > 0);
	for (unsigned i = 0; i < 30; i++)
		wired_expect(&s, &q, ASSAY_PASS);
	assert_int_equal(assay_client_stats(s.client)->repeats, repeats);
	wired_close(&s);
}

/* At 3/4 of its life a session is renewed beside its use; answers to the old one still count. */
static void test_renewal(void **state)
{
	struct scene s;
	struct challenge_question q;
	unsigned asked = 0;

	wired_open(&s, 9, 5000);
	q = wired_question(&s, true);
	q.size = 5000;
	for (unsigned minute = 0; minute < 120; minute++) {
		wired_expect(&s, &q, ASSAY_PASS);
		asked++;
		wired_pass(&s, 60 * NS_PER_S);
	}
	/* 45 minutes each. */
	assert_int_equal(assay_client_stats(s.client)->handshakes, 3);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	assert_int_equal(serve_counters(world_serve(&s.liar->world, 0))->proves_tree, asked);
	wired_close(&s);
}

/* Idle for longer than the node keeps a session: a new one before the question. */
static void test_idle(void **state)
{
	struct scene s;
	struct challenge_question q;

	wired_open(&s, 10, 5000);
	world_advance(&s.liar->world, 700 * NS_PER_S);
	q = wired_question(&s, true);
	wired_expect(&s, &q, ASSAY_PASS);
	assert_int_equal(assay_client_stats(s.client)->handshakes, 2);
	assert_int_equal(assay_client_stats(s.client)->resets, 0);
	wired_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),	    cmocka_unit_test(test_retries),
		cmocka_unit_test(test_lost_hellos), cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_cookie),	    cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_reset),	    cmocka_unit_test(test_forged_reset),
		cmocka_unit_test(test_reset_flood), cmocka_unit_test(test_other_address),
		cmocka_unit_test(test_slow_wire),   cmocka_unit_test(test_renewal),
		cmocka_unit_test(test_idle),
	};

	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Engines that lose, reorder, change and invent entries: noticed, kept, and no word written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "node/replica_world.h"

#define ENTRIES 120

static int setup(void **state)
{
	struct replica_world *w = calloc(1, sizeof(*w));

	world_new(w, 21, ENTRIES);
	world_write(w, 100);
	world_open(w);
	world_run(w);
	world_check(w, 100);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

static int put(struct replica_world *w, const char *author, const char *type, json_t *data)
{
	net_sign(&w->story.net, author, type, data);
	return replica_put(w->replica, 1, ENTRY_OTHER, (const uint8_t *)w->story.net.entry.at,
			   w->story.net.entry.len, world_now(w));
}

static bool error_logged(struct replica_world *w)
{
	for (unsigned i = 0; i < 64; i++)
		if (strncmp(w->log.line[i], "<3>", 3) == 0 &&
		    strstr(w->log.line[i], "contradicts") != NULL)
			return true;
	return false;
}

/* It says what it saw, writes nothing, and a restart changes nothing. */
static void check_mismatch(struct replica_world *w, const char *what, uint64_t seq)
{
	struct replica_status status;
	char number[32];
	uint64_t floor, before, after;

	snprintf(number, sizeof(number), "seq %llu,", (unsigned long long)seq);
	replica_status(w->replica, &status);
	assert_int_equal(status.condition, REPLICA_MISMATCH);
	assert_non_null(strstr(status.mismatch, what));
	assert_non_null(strstr(status.mismatch, number));
	assert_true(error_logged(w));
	w->writer.head(w->writer.ctx, &floor, &before);
	for (unsigned restart = 0; restart < 2; restart++) {
		assert_int_equal(put(w, "n00000", "start", json_object()), ASSAY_E_REFUSED);
		world_run(w);
		assert_int_equal(world_condition(w), REPLICA_MISMATCH);
		world_close(w);
		world_open(w);
	}
	w->writer.head(w->writer.ctx, &floor, &after);
	assert_int_equal(before, after);
}

static void test_lost(void **state)
{
	struct replica_world *w = *state;

	engine_sim_lose(w->sim, 7);
	world_run(w);
	check_mismatch(w, "ends before", 94);
	world_check(w, 100);
}

/* Lost, and others put in their place. */
static void test_replaced_end(void **state)
{
	struct replica_world *w = *state;

	engine_sim_lose(w->sim, 3);
	for (unsigned i = 101; i <= 105; i++)
		engine_sim_put(w->sim, w->at[i].bytes, w->at[i].len);
	world_run(w);
	check_mismatch(w, "other bytes", 98);
	world_check(w, 100);
}

static void test_swapped(void **state)
{
	struct replica_world *w = *state;

	engine_sim_swap(w->sim, 60);
	world_run(w);
	check_mismatch(w, "other bytes", 60);
}

static void test_hole(void **state)
{
	struct replica_world *w = *state;

	engine_sim_punch(w->sim, 99);
	world_run(w);
	check_mismatch(w, "missing", 99);
}

/* Behind its back, while the node was down. */
static void test_changed_while_down(void **state)
{
	struct replica_world *w = *state;

	world_close(w);
	engine_sim_rewrite(w->sim, 100, (const uint8_t *)"other", 5);
	world_open(w);
	world_run(w);
	check_mismatch(w, "other bytes", 100);
}

/* A member whose log is another one: seen within its tick. */
static void tick_with(struct replica_world *w, uint64_t at_seq, const char *at_log)
{
	struct ledger_net *net = &w->story.net;
	unsigned member;
	json_t *data;

	world_write(w, ENTRIES);
	world_run(w);
	data = net_tick_data(net, &member);
	json_object_set_new(data, "at_seq", json_integer((json_int_t)at_seq));
	if (at_log != NULL)
		json_object_set_new(data, "at_log", json_string(at_log));
	net_sign(net, net->nodes[member].account, "tick", data);
	engine_sim_put(w->sim, (const uint8_t *)net->entry.at, net->entry.len);
	world_run(w);
}

static void test_tick(void **state)
{
	struct replica_world *w = *state;

	tick_with(w, 90, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	check_mismatch(w, "another log", 90);
	assert_int_equal(replica_seq(w->replica), ENTRIES + 1); /* it was applied all the same */
}

static void test_tick_ahead(void **state)
{
	struct replica_world *w = *state;

	tick_with(w, 5000, NULL);
	check_mismatch(w, "longer log", ENTRIES + 1);
}

static void test_tick_good(void **state)
{
	struct replica_world *w = *state;
	char hex[65];

	hex_encode(hex, w->at[90].log, 32);
	tick_with(w, 90, hex);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
}

/* The operator takes the engine's log for the true one: what was lost is not there any more. */
static void test_accept(void **state)
{
	struct replica_world *w = *state;

	engine_sim_lose(w->sim, 7);
	world_run(w);
	check_mismatch(w, "ends before", 94);
	assert_int_equal(replica_accept_engine(w->replica), 0);
	assert_int_equal(w->replaced, 1);
	world_run(w);
	world_check(w, 93);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
	world_close(w);
	world_open(w);
	world_run(w);
	world_check(w, 93);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
	assert_int_equal(put(w, "n00000", "start", json_object()), 0);
	world_run(w);
	assert_int_equal(replica_seq(w->replica), 94);
}

/* A lying tick that was accepted does not stop the copy that is founded anew. */
static void test_accept_tick(void **state)
{
	struct replica_world *w = *state;

	tick_with(w, 90, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	assert_int_equal(world_condition(w), REPLICA_MISMATCH);
	assert_int_equal(replica_accept_engine(w->replica), 0);
	world_run(w);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
	assert_int_equal(replica_seq(w->replica), ENTRIES + 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_lost),	CASE(test_replaced_end),       CASE(test_swapped),
		CASE(test_hole),	CASE(test_changed_while_down), CASE(test_tick),
		CASE(test_tick_ahead),	CASE(test_tick_good),	       CASE(test_accept),
		CASE(test_accept_tick),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

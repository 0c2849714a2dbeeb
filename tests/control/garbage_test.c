/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes and what stays: a ledger with a ticket whose layout and index files are really there, a
 * store on a simulated disk, and a clock that only the test moves. The store thread's work is done
 * between the turns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "control/garbage.h"
#include "ledger/heal.h"
#include "ledger/net.h"
#include "ledger/placement.h"
#include "ledger/rules.h"
#include "node/coded_file.h"
#include "node/garbage.h"
#include "store/world.h"

#define SELF  "n00003"
#define SIZE  400000
#define HOUR  UINT64_C(3600000000000)
#define S_NS  UINT64_C(1000000000)
#define TERMS "{\"rq_ids_max\":6}"

static struct ledger_net net;
static struct world world;
static struct coded_file file;
static struct garbage_keeper *keeper;
static struct store_task *waiting;
static bool current;
static char ticket[TICKET_ID_LEN + 1];
static unsigned own; /* index artifacts of this node's share */

static struct state *ledger(void *ctx)
{
	return current ? net.state : NULL;
}

static void submit(void *ctx, struct store_task *task)
{
	assert_null(waiting);
	waiting = task;
}

static void keep(void)
{
	const struct garbage_config config = {
		.self = SELF,
		.store = world.store,
		.clock = &world.clock,
		.log = log_sim(&world.lines),
		.state = ledger,
		.submit = submit,
	};

	keeper = garbage_start(&config);
	assert_non_null(keeper);
}

/* Everything that is due now, with the store thread's part. */
static void run(void)
{
	for (unsigned i = 0; i < 200; i++) {
		garbage_turn(keeper);
		for (struct store_task *task; (task = waiting) != NULL;) {
			waiting = NULL;
			task->errand(task, world.store);
			task->finished(task);
		}
	}
	sim_clock_advance(&world.time, 2 * S_NS);
	while (store_claims_sweep(world.store))
		;
}

static void pass(uint64_t ns)
{
	sim_clock_advance(&world.time, ns);
	run();
}

struct memory {
	const uint8_t *at;
	size_t left;
};

static int64_t read_memory(void *ctx, void *out, size_t len)
{
	struct memory *m = ctx;
	size_t n = len < m->left ? len : m->left;

	memcpy(out, m->at, n);
	m->at += n;
	m->left -= n;
	return (int64_t)n;
}

static void store_index(unsigned ordinal, bool by_operator)
{
	struct memory m = {file.index[ordinal].data, file.index[ordinal].len};
	struct store_input input = {read_memory, &m, m.left};
	uint8_t key[32];

	if (by_operator)
		assert_true(store_put(world.store, key, &input, NULL) >= ASSAY_E_EXISTS);
	else
		assert_int_equal(store_put_placed(world.store, file.index[ordinal].key, &input), 0);
}

/* -1: not there. */
static int origin(unsigned ordinal)
{
	struct artifact_info info;

	return store_stat(world.store, file.index[ordinal].key, &info) == 0 ? (int)info.origin : -1;
}

static unsigned count(int wanted)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 2 * CODED_MAX; i++)
		n += origin(i) == wanted;
	return n;
}

static int position(const struct texts *holders)
{
	for (size_t i = 0; i < holders->n; i++)
		if (strcmp(holders->at[i], SELF) == 0)
			return (int)i;
	return -1;
}

/* The ticket of `file` as it is recorded; its artifacts of this node's share are pushed first. */
static void record(uint64_t n)
{
	const struct params *p = params_current(state_tables(net.state));
	uint64_t epoch = state_epoch(net.state);
	struct texts active = {0}, none = {0}, holders = {0};
	char key[KEY_ROOM];
	json_t *ids = json_array();

	ticket_id(ticket, net.nodes[1].account, file.data_hash, n);
	texts_copy(&active, &((struct anchor *)table_find(state_tables(net.state), T_ANCHORS,
							  key_epoch(key, epoch)))
				     ->active);
	placement_new(&holders, ticket, &active, &none,
		      placement_width_of(p->placement_width, 2 * CODED_MAX, file.symbols));
	assert_true(position(&holders) >= 0);
	own = 0;
	for (unsigned i = 0; i < 2 * CODED_MAX; i++)
		if (placement_on(i, p->index_copies, holders.n, (uint64_t)position(&holders))) {
			store_index(i, false);
			own++;
		}
	for (unsigned i = 0; i < CODED_MAX; i++)
		json_array_append_new(ids, json_string(file.index_id[i]));
	net.next_n = n;
	net_accept(&net, net.nodes[1].account, "ticket",
		   json_pack("{sssssIsIsIsIsosssbsIsIsIs[]so}", "ticket", ticket, "data_hash",
			     file.data_hash, "size", (json_int_t)SIZE, "ic", (json_int_t)1, "max",
			     (json_int_t)CODED_MAX, "ratio", (json_int_t)file.ratio, "rq_ids_ids",
			     ids, "signatures", file.signatures, "public", 1,
			     "index_artifact_count", (json_int_t)(2 * CODED_MAX),
			     "symbol_artifact_count", (json_int_t)file.symbols, "placement_epoch",
			     (json_int_t)epoch, "skip", "receipts",
			     net_receipts(&net, ticket, epoch, &holders)));
	garbage_changed(keeper, ticket);
	texts_free(&active);
	texts_free(&holders);
}

static void close_ticket(void)
{
	net_accept(&net, net.nodes[1].account, "ticket_close", json_pack("{ss}", "ticket", ticket));
	garbage_changed(keeper, ticket);
	run();
}

static void to_epoch(uint64_t epoch)
{
	net_to_epoch(&net, epoch);
}

static void open_all(bool keyed)
{
	const struct net_config config = {
		.nodes = 7, .members = 4, .epoch_length = 5, .keyed = keyed, .params = TERMS};

	net_new(&net, &config);
	net_to_epoch(&net, 1);
	coded_file_make(&file, &net.nodes[1].key, SIZE);
	world_sim(&world, 3);
	/* Some day in 2026. */
	world.time.wall_ns = UINT64_C(1780000000) * S_NS;
	world.config.staging_bytes = 64 << 20;
	assert_int_equal(world_open(&world), 0);
	current = true;
	waiting = NULL;
	keep();
}

static int setup(void **state)
{
	open_all(false);
	return 0;
}

static int setup_keyed(void **state)
{
	open_all(true);
	return 0;
}

static void end_keeper(void)
{
	if (waiting != NULL)
		waiting->dropped(waiting);
	waiting = NULL;
	garbage_stop(keeper);
}

static int teardown(void **state)
{
	end_keeper();
	coded_file_free(&file);
	world_free(&world);
	net_free(&net);
	return 0;
}

/* From the push to the removal, with every rule on the way. */
static void test_life(void **state)
{
	run();
	record(0);
	assert_int_equal(count(ARTIFACT_PUSHED), own);
	run();
	assert_int_equal(count(ARTIFACT_PLACED), own);
	assert_int_equal(garbage_stats(keeper).tickets, 1);
	assert_true(garbage_stats(keeper).artifacts > own); /* symbols as well */
	pass(100 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);

	close_ticket(); /* in epoch 1 */
	pass(100 * HOUR);
	assert_int_equal(garbage_stats(keeper).tickets, 0);
	assert_int_equal(count(ARTIFACT_PLACED), own); /* no epoch has ended since */
	to_epoch(3);
	pass(HOUR);
	assert_int_equal(count(ARTIFACT_PLACED),
			 own); /* epoch 2 is closed: two earlier it was placed */
	to_epoch(4);
	pass(HOUR);
	assert_int_equal(count(-1), 2 * CODED_MAX);
	assert_int_equal(garbage_stats(keeper).removed, own);
	assert_true(world_logged(&world, "artifacts that no ticket places here are removed"));
}

/* With a committee key only what is sealed counts. */
static void test_sealed(void **state)
{
	run();
	record(0);
	run();
	close_ticket();
	to_epoch(8);
	pass(100 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);
	net_seal(&net, 1);
	net_seal(&net, 2);
	pass(2 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);
	net_seal(&net, 3);
	pass(2 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), 0);
}

/* A day since it was claimed, or since somebody was told that it is here. */
static void test_a_day(void **state)
{
	run();
	record(0);
	run();
	close_ticket();
	to_epoch(8);
	pass(23 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);
	for (unsigned i = 0; i < 2 * CODED_MAX; i++)
		if (origin(i) == ARTIFACT_PLACED) {
			assert_true(store_hold(world.store, file.index[i].key));
			break;
		}
	pass(2 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), 1);
	pass(24 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), 0);
}

/* What no ticket claims has an hour; what the operator stores stays. */
static void test_never_claimed(void **state)
{
	run();
	store_index(0, false);
	store_index(1, true);
	store_index(2, false);
	store_index(2, true);
	pass(HOUR / 2);
	assert_int_equal(origin(0), ARTIFACT_PUSHED);
	pass(HOUR);
	assert_int_equal(origin(0), -1);
	assert_int_equal(origin(1), ARTIFACT_KEPT);
	assert_int_equal(origin(2), ARTIFACT_KEPT);
	to_epoch(9);
	pass(100 * HOUR);
	assert_int_equal(count(ARTIFACT_KEPT), 2);
}

/* The operator stores what a ticket placed here, before and after its end. */
static void test_operator_keeps(void **state)
{
	unsigned first = 0;

	run();
	record(0);
	run();
	while (origin(first) != ARTIFACT_PLACED)
		first++;
	store_index(first, true);
	assert_int_equal(origin(first), ARTIFACT_KEPT);
	close_ticket();
	to_epoch(8);
	pass(100 * HOUR);
	assert_int_equal(count(ARTIFACT_KEPT), 1);
	assert_int_equal(count(ARTIFACT_PLACED), 0);
	assert_int_equal(origin(first), ARTIFACT_KEPT);
}

/* The layout cannot be read: whatever is here may be the ticket's. */
static void test_failed_read(void **state)
{
	record(0);
	run();
	close_ticket();
	record(1); /* the same artifacts; their layout files go */
	for (unsigned i = 0; i < CODED_MAX; i++)
		if (origin(i) >= 0)
			assert_int_equal(store_remove(world.store, file.index[i].key), 0);
	store_index(2 * CODED_MAX - 1, false);
	to_epoch(9);
	pass(100 * HOUR);
	assert_true(garbage_stats(keeper).unresolved > 0);
	assert_int_equal(garbage_stats(keeper).removed, 0);
	assert_true(origin(2 * CODED_MAX - 1) >= 0);
	assert_true(count(ARTIFACT_PLACED) + count(ARTIFACT_PUSHED) > 0);
	assert_true(world_logged(&world, "are not known: nothing is removed"));
	/* One layout file is enough to know. */
	store_index(0, true);
	pass(HOUR);
	assert_int_equal(garbage_stats(keeper).unresolved, 0);
	assert_int_equal(garbage_stats(keeper).tickets, 1);
}

/* A copy of the ledger that is not current decides nothing. */
static void test_not_current(void **state)
{
	run();
	record(0);
	run();
	close_ticket();
	store_index(2 * CODED_MAX - 1, false);
	int other = origin(2 * CODED_MAX - 1);

	to_epoch(9);
	current = false;
	pass(100 * HOUR);
	assert_int_equal(garbage_stats(keeper).removed, 0);
	assert_int_equal(origin(2 * CODED_MAX - 1), other);
	current = true;
	pass(HOUR);
	assert_true(garbage_stats(keeper).removed > 0);
	assert_int_equal(count(ARTIFACT_PLACED), 0);
}

/* The next process knows what was placed, and forgets when it stopped being so. */
static void test_restart(void **state)
{
	run();
	record(0);
	run();
	close_ticket();
	end_keeper();
	world_close(&world);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(count(ARTIFACT_PLACED), own);
	to_epoch(5);
	keep();
	pass(100 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own); /* two epochs of its own */
	to_epoch(8);
	pass(HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), 0);
}

/* The same bytes in two tickets: the second keeps them. */
static void test_twice(void **state)
{
	run();
	record(0);
	run();
	close_ticket();
	record(1);
	run();
	to_epoch(9);
	pass(100 * HOUR);
	assert_int_equal(garbage_stats(keeper).tickets, 1);
	assert_true(count(ARTIFACT_PLACED) >= own);
	for (unsigned i = 0; i < 20; i++)
		pass(HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);
}

/* A heal of this node's may stage or publish any of it. */
static void test_heal(void **state)
{
	struct heal_op *op;

	run();
	record(0);
	run();
	close_ticket();
	to_epoch(8);
	op = heal_op_new(net.state, "another", SELF, 8);
	pass(100 * HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);
	heal_op_set_status(net.state, op, HEAL_VERIFIED);
	pass(HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), own);
	op->published = true;
	pass(HOUR);
	assert_int_equal(count(ARTIFACT_PLACED), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_life),
		cmocka_unit_test_setup_teardown(test_sealed, setup_keyed, teardown),
		T(test_a_day),
		T(test_never_claimed),
		T(test_operator_keeps),
		T(test_failed_read),
		T(test_not_current),
		T(test_restart),
		T(test_twice),
		T(test_heal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in which one certain thing happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/must.h"
#include "ledger/state_impl.h"
#include "log/faulty_vfs.h"
#include "sim/run.h"

#define EPOCH 12

static struct run run;

static void begin(unsigned mode)
{
	const struct run_options options = {.seed = 5, .calm = true, .mode = mode};

	run_begin(&run, &options);
}

static void to_height(uint64_t height)
{
	run_to_height(&run, height);
	assert_string_equal(run.wrong, "");
}

static void end(void)
{
	run_end(&run);
	assert_string_equal(run.wrong, "");
	run_free(&run);
}

static const char *account(unsigned node)
{
	return run.node[node].who->account;
}

static bool reported(unsigned epoch, unsigned node)
{
	char key[96];

	snprintf(key, sizeof(key), "%u/%s", epoch, account(node));
	return json_object_get(run.reports, key) != NULL;
}

/* Epoch 0 in FULL has no tickets to ask for: everybody reports, and what follows has rows. */
static void test_epoch_0_in_full(void **state)
{
	begin(3);
	to_height(EPOCH);
	assert_int_equal(run.passes, 0);
	to_height(3 * EPOCH + 2);
	for (unsigned epoch = 0; epoch < 3; epoch++)
		for (unsigned i = 0; i < run.nodes; i++)
			assert_true(reported(epoch, i));
	assert_int_not_equal(run.passes, 0);
	assert_int_equal(run.failures, 0);
	end();
}

/* The same body signed once more is another text and the same entry. */
static void test_duplicate_with_another_signature(void **state)
{
	const uint8_t aux[32] = {1};
	struct buf again = {0};
	struct entry e;
	uint8_t id[32];

	begin(1);
	to_height(4);
	run_put(&run, account(5), "start",
		json_pack("{ss}", "boot", "00112233445566778899aabbccddeeff"));
	must(entry_parse(&e, (const uint8_t *)run.net.entry.at, run.net.entry.len));
	must(entry_sign(&again, id, &run.node[5].who->key,
			&(struct entry_body){e.author, e.type, e.net, e.epoch, e.n, e.data},
			aux) == 0);
	assert_memory_equal(id, e.id, 32);
	assert_memory_not_equal(again.at, run.net.entry.at, again.len);
	engine_sim_put(run.log, (const uint8_t *)again.at, again.len);
	entry_free(&e);
	buf_free(&again);
	to_height(8);
	for (unsigned i = 0; i < run.nodes; i++) {
		struct replica_status status;

		replica_status(core_replica(run.node[i].core), &status);
		assert_int_equal(status.duplicates, 1);
	}
	end();
}

/* A node that was away while the log was trimmed says so, and writes nothing. */
static void test_append_below_the_trim_point(void **state)
{
	struct replica_status status;
	unsigned reports;

	begin(1);
	to_height(4);
	run_node_crash(&run.node[6], RUN_NEVER / 2);
	to_height(2 * EPOCH);
	assert_int_equal(run.observer.trim(run.observer.ctx, state_seq(run.net.state) - 3), 0);
	reports = run_accepted(&run, "report", account(6));
	run.node[6].start_ns = run.now.mono_ns;
	to_height(4 * EPOCH);
	replica_status(core_replica(run.node[6].core), &status);
	assert_int_equal(status.condition, REPLICA_BEHIND);
	assert_int_equal(run_accepted(&run, "report", account(6)), reports);
	assert_true(run_accepted(&run, "report", account(0)) >= 3);
	run_check_log(&run);
	assert_string_equal(run.wrong, "");
	run_free(&run);
}

/* Members that tick as fast as the ledger lets them: the others stay together. */
static void test_tick_rush(void **state)
{
	uint64_t before, from;

	begin(1);
	to_height(4);
	before = state_height(run.net.state);
	from = run.now.mono_ns;
	for (unsigned i = 0; i < 20; i++) {
		unsigned member;
		json_t *data;

		run_observe(&run);
		data = net_tick_data(&run.net, &member);
		json_object_set_new(data, "time",
				    json_integer((json_int_t)(run.net.state->meta->time +
							      RUN_TICK_MS / 2 - (i % 2))));
		run_put(&run, account(member), "tick", data);
	}
	run_observe(&run);
	/* Every other one came less than half an interval after the one before. */
	assert_int_equal(state_height(run.net.state), before + 10);
	assert_true(run.now.mono_ns == from);
	end();
}

/* A member that never ticks costs time, not heights. */
static void test_silent_ticker(void **state)
{
	uint64_t from;

	begin(1);
	to_height(3);
	run_node_crash(&run.node[1], RUN_NEVER / 2);
	from = run.now.mono_ns;
	to_height(3 + 2 * EPOCH);
	assert_true(run.now.mono_ns - from < 3 * 2 * EPOCH * RUN_TICK_MS * RUN_MS);
	assert_true(run_accepted(&run, "tick", account(1)) <= 1);
	run.node[1].start_ns = run.now.mono_ns;
	end();
}

/* A member without its chain does everything but tick. */
static void test_lost_reveal_chain(void **state)
{
	struct disk disk;
	unsigned ticks, reports;

	begin(1);
	to_height(5);
	run_node_crash(&run.node[2], RUN_S);
	disk = disk_sim(run.node[2].disk);
	assert_int_equal(disk.remove(disk.ctx, REVEAL_FILE), 0);
	assert_int_equal(disk.sync_dir(disk.ctx, "."), 0);
	run_observe(&run);
	to_height(8); /* what was in its outbox is through */
	ticks = run_accepted(&run, "tick", account(2));
	reports = run_accepted(&run, "report", account(2));
	to_height(3 * EPOCH);
	assert_int_equal(run_accepted(&run, "tick", account(2)), ticks);
	assert_true(run_accepted(&run, "report", account(2)) >= reports + 1);
	end();
}

/* Two of seven holders are stopped for good: more than a fifth, so their tickets are healed. */
static void test_stopped_holders_lead_to_rehoming(void **state)
{
	struct tables *tables;
	unsigned rehomed = 0;

	begin(1);
	to_height(EPOCH + 2);
	for (unsigned i = 5; i < 7; i++)
		run_put(&run, "authority", "node_state",
			json_pack("{sssi}", "account", account(i), "state", NODE_STOPPED));
	to_height(EPOCH + 4);
	tables = state_tables(run.net.state);
	assert_int_equal(table_count(tables, T_HEAL_OPS), 0);
	to_height(3 * EPOCH + 2);
	for (struct ticket *t = table_first(tables, T_TICKETS); t != NULL;
	     t = table_next(tables, t))
		rehomed += t->rehome_after > 0;
	assert_int_equal(rehomed, run.files);
	assert_in_range(table_count(tables, T_HEAL_OPS), run.files, 20);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epoch_0_in_full),
		cmocka_unit_test(test_duplicate_with_another_signature),
		cmocka_unit_test(test_append_below_the_trim_point),
		cmocka_unit_test(test_tick_rush),
		cmocka_unit_test(test_silent_ticker),
		cmocka_unit_test(test_lost_reveal_chain),
		cmocka_unit_test(test_stopped_holders_lead_to_rehoming),
	};

	assay_init();
	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

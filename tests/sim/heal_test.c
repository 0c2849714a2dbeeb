/* SPDX-License-Identifier: Apache-2.0 */
/* Heal ops from their schedule to their end, with one certain thing going wrong on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "ledger/heal.h"
#include "ledger/state_impl.h"
#include "log/faulty_vfs.h"
#include "sim/stage.h"

#define EPOCH	 12
#define PATIENCE (200 * RUN_S)
#define MANY	 260

static struct run run;

static void begin(unsigned files)
{
	const struct run_options options = {
		.seed = 9, .calm = true, .heal = true, .light = files, .mode = 1};

	run_begin(&run, &options);
}

static void end(void)
{
	run_end(&run);
	assert_string_equal(run.wrong, "");
	run_free(&run);
}

/* --- waiting --- */

static struct heal_op *op(void)
{
	return table_first(state_tables(run.net.state), T_HEAL_OPS);
}

static void until(bool (*so)(void))
{
	uint64_t late = run.now.mono_ns + PATIENCE;

	while (!so() && run.wrong[0] == '\0') {
		assert_true(run.now.mono_ns < late);
		run_step(&run);
	}
	assert_string_equal(run.wrong, "");
}

static bool scheduled(void)
{
	return op() != NULL;
}

static bool reported(void)
{
	return op()->status >= HEAL_HEALER_REPORTED;
}

static bool final(void)
{
	return heal_op_final(op());
}

static bool published(void)
{
	return op()->published;
}

static bool swept(void)
{
	for (unsigned i = 0; i < run.nodes; i++)
		if (run.node[i].staged != NULL)
			return false;
	return true;
}

static bool over(void)
{
	return final() && (published() || op()->status != HEAL_VERIFIED) && swept();
}

static struct run_node *healer(void)
{
	return run_node_find(&run, op()->healer);
}

static struct run_node *verifier(unsigned i)
{
	return run_node_find(&run, op()->verifiers.at[i]);
}

/* Everybody is to meet it; only those with that part in an op can. */
static void fail_all(enum failpoint which)
{
	for (unsigned i = 0; i < run.nodes; i++)
		run_heal_fail(&run.node[i], which, 1);
}

/*
 * One file of two that a node lost, and the op that is to heal it; fail: FAIL_COUNT, or what
 * happens on the way.
 */
static void begin_op_with(enum failpoint fail)
{
	begin(2);
	if (fail != FAIL_COUNT)
		fail_all(fail);
	run_to_height(&run, 4);
	assert_true(run_heal_wipe(&run, &run.node[3], 0));
	run_heal_order(&run, 0);
	until(scheduled);
	assert_int_equal(op()->status, HEAL_SCHEDULED);
}

static void begin_op(void)
{
	begin_op_with(FAIL_COUNT);
}

/* It happened to the healer, or to both verifiers. */
static void check_failed(enum failpoint at)
{
	unsigned times = strncmp(failpoint_name(at), "vote", 4) == 0 ? 2 : 1;

	if (run.fails[at] != times)
		fail_msg("%s happened %u times", failpoint_name(at), run.fails[at]);
}

/* Healed, published once, and the node that had lost its part has it again. */
static void end_healed(void)
{
	until(over);
	assert_int_equal(op()->status, HEAL_VERIFIED);
	assert_true(op()->published);
	assert_int_equal(run.claims, 1);
	assert_int_equal(run.published, 1);
	assert_int_not_equal(run.node[3].has[0], 0);
	end();
}

static void end_with(enum heal_status status)
{
	until(over);
	assert_int_equal(op()->status, status);
	assert_int_equal(run.published, 0);
	end();
}

/* --- cases --- */

static void test_healed(void **state)
{
	begin_op();
	until(published);
	assert_int_equal(run.votes, 2);
	end_healed();
}

/* A process dies there; the next one brings the op to its end all the same. */
static void test_crash_points(void **state)
{
	for (enum failpoint at = 0; at < FAIL_LEDGER_APPLY; at++) {
		if (at == FAIL_HEAL_CLEAN_REMOVED)
			continue;
		begin_op_with(at);
		until(over);
		check_failed(at);
		/* Once there is a claim to be made, nothing is rebuilt. */
		assert_int_equal(run.builds, at == FAIL_HEAL_STAGED ? 2 : 1);
		end_healed();
	}
}

static void test_crash_cleaning(void **state)
{
	begin_op();
	verifier(0)->vice = verifier(1)->vice = RUN_DENIER;
	run_heal_fail(healer(), FAIL_HEAL_CLEAN_REMOVED, 1);
	until(over);
	check_failed(FAIL_HEAL_CLEAN_REMOVED);
	end_with(HEAL_FAILED);
}

/* Every node dies with some entry of the op applied and not committed. */
static void test_crash_applying(void **state)
{
	begin_op();
	for (unsigned i = 0; i < run.nodes; i++)
		run_heal_fail(&run.node[i], FAIL_LEDGER_APPLY, 1 + i);
	until(over);
	assert_int_equal(run.fails[FAIL_LEDGER_APPLY], run.nodes);
	end_healed();
}

/* The ledger's answer is not what the node sees. */
static void test_wrong_answers(void **state)
{
	for (enum failpoint at = FAIL_LEDGER_APPLY + 1; at < FAIL_COUNT; at++) {
		begin_op_with(at);
		until(over);
		check_failed(at);
		end_healed();
	}
}

static void test_forger(void **state)
{
	begin_op();
	healer()->vice = RUN_FORGER;
	end_with(HEAL_FAILED);
}

static void test_deniers(void **state)
{
	begin_op();
	verifier(0)->vice = RUN_DENIER;
	end_with(HEAL_EXPIRED); /* one against one */
	begin_op();
	verifier(0)->vice = verifier(1)->vice = RUN_DENIER;
	end_with(HEAL_FAILED);
}

/* Verifiers that are down until the op is over. */
static void test_silent_verifiers(void **state)
{
	begin_op();
	run_node_crash(verifier(0), RUN_NEVER / 2);
	run_node_crash(verifier(1), RUN_NEVER / 2);
	until(final);
	verifier(0)->start_ns = verifier(1)->start_ns = run.now.mono_ns;
	end_with(HEAL_EXPIRED);
}

static void alone(struct run_node *n, uint64_t ns)
{
	uint64_t over_ns = run.now.mono_ns + ns;

	n->side = 1;
	while (run.now.mono_ns < over_ns)
		run_step(&run);
	n->side = 0;
	assert_string_equal(run.wrong, "");
}

/* The healer is cut off while it rebuilds, while it is asked, and while it publishes. */
static void test_partitions(void **state)
{
	begin_op();
	alone(healer(), 15 * RUN_S);
	end_healed();

	begin_op();
	until(reported);
	alone(healer(), 60 * RUN_S);
	end_with(HEAL_FAILED); /* nobody could fetch anything */

	begin_op();
	until(final);
	alone(healer(), 60 * RUN_S);
	assert_int_equal(run.published, 0);
	end_healed();
}

static bool building(void)
{
	return healer()->staged != NULL;
}

static bool reading(void)
{
	return reported() && verifier(0)->work != NULL && verifier(1)->work != NULL;
}

static bool late(void)
{
	return state_epoch(run.net.state) >= op()->deadline_epoch;
}

/* Claim and votes are ready and the log is away until their time is over: they are not sent then.
 */
static void test_log_away(void **state)
{
	begin_op();
	until(building);
	healer()->cut_ns = RUN_NEVER;
	until(late);
	healer()->cut_ns = 0;
	until(final);
	assert_int_equal(run.claims, 0);
	end_with(HEAL_EXPIRED);

	begin_op();
	until(reading);
	verifier(0)->cut_ns = verifier(1)->cut_ns = RUN_NEVER;
	until(late);
	verifier(0)->cut_ns = verifier(1)->cut_ns = 0;
	until(final);
	assert_int_equal(run.votes, 0);
	end_with(HEAL_EXPIRED);
}

/* What is verified is published in every mode; what is not is removed when its time is over. */
static void test_modes(void **state)
{
	for (unsigned mode = 0; mode < 4; mode++) {
		begin_op();
		until(final);
		run_heal_mode(&run, mode);
		end_healed();
	}
	begin_op();
	until(reported);
	run_heal_mode(&run, 0);
	until(over);
	assert_true(op()->status == HEAL_EXPIRED || op()->status == HEAL_VERIFIED);
	end();
}

/* Nobody to rebuild it from until the op is over: no claim, and nothing is left. */
static void test_no_symbols(void **state)
{
	begin_op();
	healer()->side = 1;
	until(final);
	assert_int_equal(run.claims, 0);
	healer()->side = 0;
	end_with(HEAL_EXPIRED);
}

/* The disk loses the manifest while verifiers ask for the file, and when it is to be published. */
static void test_damaged_staging(void **state)
{
	begin_op();
	until(reported);
	run_staged_find(healer(), op()->id)->manifest = false;
	end_healed();

	begin_op();
	until(final);
	run_staged_find(healer(), op()->id)->manifest = false;
	end_healed();
}

static bool rehomed(void)
{
	struct tables *t = state_tables(run.net.state);

	return run.published >= table_count(t, T_TICKETS) && swept();
}

/* What stopped holders had goes to others. */
static void test_stopped_holders(void **state)
{
	struct tables *tables;

	begin(3);
	run_to_height(&run, EPOCH + 2);
	for (unsigned i = 5; i < 7; i++)
		run_put(&run, "authority", "node_state",
			json_pack("{sssi}", "account", run.node[i].who->account, "state",
				  NODE_STOPPED));
	until(rehomed);
	tables = state_tables(run.net.state);
	for (struct ticket *t = table_first(tables, T_TICKETS); t != NULL;
	     t = table_next(tables, t))
		for (unsigned i = 5; i < 7; i++)
			assert_false(texts_have(&t->holders, run.node[i].who->account));
	end();
}

static bool all_over(void)
{
	struct tables *t = state_tables(run.net.state);

	return table_count(t, T_HEAL_OPS) >= MANY && run.published >= MANY && swept();
}

static void restart(struct run_node *n, enum run_vice vice)
{
	n->vice = vice;
	run_node_crash(n, RUN_S);
}

static const struct heal_op *last_op(void)
{
	return table_last(state_tables(run.net.state), T_HEAL_OPS);
}

static bool last_reported(void)
{
	return last_op()->status == HEAL_HEALER_REPORTED;
}

/*
 * More than two pages of ops, and the one who has the last of them works alone at first: all pages
 * before it stay full. Then everybody does.
 */
static void test_many(void **state)
{
	struct run_node *first;
	unsigned open = 0;

	begin(MANY);
	for (unsigned i = 0; i < run.nodes; i++)
		restart(&run.node[i], RUN_MUTE);
	run_to_height(&run, 4);
	for (unsigned i = 0; i < MANY; i++)
		run_heal_order(&run, i);
	until(scheduled);
	assert_int_equal(table_count(state_tables(run.net.state), T_HEAL_OPS), MANY);
	first = run_node_find(&run, last_op()->healer);
	restart(first, RUN_HONEST);
	until(last_reported);
	for (struct heal_op *o = op(); o != NULL; o = table_next(state_tables(run.net.state), o))
		open += o->status == HEAL_SCHEDULED;
	assert_in_range(open, 2 * HEAL_PAGE_MAX, MANY);
	for (unsigned i = 0; i < run.nodes; i++)
		if (&run.node[i] != first)
			restart(&run.node[i], RUN_HONEST);
	until(all_over);
	end();
}

/* sim-heal [pattern of test names] */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healed),
		cmocka_unit_test(test_crash_points),
		cmocka_unit_test(test_crash_cleaning),
		cmocka_unit_test(test_crash_applying),
		cmocka_unit_test(test_wrong_answers),
		cmocka_unit_test(test_forger),
		cmocka_unit_test(test_deniers),
		cmocka_unit_test(test_silent_verifiers),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_log_away),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_no_symbols),
		cmocka_unit_test(test_damaged_staging),
		cmocka_unit_test(test_stopped_holders),
		cmocka_unit_test(test_many),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	assay_init();
	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

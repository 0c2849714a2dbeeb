/* SPDX-License-Identifier: Apache-2.0 */
/* A network of runners: epochs that pass by themselves, failures that are found and repeated. */
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "ledger/rules.h"
#include "ledger/scores.h"
#include "node/town.h"

#define EPOCH 30
/* Everything older than a few ticks is OLD, so both buckets have tickets. */
#define BOTH_BUCKETS                                     \
	"\"storage_truth_recent_bucket_max_blocks\":45," \
	"\"storage_truth_old_bucket_min_blocks\":46"

static struct town town;

static void begin(const char *params)
{
	town_init(&town, EPOCH, params);
}

static void start_all(void)
{
	for (unsigned i = 0; i < TOWN_NODES; i++)
		town_start(&town, i);
}

/* Two files now, two an epoch later: both buckets in the fourth epoch. */
static void put_files(void)
{
	town_to_height(&town, 2);
	town_put(&town, 0);
	town_put(&town, 1);
	town_to_epoch(&town, 2);
	town_put(&town, 2);
	town_put(&town, 3);
}

static void check_one_report_each(uint64_t first, uint64_t last)
{
	for (uint64_t epoch = first; epoch <= last; epoch++)
		assert_int_equal(town_reports(&town, epoch), TOWN_NODES);
}

/* Nobody but the nodes does anything: ticks, challenges, reports, all of them accepted. */
static void test_epochs_pass(void **state)
{
	unsigned pass;

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	town_to_epoch(&town, 7);
	assert_int_equal(town_refused(&town, "report"), 0);
	check_one_report_each(1, 6);
	assert_int_equal(town_accepted(&town, "start"), TOWN_NODES);
	pass = town_rows(&town, 1, 6, NULL, RESULT_PASS);
	/* ceil(7 / 3) targets an epoch, each with a ticket from epoch 1 on. */
	assert_in_range(pass, 6 * 3, 6 * 6);
	for (unsigned class = RESULT_HASH_MISMATCH; class <= RESULT_RECHECK_CONFIRMED_FAIL;
	     class ++)
		if (class != RESULT_NO_ELIGIBLE_TICKET)
			assert_int_equal(town_rows(&town, 1, 6, NULL, class), 0);
	assert_int_equal(town_accepted(&town, "recheck"), 0);
	town_free(&town);
}

/* Epoch 0 in FULL: reports without rows; from then on with all. */
static void test_full_mode(void **state)
{
	begin(BOTH_BUCKETS ",\"storage_truth_enforcement_mode\":3");
	start_all();
	put_files();
	town_to_epoch(&town, 6);
	assert_int_equal(town_refused(&town, "report"), 0);
	check_one_report_each(0, 5);
	assert_int_equal(town_rows(&town, 0, 0, NULL, RESULT_NO_ELIGIBLE_TICKET), 0);
	town_free(&town);
}

/* One is gone, one lost its artifacts, one serves rotten bytes: each is found as what it is. */
static void test_bad_nodes_are_found_and_rechecked(void **state)
{
	const char *gone, *empty, *rotten;

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	gone = town.node[4].account;
	empty = town.node[5].account;
	rotten = town.node[6].account;
	town_kill(&town, 4);
	town.node[5].answers = ASK_REFUSED;
	town.node[5].refuses = ASSAY_R_ARTIFACT_UNKNOWN;
	town.node[6].answers = ASK_HASH_MISMATCH;
	town_to_epoch(&town, 12);

	assert_int_not_equal(town_rows(&town, 2, 11, gone, RESULT_TIMEOUT), 0);
	assert_int_not_equal(town_rows(&town, 2, 11, empty, RESULT_INVALID_TRANSCRIPT), 0);
	assert_int_not_equal(town_rows(&town, 2, 11, rotten, RESULT_HASH_MISMATCH), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(town_rows(&town, 2, 11, town.node[i].account, RESULT_TIMEOUT), 0);
		assert_int_equal(
			town_rows(&town, 2, 11, town.node[i].account, RESULT_HASH_MISMATCH), 0);
	}
	assert_int_not_equal(town_accepted(&town, "recheck"), 0);
	assert_true(node_suspicion_at(town.net.state, rotten, 11) >
		    node_suspicion_at(town.net.state, town.node[0].account, 11));
	assert_int_equal(town_refused(&town, "report"), 0);
	town_free(&town);
}

/* No row is rechecked twice with success, and no recheck comes from those concerned. */
static void test_rechecks_are_independent(void **state)
{
	struct tables *tables;
	unsigned linked = 0;

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	town.node[6].answers = ASK_HASH_MISMATCH;
	town_to_epoch(&town, 10);
	tables = state_tables(town.net.state);
	for (struct recheck_done *r = table_first(tables, T_RECHECKS); r != NULL;
	     r = table_next(tables, r)) {
		assert_string_equal(r->target, town.node[6].account);
		assert_string_not_equal(r->creator, r->target);
	}
	for (struct transcript_record *t = table_first(tables, T_TRANSCRIPTS); t != NULL;
	     t = table_next(tables, t))
		if (t->recheck_transcript != NULL) {
			linked++;
			assert_int_equal(t->result_class, RESULT_HASH_MISMATCH);
		}
	assert_int_not_equal(linked, 0);
	assert_int_equal(linked, table_count(tables, T_RECHECKS));
	town_free(&town);
}

/* Nodes are killed and started again in the midst of everything: one report each. */
static void test_m9_one_report_whatever_happens(void **state)
{
	uint64_t seed = 11;
	struct random random = random_sim(&seed);

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	while (state_epoch(town.net.state) < 9) {
		uint64_t draw = random_u64(&random);
		unsigned node = (unsigned)(draw >> 8) % TOWN_NODES;

		town_second(&town);
		if (draw % 32 != 0)
			continue;
		town_kill(&town, node);
		town_second(&town);
		town_start(&town, node);
	}
	check_one_report_each(3, 8);
	/* A second one, of before the restart, is a duplicate: never two on the ledger. */
	assert_int_not_equal(town_accepted(&town, "report"), 0);
	town_free(&town);
}

/* Nothing is decided while the log is out of reach; afterwards it goes on. */
static void test_outage(void **state)
{
	uint64_t height;

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	town_to_epoch(&town, 4);
	height = state_height(town.net.state);
	town.engine_down = true;
	for (unsigned i = 0; i < 600; i++)
		town_second(&town);
	assert_int_equal(state_height(town.net.state), height);
	assert_in_range(town.entry_count, 1, 40); /* no flood is waiting */
	town.engine_down = false;
	town_to_epoch(&town, 7);
	check_one_report_each(5, 6);
	town_free(&town);
}

/* A copy that is behind decides nothing, whatever the clock says. */
static void test_nothing_on_an_old_copy(void **state)
{
	const struct node_event behind = {.kind = EVENT_APPLIED, .caught_up = false};
	const struct node_event turn = {.kind = EVENT_TURN};
	struct effects out = {0};

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	town_to_epoch(&town, 4);
	for (unsigned i = 0; i < TOWN_NODES; i++) {
		runner_step(town.node[i].runner, &behind, town.now, &out);
		for (unsigned k = 0; k < 100; k++) {
			town.now.mono_ns += 1000 * NS_PER_MS;
			town.now.wall_ms += 1000;
			runner_step(town.node[i].runner, &turn, town.now, &out);
		}
	}
	assert_int_equal(out.n, 0);
	effects_free(&out);
	town_free(&town);
}

/* An old configuration: everything off, said once; reports go on, so nobody is postponed. */
static void test_c1_absent_toggles_are_off(void **state)
{
	unsigned asked = 0, warnings = 0;

	begin(BOTH_BUCKETS);
	town.settings = (struct settings){0};
	town_start(&town, 0);
	for (unsigned i = 0; i < 64; i++) {
		const char *line = town.log.line[i];

		warnings += strstr(line, "services that are off") != NULL &&
			    strstr(line, "storage_challenge") != NULL &&
			    strstr(line, "lep6") != NULL && strstr(line, "recheck") != NULL;
	}
	assert_int_equal(warnings, 1);
	for (unsigned i = 1; i < TOWN_NODES; i++)
		town_start(&town, i);
	put_files();
	town_to_epoch(&town, 5);
	for (unsigned i = 0; i < TOWN_NODES; i++)
		asked += town.node[i].asked;
	assert_int_equal(asked, 0);
	check_one_report_each(1, 4);
	town_free(&town);
}

/* One of them on, the others off. */
static void test_c1_each_toggle(void **state)
{
	struct sim_log log = {0};
	struct log seam = log_sim(&log);
	const struct settings all = {
		.challenges = true, .lep6 = true, .recheck_on = true, .heal.on = true};
	const struct settings two = {.challenges = true, .lep6 = true, .heal.on = true};
	const struct heal_left none = {0};

	settings_warn(&all, &none, &seam);
	assert_int_equal(log.count, 0);
	settings_warn(&two, &none, &seam);
	assert_int_equal(log.count, 1);
	assert_non_null(strstr(log.line[0], "off=\"recheck\""));
}

static void test_l6_recheck_needs_its_parents(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct settings s = {.challenges = i & 1, .lep6 = (i & 2) != 0, .recheck_on = true};

		assert_int_equal(settings_wrong(&s) == NULL, i == 3);
		s.recheck_on = false;
		assert_int_equal(settings_wrong(&s) == NULL, i != 2);
	}
}

/* Mode 0 on the ledger gates what the configuration allows. */
static void test_ledger_mode_gates_all(void **state)
{
	char params[256];
	unsigned asked = 0;

	snprintf(params, sizeof(params), "%s,\"storage_truth_enforcement_mode\":0", BOTH_BUCKETS);
	begin(params);
	start_all();
	put_files();
	town_to_epoch(&town, 4);
	for (unsigned i = 0; i < TOWN_NODES; i++)
		asked += town.node[i].asked;
	assert_int_equal(asked, 0);
	assert_int_equal(town_refused(&town, "report"), 0);
	check_one_report_each(1, 3);
	town_free(&town);
}

/* Stopping between a recheck's entry and its verdict: the verdict is in the store afterwards. */
static void test_m3_stop_during_a_submit(void **state)
{
	const struct node_event stop = {.kind = EVENT_STOP};
	struct effects out = {0};
	struct town_entry *entry = NULL;
	struct node_event verdict = {.kind = EVENT_ENTRY};
	sqlite3_stmt *query;

	begin(BOTH_BUCKETS);
	start_all();
	put_files();
	town.node[6].answers = ASK_HASH_MISMATCH;
	town_to_epoch(&town, 4);
	town.engine_down = true;
	for (unsigned s = 0; entry == NULL; s++) {
		assert_in_range(s, 0, 5000);
		if (s % 7 == 0 && town.entry_count > 0 && entry == NULL)
			town.engine_down = false;
		town_second(&town);
		for (size_t i = 0; i < town.entry_count; i++)
			if (strcmp(town.entries[i].type, "recheck") == 0)
				entry = &town.entries[i];
		if (entry == NULL)
			town.engine_down = true;
	}
	runner_step(town.node[entry->node].runner, &stop, town.now, &out);
	assert_false(runner_stopped(town.node[entry->node].runner, town.now));
	verdict.cookie = entry->cookie;
	verdict.entry = (struct entry_outcome){ENTRY_VERDICT_CAME, 0, ""};
	runner_step(town.node[entry->node].runner, &verdict, town.now, &out);
	for (size_t i = 0; i < out.n; i++) { /* of `stop` */
		verdict.cookie = out.list[i].cookie;
		runner_step(town.node[entry->node].runner, &verdict, town.now, &out);
	}
	assert_int_equal(sqlite3_prepare_v2(town.node[entry->node].db,
					    "select count(*) from storage_recheck_submissions "
					    "where status = 'submitted'",
					    -1, &query, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(query), SQLITE_ROW);
	assert_in_range(sqlite3_column_int(query, 0), 1, 100);
	sqlite3_finalize(query);
	/* Nobody waits for ever. */
	town.now.mono_ns += 2000 * NS_PER_MS;
	assert_true(runner_stopped(town.node[entry->node].runner, town.now));
	effects_free(&out);
	town_free(&town);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_epochs_pass),
		cmocka_unit_test(test_full_mode),
		cmocka_unit_test(test_bad_nodes_are_found_and_rechecked),
		cmocka_unit_test(test_rechecks_are_independent),
		cmocka_unit_test(test_m9_one_report_whatever_happens),
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_nothing_on_an_old_copy),
		cmocka_unit_test(test_c1_absent_toggles_are_off),
		cmocka_unit_test(test_c1_each_toggle),
		cmocka_unit_test(test_l6_recheck_needs_its_parents),
		cmocka_unit_test(test_ledger_mode_gates_all),
		cmocka_unit_test(test_m3_stop_during_a_submit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The epoch's report: moment, contents, what becomes of its rows, restarts. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "node/desk.h"
#include "node/report.h"

static struct desk desk;
static struct row_buffer buffer;
static struct challenge challenge;
static struct reporting report;
static struct epoch_facts facts;

static void init_parts(void)
{
	const struct challenge_settings settings = {0};

	buffer = (struct row_buffer){0};
	challenge_init(&challenge, &desk.ctx, &buffer, &settings);
	report_init(&report, &desk.ctx, &challenge, desk.local);
	report.challenges = true;
}

static void free_parts(void)
{
	report_free(&report);
	challenge_free(&challenge);
	row_buffer_free(&buffer);
}

static void begin(void)
{
	desk_init(&desk);
	desk_node(&desk, DESK_SELF);
	desk_target(&desk, "t");
	desk_ticket(&desk, "new", "t", ASSAY_BUCKET_RECENT);
	desk_ticket(&desk, "old", "t", ASSAY_BUCKET_OLD);
	init_parts();
}

static void end(void)
{
	free_parts();
	desk_free(&desk);
}

static void start_run(uint64_t height)
{
	desk.facts.height = height;
	assert_true(desk.ctx.ledger.current(&desk, &facts));
	assert_int_equal(challenge_begin(&challenge, &facts, desk.now), 0);
	challenge_round(&challenge, desk.now, &desk.out);
}

static void fill_slot(enum ask_outcome outcome)
{
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, outcome, NULL);
}

static void turn(uint64_t height)
{
	desk.facts.height = height;
	assert_true(desk.ctx.ledger.current(&desk, &facts));
	report_turn(&report, &facts, desk.now, &desk.out);
}

/* The height at which it goes out, tried height by height; 0: not in this epoch. */
static uint64_t sent_at(uint64_t from)
{
	for (uint64_t h = from; h <= facts.end; h++) {
		turn(h);
		if (desk_count(&desk, EFFECT_ENTRY) > 0)
			return h;
	}
	return 0;
}

static json_t *entry(void)
{
	struct effect e = desk_take(&desk, EFFECT_ENTRY);
	json_t *json = json_loads(e.entry.data, 0, NULL);

	assert_int_equal(e.entry.class, ENTRY_REPORT);
	assert_string_equal(e.entry.type, "report");
	assert_non_null(json);
	free(e.entry.data);
	return json;
}

static void verdict(enum entry_end how, unsigned code, const char *reason)
{
	const struct entry_outcome outcome = {how, code, reason};

	report_verdict(&report, report.cookie, &outcome, facts.height, desk.now);
}

static size_t rows(const json_t *json)
{
	return json_array_size(json_object_get(json, "rows"));
}

/* All slots filled: at once, plus what this account draws of a quarter of the epoch. */
static void test_moment_with_all_rows(void **state)
{
	uint64_t at;
	json_t *json;

	begin();
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_TIMEOUT);
	at = sent_at(2010);
	assert_in_range(at, 2010, 2034);
	assert_int_equal(at, report_moment(&facts, DESK_SELF, 2010));
	json = entry();
	assert_int_equal(json_integer_value(json_object_get(json, "epoch")), 20);
	assert_int_equal(rows(json), 2);
	assert_int_equal(json_array_size(json_object_get(json, "observations")), 1);
	json_decref(json);
	/* One report, whatever comes. */
	assert_int_equal(sent_at(at), 0);
	end();
}

/* The second half begins: without the rows that are missing. */
static void test_moment_without_all_rows(void **state)
{
	json_t *json;

	begin();
	start_run(2010);
	fill_slot(ASK_PASS);
	assert_in_range(sent_at(2010), 2051, 2075);
	json = entry();
	assert_int_equal(rows(json), 1);
	json_decref(json);
	end();
}

/* Draws differ between accounts and lie within a quarter, and nobody waits into the last tenth. */
static void test_moments_spread(void **state)
{
	unsigned seen[25] = {0}, distinct = 0;

	begin();
	desk.ctx.ledger.current(&desk, &facts);
	for (unsigned i = 0; i < 200; i++) {
		char account[16];
		uint64_t at;

		snprintf(account, sizeof(account), "n%u", i);
		at = report_moment(&facts, account, 2010);
		assert_in_range(at, 2010, 2034);
		distinct += seen[at - 2010]++ == 0;
		assert_true(report_moment(&facts, account, 2080) <= 2090);
		assert_int_equal(report_moment(&facts, account, 2095), 2095);
	}
	assert_true(distinct > 20);
	end();
}

static void test_nothing_to_examine(void **state)
{
	json_t *json;

	begin();
	desk.target_count = 0;
	start_run(2001);
	assert_in_range(sent_at(2001), 2001, 2025);
	json = entry();
	assert_int_equal(rows(json), 0);
	assert_int_equal(json_array_size(json_object_get(json, "observations")), 0);
	json_decref(json);
	end();
}

/* Switched off it reports without rows and does not wait for them. */
static void test_challenges_off(void **state)
{
	json_t *json;

	begin();
	report.challenges = false;
	desk.facts.height = 2001;
	desk.ctx.ledger.current(&desk, &facts);
	assert_int_equal(challenge_begin(&challenge, &facts, desk.now), 0);
	assert_in_range(sent_at(2001), 2001, 2025);
	json = entry();
	assert_int_equal(rows(json), 0);
	assert_int_equal(json_array_size(json_object_get(json, "observations")), 1);
	json_decref(json);
	end();
}

/* In FULL a report without both rows of a target is none: it waits to the end, and beyond. */
static void test_full_needs_both_rows(void **state)
{
	json_t *json;

	begin();
	desk.facts.mode = 3;
	start_run(2010);
	fill_slot(ASK_PASS);
	assert_int_equal(sent_at(2010), 0);
	assert_int_equal(buffer.n, 1);
	assert_true(desk_logged(&desk, "no report before both slots"));
	fill_slot(ASK_TIMEOUT);
	turn(2099);
	json = entry();
	assert_int_equal(rows(json), 2);
	json_decref(json);
	end();
}

/* Rows live until the ledger has spoken. */
static void test_verdicts(void **state)
{
	static const struct {
		enum entry_end end;
		unsigned code;
		enum report_state state;
		bool remembered;
		size_t kept; /* rows that may go out again */
	} cases[] = {
		{ENTRY_VERDICT_CAME, 0, REPORT_OVER, true, 0},
		{ENTRY_VERDICT_CAME, 4, REPORT_OVER, true, 0},
		{ENTRY_VERDICT_CAME, 2, REPORT_OVER, false, 0},
		{ENTRY_VERDICT_CAME, 9, REPORT_WAITING, false, 2},
		{ENTRY_VERDICT_CAME, 16, REPORT_WAITING, false, 2},
		{ENTRY_OPEN, 0, REPORT_SENT, false, 2},
		{ENTRY_EXPIRED, 0, REPORT_WAITING, false, 2},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t epoch;

		begin();
		start_run(2010);
		fill_slot(ASK_PASS);
		fill_slot(ASK_PASS);
		sent_at(2010);
		json_decref(entry());
		verdict(cases[i].end, cases[i].code, "");
		assert_int_equal(report.state, cases[i].state);
		assert_int_equal(local_last_epoch(desk.local, &epoch) == 0, cases[i].remembered);
		assert_int_equal(buffer.n + report.n, cases[i].kept);
		if (cases[i].state == REPORT_WAITING) {
			/* Not at once, but in this epoch. */
			turn(facts.height + 1);
			assert_int_equal(desk_count(&desk, EFFECT_ENTRY), 0);
			assert_int_not_equal(sent_at(facts.height), 0);
			json_decref(entry());
		}
		end();
	}
	begin();
	end();
}

/* A verdict that got lost shows in the tables. */
static void test_report_on_the_ledger(void **state)
{
	uint64_t epoch;

	begin();
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	sent_at(2010);
	json_decref(entry());
	desk.reported = true;
	turn(2050);
	assert_int_equal(report.state, REPORT_OVER);
	assert_int_equal(local_last_epoch(desk.local, &epoch), 0);
	assert_int_equal(epoch, 20);
	end();
}

/* A ticket is closed between challenge and report: the row stays at home, its slot opens. */
static void test_rows_are_judged_before_they_go(void **state)
{
	json_t *json;

	begin();
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	desk.ticket[0].state = TICKET_CLOSED;
	sent_at(2010);
	json = entry();
	assert_int_equal(rows(json), 1);
	json_decref(json);
	end();
}

/* Each required port of each target is tried, eight at a time, before it goes out. */
static void test_ports(void **state)
{
	const json_t *ports;
	json_t *json;
	uint64_t at = 0;

	begin();
	for (unsigned i = 0; i < 10; i++)
		desk.facts.ports[i] = (uint16_t)(4000 + i);
	desk.facts.port_count = 10;
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	for (uint64_t h = 2010; desk_count(&desk, EFFECT_PROBE) == 0; h++)
		turn(at = h);
	assert_int_equal(desk_count(&desk, EFFECT_PROBE), 8);
	for (unsigned i = 0; i < 10; i++) {
		struct effect e = desk_take(&desk, EFFECT_PROBE);

		assert_string_equal(e.account, "t");
		report_probed(&report, e.cookie,
			      e.port == 4000   ? PORT_OPEN
			      : e.port == 4001 ? PORT_CLOSED
					       : PORT_UNKNOWN,
			      desk.now, &desk.out);
	}
	turn(at + 1);
	json = entry();
	ports = json_object_get(json_array_get(json_object_get(json, "observations"), 0), "ports");
	assert_int_equal(json_array_size(ports), 10);
	assert_int_equal(json_integer_value(json_array_get(ports, 0)), PORT_OPEN);
	assert_int_equal(json_integer_value(json_array_get(ports, 1)), PORT_CLOSED);
	assert_int_equal(json_integer_value(json_array_get(ports, 9)), PORT_UNKNOWN);
	json_decref(json);
	end();
}

/* Probes that never end do not hold the report for ever. */
static void test_silent_probes(void **state)
{
	begin();
	desk.facts.ports[0] = 4000;
	desk.facts.port_count = 1;
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	assert_int_equal(sent_at(2010), 0);
	desk.now.mono_ns += 31000 * NS_PER_MS;
	turn(2060);
	json_decref(entry());
	end();
}

/* A node that the ledger takes no report of makes none. */
static void test_stopped_node_says_nothing(void **state)
{
	begin();
	desk.node[0].state = NODE_STOPPED;
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	assert_int_equal(sent_at(2010), 0);
	desk.node[0].state = NODE_POSTPONED;
	turn(2090);
	json_decref(entry());
	end();
}

/* After the report was accepted a restart does nothing in this epoch. */
static void test_m9_restart_after_the_report(void **state)
{
	begin();
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	sent_at(2010);
	json_decref(entry());
	verdict(ENTRY_VERDICT_CAME, 0, "");
	free_parts();
	init_parts();
	desk.facts.height = 2050;
	desk.ctx.ledger.current(&desk, &facts);
	assert_true(report_is_over(&report, &facts, desk.now));
	/* The next epoch is another matter. */
	desk.facts.epoch = 21;
	desk.facts.height = 2101;
	desk.ctx.ledger.current(&desk, &facts);
	assert_false(report_is_over(&report, &facts, desk.now));
	end();
}

/* Between dispatch and report nothing is on the ledger: it is done again. */
static void test_m9_restart_before_the_report(void **state)
{
	json_t *json;

	begin();
	start_run(2010);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	free_parts();
	init_parts();
	desk.facts.height = 2020;
	desk.ctx.ledger.current(&desk, &facts);
	assert_false(report_is_over(&report, &facts, desk.now));
	start_run(2020);
	fill_slot(ASK_PASS);
	fill_slot(ASK_PASS);
	sent_at(2020);
	json = entry();
	assert_int_equal(rows(json), 2);
	json_decref(json);
	/* The first one's report had arrived after all. */
	verdict(ENTRY_VERDICT_CAME, 4, "");
	assert_int_equal(report.state, REPORT_OVER);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moment_with_all_rows),
		cmocka_unit_test(test_moment_without_all_rows),
		cmocka_unit_test(test_moments_spread),
		cmocka_unit_test(test_nothing_to_examine),
		cmocka_unit_test(test_challenges_off),
		cmocka_unit_test(test_full_needs_both_rows),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_report_on_the_ledger),
		cmocka_unit_test(test_rows_are_judged_before_they_go),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_silent_probes),
		cmocka_unit_test(test_stopped_node_says_nothing),
		cmocka_unit_test(test_m9_restart_after_the_report),
		cmocka_unit_test(test_m9_restart_before_the_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

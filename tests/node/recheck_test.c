/* SPDX-License-Identifier: Apache-2.0 */
/* Rechecks: what is repeated, when it is sent, what is remembered. */
#include <stdio.h>
#include <stdlib.h>
#include <jansson.h>

#include "assay/status.h"
#include "crypto/digest.h"
#include "node/desk.h"

static struct desk desk;
static struct recheck recheck;

static void begin(void)
{
	const struct recheck_settings settings = {0};

	desk_init(&desk);
	recheck_init(&recheck, &desk.ctx, &desk.store, &settings);
}

static void end(void)
{
	recheck_free(&recheck);
	desk_free(&desk);
}

static void turn(void)
{
	struct epoch_facts facts;

	assert_true(desk.ctx.ledger.current(&desk, &facts));
	desk.now.mono_ns += 60000 * NS_PER_MS;
	desk.now.wall_ms += 60000;
	recheck_turn(&recheck, &facts, desk.now, &desk.out);
}

static void resolve(void)
{
	const struct effect e = desk_take(&desk, EFFECT_RESOLVE);
	struct resolved artifact = {.text = "key", .size = 65532};

	digest_one(artifact.key, NULL, e.artifact.ticket, strlen(e.artifact.ticket));
	recheck_resolved(&recheck, e.cookie, RESOLVE_DONE, &artifact, desk.now, &desk.out);
}

static struct effect ask(void)
{
	resolve();
	return desk_take(&desk, EFFECT_ASK);
}

static void answer(uint64_t cookie, enum ask_outcome outcome)
{
	const struct ask_result result = {.outcome = outcome};

	recheck_asked(&recheck, cookie, &result, desk.now, &desk.out);
}

static json_t *entry(uint64_t *cookie)
{
	struct effect e = desk_take(&desk, EFFECT_ENTRY);
	json_t *json = json_loads(e.entry.data, 0, NULL);

	assert_int_equal(e.entry.class, ENTRY_RECHECK);
	assert_string_equal(e.entry.type, "recheck");
	assert_non_null(json);
	*cookie = e.cookie;
	free(e.entry.data);
	return json;
}

static void verdict(uint64_t cookie, enum entry_end how, unsigned code, const char *reason)
{
	const struct entry_outcome outcome = {how, code, reason};

	recheck_verdict(&recheck, cookie, &outcome, desk.now);
}

static enum recheck_status status(uint64_t epoch, const char *ticket, const char *target)
{
	struct recheck_key key = {.epoch = epoch};
	enum recheck_status s;

	strcpy(key.ticket, ticket);
	strcpy(key.target, target);
	return desk.store.find(desk.store.ctx, &s, &key) == 0 ? s : 0;
}

/* All the way for one failed row. */
static uint64_t run_one(enum ask_outcome outcome)
{
	uint64_t cookie;

	turn();
	answer(ask().cookie, outcome);
	json_decref(entry(&cookie));
	return cookie;
}

static void test_confirmed_failure(void **state)
{
	uint64_t cookie;
	json_t *json;

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_HASH_MISMATCH);
	turn();
	assert_int_equal(desk.ctx.counters.recheck_candidates, 1);
	answer(ask().cookie, ASK_HASH_MISMATCH);
	json = entry(&cookie);
	assert_int_equal(json_integer_value(json_object_get(json, "epoch")), 19);
	assert_string_equal(json_string_value(json_object_get(json, "challenged")), "t");
	assert_string_equal(json_string_value(json_object_get(json, "ticket")), "k");
	assert_string_equal(json_string_value(json_object_get(json, "challenged_transcript")),
			    "h0");
	assert_int_equal(json_integer_value(json_object_get(json, "class")),
			 RESULT_RECHECK_CONFIRMED_FAIL);
	json_decref(json);
	assert_int_equal(status(19, "k", "t"), RECHECK_PENDING); /* intent before action */
	verdict(cookie, ENTRY_VERDICT_CAME, 0, "");
	assert_int_equal(status(19, "k", "t"), RECHECK_DONE);
	assert_int_equal(recheck.n, 0);
	turn();
	assert_int_equal(desk.out.n, 0);
	end();
}

/* The question is that of the challenged epoch, so that the same bytes are asked for. */
static void test_asks_for_the_same_bytes(void **state)
{
	struct effect e;

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 15, "k", "t", "rep", RESULT_TIMEOUT);
	turn();
	e = ask();
	assert_int_equal(e.question.request.epoch, 15);
	assert_int_equal(e.question.request.bucket, ASSAY_BUCKET_RECHECK);
	assert_int_equal(e.question.seed[0], 15);
	end();
}

/* Several targets of one ticket each get theirs; so do two epochs. */
static void test_c2_two_targets_are_two_rechecks(void **state)
{
	static char u[] = "u", t[] = "t", *both[] = {t, u};

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT)->holders = (struct texts){both, 2};
	desk_row(&desk, 19, "k", "u", "rep", RESULT_HASH_MISMATCH);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_HASH_MISMATCH);
	desk_row(&desk, 18, "k", "t", "rep", RESULT_HASH_MISMATCH);
	turn();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 3);
	assert_string_equal(desk.out.list[0].account, "t"); /* the smaller one first */
	assert_string_equal(desk.out.list[1].account, "u");
	end();
}

/* Two reports of one failure: one recheck, of the smaller account's row. */
static void test_two_reporters_are_one_recheck(void **state)
{
	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep-a", RESULT_TIMEOUT);
	desk_row(&desk, 19, "k", "t", "rep-b", RESULT_TIMEOUT);
	turn();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 1);
	assert_int_equal(recheck.n, 1);
	end();
}

/* What the ledger would refuse is not even begun. */
static void test_nothing_useless_is_begun(void **state)
{
	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_ticket(&desk, "closed", "t", ASSAY_BUCKET_RECENT)->state = TICKET_CLOSED;
	desk_ticket(&desk, "moved", "t", ASSAY_BUCKET_RECENT)->ready_epoch = 19;
	desk_ticket(&desk, "others", "u", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "closed", "t", "rep", RESULT_TIMEOUT);
	desk_row(&desk, 19, "moved", "t", "rep", RESULT_TIMEOUT);
	desk_row(&desk, 19, "others", "t", "rep", RESULT_TIMEOUT);
	desk_row(&desk, 19, "gone", "t", "rep", RESULT_TIMEOUT);
	desk_row(&desk, 19, "k", "t", DESK_SELF, RESULT_TIMEOUT);
	desk_row(&desk, 19, "k", DESK_SELF, "rep", RESULT_TIMEOUT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_PASS);
	desk_row(&desk, 12, "k", "t", "rep", RESULT_TIMEOUT); /* before the look-back */
	desk_row(&desk, 18, "k", "t", "rep", RESULT_TIMEOUT)->taken = TAKEN_ANOTHER;
	turn();
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(recheck.n, 0);
	end();
}

static void test_h1_old_candidate_is_not_submitted(void **state)
{
	struct recheck_candidate candidate = {
		.key = {.epoch = 12, .ticket = "k", .target = "t"},
		.challenged = "h0",
		.reporter = "rep",
		.result = RESULT_TIMEOUT,
	};
	const struct recheck_result result = {"rh", RESULT_PASS};
	enum recheck_says says;

	begin();
	assert_int_equal(recheck_submit(&says, &desk.ctx, &desk.store, &candidate, &result, 20, 7,
					1, 1, &desk.out),
			 ASSAY_E_RANGE);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(status(12, "k", "t"), 0);
	candidate.key.epoch = 13;
	assert_int_equal(recheck_submit(&says, &desk.ctx, &desk.store, &candidate, &result, 20, 7,
					1, 1, &desk.out),
			 0);
	assert_int_equal(desk.out.n, 1);
	end();
}

/* A second staging is told apart from a first one. */
static void test_l3_second_staging_is_no_silence(void **state)
{
	const struct recheck_candidate candidate = {
		.key = {.epoch = 19, .ticket = "k", .target = "t"},
		.challenged = "h0",
		.reporter = "rep",
		.result = RESULT_TIMEOUT,
	};
	const struct recheck_result result = {"rh", RESULT_PASS};
	enum recheck_says says;

	begin();
	assert_int_equal(recheck_submit(&says, &desk.ctx, &desk.store, &candidate, &result, 20, 7,
					1, 1, &desk.out),
			 0);
	assert_int_equal(says, RECHECK_SUBMITTED);
	assert_int_equal(desk.store.mark(desk.store.ctx, &candidate.key, RECHECK_DONE), 0);
	assert_int_equal(recheck_submit(&says, &desk.ctx, &desk.store, &candidate, &result, 20, 7,
					2, 2, &desk.out),
			 0);
	assert_int_equal(says, RECHECK_STAGE_DEDUP);
	assert_int_equal(desk.out.n, 1);
	end();
}

/* A crash between staging and verdict: it is done once more, and the row is brought up to date. */
static void test_pending_row_is_resumed(void **state)
{
	uint64_t cookie;

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
	run_one(ASK_PASS);
	/* The process ends here; its successor has the store only. */
	recheck_free(&recheck);
	recheck_init(&recheck, &desk.ctx, &desk.store, &(struct recheck_settings){0});
	assert_int_equal(status(19, "k", "t"), RECHECK_PENDING);
	cookie = run_one(ASK_PASS);
	verdict(cookie, ENTRY_VERDICT_CAME, 10, "ALREADY_SUBMITTED");
	assert_int_equal(status(19, "k", "t"), RECHECK_DONE);
	assert_int_equal(desk.ctx.counters.recheck_already_submitted, 1);
	end();
}

/* ... or the ledger shows already what became of it. */
static void test_pending_row_is_reconciled(void **state)
{
	static const struct {
		enum recheck_taken taken;
		enum recheck_status status;
	} cases[] = {{TAKEN_OURS, RECHECK_DONE}, {TAKEN_ANOTHER, RECHECK_CLOSED}};

	for (unsigned i = 0; i < 2; i++) {
		begin();
		desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
		desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
		run_one(ASK_PASS);
		recheck_free(&recheck);
		recheck_init(&recheck, &desk.ctx, &desk.store, &(struct recheck_settings){0});
		desk.row[0].taken = cases[i].taken;
		turn();
		assert_int_equal(desk.out.n, 0);
		assert_int_equal(status(19, "k", "t"), cases[i].status);
		end();
	}
}

static void test_verdicts(void **state)
{
	static const struct {
		enum entry_end end;
		unsigned code;
		const char *reason;
		enum recheck_status status;
		enum recheck_says says;
		unsigned failures;
	} cases[] = {
		{ENTRY_VERDICT_CAME, 0, "", RECHECK_DONE, RECHECK_SUBMITTED, 0},
		{ENTRY_VERDICT_CAME, 10, "ALREADY_SUBMITTED", RECHECK_DONE,
		 RECHECK_ALREADY_SUBMITTED, 0},
		{ENTRY_VERDICT_CAME, 10, "LINK_CONFLICT", RECHECK_CLOSED, RECHECK_FOREIGN, 0},
		{ENTRY_VERDICT_CAME, 10, "NOT_ELIGIBLE", 0, RECHECK_SUBMIT_ERROR, 1},
		{ENTRY_VERDICT_CAME, 2, "", 0, RECHECK_SUBMIT_ERROR, 1},
		{ENTRY_OPEN, 0, "", RECHECK_PENDING, RECHECK_SUBMIT_TRANSIENT, 1},
		{ENTRY_EXPIRED, 0, "", 0, RECHECK_SUBMIT_ERROR, 1},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct recheck_key key = {19, "k", "t"};
		unsigned failures;

		begin();
		desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
		desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
		verdict(run_one(ASK_PASS), cases[i].end, cases[i].code, cases[i].reason);
		assert_int_equal(status(19, "k", "t"), cases[i].status);
		assert_int_equal(desk.ctx.counters.recheck_submissions[RESULT_PASS][cases[i].says],
				 1);
		assert_int_equal(
			desk.store.failures(desk.store.ctx, &failures, &key, desk.now.wall_ms), 0);
		assert_int_equal(failures, cases[i].failures);
		assert_int_equal(desk.ctx.counters.recheck_submit_failures, cases[i].failures);
		end();
	}
}

/* No verdict in time counts once; the late one still counts. */
static void test_late_verdict(void **state)
{
	uint64_t cookie;

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
	cookie = run_one(ASK_PASS);
	verdict(cookie, ENTRY_OPEN, 0, "");
	verdict(cookie, ENTRY_OPEN, 0, "");
	assert_int_equal(desk.ctx.counters.recheck_submit_failures, 1);
	turn(); /* it is still under way: not begun anew */
	assert_int_equal(desk.out.n, 0);
	verdict(cookie, ENTRY_VERDICT_CAME, 0, "");
	assert_int_equal(status(19, "k", "t"), RECHECK_DONE);
	end();
}

/* Three failed attempts, then a pause of a quarter of an hour since the last one. */
static void test_failure_budget(void **state)
{
	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
	for (unsigned i = 0; i < 3; i++) {
		turn();
		answer(ask().cookie, ASK_OURS);
	}
	assert_int_equal(desk.ctx.counters.recheck_execute_failures, 3);
	for (unsigned i = 0; i < 14; i++) {
		turn();
		assert_int_equal(desk.out.n, 0);
	}
	turn();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 1);
	end();
}

/* Somebody was faster while the target was asked: nothing is sent. */
static void test_taken_meanwhile(void **state)
{
	struct effect e;

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
	turn();
	e = ask();
	desk.row[0].taken = TAKEN_ANOTHER;
	answer(e.cookie, ASK_PASS);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(recheck.n, 0);
	end();
}

static void test_mode_and_switch(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		begin();
		desk.facts.mode = i;
		desk.facts.enabled = i == 0;
		desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
		desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
		turn();
		assert_int_equal(desk.out.n, 0);
		end();
	}
}

/* A slow recheck and an epoch's run side by side: neither waits, no row strays. */
static void test_m11_recheck_stands_apart(void **state)
{
	const struct challenge_settings settings = {0};
	struct challenge challenge;
	struct row_buffer buffer = {0};
	struct epoch_facts facts;
	struct effect slow;
	uint64_t cookie;

	begin();
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 19, "k", "t", "rep", RESULT_TIMEOUT);
	turn();
	slow = ask(); /* is not answered yet */

	desk_target(&desk, "t");
	challenge_init(&challenge, &desk.ctx, &buffer, &settings);
	desk.ctx.ledger.current(&desk, &facts);
	assert_int_equal(challenge_begin(&challenge, &facts, desk.now), 0);
	challenge_round(&challenge, desk.now, &desk.out);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	assert_true(challenge_complete(&challenge));

	answer(slow.cookie, ASK_HASH_MISMATCH);
	json_decref(entry(&cookie));
	assert_int_equal(buffer.n, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_not_equal(buffer.rows[i].bucket, ASSAY_BUCKET_RECHECK);
	challenge_free(&challenge);
	row_buffer_free(&buffer);
	end();
}

/* Rows of a closed epoch are read once; five candidates a turn. */
static void test_per_turn_limit(void **state)
{
	static char ids[12][8];

	begin();
	for (unsigned i = 0; i < 12; i++) {
		snprintf(ids[i], sizeof(ids[i]), "k%02u", i);
		desk_ticket(&desk, ids[i], "t", ASSAY_BUCKET_RECENT);
		desk_row(&desk, 19, ids[i], "t", "rep", RESULT_TIMEOUT);
	}
	turn();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 5);
	turn(); /* all five are still under way */
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 5);
	resolve();
	answer(desk_take(&desk, EFFECT_ASK).cookie, ASK_OURS);
	turn();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 5);
	end();
}

/* Of many nodes a few begin, and more with every search that finds the row still open. */
static void test_not_all_at_once(void **state)
{
	unsigned went[16] = {0};

	for (unsigned searches = 0; searches < 16; searches++)
		for (unsigned i = 0; i < 1000; i++) {
			char account[16];

			snprintf(account, sizeof(account), "n%u", i);
			went[searches] += recheck_turn_came(account, "hash", 1000, searches);
		}
	assert_in_range(went[0], 0, 15);
	assert_in_range(went[3], 8, 60);
	for (unsigned searches = 1; searches < 16; searches++)
		assert_true(went[searches] >= went[searches - 1]);
	assert_int_equal(went[9], 1000);

	/* As the part does it: later searches find it, too. */
	begin();
	desk.facts.nodes = 100000;
	desk_ticket(&desk, "k", "t", ASSAY_BUCKET_RECENT);
	desk_row(&desk, 20, "k", "t", "rep", RESULT_TIMEOUT);
	turn();
	assert_int_equal(desk.out.n, 0);
	for (unsigned i = 0; i < 17; i++)
		turn();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_confirmed_failure),
		cmocka_unit_test(test_asks_for_the_same_bytes),
		cmocka_unit_test(test_c2_two_targets_are_two_rechecks),
		cmocka_unit_test(test_two_reporters_are_one_recheck),
		cmocka_unit_test(test_nothing_useless_is_begun),
		cmocka_unit_test(test_h1_old_candidate_is_not_submitted),
		cmocka_unit_test(test_l3_second_staging_is_no_silence),
		cmocka_unit_test(test_pending_row_is_resumed),
		cmocka_unit_test(test_pending_row_is_reconciled),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_late_verdict),
		cmocka_unit_test(test_failure_budget),
		cmocka_unit_test(test_taken_meanwhile),
		cmocka_unit_test(test_mode_and_switch),
		cmocka_unit_test(test_m11_recheck_stands_apart),
		cmocka_unit_test(test_per_turn_limit),
		cmocka_unit_test(test_not_all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger's word, or its absence, does to rows and staging; one test for each row of the
 * tables in docs/healing.md. */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

static struct ward w;

/* --- "Outcomes" */

/* An op of this node whose claim was sent. */
static uint64_t claim_sent(void)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	ward_done(&w);
	assert_int_equal(w.entries, 1);
	assert_string_equal(ward_claim_row(&w, op), "pending");
	return op;
}

static uint64_t vote_sent(void)
{
	uint64_t op = ward_op(&w, w.other[0], w.self, w.other[1]);

	ward_claim(&w, op);
	ward_tick(&w);
	ward_done(&w);
	assert_int_equal(w.entries, 1);
	assert_string_equal(ward_vote_row(&w, op), "pending");
	return op;
}

static void check_claim(uint64_t op, const char *row, bool staged)
{
	assert_string_equal(ward_claim_row(&w, op), row);
	assert_int_equal(ward_folder(&w, op) != NULL, staged);
}

/* Cleans what was ordered to be cleaned, and nothing else. */
static void clean(void)
{
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	ward_done(&w);
}

static void test_claim_accepted(void **state)
{
	uint64_t op = claim_sent();

	ward_apply(&w);
	check_claim(op, "submitted", true);
}

static void test_claim_transient(void **state)
{
	uint64_t op = claim_sent();

	ward_say(&w, ENTRY_EXPIRED, 0, "");
	check_claim(op, "pending", true);
	assert_int_equal(w.orders, 0);
	ward_run(&w); /* sent again, not rebuilt */
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_claim_open_is_waited_for(void **state)
{
	uint64_t op = claim_sent();
	uint64_t cookie = w.entry[0].cookie;
	struct entry_outcome open = {.end = ENTRY_OPEN, .reason = ""};
	struct effects out = {0};

	heal_verdict(&w.heal, cookie, &open, w.now, &out);
	assert_int_equal(out.n, 0);
	ward_tick(&w);
	ward_tick(&w);
	assert_int_equal(w.entries, 1); /* the one that was sent */
	check_claim(op, "pending", true);
	ward_apply(&w);
	check_claim(op, "submitted", true);
}

/* The ledger's state says what became of an entry that nobody hears of. */
static void test_claim_open_is_settled_by_the_ledger(void **state)
{
	uint64_t op = claim_sent();
	struct entry_outcome open = {.end = ENTRY_OPEN, .reason = ""};
	struct effects out = {0};

	heal_verdict(&w.heal, w.entry[0].cookie, &open, w.now, &out);
	ward_claim(&w, op);
	ward_tick(&w);
	check_claim(op, "submitted", true);
	ward_say(&w, ENTRY_EXPIRED, 0, ""); /* too late to matter */
	check_claim(op, "submitted", true);
}

static void test_claim_past_deadline(void **state)
{
	uint64_t op = claim_sent();

	ward_say(&w, ENTRY_VERDICT_CAME, 13, "PAST_DEADLINE");
	clean();
	check_claim(op, "", false);
}

/* The real one: the claim is applied behind the end of the op. */
static void test_claim_past_deadline_on_the_ledger(void **state)
{
	uint64_t op = claim_sent();

	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	ward_apply(&w);
	assert_true(ward_logged(&w, "after the deadline"));
	clean();
	check_claim(op, "", false);
}

static void test_claim_invalid_state_reconciles(void **state)
{
	static const char *const reasons[] = {"EMPTY_HASH", "NOT_CLAIMABLE", "NO_VERIFIERS", ""};

	for (unsigned i = 0; i < 4; i++) {
		uint64_t op = claim_sent();

		/* An earlier copy of it was taken. */
		ward_claim(&w, op);
		ward_say(&w, ENTRY_VERDICT_CAME, 13, reasons[i]);
		check_claim(op, "submitted", true);
	}
}

static void test_claim_invalid_state_of_a_scheduled_op_keeps_all(void **state)
{
	uint64_t op = claim_sent();

	ward_say(&w, ENTRY_VERDICT_CAME, 13, "NOT_CLAIMABLE");
	check_claim(op, "pending", true);
	assert_int_equal(w.orders + w.entries, 0); /* once a tick */
	ward_tick(&w);
	assert_int_equal(w.entries, 1);
}

static void test_claim_rejected_deletes(void **state)
{
	static const unsigned codes[] = {11, 12, 14, 17};

	for (unsigned i = 0; i < 4; i++) {
		uint64_t op = claim_sent();

		ward_say(&w, ENTRY_VERDICT_CAME, codes[i], "");
		clean();
		check_claim(op, "", false);
		heal_op_set_status(w.net.state, heal_op_find(w.net.state, op), HEAL_FAILED);
	}
}

/* The ledger's state is stronger than the word: it has the claim. */
static void test_claim_rejected_and_there(void **state)
{
	uint64_t op = claim_sent();

	ward_claim(&w, op);
	ward_say(&w, ENTRY_VERDICT_CAME, 12, "");
	check_claim(op, "submitted", true);
	assert_int_equal(w.orders, 0);
}

static void test_claim_rejected_for_our_own_fault_keeps_all(void **state)
{
	static const unsigned codes[] = {1, 19, 20, 22};
	uint64_t op = claim_sent();

	for (unsigned i = 0; i < 4; i++) {
		ward_say(&w, ENTRY_VERDICT_CAME, codes[i], "");
		check_claim(op, "pending", true);
		assert_int_equal(w.orders, 0);
		ward_tick(&w);
		assert_int_equal(w.entries, 1);
	}
	ward_apply(&w);
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_claim_indeterminate_reconciles(void **state)
{
	static const unsigned codes[] = {2, 15, 16, 24, 99, 4000000000u};
	uint64_t op = claim_sent();

	for (unsigned i = 0; i < 6; i++) {
		ward_say(&w, ENTRY_VERDICT_CAME, codes[i], "whatever");
		check_claim(op, "pending", true);
		assert_int_equal(w.orders, 0);
		ward_tick(&w);
		assert_int_equal(w.entries, 1);
	}
	ward_claim(&w, op);
	ward_say(&w, ENTRY_VERDICT_CAME, 99, "");
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_vote_accepted(void **state)
{
	uint64_t op = vote_sent();

	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
}

static void test_vote_kept_without_a_word(void **state)
{
	static const struct {
		enum entry_end end;
		unsigned code;
	} outcome[] = {{ENTRY_EXPIRED, 0}, {ENTRY_VERDICT_CAME, 99}, {ENTRY_VERDICT_CAME, 24}};
	uint64_t op = vote_sent();

	for (unsigned i = 0; i < 3; i++) {
		ward_say(&w, outcome[i].end, outcome[i].code, "");
		assert_string_equal(ward_vote_row(&w, op), "pending");
		ward_tick(&w); /* begun anew */
		ward_done(&w);
		assert_string_equal(ward_vote_row(&w, op), "pending");
		assert_int_equal(w.entries, 1);
	}
	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
}

static void test_vote_deleted(void **state)
{
	static const struct {
		unsigned code;
		const char *reason;
	} outcome[] = {
		{13, "PAST_DEADLINE"},
		{13, "NOT_VERIFIABLE"},
		{13, ""},
		{11, ""},
		{12, ""},
		{14, ""},
		{17, ""},
		{1, ""},
		{19, ""},
		{20, ""},
		{22, ""},
	};
	uint64_t op = vote_sent();

	for (unsigned i = 0; i < sizeof(outcome) / sizeof(outcome[0]); i++) {
		ward_say(&w, ENTRY_VERDICT_CAME, outcome[i].code, outcome[i].reason);
		assert_string_equal(ward_vote_row(&w, op), "");
		ward_tick(&w);
		ward_done(&w);
		assert_int_equal(w.entries, 1);
	}
	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
}

static void test_vote_exists(void **state)
{
	uint64_t op = vote_sent();

	ward_vote(&w, op, w.self, true); /* an earlier copy of it */
	ward_apply(&w);			 /* refused: 15 */
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	assert_int_equal(w.ctx.counters.heal_messages[HEAL_VOTE][HEAL_SAYS_EXISTS], 1);
}

static void test_vote_open_is_settled_by_the_ledger(void **state)
{
	uint64_t op = vote_sent();
	struct entry_outcome open = {.end = ENTRY_OPEN, .reason = ""};
	struct effects out = {0};

	heal_verdict(&w.heal, w.entry[0].cookie, &open, w.now, &out);
	ward_tick(&w);
	assert_string_equal(ward_vote_row(&w, op), "pending");
	ward_vote(&w, op, w.self, true);
	ward_tick(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	assert_int_equal(w.begun[HEAL_HASH], 1);
	ward_say(&w, ENTRY_EXPIRED, 0, "");
}

/* --- findings */

/* The claim is taken and the answer garbled: staging stays, and the file is published. */
static void test_c3_garbled_answer_deletes_nothing(void **state)
{
	uint64_t op = claim_sent();

	ward_arm(&w, FAIL_HEAL_GARBLED);
	ward_apply(&w);
	assert_int_equal(ward_find(&w, op)->status, HEAL_HEALER_REPORTED);
	check_claim(op, "submitted", true); /* by what the ledger says */
	ward_votes(&w, op, true);
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	check_claim(op, "", false);
}

static void test_c3_lost_answer_deletes_nothing(void **state)
{
	uint64_t op = claim_sent();

	ward_arm(&w, FAIL_HEAL_ACK_LOST);
	ward_apply(&w);
	check_claim(op, "pending", true);
	ward_votes(&w, op, true);
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_c3_unsent_claim_is_sent_later(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_arm(&w, FAIL_HEAL_UNSENT);
	ward_tick(&w);
	ward_done(&w);
	assert_int_equal(w.entries, 0);
	check_claim(op, "pending", true);
	ward_run(&w);
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_c3_votes_survive_the_same(void **state)
{
	static const enum failpoint lies[] = {FAIL_VOTE_ACK_LOST, FAIL_VOTE_GARBLED,
					      FAIL_VOTE_UNSENT};

	for (unsigned i = 0; i < 3; i++) {
		uint64_t op = ward_op(&w, w.other[0], w.self, w.other[1]);

		ward_claim(&w, op);
		ward_arm(&w, lies[i]);
		ward_tick(&w);
		ward_done(&w);
		ward_apply(&w);
		assert_string_equal(ward_vote_row(&w, op), "pending");
		ward_run(&w);
		assert_string_equal(ward_vote_row(&w, op), "submitted");
	}
	assert_int_equal(w.ctx.counters.heal_messages[HEAL_VOTE][HEAL_SAYS_REJECTED], 0);
}

/*
 * Every message text is another one, and nothing changes: what is decided is decided by ends, codes
 * and the ledger's fixed words. (Texts of outcomes are not even there: struct entry_outcome has
 * none, and heal_done.why is read by nobody but people.)
 */
static void test_h9_texts_decide_nothing(void **state)
{
	static const char *const texts[] = {"", "heal op not found", "PAST_DEADLINE", "deadline"};

	for (unsigned i = 0; i < 4; i++) {
		uint64_t op = claim_sent();

		ward_say(&w, ENTRY_VERDICT_CAME, 99, texts[i]);
		check_claim(op, "pending", true);
		ward_run(&w);
		check_claim(op, "submitted", true);
		ward_votes(&w, op, true);
		ward_tick(&w);
		ward_end(&w, HEAL_END_OURS, "", texts[i]);
		check_claim(op, "submitted", true);
		ward_pass(&w, 3000);
		ward_run(&w);
		check_claim(op, "", false);
	}
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_claim_accepted),
		TEST(test_claim_transient),
		TEST(test_claim_open_is_waited_for),
		TEST(test_claim_open_is_settled_by_the_ledger),
		TEST(test_claim_past_deadline),
		TEST(test_claim_past_deadline_on_the_ledger),
		TEST(test_claim_invalid_state_reconciles),
		TEST(test_claim_invalid_state_of_a_scheduled_op_keeps_all),
		TEST(test_claim_rejected_deletes),
		TEST(test_claim_rejected_and_there),
		TEST(test_claim_rejected_for_our_own_fault_keeps_all),
		TEST(test_claim_indeterminate_reconciles),
		TEST(test_vote_accepted),
		TEST(test_vote_kept_without_a_word),
		TEST(test_vote_deleted),
		TEST(test_vote_exists),
		TEST(test_vote_open_is_settled_by_the_ledger),
		TEST(test_c3_garbled_answer_deletes_nothing),
		TEST(test_c3_lost_answer_deletes_nothing),
		TEST(test_c3_unsent_claim_is_sent_later),
		TEST(test_c3_votes_survive_the_same),
		TEST(test_h9_texts_decide_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

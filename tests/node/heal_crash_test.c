/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process dies at every point that docs/healing.md names ("Crashes"), and the next one reaches
 * what is written there. What a process leaves is the database as it was at that very moment, and
 * its folders; nothing that it wanted to do after that happens.
 */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

static struct ward w;

static uint64_t mine(void)
{
	return ward_op(&w, w.self, w.other[0], w.other[1]);
}

static uint64_t to_verify(void)
{
	uint64_t op = ward_op(&w, w.other[0], w.self, w.other[1]);

	ward_claim(&w, op);
	return op;
}

static unsigned accepted(enum heal_message message)
{
	return (unsigned)w.ctx.counters.heal_messages[message][HEAL_SAYS_ACCEPTED];
}

/* Runs until it dies at the point, and starts again. */
static void die_at(enum failpoint which)
{
	ward_arm(&w, which);
	ward_run(&w);
	assert_true(w.dead);
	ward_restart(&w);
}

static void check_healed(uint64_t op)
{
	ward_run(&w);
	assert_int_equal(ward_find(&w, op)->status, HEAL_HEALER_REPORTED);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_votes(&w, op, true);
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_int_equal(w.folders, 0);
}

static void test_h0_dispatched(void **state)
{
	uint64_t op = mine();

	ward_tick(&w);
	assert_int_equal(w.orders, 1);
	ward_restart(&w); /* before the folder is there */
	check_healed(op);
	assert_int_equal(w.begun[HEAL_BUILD], 2);
}

/* Without a manifest nothing is staged (node/heal_port.h): for decisions as if it were not there.
 */
static void test_h1_h2_staged_without_a_row(void **state)
{
	uint64_t op = mine();

	ward_tick(&w);
	ward_stage(&w, op, w.hash);
	ward_restart(&w);
	assert_int_equal(w.folders, 0); /* swept */
	check_healed(op);
	assert_int_equal(w.begun[HEAL_BUILD], 2);
}

static void test_h3_pending_and_not_sent(void **state)
{
	uint64_t op = mine();

	die_at(FAIL_HEAL_PENDING);
	assert_string_equal(ward_claim_row(&w, op), "pending");
	assert_int_equal(ward_find(&w, op)->status, HEAL_SCHEDULED);
	assert_non_null(ward_folder(&w, op));
	check_healed(op);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
	assert_int_equal(accepted(HEAL_CLAIM), 1);
}

/* Sent; whether it is on the ledger is not known. Both cases, and one claim in each. */
static void test_h4_sent_and_unknown(void **state)
{
	for (unsigned taken = 0; taken < 2; taken++) {
		uint64_t op = mine();

		w.begun[HEAL_BUILD] = 0;
		ward_tick(&w);
		ward_done(&w);
		assert_int_equal(w.entries, 1);
		if (taken == 1)
			ward_claim(&w, op); /* what was sent */
		ward_restart(&w);
		assert_string_equal(ward_claim_row(&w, op), "pending");
		ward_run(&w);
		assert_string_equal(ward_claim_row(&w, op), "submitted");
		assert_int_equal(w.begun[HEAL_BUILD], 1);
		check_healed(op);
	}
}

static void test_h5_answered_and_not_marked(void **state)
{
	uint64_t op = mine();

	die_at(FAIL_HEAL_SUBMITTED);
	assert_string_equal(ward_claim_row(&w, op), "pending");
	assert_int_equal(ward_find(&w, op)->status, HEAL_HEALER_REPORTED);
	ward_tick(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	check_healed(op);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_h5_verified_meanwhile(void **state)
{
	uint64_t op = mine();

	die_at(FAIL_HEAL_SUBMITTED);
	ward_votes(&w, op, true);
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(w.folders, 0);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_h6_marked(void **state)
{
	uint64_t op = mine();
	struct heal_grant g[2];

	die_at(FAIL_HEAL_MARKED);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_run(&w);
	assert_int_equal(heal_grants(&w.heal, g, 2), 2); /* serves its verifiers */
	check_healed(op);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

/* Some artifacts are stored, or all, or nothing: the same for decisions, PLACE is idempotent. */
static void test_h7_publishing(void **state)
{
	uint64_t op = mine();

	ward_run(&w);
	ward_votes(&w, op, true);
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
	ward_restart(&w);
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(w.folders, 0);
	assert_int_equal(w.begun[HEAL_PLACE], 2);
}

static void test_h8_placed_and_not_sent(void **state)
{
	uint64_t op = mine();

	ward_run(&w);
	ward_votes(&w, op, true);
	die_at(FAIL_HEAL_PLACED);
	assert_false(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	assert_non_null(ward_folder(&w, op));
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(w.folders, 0);
}

static void test_h8_published_and_row_not_deleted(void **state)
{
	uint64_t op = mine();

	ward_run(&w);
	ward_votes(&w, op, true);
	die_at(FAIL_HEAL_PUBLISHED);
	assert_true(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_int_equal(w.folders, 0);
	assert_int_equal(w.begun[HEAL_PLACE], 1); /* the ledger says that it is done */
}

static void test_h9_row_deleted_and_folder_there(void **state)
{
	uint64_t op = mine();

	ward_run(&w);
	ward_votes(&w, op, true);
	ward_arm(&w, FAIL_HEAL_ROW_DELETED);
	ward_run(&w);
	assert_true(w.dead);
	assert_int_equal(w.folders, 1);
	ward_restart(&w);
	assert_int_equal(w.folders, 0); /* swept */
	assert_string_equal(ward_claim_row(&w, op), "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_PLACE], 1);
}

/* heal.clean_removed is passed behind CLEAN: the folder is gone, the row is not. */
static void test_c1_removed_and_row_there(void **state)
{
	uint64_t op = mine();

	ward_run(&w);
	ward_votes(&w, op, false);
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	w.folders = 0;
	ward_restart(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void check_voted_once(uint64_t op, const char *row)
{
	bool verified = false;

	ward_run(&w);
	assert_int_equal(w.real.heal_vote(w.real.ctx, &verified, op, w.self), 0);
	assert_true(verified);
	assert_string_equal(ward_vote_row(&w, op), row);
}

static void test_v1_hashed(void **state)
{
	uint64_t op = to_verify();

	die_at(FAIL_VOTE_FETCHED);
	assert_string_equal(ward_vote_row(&w, op), "");
	check_voted_once(op, "submitted");
	assert_int_equal(w.begun[HEAL_HASH], 2);
}

static void test_v2_pending_and_not_sent(void **state)
{
	uint64_t op = to_verify();

	die_at(FAIL_VOTE_PENDING);
	assert_string_equal(ward_vote_row(&w, op), "pending");
	check_voted_once(op, "submitted");
	assert_int_equal(accepted(HEAL_VOTE), 1);
}

static void test_v3_on_the_ledger_and_not_marked(void **state)
{
	uint64_t op = to_verify();

	die_at(FAIL_VOTE_SUBMITTED);
	assert_string_equal(ward_vote_row(&w, op), "pending");
	check_voted_once(op, "submitted");
	assert_int_equal(w.begun[HEAL_HASH], 1); /* the ledger has it */
}

static void test_v3_and_the_op_is_over(void **state)
{
	uint64_t op = to_verify();

	die_at(FAIL_VOTE_SUBMITTED);
	ward_vote(&w, op, w.other[1], true);
	assert_int_equal(ward_find(&w, op)->status, HEAL_VERIFIED);
	check_voted_once(op, "");
}

/* C5: rows that were pending at the crash come through before the deadline. */
static void test_c5_pending_rows_resume(void **state)
{
	uint64_t claim = mine(), vote;

	die_at(FAIL_HEAL_PENDING);
	ward_to_epoch(&w, ward_find(&w, claim)->deadline_epoch - 1);
	ward_run(&w);
	assert_int_equal(ward_find(&w, claim)->status, HEAL_HEALER_REPORTED);
	vote = to_verify();
	die_at(FAIL_VOTE_PENDING);
	ward_to_epoch(&w, ward_find(&w, vote)->deadline_epoch - 1);
	check_voted_once(vote, "submitted");
}

/* Again and again at the same point: what the first process reached is not lost. */
static void test_dying_at_every_point_in_turn(void **state)
{
	static const enum failpoint points[] = {FAIL_HEAL_PENDING, FAIL_HEAL_SUBMITTED,
						FAIL_HEAL_PLACED, FAIL_HEAL_PUBLISHED,
						FAIL_HEAL_ROW_DELETED};
	uint64_t op = mine();

	for (unsigned i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		if (points[i] == FAIL_HEAL_PLACED) {
			ward_run(&w);
			ward_votes(&w, op, true);
		}
		ward_arm(&w, points[i]);
		ward_run(&w);
		ward_restart(&w);
	}
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_int_equal(w.folders, 0);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_h0_dispatched),
		TEST(test_h1_h2_staged_without_a_row),
		TEST(test_h3_pending_and_not_sent),
		TEST(test_h4_sent_and_unknown),
		TEST(test_h5_answered_and_not_marked),
		TEST(test_h5_verified_meanwhile),
		TEST(test_h6_marked),
		TEST(test_h7_publishing),
		TEST(test_h8_placed_and_not_sent),
		TEST(test_h8_published_and_row_not_deleted),
		TEST(test_h9_row_deleted_and_folder_there),
		TEST(test_c1_removed_and_row_there),
		TEST(test_v1_hashed),
		TEST(test_v2_pending_and_not_sent),
		TEST(test_v3_on_the_ledger_and_not_marked),
		TEST(test_v3_and_the_op_is_over),
		TEST(test_c5_pending_rows_resume),
		TEST(test_dying_at_every_point_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Healer and verifier; permits and deadlines of their work. */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

static struct ward w;

/* --- the healer */

static void test_healer_rebuilds_and_claims(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_BUILD);
	assert_int_equal(ward_order(&w, 0)->order.op, op);
	assert_string_equal(ward_order(&w, 0)->order.ticket, w.ticket);
	assert_string_equal(ward_claim_row(&w, op), "");
	ward_done(&w);
	assert_string_equal(ward_claim_row(&w, op), "pending");
	assert_int_equal(w.entries, 1);
	assert_string_equal(w.entry[0].type, "heal_claim");
	ward_apply(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	assert_int_equal(ward_status(&w, op), HEAL_HEALER_REPORTED);
	assert_string_equal(ward_find(&w, op)->result_hash, w.hash);
	/* Nothing more to do, whatever the number of ticks. */
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
	assert_int_equal(w.begun[HEAL_PLACE], 0);
	assert_non_null(ward_folder(&w, op));
}

static void test_healer_of_another_op_does_nothing(void **state)
{
	ward_op(&w, w.other[0], w.other[1], w.other[2]);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 0);
}

static void test_healer_failure_leaves_no_claim_and_is_tried_again(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);
	struct heal_standing s;

	ward_tick(&w);
	ward_end(&w, HEAL_END_REMOTE, "", "12 of 28 symbols");
	assert_int_equal(w.entries, 0);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_int_equal(heal_list(&w.heal, &s, 1), 1);
	assert_string_equal(s.why, "12 of 28 symbols");
	assert_int_equal(s.attempts, 1);
	ward_tick(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 2);
	ward_done(&w);
	ward_apply(&w);
	assert_int_equal(ward_status(&w, op), HEAL_HEALER_REPORTED);
}

static void test_healer_claims_only_the_tickets_file(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);
	char other[HEAL_HASH_ROOM];

	heal_negative_hash(other, "");
	ward_tick(&w);
	ward_stage(&w, op, other);
	ward_end(&w, HEAL_END_DONE, other, "");
	assert_int_equal(w.entries, 0);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	ward_done(&w);
	assert_null(ward_folder(&w, op));
	assert_string_equal(ward_claim_row(&w, op), "");
}

static void test_healer_row_that_cannot_be_written(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	w.claim_put_error = ASSAY_E_NOSPC;
	ward_tick(&w);
	ward_done(&w);
	assert_int_equal(w.entries, 0);
	ward_done(&w); /* CLEAN */
	assert_null(ward_folder(&w, op));
	w.claim_put_error = 0;
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
}

/* --- permits and deadlines */

static void test_permits_of_a_role(void **state)
{
	uint64_t op[4];

	for (unsigned i = 0; i < 4; i++)
		op[i] = ward_op(&w, w.self, w.other[0], w.other[1]);
	ward_tick(&w);
	assert_int_equal(w.orders, 2); /* of BUILD */
	ward_end(&w, HEAL_END_OURS, "", "");
	assert_int_equal(w.orders, 2);
	assert_int_equal(ward_order(&w, 0)->order.op, op[1]);
	assert_int_equal(ward_order(&w, 1)->order.op, op[2]);
	/* One that is under way is not begun a second time. */
	ward_tick(&w);
	ward_tick(&w);
	assert_int_equal(w.orders, 2);
}

static void test_op_is_read_again_with_the_permit(void **state)
{
	uint64_t op[3];

	for (unsigned i = 0; i < 3; i++)
		op[i] = ward_op(&w, w.self, w.other[0], w.other[1]);
	ward_tick(&w);
	/* It moves on while it waits. */
	ward_claim(&w, op[2]);
	ward_end(&w, HEAL_END_OURS, "", "");
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.op, op[1]);
}

static void test_m2_deadline_is_the_sooner_one(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), left;
	const struct heal_op *o = ward_find(&w, op);

	ward_tick(&w);
	/* 900 s are more than what is left until the deadline epoch begins. */
	left = 1 + o->deadline_epoch * WARD_EPOCH - state_height(w.net.state);
	assert_int_equal(ward_order(&w, 0)->order.deadline_ns,
			 w.now.mono_ns + left * NET_TICK_MS * NS_PER_MS);
	ward_end(&w, HEAL_END_LATE, "", "");
	w.heal.settings.op_timeout_ms = 1000;
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.deadline_ns, w.now.mono_ns + 1000 * NS_PER_MS);
}

/* Work that hangs is cancelled behind its deadline; other ops go on when it has ended. */
static void test_m2_hanging_work_gives_its_permit_back(void **state)
{
	for (unsigned i = 0; i < 3; i++)
		ward_op(&w, w.self, w.other[0], w.other[1]);
	w.heal.settings.reconstructs_max = 1;
	w.heal.settings.op_timeout_ms = 5000;
	ward_tick(&w);
	assert_int_equal(w.orders, 1);
	ward_pass(&w, 4000);
	assert_false(ward_order(&w, 0)->cancelled);
	ward_pass(&w, 20000);
	assert_true(ward_order(&w, 0)->cancelled);
	ward_end(&w, HEAL_END_CLOSED, "", "cancelled");
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.op, 2);
}

static void test_work_is_cancelled_when_the_op_moves_on(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	assert_int_equal(ward_status(&w, op), HEAL_EXPIRED);
	ward_tick(&w);
	assert_true(ward_order(&w, 0)->cancelled);
	ward_end(&w, HEAL_END_CLOSED, "", "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

/* --- the verifier */

static void test_verifier_votes_for_it(void **state)
{
	uint64_t op = ward_reported(&w);
	bool verified = false;

	ward_tick(&w);
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_HASH);
	assert_string_equal(ward_order(&w, 0)->order.healer, w.other[0]);
	assert_string_equal(ward_order(&w, 0)->order.hash, w.hash);
	assert_int_equal(ward_order(&w, 0)->order.size, 300000);
	ward_done(&w);
	assert_string_equal(ward_vote_row(&w, op), "pending");
	assert_true(json_is_true(ward_sent(&w, "verified")));
	assert_string_equal(json_string_value(ward_sent(&w, "verification_hash")), w.hash);
	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	assert_int_equal(w.real.heal_vote(w.real.ctx, &verified, op, w.self), 0);
	assert_true(verified);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 1);
}

static void test_verifier_mismatch_is_a_vote_with_the_computed_hash(void **state)
{
	uint64_t op = ward_reported(&w);
	char other[HEAL_HASH_ROOM];
	bool verified = true;

	heal_negative_hash(other, "not a file");
	ward_tick(&w);
	ward_end(&w, HEAL_END_DONE, other, "");
	assert_true(json_is_false(ward_sent(&w, "verified")));
	assert_string_equal(json_string_value(ward_sent(&w, "verification_hash")), other);
	assert_string_equal(json_string_value(ward_sent(&w, "details")), "reason_hash_mismatch");
	ward_apply(&w);
	assert_int_equal(w.real.heal_vote(w.real.ctx, &verified, op, w.self), 0);
	assert_false(verified);
}

/* Compared with what the healer claimed; that it is the ticket's hash is the ledger's business. */
static void test_verifier_compares_with_the_result_hash(void **state)
{
	uint64_t op = ward_reported(&w);
	char claimed[HEAL_HASH_ROOM];

	heal_negative_hash(claimed, "what the healer said");
	text_set(&heal_op_find(w.net.state, op)->result_hash, claimed);
	ward_tick(&w);
	ward_end(&w, HEAL_END_DONE, "", ""); /* the ticket's hash */
	assert_true(json_is_false(ward_sent(&w, "verified")));
	ward_say(&w, ENTRY_EXPIRED, 0, "");
}

static void test_verifier_without_result_hash_does_not_vote(void **state)
{
	uint64_t op = ward_reported(&w);

	text_set(&heal_op_find(w.net.state, op)->result_hash, "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 0);
}

static void test_verifier_tries_three_times_then_votes_against(void **state)
{
	uint64_t op = ward_reported(&w);
	char against[HEAL_HASH_ROOM];

	heal_negative_hash(against, "reason_fetch_failed");
	ward_tick(&w);
	ward_end(&w, HEAL_END_REMOTE, "", "no answer");
	assert_int_equal(w.orders, 0);
	ward_pass(&w, 1990);
	assert_int_equal(w.orders, 0);
	ward_pass(&w, 20);
	assert_int_equal(w.orders, 1);
	ward_end(&w, HEAL_END_LATE, "", "too slow");
	ward_pass(&w, 3990);
	assert_int_equal(w.orders, 0);
	ward_pass(&w, 20);
	assert_int_equal(w.orders, 1);
	assert_int_equal(w.entries, 0);
	ward_end(&w, HEAL_END_REMOTE, "", "no answer");
	assert_true(json_is_false(ward_sent(&w, "verified")));
	assert_string_equal(json_string_value(ward_sent(&w, "verification_hash")), against);
	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
}

/* Between its attempts a verifier keeps its permit: never are more read at once. */
static void test_permit_between_attempts(void **state)
{
	uint64_t op = ward_reported(&w), other = ward_reported(&w);

	w.heal.settings.verifications_max = 1;
	ward_tick(&w);
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.op, op);
	ward_end(&w, HEAL_END_REMOTE, "", "no answer");
	assert_int_equal(w.orders, 0);
	ward_pass(&w, 2001);
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.op, op);
	ward_done(&w);
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.op, other);
}

/* One attempt gets fetch_timeout, or what 8 MiB/s need; a try that we cut short is no evidence. */
static void test_verifier_time_of_an_attempt(void **state)
{
	uint64_t op = ward_reported(&w), end;

	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.deadline_ns, w.now.mono_ns + 60000 * NS_PER_MS);
	ward_end(&w, HEAL_END_OURS, "", "");
	ticket_find(w.net.state, w.ticket)->size = UINT64_C(1) << 30;
	ward_tick(&w);
	assert_in_range(ward_order(&w, 0)->order.deadline_ns - w.now.mono_ns, 128000 * NS_PER_MS,
			129000 * NS_PER_MS);
	ward_end(&w, HEAL_END_OURS, "", "");
	w.heal.settings.op_timeout_ms = 10000;
	ward_tick(&w);
	end = w.now.mono_ns + 10000 * NS_PER_MS;
	assert_int_equal(ward_order(&w, 0)->order.deadline_ns, end);
	ward_pass(&w, 10000);
	ward_end(&w, HEAL_END_LATE, "", "");
	assert_int_equal(w.orders, 0);
	assert_int_equal(w.entries, 0);
	assert_string_equal(ward_vote_row(&w, op), "");
}

static void test_verifier_hash_that_cannot_be_computed(void **state)
{
	char against[HEAL_HASH_ROOM];

	ward_reported(&w);
	heal_negative_hash(against, "reason_hash_compute_failed");
	ward_tick(&w);
	ward_end(&w, HEAL_END_WRONG, "", "no machinery");
	assert_true(json_is_false(ward_sent(&w, "verified")));
	assert_string_equal(json_string_value(ward_sent(&w, "verification_hash")), against);
	ward_apply(&w);
}

/* Whatever the reason reads like, it is a text of the entry. */
static void test_verifier_details_are_plain(void **state)
{
	ward_reported(&w);
	ward_tick(&w);
	ward_end(&w, HEAL_END_WRONG, "", "half of \xc3\xa4: \xc3");
	assert_string_equal(json_string_value(ward_sent(&w, "details")),
			    "reason_hash_compute_failed: half of ??: ?");
	ward_apply(&w);
}

/* A cause of our own is no reason to vote against anybody. */
static void test_verifier_local_causes_are_no_votes(void **state)
{
	static const enum heal_end local[] = {HEAL_END_OURS, HEAL_END_CLOSED, HEAL_END_LOST};
	uint64_t op = ward_reported(&w);

	for (unsigned i = 0; i < 3; i++) {
		ward_tick(&w);
		assert_int_equal(w.orders, 1);
		ward_end(&w, local[i], "", "disk");
		assert_int_equal(w.orders, 0);
		assert_int_equal(w.entries, 0);
		assert_string_equal(ward_vote_row(&w, op), "");
	}
}

static void test_verifier_op_that_moved_on_gets_no_vote(void **state)
{
	uint64_t op = ward_op(&w, w.other[0], w.self, NULL);

	/* With a third of the votes it is over. */
	texts_add(&heal_op_find(w.net.state, op)->verifiers, w.other[1]);
	texts_add(&heal_op_find(w.net.state, op)->verifiers, w.other[2]);
	ward_claim(&w, op);
	ward_tick(&w);
	ward_vote(&w, op, w.other[1], true);
	ward_vote(&w, op, w.other[2], true);
	assert_int_equal(ward_status(&w, op), HEAL_VERIFIED);
	ward_end(&w, HEAL_END_DONE, "", "");
	assert_int_equal(w.entries, 0);
	assert_string_equal(ward_vote_row(&w, op), "");
}

static void test_verifier_ledger_that_cannot_be_read_is_no_vote(void **state)
{
	uint64_t op = ward_reported(&w);

	ward_tick(&w);
	w.op_error = ASSAY_E_IO;
	ward_end(&w, HEAL_END_REMOTE, "", "");
	w.op_error = 0;
	w.vote_error = ASSAY_E_IO;
	ward_pass(&w, 3000);
	ward_end(&w, HEAL_END_DONE, "", "");
	assert_int_equal(w.entries, 0);
	ward_run(&w);
	assert_int_equal(w.entries, 0);
	w.vote_error = 0;
	ward_run(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
}

static void test_vote_rows_go_when_their_op_is_over(void **state)
{
	uint64_t op = ward_reported(&w);

	ward_run(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	ward_vote(&w, op, w.other[1], true);
	assert_int_equal(ward_status(&w, op), HEAL_VERIFIED);
	w.op_error = ASSAY_E_IO;
	ward_tick(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	w.op_error = 0;
	ward_tick(&w);
	assert_string_equal(ward_vote_row(&w, op), "");
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

static void test_verifier_does_not_read_more_than_it_may(void **state)
{
	ward_reported(&w);
	w.heal.settings.reconstructed_max = 299999;
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 0);
	assert_true(ward_logged(&w, "max_reconstructed_bytes"));
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_healer_rebuilds_and_claims),
		TEST(test_healer_of_another_op_does_nothing),
		TEST(test_healer_failure_leaves_no_claim_and_is_tried_again),
		TEST(test_healer_claims_only_the_tickets_file),
		TEST(test_healer_row_that_cannot_be_written),
		TEST(test_permits_of_a_role),
		TEST(test_op_is_read_again_with_the_permit),
		TEST(test_m2_deadline_is_the_sooner_one),
		TEST(test_m2_hanging_work_gives_its_permit_back),
		TEST(test_work_is_cancelled_when_the_op_moves_on),
		TEST(test_verifier_votes_for_it),
		TEST(test_verifier_mismatch_is_a_vote_with_the_computed_hash),
		TEST(test_verifier_compares_with_the_result_hash),
		TEST(test_verifier_without_result_hash_does_not_vote),
		TEST(test_verifier_tries_three_times_then_votes_against),
		TEST(test_permit_between_attempts),
		TEST(test_verifier_time_of_an_attempt),
		TEST(test_verifier_hash_that_cannot_be_computed),
		TEST(test_verifier_details_are_plain),
		TEST(test_verifier_local_causes_are_no_votes),
		TEST(test_verifier_op_that_moved_on_gets_no_vote),
		TEST(test_verifier_ledger_that_cannot_be_read_is_no_vote),
		TEST(test_vote_rows_go_when_their_op_is_over),
		TEST(test_verifier_does_not_read_more_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

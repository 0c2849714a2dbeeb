/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of before the start, in all that the ledger may say of their ops (docs/healing.md,
 * "Pending rows"). */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

static struct ward w;

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

static uint64_t pending(void)
{
	uint64_t op = claim_sent();

	ward_restart(&w);
	w.begun[HEAL_BUILD] = w.begun[HEAL_CLEAN] = 0;
	check_claim(op, "pending", true);
	return op;
}

static void set_status(uint64_t op, enum heal_status status, const char *hash)
{
	struct heal_op *o = heal_op_find(w.net.state, op);

	heal_op_set_status(w.net.state, o, status);
	text_set(&o->result_hash, hash);
}

static void test_pending_read_failed(void **state)
{
	uint64_t op = pending();

	w.op_error = ASSAY_E_IO;
	ward_run(&w);
	check_claim(op, "pending", true);
	assert_int_equal(w.begun[HEAL_CLEAN] + w.entries, 0);
}

static void test_pending_op_not_found(void **state)
{
	uint64_t op = pending();

	table_remove(state_tables(w.net.state), heal_op_find(w.net.state, op));
	w.ops_error = ASSAY_E_IO; /* the removed one must not be listed */
	ward_tick(&w);
	clean();
	check_claim(op, "", false);
}

static void test_pending_is_sent_again_without_rebuild(void **state)
{
	uint64_t op = pending();

	ward_tick(&w);
	ward_tick(&w);
	assert_int_equal(w.entries, 1);
	assert_int_equal(w.entry[0].n, 0);
	ward_apply(&w);
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_BUILD] + w.begun[HEAL_CLEAN], 0);
}

/* The same message within an epoch: the log has it already, and its verdict stands. */
static void test_pending_sent_again_is_the_same_message(void **state)
{
	uint64_t op = claim_sent();
	struct heal_claim_row row = {.op = op};

	ward_apply(&w);
	strcpy(row.ticket, w.ticket);
	strcpy(row.hash, w.hash);
	/* As if the row had not been marked and the ledger not been read. */
	assert_int_equal(w.rows.claim_drop(w.rows.ctx, op, false), 0);
	assert_int_equal(w.rows.claim_put(w.rows.ctx, &row, 1), 0);
	set_status(op, HEAL_SCHEDULED, "");
	ward_tick(&w);
	assert_int_equal(w.entries, 1);
	ward_apply(&w); /* a duplicate: accepted is what it was */
	check_claim(op, "submitted", true);
	assert_int_equal(ward_find(&w, op)->status, HEAL_SCHEDULED);
}

static void test_pending_without_staging_is_rebuilt(void **state)
{
	uint64_t op = pending();

	w.folders = 0;
	ward_tick(&w);
	assert_int_equal(w.entries, 0);
	clean();
	check_claim(op, "", false);
	ward_run(&w);
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_pending_with_damaged_staging_is_rebuilt(void **state)
{
	uint64_t op = pending();
	char other[HEAL_HASH_ROOM];

	heal_negative_hash(other, "");
	ward_stage(&w, op, other);
	ward_run(&w);
	check_claim(op, "submitted", true);
	assert_string_equal(ward_folder(&w, op)->hash, w.hash);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_pending_with_staging_that_cannot_be_read(void **state)
{
	uint64_t op = pending();

	w.staged_error = ASSAY_E_IO;
	ward_run(&w);
	check_claim(op, "pending", true);
	assert_int_equal(w.begun[HEAL_CLEAN] + w.begun[HEAL_BUILD], 0);
	w.staged_error = 0;
	ward_run(&w);
	check_claim(op, "submitted", true);
}

/* Whether there is a claim nobody knows: nothing is built over its folder, and nothing removed. */
static void test_rows_that_cannot_be_read(void **state)
{
	uint64_t op = pending(), vote;

	w.claim_read_error = ASSAY_E_IO;
	ward_run(&w);
	check_claim(op, "pending", true);
	assert_int_equal(w.begun[HEAL_CLEAN] + w.begun[HEAL_BUILD] + w.entries, 0);
	w.claim_read_error = 0;
	ward_tick(&w);
	ward_apply(&w);
	check_claim(op, "submitted", true);

	/* The healer's part of it is over, and what it built stays. */
	op = ward_claimed(&w);
	w.claim_read_error = ASSAY_E_IO;
	ward_run(&w);
	check_claim(op, "submitted", true);
	assert_int_equal(w.begun[HEAL_CLEAN], 0);
	w.claim_read_error = 0;

	vote = ward_reported(&w);
	w.vote_read_error = ASSAY_E_IO;
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH] + w.entries, 0);
	w.vote_read_error = 0;
	ward_run(&w);
	assert_string_equal(ward_vote_row(&w, vote), "submitted");
}

/* The manifest is being read: nothing is done, said or granted until it is; then it goes on soon.
 */
static void test_pending_with_staging_that_is_not_known_yet(void **state)
{
	const struct heal_done known = {.cookie = 0};
	struct effects none = {0};
	uint64_t op = pending(), generation;

	w.staged_error = ASSAY_E_AGAIN;
	ward_run(&w);
	check_claim(op, "pending", true);
	assert_int_equal(w.begun[HEAL_CLEAN] + w.begun[HEAL_BUILD], 0);
	assert_false(ward_logged(&w, "attempt failed"));
	ward_claim(&w, op);
	ward_pass(&w, 1000);
	assert_int_equal(heal_grants(&w.heal, NULL, 0), 0);
	generation = w.heal.generation;
	w.staged_error = 0;
	heal_healed(&w.heal, 0, &known, w.now, &none);
	assert_int_equal(none.n, 0);
	assert_int_not_equal(w.heal.generation, generation);
	assert_true(heal_due(&w.heal) <= w.now.mono_ns + 100 * NS_PER_MS);
	assert_int_equal(heal_grants(&w.heal, NULL, 0), 2);
	ward_votes(&w, op, true);
	w.staged_error = ASSAY_E_AGAIN;
	ward_tick(&w);
	assert_int_equal(w.orders, 0);
	assert_false(ward_logged(&w, "attempt failed"));
	w.staged_error = 0;
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
}

static void test_pending_in_the_deadline_epoch_is_kept(void **state)
{
	uint64_t op = pending(), deadline = ward_find(&w, op)->deadline_epoch;
	struct heal_standing s;

	ward_to_epoch(&w, deadline);
	ward_run(&w);
	check_claim(op, "pending", true);
	assert_int_equal(w.begun[HEAL_CLEAN] + w.begun[HEAL_BUILD], 0);
	assert_int_equal(heal_list(&w.heal, &s, 1), 1);
	assert_non_null(strstr(s.waiting_for, "too late to claim"));
	ward_to_epoch(&w, deadline + 1);
	ward_run(&w);
	check_claim(op, "", false);
	assert_int_equal(w.begun[HEAL_PLACE], 0);
}

static void test_pending_reported_with_this_hash(void **state)
{
	uint64_t op = pending();

	ward_claim(&w, op);
	ward_tick(&w);
	check_claim(op, "submitted", true);
	assert_int_equal(w.orders + w.entries, 0);
}

static void test_pending_verified_with_this_hash(void **state)
{
	uint64_t op = pending();

	ward_claim(&w, op);
	ward_votes(&w, op, true);
	ward_tick(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
	ward_done(&w);
	ward_apply(&w);
	assert_true(ward_find(&w, op)->published);
}

static void test_pending_reported_or_verified_with_another_hash(void **state)
{
	char other[HEAL_HASH_ROOM];

	heal_negative_hash(other, "");
	for (enum heal_status s = HEAL_HEALER_REPORTED; s <= HEAL_VERIFIED; s++) {
		uint64_t op = pending();

		set_status(op, s, other);
		ward_tick(&w);
		clean();
		check_claim(op, "", false);
		assert_int_equal(w.begun[HEAL_PLACE], 0);
	}
}

static void test_pending_failed_or_expired(void **state)
{
	for (enum heal_status s = HEAL_FAILED; s <= HEAL_EXPIRED; s++) {
		uint64_t op = pending();

		set_status(op, s, w.hash);
		ward_tick(&w);
		clean();
		check_claim(op, "", false);
	}
}

/* Pending rows are looked at in every mode, also when the parameters cannot be read. */
static void test_pending_in_mode_zero(void **state)
{
	uint64_t op = pending();

	params_current(state_tables(w.net.state))->storage_truth_enforcement_mode = 0;
	w.terms_error = ASSAY_E_IO;
	ward_run(&w);
	check_claim(op, "submitted", true);
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pending_read_failed),
		TEST(test_pending_op_not_found),
		TEST(test_pending_is_sent_again_without_rebuild),
		TEST(test_pending_sent_again_is_the_same_message),
		TEST(test_pending_without_staging_is_rebuilt),
		TEST(test_pending_with_damaged_staging_is_rebuilt),
		TEST(test_pending_with_staging_that_cannot_be_read),
		TEST(test_rows_that_cannot_be_read),
		TEST(test_pending_with_staging_that_is_not_known_yet),
		TEST(test_pending_in_the_deadline_epoch_is_kept),
		TEST(test_pending_reported_with_this_hash),
		TEST(test_pending_verified_with_this_hash),
		TEST(test_pending_reported_or_verified_with_another_hash),
		TEST(test_pending_failed_or_expired),
		TEST(test_pending_in_mode_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

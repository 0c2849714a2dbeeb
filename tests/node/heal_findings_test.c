/* SPDX-License-Identifier: Apache-2.0 */
/* What reviews have found about healing, each by its name (docs/healing.md); stopping. */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

static struct ward w;

/* --- findings */

/* A failed read of an op is not the word that there is none. */
static void test_c4_only_not_found_cleans(void **state)
{
	static const int errors[] = {ASSAY_E_IO, ASSAY_E_TIMEOUT, ASSAY_E_CLOSED, ASSAY_E_CORRUPT};
	uint64_t op = ward_claimed(&w);

	ward_votes(&w, op, true);
	for (unsigned i = 0; i < 4; i++) {
		w.op_error = errors[i];
		ward_run(&w);
		assert_string_equal(ward_claim_row(&w, op), "submitted");
		assert_non_null(ward_folder(&w, op));
		assert_int_equal(w.begun[HEAL_CLEAN], 0);
	}
	w.op_error = ASSAY_E_NOTFOUND;
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_null(ward_folder(&w, op));
	assert_int_equal(w.begun[HEAL_PLACE], 0);
}

/* A rebuild that takes until the deadline epoch: nothing is sent, nothing stays. */
static void test_h1_no_claim_in_the_deadline_epoch(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch);
	assert_int_equal(ward_status(&w, op), HEAL_SCHEDULED); /* the ledger would still take it */
	ward_done(&w);
	assert_int_equal(w.entries, 0);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	ward_done(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_null(ward_folder(&w, op));
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_h1_no_vote_in_the_deadline_epoch(void **state)
{
	uint64_t op = ward_reported(&w);

	ward_tick(&w);
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch);
	ward_done(&w);
	assert_int_equal(w.entries, 0);
	assert_string_equal(ward_vote_row(&w, op), "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 1);
}

/* Where the network stands cannot be read: the claim goes on, the ledger decides. */
static void test_h1_failed_epoch_query_goes_on(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	w.terms_error = ASSAY_E_IO;
	ward_done(&w);
	assert_int_equal(w.entries, 1);
	ward_apply(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
}

static void test_h2_all_pages_are_walked(void **state)
{
	uint64_t mine = 0;

	for (unsigned i = 1; i <= 250; i++) {
		uint64_t op = ward_op(&w, i == 240 ? w.self : w.other[0], w.other[1], w.other[2]);

		if (i == 240)
			mine = op;
	}
	ward_run(&w);
	assert_int_equal(ward_status(&w, mine), HEAL_HEALER_REPORTED);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

/* A listing without an end stops after 100 pages, with a warning that has the count. */
static void test_h2_hard_stop_is_logged(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	w.endless = true;
	ward_tick(&w);
	assert_true(ward_logged(&w, "too many heal ops"));
	assert_true(ward_logged(&w, "seen=100"));
	assert_int_equal(ward_order(&w, 0)->order.op, op);
	assert_int_equal(w.orders, 1);
}

/* A page that fails ends that listing for this tick; rows are looked at all the same. */
static void test_h2_failed_page_fails_its_listing_only(void **state)
{
	uint64_t op = ward_claimed(&w), next = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_votes(&w, op, true);
	w.ops_error = ASSAY_E_TIMEOUT;
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(ward_status(&w, next), HEAL_SCHEDULED);
	w.ops_error = 0;
	ward_run(&w);
	assert_int_equal(ward_status(&w, next), HEAL_HEALER_REPORTED);
}

static void set_mode(unsigned mode)
{
	params_current(state_tables(w.net.state))->storage_truth_enforcement_mode = mode;
}

static void test_m7_finalizer_in_every_mode(void **state)
{
	for (unsigned mode = 0; mode <= 3; mode++) {
		uint64_t op;

		set_mode(1);
		op = ward_claimed(&w);
		ward_votes(&w, op, true);
		set_mode(mode);
		ward_run(&w);
		assert_true(ward_find(&w, op)->published);
		assert_string_equal(ward_claim_row(&w, op), "");
	}
}

static void test_m7_finalizer_without_parameters(void **state)
{
	uint64_t op = ward_claimed(&w), next = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_votes(&w, op, true);
	w.terms_error = ASSAY_E_IO;
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(ward_status(&w, next), HEAL_SCHEDULED);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_mode_zero_begins_nothing(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), vote = ward_reported(&w);

	set_mode(0);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD] + w.begun[HEAL_HASH], 0);
	set_mode(1);
	ward_run(&w);
	assert_int_equal(ward_status(&w, op), HEAL_HEALER_REPORTED);
	assert_string_equal(ward_vote_row(&w, vote), "submitted");
}

/* Nor does what waited for a permit, or for its next attempt, when the mode changed. */
static void test_mode_zero_begins_nothing_that_waits(void **state)
{
	uint64_t op[3], vote = ward_reported(&w);

	for (unsigned i = 0; i < 3; i++)
		op[i] = ward_op(&w, w.self, w.other[0], w.other[1]);
	ward_tick(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 2);
	assert_int_equal(w.begun[HEAL_HASH], 1);
	set_mode(0);
	while (w.orders > 0)
		ward_end(&w, HEAL_END_REMOTE, "", "no answer");
	ward_pass(&w, 2100);
	assert_int_equal(w.begun[HEAL_BUILD], 2);
	assert_int_equal(w.begun[HEAL_HASH], 1);
	assert_int_equal(w.entries, 0);
	set_mode(1);
	ward_run(&w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ward_status(&w, op[i]), HEAL_HEALER_REPORTED);
	assert_string_equal(ward_vote_row(&w, vote), "submitted");
}

/* Two verifiers with different words for it: one hash. */
static void test_l2_canonical_reason_hash(void **state)
{
	static const char *const why[] = {"connection refused", "no route to host"};
	char hash[2][HEAL_HASH_ROOM];

	for (unsigned i = 0; i < 2; i++) {
		uint64_t op = ward_reported(&w);

		w.heal.settings.fetch_attempts = 1;
		ward_tick(&w);
		ward_end(&w, HEAL_END_REMOTE, "", why[i]);
		strcpy(hash[i], json_string_value(ward_sent(&w, "verification_hash")));
		assert_non_null(strstr(json_string_value(ward_sent(&w, "details")), why[i]));
		ward_apply(&w);
		assert_string_equal(ward_vote_row(&w, op), "submitted");
	}
	assert_string_equal(hash[0], hash[1]);
}

static void test_l3_second_insert_is_a_typed_signal(void **state)
{
	struct heal_claim_row claim = {.op = 7, .ticket = "t", .hash = "h"};
	struct heal_vote_row vote = {.op = 7, .hash = "h"};
	struct heal_store *s = &w.rows;

	assert_int_equal(s->claim_put(s->ctx, &claim, 1), 0);
	assert_int_equal(s->claim_put(s->ctx, &claim, 2), ASSAY_E_EXISTS);
	assert_int_equal(s->vote_put(s->ctx, "v", &vote, 1), 0);
	assert_int_equal(s->vote_put(s->ctx, "v", &vote, 2), ASSAY_E_EXISTS);
	assert_int_equal(s->vote_put(s->ctx, "another", &vote, 2), 0);
	/* "Delete pending" touches nothing else. */
	assert_int_equal(s->claim_mark(s->ctx, 7), 0);
	assert_int_equal(s->claim_drop(s->ctx, 7, true), 0);
	assert_string_equal(ward_claim_row(&w, 7), "submitted");
	assert_int_equal(s->claim_drop(s->ctx, 7, false), 0);
	assert_string_equal(ward_claim_row(&w, 7), "");
}

static void test_l3_no_second_submit(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), vote = ward_reported(&w);

	ward_tick(&w);
	assert_int_equal(w.orders, 2);
	w.claim_put_error = w.vote_put_error = ASSAY_E_EXISTS;
	ward_stage(&w, op, w.hash);
	ward_end(&w, HEAL_END_DONE, "", "");
	ward_end(&w, HEAL_END_DONE, "", "");
	assert_int_equal(w.entries, 0);
	assert_int_equal(w.orders, 0);
	assert_non_null(ward_folder(&w, op)); /* it belongs to the row that is there */
	(void)vote;
}

/* --- stopping */

static void test_m3_stop_cancels_and_waits(void **state)
{
	uint64_t build = ward_op(&w, w.self, w.other[0], w.other[1]), vote = ward_reported(&w);
	struct effects out = {0};
	unsigned cancels = 0;

	ward_tick(&w);
	assert_int_equal(w.orders, 2);
	heal_stop(&w.heal, &out);
	for (size_t i = 0; i < out.n; i++)
		cancels += out.list[i].kind == EFFECT_HEAL_CANCEL;
	assert_int_equal(cancels, 2);
	effects_free(&out);
	assert_true(heal_working(&w.heal));
	/* Even if it was done just before: no row, no entry. */
	ward_done(&w);
	ward_end(&w, HEAL_END_CLOSED, "", "");
	assert_false(heal_working(&w.heal));
	ward_tick(&w);
	assert_int_equal(w.orders + w.entries, 0);
	assert_string_equal(ward_claim_row(&w, build), "");
	assert_string_equal(ward_vote_row(&w, vote), "");
	ward_restart(&w);
	ward_run(&w);
	assert_int_equal(ward_status(&w, build), HEAL_HEALER_REPORTED);
	assert_string_equal(ward_vote_row(&w, vote), "submitted");
}

static void test_m3_stop_during_a_claim(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);
	struct effects out = {0};

	ward_tick(&w);
	ward_done(&w);
	heal_stop(&w.heal, &out);
	assert_int_equal(out.n, 0);
	effects_free(&out);
	assert_true(heal_sending(&w.heal));
	assert_string_equal(ward_claim_row(&w, op), "pending");
	ward_apply(&w);
	assert_false(heal_sending(&w.heal));
	assert_string_equal(ward_claim_row(&w, op), "submitted");
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_c4_only_not_found_cleans),
		TEST(test_h1_no_claim_in_the_deadline_epoch),
		TEST(test_h1_no_vote_in_the_deadline_epoch),
		TEST(test_h1_failed_epoch_query_goes_on),
		TEST(test_h2_all_pages_are_walked),
		TEST(test_h2_hard_stop_is_logged),
		TEST(test_h2_failed_page_fails_its_listing_only),
		TEST(test_m7_finalizer_in_every_mode),
		TEST(test_m7_finalizer_without_parameters),
		TEST(test_mode_zero_begins_nothing),
		TEST(test_mode_zero_begins_nothing_that_waits),
		TEST(test_l2_canonical_reason_hash),
		TEST(test_l3_second_insert_is_a_typed_signal),
		TEST(test_l3_no_second_submit),
		TEST(test_m3_stop_cancels_and_waits),
		TEST(test_m3_stop_during_a_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

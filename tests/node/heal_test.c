/* SPDX-License-Identifier: Apache-2.0 */
/* Healer, verifier and finalizer, and what reviews have found about them (docs/healing.md). */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

#define SELF 0

static struct ward w;

static int setup(void **state)
{
	ward_init(&w, SELF);
	return 0;
}

static int teardown(void **state)
{
	ward_free(&w);
	return 0;
}

static enum heal_status status_of(uint64_t op)
{
	return ward_find(&w, op)->status;
}

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
	assert_int_equal(status_of(op), HEAL_HEALER_REPORTED);
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
	assert_int_equal(status_of(op), HEAL_HEALER_REPORTED);
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
	assert_int_equal(status_of(op), HEAL_EXPIRED);
	ward_tick(&w);
	assert_true(ward_order(&w, 0)->cancelled);
	ward_end(&w, HEAL_END_CLOSED, "", "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

/* --- the verifier */

static uint64_t reported(void)
{
	uint64_t op = ward_op(&w, w.other[0], w.self, w.other[1]);

	ward_claim(&w, op);
	return op;
}

static const json_t *sent(const char *member)
{
	assert_int_equal(w.entries, 1);
	return json_object_get(w.entry[0].data, member);
}

static void test_verifier_votes_for_it(void **state)
{
	uint64_t op = reported();
	bool verified = false;

	ward_tick(&w);
	assert_int_equal(w.orders, 1);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_HASH);
	assert_string_equal(ward_order(&w, 0)->order.healer, w.other[0]);
	assert_string_equal(ward_order(&w, 0)->order.hash, w.hash);
	assert_int_equal(ward_order(&w, 0)->order.size, 300000);
	ward_done(&w);
	assert_string_equal(ward_vote_row(&w, op), "pending");
	assert_true(json_is_true(sent("verified")));
	assert_string_equal(json_string_value(sent("verification_hash")), w.hash);
	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	assert_int_equal(w.real.heal_vote(w.real.ctx, &verified, op, w.self), 0);
	assert_true(verified);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 1);
}

static void test_verifier_mismatch_is_a_vote_with_the_computed_hash(void **state)
{
	uint64_t op = reported();
	char other[HEAL_HASH_ROOM];
	bool verified = true;

	heal_negative_hash(other, "not a file");
	ward_tick(&w);
	ward_end(&w, HEAL_END_DONE, other, "");
	assert_true(json_is_false(sent("verified")));
	assert_string_equal(json_string_value(sent("verification_hash")), other);
	assert_string_equal(json_string_value(sent("details")), "reason_hash_mismatch");
	ward_apply(&w);
	assert_int_equal(w.real.heal_vote(w.real.ctx, &verified, op, w.self), 0);
	assert_false(verified);
}

/* Compared with what the healer claimed; that it is the ticket's hash is the ledger's business. */
static void test_verifier_compares_with_the_result_hash(void **state)
{
	uint64_t op = reported();
	char claimed[HEAL_HASH_ROOM];

	heal_negative_hash(claimed, "what the healer said");
	text_set(&heal_op_find(w.net.state, op)->result_hash, claimed);
	ward_tick(&w);
	ward_end(&w, HEAL_END_DONE, "", ""); /* the ticket's hash */
	assert_true(json_is_false(sent("verified")));
	ward_say(&w, ENTRY_EXPIRED, 0, "");
}

static void test_verifier_without_result_hash_does_not_vote(void **state)
{
	uint64_t op = reported();

	text_set(&heal_op_find(w.net.state, op)->result_hash, "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 0);
}

static void test_verifier_tries_three_times_then_votes_against(void **state)
{
	uint64_t op = reported();
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
	assert_true(json_is_false(sent("verified")));
	assert_string_equal(json_string_value(sent("verification_hash")), against);
	ward_apply(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
}

/* One attempt gets fetch_timeout, or what 8 MiB/s need; a try that we cut short is no evidence. */
static void test_verifier_time_of_an_attempt(void **state)
{
	uint64_t op = reported(), end;

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

	reported();
	heal_negative_hash(against, "reason_hash_compute_failed");
	ward_tick(&w);
	ward_end(&w, HEAL_END_WRONG, "", "no machinery");
	assert_true(json_is_false(sent("verified")));
	assert_string_equal(json_string_value(sent("verification_hash")), against);
	ward_apply(&w);
}

/* A cause of our own is no reason to vote against anybody. */
static void test_verifier_local_causes_are_no_votes(void **state)
{
	static const enum heal_end local[] = {HEAL_END_OURS, HEAL_END_CLOSED, HEAL_END_LOST};
	uint64_t op = reported();

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
	assert_int_equal(status_of(op), HEAL_VERIFIED);
	ward_end(&w, HEAL_END_DONE, "", "");
	assert_int_equal(w.entries, 0);
	assert_string_equal(ward_vote_row(&w, op), "");
}

static void test_verifier_ledger_that_cannot_be_read_is_no_vote(void **state)
{
	uint64_t op = reported();

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
	uint64_t op = reported();

	ward_run(&w);
	assert_string_equal(ward_vote_row(&w, op), "submitted");
	ward_vote(&w, op, w.other[1], true);
	assert_int_equal(status_of(op), HEAL_VERIFIED);
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
	reported();
	w.heal.settings.reconstructed_max = 299999;
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_HASH], 0);
	assert_true(ward_logged(&w, "max_reconstructed_bytes"));
}

/* --- the finalizer */

static uint64_t claimed(void)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	ward_done(&w);
	ward_apply(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	return op;
}

static void test_finalizer_publishes_then_deletes_then_removes(void **state)
{
	uint64_t op = claimed();
	unsigned changes;

	ward_votes(&w, op, true);
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
	assert_string_equal(ward_order(&w, 0)->order.hash, w.hash);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_done(&w);
	assert_string_equal(w.entry[0].type, "heal_published");
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	assert_non_null(ward_folder(&w, op));
	changes = w.changes;
	ward_apply(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(w.changes, changes + 1); /* the ledger tells it */
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	ward_done(&w);
	assert_null(ward_folder(&w, op));
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

static void test_finalizer_cleans_what_failed(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, false);
	assert_int_equal(status_of(op), HEAL_FAILED);
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_done(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_PLACE], 0);
}

static void test_finalizer_cleans_what_expired(void **state)
{
	uint64_t op = claimed();

	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	assert_int_equal(status_of(op), HEAL_EXPIRED);
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_null(ward_folder(&w, op));
	assert_int_equal(w.begun[HEAL_PLACE], 0);
}

static void test_finalizer_never_publishes_another_hash(void **state)
{
	uint64_t op = claimed();
	char other[HEAL_HASH_ROOM];

	ward_votes(&w, op, true);
	heal_negative_hash(other, "another");
	text_set(&heal_op_find(w.net.state, op)->result_hash, other);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_PLACE], 0);
	assert_null(ward_folder(&w, op));
}

static void test_finalizer_cleaning_that_fails_keeps_the_row(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, false);
	ward_tick(&w);
	ward_end(&w, HEAL_END_OURS, "", "disk");
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	w.claim_drop_error = ASSAY_E_IO;
	ward_tick(&w);
	ward_done(&w);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	w.claim_drop_error = 0;
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
}

/* VERIFIED, and the staged files are gone: built anew, the same hash, published. */
static void test_finalizer_rebuilds_lost_staging(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, true);
	w.folders = 0;
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_BUILD);
	ward_done(&w);
	assert_int_equal(w.entries, 0); /* no second claim */
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
	ward_done(&w);
	ward_apply(&w);
	assert_true(ward_find(&w, op)->published);
}

/* The manifest is there, but what it names is damaged: placing finds out. */
static void test_finalizer_rebuilds_what_placing_finds_damaged(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, true);
	ward_tick(&w);
	ward_end(&w, HEAL_END_LOST, "", "a symbol is damaged");
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_BUILD);
	ward_done(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
	/* Damaged again: not at once, but at the next tick. */
	ward_end(&w, HEAL_END_LOST, "", "a symbol is damaged");
	assert_int_equal(w.orders, 0);
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_PLACE);
	ward_end(&w, HEAL_END_LOST, "", "a symbol is damaged");
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_BUILD);
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "");
}

static void test_finalizer_rebuilt_to_another_hash_is_not_published(void **state)
{
	uint64_t op = claimed();
	char other[HEAL_HASH_ROOM];

	heal_negative_hash(other, "");
	ward_votes(&w, op, true);
	w.folders = 0;
	ward_tick(&w);
	ward_stage(&w, op, other);
	ward_end(&w, HEAL_END_DONE, other, "");
	assert_int_equal(w.orders, 0);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_run(&w); /* what is staged is not it: again */
	assert_true(ward_find(&w, op)->published);
}

static void test_finalizer_rebuilds_while_verifiers_read(void **state)
{
	uint64_t op = claimed();

	w.folders = 0;
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_BUILD);
	ward_done(&w);
	assert_int_equal(w.orders, 0); /* nothing to publish yet */
	assert_int_equal(w.entries, 0);
	assert_int_equal(status_of(op), HEAL_HEALER_REPORTED);
	w.folders = 0;
	w.staged_error = ASSAY_E_IO;
	ward_tick(&w);
	assert_int_equal(w.orders, 0);
	w.staged_error = 0;
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch);
	ward_tick(&w);
	assert_int_equal(w.orders, 0); /* too late for them to vote */
}

static void test_publish_is_tried_again(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, true);
	ward_tick(&w);
	for (unsigned i = 1; i < 4; i++) {
		ward_end(&w, HEAL_END_REMOTE, "", "a holder does not answer");
		assert_int_equal(w.orders, 0);
		ward_pass(&w, 2000 * i + 1);
		assert_int_equal(w.orders, 1);
	}
	ward_end(&w, HEAL_END_REMOTE, "", "a holder does not answer");
	ward_pass(&w, 1);
	assert_int_equal(w.orders, 0);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
}

static void test_publication_of_an_epoch_that_is_over_is_placed_again(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, true);
	ward_tick(&w);
	ward_done(&w);
	ward_to_epoch(&w, state_epoch(w.net.state) + 2);
	ward_apply(&w); /* refused: PLACEMENT */
	assert_false(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	assert_true(ward_logged(&w, "24 PLACEMENT"));
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_string_equal(ward_claim_row(&w, op), "");
}

static void test_publication_refusals(void **state)
{
	static const struct {
		unsigned code;
		const char *reason;
		bool over;
	} refusal[] = {
		{15, "EXISTS", true},	  {24, "CLOSED", true},	  {24, "UNKNOWN", true},
		{24, "PLACEMENT", false}, {24, "RECEIPT", false}, {13, "NOT_VERIFIED", false},
		{11, "", false},	  {99, "", false},
	};

	for (unsigned i = 0; i < sizeof(refusal) / sizeof(refusal[0]); i++) {
		uint64_t op = claimed();

		ward_votes(&w, op, true);
		ward_tick(&w);
		ward_done(&w);
		ward_say(&w, ENTRY_VERDICT_CAME, refusal[i].code, refusal[i].reason);
		assert_string_equal(ward_claim_row(&w, op), refusal[i].over ? "" : "submitted");
		assert_non_null(ward_folder(&w, op));
		ward_run(&w);
		assert_int_equal(ward_find(&w, op)->published, !refusal[i].over);
	}
}

static void test_closed_ticket_ends_publication(void **state)
{
	uint64_t op = claimed();

	ward_votes(&w, op, true);
	net_accept(&w.net, w.net.nodes[6].account, "ticket_close",
		   json_pack("{ss}", "ticket", w.ticket));
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_PLACE], 0);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_null(ward_folder(&w, op));
}

/* --- who may read */

static void test_grants(void **state)
{
	struct heal_grant g[4];
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), before;
	char other[HEAL_HASH_ROOM];

	ward_stage(&w, op, w.hash);
	assert_int_equal(heal_grants(&w.heal, g, 4), 0); /* SCHEDULED */
	before = w.heal.generation;
	ward_claim(&w, op);
	assert_int_not_equal(w.heal.generation, before);
	assert_int_equal(heal_grants(&w.heal, g, 4), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(g[i].op, op);
		assert_string_equal(g[i].account, w.other[i]);
		assert_memory_equal(g[i].key, net_find(&w.net, w.other[i])->key.public, 32);
		assert_int_equal(g[i].until_epoch, ward_find(&w, op)->deadline_epoch);
	}
	memset(g, 0, sizeof(g));
	assert_int_equal(heal_grants(&w.heal, g, 1), 2);
	assert_int_equal(g[1].op, 0);
	heal_negative_hash(other, "");
	ward_stage(&w, op, other); /* not what was claimed */
	assert_int_equal(heal_grants(&w.heal, g, 4), 0);
	w.folders = 0; /* not staged */
	assert_int_equal(heal_grants(&w.heal, g, 4), 0);
	ward_stage(&w, op, w.hash);
	w.ops_error = ASSAY_E_IO; /* the ledger cannot be read */
	assert_int_equal(heal_grants(&w.heal, g, 4), 0);
	w.ops_error = 0;
	/* H8: HEALER_REPORTED only. */
	for (unsigned s = HEAL_SCHEDULED; s <= HEAL_EXPIRED; s++) {
		heal_op_set_status(w.net.state, heal_op_find(w.net.state, op), s);
		assert_int_equal(heal_grants(&w.heal, g, 4), s == HEAL_HEALER_REPORTED ? 2 : 0);
	}
}

static void test_grants_only_by_the_healer(void **state)
{
	struct heal_grant g[4];
	uint64_t op = reported();

	ward_stage(&w, op, w.hash);
	assert_int_equal(heal_grants(&w.heal, g, 4), 0);
}

/* --- for the operator */

static void test_standings(void **state)
{
	struct heal_standing s[4];
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), second;

	ward_tick(&w);
	assert_int_equal(heal_list(&w.heal, s, 4), 1);
	assert_int_equal(s[0].op, op);
	assert_int_equal(s[0].role, HEAL_ROLE_HEALER);
	assert_string_equal(s[0].phase, "rebuilding");
	assert_int_equal(s[0].cookie, ward_order(&w, 0)->cookie);
	w.heal.settings.reconstructs_max = 1;
	second = ward_op(&w, w.self, w.other[0], w.other[1]);
	ward_tick(&w);
	assert_int_equal(heal_list(&w.heal, s, 4), 2);
	assert_int_equal(s[1].op, second);
	assert_string_equal(s[1].phase, "waiting for a permit");
	ward_done(&w);
	heal_list(&w.heal, s, 4);
	assert_string_equal(s[0].phase, "claiming");
	ward_apply(&w);
	ward_tick(&w);
	heal_list(&w.heal, s, 4);
	assert_int_equal(s[0].role, HEAL_ROLE_FINALIZER);
	assert_string_equal(s[0].phase, "serving verifiers");
	assert_non_null(strstr(s[0].waiting_for, "epoch 4"));
	ward_votes(&w, op, true);
	ward_end(&w, HEAL_END_OURS, "", "");
	ward_tick(&w);
	heal_list(&w.heal, s, 4);
	assert_string_equal(s[0].phase, "publishing");
	assert_string_equal(heal_role_name(s[0].role), "finalizer");
}

/* --- findings */

/* A failed read of an op is not the word that there is none. */
static void test_c4_only_not_found_cleans(void **state)
{
	static const int errors[] = {ASSAY_E_IO, ASSAY_E_TIMEOUT, ASSAY_E_CLOSED, ASSAY_E_CORRUPT};
	uint64_t op = claimed();

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
	assert_int_equal(status_of(op), HEAL_SCHEDULED); /* the ledger would still take it */
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
	uint64_t op = reported();

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
	assert_int_equal(status_of(mine), HEAL_HEALER_REPORTED);
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
	uint64_t op = claimed(), next = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_votes(&w, op, true);
	w.ops_error = ASSAY_E_TIMEOUT;
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(status_of(next), HEAL_SCHEDULED);
	w.ops_error = 0;
	ward_run(&w);
	assert_int_equal(status_of(next), HEAL_HEALER_REPORTED);
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
		op = claimed();
		ward_votes(&w, op, true);
		set_mode(mode);
		ward_run(&w);
		assert_true(ward_find(&w, op)->published);
		assert_string_equal(ward_claim_row(&w, op), "");
	}
}

static void test_m7_finalizer_without_parameters(void **state)
{
	uint64_t op = claimed(), next = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_votes(&w, op, true);
	w.terms_error = ASSAY_E_IO;
	ward_run(&w);
	assert_true(ward_find(&w, op)->published);
	assert_int_equal(status_of(next), HEAL_SCHEDULED);
	assert_int_equal(w.begun[HEAL_BUILD], 1);
}

static void test_mode_zero_begins_nothing(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), vote = reported();

	set_mode(0);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD] + w.begun[HEAL_HASH], 0);
	set_mode(1);
	ward_run(&w);
	assert_int_equal(status_of(op), HEAL_HEALER_REPORTED);
	assert_string_equal(ward_vote_row(&w, vote), "submitted");
}

/* Two verifiers with different words for it: one hash. */
static void test_l2_canonical_reason_hash(void **state)
{
	static const char *const why[] = {"connection refused", "no route to host"};
	char hash[2][HEAL_HASH_ROOM];

	for (unsigned i = 0; i < 2; i++) {
		uint64_t op = reported();

		w.heal.settings.fetch_attempts = 1;
		ward_tick(&w);
		ward_end(&w, HEAL_END_REMOTE, "", why[i]);
		strcpy(hash[i], json_string_value(sent("verification_hash")));
		assert_non_null(strstr(json_string_value(sent("details")), why[i]));
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
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), vote = reported();

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
	uint64_t build = ward_op(&w, w.self, w.other[0], w.other[1]), vote = reported();
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
	assert_int_equal(status_of(build), HEAL_HEALER_REPORTED);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_verifier_time_of_an_attempt),
		TEST(test_verifier_hash_that_cannot_be_computed),
		TEST(test_verifier_local_causes_are_no_votes),
		TEST(test_verifier_op_that_moved_on_gets_no_vote),
		TEST(test_verifier_ledger_that_cannot_be_read_is_no_vote),
		TEST(test_vote_rows_go_when_their_op_is_over),
		TEST(test_verifier_does_not_read_more_than_it_may),
		TEST(test_finalizer_publishes_then_deletes_then_removes),
		TEST(test_finalizer_cleans_what_failed),
		TEST(test_finalizer_cleans_what_expired),
		TEST(test_finalizer_never_publishes_another_hash),
		TEST(test_finalizer_cleaning_that_fails_keeps_the_row),
		TEST(test_finalizer_rebuilds_lost_staging),
		TEST(test_finalizer_rebuilds_what_placing_finds_damaged),
		TEST(test_finalizer_rebuilt_to_another_hash_is_not_published),
		TEST(test_finalizer_rebuilds_while_verifiers_read),
		TEST(test_publish_is_tried_again),
		TEST(test_publication_of_an_epoch_that_is_over_is_placed_again),
		TEST(test_publication_refusals),
		TEST(test_closed_ticket_ends_publication),
		TEST(test_grants),
		TEST(test_grants_only_by_the_healer),
		TEST(test_standings),
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
		TEST(test_l2_canonical_reason_hash),
		TEST(test_l3_second_insert_is_a_typed_signal),
		TEST(test_l3_no_second_submit),
		TEST(test_m3_stop_cancels_and_waits),
		TEST(test_m3_stop_during_a_claim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

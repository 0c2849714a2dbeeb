/* SPDX-License-Identifier: Apache-2.0 */
/* The finalizer, and who may read what is staged. */
#include "node/ward.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"

static struct ward w;

/* --- the finalizer */

static void test_finalizer_publishes_then_deletes_then_removes(void **state)
{
	uint64_t op = ward_claimed(&w);
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
	uint64_t op = ward_claimed(&w);

	ward_votes(&w, op, false);
	assert_int_equal(ward_status(&w, op), HEAL_FAILED);
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
	uint64_t op = ward_claimed(&w);

	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	assert_int_equal(ward_status(&w, op), HEAL_EXPIRED);
	ward_run(&w);
	assert_string_equal(ward_claim_row(&w, op), "");
	assert_null(ward_folder(&w, op));
	assert_int_equal(w.begun[HEAL_PLACE], 0);
}

static void test_finalizer_never_publishes_another_hash(void **state)
{
	uint64_t op = ward_claimed(&w);
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
	uint64_t op = ward_claimed(&w);

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

/* Published, and the folder cannot be removed: that is tried again, as long as it takes. */
static void test_cleaning_after_a_publication_is_tried_again(void **state)
{
	uint64_t op = ward_claimed(&w);

	ward_votes(&w, op, true);
	ward_tick(&w);
	ward_done(&w);
	ward_apply(&w);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(ward_claim_row(&w, op), "");
		assert_int_equal(w.orders, 1);
		assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
		ward_end(&w, HEAL_END_OURS, "", "the disk is read-only");
		assert_int_equal(w.orders, 0);
		ward_tick(&w);
	}
	ward_done(&w);
	assert_null(ward_folder(&w, op));
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_CLEAN], 4);
	assert_int_equal(w.begun[HEAL_PLACE], 1);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

/* A rebuild that failed has left files, and nobody rebuilds it again. */
static void test_what_a_rebuild_left_goes_with_its_op(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	ward_stage(&w, op, w.hash);
	ward_end(&w, HEAL_END_OURS, "", "the disk is read-only");
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	assert_int_equal(ward_status(&w, op), HEAL_EXPIRED);
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_CLEAN);
	ward_end(&w, HEAL_END_OURS, "", "the disk is read-only");
	ward_run(&w);
	assert_null(ward_folder(&w, op));
	assert_int_equal(w.begun[HEAL_CLEAN], 2);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

/* Many ops end together: their folders go two at a time, and other work is not held up. */
static void test_few_folders_are_removed_at_once(void **state)
{
	uint64_t op[4], other;

	for (unsigned i = 0; i < 4; i++)
		op[i] = ward_claimed(&w);
	for (unsigned i = 0; i < 4; i++)
		ward_votes(&w, op[i], false);
	other = ward_op(&w, w.other[0], w.self, w.other[1]);
	ward_claim(&w, other);
	ward_tick(&w);
	assert_int_equal(w.begun[HEAL_CLEAN], 2);
	assert_int_equal(w.begun[HEAL_HASH], 1);
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_CLEAN], 4);
	assert_int_equal(w.folders, 0);
}

/* What cannot be read is neither published nor rebuilt: its symbols may be the last there are. */
static void test_finalizer_waits_for_staging_that_cannot_be_read(void **state)
{
	uint64_t op = ward_claimed(&w);

	ward_votes(&w, op, true);
	w.begun[HEAL_BUILD] = 0;
	w.staged_error = ASSAY_E_IO;
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD] + w.begun[HEAL_PLACE] + w.begun[HEAL_CLEAN], 0);
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	w.staged_error = 0;
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_BUILD], 0);
	assert_true(ward_find(&w, op)->published);
}

/* The publication never came: nothing goes, and all is placed again. */
static void test_publication_without_a_verdict(void **state)
{
	uint64_t op = ward_claimed(&w);

	ward_votes(&w, op, true);
	ward_tick(&w);
	ward_done(&w);
	ward_say(&w, ENTRY_EXPIRED, 0, "");
	assert_string_equal(ward_claim_row(&w, op), "submitted");
	assert_int_equal(w.orders, 0);
	assert_non_null(ward_folder(&w, op));
	ward_run(&w);
	assert_int_equal(w.begun[HEAL_PLACE], 2);
	assert_true(ward_find(&w, op)->published);
}

/* VERIFIED, and the staged files are gone: built anew, the same hash, published. */
static void test_finalizer_rebuilds_lost_staging(void **state)
{
	uint64_t op = ward_claimed(&w);

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
	uint64_t op = ward_claimed(&w);

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
	uint64_t op = ward_claimed(&w);
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
	uint64_t op = ward_claimed(&w);

	w.folders = 0;
	ward_tick(&w);
	assert_int_equal(ward_order(&w, 0)->order.work, HEAL_BUILD);
	ward_done(&w);
	assert_int_equal(w.orders, 0); /* nothing to publish yet */
	assert_int_equal(w.entries, 0);
	assert_int_equal(ward_status(&w, op), HEAL_HEALER_REPORTED);
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
	uint64_t op = ward_claimed(&w);

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
	uint64_t op = ward_claimed(&w);

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
		uint64_t op = ward_claimed(&w);

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
	uint64_t op = ward_claimed(&w);

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
	uint64_t op = ward_reported(&w);

	ward_stage(&w, op, w.hash);
	assert_int_equal(heal_grants(&w.heal, g, 4), 0);
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_finalizer_publishes_then_deletes_then_removes),
		TEST(test_finalizer_cleans_what_failed),
		TEST(test_finalizer_cleans_what_expired),
		TEST(test_finalizer_never_publishes_another_hash),
		TEST(test_finalizer_cleaning_that_fails_keeps_the_row),
		TEST(test_cleaning_after_a_publication_is_tried_again),
		TEST(test_what_a_rebuild_left_goes_with_its_op),
		TEST(test_few_folders_are_removed_at_once),
		TEST(test_finalizer_waits_for_staging_that_cannot_be_read),
		TEST(test_publication_without_a_verdict),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Scores: what the shared scripts do not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "ledger/bare.h"
#include "ledger/epoch_end.h"
#include "ledger/heal.h"
#include "ledger/scores.h"

#define E 30

static void set(struct bare *b, const char *name, uint64_t value)
{
	json_t *values = json_pack("{sI}", name, (json_int_t)value);
	char why[256];

	assert_int_equal(params_merge(state_params(b->state), why, sizeof(why), values, true), 0);
	json_decref(values);
}

/* One result of a symbol, told by that reporter. */
static void tell(struct bare *b, const char *reporter, uint64_t epoch, const char *target,
		 const char *ticket, uint64_t bucket, uint64_t class, const char *transcript)
{
	struct result r = {.target = target,
			   .ticket = ticket,
			   .key = "",
			   .derivation = "",
			   .transcript = transcript,
			   .sig = "",
			   .bucket = bucket,
			   .artifact_class = ASSAY_CLASS_SYMBOL,
			   .class = class};

	results_apply(b->state, reporter, epoch, &r, 1);
}

static struct reporter_reliability *reporter(struct bare *b, const char *account)
{
	return table_find(b->state->tables, T_REPORTER_RELIABILITY, account);
}

static struct ticket_deterioration *worn(struct bare *b, const char *ticket)
{
	return table_find(b->state->tables, T_TICKET_DETERIORATION, ticket);
}

static struct reporter_result *result(struct bare *b, const char *key_text)
{
	return table_find(b->state->tables, T_REPORTER_RESULTS, key_text);
}

static void test_saturation(void **unused)
{
	assert_int_equal(score_add(INT64_MAX - 3, 10), INT64_MAX);
	assert_int_equal(score_add(INT64_MIN + 3, -10), INT64_MIN);
	assert_int_equal(score_add(INT64_MAX, INT64_MIN), -1);
	assert_int_equal(score_scale(INT64_MIN, 99, 100), -9131138316486228049);
	assert_int_equal(score_decay(INT64_MIN, 999, 1), -9214148664817921032);
}

/* A pass of the same reporter, or a failed recheck, confirms nothing. */
static void test_contradiction_needs_others(void **unused)
{
	struct bare b;

	bare_new(&b);
	tell(&b, "q", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_PASS, "");
	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECHECK, RESULT_TIMEOUT, "failed recheck");
	tell(&b, "q", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_PASS, "");
	assert_null(reporter(&b, "r"));
	assert_int_equal(worn(&b, "k")->contradiction_count, 0);

	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	tell(&b, "z", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_PASS, ""); /* beside q's */
	assert_int_equal(reporter(&b, "r")->reliability_score, 12);
	assert_int_equal(reporter(&b, "r")->contradiction_count, 1);
	assert_int_equal(worn(&b, "k")->contradiction_count, 1);
	bare_free(&b);
}

static void test_contradiction_by_recheck(void **unused)
{
	struct bare b;

	bare_new(&b);
	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	tell(&b, "w", E, "t", "k", ASSAY_BUCKET_RECHECK, RESULT_PASS, "clean recheck");
	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	tell(&b, "q", E + 6, "t", "k", ASSAY_BUCKET_RECENT, RESULT_PASS, "");
	assert_int_equal(reporter(&b, "r")->reliability_score, 12);
	tell(&b, "r", E + 6, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	/* The recheck is out of the window of 7, and q's own pass does not count for q. */
	tell(&b, "q", E + 7, "t", "k", ASSAY_BUCKET_RECENT, RESULT_PASS, "");
	assert_int_equal(reporter(&b, "r")->contradiction_count, 1);
	bare_free(&b);
}

/* However short the pattern window is, failures two epochs apart belong together. */
static void test_failure_gap(void **unused)
{
	struct bare b;

	bare_new(&b);
	set(&b, "storage_truth_pattern_escalation_window", 1);
	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	tell(&b, "r", E + 2, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	assert_int_equal(worn(&b, "k")->recent_failure_epoch_count, 2);
	tell(&b, "r", E + 5, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "");
	assert_int_equal(worn(&b, "k")->recent_failure_epoch_count, 1);
	bare_free(&b);
}

static unsigned recheck(struct bare *b, const char *author, unsigned class)
{
	const struct entry_ctx ctx = {.author = author};
	const char *reason = "";
	json_t *data = json_pack("{si ss ss ss ss si ss}", "epoch", E, "challenged", "t", "ticket",
				 "k", "challenged_transcript", "T", "recheck_transcript", "R",
				 "class", class, "details", "");
	unsigned code = apply_recheck(b->state, &ctx, data, &reason);

	json_decref(data);
	return code;
}

#define RESULT_KEY "r/00000000000000000030/k/t"

static void test_recheck_marks(void **unused)
{
	for (int confirmed = 0; confirmed < 2; confirmed++) {
		struct bare b;
		struct transcript_record *t, *link;

		bare_new(&b);
		bare_anchor(&b, E);
		bare_height(&b, 12010);
		bare_node(&b, "q", NODE_ACTIVE);
		bare_node(&b, "t", NODE_ACTIVE);
		tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "T");
		assert_int_equal(
			recheck(&b, "q", confirmed ? RESULT_RECHECK_CONFIRMED_FAIL : RESULT_PASS),
			0);
		t = table_find(b.state->tables, T_TRANSCRIPTS, "T");
		link = table_find(b.state->tables, T_TRANSCRIPTS, "R");
		assert_int_equal(t->confirmed, confirmed);
		assert_int_equal(t->contradicted, !confirmed);
		assert_string_equal(t->recheck_transcript, "R");
		assert_string_equal(link->challenged_transcript, "T");
		assert_int_equal(link->bucket, ASSAY_BUCKET_RECHECK);
		assert_false(link->recheck_eligible);
		assert_int_equal(result(&b, RESULT_KEY)->confirmed, confirmed);
		assert_int_equal(result(&b, RESULT_KEY)->overturned, !confirmed);
		/* A later result of the same epoch, ticket and target takes the mark's place. */
		tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_PASS, "");
		assert_false(result(&b, RESULT_KEY)->confirmed ||
			     result(&b, RESULT_KEY)->overturned);
		bare_free(&b);
	}
}

/* Nobody rewrites a row that is recorded. */
static void test_transcript_stays(void **unused)
{
	struct bare b;
	struct transcript_record *t;

	bare_new(&b);
	tell(&b, "r", E, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, "T");
	tell(&b, "evil", E, "t", "k", ASSAY_BUCKET_OLD, RESULT_PASS, "T");
	t = table_find(b.state->tables, T_TRANSCRIPTS, "T");
	assert_string_equal(t->reporter, "r");
	assert_int_equal(t->result_class, RESULT_TIMEOUT);
	bare_free(&b);
}

static void test_clean_epoch(void **unused)
{
	for (int overturned = 0; overturned < 2; overturned++) {
		struct bare b;
		char ticket[8];

		bare_new(&b);
		reporter_update(b.state, "r", E, 10, 0);
		for (int i = 0; i < 5; i++) {
			snprintf(ticket, sizeof(ticket), "p%d", i);
			tell(&b, "r", E, "t", ticket, ASSAY_BUCKET_OLD, RESULT_PASS, "");
		}
		tell(&b, "r", E, "t", "k", ASSAY_BUCKET_OLD, RESULT_TIMEOUT, "");
		result(&b, RESULT_KEY)->overturned = overturned;
		reporters_recover(b.state, E);
		assert_int_equal(reporter(&b, "r")->reliability_score, overturned ? 10 : 6);
		bare_free(&b);
	}
}

/* Equal in all but the epoch of the last failure: the one that waits longest. */
static void test_oldest_failure_first(void **unused)
{
	struct bare b;

	bare_new(&b);
	set(&b, "storage_truth_max_self_heal_ops_per_epoch", 1);
	bare_node(&b, "a", NODE_ACTIVE);
	bare_node(&b, "b", NODE_ACTIVE);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"k0", "k1", "k2"};
		struct ticket_deterioration *d =
			table_put(b.state->tables, T_TICKET_DETERIORATION, names[i]);

		d->deterioration_score = 80;
		d->distinct_holder_failure_count = 2;
		d->last_failure_epoch = i == 1 ? 5 : 6;
	}
	heal_schedule(b.state, E);
	assert_non_null(heal_op_open(b.state, "k1"));
	assert_int_equal(table_count(b.state->tables, T_HEAL_OPS), 1);
	bare_free(&b);
}

/* In the anchor, but postponed since: neither healer nor verifier. */
static void test_postponed_does_not_heal(void **unused)
{
	struct bare b;
	struct anchor *a;
	struct ticket_deterioration *d;

	bare_new(&b);
	set(&b, "storage_truth_heal_verifier_count", 5);
	a = bare_anchor(&b, E);
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = {"a", "b", "c", "d"};

		bare_node(&b, names[i], i == 2 ? NODE_POSTPONED : NODE_ACTIVE);
		texts_add(&a->active, names[i]);
	}
	table_put(b.state->tables, T_POSTPONEMENTS, "c");
	d = table_put(b.state->tables, T_TICKET_DETERIORATION, "k");
	d->deterioration_score = 80;
	d->last_index_failure_epoch = 7;
	heal_schedule(b.state, E);
	assert_int_equal(heal_op_open(b.state, "k")->verifiers.n, 2);
	assert_false(texts_have(&heal_op_open(b.state, "k")->verifiers, "c"));
	assert_string_not_equal(heal_op_open(b.state, "k")->healer, "c");
	bare_free(&b);
}

/* A failed heal prolongs the probation, never shortens it. */
static void test_probation_grows(void **unused)
{
	struct bare b;
	struct ticket_deterioration *d;
	struct heal_op *op;

	bare_new(&b);
	d = table_put(b.state->tables, T_TICKET_DETERIORATION, "k");
	d->probation_until_epoch = E + 9;
	op = heal_op_new(b.state, "k", "h", E);
	heal_op_charge(b.state, op, E);
	assert_int_equal(d->probation_until_epoch, E + 9);
	heal_op_charge(b.state, op, E + 7);
	assert_int_equal(d->probation_until_epoch, E + 10);
	assert_int_equal(d->deterioration_score, 30);
	bare_free(&b);
}

static void test_prune(void **unused)
{
	struct bare b;
	struct tables *t;
	char key[KEY_ROOM];

	bare_new(&b);
	set(&b, "keep_last_epoch_entries", 25);
	t = b.state->tables;
	for (uint64_t e = 5; e <= 6; e++) {
		struct heal_op *op = heal_op_new(b.state, "k", "h", e - 1);

		heal_op_set_status(b.state, op, HEAL_VERIFIED);
		table_put(t, T_HEAL_VOTES, key_format(key, "%020" PRIu64 "/v", op->id));
		bare_anchor(&b, e);
		table_put(t, T_FAILED_HEALS, key_format(key, "a/%020" PRIu64 "/k", e));
		table_put(t, T_FAILED_HEALS, key_format(key, "a-b/%020" PRIu64 "/k/2", e));
		table_put(t, T_RECHECKS, key_format(key, "%020" PRIu64 "/k/t/q", e));
		table_put(t, T_REPORTS, key_format(key, "%020" PRIu64 "/r", e));
		tell(&b, "r", e, "t", "k", ASSAY_BUCKET_RECENT, RESULT_TIMEOUT, e == 5 ? "A" : "B");
	}
	prune_scores(b.state, 30); /* keeps epochs from 6 on, ops scheduled from 5 on */
	assert_int_equal(table_count(t, T_ANCHORS), 1);
	assert_int_equal(table_count(t, T_FAILED_HEALS), 2);
	assert_int_equal(table_count(t, T_RECHECKS), 1);
	assert_int_equal(table_count(t, T_REPORTS), 1);
	assert_int_equal(table_count(t, T_TRANSCRIPTS), 1);
	assert_non_null(table_find(t, T_TRANSCRIPTS, "B"));
	assert_int_equal(table_count(t, T_NODE_FAILURES), 1);
	assert_int_equal(table_count(t, T_REPORTER_RESULTS), 1);
	assert_int_equal(table_count(t, T_HEAL_OPS), 1);
	assert_int_equal(table_count(t, T_HEAL_VOTES), 1);
	assert_non_null(heal_op_find(b.state, 2));
	bare_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saturation),
		cmocka_unit_test(test_contradiction_needs_others),
		cmocka_unit_test(test_contradiction_by_recheck),
		cmocka_unit_test(test_failure_gap),
		cmocka_unit_test(test_recheck_marks),
		cmocka_unit_test(test_transcript_stays),
		cmocka_unit_test(test_clean_epoch),
		cmocka_unit_test(test_oldest_failure_first),
		cmocka_unit_test(test_postponed_does_not_heal),
		cmocka_unit_test(test_probation_grows),
		cmocka_unit_test(test_prune),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

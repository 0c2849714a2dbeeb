/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges of an epoch: slots, classes, what is never written (docs/epochs.md). */
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "ledger/rules.h"
#include "node/desk.h"

static struct desk desk;
static struct row_buffer buffer;
static struct challenge challenge;

/* One target with a recent and an old ticket. */
static void begin(void)
{
	const struct challenge_settings settings = {0};

	desk_init(&desk);
	buffer = (struct row_buffer){0};
	desk_target(&desk, "t");
	desk_ticket(&desk, "new", "t", ASSAY_BUCKET_RECENT);
	desk_ticket(&desk, "old", "t", ASSAY_BUCKET_OLD);
	challenge_init(&challenge, &desk.ctx, &buffer, &settings);
}

static void run(void)
{
	struct epoch_facts facts;

	assert_true(desk.ctx.ledger.current(&desk, &facts));
	assert_int_equal(challenge_begin(&challenge, &facts, desk.now), 0);
	challenge_round(&challenge, desk.now, &desk.out);
}

static void end(void)
{
	challenge_free(&challenge);
	row_buffer_free(&buffer);
	desk_free(&desk);
}

static uint64_t internal_failures(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < EXAM_STAGE_COUNT; i++)
		n += desk.ctx.counters.internal_failures[i];
	return n;
}

/* Before the derivation hash nothing is written; the cured fault gives a row a round later. */
static void test_h3_before_derivation_no_row(void **state)
{
	begin();
	run();
	desk_resolve(&desk, &challenge, RESOLVE_NO_KEY);
	assert_int_equal(buffer.n, 0);
	assert_int_equal(desk.ctx.counters.internal_failures[EXAM_RESOLVE_KEY], 1);
	/* The other slot of the target goes on. */
	desk_resolve(&desk, &challenge, RESOLVE_NO_SIZE);
	assert_int_equal(desk.ctx.counters.internal_failures[EXAM_RESOLVE_SIZE], 1);
	assert_int_equal(buffer.n, 0);
	assert_int_equal(desk.out.n, 0); /* nothing more in this round */
	assert_false(challenge_complete(&challenge));

	challenge_round(&challenge, desk.now, &desk.out);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	assert_int_equal(buffer.n, 2);
	assert_true(challenge_complete(&challenge));
	assert_int_equal(internal_failures(), 2);
	end();
}

static void test_h3_listing_failure_leaves_both_slots_open(void **state)
{
	begin();
	desk.tickets_fail = true;
	run();
	assert_int_equal(buffer.n, 0);
	assert_int_equal(desk.ctx.counters.internal_failures[EXAM_TICKET_LISTING], 2);
	assert_true(desk.ctx.counters.no_ticket);
	desk.tickets_fail = false;
	challenge_round(&challenge, desk.now, &desk.out);
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 1);
	end();
}

/* From the derivation hash on every outcome is a row, of its class. */
static void test_h3_after_derivation_always_a_row(void **state)
{
	static const struct {
		enum ask_outcome outcome;
		unsigned refused;
		const char *why;
		unsigned class;
	} cases[] = {
		{ASK_PASS, 0, NULL, RESULT_PASS},
		{ASK_HASH_MISMATCH, 0, "tree", RESULT_HASH_MISMATCH},
		{ASK_INVALID, 0, "shape", RESULT_INVALID_TRANSCRIPT},
		{ASK_TIMEOUT, 0, "no response", RESULT_TIMEOUT},
		{ASK_TIMEOUT, 0, NULL, RESULT_TIMEOUT},
		{ASK_REFUSED, ASSAY_R_BUSY, "busy", RESULT_TIMEOUT},
		{ASK_REFUSED, ASSAY_R_LATE, "late", RESULT_TIMEOUT},
		{ASK_REFUSED, ASSAY_R_RATE, "rate", RESULT_TIMEOUT},
		{ASK_REFUSED, ASSAY_R_DRAINING, "draining", RESULT_TIMEOUT},
		{ASK_REFUSED, ASSAY_R_ARTIFACT_UNKNOWN, "artifact_unknown",
		 RESULT_INVALID_TRANSCRIPT},
		{ASK_REFUSED, ASSAY_R_EPOCH, "epoch", RESULT_INVALID_TRANSCRIPT},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ask_result result = {cases[i].outcome, cases[i].refused, cases[i].why};

		begin();
		run();
		desk_resolve(&desk, &challenge, RESOLVE_DONE);
		challenge_asked(&challenge, desk_take(&desk, EFFECT_ASK).cookie, &result, desk.now,
				&desk.out);
		assert_int_equal(buffer.n, 1);
		assert_int_equal(buffer.rows[0].result, cases[i].class);
		assert_int_equal(strlen(buffer.rows[0].signature), 128);
		assert_int_equal(strlen(buffer.rows[0].transcript), 64);
		assert_int_equal(buffer.rows[0].details[0] == '\0', cases[i].class == RESULT_PASS);
		end();
	}
}

/* Our own fault is nobody's failure. */
static void test_own_trouble_gives_no_row(void **state)
{
	begin();
	run();
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_OURS, "no free socket");
	assert_int_equal(buffer.n, 0);
	assert_int_equal(desk.ctx.counters.internal_failures[EXAM_NOT_ASKED], 1);
	assert_false(challenge_complete(&challenge));
	end();
}

static void test_h4_no_row_without_signature(void **state)
{
	begin();
	desk.sign_fails = true;
	run();
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_TIMEOUT, NULL);
	assert_int_equal(buffer.n, 0);
	assert_int_equal(desk.ctx.counters.sign_failures[RESULT_PASS], 1);
	assert_int_equal(desk.ctx.counters.sign_failures[RESULT_TIMEOUT], 1);
	end();

	begin();
	desk.sign_fails_at = 1;
	run();
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	assert_int_equal(buffer.n, 1);
	assert_int_equal(buffer.rows[0].bucket, ASSAY_BUCKET_OLD);
	end();
}

/* The same rows under other ticket names: the same ones are dropped. */
static void test_h5_names_of_tickets_change_nothing(void **state)
{
	struct row out[2][BUFFER_ROWS_MAX], row = {.epoch = 5, .result = RESULT_PASS};
	size_t n[2];

	for (unsigned turn = 0; turn < 2; turn++) {
		struct row_buffer b = {0};

		for (unsigned i = 0; i < 23; i++) {
			row.bucket = 1 + i % 2;
			snprintf(row.target, sizeof(row.target), "t%u", i % 3);
			snprintf(row.ticket, sizeof(row.ticket), "%c%02u",
				 turn == 0 ? 'a' : 'z' - (char)(i % 7), i);
			row.ordinal = i;
			row_buffer_append(&b, &row);
		}
		assert_int_equal(row_buffer_collect(&b, out[turn], &n[turn], 5), 7);
		row_buffer_free(&b);
	}
	assert_int_equal(n[0], BUFFER_ROWS_MAX);
	for (unsigned i = 0; i < n[0]; i++) {
		bool found = false;

		for (unsigned k = 0; k < n[1]; k++)
			found |= out[0][i].ordinal == out[1][k].ordinal;
		assert_true(found);
	}
}

/* No artifacts of the class: never the other class, and the log alone names the ticket. */
static void test_h6_empty_class_is_no_eligible(void **state)
{
	begin();
	for (unsigned i = 0; i < 2; i++)
		desk.ticket[i].index_artifact_count = desk.ticket[i].symbol_artifact_count = 0;
	run();
	assert_int_equal(buffer.n, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(buffer.rows[i].result, RESULT_NO_ELIGIBLE_TICKET);
		assert_string_equal(buffer.rows[i].ticket, "");
		assert_string_equal(buffer.rows[i].key, "");
		assert_int_equal(buffer.rows[i].class, 0);
	}
	assert_int_equal(desk.out.n, 0);
	end();
}

static void test_l5_chosen_ticket_is_logged_not_reported(void **state)
{
	begin();
	desk.ticket[0].index_artifact_count = desk.ticket[0].symbol_artifact_count = 0;
	desk.ticket_count = 1; /* nothing old at all */
	run();
	assert_int_equal(buffer.n, 2);
	assert_string_equal(buffer.rows[0].ticket, "");
	assert_true(desk_logged(&desk, "no artifact of the drawn class"));
	assert_true(desk_logged(&desk, "ticket=new"));
	assert_true(desk_logged(&desk, "no eligible ticket for bucket"));
	assert_string_not_equal(buffer.rows[0].details, buffer.rows[1].details);
	end();
}

/* A ticket with one recorded count takes the number of its ids for the other. */
static void test_m10_one_count_is_enough(void **state)
{
	static char id[3][4] = {"i0", "i1", "i2"}, *ids[] = {id[0], id[1], id[2]};

	for (unsigned class = ASSAY_CLASS_INDEX; class <= ASSAY_CLASS_SYMBOL; class ++) {
		begin();
		for (unsigned i = 0; i < 2; i++) {
			struct ticket *t = &desk.ticket[i];

			*(class == ASSAY_CLASS_INDEX ? &t->symbol_artifact_count
						     : &t->index_artifact_count) = 0;
			t->rq_ids_ids = (struct texts){ids, 3};
		}
		run();
		assert_int_equal(buffer.n, 0);
		assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 1);
		end();
	}
}

/* Parameters beyond what any node answers make no question. */
static void test_c6_nothing_is_asked_beyond_the_caps(void **state)
{
	static const struct {
		unsigned k, length;
		bool asked;
	} cases[] = {{16, 1024, true}, {17, 1024, false}, {16, 1025, false}, {1, 1, true}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		desk.facts.k = cases[i].k;
		desk.facts.range_length = cases[i].length;
		run();
		desk_resolve(&desk, &challenge, RESOLVE_DONE);
		assert_int_equal(desk_count(&desk, EFFECT_ASK), cases[i].asked);
		assert_int_equal(desk.ctx.counters.internal_failures[EXAM_COMPUTE_OFFSETS],
				 !cases[i].asked);
		end();
	}
}

/* A filled slot stays filled, also after its row was collected; no second row comes. */
static void test_filled_slots_stay_filled(void **state)
{
	struct row rows[BUFFER_ROWS_MAX];
	size_t n;

	begin();
	run();
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	row_buffer_collect(&buffer, rows, &n, desk.facts.epoch);
	assert_int_equal(n, 2);
	challenge_round(&challenge, desk.now, &desk.out);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(buffer.n, 0);
	end();
}

/* Outcomes of an epoch that is over touch nothing. */
static void test_late_outcome_is_ignored(void **state)
{
	struct epoch_facts facts;
	struct effect ask;

	begin();
	run();
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	ask = desk_take(&desk, EFFECT_ASK);
	desk.facts.epoch++;
	desk.ctx.ledger.current(&desk, &facts);
	assert_int_equal(challenge_begin(&challenge, &facts, desk.now), 0);
	challenge_asked(&challenge, ask.cookie, &(struct ask_result){.outcome = ASK_PASS}, desk.now,
			&desk.out);
	assert_int_equal(buffer.n, 0);
	end();
}

/* Four targets at once, one slot of each; the fifth waits for one of them. */
static void test_targets_at_once(void **state)
{
	static const char *const names[] = {"t", "u", "v", "w", "x"};
	static char ids[10][8];

	begin();
	for (unsigned i = 1; i < 5; i++) {
		desk_target(&desk, names[i]);
		snprintf(ids[i], sizeof(ids[i]), "k%u", i);
		desk_ticket(&desk, ids[i], names[i], ASSAY_BUCKET_RECENT);
	}
	run();
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 4);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	/* Its other slot is next, and nothing of the fifth target. */
	assert_int_equal(desk_count(&desk, EFFECT_RESOLVE), 4);
	while (desk_count(&desk, EFFECT_RESOLVE) > 0) {
		desk_resolve(&desk, &challenge, RESOLVE_DONE);
		desk_answer(&desk, &challenge, ASK_PASS, NULL);
	}
	assert_true(challenge_complete(&challenge));
	assert_int_equal(buffer.n, 10);
	end();
}

/* The ledger goes on between a challenge and the report. */
static void test_review_takes_back_what_would_be_refused(void **state)
{
	begin();
	run();
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_PASS, NULL);
	desk_resolve(&desk, &challenge, RESOLVE_DONE);
	desk_answer(&desk, &challenge, ASK_TIMEOUT, NULL);
	assert_int_equal(challenge_review(&challenge), 0);
	assert_int_equal(buffer.n, 2);

	desk.ticket[0].state = TICKET_CLOSED;
	assert_int_equal(challenge_review(&challenge), 0);
	assert_int_equal(buffer.n, 1);
	assert_string_equal(buffer.rows[0].ticket, "old");
	assert_false(challenge_complete(&challenge));
	challenge_round(&challenge, desk.now, &desk.out);
	assert_int_equal(buffer.n, 2); /* nothing recent any more */
	assert_int_equal(buffer.rows[1].result, RESULT_NO_ELIGIBLE_TICKET);

	desk.ticket[1].ready_epoch = desk.facts.epoch; /* placed anew */
	assert_int_equal(challenge_review(&challenge), 0);
	assert_int_equal(buffer.n, 1);

	desk.target_count = 0; /* no longer assigned */
	assert_int_equal(challenge_review(&challenge), 0);
	assert_int_equal(buffer.n, 0);
	assert_true(challenge_complete(&challenge));
	end();
}

/* In a short epoch two calls fit into half of it. */
static void test_call_time_fits_the_epoch(void **state)
{
	assert_int_equal(challenge_call_ns(30000, 2400000), 30000 * NS_PER_MS);
	assert_int_equal(challenge_call_ns(30000, 4000), 1000 * NS_PER_MS);
	assert_int_equal(challenge_call_ns(30000, 0), 30000 * NS_PER_MS);
}

/* The ledger's words, never its texts. */
static void test_h9_verdicts_are_typed(void **state)
{
	static const struct {
		struct entry_outcome outcome;
		enum ledger_says says;
	} cases[] = {
		{{ENTRY_VERDICT_CAME, VERDICT_OK, ""}, SAYS_ACCEPTED},
		{{ENTRY_OPEN, 0, ""}, SAYS_TRANSIENT},
		{{ENTRY_OPEN, VERDICT_DUPLICATE_REPORT, ""}, SAYS_TRANSIENT},
		{{ENTRY_EXPIRED, 0, ""}, SAYS_REFUSED},
		{{ENTRY_VERDICT_CAME, VERDICT_DUPLICATE_REPORT, ""}, SAYS_REPORT_THERE},
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_EPOCH, ""}, SAYS_TOO_LATE},
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_RECHECK, "ALREADY_SUBMITTED"},
		 SAYS_RECHECK_THERE},
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_RECHECK, "LINK_CONFLICT"}, SAYS_RECHECK_FOREIGN},
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_RECHECK, "NOT_ELIGIBLE"}, SAYS_REFUSED},
		/* Look-alikes. */
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_RECHECK, "recheck evidence already submitted"},
		 SAYS_REFUSED},
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_PROOFS, "ALREADY_SUBMITTED"}, SAYS_REFUSED},
		{{ENTRY_VERDICT_CAME, VERDICT_BAD_PROOFS,
		  "report already submitted for this epoch"},
		 SAYS_REFUSED},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(classify_verdict(&cases[i].outcome), cases[i].says);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_h3_before_derivation_no_row),
		cmocka_unit_test(test_h3_listing_failure_leaves_both_slots_open),
		cmocka_unit_test(test_h3_after_derivation_always_a_row),
		cmocka_unit_test(test_own_trouble_gives_no_row),
		cmocka_unit_test(test_h4_no_row_without_signature),
		cmocka_unit_test(test_h5_names_of_tickets_change_nothing),
		cmocka_unit_test(test_h6_empty_class_is_no_eligible),
		cmocka_unit_test(test_l5_chosen_ticket_is_logged_not_reported),
		cmocka_unit_test(test_m10_one_count_is_enough),
		cmocka_unit_test(test_c6_nothing_is_asked_beyond_the_caps),
		cmocka_unit_test(test_filled_slots_stay_filled),
		cmocka_unit_test(test_late_outcome_is_ignored),
		cmocka_unit_test(test_targets_at_once),
		cmocka_unit_test(test_review_takes_back_what_would_be_refused),
		cmocka_unit_test(test_call_time_fits_the_epoch),
		cmocka_unit_test(test_h9_verdicts_are_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch end: who is postponed and comes back, what is healed and re-homed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "assay/status.h"
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

static void fact(struct bare *b, uint64_t epoch, const char *ticket, uint64_t class,
		 uint64_t bucket, uint64_t artifact_class)
{
	char key[KEY_ROOM];
	struct node_failure *f = table_put(b->state->tables, T_NODE_FAILURES,
					   key_format(key, "n/%020" PRIu64 "/%s/q", epoch, ticket));

	f->result_class = class;
	f->bucket = bucket;
	f->artifact_class = artifact_class;
}

static struct node_suspicion *suspect(struct bare *b, int64_t score)
{
	struct node_suspicion *n = table_put(b->state->tables, T_NODE_SUSPICION, "n");

	text_set(&n->account, "n");
	n->suspicion_score = score;
	n->last_updated_epoch = E;
	return n;
}

static void report(struct bare *b, const char *account, uint64_t epoch, const char *host)
{
	char key[KEY_ROOM];
	struct report *r = table_put(b->state->tables, T_REPORTS,
				     key_format(key, "%020" PRIu64 "/%s", epoch, account));

	text_set(&r->host, host);
}

static uint64_t state_of(struct bare *b, const char *account)
{
	return node_find(b->state, account)->state;
}

static void new_bare(struct bare *b)
{
	bare_new(b);
	set(b, "storage_truth_enforcement_mode", MODE_SOFT);
	set(b, "consecutive_epochs_to_postpone", 200);
	bare_node(b, "n", NODE_ACTIVE);
}

enum { NONE, POSTPONED, STRONG };

/* One row: the facts of n, its window counts and score, and what comes of it. */
static const struct {
	const char *name;
	int64_t score;
	struct {
		uint64_t epoch;
		const char *ticket;
		uint64_t class, bucket, artifact_class;
	} facts[5];
	uint64_t class_a_count, class_b_count, last_index;
	bool failed_heal;
	int outcome;
} predicates[] = {
	{"a recent class A and one more",
	 90,
	 {{E - 13, "k", 2, 1, 2}, {E, "k", 6, 2, 2}},
	 .outcome = POSTPONED},
	{"class A alone", 90, {{E, "k", 2, 1, 2}}, .outcome = NONE},
	{"class A is not recent", 90, {{E, "k", 2, 2, 2}, {E, "l", 4, 1, 2}}, .outcome = NONE},
	{"class A a day too old", 90, {{E - 14, "k", 2, 1, 2}, {E, "k", 6, 2, 2}}, .outcome = NONE},
	{"no facts but counts", 90, .class_a_count = 1, .class_b_count = 1, .outcome = POSTPONED},
	{"no facts, counts of one kind", 90, .class_a_count = 0, .class_b_count = 9,
	 .outcome = NONE},
	{"counts do not help beside facts",
	 90,
	 {{E, "k", 6, 1, 2}},
	 .class_a_count = 5,
	 .outcome = NONE},
	{"four timeouts",
	 90,
	 {{E - 6, "k", 3, 1, 2}, {E, "k", 3, 1, 2}, {E, "l", 3, 2, 2}, {E, "m", 3, 2, 2}},
	 .outcome = POSTPONED},
	{"four timeouts, one too old",
	 90,
	 {{E - 7, "k", 3, 1, 2}, {E, "k", 3, 1, 2}, {E, "l", 3, 2, 2}, {E, "m", 3, 2, 2}},
	 .outcome = NONE},
	{"old class A on two tickets",
	 90,
	 {{E - 20, "k", 2, 2, 2}, {E, "l", 7, 2, 2}},
	 .outcome = POSTPONED},
	{"old class A on one ticket",
	 90,
	 {{E - 20, "k", 2, 2, 2}, {E, "k", 2, 2, 2}},
	 .outcome = NONE},
	{"score below the threshold", 89, {{E, "k", 2, 1, 2}, {E, "l", 2, 1, 2}}, .outcome = NONE},
	{"strong: class A on two tickets",
	 140,
	 {{E, "k", 2, 4, 0}, {E, "l", 7, 4, 0}},
	 .outcome = STRONG},
	{"strong: class A on one ticket",
	 140,
	 {{E, "k", 2, 1, 2}, {E - 1, "k", 2, 1, 2}},
	 .outcome = NONE},
	{"strong does not fall back", 140, {{E, "k", 2, 1, 2}, {E, "l", 6, 1, 2}}, .outcome = NONE},
	{"strong: counts without class A facts",
	 140,
	 {{E, "k", 3, 1, 2}},
	 .class_a_count = 2,
	 .outcome = STRONG},
	{"strong: an index artifact", 140, {{E - 13, "k", 3, 1, 1}}, .outcome = STRONG},
	{"strong: index failure remembered", 140, .last_index = E - 13, .outcome = STRONG},
	{"strong: index failure long ago", 140, .last_index = E - 14, .outcome = NONE},
	{"strong: a heal that failed", 140, .failed_heal = true, .outcome = STRONG},
	{"a heal that failed is not enough below", 139, .failed_heal = true, .outcome = NONE},
};

static void test_predicates(void **unused)
{
	for (size_t i = 0; i < sizeof(predicates) / sizeof(predicates[0]); i++) {
		struct bare b;
		struct node_suspicion *n;
		struct postponement *mark;
		char key[KEY_ROOM];
		int outcome;

		new_bare(&b);
		n = suspect(&b, predicates[i].score);
		n->class_a_count_window = predicates[i].class_a_count;
		n->class_b_count_window = predicates[i].class_b_count;
		n->last_index_fail_epoch = predicates[i].last_index;
		n->clean_pass_count = 4;
		for (int j = 0; j < 5 && predicates[i].facts[j].ticket != NULL; j++)
			fact(&b, predicates[i].facts[j].epoch, predicates[i].facts[j].ticket,
			     predicates[i].facts[j].class, predicates[i].facts[j].bucket,
			     predicates[i].facts[j].artifact_class);
		if (predicates[i].failed_heal)
			table_put(b.state->tables, T_FAILED_HEALS,
				  key_format(key, "n/%020d/k", E - 13));
		enforce(b.state, E);
		mark = table_find(b.state->tables, T_POSTPONEMENTS, "n");
		outcome = mark == NULL ? NONE : mark->strong ? STRONG : POSTPONED;
		if (outcome != predicates[i].outcome)
			fail_msg("%s: outcome %d", predicates[i].name, outcome);
		assert_int_equal(state_of(&b, "n"), mark == NULL ? NODE_ACTIVE : NODE_POSTPONED);
		assert_int_equal(n->clean_pass_count_at_postpone, mark == NULL ? 0 : 4);
		bare_free(&b);
	}
}

static void test_shadow_only_says(void **unused)
{
	struct bare b;
	json_t *events;

	new_bare(&b);
	set(&b, "storage_truth_enforcement_mode", MODE_SHADOW);
	suspect(&b, 500);
	fact(&b, E, "k", 2, 1, 1);
	fact(&b, E, "l", 2, 1, 1);
	enforce(b.state, E);
	events = bare_take_events(&b);
	assert_int_equal(json_array_size(events), 1);
	assert_string_equal(json_string_value(json_array_get(events, 0)),
			    "storage_truth_band_strong_postpone_candidate");
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);
	json_decref(events);
	bare_free(&b);
}

static struct postponement *postpone(struct bare *b, bool strong)
{
	struct postponement *mark = table_put(b->state->tables, T_POSTPONEMENTS, "n");

	mark->strong = strong;
	bare_node(b, "n", NODE_POSTPONED);
	return mark;
}

static void test_recovery(void **unused)
{
	static const struct {
		int64_t score;
		uint64_t passes, at_postpone, class_a, last_pass;
		bool strong, back;
	} cases[] = {
		{19, 3, 0, 0, 0, false, true},	  {20, 3, 0, 0, 0, false, false},
		{19, 5, 3, 0, 0, false, false},	  {19, 2, 9, 0, 0, false, false},
		{19, 3, 0, 0, 0, true, false},	  {19, 5, 0, 0, 0, true, true},
		{19, 3, 0, 20, 20, false, false}, {19, 3, 0, 20, 21, false, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bare b;
		struct node_suspicion *n;

		new_bare(&b);
		postpone(&b, cases[i].strong);
		n = suspect(&b, cases[i].score);
		n->clean_pass_count = cases[i].passes;
		n->clean_pass_count_at_postpone = cases[i].at_postpone;
		n->last_class_a_epoch = cases[i].class_a;
		n->last_clean_pass_epoch = cases[i].last_pass;
		enforce(b.state, E);
		if ((state_of(&b, "n") == NODE_ACTIVE) != cases[i].back)
			fail_msg("case %zu", i);
		bare_free(&b);
	}
}

static void test_recovers_full(void **unused)
{
	struct bare b;

	new_bare(&b);
	set(&b, "min_disk_free_percent", 20);
	postpone(&b, false);
	report(&b, "n", E, "{\"disk\":8001}");
	enforce(b.state, E); /* no record of suspicion: nothing to wait for */
	assert_int_equal(state_of(&b, "n"), NODE_STORAGE_FULL);
	assert_int_equal(table_count(b.state->tables, T_POSTPONEMENTS), 0);
	bare_free(&b);
}

/* --- the one ordinary rule --- */

static void test_absent(void **unused)
{
	struct bare b;

	new_bare(&b);
	set(&b, "consecutive_epochs_to_postpone", 2);
	enforce(b.state, 0);
	enforce(b.state, 1); /* epoch 0 does not count */
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);
	enforce(b.state, 2);
	assert_int_equal(state_of(&b, "n"), NODE_POSTPONED);
	assert_int_equal(node_find(b.state, "n")->absent_epoch, 2);
	enforce(b.state, 3);
	assert_int_equal(state_of(&b, "n"), NODE_POSTPONED);
	report(&b, "n", 4, "{\"disk\":1}");
	enforce(b.state, 4);
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);
	assert_int_equal(node_find(b.state, "n")->absent_epoch, 0);
	enforce(b.state, 5); /* 4 has a report */
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);
	node_find(b.state, "n")->added_epoch = 5;
	enforce(b.state, 6);
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);
	bare_node(&b, "n", NODE_STORAGE_FULL);
	enforce(b.state, 7);
	assert_int_equal(state_of(&b, "n"), NODE_POSTPONED);
	bare_node(&b, "n", NODE_STOPPED); /* not of the rule's concern */
	enforce(b.state, 8);
	assert_int_equal(state_of(&b, "n"), NODE_STOPPED);
	bare_free(&b);
}

/* Each reason ends by its own rule; the node is back when both have ended. */
static void test_both_reasons(void **unused)
{
	struct bare b;
	struct node_suspicion *n;

	new_bare(&b);
	postpone(&b, false);
	node_find(b.state, "n")->absent_epoch = E - 1;
	n = suspect(&b, 50);
	report(&b, "n", E, "{}");
	enforce(b.state, E);
	assert_int_equal(node_find(b.state, "n")->absent_epoch, 0);
	assert_int_equal(state_of(&b, "n"), NODE_POSTPONED);
	n->suspicion_score = 0;
	n->clean_pass_count = 3;
	enforce(b.state, E + 1); /* no report needed for suspicion */
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);

	postpone(&b, false);
	node_find(b.state, "n")->absent_epoch = E + 1;
	enforce(b.state, E + 2);
	assert_int_equal(table_count(b.state->tables, T_POSTPONEMENTS), 0);
	assert_int_equal(state_of(&b, "n"), NODE_POSTPONED);
	report(&b, "n", E + 3, "{}");
	enforce(b.state, E + 3);
	assert_int_equal(state_of(&b, "n"), NODE_ACTIVE);
	bare_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predicates), cmocka_unit_test(test_shadow_only_says),
		cmocka_unit_test(test_recovery),   cmocka_unit_test(test_recovers_full),
		cmocka_unit_test(test_absent),	   cmocka_unit_test(test_both_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random networks: what must hold after every message, a model of the heal ops, and that nothing
 * but the messages decides what the state becomes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "base/must.h"
#include "ledger/heal.h"
#include "ledger/play.h"
#include "ledger/scores.h"

#define STEPS 3000

/* --- what must hold --- */

static void check_op(struct play *p, struct heal_op *op)
{
	struct state *s = p->bare.state;

	assert_true(op->status >= HEAL_SCHEDULED && op->status <= HEAL_EXPIRED);
	assert_true(op->id < state_meta(s)->next_heal_op_id);
	assert_true(op->verifiers.n >= 1 && op->verifiers.n <= 5);
	assert_false(texts_have(&op->verifiers, op->healer));
	for (size_t i = 0; i < op->verifiers.n; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(op->verifiers.at[i], op->verifiers.at[j]);
	if (!heal_op_final(op)) {
		struct ticket *t = ticket_find(s, op->ticket);

		assert_ptr_equal(heal_op_open(s, op->ticket), op);
		assert_true(t == NULL || t->state == TICKET_OPEN);
		assert_true(op->deadline_epoch >= p->epoch);
	}
}

static void check_scores(struct play *p)
{
	struct tables *t = p->bare.state->tables;
	struct ticket_deterioration *d = table_first(t, T_TICKET_DETERIORATION);
	struct reporter_reliability *r = table_first(t, T_REPORTER_RELIABILITY);
	struct node_suspicion *n = table_first(t, T_NODE_SUSPICION);

	for (; d != NULL; d = table_next(t, d)) {
		struct heal_op *op = heal_op_find(p->bare.state, d->active_heal_op_id);

		assert_true(d->deterioration_score >= 0);
		assert_true(d->active_heal_op_id == 0 || (op != NULL && !heal_op_final(op) &&
							  strcmp(op->ticket, d->record.key) == 0));
	}
	for (; r != NULL; r = table_next(t, r)) {
		assert_true(r->reliability_score >= 0);
		assert_int_equal(r->trust_band, score_trust_band(state_params(p->bare.state),
								 r->reliability_score));
		assert_true(r->last_updated_epoch <= p->epoch);
	}
	for (; n != NULL; n = table_next(t, n)) {
		assert_true(n->suspicion_score >= 0 && n->last_updated_epoch <= p->epoch);
		assert_true(n->class_a_count_window + n->class_b_count_window <=
			    n->distinct_ticket_fail_window);
	}
}

/* Every record is in its second orders once, and each order ascends. */
static void check_index(struct play *p)
{
	struct tables *t = p->bare.state->tables;
	struct index *x = &state_scores(p->bare.state)->index;
	size_t n = 0;

	for (struct transcript_record *r = index_transcript_from(x, "", 0, 0); r != NULL;
	     r = index_transcript_next(r), n++)
		assert_ptr_equal(table_find(t, T_TRANSCRIPTS, r->record.key), r);
	assert_int_equal(n, table_count(t, T_TRANSCRIPTS));
	n = 0;
	for (struct reporter_result *r = index_result_from(x, "", "", 0); r != NULL;
	     r = index_result_next(r), n++)
		assert_ptr_equal(table_find(t, T_REPORTER_RESULTS, r->record.key), r);
	assert_int_equal(n, table_count(t, T_REPORTER_RESULTS));
	n = 0;
	for (struct heal_op *op = index_op_of_ticket(x, "", 0); op != NULL;
	     op = index_op_of_ticket_next(op))
		n++;
	assert_int_equal(n, table_count(t, T_HEAL_OPS));
	n = 0;
	for (int status = HEAL_SCHEDULED; status <= HEAL_EXPIRED; status++)
		for (struct heal_op *op = index_op_of_status(x, status, 0);
		     op != NULL && op->status == (uint64_t)status; op = index_op_of_status_next(op))
			n++;
	assert_int_equal(n, table_count(t, T_HEAL_OPS));
}

static void check_node(struct play *p, struct node *node)
{
	struct tables *t = p->bare.state->tables;
	bool marked = table_find(t, T_POSTPONEMENTS, node->record.key) != NULL;

	if (node->state == NODE_ACTIVE || node->state == NODE_STORAGE_FULL)
		assert_true(!marked && node->absent_epoch == 0);
	if (node->state == NODE_POSTPONED)
		assert_true(marked || node->absent_epoch != 0);
}

static void check_all(struct play *p)
{
	struct tables *t = p->bare.state->tables;

	for (struct heal_op *op = table_first(t, T_HEAL_OPS); op != NULL; op = table_next(t, op))
		check_op(p, op);
	for (struct node *n = table_first(t, T_NODES); n != NULL; n = table_next(t, n))
		check_node(p, n);
	check_scores(p);
	check_index(p);
}

/* Nothing older than what is kept, after an epoch's end. */
static void check_pruned(struct play *p)
{
	struct tables *t = p->bare.state->tables;
	uint64_t first = above(p->epoch, state_params(p->bare.state)->keep_last_epoch_entries);
	struct transcript_record *r = table_first(t, T_TRANSCRIPTS);
	struct node_failure *f = table_first(t, T_NODE_FAILURES);
	struct reporter_result *q = table_first(t, T_REPORTER_RESULTS);
	struct report *report = table_first(t, T_REPORTS);

	for (; r != NULL; r = table_next(t, r))
		assert_true(r->epoch >= first);
	for (; f != NULL; f = table_next(t, f))
		assert_true(f->epoch >= first);
	for (; q != NULL; q = table_next(t, q))
		assert_true(q->epoch >= first);
	assert_true(report == NULL || report->epoch >= first);
}

/* --- a model of one op's life --- */

struct model_op {
	uint64_t id, verifiers, status;
	unsigned for_it, against;
	bool voted[8];
};
struct model {
	struct model_op ops[4096];
	size_t n;
};

static struct model_op *model_find(struct model *m, uint64_t id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->ops[i].id == id)
			return &m->ops[i];
	return NULL;
}

/* What the votes that are recorded make of an op, told from scratch. */
static void model_follow(struct model *m, struct play *p, struct heal_op *op)
{
	struct model_op *o = model_find(m, op->id);
	unsigned for_it = 0, against = 0;
	bool was_final;

	if (o == NULL) {
		must(m->n < 4096);
		o = &m->ops[m->n++];
		*o = (struct model_op){op->id, op->verifiers.n, HEAL_SCHEDULED, 0, 0, {0}};
	}
	was_final = o->status >= HEAL_VERIFIED;
	assert_int_equal(o->verifiers, op->verifiers.n);
	for (size_t i = 0; i < op->verifiers.n; i++) {
		char key[KEY_ROOM];
		struct heal_vote *v = table_find(
			p->bare.state->tables, T_HEAL_VOTES,
			key_format(key, "%020" PRIu64 "/%s", op->id, op->verifiers.at[i]));

		assert_false(o->voted[i] && v == NULL); /* no vote is taken back */
		o->voted[i] = v != NULL;
		for_it += v != NULL && v->verified;
		against += v != NULL && !v->verified;
	}
	/* After the end nobody votes, and nobody turns a vote around. */
	assert_true(for_it >= o->for_it && against >= o->against);
	assert_true(!was_final || (for_it == o->for_it && against == o->against));
	o->for_it = for_it;
	o->against = against;
	/* Only forwards, and never out of an end. */
	assert_true(op->status >= o->status);
	assert_true(!was_final || op->status == o->status);
	o->status = op->status;
	if (2 * against > o->verifiers)
		assert_int_equal(op->status, HEAL_FAILED);
	else if (2 * for_it > o->verifiers)
		assert_int_equal(op->status, HEAL_VERIFIED);
	else
		assert_true(op->status != HEAL_FAILED && op->status != HEAL_VERIFIED);
	assert_true(op->status != HEAL_SCHEDULED || for_it + against == 0);
}

static void test_invariants(void **unused)
{
	static struct model model;
	unsigned healed = 0, failed = 0, expired = 0, refused = 0, reports = 0, rechecks = 0,
		 enforced = 0, recovered = 0;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct play p;
		struct play_step step;

		memset(&model, 0, sizeof(model));
		play_new(&p, seed, 9, 12);
		for (int i = 0; i < STEPS; i++) {
			struct heal_op *op;

			play_step(&p, &step);
			refused += step.code != 0;
			op = table_first(p.bare.state->tables, T_HEAL_OPS);
			for (; op != NULL; op = table_next(p.bare.state->tables, op))
				model_follow(&model, &p, op);
			if (strcmp(step.what, "epoch") == 0) {
				check_all(&p);
				check_pruned(&p);
			}
		}
		for (size_t i = 0; i < model.n; i++) {
			healed += model.ops[i].status == HEAL_VERIFIED;
			failed += model.ops[i].status == HEAL_FAILED;
			expired += model.ops[i].status == HEAL_EXPIRED;
		}
		reports += play_seen(&p, "report");
		rechecks += play_seen(&p, "storage_truth_recheck_evidence_submitted");
		enforced += play_seen(&p, "storage_truth_enforced");
		recovered += play_seen(&p, "storage_truth_recovered");
		play_free(&p);
	}
	/* The networks went through everything that is checked. */
	assert_true(healed > 20 && failed > 20 && expired > 20);
	assert_true(refused > 500 && reports > 500 && rechecks > 100);
	assert_true(enforced > 5 && recovered > 1);
}

/* --- refused messages, determinism --- */

/* Fails with the first line that differs. */
static void same_text(const char *a, const char *b)
{
	size_t at = 0, line = 0;

	for (; a[at] == b[at] && a[at] != '\0'; at++)
		if (a[at] == '\n')
			line = at + 1;
	if (a[at] != b[at])
		fail_msg("%.*s\n%.*s", (int)strcspn(a + line, "\n"), a + line,
			 (int)strcspn(b + line, "\n"), b + line);
}

static void test_refused_changes_nothing(void **unused)
{
	struct buf before = {0}, after = {0};
	struct play_step step;
	struct play p;
	unsigned refused = 0;

	play_new(&p, 77, 7, 8);
	for (int i = 0; i < 600; i++) {
		buf_clear(&before);
		bare_dump(&before, &p.bare);
		play_step(&p, &step);
		if (step.code == 0)
			continue;
		refused++;
		buf_clear(&after);
		bare_dump(&after, &p.bare);
		same_text(before.at, after.at);
	}
	assert_true(refused > 50);
	buf_free(&before);
	buf_free(&after);
	play_free(&p);
}

/* The same messages on a state that is made anew from its dump now and then: the same bytes. */
static void test_same_bytes(void **unused)
{
	struct buf a = {0}, b = {0};

	for (uint64_t seed = 11; seed <= 13; seed++) {
		struct play straight, reloaded;
		struct play_step one, two;
		uint8_t hash[2][32];

		play_new(&straight, seed, 8, 10);
		play_new(&reloaded, seed, 8, 10);
		for (int i = 0; i < 800; i++) {
			play_step(&straight, &one);
			if (i % 37 == (int)seed)
				play_reload(&reloaded);
			play_step(&reloaded, &two);
			assert_string_equal(one.what, two.what);
			assert_int_equal(one.code, two.code);
			if (strcmp(one.what, "epoch") != 0)
				continue;
			buf_clear(&a);
			buf_clear(&b);
			bare_dump(&a, &straight.bare);
			bare_dump(&b, &reloaded.bare);
			same_text(a.at, b.at);
			state_hash(straight.bare.state, hash[0]);
			state_hash(reloaded.bare.state, hash[1]);
			assert_memory_equal(hash[0], hash[1], 32);
		}
		play_free(&straight);
		play_free(&reloaded);
	}
	buf_free(&a);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invariants),
		cmocka_unit_test(test_refused_changes_nothing),
		cmocka_unit_test(test_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

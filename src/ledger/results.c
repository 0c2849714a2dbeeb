/* SPDX-License-Identifier: Apache-2.0 */
/* What the results of an accepted report do to the scores, one after the other. */
#include <inttypes.h>
#include <string.h>

#include "ledger/scores.h"

#define DISTINCT_TICKETS_TWO   10
#define DISTINCT_TICKETS_THREE 15
#define OTHER_HOLDER	       10 /* a ticket fails on another holder than last time */
#define SAME_HOLDER	       6
#define BOTH_BUCKETS	       12
#define CROSS_HOLDER_PASS      (-3)
#define CONTRADICTED_REPORTER  12
#define FAILURE_GAP_MIN	       2

/* One result on its way. */
struct outcome {
	const struct result *r;
	const char *reporter;
	uint64_t epoch;
	bool pass, failure;
	struct score_deltas delta;
	bool contradiction;
	const char *contradicted; /* who reported the failure before; "" nobody */
};

static uint64_t pattern_start(struct state *s, uint64_t epoch)
{
	return score_window_start(epoch, state_params(s)->storage_truth_pattern_escalation_window);
}

/* Failures of one target in the pattern window, with the present one among them. */
struct pattern {
	const char *tickets[3];
	unsigned ticket_count; /* distinct, 3 stands for more */
	bool recent, old;
};

static void pattern_add(struct pattern *p, const char *ticket, uint64_t bucket)
{
	p->recent |= bucket == ASSAY_BUCKET_RECENT;
	p->old |= bucket == ASSAY_BUCKET_OLD;
	for (unsigned i = 0; i < p->ticket_count; i++)
		if (strcmp(p->tickets[i], ticket) == 0)
			return;
	if (p->ticket_count < 3)
		p->tickets[p->ticket_count++] = ticket;
}

static struct pattern pattern_of(struct state *s, const struct outcome *o)
{
	struct tables *t = state_tables(s);
	struct pattern p = {0};
	char prefix[KEY_ROOM], key[KEY_ROOM];
	struct node_failure *f;

	pattern_add(&p, o->r->ticket, o->r->bucket);
	if (*o->r->target == '\0')
		return p;
	key_format(prefix, "%s/", o->r->target);
	f = table_from(t, T_NODE_FAILURES,
		       key_format(key, "%s/%020" PRIu64, o->r->target, pattern_start(s, o->epoch)));
	for (; record_within(f, prefix) && f->epoch <= o->epoch; f = table_next(t, f)) {
		pattern_add(&p, f->ticket, f->bucket);
		if (p.ticket_count == 3 && p.recent && p.old)
			break;
	}
	return p;
}

/* A failure weighs more when it is part of a pattern. Never scaled by trust. */
static void add_bonuses(struct state *s, struct outcome *o, const struct ticket_deterioration *old)
{
	struct pattern p = pattern_of(s, o);

	if (p.ticket_count == 2)
		o->delta.node = score_add(o->delta.node, DISTINCT_TICKETS_TWO);
	if (p.ticket_count >= 3)
		o->delta.node = score_add(o->delta.node, DISTINCT_TICKETS_THREE);
	if (old != NULL && o->epoch != old->last_failure_epoch && old->last_target != NULL)
		o->delta.ticket +=
			strcmp(old->last_target, o->r->target) != 0 ? OTHER_HOLDER : SAME_HOLDER;
	if (*o->r->target != '\0' && p.recent && p.old)
		o->delta.node = score_add(o->delta.node, BOTH_BUCKETS);
}

/* Has somebody else seen this target prove this ticket lately, or a recheck? */
static bool passed_elsewhere(struct state *s, const struct outcome *o)
{
	struct index *x = &state_scores(s)->index;
	uint64_t first = score_window_start(
		o->epoch, state_params(s)->storage_truth_contradiction_window_epochs);
	struct reporter_result *f = index_result_from(x, o->r->target, o->r->ticket, first);
	struct transcript_record *t =
		index_transcript_from(x, o->r->target, ASSAY_BUCKET_RECHECK, first);

	for (; f != NULL && f->epoch <= o->epoch && strcmp(f->target, o->r->target) == 0 &&
	       strcmp(f->ticket, o->r->ticket) == 0;
	     f = index_result_next(f))
		if (f->result_class == RESULT_PASS && strcmp(f->reporter, o->reporter) != 0)
			return true;
	for (; t != NULL && t->epoch <= o->epoch && t->bucket == ASSAY_BUCKET_RECHECK &&
	       strcmp(text_of(t->target), o->r->target) == 0;
	     t = index_transcript_next(t))
		if (t->result_class == RESULT_PASS && strcmp(text_of(t->ticket), o->r->ticket) == 0)
			return true;
	return false;
}

/* A pass right after a failure of the same target, confirmed by others: the failure was none. */
static void find_contradiction(struct state *s, struct outcome *o,
			       const struct ticket_deterioration *old)
{
	if (old == NULL || strcmp(text_of(old->last_target), o->r->target) != 0 ||
	    old->last_result_epoch > o->epoch || !result_failure(old->last_result_class))
		return;
	o->contradiction = passed_elsewhere(s, o);
	if (o->contradiction && strcmp(text_of(old->last_reporter), o->reporter) != 0)
		o->contradicted = text_of(old->last_reporter);
}

static void scale_by_trust(struct state *s, struct outcome *o)
{
	int64_t percent = score_trust_percent(reporter_reliability_at(s, o->reporter, o->epoch));

	if (o->delta.node > 0)
		o->delta.node = score_scale(o->delta.node, percent, 100);
	if (o->delta.ticket > 0)
		o->delta.ticket = score_scale(o->delta.ticket, percent, 100);
}

/* All but the base deltas. */
static void weigh(struct state *s, struct outcome *o)
{
	const struct ticket_deterioration *old;

	if (o->r->bucket == ASSAY_BUCKET_RECHECK)
		return;
	if (o->r->class == RESULT_HASH_MISMATCH)
		scale_by_trust(s, o);
	if (*o->r->ticket == '\0')
		return;
	old = table_find(state_tables(s), T_TICKET_DETERIORATION, o->r->ticket);
	if (o->failure)
		add_bonuses(s, o, old);
	else if (o->pass)
		find_contradiction(s, o, old);
}

static void count_node_failure(struct node_suspicion *n, const struct params *p,
			       const struct outcome *o)
{
	if (o->r->bucket == ASSAY_BUCKET_RECENT)
		n->last_recent_fail_epoch = o->epoch;
	if (o->r->bucket == ASSAY_BUCKET_OLD)
		n->last_old_fail_epoch = o->epoch;
	if (o->r->artifact_class == ASSAY_CLASS_INDEX)
		n->last_index_fail_epoch = o->epoch;
	if (above(o->epoch, n->window_start_epoch) >= p->storage_truth_pattern_escalation_window) {
		n->window_start_epoch = o->epoch;
		n->distinct_ticket_fail_window = 0;
		n->class_a_count_window = n->class_b_count_window = 0;
	}
	n->distinct_ticket_fail_window++;
	if (result_class_a(o->r->class)) {
		n->class_a_count_window++;
		n->last_class_a_epoch = o->epoch;
		n->clean_pass_count = 0;
	}
	if (result_class_b(o->r->class)) {
		n->class_b_count_window++;
		n->last_class_b_epoch = o->epoch;
	}
}

static int64_t suspicion_at(const struct params *p, const struct node_suspicion *n, uint64_t epoch)
{
	return score_decay(n->suspicion_score, p->storage_truth_node_suspicion_decay_per_epoch,
			   above(epoch, n->last_updated_epoch));
}

int64_t node_suspicion_at(struct state *s, const char *account, uint64_t epoch)
{
	struct node_suspicion *n = table_find(state_tables(s), T_NODE_SUSPICION, account);

	return n == NULL ? 0 : suspicion_at(state_params(s), n, epoch);
}

static void score_node(struct state *s, const struct outcome *o)
{
	const struct params *p = state_params(s);
	struct node_suspicion *n = table_find(state_tables(s), T_NODE_SUSPICION, o->r->target);
	int64_t score;

	if (*o->r->target == '\0' || (n == NULL && o->delta.node == 0))
		return;
	n = table_put(state_tables(s), T_NODE_SUSPICION, o->r->target);
	text_set(&n->account, o->r->target);
	score = score_add(suspicion_at(p, n, o->epoch), o->delta.node);
	n->suspicion_score = score > 0 ? score : 0;
	n->last_updated_epoch = o->epoch;
	if (o->pass) {
		n->clean_pass_count++;
		n->last_clean_pass_epoch = o->epoch;
	}
	if (o->failure)
		count_node_failure(n, p, o);
}

static void record_facts(struct state *s, const struct outcome *o)
{
	struct tables *t = state_tables(s);
	struct index *x = &state_scores(s)->index;
	char key[KEY_ROOM];

	if (*o->r->target == '\0' || *o->r->ticket == '\0')
		return;
	if (o->r->bucket != ASSAY_BUCKET_RECHECK && *o->reporter != '\0') {
		key_format(key, "%s/%020" PRIu64 "/%s/%s", o->reporter, o->epoch, o->r->ticket,
			   o->r->target);
		bool known = table_find(t, T_REPORTER_RESULTS, key) != NULL;
		struct reporter_result *f = table_put(t, T_REPORTER_RESULTS, key);

		f->result_class = o->r->class;
		f->confirmed = f->overturned = false;
		if (!known)
			index_add_result(x, f);
	}
	if (o->failure) {
		key_format(key, "%s/%020" PRIu64 "/%s/%s", o->r->target, o->epoch, o->r->ticket,
			   o->reporter);
		struct node_failure *f = table_put(t, T_NODE_FAILURES, key);

		f->result_class = o->r->class;
		f->bucket = o->r->bucket;
		f->artifact_class = o->r->artifact_class;
	}
}

static void count_ticket_failure(struct ticket_deterioration *d, const struct params *p, bool known,
				 const struct outcome *o)
{
	uint64_t gap_max = p->storage_truth_pattern_escalation_window;

	if (gap_max < FAILURE_GAP_MIN)
		gap_max = FAILURE_GAP_MIN;
	if (!known || o->epoch != d->last_failure_epoch) {
		if (above(o->epoch, d->last_failure_epoch) > gap_max)
			d->recent_failure_epoch_count = 0;
		d->recent_failure_epoch_count++;
	}
	d->last_failure_epoch = o->epoch;
	if (d->last_target != NULL && strcmp(d->last_target, o->r->target) != 0)
		d->distinct_holder_failure_count++;
	if (o->r->artifact_class == ASSAY_CLASS_INDEX)
		d->last_index_failure_epoch = o->epoch;
	if (o->r->bucket == ASSAY_BUCKET_RECENT)
		d->recent_bucket_failure_epoch = o->epoch;
	if (o->r->bucket == ASSAY_BUCKET_OLD)
		d->old_bucket_failure_epoch = o->epoch;
}

/* One of the two a pass and the other a failure. */
static bool contradict(uint64_t a, uint64_t b)
{
	return (a == RESULT_PASS && result_failure(b)) || (result_failure(a) && b == RESULT_PASS);
}

static void score_ticket(struct state *s, const struct outcome *o)
{
	const struct params *p = state_params(s);
	struct tables *t = state_tables(s);
	struct ticket_deterioration *d = table_find(t, T_TICKET_DETERIORATION, o->r->ticket);
	bool known = d != NULL;
	int64_t score;

	if (*o->r->ticket == '\0' || (!known && o->delta.ticket == 0))
		return;
	d = table_put(t, T_TICKET_DETERIORATION, o->r->ticket);
	text_set(&d->ticket, o->r->ticket);
	score = score_decay(d->deterioration_score,
			    p->storage_truth_ticket_deterioration_decay_per_epoch,
			    above(o->epoch, d->last_updated_epoch));
	score = score_add(score, o->delta.ticket);
	if (o->pass && d->last_target != NULL && strcmp(d->last_target, o->r->target) != 0 &&
	    result_failure(d->last_result_class))
		score = score_add(score, CROSS_HOLDER_PASS);
	d->deterioration_score = score > 0 ? score : 0;
	d->last_updated_epoch = o->epoch;
	if (o->contradiction && d->last_result_epoch <= o->epoch &&
	    strcmp(text_of(d->last_target), o->r->target) == 0 &&
	    contradict(d->last_result_class, o->r->class))
		d->contradiction_count++;
	if (o->failure)
		count_ticket_failure(d, p, known, o);
	text_set(&d->last_target, o->r->target);
	text_set(&d->last_reporter, o->reporter);
	d->last_result_class = o->r->class;
	d->last_result_epoch = o->epoch;
}

void scores_apply(struct state *s, const char *reporter, uint64_t epoch,
		  const struct result *results, size_t n)
{
	if (state_params(s)->storage_truth_enforcement_mode == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct result *r = &results[i];
		struct outcome o = {
			.r = r,
			.reporter = reporter,
			.epoch = epoch,
			.pass = r->class == RESULT_PASS,
			.failure = result_failure(r->class),
			.delta = score_base(r->class, r->bucket, r->artifact_class),
			.contradicted = "",
		};

		weigh(s, &o);
		score_node(s, &o);
		reporter_update(s, reporter, epoch, o.delta.reporter, o.contradiction);
		reporter_update(s, o.contradicted, epoch, CONTRADICTED_REPORTER, 1);
		record_facts(s, &o);
		score_ticket(s, &o);
	}
}

/* A transcript that is recorded already stays as it is: nobody can rewrite another one's row. */
static void record_transcript(struct state *s, const char *reporter, uint64_t epoch,
			      const struct result *r)
{
	struct tables *tables = state_tables(s);
	struct transcript_record *t;

	if (*r->transcript == '\0' || table_find(tables, T_TRANSCRIPTS, r->transcript) != NULL)
		return;
	t = table_put(tables, T_TRANSCRIPTS, r->transcript);
	t->epoch = epoch;
	text_set(&t->reporter, reporter);
	text_set(&t->target, r->target);
	text_set(&t->ticket, r->ticket);
	t->result_class = r->class;
	t->bucket = r->bucket;
	t->artifact_class = r->artifact_class;
	text_set(&t->artifact_key, r->key);
	t->ordinal = r->ordinal;
	t->count = r->count;
	text_set(&t->derivation, r->derivation);
	text_set(&t->sig, r->sig);
	t->recheck_eligible = result_recheckable(r->class);
	index_add_transcript(&state_scores(s)->index, t);
}

void results_apply(struct state *s, const char *reporter, uint64_t epoch,
		   const struct result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		record_transcript(s, reporter, epoch, &results[i]);
	scores_apply(s, reporter, epoch, results, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch end, first step: nodes are postponed and come back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ledger/epoch_end.h"
#include "ledger/scores.h"

#define CLASS_B_FAULTS_MIN 4
#define FAULTS_MIN	   2 /* of any kind beside a recent class A one; tickets with class A */

/* The failures of one node over a window, as far as the predicates ask. */
struct faults {
	uint64_t all, class_b;
	uint64_t class_a_tickets, class_a_old_tickets; /* distinct, 2 stands for more */
	bool class_a_recent, index;
};

/* Counts a ticket unless it is the one counted before; the count stays at 2. */
static void count_ticket(uint64_t *count, const char **first, const char *ticket)
{
	if (*count == 0)
		*first = ticket;
	if (*count < FAULTS_MIN && (*count == 0 || strcmp(*first, ticket) != 0))
		++*count;
}

static struct faults faults_of(struct state *s, const char *account, uint64_t epoch,
			       uint64_t window)
{
	struct tables *t = state_tables(s);
	struct faults faults = {0};
	const char *class_a = NULL, *class_a_old = NULL;
	char prefix[KEY_ROOM], key[KEY_ROOM];
	struct node_failure *f;

	key_format(prefix, "%s/", account);
	f = table_from(
		t, T_NODE_FAILURES,
		key_format(key, "%s/%020" PRIu64, account, score_window_start(epoch, window)));
	for (; record_within(f, prefix) && f->epoch <= epoch; f = table_next(t, f)) {
		faults.all++;
		faults.class_b += result_class_b(f->result_class);
		faults.index |= f->artifact_class == ASSAY_CLASS_INDEX;
		if (!result_class_a(f->result_class))
			continue;
		faults.class_a_recent |= f->bucket == ASSAY_BUCKET_RECENT;
		count_ticket(&faults.class_a_tickets, &class_a, f->ticket);
		if (f->bucket == ASSAY_BUCKET_OLD)
			count_ticket(&faults.class_a_old_tickets, &class_a_old, f->ticket);
	}
	return faults;
}

static bool healed_badly(struct state *s, const char *account, uint64_t epoch, uint64_t window)
{
	char prefix[KEY_ROOM], key[KEY_ROOM];
	struct failed_heal *f;

	key_format(prefix, "%s/", account);
	f = table_from(
		state_tables(s), T_FAILED_HEALS,
		key_format(key, "%s/%020" PRIu64, account, score_window_start(epoch, window)));
	return record_within(f, prefix) && f->epoch <= epoch;
}

static bool postpone_holds(struct state *s, const struct node_suspicion *n, uint64_t epoch)
{
	const struct params *p = state_params(s);
	const char *account = n->record.key;
	struct faults a = faults_of(s, account, epoch, p->storage_truth_class_a_fault_window);
	bool holds = a.class_a_recent && a.all >= FAULTS_MIN;

	if (a.all == 0)
		holds = n->class_a_count_window >= 1 &&
			n->class_a_count_window + n->class_b_count_window >= FAULTS_MIN;
	if (holds)
		return true;
	if (faults_of(s, account, epoch, p->storage_truth_class_b_fault_window).class_b >=
	    CLASS_B_FAULTS_MIN)
		return true;
	return faults_of(s, account, epoch, p->storage_truth_old_class_a_fault_window)
		       .class_a_old_tickets >= FAULTS_MIN;
}

static bool strong_holds(struct state *s, const struct node_suspicion *n, uint64_t epoch)
{
	uint64_t window = state_params(s)->storage_truth_class_a_fault_window;
	struct faults a = faults_of(s, n->record.key, epoch, window);
	uint64_t class_a = a.class_a_tickets > 0 ? a.class_a_tickets : n->class_a_count_window;

	return class_a >= FAULTS_MIN || a.index ||
	       (n->last_index_fail_epoch > 0 && above(epoch, n->last_index_fail_epoch) < window) ||
	       healed_badly(s, n->record.key, epoch, window);
}

/* Says the band; from SOFT on, postpones when the band's predicate holds too. */
static void judge_node(struct state *s, struct node *node, uint64_t epoch)
{
	static const char *const events[] = {
		[BAND_WATCH] = "storage_truth_band_watch",
		[BAND_PROBATION] = "storage_truth_band_probation",
		[BAND_POSTPONE] = "storage_truth_band_postpone_candidate",
		[BAND_STRONG] = "storage_truth_band_strong_postpone_candidate",
	};
	const struct params *p = state_params(s);
	const char *account = node->record.key;
	struct node_suspicion *n = table_find(state_tables(s), T_NODE_SUSPICION, account);
	int64_t score = node_suspicion_at(s, account, epoch);
	enum node_band band = score_node_band(p, score);
	struct postponement *mark;

	if (p->storage_truth_enforcement_mode == MODE_OFF || score <= 0 || band == BAND_NONE)
		return;
	state_event_named(s, events[band], account, NULL);
	if (p->storage_truth_enforcement_mode == MODE_SHADOW || band < BAND_POSTPONE)
		return;
	if (!(band == BAND_STRONG ? strong_holds(s, n, epoch) : postpone_holds(s, n, epoch)))
		return;
	mark = table_put(state_tables(s), T_POSTPONEMENTS, account);
	mark->epoch = epoch;
	mark->strong = band == BAND_STRONG;
	table_touch(state_tables(s), n);
	n->clean_pass_count_at_postpone = n->clean_pass_count;
	node_set_state(s, node, NODE_POSTPONED);
	state_event_named(s, "storage_truth_enforced", account, NULL);
}

static struct report *report_of(struct state *s, const char *account, uint64_t epoch)
{
	char key[KEY_ROOM];

	return table_find(state_tables(s), T_REPORTS,
			  key_format(key, "%020" PRIu64 "/%s", epoch, account));
}

/* No report for so many epochs, of which all count: after the bootstrap and after it joined. */
static bool absent(struct state *s, const struct node *node, uint64_t epoch)
{
	uint64_t n = state_params(s)->consecutive_epochs_to_postpone;

	if (n > epoch || epoch - n + 1 <= node->added_epoch)
		return false;
	for (uint64_t i = 0; i < n; i++)
		if (report_of(s, node->record.key, epoch - i) != NULL)
			return false;
	return true;
}

static void postpone_absent(struct state *s, struct node *node, uint64_t epoch)
{
	if (table_find(state_tables(s), T_POSTPONEMENTS, node->record.key) != NULL ||
	    !absent(s, node, epoch))
		return;
	table_touch(state_tables(s), node);
	node->absent_epoch = epoch;
	node_set_state(s, node, NODE_POSTPONED);
}

/* Suspicion went down, enough was proved since, and nothing of class A after it. */
static bool trusted_again(struct state *s, const struct postponement *mark, uint64_t epoch)
{
	const struct params *p = state_params(s);
	const char *account = mark->record.key;
	struct node_suspicion *n = table_find(state_tables(s), T_NODE_SUSPICION, account);
	uint64_t passes = mark->strong ? p->storage_truth_strong_recovery_clean_pass_count
				       : p->storage_truth_recovery_clean_pass_count;

	if (n == NULL)
		return true;
	if (score_node_band(p, node_suspicion_at(s, account, epoch)) != BAND_NONE)
		return false;
	return above(n->clean_pass_count, n->clean_pass_count_at_postpone) >= passes &&
	       (n->last_class_a_epoch == 0 || n->last_clean_pass_epoch > n->last_class_a_epoch);
}

/*
 * Each reason for a postponement ends by its own rule: suspicion when the node is trusted again,
 * absence with a report. The node is back when none is left; one without a reason reports too.
 */
static void recover_node(struct state *s, struct node *node, uint64_t epoch)
{
	struct tables *t = state_tables(s);
	struct postponement *mark = table_find(t, T_POSTPONEMENTS, node->record.key);
	struct report *report = report_of(s, node->record.key, epoch);
	bool trusted = mark == NULL || trusted_again(s, mark, epoch);
	bool present = report != NULL || (mark != NULL && node->absent_epoch == 0);

	if (report != NULL && node->absent_epoch != 0) {
		table_touch(t, node);
		node->absent_epoch = 0;
	}
	if (mark != NULL && trusted)
		table_remove(t, mark);
	if (!trusted || !present)
		return;
	node_set_state(s, node,
		       report != NULL && report_disk_full(s, report) ? NODE_STORAGE_FULL
								     : NODE_ACTIVE);
	if (mark != NULL)
		state_event_named(s, "storage_truth_recovered", node->record.key, NULL);
}

void enforce(struct state *s, uint64_t epoch)
{
	struct tables *t = state_tables(s);
	size_t n = 0, room = table_count(t, T_NODES);
	struct was {
		struct node *node;
		uint64_t state;
	} *list = calloc(room + 1, sizeof(*list));

	must(list != NULL);
	for (struct node *node = table_first(t, T_NODES); node != NULL; node = table_next(t, node))
		list[n++] = (struct was){node, node->state};
	for (size_t i = 0; i < n; i++) {
		if (list[i].state == NODE_ACTIVE)
			judge_node(s, list[i].node, epoch);
		if (list[i].state == NODE_ACTIVE || list[i].state == NODE_STORAGE_FULL)
			postpone_absent(s, list[i].node, epoch);
	}
	for (size_t i = 0; i < n; i++)
		if (list[i].state == NODE_POSTPONED)
			recover_node(s, list[i].node, epoch);
	free(list);
}

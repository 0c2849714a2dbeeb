/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch end: overdue heal ops expire, new ones are drawn. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ledger/epoch_end.h"
#include "ledger/heal.h"
#include "ledger/scores.h"

#define REPEATED_MIN                                                                 \
	2 /* holders that failed, or epochs with failures, for a ticket to be healed \
	   */

void heal_expire(struct state *s, uint64_t epoch)
{
	struct tables *t = state_tables(s);

	for (struct heal_op *op = table_first(t, T_HEAL_OPS); op != NULL; op = table_next(t, op)) {
		if (heal_op_final(op) || op->deadline_epoch == 0 || op->deadline_epoch > epoch)
			continue;
		heal_op_set_status(s, op, HEAL_EXPIRED);
		heal_op_charge(s, op, epoch);
		state_event_named(s, "storage_truth_heal_op_expired", op->healer, op->ticket);
	}
}

/* Accounts that may heal and verify, sorted. */
struct pool {
	const char **at;
	size_t n;
	size_t accounts;      /* looked at for it */
	uint64_t epoch, left; /* ops that may still be scheduled */
};

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void pool_offer(struct pool *pool, struct state *s, const char *account)
{
	const struct params *p = state_params(s);
	int64_t limit = (int64_t)p->storage_truth_node_suspicion_threshold_probation;

	pool->accounts++;
	if (table_find(state_tables(s), T_POSTPONEMENTS, account) == NULL &&
	    node_suspicion_at(s, account, pool->epoch) < limit)
		pool->at[pool->n++] = account;
}

static struct pool pool_new(struct state *s, uint64_t epoch)
{
	struct tables *t = state_tables(s);
	struct pool pool = {.epoch = epoch};
	char key[KEY_ROOM];
	struct anchor *anchor = table_find(t, T_ANCHORS, key_epoch(key, epoch));
	bool anchored = anchor != NULL && anchor->active.n > 0;
	size_t room = anchored ? anchor->active.n : table_count(t, T_NODES);

	pool.at = calloc(room + 1, sizeof(*pool.at));
	must(pool.at != NULL);
	pool.left = state_params(s)->storage_truth_max_self_heal_ops_per_epoch;
	for (size_t i = 0; anchored && i < anchor->active.n; i++)
		pool_offer(&pool, s, anchor->active.at[i]);
	for (struct node *n = anchored ? NULL : table_first(t, T_NODES); n != NULL;
	     n = table_next(t, n))
		if (n->state == NODE_ACTIVE)
			pool_offer(&pool, s, n->record.key);
	return pool;
}

/* The i-th of the pool without the one at skip. */
static const char *pool_pick(const struct pool *pool, size_t skip, size_t i)
{
	return pool->at[i < skip ? i : i + 1];
}

static struct heal_op *schedule(struct state *s, struct pool *pool, const char *ticket)
{
	const struct params *p = state_params(s);
	struct ticket_deterioration *d =
		table_find(state_tables(s), T_TICKET_DETERIORATION, ticket);
	const char *out = d != NULL ? text_of(d->last_target) : "";
	const char **at =
		pool->n == 0 ? NULL
			     : bsearch(&out, pool->at, pool->n, sizeof(*pool->at), compare_text);
	size_t skip = at != NULL ? (size_t)(at - pool->at) : pool->n;
	size_t n = pool->n - (at != NULL), picked[1 + HEAL_VERIFIERS_MAX], count;
	struct heal_op *op;

	if (n < 2) {
		state_event_named(s,
				  n == 0 ? "storage_truth_heal_op_insufficient_healers"
					 : "storage_truth_heal_op_insufficient_verifiers",
				  NULL, ticket);
		return NULL;
	}
	count = score_heal_pick(picked, ticket, pool->epoch, n,
				p->storage_truth_heal_verifier_count);
	op = heal_op_new(s, ticket, pool_pick(pool, skip, picked[0]), pool->epoch);
	for (size_t i = 1; i < count; i++)
		texts_add(&op->verifiers, pool_pick(pool, skip, picked[i]));
	if (d != NULL) {
		table_touch(state_tables(s), d);
		d->active_heal_op_id = op->id;
	}
	pool->left--;
	state_event_named(s, "storage_truth_heal_op_scheduled", op->healer, op->ticket);
	return op;
}

static bool closed(struct state *s, const char *id)
{
	struct ticket *ticket = ticket_find(s, id);

	return ticket != NULL && ticket->state == TICKET_CLOSED;
}

static bool wants_healing(struct state *s, struct ticket_deterioration *d, uint64_t epoch)
{
	const struct params *p = state_params(s);
	struct heal_op *active;

	if (d->deterioration_score <
		    (int64_t)p->storage_truth_ticket_deterioration_heal_threshold ||
	    d->probation_until_epoch > epoch || closed(s, d->record.key))
		return false;
	active = d->active_heal_op_id != 0 ? heal_op_find(s, d->active_heal_op_id) : NULL;
	if (active != NULL && !heal_op_final(active))
		return false;
	if (d->active_heal_op_id != 0) {
		table_touch(state_tables(s), d);
		d->active_heal_op_id = 0;
	}
	if (heal_op_open(s, d->record.key) != NULL)
		return false;
	return d->distinct_holder_failure_count >= REPEATED_MIN ||
	       d->last_index_failure_epoch > 0 || d->recent_failure_epoch_count >= REPEATED_MIN;
}

static int unsigned_order(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* The most urgent first. */
static int compare_urgency(const void *a, const void *b)
{
	const struct ticket_deterioration *x = *(struct ticket_deterioration *const *)a;
	const struct ticket_deterioration *y = *(struct ticket_deterioration *const *)b;
	int order;

	if (x->deterioration_score != y->deterioration_score)
		return x->deterioration_score > y->deterioration_score ? -1 : 1;
	order = unsigned_order(y->last_index_failure_epoch > 0, x->last_index_failure_epoch > 0);
	if (order == 0)
		order = unsigned_order(y->distinct_holder_failure_count,
				       x->distinct_holder_failure_count);
	if (order == 0)
		order = unsigned_order(x->last_failure_epoch, y->last_failure_epoch);
	return order != 0 ? order : strcmp(x->record.key, y->record.key);
}

static void schedule_deteriorated(struct state *s, struct pool *pool)
{
	struct tables *t = state_tables(s);
	size_t n = 0, room = table_count(t, T_TICKET_DETERIORATION);
	struct ticket_deterioration **list =
					    calloc(room + 1, sizeof(struct ticket_deterioration *)),
				    *d = table_first(t, T_TICKET_DETERIORATION);

	must(list != NULL);
	for (; d != NULL; d = table_next(t, d))
		if (wants_healing(s, d, pool->epoch))
			list[n++] = d;
	if (n > 1)
		qsort(list, n, sizeof(struct ticket_deterioration *), compare_urgency);
	for (size_t i = 0; i < n && pool->left > 0; i++)
		schedule(s, pool, list[i]->record.key);
	free(list);
}

struct rehoming {
	struct state *s;
	struct pool *pool;
};

static bool schedule_rehomed(void *arg, struct ticket *ticket)
{
	struct rehoming *r = arg;
	const struct params *p = state_params(r->s);
	bool lost = ticket->gone * UINT64_C(100) >= p->rehome_lost_percent * ticket->holders.n;

	if (r->pool->left == 0)
		return false;
	if ((!ticket->rehome && !lost) || ticket->rehome_after > r->pool->epoch ||
	    heal_op_open(r->s, ticket->record.key) != NULL ||
	    schedule(r->s, r->pool, ticket->record.key) == NULL)
		return true;
	table_touch(state_tables(r->s), ticket);
	ticket->rehome_after = r->pool->epoch + p->storage_truth_heal_deadline_epochs +
			       p->storage_truth_probation_epochs;
	return true;
}

void heal_schedule(struct state *s, uint64_t epoch)
{
	struct pool pool;
	struct rehoming rehoming = {s, &pool};

	if (state_params(s)->storage_truth_enforcement_mode == MODE_OFF)
		return;
	pool = pool_new(s, epoch);
	if (pool.accounts > 0) {
		schedule_deteriorated(s, &pool);
		tickets_to_rehome(s, schedule_rehomed, &rehoming);
	}
	free(pool.at);
}

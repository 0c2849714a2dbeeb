/* SPDX-License-Identifier: Apache-2.0 */
#include "control/garbage.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/receipts.h"
#include "ledger/heal.h"
#include "ledger/rules.h"
#include "node/garbage.h"

#define TICKETS_PER_TURN 4096
#define PAGE		 256 /* artifacts */
#define PAGES_PER_TURN	 16
#define RETRY_NS	 UINT64_C(600000000000)

enum phase { REST, WALK, SWEEP };

/* What the store thread does for it, one at a time. */
struct errand {
	struct store_task task;	      /* first: it leads back here */
	struct garbage_keeper *owner; /* NULL: control has ended */
	/* The keys of a ticket. */
	struct receipt_plan plan;
	struct garbage_place place;
	const char *self;
	uint64_t epoch;
	enum holder_reason reason;
	uint8_t (*keys)[32];
	size_t n;
	/* Or artifacts that go. */
	struct artifact_info page[PAGE];
	uint64_t before_ns, removed, removed_bytes, failed;
};

struct garbage_keeper {
	struct garbage_config config;
	pthread_mutex_t lock; /* of garbage and quiet: the store thread looks as well */
	struct garbage *garbage;
	bool quiet; /* everything that the ledger says is known */
	struct state *state;
	uint64_t seq;
	char (*changed)[65];
	size_t changes, room;
	enum phase phase;
	char ticket[65]; /* WALK: the last one */
	uint8_t key[32]; /* SWEEP: the last one */
	bool begun;	 /* there is a last one */
	bool missed;	 /* a ticket's keys are not known since the walk began */
	uint64_t due_ns;
	struct errand *out;
	struct garbage_stats stats, before; /* this sweep's beginning */
};

static enum store_claim claimed(void *ctx, const uint8_t key[32])
{
	struct garbage_keeper *k = ctx;
	enum store_claim answer = STORE_CLAIM_NONE;

	pthread_mutex_lock(&k->lock);
	switch (garbage_judge(k->garbage, key, false, 0)) {
	case GARBAGE_PLACED:
		answer = STORE_CLAIMED;
		break;
	case GARBAGE_RELEASED:
	case GARBAGE_FREE:
		answer = k->quiet ? STORE_UNCLAIMED : STORE_CLAIM_NONE;
		break;
	case GARBAGE_UNKNOWN:
		break;
	}
	pthread_mutex_unlock(&k->lock);
	return answer;
}

/* --- the store thread's --- */

static bool hold_nothing(void *ctx, const uint8_t key[32], uint64_t *size)
{
	return false;
}

static void find_keys(struct store_task *task, struct store *store)
{
	struct errand *e = (struct errand *)task;
	const struct holder_bytes bytes = {receipt_read, hold_nothing, store};

	e->reason = holder_keys(&e->keys, &e->n, &e->plan.told, e->self, &bytes);
}

static void remove_page(struct store_task *task, struct store *store)
{
	struct errand *e = (struct errand *)task;

	for (size_t i = 0; i < e->n; i++) {
		int error = store_collect(store, e->page[i].key, e->before_ns);

		e->removed += error == 0;
		e->removed_bytes += error == 0 ? e->page[i].size : 0;
		/* It went another way, or somebody asked for it meanwhile. */
		e->failed += error != 0 && error != ASSAY_E_NOTFOUND && error != ASSAY_E_BUSY;
	}
}

/* --- control's --- */

static void errand_free(struct errand *e)
{
	receipt_plan_free(&e->plan);
	free(e->keys);
	free(e);
}

static void on_dropped(struct store_task *task)
{
	struct errand *e = (struct errand *)task;

	if (e->owner != NULL)
		e->owner->out = NULL;
	errand_free(e);
}

static struct errand *errand_new(struct garbage_keeper *k,
				 void (*errand)(struct store_task *task, struct store *store),
				 void (*finished)(struct store_task *task))
{
	struct errand *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->task = (struct store_task){.kind = STORE_ERRAND,
				      .fd = -1,
				      .errand = errand,
				      .finished = finished,
				      .dropped = on_dropped};
	e->owner = k;
	e->self = k->config.self;
	return e;
}

static void submit(struct garbage_keeper *k, struct errand *e)
{
	k->out = e;
	k->config.submit(k->config.ctx, &e->task);
}

/* Whatever nothing is known of may belong to that ticket. */
static void miss(struct garbage_keeper *k, const char *ticket, enum holder_reason reason)
{
	if (!k->missed)
		log_warning(&k->config.log, "garbage",
			    "the artifacts of a ticket are not known: nothing is removed",
			    "ticket=%s why=\"%s\"", ticket, holder_reason_text(reason));
	k->missed = true;
	k->stats.unresolved++;
	pthread_mutex_lock(&k->lock);
	garbage_incomplete(k->garbage);
	pthread_mutex_unlock(&k->lock);
	if (k->phase == SWEEP)
		k->phase = REST;
	if (k->phase == REST)
		k->due_ns = clock_mono(k->config.clock) + RETRY_NS;
}

static void on_keys(struct store_task *task)
{
	struct errand *e = (struct errand *)task;
	struct garbage_keeper *k = e->owner;

	if (k == NULL) {
		errand_free(e);
		return;
	}
	k->out = NULL;
	if (e->reason != HOLDER_SIGNS) {
		miss(k, e->plan.ticket, e->reason);
	} else {
		pthread_mutex_lock(&k->lock);
		garbage_place(k->garbage, e->plan.ticket, e->place, (const uint8_t(*)[32])e->keys,
			      e->n, e->epoch);
		pthread_mutex_unlock(&k->lock);
	}
	errand_free(e);
	garbage_turn(k);
}

/* What the ledger says of one ticket now. */
static void look(struct garbage_keeper *k, const char *id)
{
	const struct ticket *t = ticket_find(k->state, id);
	struct garbage_place place = garbage_place_of(t, k->config.self);
	enum holder_reason reason = HOLDER_TROUBLE;
	struct errand *e;

	pthread_mutex_lock(&k->lock);
	bool known = garbage_knows(k->garbage, id, place);

	if (!known && place.holders == 0)
		garbage_release(k->garbage, id, state_epoch(k->state));
	pthread_mutex_unlock(&k->lock);
	if (known || place.holders == 0)
		return;
	e = errand_new(k, find_keys, on_keys);
	if (e != NULL)
		reason = receipt_plan_placed(&e->plan, k->state, t);
	if (reason == HOLDER_SIGNS) {
		e->place = place;
		e->epoch = state_epoch(k->state);
		submit(k, e);
		return;
	}
	free(e);
	miss(k, id, reason);
}

static void take_changes(struct garbage_keeper *k)
{
	while (k->changes > 0 && k->out == NULL)
		look(k, k->changed[--k->changes]);
}

/* --- all tickets --- */

static void begin_walk(struct garbage_keeper *k)
{
	k->phase = WALK;
	k->begun = k->missed = false;
	k->stats.unresolved = 0;
}

static void end_walk(struct garbage_keeper *k)
{
	k->phase = REST;
	if (k->missed) {
		k->due_ns = clock_mono(k->config.clock) + RETRY_NS;
		return;
	}
	pthread_mutex_lock(&k->lock);
	garbage_complete(k->garbage, state_epoch(k->state));
	pthread_mutex_unlock(&k->lock);
	k->phase = SWEEP;
	k->begun = false;
	k->before = k->stats;
}

static void walk(struct garbage_keeper *k)
{
	struct tables *tables = state_tables(k->state);
	struct ticket *t = k->begun ? table_from(tables, T_TICKETS, k->ticket)
				    : table_first(tables, T_TICKETS);

	if (t != NULL && k->begun && strcmp(t->record.key, k->ticket) == 0)
		t = table_next(tables, t);
	for (unsigned i = 0; i < TICKETS_PER_TURN && t != NULL && k->out == NULL; i++) {
		snprintf(k->ticket, sizeof(k->ticket), "%s", t->record.key);
		k->begun = true;
		look(k, k->ticket);
		t = table_next(tables, t);
	}
	if (t == NULL && k->out == NULL)
		end_walk(k);
}

/* --- all artifacts --- */

/* What a heal of this node's may be reading or bringing to its holders. */
static bool heals(struct garbage_keeper *k)
{
	static const enum heal_status open[] = {HEAL_SCHEDULED, HEAL_IN_PROGRESS,
						HEAL_HEALER_REPORTED, HEAL_VERIFIED};
	struct heal_op *ops[HEAL_PAGE_MAX];

	for (unsigned i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		uint64_t cursor = 0;

		do {
			int n = heal_ops_by_status(k->state, ops, &cursor, open[i], HEAL_PAGE_MAX);

			for (int at = 0; at < n; at++)
				if (!ops[at]->published &&
				    strcmp(text_of(ops[at]->healer), k->config.self) == 0)
					return true;
		} while (cursor != 0);
	}
	return false;
}

static void end_sweep(struct garbage_keeper *k, bool any, uint64_t settled)
{
	struct garbage_counts counts;

	k->phase = REST;
	k->due_ns = clock_mono(k->config.clock) + GARBAGE_SWEEP_NS;
	k->stats.sweeps++;
	pthread_mutex_lock(&k->lock);
	counts = garbage_counts(k->garbage);
	if (any)
		garbage_prune(k->garbage, settled);
	pthread_mutex_unlock(&k->lock);
	log_info(&k->config.log, "garbage", "artifacts that no ticket places here are removed",
		 "looked_at=%" PRIu64 " tickets=%" PRIu64 " placed=%" PRIu64 " removed=%" PRIu64
		 " bytes=%" PRIu64 " settled=%" PRIu64,
		 k->stats.looked_at - k->before.looked_at, counts.tickets, counts.artifacts,
		 k->stats.removed - k->before.removed,
		 k->stats.removed_bytes - k->before.removed_bytes, settled);
}

static void on_removed(struct store_task *task)
{
	struct errand *e = (struct errand *)task;
	struct garbage_keeper *k = e->owner;

	if (k != NULL) {
		k->out = NULL;
		k->stats.removed += e->removed;
		k->stats.removed_bytes += e->removed_bytes;
		if (e->failed > 0)
			log_warning(&k->config.log, "garbage",
				    "artifacts cannot be removed; check the disk", "count=%" PRIu64,
				    e->failed);
	}
	errand_free(e);
}

/* The next artifacts; those that go to the store thread. False after the last. */
static bool sweep_page(struct garbage_keeper *k, struct errand *e, bool any, uint64_t settled)
{
	unsigned n = store_list(k->config.store, k->begun ? k->key : NULL, e->page, PAGE);

	if (n > 0)
		memcpy(k->key, e->page[n - 1].key, 32);
	k->begun = true;
	k->stats.looked_at += n;
	pthread_mutex_lock(&k->lock);
	for (unsigned i = 0; i < n; i++)
		if (e->page[i].origin == ARTIFACT_PLACED &&
		    e->page[i].placed_wall_ns <= e->before_ns &&
		    garbage_judge(k->garbage, e->page[i].key, any, settled) == GARBAGE_FREE)
			e->page[e->n++] = e->page[i];
	pthread_mutex_unlock(&k->lock);
	return n > 0;
}

static void sweep(struct garbage_keeper *k)
{
	uint64_t settled = 0, now = clock_wall(k->config.clock);
	bool any = garbage_settled(&settled, k->state), more = true;
	struct errand *e;

	if (heals(k)) {
		k->phase = REST;
		k->due_ns = clock_mono(k->config.clock) + RETRY_NS;
		return;
	}
	e = errand_new(k, remove_page, on_removed);
	if (e == NULL)
		return;
	e->before_ns = now > GARBAGE_AGE_NS ? now - GARBAGE_AGE_NS : 0;
	for (unsigned i = 0; i < PAGES_PER_TURN && e->n == 0 && more; i++)
		more = sweep_page(k, e, any, settled);
	if (e->n > 0)
		submit(k, e);
	else
		errand_free(e);
	if (!more)
		end_sweep(k, any, settled);
}

/* --- turns --- */

/* The copy is the one that is known, only further on. */
static bool follow(struct garbage_keeper *k)
{
	struct state *state = k->config.state(k->config.ctx);

	if (state == NULL)
		return false;
	if (state != k->state || state_seq(state) < k->seq) {
		pthread_mutex_lock(&k->lock);
		garbage_forget(k->garbage);
		pthread_mutex_unlock(&k->lock);
		k->changes = 0;
		k->phase = REST;
		k->due_ns = 0;
	}
	k->state = state;
	k->seq = state_seq(state);
	return true;
}

static void set_quiet(struct garbage_keeper *k, bool quiet)
{
	pthread_mutex_lock(&k->lock);
	k->quiet = quiet;
	pthread_mutex_unlock(&k->lock);
}

void garbage_turn(struct garbage_keeper *k)
{
	if (k->out != NULL)
		return;
	if (!follow(k)) {
		set_quiet(k, false);
		return;
	}
	take_changes(k);
	if (k->phase == REST && clock_mono(k->config.clock) >= k->due_ns)
		begin_walk(k);
	if (k->phase == WALK && k->out == NULL)
		walk(k);
	else if (k->phase == SWEEP && k->out == NULL)
		sweep(k);
	set_quiet(k, k->changes == 0 && k->out == NULL);
}

void garbage_changed(struct garbage_keeper *k, const char *ticket)
{
	if (k == NULL)
		return;
	if (k->changes == k->room) {
		k->room = k->room > 0 ? 2 * k->room : 64;
		k->changed = realloc(k->changed, k->room * sizeof(*k->changed));
		must(k->changed != NULL);
	}
	snprintf(k->changed[k->changes++], sizeof(*k->changed), "%s", ticket);
	set_quiet(k, false);
}

struct garbage_stats garbage_stats(struct garbage_keeper *k)
{
	struct garbage_counts counts;

	pthread_mutex_lock(&k->lock);
	counts = garbage_counts(k->garbage);
	pthread_mutex_unlock(&k->lock);
	k->stats.tickets = counts.tickets;
	k->stats.artifacts = counts.artifacts;
	return k->stats;
}

struct garbage_keeper *garbage_start(const struct garbage_config *config)
{
	struct garbage_keeper *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->config = *config;
	k->garbage = garbage_new();
	if (k->garbage == NULL) {
		free(k);
		return NULL;
	}
	pthread_mutex_init(&k->lock, NULL);
	store_claims_set(config->store, &(struct store_claims){claimed, k});
	return k;
}

void garbage_stop(struct garbage_keeper *k)
{
	if (k == NULL)
		return;
	store_claims_set(k->config.store, &(struct store_claims){NULL, NULL});
	if (k->out != NULL)
		k->out->owner = NULL;
	garbage_free(k->garbage);
	pthread_mutex_destroy(&k->lock);
	free(k->changed);
	free(k);
}

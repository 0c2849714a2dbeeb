/* SPDX-License-Identifier: Apache-2.0 */
/* Which failed challenges to repeat. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/rules.h"
#include "node/recheck.h"
#include "node/trim.h"
#include "proof/derive.h"

#define EPOCHS_CACHED 16
#define GO_FIRST      3 /* nodes that may go at once */

bool recheck_usable(const struct recheck_candidate *c, const char *self)
{
	return c->key.epoch > 0 && !is_blank(c->key.target) && !is_blank(c->key.ticket) &&
	       !is_blank(c->challenged) && !is_blank(c->reporter) &&
	       result_recheckable(c->result) && strcmp(c->key.target, self) != 0 &&
	       strcmp(c->reporter, self) != 0;
}

/* --- the usable rows of an epoch
 * ---------------------------------------------------------------------------------
 */

struct epoch_rows {
	uint64_t epoch;
	bool complete; /* the epoch is over: no report of it is taken any more */
	struct usable_row {
		struct recheck_candidate candidate;
		size_t order;	/* of arrival: reports come by account */
		uint64_t since; /* the search that found it first */
	} * rows;
	size_t n, room;
};
struct recheck_cache {
	struct epoch_rows epochs[EPOCHS_CACHED];
	uint64_t searches;
	const char *self; /* during a scan */
	struct epoch_rows *filling;
};

struct recheck_cache *recheck_cache_new(void)
{
	struct recheck_cache *cache = calloc(1, sizeof(*cache));

	must(cache != NULL);
	return cache;
}

void recheck_cache_free(struct recheck_cache *cache)
{
	for (unsigned i = 0; cache != NULL && i < EPOCHS_CACHED; i++)
		free(cache->epochs[i].rows);
	free(cache);
}

static void take_row(void *arg, const struct reported *row)
{
	struct recheck_cache *cache = arg;
	struct epoch_rows *e = cache->filling;
	struct recheck_candidate c = {.key.epoch = e->epoch, .result = row->result};

	if (!trim_copy(c.key.ticket, sizeof(c.key.ticket), row->ticket) ||
	    !trim_copy(c.key.target, sizeof(c.key.target), row->target) ||
	    !trim_copy(c.challenged, sizeof(c.challenged), row->transcript) ||
	    !trim_copy(c.reporter, sizeof(c.reporter), row->challenger) ||
	    !recheck_usable(&c, cache->self))
		return;
	if (e->n == e->room) {
		e->room = e->room > 0 ? 2 * e->room : 16;
		e->rows = realloc(e->rows, e->room * sizeof(*e->rows));
		must(e->rows != NULL);
	}
	e->rows[e->n] = (struct usable_row){c, e->n, cache->searches};
	e->n++;
}

static int compare_keys(const struct usable_row *a, const struct usable_row *b)
{
	int order = strcmp(a->candidate.key.ticket, b->candidate.key.ticket);

	return order != 0 ? order : strcmp(a->candidate.key.target, b->candidate.key.target);
}

static int compare_rows(const void *a, const void *b)
{
	const struct usable_row *x = a, *y = b;
	int order = compare_keys(x, y);

	return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

/* Of rows of one (ticket, target) the first stays: the report of the smallest account. */
static void sort_rows(struct epoch_rows *e)
{
	size_t kept = 0;

	if (e->n > 1)
		qsort(e->rows, e->n, sizeof(*e->rows), compare_rows);
	for (size_t i = 0; i < e->n; i++)
		if (kept == 0 || compare_keys(&e->rows[kept - 1], &e->rows[i]) != 0)
			e->rows[kept++] = e->rows[i];
	e->n = kept;
}

/* Rows that an earlier search found are as old as they were; both lists are sorted. */
static void keep_ages(struct epoch_rows *e, const struct usable_row *old, size_t old_n)
{
	size_t at = 0;

	for (size_t i = 0; i < e->n; i++) {
		while (at < old_n && compare_keys(&old[at], &e->rows[i]) < 0)
			at++;
		if (at < old_n && compare_keys(&old[at], &e->rows[i]) == 0)
			e->rows[i].since = old[at].since;
	}
}

static int rows_of(const struct recheck_search *s, const struct epoch_rows **out, uint64_t epoch)
{
	struct recheck_cache *cache = s->cache;
	struct epoch_rows *e = &cache->epochs[epoch % EPOCHS_CACHED], old = *e;
	int error;

	*out = e;
	if (e->epoch == epoch && e->complete)
		return 0;
	*e = (struct epoch_rows){.epoch = epoch};
	cache->self = s->ctx->self;
	cache->filling = e;
	error = s->ctx->ledger.failed_rows(s->ctx->ledger.ctx, epoch, take_row, cache);
	sort_rows(e);
	if (old.epoch == epoch)
		keep_ages(e, old.rows, old.n);
	free(old.rows);
	e->complete = error == 0 && epoch < s->epoch_now;
	return error;
}

/* --- candidates
 * ---------------------------------------------------------------------------------------------
 */

/* The target still holds what it held then: else it may have dropped it with every right. */
static bool placed_as_then(const struct node_ctx *ctx, const struct recheck_key *key)
{
	const struct ticket *t = ctx->ledger.ticket(ctx->ledger.ctx, key->ticket);

	return t != NULL && ticket_challengeable(t, key->epoch) &&
	       ticket_position(t, key->target) >= 0;
}

bool recheck_known(struct node_ctx *ctx, const struct recheck_store *store,
		   const struct recheck_candidate *c)
{
	const struct reported row = {c->reporter, c->key.target, c->key.ticket, c->challenged,
				     c->result};

	switch (ctx->ledger.rechecked(ctx->ledger.ctx, &row, c->key.epoch, ctx->self)) {
	case TAKEN_NONE:
		return false;
	case TAKEN_OURS:
		store->mark(store->ctx, &c->key, RECHECK_DONE);
		return true;
	case TAKEN_ANOTHER:
		store->mark(store->ctx, &c->key, RECHECK_CLOSED);
		return true;
	}
	return false;
}

bool recheck_turn_came(const char *self, const char *transcript, size_t nodes, uint64_t searches)
{
	const struct derive_seed seed = {(const uint8_t *)transcript, strlen(transcript)};
	const struct derive_part parts[] = {{self, strlen(self)}, {"recheck", 7}};
	uint8_t hash[32];
	uint64_t draw = 0;

	if (nodes == 0 || searches >= 32)
		return true;
	derive_rank(hash, seed, parts, 2);
	for (unsigned i = 0; i < 8; i++)
		draw = draw << 8 | hash[i];
	return draw % nodes < (uint64_t)GO_FIRST << searches;
}

/* 1 a candidate, 0 none, or a code. A pending row hides nothing: its recheck was never finished. */
static int is_candidate(const struct recheck_search *s, const struct usable_row *row)
{
	const struct recheck_candidate *c = &row->candidate;
	enum recheck_status status = RECHECK_PENDING;
	int error;

	if (s->busy != NULL && s->busy(s->arg, &c->key))
		return 0;
	error = s->store->find(s->store->ctx, &status, &c->key);
	if (error != 0 && error != ASSAY_E_NOTFOUND)
		return error;
	return status == RECHECK_PENDING &&
	       recheck_turn_came(s->ctx->self, c->challenged, s->nodes,
				 s->cache->searches - row->since) &&
	       placed_as_then(s->ctx, &c->key) && !recheck_known(s->ctx, s->store, c);
}

int recheck_find(struct recheck_candidate *out, size_t *n, size_t max,
		 const struct recheck_search *s)
{
	uint64_t first = s->epoch_now > s->lookback ? s->epoch_now - s->lookback : 1;

	*n = 0;
	s->cache->searches++;
	for (uint64_t epoch = s->epoch_now; epoch >= first && epoch > 0 && *n < max; epoch--) {
		const struct epoch_rows *e;
		int found = rows_of(s, &e, epoch);

		if (found != 0)
			return found;
		for (size_t i = 0; i < e->n && *n < max; i++) {
			found = is_candidate(s, &e->rows[i]);
			if (found < 0)
				return found;
			if (found > 0)
				out[(*n)++] = e->rows[i].candidate;
		}
	}
	return 0;
}

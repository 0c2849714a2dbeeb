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

#define EPOCHS_CACHED 16

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
		size_t order; /* of arrival: reports come by account */
	} * rows;
	size_t n, room;
};
struct recheck_cache {
	struct epoch_rows epochs[EPOCHS_CACHED];
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
	e->rows[e->n] = (struct usable_row){c, e->n};
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

static int rows_of(struct recheck_cache *cache, struct node_ctx *ctx, const struct epoch_rows **out,
		   uint64_t epoch, uint64_t epoch_now)
{
	struct epoch_rows *e = &cache->epochs[epoch % EPOCHS_CACHED];
	int error;

	*out = e;
	if (e->epoch == epoch && e->complete)
		return 0;
	e->epoch = epoch;
	e->n = 0;
	cache->self = ctx->self;
	cache->filling = e;
	error = ctx->ledger.failed_rows(ctx->ledger.ctx, epoch, take_row, cache);
	sort_rows(e);
	e->complete = error == 0 && epoch < epoch_now;
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

/* 1 a candidate, 0 none, or a code. A pending row hides nothing: its recheck was never finished. */
static int is_candidate(struct node_ctx *ctx, const struct recheck_store *store,
			const struct recheck_candidate *c)
{
	enum recheck_status status = RECHECK_PENDING;
	int error = store->find(store->ctx, &status, &c->key);

	if (error != 0 && error != ASSAY_E_NOTFOUND)
		return error;
	return status == RECHECK_PENDING && placed_as_then(ctx, &c->key) &&
	       !recheck_known(ctx, store, c);
}

int recheck_find(struct recheck_candidate *out, size_t *n, size_t max, struct node_ctx *ctx,
		 struct recheck_cache *cache, const struct recheck_store *store, uint64_t epoch_now,
		 uint64_t lookback, bool (*busy)(const void *arg, const struct recheck_key *key),
		 const void *arg)
{
	uint64_t first = epoch_now > lookback ? epoch_now - lookback : 1;

	*n = 0;
	for (uint64_t epoch = epoch_now; epoch >= first && epoch > 0 && *n < max; epoch--) {
		const struct epoch_rows *e;
		int found = rows_of(cache, ctx, &e, epoch, epoch_now);

		if (found != 0)
			return found;
		for (size_t i = 0; i < e->n && *n < max; i++) {
			const struct recheck_candidate *c = &e->rows[i].candidate;

			if (busy != NULL && busy(arg, &c->key))
				continue;
			found = is_candidate(ctx, store, c);
			if (found < 0)
				return found;
			if (found > 0)
				out[(*n)++] = *c;
		}
	}
	return 0;
}

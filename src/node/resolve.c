/* SPDX-License-Identifier: Apache-2.0 */
#include "node/resolve.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/placement.h"
#include "ledger/rules.h"
#include "node/challenge.h"
#include "node/coded.h"

#define TIMEOUT_MS 10000
#define NODES_MAX  6 /* asked for one thing before it is given up for now */

struct known {
	char ticket[TICKET_ROOM];
	struct coded *coded;
	uint64_t used;
	size_t bytes;
};

/* Somebody who waits for an artifact. */
struct resolve_wait {
	uint64_t requester; /* whose cookie it is */
	char ticket[TICKET_ROOM], target[ACCOUNT_ROOM];
	unsigned class;
	uint32_t ordinal;
	uint64_t cookie; /* of the FETCH or SIZE that is under way; 0: none */
	bool woken;	 /* what it waited for came, or did not */
	unsigned tried;	 /* nodes */
	uint64_t call_ns;
	bool done;
	enum resolve_end end;
	struct resolved artifact;
};

void resolver_init(struct resolver *r, struct node_ctx *ctx)
{
	*r = (struct resolver){.ctx = ctx, .timeout_ms = TIMEOUT_MS};
}

static void known_free(struct known *k)
{
	coded_free(k->coded);
	free(k);
}

void resolver_free(struct resolver *r)
{
	for (size_t i = 0; i < r->n; i++)
		known_free(r->known[i]);
	free(r->known);
	free(r->waiting);
}

/* --- what is kept */

static struct known *known_find(struct resolver *r, const char *ticket)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->known[i]->ticket, ticket) == 0) {
			r->known[i]->used = ++r->uses;
			return r->known[i];
		}
	return NULL;
}

static bool in_use(const struct resolver *r, const struct known *k)
{
	for (size_t i = 0; i < r->wait_count; i++)
		if (!r->waiting[i].done && strcmp(r->waiting[i].ticket, k->ticket) == 0)
			return true;
	return false;
}

/* Room for one more ticket, or for more about one: the longest unused ones go. */
static void make_room(struct resolver *r, size_t tickets_max)
{
	while (r->n > tickets_max || (r->bytes > RESOLVE_BYTES_MAX && r->n > 1)) {
		size_t oldest = r->n;

		for (size_t i = 0; i < r->n; i++)
			if (!in_use(r, r->known[i]) &&
			    (oldest == r->n || r->known[i]->used < r->known[oldest]->used))
				oldest = i;
		if (oldest == r->n)
			return;
		r->bytes -= r->known[oldest]->bytes;
		known_free(r->known[oldest]);
		r->known[oldest] = r->known[--r->n];
	}
}

static void weigh(struct resolver *r, struct known *k)
{
	r->bytes -= k->bytes;
	k->bytes = coded_bytes(k->coded);
	r->bytes += k->bytes;
}

static struct known *known_add(struct resolver *r, const char *ticket, struct coded *coded)
{
	struct known *k = calloc(1, sizeof(*k));

	make_room(r, RESOLVE_TICKETS_MAX - 1);
	if (r->n % RESOLVE_TICKETS_MAX == 0)
		r->known = realloc(r->known, (r->n + RESOLVE_TICKETS_MAX) * sizeof(*r->known));
	must(k != NULL && r->known != NULL);
	strcpy(k->ticket, ticket);
	k->coded = coded;
	k->used = ++r->uses;
	r->known[r->n++] = k;
	weigh(r, k);
	return k;
}

/* The ticket's keys as far as its record has them; NULL when the record makes no sense. */
static struct known *known_of(struct resolver *r, const char *id)
{
	const struct ledger_view *ledger = &r->ctx->ledger;
	struct known *k = known_find(r, id);
	const struct ticket *t = ledger->ticket(ledger->ctx, id);
	const struct node *creator = t != NULL ? ledger->node(ledger->ctx, t->creator) : NULL;
	struct coded_record record;
	struct coded *coded;

	if (k != NULL || creator == NULL || t->rq_ids_ids.n != t->max)
		return k;
	record = (struct coded_record){
		.data_hash = text_of(t->data_hash),
		.index_ids = (const char *const *)t->rq_ids_ids.at,
		.signatures = text_of(t->signatures),
		.size = t->size,
		.ic = (uint32_t)t->ic,
		.max = (uint32_t)t->max,
		.ratio = (uint32_t)t->ratio,
		.symbols = (uint32_t)t->symbol_artifact_count,
	};
	if (hex_decode(record.creator, 32, text_of(creator->key)) != 0 ||
	    coded_new(&coded, &record) != 0)
		return NULL;
	return known_add(r, id, coded);
}

/* --- whom to ask */

/* Nodes that are known to be away are not asked. */
static bool may_answer(const struct node_ctx *ctx, const char *account)
{
	const struct node *node = ctx->ledger.node(ctx->ledger.ctx, account);

	return node != NULL && node_challengeable(node);
}

/*
 * The n-th node to ask for one INDEX artifact: ourselves, the other holders of it, at last the node
 * that is to be challenged with it. NULL after the last.
 */
static const char *holder_of(const struct node_ctx *ctx, const struct ticket *t, uint32_t ordinal,
			     const char *target, unsigned n)
{
	for (unsigned pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < t->holders.n; i++) {
			const char *account = t->holders.at[i];
			bool self = strcmp(account, ctx->self) == 0;
			bool last = strcmp(account, target) == 0;

			if (pass != (self   ? 0u
				     : last ? 2u
					    : 1u) ||
			    !placement_on(ordinal, t->index_copies, t->holders.n, i) ||
			    (!self && !may_answer(ctx, account)))
				continue;
			if (n-- == 0)
				return account;
		}
	return NULL;
}

/*
 * The n-th (layout file, node) to ask for the layout. Each try takes the next file and another of
 * its holders, from a place on that differs from asker to asker.
 */
static const char *layout_holder(const struct node_ctx *ctx, const struct ticket *t,
				 const char *target, unsigned n, uint32_t *ordinal)
{
	uint32_t start = 0;
	int own = ticket_position(t, ctx->self);

	for (const char *p = ctx->self; *p != '\0'; p++)
		start = start * 31 + (unsigned char)*p;
	for (uint32_t i = 0; own >= 0 && i < t->max; i++)
		if (placement_on(i, t->index_copies, t->holders.n, (uint64_t)own)) {
			*ordinal = i;
			if (n-- == 0)
				return ctx->self;
			break;
		}
	for (uint32_t i = 0; i < t->max; i++) {
		const char *account;

		*ordinal = (uint32_t)((start + i) % t->max);
		account = holder_of(ctx, t, *ordinal, target, 0);
		if (account != NULL && strcmp(account, ctx->self) == 0)
			account = holder_of(ctx, t, *ordinal, target, 1);
		if (account != NULL && n-- == 0)
			return account;
	}
	return NULL;
}

/* --- answers */

static void answer(struct resolve_wait *w, enum resolve_end end)
{
	w->done = true;
	w->end = end;
}

static void answer_key(struct resolve_wait *w, const uint8_t key[32], uint64_t size)
{
	memcpy(w->artifact.key, key, 32);
	base58_encode(w->artifact.text, sizeof(w->artifact.text), key, 32);
	w->artifact.size = size;
	answer(w, RESOLVE_DONE);
}

static void give_up(struct resolver *r, struct resolve_wait *w, enum resolve_end end,
		    const char *what)
{
	log_warning(&r->ctx->log, "resolve", what,
		    "ticket=%s class=%u ordinal=%" PRIu32 " asked=%u", w->ticket, w->class,
		    w->ordinal, w->tried);
	answer(w, end);
}

/* Somebody else waits for this layout already. */
static bool join_layout(struct resolver *r, struct resolve_wait *w)
{
	for (size_t i = 0; i < r->wait_count; i++) {
		const struct resolve_wait *other = &r->waiting[i];

		if (other->done || other->cookie == 0 || other->class != ASSAY_CLASS_SYMBOL ||
		    strcmp(other->ticket, w->ticket) != 0)
			continue;
		w->cookie = other->cookie;
		w->tried = other->tried;
		return true;
	}
	return false;
}

static void ask_for_layout(struct resolver *r, struct resolve_wait *w, const struct known *k,
			   const struct ticket *t, struct moment now, struct effects *out)
{
	uint32_t ordinal;
	const char *account = w->tried < NODES_MAX
				      ? layout_holder(r->ctx, t, w->target, w->tried, &ordinal)
				      : NULL;
	struct effect *e;

	if (account == NULL) {
		give_up(r, w, RESOLVE_NO_KEY, "no node gave the layout");
		return;
	}
	w->tried++;
	w->cookie = ctx_cookie(r->ctx, PART_RESOLVE);
	e = effects_add(out, EFFECT_FETCH, w->cookie, account);
	memcpy(e->bytes.key, coded_index_key(k->coded, ordinal), 32);
	e->bytes.size_max = coded_layout_size_max(k->coded);
	e->deadline_ns = now.mono_ns + w->call_ns;
	r->fetches++;
}

static void ask_for_size(struct resolver *r, struct resolve_wait *w, const uint8_t *key,
			 const struct ticket *t, struct moment now, struct effects *out)
{
	const char *account =
		w->tried < NODES_MAX ? holder_of(r->ctx, t, w->ordinal, w->target, w->tried) : NULL;
	struct effect *e;

	if (account == NULL) {
		give_up(r, w, RESOLVE_NO_SIZE, "no holder proved the size");
		return;
	}
	w->tried++;
	w->cookie = ctx_cookie(r->ctx, PART_RESOLVE);
	e = effects_add(out, EFFECT_SIZE, w->cookie, account);
	memcpy(e->bytes.key, key, 32);
	e->deadline_ns = now.mono_ns + w->call_ns;
	r->fetches++;
}

/* Answers from what is known, or asks the next node for what is not. */
static void proceed(struct resolver *r, struct resolve_wait *w, struct moment now,
		    struct effects *out)
{
	const struct ticket *t = r->ctx->ledger.ticket(r->ctx->ledger.ctx, w->ticket);
	const struct known *k = t != NULL ? known_of(r, w->ticket) : NULL;
	const uint8_t *key;

	w->cookie = 0;
	w->woken = false;
	if (k == NULL) {
		give_up(r, w, RESOLVE_NO_KEY, "the ticket's record or its index makes no sense");
		return;
	}
	if (w->class == ASSAY_CLASS_SYMBOL) {
		key = coded_symbol_key(k->coded, w->ordinal);
		if (key != NULL)
			answer_key(w, key, CODED_SYMBOL_SIZE);
		else if (coded_has_layout(k->coded))
			give_up(r, w, RESOLVE_NO_KEY, "the layout has no such symbol");
		else if (!join_layout(r, w))
			ask_for_layout(r, w, k, t, now, out);
		return;
	}
	key = coded_index_key(k->coded, w->ordinal);
	if (key == NULL)
		give_up(r, w, RESOLVE_NO_KEY, "the ticket has no such index artifact");
	else if (coded_index_size(k->coded, w->ordinal) != 0)
		answer_key(w, key, coded_index_size(k->coded, w->ordinal));
	else
		ask_for_size(r, w, key, t, now, out);
}

void resolver_want(struct resolver *r, const struct effect *want, uint64_t epoch_ms,
		   struct moment now, struct effects *out)
{
	struct resolve_wait *w;
	uint64_t fetches = r->fetches;

	if (r->wait_count == r->wait_room) {
		r->wait_room = r->wait_room > 0 ? 2 * r->wait_room : 16;
		r->waiting = realloc(r->waiting, r->wait_room * sizeof(*r->waiting));
		must(r->waiting != NULL);
	}
	w = &r->waiting[r->wait_count++];
	*w = (struct resolve_wait){
		.requester = want->cookie,
		.class = want->artifact.class,
		.ordinal = want->artifact.ordinal,
		.call_ns = challenge_call_ns(r->timeout_ms, epoch_ms / 2),
	};
	strcpy(w->ticket, want->artifact.ticket);
	strcpy(w->target, want->account);
	proceed(r, w, now, out);
	r->hits += w->done && w->end == RESOLVE_DONE && r->fetches == fetches;
}

bool resolver_next(struct resolver *r, struct resolution *out)
{
	for (size_t i = 0; i < r->wait_count; i++) {
		struct resolve_wait *w = &r->waiting[i];

		if (!w->done)
			continue;
		*out = (struct resolution){w->requester, w->end, w->artifact};
		*w = r->waiting[--r->wait_count];
		make_room(r, RESOLVE_TICKETS_MAX);
		return true;
	}
	return false;
}

static struct resolve_wait *wait_of(struct resolver *r, uint64_t cookie)
{
	for (size_t i = 0; i < r->wait_count; i++)
		if (!r->waiting[i].done && r->waiting[i].cookie == cookie)
			return &r->waiting[i];
	return NULL;
}

void resolver_fetched(struct resolver *r, uint64_t cookie, int error, const uint8_t *data,
		      size_t len, struct moment now, struct effects *out)
{
	struct resolve_wait *w = wait_of(r, cookie);
	struct known *k = w != NULL ? known_of(r, w->ticket) : NULL;
	const char *why = "";

	if (w == NULL)
		return;
	if (k != NULL && error == 0 && !coded_has_layout(k->coded)) {
		error = coded_take_layout(k->coded, &why, data, len);
		weigh(r, k);
	}
	if (error != 0)
		log_info(&r->ctx->log, "resolve", "no layout from this node",
			 "ticket=%s error=\"%s\" why=\"%s\"", w->ticket, assay_error_text(error),
			 why);
	/* All that waited for it go on; the first of them asks the next node, if it has to be. */
	for (; w != NULL; w = wait_of(r, cookie)) {
		w->cookie = 0;
		w->woken = true;
	}
	for (size_t i = 0; i < r->wait_count; i++)
		if (r->waiting[i].woken)
			proceed(r, &r->waiting[i], now, out);
}

void resolver_sized(struct resolver *r, uint64_t cookie, int error, uint64_t size,
		    struct moment now, struct effects *out)
{
	struct resolve_wait *w = wait_of(r, cookie);
	struct known *k = w != NULL ? known_of(r, w->ticket) : NULL;

	if (w == NULL)
		return;
	if (k != NULL && error == 0)
		coded_set_index_size(k->coded, w->ordinal, size);
	proceed(r, w, now, out);
}

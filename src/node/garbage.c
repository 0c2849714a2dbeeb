/* SPDX-License-Identifier: Apache-2.0 */
#include "node/garbage.h"

#include <bsd/sys/tree.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "ledger/rules.h"

/* One artifact; the same bytes may belong to several tickets. */
struct claim {
	RB_ENTRY(claim) by_key;
	uint8_t key[32];
	uint32_t tickets; /* that place it here */
	uint64_t until;	  /* 0 tickets: the epoch of the release */
};
/* One ticket's artifacts that lie here. */
struct share {
	RB_ENTRY(share) by_ticket;
	char *ticket;
	struct garbage_place place;
	size_t n;
	struct claim *claim[];
};

static int claim_order(const struct claim *a, const struct claim *b)
{
	return memcmp(a->key, b->key, 32);
}
static int share_order(const struct share *a, const struct share *b)
{
	return strcmp(a->ticket, b->ticket);
}
/* clang-format off */
RB_HEAD(garbage_claims, claim);
RB_HEAD(garbage_shares, share);
RB_PROTOTYPE(garbage_claims, claim, by_key, claim_order)
RB_PROTOTYPE(garbage_shares, share, by_ticket, share_order)
RB_GENERATE(garbage_claims, claim, by_key, claim_order)
RB_GENERATE(garbage_shares, share, by_ticket, share_order)
/* clang-format on */

struct garbage {
	struct garbage_claims claims;
	struct garbage_shares shares;
	struct garbage_counts counts;
	bool complete;
	uint64_t complete_epoch;
};

/* --- what the ledger says --- */

static bool is_keyless(struct tables *tables)
{
	for (struct committee *c = table_first(tables, T_COMMITTEES); c != NULL;
	     c = table_next(tables, c))
		if (c->state == COMMITTEE_IN_FORCE)
			return strspn(text_of(c->output_key), "0") == 64;
	return true;
}

bool garbage_settled(uint64_t *epoch, struct state *s)
{
	struct tables *tables = state_tables(s);
	const struct epoch_root *root = table_last(tables, T_ROOTS);
	bool any = false;

	if (is_keyless(tables)) {
		*epoch = root != NULL ? root->epoch : 0;
		return root != NULL;
	}
	for (struct seal *seal = table_first(tables, T_SEALS); seal != NULL;
	     seal = table_next(tables, seal))
		if (seal->sig != NULL) {
			*epoch = seal->epoch;
			any = true;
		}
	return any;
}

struct garbage_place garbage_place_of(const struct ticket *t, const char *self)
{
	struct garbage_place place = {0, 0};
	int position = t != NULL && t->state == TICKET_OPEN ? ticket_position(t, self) : -1;

	if (position >= 0)
		place = (struct garbage_place){(uint32_t)position, (uint32_t)t->holders.n};
	return place;
}

/* --- claims --- */

static struct claim *claim_find(const struct garbage *g, const uint8_t key[32])
{
	struct claim wanted;

	memcpy(wanted.key, key, 32);
	return RB_FIND(garbage_claims, (struct garbage_claims *)&g->claims, &wanted);
}

static struct claim *claim_take(struct garbage *g, const uint8_t key[32])
{
	struct claim *c = claim_find(g, key);

	if (c == NULL) {
		c = calloc(1, sizeof(*c));
		must(c != NULL);
		memcpy(c->key, key, 32);
		RB_INSERT(garbage_claims, &g->claims, c);
	}
	g->counts.artifacts += c->tickets++ == 0;
	return c;
}

static void claim_release(struct garbage *g, struct claim *c, uint64_t epoch)
{
	if (--c->tickets > 0)
		return;
	g->counts.artifacts--;
	c->until = epoch;
}

/* --- shares --- */

static struct share *share_find(struct garbage *g, const char *ticket)
{
	struct share wanted = {.ticket = (char *)ticket};

	return RB_FIND(garbage_shares, &g->shares, &wanted);
}

static void share_end(struct garbage *g, struct share *s, uint64_t epoch)
{
	for (size_t i = 0; i < s->n; i++)
		claim_release(g, s->claim[i], epoch);
	RB_REMOVE(garbage_shares, &g->shares, s);
	g->counts.tickets--;
	free(s->ticket);
	free(s);
}

bool garbage_knows(struct garbage *g, const char *ticket, struct garbage_place place)
{
	const struct share *s = share_find(g, ticket);

	if (s == NULL)
		return place.holders == 0;
	return s->place.position == place.position && s->place.holders == place.holders;
}

void garbage_place(struct garbage *g, const char *ticket, struct garbage_place place,
		   const uint8_t (*keys)[32], size_t n, uint64_t epoch)
{
	struct share *s = calloc(1, sizeof(*s) + n * sizeof(s->claim[0])), *old;

	must(s != NULL);
	s->place = place;
	s->ticket = strdup(ticket);
	must(s->ticket != NULL);
	/* Before the old ones go: what is in both is never released. */
	for (; s->n < n; s->n++)
		s->claim[s->n] = claim_take(g, keys[s->n]);
	old = share_find(g, ticket);
	if (old != NULL)
		share_end(g, old, epoch);
	RB_INSERT(garbage_shares, &g->shares, s);
	g->counts.tickets++;
}

void garbage_release(struct garbage *g, const char *ticket, uint64_t epoch)
{
	struct share *s = share_find(g, ticket);

	if (s != NULL)
		share_end(g, s, epoch);
}

/* --- all of it --- */

struct garbage *garbage_new(void)
{
	struct garbage *g = calloc(1, sizeof(*g));

	if (g != NULL) {
		RB_INIT(&g->claims);
		RB_INIT(&g->shares);
	}
	return g;
}

static void drop_claims(struct garbage *g, bool all, uint64_t settled)
{
	struct claim *next;

	for (struct claim *c = RB_MIN(garbage_claims, &g->claims); c != NULL; c = next) {
		next = RB_NEXT(garbage_claims, &g->claims, c);
		if (!all && (c->tickets > 0 || c->until + GARBAGE_EPOCHS > settled))
			continue;
		RB_REMOVE(garbage_claims, &g->claims, c);
		free(c);
	}
}

void garbage_forget(struct garbage *g)
{
	struct share *s;

	while ((s = RB_MIN(garbage_shares, &g->shares)) != NULL)
		share_end(g, s, 0);
	drop_claims(g, true, 0);
	g->complete = false;
	g->complete_epoch = 0;
}

void garbage_free(struct garbage *g)
{
	if (g == NULL)
		return;
	garbage_forget(g);
	free(g);
}

void garbage_complete(struct garbage *g, uint64_t epoch)
{
	if (!g->complete)
		g->complete_epoch = epoch;
	g->complete = true;
}

void garbage_incomplete(struct garbage *g)
{
	g->complete = false;
}

void garbage_prune(struct garbage *g, uint64_t settled)
{
	if (g->complete && g->complete_epoch + GARBAGE_EPOCHS <= settled)
		drop_claims(g, false, settled);
}

enum garbage_verdict garbage_judge(const struct garbage *g, const uint8_t key[32], bool any,
				   uint64_t settled)
{
	const struct claim *c = claim_find(g, key);
	uint64_t until;

	if (c != NULL && c->tickets > 0)
		return GARBAGE_PLACED;
	if (!g->complete)
		return GARBAGE_UNKNOWN;
	until = c != NULL && c->until > g->complete_epoch ? c->until : g->complete_epoch;
	return any && until + GARBAGE_EPOCHS <= settled ? GARBAGE_FREE : GARBAGE_RELEASED;
}

struct garbage_counts garbage_counts(const struct garbage *g)
{
	return g->counts;
}

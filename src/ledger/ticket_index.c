/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which open tickets an account holds, how many of a ticket's holders are gone, and which tickets
 * wait to be re-homed. Kept up to date at every change; nothing scans the tickets.
 */
#include <stdlib.h>

#include "base/must.h"
#include "ledger/state_impl.h"

struct holder {
	struct ticket **tickets; /* in the order of their ids */
	size_t n, room;
	bool gone; /* its node is in no challengeable state */
};

/* Most holders gone first, then the id. */
static int rehome_before(const struct ticket *a, const struct ticket *b)
{
	if (a->gone != b->gone)
		return a->gone > b->gone ? -1 : 1;
	return strcmp(a->record.key, b->record.key);
}

RB_PROTOTYPE(rehome_order, ticket, by_gone, rehome_before)
RB_GENERATE(rehome_order, ticket, by_gone, rehome_before)

static bool account_gone(struct state *s, const char *account)
{
	const struct node *node = node_find(s, account);

	return node == NULL || !node_challengeable(node);
}

static struct holder *holder_of(struct state *s, const char *account)
{
	void **slot = names_put(&s->holders, account);

	if (*slot == NULL) {
		struct holder *h = calloc(1, sizeof(*h));

		must(h != NULL);
		h->gone = account_gone(s, account);
		*slot = h;
	}
	return *slot;
}

/* Place of the first ticket whose id is not below. */
static size_t place_of(const struct holder *h, const char *id)
{
	size_t low = 0, high = h->n;

	/* Records come in order when a state is loaded. */
	if (h->n > 0 && strcmp(h->tickets[h->n - 1]->record.key, id) < 0)
		return h->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(h->tickets[middle]->record.key, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void holder_add(struct holder *h, struct ticket *t)
{
	size_t at = place_of(h, t->record.key);

	if (h->n == h->room) {
		h->room = h->room < 8 ? 8 : 2 * h->room;
		h->tickets = realloc(h->tickets, h->room * sizeof(*h->tickets));
		must(h->tickets != NULL);
	}
	memmove(h->tickets + at + 1, h->tickets + at, (h->n - at) * sizeof(*h->tickets));
	h->tickets[at] = t;
	h->n++;
}

static void holder_take(struct holder *h, const struct ticket *t)
{
	size_t at = place_of(h, t->record.key);

	must(at < h->n && h->tickets[at] == t);
	h->n--;
	memmove(h->tickets + at, h->tickets + at + 1, (h->n - at) * sizeof(*h->tickets));
}

static void list(struct state *s, struct ticket *t)
{
	t->listed = t->gone > 0 || t->rehome;
	if (t->listed)
		RB_INSERT(rehome_order, &s->rehome, t);
}

static void unlist(struct state *s, struct ticket *t)
{
	if (t->listed)
		RB_REMOVE(rehome_order, &s->rehome, t);
	t->listed = false;
}

void ticket_index(struct state *s, struct ticket *t)
{
	if (t->state != TICKET_OPEN) {
		LIST_INSERT_HEAD(&s->closed, t, closed);
		return;
	}
	t->gone = 0;
	for (size_t i = 0; i < t->holders.n; i++) {
		struct holder *h = holder_of(s, t->holders.at[i]);

		holder_add(h, t);
		t->gone += h->gone;
	}
	list(s, t);
}

void ticket_unindex(struct state *s, struct ticket *t)
{
	if (t->state != TICKET_OPEN)
		return;
	unlist(s, t);
	for (size_t i = 0; i < t->holders.n; i++)
		holder_take(holder_of(s, t->holders.at[i]), t);
}

void holder_update(struct state *s, const char *account)
{
	struct holder *h = names_find(&s->holders, account);

	if (h == NULL || h->gone == account_gone(s, account))
		return;
	h->gone = !h->gone;
	for (size_t i = 0; i < h->n; i++) {
		unlist(s, h->tickets[i]);
		h->tickets[i]->gone += h->gone ? 1 : -1;
		list(s, h->tickets[i]);
	}
}

static void holder_free(void *value)
{
	struct holder *h = value;

	free(h->tickets);
	free(h);
}

void ticket_indexes_clear(struct state *s)
{
	struct ticket *t;

	while ((t = RB_ROOT(&s->rehome)) != NULL)
		unlist(s, t);
	LIST_INIT(&s->closed);
	names_clear(&s->holders, holder_free);
}

void tickets_of_holder(struct state *s, const char *account,
		       bool (*each)(void *arg, struct ticket *ticket), void *arg)
{
	const struct holder *h = names_find(&s->holders, account);

	for (size_t i = 0; h != NULL && i < h->n; i++)
		if (!each(arg, h->tickets[i]))
			return;
}

void tickets_to_rehome(struct state *s, bool (*each)(void *arg, struct ticket *ticket), void *arg)
{
	struct ticket *t;

	RB_FOREACH(t, rehome_order, &s->rehome)
	if (!each(arg, t))
		return;
}

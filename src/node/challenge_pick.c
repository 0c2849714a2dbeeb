/* SPDX-License-Identifier: Apache-2.0 */
/* Whom and what to challenge: the assignment, and the ticket of a bucket. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "node/challenge_impl.h"
#include "node/trim.h"
#include "proof/derive.h"

struct assignment {
	const struct challenge *c;
	struct examinee *list;
	size_t n;
};

/* Names come without white space around them; empty ones, our own and repeats are passed over. */
static void assigned(void *arg, const char *target)
{
	struct assignment *a = arg;
	struct examinee *e;
	char account[ACCOUNT_ROOM];

	if (!trim_copy(account, sizeof(account), target) || *account == '\0')
		return;
	a->list = realloc(a->list, (a->n + 1) * sizeof(*a->list));
	must(a->list != NULL);
	e = &a->list[a->n];
	*e = (struct examinee){.slot[0].state = SLOT_OPEN};
	strcpy(e->account, account);
	if (strcmp(e->account, a->c->ctx->self) == 0)
		return;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->list[i].account, e->account) == 0)
			return;
	a->n++;
}

int challenge_assignment(struct challenge *c, struct examinee **list, size_t *n)
{
	const struct ledger_view *ledger = &c->ctx->ledger;
	struct assignment a = {.c = c};
	int error = ledger->targets(ledger->ctx, c->facts.epoch, c->ctx->self, assigned, &a);

	*list = a.list;
	*n = a.n;
	if (error != 0) {
		free(a.list);
		*list = NULL;
		*n = 0;
	}
	return error;
}

struct examinee *challenge_find(const struct challenge *c, const char *account)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->list[i].account, account) == 0)
			return &c->list[i];
	return NULL;
}

uint64_t challenge_height(const struct epoch_facts *facts)
{
	return facts->end != 0 ? facts->end : facts->height;
}

/* Those of the bucket; the ids are the ledger's. */
struct picking {
	const struct epoch_facts *facts;
	unsigned bucket;
	const char **ids;
	size_t n, room;
};

static void offer(void *arg, const char *ticket, uint64_t height)
{
	struct picking *p = arg;
	const struct epoch_facts *f = p->facts;

	if (strlen(ticket) >= TICKET_ROOM ||
	    derive_bucket((int64_t)challenge_height(f), (int64_t)height, f->recent_max,
			  f->old_min) != p->bucket)
		return;
	if (p->n == p->room) {
		p->room = p->room > 0 ? 2 * p->room : 64;
		p->ids = realloc(p->ids, p->room * sizeof(*p->ids));
		must(p->ids != NULL);
	}
	p->ids[p->n++] = ticket;
}

int challenge_pick(const struct challenge *c, char out[TICKET_ROOM], const char *target,
		   unsigned bucket)
{
	const struct ledger_view *ledger = &c->ctx->ledger;
	const struct epoch_facts *f = &c->facts;
	struct picking p = {.facts = f, .bucket = bucket};
	int error = ledger->tickets(ledger->ctx, f->epoch, target, offer, &p);
	int64_t at;

	*out = '\0';
	if (error == 0) {
		at = derive_ticket(p.ids, p.n, NULL, 0, (struct derive_seed){f->seed, f->seed_len},
				   target, bucket);
		if (at >= 0)
			strcpy(out, p.ids[at]);
	}
	free(p.ids);
	return error;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Who may read staged bytes. */
#include <string.h>

#include "base/text.h"
#include "node/heal_impl.h"

struct granting {
	const struct heal *h;
	struct heal_grant *out;
	unsigned n, room;
};

static void grant(struct granting *g, const struct heal_op *op, const char *verifier)
{
	const struct ledger_view *ledger = &g->h->ctx->ledger;
	const struct node *node = ledger->node(ledger->ctx, verifier);
	struct heal_grant one = {.op = op->id, .until_epoch = op->deadline_epoch};

	if (node == NULL || hex_decode(one.key, 32, text_of(node->key)) != 0 ||
	    strlen(verifier) >= sizeof(one.account))
		return;
	strcpy(one.account, verifier);
	if (g->n < g->room)
		g->out[g->n] = one;
	g->n++;
}

/* The checks in the order of docs/healing.md, "Who may read"; the status was asked for. */
static void grants_of(void *arg, const struct heal_op *op)
{
	struct granting *g = arg;
	const struct heal *h = g->h;

	if (strcmp(text_of(op->healer), h->ctx->self) != 0 || op->verifiers.n == 0 ||
	    text_of(op->result_hash)[0] == '\0' ||
	    heal_staged(h, op->id, text_of(op->result_hash)) != 0)
		return;
	for (size_t i = 0; i < op->verifiers.n; i++)
		grant(g, op, op->verifiers.at[i]);
}

unsigned heal_grants(const struct heal *h, struct heal_grant *out, unsigned room)
{
	struct granting g = {h, out, 0, room};

	heal_each_op(h, HEAL_HEALER_REPORTED, grants_of, &g);
	return g.n;
}

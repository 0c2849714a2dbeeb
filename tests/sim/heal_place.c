/* SPDX-License-Identifier: Apache-2.0 */
/* Healed artifacts come to their holders, who sign for them when their own copies agree. */
#include <jansson.h>
#include <string.h>

#include "base/must.h"
#include "ledger/heal.h"
#include "ledger/placement.h"
#include "sim/stage.h"

static const struct anchor *anchor_now(struct state *s)
{
	char key[KEY_ROOM];

	return table_find(state_tables(s), T_ANCHORS, key_epoch(key, state_epoch(s)));
}

/* Those that do not answer and hold nothing yet, as many as the ledger lets it leave out. */
static json_t *skipped(struct run_node *n, const struct anchor *anchor, const struct ticket *t)
{
	json_t *skip = json_array();

	for (size_t i = 0; i < anchor->active.n; i++) {
		const char *account = anchor->active.at[i];

		if (3 * (json_array_size(skip) + 1) <= anchor->active.n &&
		    !run_heal_reaches(n, run_node_find(n->run, account)) &&
		    (t->rehome || !texts_have(&t->holders, account)))
			json_array_append_new(skip, json_string(account));
	}
	return skip;
}

/* Those whose receipts the ledger wants: all of a new list, or who was not in the old one there. */
static void newcomers(struct texts *out, const struct ticket *t, const struct anchor *anchor,
		      const struct texts *holders)
{
	struct texts kept = {0}, none = {0};
	bool all = t->rehome ||
		   !placement_replace(&kept, t->record.key, &t->holders, &anchor->active, &none);

	for (size_t i = 0; i < holders->n; i++)
		if (all || strcmp(t->holders.at[i], holders->at[i]) != 0)
			texts_add(out, holders->at[i]);
	texts_free(&kept);
}

static bool same(const struct texts *a, const struct texts *b)
{
	bool equal = a->n == b->n;

	for (size_t i = 0; equal && i < a->n; i++)
		equal = strcmp(a->at[i], b->at[i]) == 0;
	return equal;
}

/* The holder finds itself there by what it knows of the ledger. */
static bool agrees(struct run_node *holder, const struct texts *holders, const char *ticket,
		   const json_t *data)
{
	struct texts own;
	bool good = ticket_holders(core_state(holder->core), &own, ticket, data, true) &&
		    same(&own, holders);

	texts_free(&own);
	return good;
}

static enum heal_end give(struct run_node *n, const struct run_file *f, const struct texts *holders,
			  const json_t *data, struct heal_done *out)
{
	for (size_t i = 0; i < holders->n; i++) {
		struct run_node *h = run_node_find(n->run, holders->at[i]);

		if (n->frozen)
			return HEAL_END_DONE;
		if (!run_heal_reaches(n, h))
			return run_heal_because(out, HEAL_END_REMOTE, "a holder does not answer");
		if (!agrees(h, holders, f->ticket, data))
			return run_heal_because(out, HEAL_END_REMOTE, "a holder has another copy");
		h->has[f - n->run->file] |= run_file_share(n->run, f, holders->n, i);
		if (i == 0)
			run_pass(n, FAIL_HEAL_PUBLISH_PARTIAL);
	}
	return HEAL_END_DONE;
}

enum heal_end run_heal_place(struct run_node *n, const struct heal_order *order, uint64_t since_ns,
			     struct heal_done *out)
{
	struct state *state = core_state(n->core);
	const struct run_staged *s = run_staged_find(n, order->op);
	const struct ticket *t = ticket_find(state, order->ticket);
	const struct anchor *anchor = anchor_now(state);
	struct texts holders, signers = {0};
	enum heal_end end;
	json_t *data;

	if (s == NULL || !s->manifest)
		return run_heal_because(out, HEAL_END_LOST, "not staged");
	if (s->forged)
		return run_heal_because(out, HEAL_END_REMOTE, "the holders find other bytes");
	must(t != NULL && anchor != NULL);
	data = json_pack("{sIsIso}", "heal_op_id", (json_int_t)order->op, "placement_epoch",
			 (json_int_t)state_epoch(state), "skip", skipped(n, anchor, t));
	must(data != NULL);
	if (!ticket_holders(state, &holders, order->ticket, data, true)) {
		json_decref(data);
		return run_heal_because(out, HEAL_END_REMOTE, "nobody to hold it");
	}
	end = give(n, run_file_find(n->run, order->ticket), &holders, data, out);
	if (end == HEAL_END_DONE) {
		newcomers(&signers, t, anchor, &holders);
		json_object_set_new(
			data, "receipts",
			net_receipts(&n->run->net, order->ticket, state_epoch(state), &signers));
		out->entry = json_dumps(data, JSON_COMPACT);
		run_heal_placed(n, order->op, since_ns);
	}
	texts_free(&signers);
	texts_free(&holders);
	json_decref(data);
	return end;
}

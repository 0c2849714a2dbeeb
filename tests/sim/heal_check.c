/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of healing, whatever goes wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "sim/stage.h"

#define SETTLE_NS (600 * RUN_S) /* of simulated time, for all ops of then */

/* --- what the ledger accepted --- */

static uint64_t op_of(const struct entry *e)
{
	return (uint64_t)json_integer_value(json_object_get(e->data, "heal_op_id"));
}

static void once(struct run *r, const char *what, uint64_t op, const char *author)
{
	char key[128];

	snprintf(key, sizeof(key), "%s %" PRIu64 " %s", what, op, author);
	if (json_object_get(r->heals, key) != NULL)
		run_wrong(r, "twice: %s", key);
	json_object_set_new(r->heals, key, json_true());
}

static json_t *times(struct run *r, const char *what, uint64_t op)
{
	char key[64];

	snprintf(key, sizeof(key), "%s %" PRIu64, what, op);
	return json_object_get(r->heals, key);
}

static void set_time(struct run *r, const char *what, uint64_t op, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s %" PRIu64, what, op);
	json_object_set_new(r->heals, key, json_integer((json_int_t)value));
}

/* Whoever claims has it staged, until it knows what became of the claim. */
static void accepted_claim(struct run *r, uint64_t op, const char *author)
{
	const struct run_staged *s = run_staged_find(run_node_find(r, author), op);
	json_int_t gone = json_integer_value(times(r, "cleaned", op));

	once(r, "accepted claim", op, author);
	r->claims++;
	if ((s == NULL || !s->manifest) && (uint64_t)gone < state_seq(r->net.state))
		run_wrong(r, "%s claimed op %" PRIu64 " and has nothing staged", author, op);
}

static void accepted_vote(struct run *r, uint64_t op, const struct entry *e)
{
	const struct heal_op *there = heal_op_find(r->net.state, op);
	const struct run_staged *s = run_staged_find(run_node_find(r, text_of(there->healer)), op);
	bool verified = json_is_true(json_object_get(e->data, "verified"));

	once(r, "accepted vote", op, e->author);
	r->votes++;
	if (verified && s != NULL && s->forged)
		run_wrong(r, "%s confirmed op %" PRIu64 ", whose bytes are false", e->author, op);
}

static void accepted_published(struct run *r, uint64_t op, const char *author)
{
	once(r, "accepted publication", op, author);
	r->published++;
	if (times(r, "placed", op) == NULL)
		run_wrong(r, "op %" PRIu64 " is published, and nothing was placed", op);
}

/*
 * Who lost neither his memory nor the log says a thing once, also where the ledger would not take
 * it twice.
 */
void run_heal_said(struct run *r, const struct entry *e)
{
	if (!r->options.calm || r->crashes > 0)
		return;
	if (strcmp(e->type, "heal_claim") == 0)
		once(r, "said claim", op_of(e), e->author);
	if (strcmp(e->type, "heal_vote") == 0)
		once(r, "said vote", op_of(e), e->author);
}

void run_heal_accepted(struct run *r, const struct entry *e)
{
	if (strcmp(e->type, "heal_claim") == 0)
		accepted_claim(r, op_of(e), e->author);
	if (strcmp(e->type, "heal_vote") == 0)
		accepted_vote(r, op_of(e), e);
	if (strcmp(e->type, "heal_published") == 0)
		accepted_published(r, op_of(e), e->author);
}

/* --- what nodes do --- */

/* By what the node knows, the deadline epoch has not begun: the ledger itself would still take it.
 */
void run_heal_sends(struct run_node *n, const uint8_t *bytes, size_t len)
{
	struct state *s = n->run->options.heal ? core_state(n->core) : NULL;
	const struct heal_op *op;
	struct entry e;

	if (s == NULL)
		return;
	must(entry_parse(&e, bytes, len));
	op = strcmp(e.type, "heal_claim") == 0 || strcmp(e.type, "heal_vote") == 0
		     ? heal_op_find(s, op_of(&e))
		     : NULL;
	if (op != NULL && state_epoch(s) >= op->deadline_epoch)
		run_wrong(n->run, "%s sends %s of op %" PRIu64 " in its deadline epoch", e.author,
			  e.type, op->id);
	entry_free(&e);
}

void run_heal_placing(struct run_node *n, const struct heal_order *order)
{
	const struct heal_op *op = heal_op_find(core_state(n->core), order->op);

	if (op == NULL || op->status != HEAL_VERIFIED ||
	    strcmp(text_of(op->result_hash), order->hash) != 0)
		run_wrong(n->run, "%s publishes op %" PRIu64 ", which is not verified",
			  n->who->account, order->op);
}

void run_heal_placed(struct run_node *n, uint64_t op, uint64_t since_ns)
{
	if (!n->frozen)
		set_time(n->run, "placed", op, since_ns);
}

/* By what the node knows: of a claim that stands, and of what is not published yet, nothing goes.
 */
static void judge_cleaning(struct run_node *n, const struct run_staged *s)
{
	const struct heal_op *op = heal_op_find(core_state(n->core), s->op);

	if (!s->manifest || op == NULL || strcmp(text_of(op->healer), n->who->account) != 0 ||
	    strcmp(text_of(op->result_hash), s->hash) != 0)
		return;
	if (op->status == HEAL_HEALER_REPORTED || (op->status == HEAL_VERIFIED && !op->published))
		run_wrong(n->run, "%s removes what it staged for op %" PRIu64 " in status %" PRIu64,
			  n->who->account, s->op, op->status);
}

void run_heal_cleaning(struct run_node *n, const struct run_staged *s)
{
	struct run_staged *copy;

	if (n->core != NULL) {
		judge_cleaning(n, s);
		set_time(n->run, "cleaned", s->op, core_seq(n->core));
		return;
	}
	copy = malloc(sizeof(*copy));
	must(copy != NULL);
	*copy = *s;
	copy->next = n->swept;
	n->swept = copy;
}

void run_heal_started(struct run_node *n)
{
	while (n->swept != NULL) {
		struct run_staged *s = n->swept;

		if (n->core != NULL)
			run_heal_cleaning(n, s);
		n->swept = s->next;
		free(s);
	}
}

/* --- the end --- */

static bool settled(struct run *r, uint64_t upto)
{
	struct tables *t = state_tables(r->net.state);

	for (struct heal_op *op = table_first(t, T_HEAL_OPS); op != NULL && op->id <= upto;
	     op = table_next(t, op))
		if (!heal_op_final(op) || (op->status == HEAL_VERIFIED && !op->published))
			return false;
	for (unsigned i = 0; i < r->nodes; i++)
		for (struct run_staged *s = r->node[i].staged; s != NULL; s = s->next)
			if (s->op <= upto)
				return false;
	return true;
}

/* What could be rebuilt still can. */
static void check_recoverable(struct run *r)
{
	for (unsigned i = 0; i < r->files; i++)
		if (ticket_find(r->net.state, r->file[i].ticket) != NULL &&
		    !run_heal_enough(&r->file[i], run_heal_reach(r, i, NULL, NULL)))
			run_wrong(r, "file %u is lost", i);
}

/* What was placed after the last loss is where the ledger says, all of it. */
static void check_placed(struct run *r, const struct heal_op *op)
{
	const struct run_file *f = run_file_find(r, text_of(op->ticket));
	const struct ticket *t = ticket_find(r->net.state, op->ticket);
	uint64_t since = (uint64_t)json_integer_value(times(r, "placed", op->id));

	if (!op->published || since <= f->lost_ns)
		return;
	for (size_t i = 0; i < t->holders.n; i++) {
		const struct run_node *h = run_node_find(r, t->holders.at[i]);
		uint64_t share = run_file_share(r, f, t->holders.n, i);

		if ((h->has[f - r->file] & share) != share)
			run_wrong(r, "op %" PRIu64 " is published, and %s has not all of it",
				  op->id, h->who->account);
	}
}

void run_heal_end(struct run *r)
{
	struct tables *t = state_tables(r->net.state);
	struct heal_op *last = table_last(t, T_HEAL_OPS);
	uint64_t upto = last != NULL ? last->id : 0, until = r->now.mono_ns + SETTLE_NS;

	while (r->wrong[0] == '\0' && !settled(r, upto)) {
		run_step(r);
		if (r->now.mono_ns > until)
			run_wrong(r, "heal ops up to %" PRIu64 " do not settle", upto);
	}
	for (struct heal_op *op = table_first(t, T_HEAL_OPS); op != NULL; op = table_next(t, op))
		check_placed(r, op);
	check_recoverable(r);
}

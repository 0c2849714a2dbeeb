/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "assay/status.h"
#include "ledger/heal.h"
#include "ledger/scores.h"

#define FAILED_HEAL 15

bool heal_op_final(const struct heal_op *op)
{
	return op->status == HEAL_VERIFIED || op->status == HEAL_FAILED ||
	       op->status == HEAL_EXPIRED;
}

struct heal_op *heal_op_find(struct state *s, uint64_t id)
{
	char key[KEY_ROOM];

	return table_find(state_tables(s), T_HEAL_OPS, key_epoch(key, id));
}

struct heal_op *heal_op_open(struct state *s, const char *ticket)
{
	struct heal_op *op = index_op_of_ticket(&state_scores(s)->index, ticket, 0);

	for (; op != NULL && strcmp(text_of(op->ticket), ticket) == 0;
	     op = index_op_of_ticket_next(op))
		if (!heal_op_final(op))
			return op;
	return NULL;
}

static void changed(struct state *s, struct heal_op *op)
{
	const struct state_event event = {.kind = STATE_HEAL_CHANGED, .number = op->id};

	op->updated_height = state_meta(s)->height;
	state_event(s, &event);
}

void heal_op_set_status(struct state *s, struct heal_op *op, enum heal_status status)
{
	struct index *x = &state_scores(s)->index;

	table_touch(state_tables(s), op);
	index_take_op(x, op);
	op->status = status;
	index_add_op(x, op);
	changed(s, op);
}

static uint64_t next_id(struct state *s)
{
	struct heal_op *last = table_last(state_tables(s), T_HEAL_OPS);

	if (state_meta(s)->next_heal_op_id != 0)
		return state_meta(s)->next_heal_op_id;
	return last == NULL ? 1 : last->id + 1;
}

struct heal_op *heal_op_new(struct state *s, const char *ticket, const char *healer, uint64_t epoch)
{
	struct tables *t = state_tables(s);
	uint64_t id = next_id(s);
	char key[KEY_ROOM];
	struct heal_op *op = table_put(t, T_HEAL_OPS, key_epoch(key, id));

	op->id = id;
	text_set(&op->ticket, ticket);
	text_set(&op->healer, healer);
	op->scheduled_epoch = epoch;
	op->status = HEAL_SCHEDULED;
	op->created_height = state_meta(s)->height;
	op->deadline_epoch = epoch + state_params(s)->storage_truth_heal_deadline_epochs;
	index_add_op(&state_scores(s)->index, op);
	table_touch(t, state_meta(s));
	state_meta(s)->next_heal_op_id = id + 1;
	changed(s, op);
	return op;
}

void heal_op_charge(struct state *s, struct heal_op *op, uint64_t epoch)
{
	struct tables *t = state_tables(s);
	struct ticket_deterioration *d = table_find(t, T_TICKET_DETERIORATION, text_of(op->ticket));
	uint64_t until = epoch + state_params(s)->storage_truth_probation_epochs;
	char key[KEY_ROOM];

	if (d == NULL)
		return;
	table_touch(t, d);
	d->deterioration_score = score_add(d->deterioration_score, FAILED_HEAL);
	if (d->probation_until_epoch < until)
		d->probation_until_epoch = until;
	if (d->active_heal_op_id == op->id)
		d->active_heal_op_id = 0;
	table_put(t, T_FAILED_HEALS,
		  key_format(key, "%s/%020" PRIu64 "/%s", text_of(op->healer), epoch, op->ticket));
}

static size_t page_limit(size_t limit)
{
	return limit == 0 || limit > HEAL_PAGE_MAX ? HEAL_PAGE_MAX : limit;
}

int heal_ops_by_status(struct state *s, struct heal_op **out, uint64_t *cursor,
		       enum heal_status status, size_t limit)
{
	struct heal_op *op;
	size_t n = 0;

	if (status < HEAL_SCHEDULED || status > HEAL_EXPIRED)
		return ASSAY_E_INVAL;
	op = index_op_of_status(&state_scores(s)->index, status, *cursor);
	for (; op != NULL && op->status == status && n < page_limit(limit);
	     op = index_op_of_status_next(op))
		out[n++] = op;
	*cursor = op != NULL && op->status == status ? op->id : 0;
	return (int)n;
}

int heal_ops_by_ticket(struct state *s, struct heal_op **out, uint64_t *cursor, const char *ticket,
		       size_t limit)
{
	struct heal_op *op = index_op_of_ticket(&state_scores(s)->index, ticket, *cursor);
	size_t n = 0;

	for (; op != NULL && strcmp(text_of(op->ticket), ticket) == 0 && n < page_limit(limit);
	     op = index_op_of_ticket_next(op))
		out[n++] = op;
	*cursor = op != NULL && strcmp(text_of(op->ticket), ticket) == 0 ? op->id : 0;
	return (int)n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "control/receipts.h"
#include "ledger/data.h"
#include "ledger/heal.h"
#include "ledger/jcs.h"
#include "ledger/rules.h"

void receipt_plan_free(struct receipt_plan *p)
{
	text_set(&p->ticket, NULL);
	text_set(&p->data_hash, NULL);
	text_set(&p->signatures, NULL);
	texts_free(&p->index_ids);
	texts_free(&p->holders);
}

static bool take_creator(struct holder_ticket *told, struct state *s, const char *creator)
{
	const struct node *node = node_find(s, creator);

	return node != NULL && hex_read(told->record.creator, 32, node->key);
}

/* A ticket that is to be recorded: all of it is in the description. */
static enum holder_reason take_ticket(struct receipt_plan *p, struct state *s, const char *author,
				      const json_t *data)
{
	const struct params *params = params_current(state_tables(s));
	struct holder_ticket *t = &p->told;
	json_t *ids = json_object_get(data, "rq_ids_ids");

	if (!data_valid(&data_ticket, data))
		return HOLDER_DESCRIPTION;
	text_set(&p->ticket, data_text(data, "ticket"));
	if (p->ticket == NULL)
		return HOLDER_DESCRIPTION;
	text_set(&p->data_hash, data_text(data, "data_hash"));
	text_set(&p->signatures, data_text(data, "signatures"));
	for (size_t i = 0; i < json_array_size(ids); i++)
		texts_add(&p->index_ids, json_string_value(json_array_get(ids, i)));
	t->record.size = data_number(data, "size");
	t->record.ic = (uint32_t)data_number(data, "ic");
	t->record.max = (uint32_t)data_number(data, "max");
	t->record.ratio = (uint32_t)data_number(data, "ratio");
	t->index_count = data_number(data, "index_artifact_count");
	t->symbol_count = data_number(data, "symbol_artifact_count");
	t->index_copies = params->index_copies;
	t->symbol_copies = params->symbol_copies;
	if (p->index_ids.n != data_number(data, "max") || t->record.max != params->rq_ids_max ||
	    t->record.ratio != params->redundancy_ratio)
		return HOLDER_COUNTS;
	if (!take_creator(t, s, author))
		return HOLDER_INDEX;
	return ticket_holders(s, &p->holders, p->ticket, data, false) ? HOLDER_SIGNS
								      : HOLDER_PLACEMENT;
}

/* The ledger has it. */
static enum holder_reason take_recorded(struct receipt_plan *p, struct state *s,
					const struct ticket *t)
{
	struct holder_ticket *out = &p->told;

	text_set(&p->ticket, t->record.key);
	text_set(&p->data_hash, text_of(t->data_hash));
	text_set(&p->signatures, text_of(t->signatures));
	texts_copy(&p->index_ids, &t->rq_ids_ids);
	out->record.size = t->size;
	out->record.ic = (uint32_t)t->ic;
	out->record.max = (uint32_t)t->max;
	out->record.ratio = (uint32_t)t->ratio;
	out->index_count = t->index_artifact_count;
	out->symbol_count = t->symbol_artifact_count;
	out->index_copies = t->index_copies;
	out->symbol_copies = t->symbol_copies;
	return p->index_ids.n == t->max && take_creator(out, s, text_of(t->creator)) ? HOLDER_SIGNS
										     : HOLDER_INDEX;
}

/* One that is to be placed anew after a heal. */
static enum holder_reason take_heal(struct receipt_plan *p, struct state *s, const json_t *data)
{
	enum holder_reason reason;
	const struct heal_op *op;
	const struct ticket *t;

	if (!data_valid(&data_heal_published, data))
		return HOLDER_DESCRIPTION;
	op = heal_op_find(s, data_number(data, "heal_op_id"));
	t = op != NULL ? ticket_find(s, text_of(op->ticket)) : NULL;
	if (t == NULL)
		return HOLDER_PLACEMENT;
	reason = take_recorded(p, s, t);
	if (reason != HOLDER_SIGNS)
		return reason;
	return ticket_holders(s, &p->holders, p->ticket, data, true) ? HOLDER_SIGNS
								     : HOLDER_PLACEMENT;
}

static enum holder_reason take(struct receipt_plan *p, struct state *s, const json_t *description)
{
	const char *type = json_string_value(json_object_get(description, "type"));
	const char *author = json_string_value(json_object_get(description, "author"));
	const json_t *data = json_object_get(description, "data");

	if (json_object_size(description) != 3 || type == NULL || author == NULL || data == NULL)
		return HOLDER_DESCRIPTION;
	p->placement_epoch = data_number(data, "placement_epoch");
	if (strcmp(type, "ticket") == 0)
		return take_ticket(p, s, author, data);
	if (strcmp(type, "heal_published") == 0)
		return take_heal(p, s, data);
	return HOLDER_DESCRIPTION;
}

/* What is told points into what is owned. */
static void point(struct receipt_plan *p)
{
	/* A member that was told and is empty is stored as none. */
	p->told.record.data_hash = text_of(p->data_hash);
	p->told.record.signatures = text_of(p->signatures);
	p->told.record.symbols = (uint32_t)p->told.symbol_count;
	p->told.record.index_ids = (const char *const *)p->index_ids.at;
	p->told.holders = (const char *const *)p->holders.at;
	p->told.holder_count = p->holders.n;
}

enum holder_reason receipt_plan_make(struct receipt_plan *p, struct state *s, const char *text,
				     size_t len)
{
	enum jcs_error error;
	json_t *description = jcs_parse(&error, text, len, RECEIPT_DESCRIPTION);
	enum holder_reason reason = HOLDER_DESCRIPTION;

	*p = (struct receipt_plan){.ticket = NULL};
	if (description != NULL)
		reason = take(p, s, description);
	json_decref(description);
	point(p);
	if (reason != HOLDER_SIGNS)
		receipt_plan_free(p);
	return reason;
}

enum holder_reason receipt_plan_placed(struct receipt_plan *p, struct state *s,
				       const struct ticket *t)
{
	enum holder_reason reason;

	*p = (struct receipt_plan){.ticket = NULL};
	reason = take_recorded(p, s, t);
	texts_copy(&p->holders, &t->holders);
	point(p);
	if (reason != HOLDER_SIGNS)
		receipt_plan_free(p);
	return reason;
}

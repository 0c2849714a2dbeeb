/* SPDX-License-Identifier: Apache-2.0 */
/* Seq 0 from the founders' document. */
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/data.h"
#include "ledger/field.h"
#include "ledger/jcs.h"
#include "ledger/state_impl.h"

#define DOCUMENT_LIMIT (UINT32_C(1) << 30)

struct founding {
	struct state *s;
	const json_t *document;
	char *why;
	size_t why_room;
};

#define refuse_document(f, ...) (snprintf((f)->why, (f)->why_room, __VA_ARGS__), ASSAY_E_INVAL)

static const struct data_member document_members[] = {
	{"v", DATA_NUMBER},
	{"name", DATA_TEXT, 255},
	{"time", DATA_NUMBER},
	{"authority", DATA_HEX, 32},
	{"params", DATA_OBJECT},
	{"nodes", DATA_SHAPE, .list = true, .of = &data_node_add},
	{"committee", DATA_SHAPE, .of = &data_committee_genesis},
	{"state", DATA_OBJECT, .optional = true},
	{0},
};
static const struct data_shape document_shape = {document_members};

/* Tables whose records a document may bring along; the others belong to a log. */
static bool may_bring(enum table_id table)
{
	switch (table) {
	case T_META:
	case T_PARAMS:
	case T_PARAM_SNAPSHOTS:
	case T_COMMITTEES:
	case T_ANCHORS:
	case T_ROOTS:
	case T_SEALS:
	case T_VERDICTS:
	case TABLES:
		return false;
	default:
		return true;
	}
}

static int found_base(struct founding *f)
{
	struct state *s = f->s;
	char why[200], beacon[65];
	uint8_t key[32];

	s->meta = table_put(s->tables, T_META, "-");
	s->params = table_put(s->tables, T_PARAMS, "-");
	hex_encode(beacon, s->origin.net, 32);
	text_set(&s->meta->beacon, beacon);
	text_set(&s->meta->authority, data_text(f->document, "authority"));
	s->meta->time = data_number(f->document, "time");
	s->meta->next_heal_op_id = 1;
	if (!hex_read(key, 32, s->meta->authority) || !xonly_key_valid(key))
		return refuse_document(f, "authority: key is not on the curve");
	params_standard(s->params);
	if (params_merge(s->params, why, sizeof(why), json_object_get(f->document, "params"),
			 true) != 0)
		return refuse_document(f, "params: %s", why);
	return 0;
}

static int found_nodes(struct founding *f)
{
	const json_t *nodes = json_object_get(f->document, "nodes");
	const struct entry_ctx ctx = {ENTRY_AUTHORITY, 0};

	for (size_t i = 0; i < json_array_size(nodes); i++) {
		const json_t *node = json_array_get(nodes, i);
		const char *word = "";

		if (apply_node_add(f->s, &ctx, node, &word) != VERDICT_OK)
			return refuse_document(f, "nodes: %s: %s", data_text(node, "account"),
					       strcmp(word, "EXISTS") == 0
						       ? "account or key is there twice"
						       : "keys are not on the curve, or "
							 "session_pop does not fit them");
	}
	return 0;
}

static int found_committee(struct founding *f)
{
	const json_t *committee = json_object_get(f->document, "committee");
	const char *fault = committee_fault(f->s, committee);
	uint8_t key[32];

	if (fault != NULL)
		return refuse_document(f, "committee: %s", fault);
	committee_found(f->s, committee);
	if (!committee_keyless(f->s->committee) &&
	    (!hex_read(key, 32, f->s->committee->output_key) || !xonly_key_valid(key)))
		return refuse_document(f, "committee: output_key is not on the curve");
	return 0;
}

static int bring_record(struct founding *f, enum table_id table, const char *key,
			const json_t *object)
{
	const char *fault;

	if (!table_key_valid(table, key))
		return refuse_document(f, "state: %s: %s is no key", table_name(table), key);
	if (shape_read(table_put(f->s->tables, table, key), &fault, &table_shapes[table].shape,
		       object) != 0)
		return refuse_document(f, "state: %s %s: member %s", table_name(table), key,
				       fault != NULL ? fault : "list");
	return 0;
}

static int bring_state(struct founding *f)
{
	const char *name, *key;
	json_t *records, *object;

	json_object_foreach(json_object_get(f->document, "state"), name, records)
	{
		enum table_id table = table_by_name(name, strlen(name));

		if (!may_bring(table) || !json_is_object(records))
			return refuse_document(f, "state: no table %s in a document", name);
		json_object_foreach(records, key, object)
		{
			int status = bring_record(f, table, key, object);

			if (status != 0)
				return status;
		}
	}
	return 0;
}

static int complete_tickets(struct founding *f)
{
	struct tables *t = f->s->tables;
	struct texts active = {0};
	int status = 0;

	accounts_that(f->s, &active, node_working);
	for (struct ticket *k = table_first(t, T_TICKETS); k != NULL && status == 0;
	     k = table_next(t, k)) {
		const char *fault = ticket_complete(f->s, k, &active);

		if (fault != NULL)
			status = refuse_document(f, "state: ticket %s: %s", k->record.key, fault);
	}
	texts_free(&active);
	return status;
}

static int number_heal_ops(struct founding *f)
{
	struct tables *t = f->s->tables;
	struct heal_op *op = table_first(t, T_HEAL_OPS);
	char key[KEY_ROOM];

	for (; op != NULL; op = table_next(t, op)) {
		if (strcmp(op->record.key, key_epoch(key, op->id)) != 0 || op->id == UINT64_MAX)
			return refuse_document(f, "state: heal_ops %s: heal_op_id is another",
					       op->record.key);
		if (op->id >= f->s->meta->next_heal_op_id)
			f->s->meta->next_heal_op_id = op->id + 1;
	}
	return 0;
}

static int found(struct founding *f)
{
	struct state *s = f->s;
	int status;

	if (!data_valid(&document_shape, f->document) || data_number(f->document, "v") != 1)
		return refuse_document(f, "not a genesis document of version 1: members v, name, "
					  "time, authority, params, nodes, committee, state");
	log_hash_genesis(s->origin.net, f->document);
	memcpy(s->origin.log, s->origin.net, 32);
	hex_encode(s->net_hex, s->origin.net, 32);
	if ((status = found_base(f)) != 0 || (status = found_nodes(f)) != 0 ||
	    (status = found_committee(f)) != 0 || (status = bring_state(f)) != 0 ||
	    (status = complete_tickets(f)) != 0 || (status = number_heal_ops(f)) != 0)
		return status;
	state_index(s);
	trailer_genesis(s);
	return 0;
}

int state_genesis(struct state *s, char *why, size_t why_room, const char *document, size_t len)
{
	struct founding f = {.s = s, .why = why, .why_room = why_room};
	enum jcs_error error;
	json_t *parsed = jcs_parse(&error, document, len, DOCUMENT_LIMIT);
	int status;

	if (parsed == NULL)
		return refuse_document(&f, "not JSON as the ledger takes it: %s",
				       jcs_error_name(error));
	f.document = parsed;
	status = found(&f);
	json_decref(parsed);
	return status;
}

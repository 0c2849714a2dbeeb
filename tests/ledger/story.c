/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/story.h"

#include <stdio.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/state_impl.h"

#define NODES 7

static uint64_t pick(struct story *y, uint64_t below)
{
	return net_random(&y->net) % below;
}

/* --- good data of each type --- */

static const char *any_node(struct story *y)
{
	return y->net.nodes[pick(y, NODES)].account;
}

static json_t *boot_data(struct story *y)
{
	char boot[33];

	snprintf(boot, sizeof(boot), "%032" PRIx64, pick(y, 20));
	return json_pack("{ss}", "boot", boot);
}

static json_t *node_state_data(struct story *y, const char *account)
{
	static const int states[] = {NODE_ACTIVE, NODE_ACTIVE,	  NODE_ACTIVE,	 NODE_STOPPED,
				     NODE_ACTIVE, NODE_PENALIZED, NODE_DISABLED, NODE_ACTIVE};

	return json_pack("{sssi}", "account", account, "state", states[pick(y, 8)]);
}

static json_t *params_data(struct story *y)
{
	static const char *const names[] = {"placement_width", "index_copies",
					    "rehome_lost_percent", "symbol_copies",
					    "storage_truth_max_self_heal_ops_per_epoch"};

	if (pick(y, 4) == 0)
		return json_pack("{s{si}}", "set", "storage_truth_enforcement_mode",
				 (int)(1 + pick(y, 2)));
	return json_pack("{s{sI}}", "set", names[pick(y, 5)], (json_int_t)pick(y, 8));
}

/* Any record of a table, or NULL. */
static void *any_record(struct story *y, enum table_id table)
{
	struct tables *t = y->net.state->tables;
	struct record *r = table_first(t, table);
	uint64_t skip = r != NULL ? pick(y, table_count(t, table)) : 0;

	while (skip-- > 0)
		r = table_next(t, r);
	return r;
}

static json_t *ticket_ref(struct story *y)
{
	const struct record *r = any_record(y, T_TICKETS);

	return json_pack("{ss}", "ticket", r != NULL ? r->key : "none");
}

static json_t *report_data(struct story *y)
{
	json_t *host = json_pack("{sisisIs[]sisi}", "cpu", 100, "mem", 0, "disk",
				 (json_int_t)pick(y, 10002), "ports", "failed_actions", 0,
				 "stored_bytes", 5);

	return json_pack("{sIsos[]s[]}", "epoch", (json_int_t)state_epoch(y->net.state), "host",
			 host, "observations", "rows");
}

static json_t *attest_data(struct story *y, uint64_t *epoch)
{
	const struct epoch_root *root = any_record(y, T_ROOTS);

	*epoch = root != NULL ? root->epoch : 1;
	return json_pack("{sIss}", "epoch", (json_int_t)*epoch, "root",
			 root != NULL ? root->root : "00");
}

/* --- one step of each kind --- */

static struct entry_result apply(struct story *y, const char *author, const char *type,
				 json_t *data)
{
	return net_apply(&y->net, author, type, data);
}

static struct entry_result step_tick(struct story *y)
{
	unsigned member;
	json_t *data = net_tick_data(&y->net, &member);
	struct entry_result r = apply(y, y->net.nodes[member].account, "tick", data);

	if (r.code == 0)
		y->net.reveals_left[member]--;
	return r;
}

static struct entry_result step_presence(struct story *y)
{
	return apply(y, any_node(y), pick(y, 2) ? "start" : "stop", boot_data(y));
}

static struct entry_result step_registry(struct story *y)
{
	const char *account = any_node(y);
	bool own = pick(y, 3) > 0;
	const char *author = own ? (pick(y, 2) ? account : "authority") : any_node(y);
	json_t *update;

	switch (pick(y, 5)) {
	case 0:
		return apply(y, "authority", "node_add",
			     net_stranger(&y->net, (unsigned)pick(y, 3)));
	case 1:
		update = json_pack("{ssss}", "account", account, "address", "moved:1");
		return apply(y, author, "node_update", update);
	case 2:
		return apply(y, "authority", "params", params_data(y));
	default:
		return apply(y, author, "node_state", node_state_data(y, account));
	}
}

static struct entry_result step_ticket(struct story *y)
{
	unsigned creator = (unsigned)pick(y, NODES);

	if (state_height(y->net.state) == 0)
		return step_tick(y);
	return apply(y, y->net.nodes[creator].account, "ticket",
		     net_ticket_data(&y->net, creator, y->files++ % 50, 1 + pick(y, 300000)));
}

static struct entry_result step_ticket_end(struct story *y)
{
	const char *author = pick(y, 2) ? "authority" : any_node(y);

	return apply(y, author, pick(y, 4) ? "rehome" : "ticket_close", ticket_ref(y));
}

static struct entry_result step_report(struct story *y)
{
	return apply(y, any_node(y), "report", report_data(y));
}

static struct entry_result step_attest(struct story *y)
{
	uint64_t epoch;
	json_t *data = attest_data(y, &epoch);

	return apply(y, any_node(y), "attest", data);
}

/* Seals what can be sealed, by all its entries at once. */
static struct entry_result step_seal(struct story *y)
{
	const struct seal *seal = any_record(y, T_SEALS);

	if (seal == NULL || seal->body == NULL || seal->sig != NULL)
		return step_attest(y);
	net_seal(&y->net, seal->epoch);
	return (struct entry_result){.kind = ENTRY_VERDICT, .type = "seal"};
}

static json_t *publish_data(struct story *y, const struct heal_op *op)
{
	struct state *s = y->net.state;
	uint64_t epoch = state_epoch(s);
	const struct ticket *t = ticket_find(s, op->ticket);
	struct texts none = {0}, holders = {0}, fresh = {0};
	const struct anchor *a;
	char key[KEY_ROOM];
	json_t *receipts;

	a = table_find(s->tables, T_ANCHORS, key_epoch(key, epoch));
	if (t->rehome || !placement_replace(&holders, op->ticket, &t->holders, &a->active, &none)) {
		placement_new(&fresh, op->ticket, &a->active, &none,
			      placement_width_of(s->params->placement_width,
						 t->index_artifact_count,
						 t->symbol_artifact_count));
	} else {
		for (size_t i = 0; i < holders.n; i++)
			if (strcmp(holders.at[i], t->holders.at[i]) != 0)
				texts_add(&fresh, holders.at[i]);
	}
	receipts = net_receipts(&y->net, op->ticket, epoch, &fresh);
	texts_free(&holders);
	texts_free(&fresh);
	return json_pack("{sIsIs[]so}", "heal_op_id", (json_int_t)op->id, "placement_epoch",
			 (json_int_t)epoch, "skip", "receipts", receipts);
}

static struct entry_result step_heal(struct story *y)
{
	const struct heal_op *op = any_record(y, T_HEAL_OPS);
	const struct ticket *t = op != NULL ? ticket_find(y->net.state, op->ticket) : NULL;
	const char *author = op != NULL ? op->healer : NULL;
	json_t *data;

	if (t == NULL)
		return step_report(y);
	if (pick(y, 8) == 0)
		author = any_node(y);
	if (op->status == HEAL_HEALER_REPORTED) {
		data = json_pack("{sIsbssss}", "heal_op_id", (json_int_t)op->id, "verified",
				 pick(y, 8) != 0, "verification_hash", t->data_hash, "details", "");
		return apply(y, op->verifiers.at[pick(y, op->verifiers.n)], "heal_vote", data);
	}
	if (op->status == HEAL_VERIFIED)
		return apply(y, author, "heal_published", publish_data(y, op));
	data = json_pack("{sIssssss}", "heal_op_id", (json_int_t)op->id, "ticket", op->ticket,
			 "heal_manifest_hash", t->data_hash, "details", "");
	return apply(y, author, "heal_claim", data);
}

/* --- spoilt entries --- */

/* The same entry again, some other bytes, or a broken one. */
static struct entry_result step_garbage(struct story *y)
{
	struct buf *entry = &y->net.entry;
	struct entry_result r;

	if (entry->len > 0 && pick(y, 3) > 0)
		entry->at[pick(y, entry->len)] ^= (char)(1 << pick(y, 8));
	else if (entry->len > 0 && pick(y, 2))
		entry->len = pick(y, entry->len);
	state_apply(y->net.state, &r, (const uint8_t *)entry->at, entry->len);
	return r;
}

static json_t *any_value(struct story *y)
{
	switch (pick(y, 8)) {
	case 0:
		return json_integer(-1);
	case 1:
		return json_integer((INT64_C(1) << 53) - 1);
	case 2:
		return json_string("");
	case 3:
		return json_array();
	case 4:
		return json_object();
	case 5:
		return json_null();
	case 6:
		return json_integer((json_int_t)pick(y, 10));
	default:
		return json_pack("[{ss}]", "account", "n00001");
	}
}

/* One member of the data, or of an object in it, is dropped, replaced or added. */
static void spoil(struct story *y, json_t *data)
{
	size_t n = json_object_size(data), at = n > 0 ? pick(y, n) : 0;
	const char *name;
	json_t *value;

	json_object_foreach(data, name, value)
	{
		if (at-- > 0)
			continue;
		if (json_is_array(value) && json_array_size(value) > 0)
			value = json_array_get(value, pick(y, json_array_size(value)));
		if (json_is_object(value) && pick(y, 2))
			spoil(y, value);
		else if (pick(y, 4) == 0)
			json_object_del(data, name);
		else
			json_object_set_new(data, name, any_value(y));
		return;
	}
	json_object_set_new(data, "more", any_value(y));
}

/* The last entry with other data, signed again. */
static struct entry_result step_spoilt(struct story *y)
{
	struct entry e;
	struct entry_result r = {.kind = ENTRY_VOID, .reason = ""};
	char author[65], type[24];
	json_t *data;

	if (!entry_parse(&e, (const uint8_t *)y->net.entry.at, y->net.entry.len)) {
		entry_free(&e);
		return step_garbage(y);
	}
	snprintf(author, sizeof(author), "%s", e.author);
	snprintf(type, sizeof(type), "%s", e.type);
	data = json_deep_copy(e.data);
	entry_free(&e);
	spoil(y, data);
	r = apply(y, author, type, data);
	/* A tick whose unsigned members were spoilt is one like any other. */
	if (r.code == 0 && r.kind == ENTRY_VERDICT && strcmp(type, "tick") == 0)
		y->net.reveals_left[net_find(&y->net, author) - y->net.nodes]--;
	return r;
}

static const struct step {
	struct entry_result (*run)(struct story *y);
	unsigned weight;
} steps[] = {
	{step_tick, 40},      {step_presence, 8}, {step_registry, 16}, {step_ticket, 14},
	{step_ticket_end, 6}, {step_report, 20},  {step_attest, 24},   {step_seal, 8},
	{step_heal, 30},      {step_garbage, 10}, {step_spoilt, 24},
};

struct entry_result story_step(struct story *y)
{
	unsigned total = 0, at;
	struct entry_result r;
	size_t i = 0;

	for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
		total += steps[k].weight;
	at = (unsigned)pick(y, total);
	for (; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	r = steps[i].run(y);
	y->kinds[r.kind]++;
	if (r.kind == ENTRY_VERDICT)
		y->verdicts[r.code]++;
	if (r.kind == ENTRY_VERDICT && r.code == 0)
		json_object_set_new(y->accepted, r.type,
				    json_integer(story_accepted(y, r.type) + 1));
	return r;
}

unsigned story_accepted(const struct story *y, const char *type)
{
	return (unsigned)json_integer_value(json_object_get(y->accepted, type));
}

void story_new(struct story *y, uint64_t seed)
{
	static const char params[] =
		"{\"rq_ids_max\":3,\"keep_last_epoch_entries\":4,"
		"\"storage_truth_class_a_fault_window\":2,"
		"\"storage_truth_class_b_fault_window\":2,"
		"\"storage_truth_old_class_a_fault_window\":2,"
		"\"storage_truth_pattern_escalation_window\":2,"
		"\"storage_truth_divergence_window_epochs\":2,"
		"\"storage_truth_contradiction_window_epochs\":2,"
		"\"storage_truth_probation_epochs\":1,\"verdict_keep_epochs\":8,"
		"\"storage_truth_heal_deadline_epochs\":2,\"consecutive_epochs_to_postpone\":2,"
		"\"min_disk_free_percent\":10}";

	*y = (struct story){.accepted = json_object()};
	net_new(&y->net, &(struct net_config){
				 .nodes = NODES,
				 .members = 4,
				 .epoch_length = 4,
				 .keyed = true,
				 .params = params,
			 });
	y->net.random = seed;
}

void story_free(struct story *y)
{
	json_decref(y->accepted);
	net_free(&y->net);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the node's copy of the ledger says: log, epochs, nodes, challenges, tickets. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/methods.h"
#include "control/network.h"
#include "ledger/entry.h"
#include "ledger/params.h"
#include "ledger/rules.h"
#include "ledger/score.h"

#define TAIL_MAX  1000
#define ROWS_LAST 8 /* epochs that are looked at unless told otherwise */

/* The core; NULL after rpc_fail: this node follows no ledger. */
static struct core *core_of(struct rpc_context *ctx, struct rpc_error *error)
{
	struct core *core = network_core(ctx->control->app->network);

	if (core == NULL)
		rpc_fail(error, ASSAY_E_UNSUPPORTED, NULL,
			 "name the network's genesis document in the configuration",
			 "this node follows no ledger");
	return core;
}

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
	char hex[2 * 64 + 1];

	hex_encode(hex, bytes, len);
	return json_string(hex);
}

/* --- the log --- */

METHOD(method_ledger_status)
{
	struct core *core = core_of(ctx, error);
	struct replica_status status;
	struct runner_status runner;
	struct log_health health;
	uint8_t log[32], state[32];

	if (core == NULL)
		return NULL;
	replica_status(core_replica(core), &status);
	runner_status(core_runner(core), &runner);
	network_engine(ctx->control->app->network, &health);
	state_log(core_state(core), log);
	state_hash(core_state(core), state);
	return json_pack("{s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:I,s:I,s:I,s:s,s:{s:b,s:s,s:s},s:s}",
			 "condition", replica_condition_name(status.condition), "seq",
			 (json_int_t)status.seq, "head", (json_int_t)status.head, "height",
			 (json_int_t)state_height(core_state(core)), "epoch",
			 (json_int_t)state_epoch(core_state(core)), "log", hex_json(log, 32),
			 "state", hex_json(state, 32), "void", (json_int_t)status.voids,
			 "duplicate", (json_int_t)status.duplicates, "refused",
			 (json_int_t)status.refused, "mismatch", status.mismatch, "engine",
			 "reachable", (int)health.reachable, "where", health.where, "trouble",
			 health.trouble, "report", runner.report != NULL ? runner.report : "");
}

/* What the state machine said of an entry. */
static void add_verdict(json_t *out, struct core *core, const struct entry *e)
{
	char id[65];
	const struct verdict *v;

	hex_encode(id, e->id, 32);
	json_object_set_new(out, "id", json_string(id));
	v = table_find(state_tables(core_state(core)), T_VERDICTS, id);
	if (v == NULL)
		return;
	json_object_set_new(out, "code", json_integer((json_int_t)v->code));
	json_object_set_new(out, "reason", json_string(text_of(v->reason)));
}

static json_t *entry_json(struct core *core, uint64_t seq, bool whole)
{
	const uint8_t *bytes;
	struct entry e;
	json_t *out;
	uint8_t log[32];
	size_t len;

	if (replica_entry(core_replica(core), seq, &bytes, &len, log) != 0)
		return NULL;
	out = json_pack("{s:I,s:o,s:I}", "seq", (json_int_t)seq, "log", hex_json(log, 32), "bytes",
			(json_int_t)len);
	if (entry_parse(&e, bytes, len)) {
		json_object_set_new(out, "author", json_string(e.author));
		json_object_set_new(out, "type", json_string(e.type));
		json_object_set_new(out, "epoch", json_integer((json_int_t)e.epoch));
		add_verdict(out, core, &e);
		if (whole)
			json_object_set(out, "entry", e.document);
	} else {
		json_object_set_new(out, "void", json_true());
	}
	entry_free(&e);
	return out;
}

METHOD(method_ledger_tail)
{
	struct core *core = core_of(ctx, error);
	uint64_t limit = rpc_number(params, "limit", 20), last;
	json_t *list;

	if (core == NULL)
		return NULL;
	list = json_array();
	last = core_seq(core);
	for (uint64_t seq = last > limit ? last - limit + 1 : 1; seq <= last; seq++) {
		json_t *entry = entry_json(core, seq, false);

		if (entry != NULL)
			json_array_append_new(list, entry);
	}
	return json_pack("{s:o,s:I}", "entries", list, "seq", (json_int_t)last);
}

METHOD(method_ledger_entry)
{
	struct core *core = core_of(ctx, error);
	uint64_t seq = rpc_number(params, "seq", 0);
	json_t *entry;

	if (core == NULL)
		return NULL;
	entry = entry_json(core, seq, true);
	return entry != NULL ? entry
			     : rpc_fail(error, ASSAY_E_NOTFOUND, "seq", NULL,
					"the node's copy has no entry %lu; its newest is %lu", seq,
					core_seq(core));
}

METHOD(method_ledger_accept_engine)
{
	struct core *core = core_of(ctx, error);
	struct replica_status status;
	int code;

	if (core == NULL)
		return NULL;
	replica_status(core_replica(core), &status);
	if (status.mismatch[0] == 0)
		return rpc_fail(error, ASSAY_E_INVAL, NULL, NULL,
				"the engine does not contradict this node's copy");
	if (!rpc_bool(params, "yes"))
		return rpc_fail(error, ASSAY_E_INVAL, "yes", "say yes=true if the engine is right",
				"%s", status.mismatch);
	code = replica_accept_engine(core_replica(core));
	return code == 0 ? json_object()
			 : rpc_fail(error, code, NULL, NULL, "%s", assay_error_text(code));
}

/* --- epochs and nodes --- */

METHOD(method_epoch)
{
	struct core *core = core_of(ctx, error);
	struct runner_status r;
	const struct anchor *anchor;
	char key[KEY_ROOM];
	uint64_t epoch;

	if (core == NULL)
		return NULL;
	runner_status(core_runner(core), &r);
	epoch = rpc_number(params, "epoch", state_epoch(core_state(core)));
	anchor = table_find(state_tables(core_state(core)), T_ANCHORS, key_epoch(key, epoch));
	if (anchor == NULL)
		return rpc_fail(error, ASSAY_E_NOTFOUND, "epoch", NULL,
				"epoch %lu has not begun, or its anchor is gone", epoch);
	return json_pack("{s:I,s:I,s:I,s:I,s:s,s:o,s:o,s:s,s:I,s:I,s:I}", "epoch",
			 (json_int_t)epoch, "height", (json_int_t)r.height, "start",
			 (json_int_t)anchor->start, "end", (json_int_t)anchor->end, "seed",
			 text_of(anchor->seed), "active", texts_json(&anchor->active), "targets",
			 texts_json(&anchor->targets), "report", r.report, "own_targets",
			 (json_int_t)r.targets, "slots_filled", (json_int_t)r.slots_filled,
			 "rechecks", (json_int_t)r.rechecks);
}

static const char *node_state_name(uint64_t state)
{
	static const char *const names[] = {"?",	 "ACTIVE",    "DISABLED",    "STOPPED",
					    "PENALIZED", "POSTPONED", "STORAGE_FULL"};

	return names[state <= NODE_STORAGE_FULL ? state : 0];
}

/* Why a node is not in good standing, in words; empty when it is. */
static void node_why(char *out, size_t room, struct tables *t, const struct node *node)
{
	const struct postponement *p = table_find(t, T_POSTPONEMENTS, node->record.key);

	out[0] = 0;
	if (p != NULL)
		snprintf(out, room, "%sscore in epoch %lu", p->strong ? "strong: " : "", p->epoch);
	else if (node->absent_epoch != 0)
		snprintf(out, room, "no report up to epoch %lu", node->absent_epoch);
}

static json_t *node_json(struct core *core, const struct node *node)
{
	static const char *const bands[] = {"", "watch", "probation", "postpone", "strong"};
	static const char *const trusts[] = {"", "normal", "low", "ineligible", "degraded"};
	struct tables *t = state_tables(core_state(core));
	const struct params *p = params_current(t);
	const struct node_suspicion *s = table_find(t, T_NODE_SUSPICION, node->record.key);
	const struct reporter_reliability *r =
		table_find(t, T_REPORTER_RELIABILITY, node->record.key);
	uint64_t epoch = state_epoch(core_state(core));
	int64_t score = 0;
	char why[96];

	node_why(why, sizeof(why), t, node);
	if (s != NULL)
		score = score_decay(s->suspicion_score,
				    p->storage_truth_node_suspicion_decay_per_epoch,
				    above(epoch, s->last_updated_epoch));
	return json_pack("{s:s,s:s,s:I,s:s,s:I,s:s,s:s,s:s}", "account", node->record.key, "state",
			 node_state_name(node->state), "suspicion", (json_int_t)score, "band",
			 bands[score_node_band(p, score)], "reliability",
			 (json_int_t)(r != NULL ? r->reliability_score : 0), "trust",
			 trusts[r != NULL && r->trust_band <= 4 ? r->trust_band : 1], "address",
			 text_of(node->address), "why", why);
}

METHOD(method_nodes)
{
	struct core *core = core_of(ctx, error);
	json_t *list;

	if (core == NULL)
		return NULL;
	list = json_array();
	for (struct node *node = table_first(state_tables(core_state(core)), T_NODES); node != NULL;
	     node = table_next(state_tables(core_state(core)), node))
		json_array_append_new(list, node_json(core, node));
	return json_pack("{s:o}", "nodes", list);
}

/* --- challenges --- */

/* What became of a failed row: somebody repeated the challenge. */
static const char *recheck_of(struct tables *t, const char *transcript)
{
	const struct transcript_record *r = table_find(t, T_TRANSCRIPTS, transcript);

	if (r == NULL || text_of(r->recheck_transcript)[0] == 0)
		return "";
	return r->confirmed ? "confirmed" : r->contradicted ? "contradicted" : "repeated";
}

static void add_row(json_t *list, struct tables *t, uint64_t epoch, const json_t *row, bool misses)
{
	static const char *const classes[] = {"", "INDEX", "SYMBOL"};
	static const char *const buckets[] = {"", "RECENT", "OLD", "PROBATION", "RECHECK"};
	const char *target, *challenger, *ticket, *key, *details, *transcript;
	json_int_t bucket, class, ordinal, result;

	if (json_unpack((json_t *)row, "{s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "target",
			&target, "challenger", &challenger, "ticket", &ticket, "key", &key,
			"details", &details, "transcript", &transcript, "bucket", &bucket, "class",
			&class, "ordinal", &ordinal, "result", &result) != 0 ||
	    (misses && !result_failure((uint64_t)result)))
		return;
	json_array_append_new(
		list, json_pack("{s:I,s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:s,s:s,s:s,s:s}", "epoch",
				(json_int_t)epoch, "target", target, "challenger", challenger,
				"bucket", buckets[bucket & 3], "ticket", ticket, "class",
				classes[class % 3], "ordinal", ordinal, "result",
				result_name((unsigned)result), "details", details, "key", key,
				"transcript", transcript, "recheck", recheck_of(t, transcript)));
}

/* Rows of the reports of the last epochs, oldest first. */
static json_t *rows_json(struct core *core, uint64_t epochs, bool misses)
{
	struct tables *t = state_tables(core_state(core));
	uint64_t epoch = state_epoch(core_state(core));
	uint64_t first = epoch + 1 > epochs ? epoch + 1 - epochs : 0;
	json_t *list = json_array();
	char key[KEY_ROOM];

	for (const struct report *r = table_from(t, T_REPORTS, key_epoch(key, first)); r != NULL;
	     r = table_next(t, (void *)r)) {
		json_t *rows = json_loads(text_of(r->rows), 0, NULL), *row;
		uint64_t of = strtoull(r->record.key, NULL, 10);
		size_t i;

		json_array_foreach(rows, i, row) add_row(list, t, of, row, misses);
		json_decref(rows);
	}
	return json_pack("{s:o,s:I,s:I}", "rows", list, "first_epoch", (json_int_t)first, "epoch",
			 (json_int_t)epoch);
}

METHOD(method_challenges)
{
	struct core *core = core_of(ctx, error);

	return core != NULL ? rows_json(core, rpc_number(params, "epochs", 2), false) : NULL;
}

METHOD(method_misses)
{
	struct core *core = core_of(ctx, error);

	return core != NULL ? rows_json(core, rpc_number(params, "epochs", ROWS_LAST), true) : NULL;
}

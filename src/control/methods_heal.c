/* SPDX-License-Identifier: Apache-2.0 */
/* Heal ops: what the ledger says of them, and what this node does about them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/methods.h"
#include "control/network.h"
#include "ledger/heal.h"
#include "ledger/rules.h"

#define LIST_PAGE 100

/* NULL after rpc_fail. */
static struct state *state_wanted(struct rpc_context *ctx, struct rpc_error *error)
{
	struct core *core = network_core(ctx->control->app->network);

	if (core != NULL)
		return core_state(core);
	rpc_fail(error, ASSAY_E_UNSUPPORTED, NULL,
		 "name the network's genesis document in the configuration",
		 "this node follows no ledger");
	return NULL;
}

static const char *status_name(uint64_t status)
{
	static const char *const names[] = {"?",	"scheduled", "in progress", "reported",
					    "verified", "failed",    "expired"};

	return names[status <= HEAL_EXPIRED ? status : 0];
}

static bool is_open(const struct heal_op *op)
{
	return !heal_op_final(op) || (op->status == HEAL_VERIFIED && !op->published);
}

/* --- this node's part --- */

struct parts {
	struct network *network;
	struct heal_standing *list;
	size_t n;
};

static void parts_read(struct parts *p, struct network *n)
{
	struct core *core = network_core(n);
	size_t wanted;

	*p = (struct parts){.network = n};
	wanted = core_heal_list(core, NULL, 0);
	p->list = calloc(wanted > 0 ? wanted : 1, sizeof(*p->list));
	if (p->list != NULL)
		p->n = core_heal_list(core, p->list, wanted);
}

static json_t *part_json(struct network *n, const struct heal_standing *s)
{
	uint64_t done = 0, total = 0;
	json_t *out = json_pack("{s:s,s:s,s:s,s:I,s:s}", "role", heal_role_name(s->role), "phase",
				s->phase, "waiting_for", s->waiting_for, "failed_attempts",
				(json_int_t)s->attempts, "why", s->why);

	if (s->cookie != 0 && network_heal_progress(n, &done, &total, s->cookie)) {
		json_object_set_new(out, "done", json_integer((json_int_t)done));
		json_object_set_new(out, "total", json_integer((json_int_t)total));
	}
	return out;
}

static json_t *parts_json(const struct parts *p, uint64_t op)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].op == op)
			json_array_append_new(list, part_json(p->network, &p->list[i]));
	return list;
}

/* --- an op --- */

struct tally {
	size_t yes, no;
};

static json_t *votes_json(struct tally *tally, struct state *s, const struct heal_op *op)
{
	json_t *list = json_array();
	char key[KEY_ROOM];

	*tally = (struct tally){0, 0};
	for (size_t i = 0; i < op->verifiers.n; i++) {
		const char *verifier = op->verifiers.at[i], *vote = "none";
		const struct heal_vote *v =
			table_find(state_tables(s), T_HEAL_VOTES,
				   key_format(key, "%020" PRIu64 "/%s", op->id, verifier));

		if (v != NULL)
			vote = v->verified ? "for" : "against";
		tally->yes += v != NULL && v->verified;
		tally->no += v != NULL && !v->verified;
		json_array_append_new(list,
				      json_pack("{s:s,s:s}", "verifier", verifier, "vote", vote));
	}
	return list;
}

/* What has to happen next, by whom; "" when nothing has to. */
static void next_of(char *out, size_t room, const struct heal_op *op, const struct tally *tally)
{
	size_t majority = op->verifiers.n / 2 + 1;

	out[0] = '\0';
	switch (op->status) {
	case HEAL_SCHEDULED:
	case HEAL_IN_PROGRESS:
		snprintf(out, room, "%s rebuilds the file and claims it", text_of(op->healer));
		break;
	case HEAL_HEALER_REPORTED:
		snprintf(out, room, "%zu of %zu votes for it; %zu for and %zu against are there",
			 majority, op->verifiers.n, tally->yes, tally->no);
		break;
	case HEAL_VERIFIED:
		if (!op->published)
			snprintf(out, room, "%s brings it to the ticket's holders",
				 text_of(op->healer));
		break;
	default:
		break;
	}
}

static json_t *op_json(struct state *s, const struct heal_op *op, const struct parts *parts)
{
	struct tally tally;
	char next[200];
	json_t *votes = votes_json(&tally, s, op);

	next_of(next, sizeof(next), op, &tally);
	return json_pack("{s:I,s:s,s:s,s:b,s:s,s:o,s:I,s:I,s:I,s:s,s:o}", "op", (json_int_t)op->id,
			 "ticket", text_of(op->ticket), "state", status_name(op->status),
			 "published", (int)op->published, "healer", text_of(op->healer), "votes",
			 votes, "scheduled_epoch", (json_int_t)op->scheduled_epoch,
			 "deadline_epoch", (json_int_t)op->deadline_epoch, "epoch",
			 (json_int_t)state_epoch(s), "next", next, "part",
			 parts_json(parts, op->id));
}

METHOD(method_heals)
{
	struct state *s = state_wanted(ctx, error);
	uint64_t limit = rpc_number(params, "limit", LIST_PAGE);
	bool open = rpc_bool(params, "open");
	char key[KEY_ROOM];
	struct parts parts;
	struct heal_op *op;
	json_t *list;

	if (s == NULL)
		return NULL;
	parts_read(&parts, ctx->control->app->network);
	list = json_array();
	op = table_from(state_tables(s), T_HEAL_OPS,
			key_epoch(key, rpc_number(params, "after", 0) + 1));
	for (; op != NULL && json_array_size(list) < limit; op = table_next(state_tables(s), op))
		if (!open || is_open(op))
			json_array_append_new(list, op_json(s, op, &parts));
	free(parts.list);
	return json_pack("{s:o,s:b}", "heals", list, "more", (int)(op != NULL));
}

METHOD(method_heal_show)
{
	struct state *s = state_wanted(ctx, error);
	uint64_t id = rpc_number(params, "op", 0);
	const struct heal_op *op;
	const struct ticket *t;
	struct parts parts;
	json_t *out;

	if (s == NULL)
		return NULL;
	op = heal_op_find(s, id);
	if (op == NULL)
		return rpc_fail(error, ASSAY_E_NOTFOUND, "op",
				"assayctl heals shows those there are",
				"the ledger has no heal operation %" PRIu64, id);
	parts_read(&parts, ctx->control->app->network);
	out = op_json(s, op, &parts);
	free(parts.list);
	t = ticket_find(s, text_of(op->ticket));
	json_object_set_new(out, "result_hash", json_string(text_of(op->result_hash)));
	json_object_set_new(out, "data_hash", json_string(t != NULL ? text_of(t->data_hash) : ""));
	json_object_set_new(out, "size", json_integer(t != NULL ? (json_int_t)t->size : 0));
	json_object_set_new(out, "created_height", json_integer((json_int_t)op->created_height));
	json_object_set_new(out, "updated_height", json_integer((json_int_t)op->updated_height));
	json_object_set_new(out, "notes", json_string(text_of(op->notes)));
	return out;
}

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
#define PAST_MAX  4

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

/* Verified, and there is still somebody to publish it to. */
static bool is_to_publish(struct state *s, const struct heal_op *op)
{
	const struct ticket *t = ticket_find(s, text_of(op->ticket));

	return op->status == HEAL_VERIFIED && !op->published && t != NULL &&
	       t->state != TICKET_CLOSED;
}

static bool is_open(struct state *s, const struct heal_op *op)
{
	return !heal_op_final(op) || is_to_publish(s, op);
}

/* --- this node's part --- */

struct parts {
	const struct app *app;
	struct heal_standing *list;
	size_t n;
};

static void parts_read(struct parts *p, const struct app *app)
{
	struct core *core = network_core(app->network);
	size_t wanted;

	*p = (struct parts){.app = app};
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

/* What this node would have to do, and does not since healing is off here. */
static void add_off(json_t *list, const struct app *app, struct state *s, const struct heal_op *op)
{
	struct heal_standing off = {.op = op->id,
				    .phase = "off",
				    .waiting_for = "self_healing.enabled in its configuration"};

	if (app->config.heal_on || !is_open(s, op))
		return;
	if (strcmp(text_of(op->healer), app->self.account) == 0)
		off.role = HEAL_ROLE_HEALER;
	else if (texts_have(&op->verifiers, app->self.account) && !heal_op_final(op))
		off.role = HEAL_ROLE_VERIFIER;
	else
		return;
	json_array_append_new(list, part_json(app->network, &off));
}

/* Why it came to nothing here, as long as the process remembers. */
static void add_past(json_t *list, const struct app *app, uint64_t op)
{
	struct heal_standing past[PAST_MAX];
	size_t n = core_heal_past(network_core(app->network), past, PAST_MAX, op);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, part_json(app->network, &past[i]));
}

static json_t *parts_json(const struct parts *p, struct state *s, const struct heal_op *op)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].op == op->id)
			json_array_append_new(list, part_json(p->app->network, &p->list[i]));
	add_off(list, p->app, s, op);
	if (!is_open(s, op))
		add_past(list, p->app, op->id);
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
static void next_of(char *out, size_t room, struct state *s, const struct heal_op *op,
		    const struct tally *tally)
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
		if (is_to_publish(s, op))
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

	next_of(next, sizeof(next), s, op, &tally);
	return json_pack("{s:I,s:s,s:s,s:b,s:s,s:o,s:I,s:I,s:I,s:s,s:o}", "op", (json_int_t)op->id,
			 "ticket", text_of(op->ticket), "state", status_name(op->status),
			 "published", (int)op->published, "healer", text_of(op->healer), "votes",
			 votes, "scheduled_epoch", (json_int_t)op->scheduled_epoch,
			 "deadline_epoch", (json_int_t)op->deadline_epoch, "epoch",
			 (json_int_t)state_epoch(s), "next", next, "part",
			 parts_json(parts, s, op));
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
	parts_read(&parts, ctx->control->app);
	list = json_array();
	op = table_from(state_tables(s), T_HEAL_OPS,
			key_epoch(key, rpc_number(params, "after", 0) + 1));
	for (; op != NULL && json_array_size(list) < limit; op = table_next(state_tables(s), op))
		if (!open || is_open(s, op))
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
	struct replica_status copy;
	struct parts parts;
	json_t *out;

	if (s == NULL)
		return NULL;
	op = heal_op_find(s, id);
	if (op == NULL)
		return rpc_fail(error, ASSAY_E_NOTFOUND, "op",
				"assayctl heals shows those there are",
				"the ledger has no heal operation %" PRIu64, id);
	parts_read(&parts, ctx->control->app);
	out = op_json(s, op, &parts);
	free(parts.list);
	t = ticket_find(s, text_of(op->ticket));
	json_object_set_new(out, "result_hash", json_string(text_of(op->result_hash)));
	json_object_set_new(out, "data_hash", json_string(t != NULL ? text_of(t->data_hash) : ""));
	json_object_set_new(out, "size", json_integer(t != NULL ? (json_int_t)t->size : 0));
	json_object_set_new(out, "created_height", json_integer((json_int_t)op->created_height));
	json_object_set_new(out, "updated_height", json_integer((json_int_t)op->updated_height));
	json_object_set_new(out, "notes", json_string(text_of(op->notes)));
	replica_status(core_replica(network_core(ctx->control->app->network)), &copy);
	json_object_set_new(out, "copy", json_string(replica_condition_name(copy.condition)));
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Files on the network: put, get, and what the ledger says of tickets. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/methods.h"
#include "control/tickets_impl.h"
#include "ledger/heal.h"

#define LIST_PAGE 1000
#define FIRST_IC  1 /* counter of the first layout and index file */

static json_t *no_ledger(struct rpc_error *error)
{
	return rpc_fail(error, ASSAY_E_UNSUPPORTED, NULL,
			"name the network's genesis document in the configuration",
			"this node follows no ledger");
}

static json_t *no_memory(struct rpc_error *error)
{
	return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
}

static struct state *state_of(struct rpc_context *ctx)
{
	struct core *core = network_core(ctx->control->app->network);

	return core != NULL ? core_state(core) : NULL;
}

/* NULL after rpc_fail. */
static struct ticket *ticket_wanted(struct state *s, json_t *params, struct rpc_error *error)
{
	const char *id = rpc_text(params, "ticket");
	struct ticket *t = ticket_find(s, id);

	if (t == NULL)
		rpc_fail(error, ASSAY_E_NOTFOUND, "ticket", "assayctl tickets shows them",
			 "there is no ticket %s on the ledger", id);
	return t;
}

METHOD(method_ticket_put)
{
	struct app *app = ctx->control->app;
	struct state *s = state_of(ctx);
	const struct params *p;
	struct ticket_job *j;
	struct stat st;

	if (s == NULL || app->tickets == NULL)
		return no_ledger(error);
	if (fstat(ctx->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return rpc_fail(error, ASSAY_E_INVAL, NULL, "copy it to a file first",
				"the descriptor is not a regular file");
	j = ticket_job_new(app->tickets, TICKET_PUT);
	if (j == NULL)
		return no_memory(error);
	p = params_current(state_tables(s));
	j->work.step = STEP_ENCODE;
	j->work.file = ctx->fd;
	ctx->fd = -1;
	j->work.facts.ic = FIRST_IC;
	j->work.facts.max = (uint32_t)p->rq_ids_max;
	j->work.facts.ratio = (uint32_t)p->redundancy_ratio;
	return jobs_start(ctx->control->jobs, ctx->connection, &job_ticket, j,
			  rpc_text(params, "name"), error);
}

METHOD(method_ticket_get)
{
	struct app *app = ctx->control->app;
	struct state *s = state_of(ctx);
	const struct ticket *t;
	struct ticket_job *j;
	struct stat st;

	if (s == NULL || app->tickets == NULL)
		return no_ledger(error);
	t = ticket_wanted(s, params, error);
	if (t == NULL)
		return NULL;
	if (t->state != TICKET_OPEN)
		return rpc_fail(error, ASSAY_E_CLOSED, "ticket", NULL,
				"ticket %s is closed; nobody keeps its artifacts", t->record.key);
	if (fstat(ctx->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != 0 ||
	    (fcntl(ctx->fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		return rpc_fail(error, ASSAY_E_INVAL, NULL, NULL,
				"the descriptor is not an empty regular file open for reading and "
				"writing");
	j = ticket_job_new(app->tickets, TICKET_GET);
	if (j == NULL)
		return no_memory(error);
	snprintf(j->ticket, sizeof(j->ticket), "%s", t->record.key);
	j->work.step = STEP_GET;
	if (!ticket_take(&j->work.facts, &j->work.deal, s, app->self.account, t)) {
		ticket_job_free(j);
		return rpc_fail(error, ASSAY_E_CORRUPT, "ticket", NULL,
				"the ledger's record of this ticket names no file that can be got");
	}
	j->work.file = ctx->fd;
	ctx->fd = -1;
	return jobs_start(ctx->control->jobs, ctx->connection, &job_ticket, j, t->record.key,
			  error);
}

static json_t *entry_job(struct rpc_context *ctx, enum ticket_kind kind, json_t *params,
			 struct rpc_error *error)
{
	struct app *app = ctx->control->app;
	struct state *s = state_of(ctx);
	const struct ticket *t;
	struct ticket_job *j;

	if (s == NULL || app->tickets == NULL)
		return no_ledger(error);
	t = ticket_wanted(s, params, error);
	if (t == NULL)
		return NULL;
	j = ticket_job_new(app->tickets, kind);
	if (j == NULL)
		return no_memory(error);
	snprintf(j->ticket, sizeof(j->ticket), "%s", t->record.key);
	j->work.facts.size = t->size;
	return jobs_start(ctx->control->jobs, ctx->connection, &job_ticket, j, t->record.key,
			  error);
}

METHOD(method_ticket_close)
{
	return entry_job(ctx, TICKET_CLOSE, params, error);
}

METHOD(method_ticket_rebalance)
{
	return entry_job(ctx, TICKET_REHOME, params, error);
}

static json_t *brief(struct state *s, const struct ticket *t)
{
	const struct ticket_deterioration *d =
		table_find(state_tables(s), T_TICKET_DETERIORATION, t->record.key);

	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "ticket", t->record.key, "state",
			 t->state == TICKET_OPEN ? "open" : "closed", "creator",
			 text_of(t->creator), "size", (json_int_t)t->size, "holders",
			 (json_int_t)t->holders.n, "height", (json_int_t)t->height, "ready_epoch",
			 (json_int_t)t->ready_epoch, "deterioration",
			 (json_int_t)(d != NULL ? d->deterioration_score : 0));
}

METHOD(method_tickets)
{
	struct state *s = state_of(ctx);
	const char *after = rpc_text(params, "after");
	uint64_t limit = rpc_number(params, "limit", LIST_PAGE);
	json_t *list;
	struct ticket *t;

	if (s == NULL)
		return no_ledger(error);
	list = json_array();
	t = after != NULL ? table_from(state_tables(s), T_TICKETS, after)
			  : table_first(state_tables(s), T_TICKETS);
	if (t != NULL && after != NULL && strcmp(t->record.key, after) == 0)
		t = table_next(state_tables(s), t);
	for (; t != NULL && json_array_size(list) < limit; t = table_next(state_tables(s), t))
		json_array_append_new(list, brief(s, t));
	return json_pack("{s:o,s:b}", "tickets", list, "more", t != NULL);
}

/* One line for each holder: how much of the ticket lies on it. */
static json_t *holders_json(struct state *s, const struct ticket *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->holders.n; i++) {
		const struct node *node = node_find(s, t->holders.at[i]);
		json_int_t count[3] = {0};

		for (unsigned c = 1; c <= 2; c++)
			for (uint64_t o = 0; o < ticket_count(t, c); o++)
				count[c] += ticket_places(t, c, o, (int)i);
		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:b}", "account",
						      t->holders.at[i], "index", count[1],
						      "symbols", count[2], "challengeable",
						      node != NULL && node_challengeable(node)));
	}
	return list;
}

METHOD(method_ticket_show)
{
	struct state *s = state_of(ctx);
	const struct ticket *t;
	struct heal_op *op;
	json_t *out;

	if (s == NULL)
		return no_ledger(error);
	t = ticket_wanted(s, params, error);
	if (t == NULL)
		return NULL;
	out = brief(s, t);
	op = heal_op_open(s, t->record.key);
	json_object_set_new(out, "data_hash", json_string(text_of(t->data_hash)));
	json_object_set_new(out, "index_artifacts",
			    json_integer((json_int_t)t->index_artifact_count));
	json_object_set_new(out, "symbol_artifacts",
			    json_integer((json_int_t)t->symbol_artifact_count));
	json_object_set_new(out, "placement_epoch", json_integer((json_int_t)t->placement_epoch));
	json_object_set_new(out, "rehome", json_boolean(t->rehome));
	json_object_set_new(out, "heal_op", json_integer(op != NULL ? (json_int_t)op->id : 0));
	json_object_set_new(out, "held_by", holders_json(s, t));
	return out;
}

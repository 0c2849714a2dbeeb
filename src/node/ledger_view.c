/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ledger_view.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/assign.h"
#include "ledger/score.h"

/*
 * The ledger judges an epoch's reports by the parameters of its start; how much is asked for in one
 * challenge is nothing it judges, so that follows today's.
 */
static bool facts_of(struct state *s, struct epoch_facts *out, uint64_t epoch)
{
	struct tables *tables = state_tables(s);
	const struct params *p = params_of_epoch(tables, epoch), *today = params_current(tables);
	char key[KEY_ROOM];
	const struct anchor *anchor = table_find(tables, T_ANCHORS, key_epoch(key, epoch));

	if (anchor == NULL || p == NULL)
		return false;
	*out = (struct epoch_facts){
		.epoch = epoch,
		.start = anchor->start,
		.end = anchor->end,
		.height = state_height(s),
		.seed_len = 32,
		.nodes = anchor->active.n,
		.mode = today->storage_truth_enforcement_mode != 0
				? (unsigned)p->storage_truth_enforcement_mode
				: 0,
		.enabled = p->sc_enabled && today->sc_enabled,
		.recent_max = p->storage_truth_recent_bucket_max_blocks,
		.old_min = p->storage_truth_old_bucket_min_blocks,
		.tick_interval_ms = p->tick_interval_ms,
		.k = (unsigned)today->storage_truth_compound_ranges_per_artifact,
		.range_length = (unsigned)today->storage_truth_compound_range_len_bytes,
	};
	for (size_t i = 0; i < p->required_open_ports.n && i < PORTS_ROOM; i++)
		out->ports[out->port_count++] = (uint16_t)p->required_open_ports.at[i];
	return hex_decode(out->seed, 32, text_of(anchor->seed)) == 0;
}

static bool view_epoch(void *ctx, struct epoch_facts *out, uint64_t epoch)
{
	return facts_of(ctx, out, epoch);
}

static bool view_current(void *ctx, struct epoch_facts *out)
{
	return facts_of(ctx, out, state_epoch(ctx));
}

static int view_targets(void *ctx, uint64_t epoch, const char *self,
			void (*each)(void *arg, const char *target), void *arg)
{
	struct assigned assigned;
	int error = assigned_of(ctx, &assigned, self, epoch);

	if (error != 0)
		return error;
	for (size_t i = 0; i < assigned.n; i++)
		each(arg, assigned.targets[i]);
	assigned_free(&assigned);
	return 0;
}

struct ticket_walk {
	uint64_t epoch;
	void (*each)(void *arg, const char *ticket, uint64_t height);
	void *arg;
};

static bool walk_ticket(void *arg, struct ticket *ticket)
{
	const struct ticket_walk *w = arg;

	if (ticket_challengeable(ticket, w->epoch))
		w->each(w->arg, ticket->record.key, ticket->height);
	return true;
}

static int view_tickets(void *ctx, uint64_t epoch, const char *target,
			void (*each)(void *arg, const char *ticket, uint64_t height), void *arg)
{
	struct ticket_walk walk = {epoch, each, arg};

	tickets_of_holder(ctx, target, walk_ticket, &walk);
	return 0;
}

static const struct ticket *view_ticket(void *ctx, const char *id)
{
	return ticket_find(ctx, id);
}

static const struct node *view_node(void *ctx, const char *account)
{
	return node_find(ctx, account);
}

static bool view_has_report(void *ctx, uint64_t epoch, const char *account)
{
	char key[KEY_ROOM];

	key_format(key, "%020" PRIu64 "/%s", epoch, account);
	return table_find(state_tables(ctx), T_REPORTS, key) != NULL;
}

/* --- failed rows of reports */

/*
 * Most reports have none, and parsing them all would be the dearest part of a search. In JSON a
 * member's name stands behind a quote that no text within a text has, so this looks at nothing
 * else.
 */
static bool may_have_failed(const char *rows)
{
	static const char member[] = "\"result\":";

	for (const char *p = strstr(rows, member); p != NULL; p = strstr(p, member)) {
		p += sizeof(member) - 1;
		if (*p > '0' && *p <= '9' && result_recheckable((uint64_t)(*p - '0')))
			return true;
	}
	return false;
}

static void give_failed(const char *rows, void (*each)(void *arg, const struct reported *row),
			void *arg)
{
	json_t *list = json_loads(rows, 0, NULL), *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		struct reported out = {
			.challenger = json_string_value(json_object_get(row, "challenger")),
			.target = json_string_value(json_object_get(row, "target")),
			.ticket = json_string_value(json_object_get(row, "ticket")),
			.transcript = json_string_value(json_object_get(row, "transcript")),
			.result = (unsigned)json_integer_value(json_object_get(row, "result")),
		};

		if (out.challenger != NULL && out.target != NULL && out.ticket != NULL &&
		    out.transcript != NULL && result_recheckable(out.result))
			each(arg, &out);
	}
	json_decref(list);
}

static int view_failed_rows(void *ctx, uint64_t epoch,
			    void (*each)(void *arg, const struct reported *row), void *arg)
{
	struct tables *tables = state_tables(ctx);
	char prefix[KEY_ROOM];

	key_format(prefix, "%020" PRIu64 "/", epoch);
	for (struct report *r = table_from(tables, T_REPORTS, prefix);
	     r != NULL && record_within(r, prefix); r = table_next(tables, r))
		if (r->rows != NULL && may_have_failed(r->rows))
			give_failed(r->rows, each, arg);
	return 0;
}

static enum recheck_taken view_rechecked(void *ctx, const struct reported *row, uint64_t epoch,
					 const char *self)
{
	struct tables *tables = state_tables(ctx);
	const struct transcript_record *t = table_find(tables, T_TRANSCRIPTS, row->transcript);
	char key[KEY_ROOM];

	/* A ticket id may have any printable byte, but nothing here is longer than its room. */
	key_format(key, "%020" PRIu64 "/%s/%s/%s", epoch, row->ticket, row->target, self);
	if (table_find(tables, T_RECHECKS, key) != NULL)
		return TAKEN_OURS;
	return t == NULL || *text_of(t->recheck_transcript) != '\0' ? TAKEN_ANOTHER : TAKEN_NONE;
}

/* --- ticks */

static struct committee *committee_in_force(struct tables *tables)
{
	struct committee *c = table_first(tables, T_COMMITTEES);

	while (c != NULL && c->state != COMMITTEE_IN_FORCE)
		c = table_next(tables, c);
	return c;
}

static bool view_tick(void *ctx, struct tick_facts *out, const char *self)
{
	struct tables *tables = state_tables(ctx);
	const struct meta *meta = state_meta(ctx);
	const struct committee *c = committee_in_force(tables);

	if (c == NULL || c->member_count > COMMITTEE_ROOM)
		return false;
	*out = (struct tick_facts){
		.height = meta->height,
		.time_ms = meta->time,
		.interval_ms = params_current(tables)->tick_interval_ms,
		.seq = state_seq(ctx),
		.member_count = (unsigned)c->member_count,
		.self = -1,
	};
	state_log(ctx, out->log);
	for (unsigned i = 0; i < c->member_count; i++) {
		const struct committee_member *m = &c->members[i];

		for (size_t k = 0; k < meta->tick_authors.n; k++)
			out->excluded[i] |= strcmp(meta->tick_authors.at[k], m->account) == 0;
		if (strcmp(m->account, self) == 0) {
			out->self = (int)i;
			snprintf(out->tip, sizeof(out->tip), "%s", text_of(m->tip));
		}
	}
	return true;
}

/* --- heal ops */

static int view_heal_op(void *ctx, const struct heal_op **out, uint64_t id)
{
	*out = heal_op_find(ctx, id);
	return *out != NULL ? 0 : ASSAY_E_NOTFOUND;
}

static int view_heal_ops(void *ctx, const struct heal_op **out, uint64_t *cursor,
			 enum heal_status status)
{
	struct heal_op *page[HEAL_PAGE_MAX];
	int n = heal_ops_by_status(ctx, page, cursor, status, HEAL_PAGE_MAX);

	for (int i = 0; i < n; i++)
		out[i] = page[i];
	return n;
}

static int view_heal_vote(void *ctx, bool *verified, uint64_t op, const char *verifier)
{
	char key[KEY_ROOM];
	const struct heal_vote *vote =
		table_find(state_tables(ctx), T_HEAL_VOTES,
			   key_format(key, "%020" PRIu64 "/%s", op, verifier));

	if (vote == NULL)
		return ASSAY_E_NOTFOUND;
	*verified = vote->verified;
	return 0;
}

static int view_heal_terms(void *ctx, struct heal_terms *out)
{
	const struct params *p = params_current(state_tables(ctx));

	*out = (struct heal_terms){
		.mode = (unsigned)p->storage_truth_enforcement_mode,
		.epoch = state_epoch(ctx),
		.height = state_height(ctx),
		.epoch_zero = p->epoch_zero_height,
		.epoch_length = p->epoch_length_blocks,
		.tick_interval_ms = p->tick_interval_ms,
	};
	return 0;
}

struct ledger_view ledger_view_of(struct state *state)
{
	return (struct ledger_view){
		.current = view_current,
		.epoch = view_epoch,
		.targets = view_targets,
		.tickets = view_tickets,
		.ticket = view_ticket,
		.node = view_node,
		.has_report = view_has_report,
		.failed_rows = view_failed_rows,
		.rechecked = view_rechecked,
		.tick = view_tick,
		.heal_op = view_heal_op,
		.heal_ops = view_heal_ops,
		.heal_vote = view_heal_vote,
		.heal_terms = view_heal_terms,
		.ctx = state,
	};
}

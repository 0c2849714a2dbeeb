/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/heal_script.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "ledger/bare.h"
#include "ledger/epoch_end.h"
#include "ledger/field.h"
#include "ledger/scores.h"

struct run {
	struct bare bare;
	struct state *s;
	const json_t *step;
	json_t *got; /* what the step gave, as the file tells it */
};

static const char *text(const json_t *o, const char *name)
{
	const char *value = json_string_value(json_object_get(o, name));

	return value != NULL ? value : "";
}

static uint64_t number(const json_t *o, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(o, name));
}

static int step_params(struct run *r)
{
	char why[256];

	return params_merge(state_params(r->s), why, sizeof(why), json_object_get(r->step, "set"),
			    false) == 0
		       ? 0
		       : -1;
}

static int step_nodes(struct run *r)
{
	const char *account;
	json_t *state;

	json_object_foreach(json_object_get(r->step, "states"), account, state)
		bare_node(&r->bare, account, (enum node_state)json_integer_value(state));
	return 0;
}

static void fill(struct texts *out, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) texts_add(out, json_string_value(item));
}

static int step_anchor(struct run *r)
{
	struct anchor *a = bare_anchor(&r->bare, number(r->step, "epoch"));

	fill(&a->active, json_object_get(r->step, "active"));
	fill(&a->targets, json_object_get(r->step, "targets"));
	return 0;
}

static int set(struct run *r, enum table_id table, const char *key)
{
	must(bare_record(&r->bare, table, key, json_object_get(r->step, "state")));
	return 0;
}

static int step_set_ticket(struct run *r)
{
	return set(r, T_TICKET_DETERIORATION, text(json_object_get(r->step, "state"), "ticket_id"));
}

static int step_set_node(struct run *r)
{
	return set(r, T_NODE_SUSPICION,
		   text(json_object_get(r->step, "state"), "supernode_account"));
}

static int step_set_reporter(struct run *r)
{
	return set(r, T_REPORTER_RELIABILITY,
		   text(json_object_get(r->step, "state"), "reporter_supernode_account"));
}

static int step_set_heal_op(struct run *r)
{
	char key[KEY_ROOM];

	return set(r, T_HEAL_OPS,
		   key_epoch(key, number(json_object_get(r->step, "state"), "heal_op_id")));
}

static int step_results(struct run *r)
{
	const json_t *list = json_object_get(r->step, "results"), *item;
	struct result results[64];
	size_t i;

	must(json_array_size(list) <= 64);
	json_array_foreach(list, i, item) results[i] = (struct result){
		.target = text(item, "target"),
		.ticket = text(item, "ticket"),
		.key = "",
		.derivation = "",
		.transcript = text(item, "transcript"),
		.sig = "",
		.bucket = number(item, "bucket"),
		.artifact_class = number(item, "artifact_class"),
		.class = number(item, "result_class"),
	};
	results_apply(r->s, text(r->step, "reporter"), number(r->step, "epoch"), results,
		      json_array_size(list));
	return 0;
}

static int step_incomplete(struct run *r)
{
	reporter_incomplete(r->s, text(r->step, "reporter"), number(r->step, "epoch"));
	return 0;
}

/* The message as an entry's data. */
static int send(struct run *r, rule_fn *rule, json_t *data)
{
	const struct entry_ctx ctx = {.author = text(r->step, "creator")};
	const char *reason = "";
	unsigned code;

	must(data != NULL);
	code = rule(r->s, &ctx, data, &reason);
	json_decref(data);
	return (int)code;
}

static int step_recheck(struct run *r)
{
	return send(r, apply_recheck,
		    json_pack("{sI ss ss ss ss sI ss}", "epoch",
			      (json_int_t)number(r->step, "challenged_epoch"), "challenged",
			      text(r->step, "challenged"), "ticket", text(r->step, "ticket"),
			      "challenged_transcript", text(r->step, "challenged_transcript"),
			      "recheck_transcript", text(r->step, "recheck_transcript"), "class",
			      (json_int_t)number(r->step, "result_class"), "details", ""));
}

static int step_claim(struct run *r)
{
	return send(r, apply_heal_claim,
		    json_pack("{sI ss ss ss}", "heal_op_id",
			      (json_int_t)number(r->step, "heal_op_id"), "ticket",
			      text(r->step, "ticket"), "heal_manifest_hash", text(r->step, "hash"),
			      "details", text(r->step, "details")));
}

static int step_verify(struct run *r)
{
	return send(r, apply_heal_vote,
		    json_pack("{sI sb ss ss}", "heal_op_id",
			      (json_int_t)number(r->step, "heal_op_id"), "verified",
			      json_is_true(json_object_get(r->step, "verified")),
			      "verification_hash", text(r->step, "hash"), "details",
			      text(r->step, "details")));
}

static int step_heal_epoch_end(struct run *r)
{
	heal_expire(r->s, number(r->step, "epoch"));
	heal_schedule(r->s, number(r->step, "epoch"));
	return 0;
}

static int step_score_epoch_end(struct run *r)
{
	reporters_diverge(r->s, number(r->step, "epoch"));
	reporters_recover(r->s, number(r->step, "epoch"));
	return 0;
}

static int step_prune(struct run *r)
{
	prune_scores(r->s, number(r->step, "epoch"));
	return 0;
}

static json_t *list_of(const struct texts *texts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < texts->n; i++)
		must(json_array_append_new(list, json_string(texts->at[i])) == 0);
	return list;
}

static int step_begin_block(struct run *r)
{
	uint64_t epoch = number(r->step, "epoch");
	struct anchor *a;
	char key[KEY_ROOM];
	json_t *anchor;

	text_set(&state_meta(r->s)->beacon, text(r->step, "header_hash_hex"));
	epoch_start(r->s, epoch);
	a = table_find(r->s->tables, T_ANCHORS, key_epoch(key, epoch));
	anchor = json_pack("{so ss sI sI ss sI so ss}", "active", list_of(&a->active),
			   "active_set_commitment_hex", a->active_commitment, "end",
			   (json_int_t)a->end, "epoch_id", (json_int_t)a->epoch, "seed_hex",
			   a->seed, "start", (json_int_t)a->start, "targets", list_of(&a->targets),
			   "targets_set_commitment_hex", a->targets_commitment);
	must(anchor != NULL && json_object_set_new(r->got, "anchor", anchor) == 0);
	return 0;
}

/* account or ticket -> score, of a whole table. */
static json_t *scores_of(struct run *r, enum table_id table)
{
	json_t *scores = json_object();
	struct record *x = table_first(r->s->tables, table);

	for (; x != NULL; x = table_next(r->s->tables, x)) {
		int64_t score = table == T_NODE_SUSPICION
					? ((struct node_suspicion *)x)->suspicion_score
				: table == T_REPORTER_RELIABILITY
					? ((struct reporter_reliability *)x)->reliability_score
					: ((struct ticket_deterioration *)x)->deterioration_score;

		must(json_object_set_new(scores, x->key, json_integer(score)) == 0);
	}
	return scores;
}

static int step_end_block(struct run *r)
{
	json_t *scores;

	score_epoch_end(r->s, number(r->step, "epoch"));
	prune_scores(r->s, number(r->step, "epoch"));
	scores = json_pack("{so so so}", "nodes", scores_of(r, T_NODE_SUSPICION), "reporters",
			   scores_of(r, T_REPORTER_RELIABILITY), "tickets",
			   scores_of(r, T_TICKET_DETERIORATION));
	must(scores != NULL && json_object_set_new(r->got, "scores", scores) == 0);
	return 0;
}

static int step_eligible_challengers(struct run *r)
{
	struct texts active = {0}, eligible = {0};
	const char **list;

	fill(&active, json_object_get(r->step, "active"));
	list = eligible_challengers(r->s, &eligible.n, &active, state_params(r->s),
				    number(r->step, "epoch"));
	eligible.at = (char **)list;
	must(json_object_set_new(r->got, "eligible", list_of(&eligible)) == 0);
	free(list);
	texts_free(&active);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct run *r);
} ops[] = {
	{"params", step_params},
	{"nodes", step_nodes},
	{"anchor", step_anchor},
	{"set_ticket", step_set_ticket},
	{"set_node", step_set_node},
	{"set_reporter", step_set_reporter},
	{"set_heal_op", step_set_heal_op},
	{"results", step_results},
	{"incomplete", step_incomplete},
	{"recheck", step_recheck},
	{"claim", step_claim},
	{"verify", step_verify},
	{"heal_epoch_end", step_heal_epoch_end},
	{"score_epoch_end", step_score_epoch_end},
	{"begin_block", step_begin_block},
	{"end_block", step_end_block},
	{"prune", step_prune},
	{"eligible_challengers", step_eligible_challengers},
};

static bool fail(char *why, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static bool fail(char *why, size_t room, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, room, format, args);
	va_end(args);
	return false;
}

static bool run_step(struct run *r)
{
	const char *op = text(r->step, "op");
	json_t *events;
	int code = 0;
	size_t i = 0;

	while (i < sizeof(ops) / sizeof(ops[0]) && strcmp(ops[i].name, op) != 0)
		i++;
	if (i == sizeof(ops) / sizeof(ops[0]))
		return false;
	code = ops[i].run(r);
	json_object_set_new(r->got, "code", json_integer(code));
	events = bare_take_events(&r->bare);
	if (json_array_size(events) > 0)
		json_object_set(r->got, "events", events);
	json_decref(events);
	return true;
}

/* The step gives what is told; a refused one changes nothing. */
static bool check_step(char *why, size_t room, struct run *r, size_t i, const json_t *told)
{
	struct buf before = {0}, after = {0};
	char *got_text, *told_text;
	json_t *want = json_deep_copy(told);
	bool ok = true;

	r->got = json_object();
	if (json_object_get(r->step, "height") != NULL)
		bare_height(&r->bare, number(r->step, "height"));
	bare_dump(&before, &r->bare);
	json_object_del(want, "error_text");
	if (!run_step(r))
		ok = fail(why, room, "step %zu: unknown op %s", i, text(r->step, "op"));
	bare_dump(&after, &r->bare);
	if (ok && number(r->got, "code") != 0 && strcmp(before.at, after.at) != 0)
		ok = fail(why, room, "step %zu: refused, but something changed", i);
	if (ok && !json_equal(r->got, want)) {
		got_text = json_dumps(r->got, JSON_SORT_KEYS | JSON_COMPACT);
		told_text = json_dumps(want, JSON_SORT_KEYS | JSON_COMPACT);
		ok = fail(why, room, "step %zu (%s): got %s, want %s", i, text(r->step, "op"),
			  got_text, told_text);
		free(got_text);
		free(told_text);
	}
	buf_free(&before);
	buf_free(&after);
	json_decref(want);
	json_decref(r->got);
	return ok;
}

/* A record's line as an object, without what is zero. */
static json_t *object_of(const struct record *record)
{
	struct buf line = {0};
	json_t *object;

	shape_write(&line, &table_shapes[record->table].shape, record);
	object = json_loadb(line.at, line.len, 0, NULL);
	must(object != NULL);
	buf_free(&line);
	return object;
}

static json_t *value_of(const struct record *x)
{
	const struct postponement *mark = (const struct postponement *)x;

	if (x->table == T_POSTPONEMENTS)
		return json_pack("{sI sb}", "epoch", (json_int_t)mark->epoch, "strong",
				 mark->strong);
	if (x->table == T_NODES)
		return json_integer((json_int_t)((const struct node *)x)->state);
	return object_of(x);
}

/* A table as the file tells it; left out when it is empty. */
static void add_table(json_t *final, struct run *r, const char *name, enum table_id table)
{
	json_t *list = json_object();
	struct record *x = table_first(r->s->tables, table);
	char id[32];

	for (; x != NULL; x = table_next(r->s->tables, x)) {
		const char *name_of = x->key;

		if (table == T_HEAL_OPS) {
			snprintf(id, sizeof(id), "%" PRIu64, ((struct heal_op *)x)->id);
			name_of = id;
		}
		json_object_set_new(list, name_of, value_of(x));
	}
	if (json_object_size(list) > 0)
		json_object_set(final, name, list);
	json_decref(list);
}

static void add_failed_heals(json_t *final, struct run *r)
{
	json_t *list = json_array();
	struct failed_heal *x = table_first(r->s->tables, T_FAILED_HEALS);

	for (; x != NULL; x = table_next(r->s->tables, x))
		json_array_append_new(
			list, json_sprintf("%s@%" PRIu64 "@%s", x->account, x->epoch, x->ticket));
	if (json_array_size(list) > 0)
		json_object_set(final, "failed_heals", list);
	json_decref(list);
}

static bool check_final(char *why, size_t room, struct run *r, const json_t *told)
{
	json_t *got = json_object();
	const char *name;
	const json_t *value;
	bool ok = true;

	add_table(got, r, "nodes", T_NODE_SUSPICION);
	add_table(got, r, "reporters", T_REPORTER_RELIABILITY);
	add_table(got, r, "tickets", T_TICKET_DETERIORATION);
	add_table(got, r, "heal_ops", T_HEAL_OPS);
	add_table(got, r, "postponed", T_POSTPONEMENTS);
	add_table(got, r, "node_states", T_NODES);
	add_failed_heals(got, r);
	json_object_foreach((json_t *)told, name, value)
	{
		char *text_got, *text_told;

		if (!ok || json_equal(json_object_get(got, name), value))
			continue;
		text_got = json_dumps(json_object_get(got, name), JSON_SORT_KEYS | JSON_COMPACT);
		text_told = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT);
		ok = fail(why, room, "final %s: got %s, want %s", name,
			  text_got != NULL ? text_got : "nothing", text_told);
		free(text_got);
		free(text_told);
	}
	if (ok && json_object_size(got) != json_object_size(told))
		ok = fail(why, room, "final: tables that ought to be empty");
	json_decref(got);
	return ok;
}

bool heal_script_run(char *why, size_t why_room, const json_t *script)
{
	const json_t *steps = json_object_get(script, "steps"),
		     *told = json_object_get(script, "step_results");
	struct run r = {0};
	bool ok = true;

	bare_new(&r.bare);
	r.s = r.bare.state;
	for (size_t i = 0; ok && i < json_array_size(steps); i++) {
		r.step = json_array_get(steps, i);
		ok = check_step(why, why_room, &r, i, json_array_get(told, i));
	}
	ok = ok && check_final(why, why_room, &r, json_object_get(script, "final"));
	bare_free(&r.bare);
	return ok;
}

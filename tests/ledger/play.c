/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/play.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "ledger/assign.h"
#include "ledger/field.h"
#include "ledger/heal.h"
#include "ledger/scores.h"

#define EPOCH_LENGTH 10

static uint64_t draw(struct play *p)
{
	uint64_t z = (p->random += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned pick(struct play *p, unsigned n)
{
	return (unsigned)(draw(p) % n);
}

/* Names that sort oddly beside "/". */
static const char *node_name(char out[16], unsigned i)
{
	snprintf(out, 16, i % 3 == 0 ? "n%u" : i % 3 == 1 ? "n-%u" : "n.%u", i / 3);
	return out;
}

static const char *ticket_name(char out[16], unsigned i)
{
	snprintf(out, 16, i % 4 == 0 ? "k/%u" : "k%u", i);
	return out;
}

static void merge(struct play *p, const char *name, uint64_t value)
{
	json_t *set = json_pack("{sI}", name, (json_int_t)value);
	char why[256];

	params_merge(state_params(p->bare.state), why, sizeof(why), set, true);
	table_touch(p->bare.state->tables, state_params(p->bare.state));
	json_decref(set);
}

static void begin_epoch(struct play *p)
{
	char beacon[65];

	for (int i = 0; i < 4; i++)
		snprintf(beacon + 16 * i, 17, "%016" PRIx64, draw(p));
	bare_height(&p->bare, 1 + p->epoch * EPOCH_LENGTH);
	text_set(&state_meta(p->bare.state)->beacon, beacon);
	epoch_start(p->bare.state, p->epoch);
}

static void add_ticket(struct play *p, unsigned i)
{
	char name[16], holder[16];
	struct ticket *t = table_put(p->bare.state->tables, T_TICKETS, ticket_name(name, i));

	t->state = TICKET_OPEN;
	text_set(&t->creator, node_name(holder, pick(p, p->nodes)));
	text_set(&t->data_hash, "HASH");
	t->size = 1000;
	t->index_artifact_count = t->symbol_artifact_count = 8;
	t->index_copies = t->symbol_copies = 2;
	for (unsigned j = 0, first = pick(p, p->nodes); j < 4 && j < p->nodes; j++)
		texts_add(&t->holders, node_name(holder, (first + j) % p->nodes));
}

static bool anything(void *ctx, const uint8_t sig[64], const uint8_t message[32],
		     const uint8_t key[32])
{
	return sig[0] == 0xaa;
}

void play_new(struct play *p, uint64_t seed, unsigned nodes, unsigned tickets)
{
	char name[16];

	*p = (struct play){
		.random = seed, .nodes = nodes, .tickets = tickets, .seen = json_object()};
	bare_new(&p->bare);
	p->bare.state->config.verifier.verify = anything;
	merge(p, "epoch_length_blocks", EPOCH_LENGTH);
	merge(p, "keep_last_epoch_entries", 30);
	merge(p, "storage_truth_challenge_target_divisor", 1);
	merge(p, "storage_truth_enforcement_mode", 2);
	merge(p, "consecutive_epochs_to_postpone", 3);
	merge(p, "storage_truth_ticket_deterioration_heal_threshold", 12);
	for (unsigned i = 0; i < nodes; i++) {
		struct node *n = table_put(p->bare.state->tables, T_NODES, node_name(name, i));

		n->state = NODE_ACTIVE;
		text_set(&n->key, "00000000000000000000000000000000"
				  "00000000000000000000000000000000");
	}
	for (unsigned i = 0; i < tickets; i++)
		add_ticket(p, i);
	state_index(p->bare.state);
	begin_epoch(p);
}

void play_free(struct play *p)
{
	json_decref(p->seen);
	bare_free(&p->bare);
}

static unsigned send(struct play *p, rule_fn *rule, const char *author, json_t *data)
{
	const struct entry_ctx ctx = {.author = author};
	const char *reason = "";
	unsigned code;

	must(data != NULL);
	code = rule(p->bare.state, &ctx, data, &reason);
	json_decref(data);
	return code;
}

static json_t *row(struct play *p, const char *author, const char *target, uint64_t bucket)
{
	static const int results[] = {1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 6};
	char ticket[16], hash[65], sig[129];
	struct ticket *t = NULL;
	int class = 1 + (int)pick(p, 2), position = -1;
	uint64_t ordinal = 0;

	snprintf(hash, sizeof(hash), "%064x", ++p->serial);
	memset(sig, 'a', 128);
	sig[128] = '\0';
	for (int tries = 0; tries < 5 && position < 0; tries++) {
		t = ticket_find(p->bare.state, ticket_name(ticket, pick(p, p->tickets)));
		position = t != NULL ? ticket_position(t, target) : -1;
	}
	/* Mostly what is placed there. */
	while (ordinal < 7 && position >= 0 && !ticket_places(t, class, ordinal, position))
		ordinal++;
	return json_pack("{ss ss ss sI si sI si ss si ss ss ss ss}", "target", target, "challenger",
			 author, "ticket", ticket, "bucket", (json_int_t)bucket, "class", class,
			 "ordinal", (json_int_t)ordinal, "count", 8, "key", "K", "result",
			 results[pick(p, 11)], "derivation", "D", "transcript", hash, "sig", sig,
			 "details", "");
}

/* Reports of honest shape; many name tickets that the target does not hold and are refused. */
static unsigned report(struct play *p)
{
	struct state *s = p->bare.state;
	struct assigned assigned;
	json_t *rows = json_array(), *observations = json_array();
	char author[16];

	node_name(author, pick(p, p->nodes));
	must(assigned_of(s, &assigned, author, state_epoch(s)) == 0);
	for (size_t i = 0; i < assigned.n; i++) {
		for (unsigned left = 1 + pick(p, 3); left > 0; left--)
			json_array_append_new(rows,
					      row(p, author, assigned.targets[i], 1 + pick(p, 4)));
		if (pick(p, 4) > 0)
			json_array_append_new(observations,
					      json_pack("{ss s[iii]}", "target",
							assigned.targets[i], "ports", 1, 1, 1));
	}
	assigned_free(&assigned);
	return send(p, apply_report, author,
		    json_pack("{sI s{si si si s[] si si} so so}", "epoch",
			      (json_int_t)state_epoch(s), "host", "cpu", 0, "mem", 0, "disk",
			      (int)pick(p, 10001), "ports", "failed_actions", 0, "stored_bytes", 0,
			      "observations", observations, "rows", rows));
}

/* The n-th record of a table, wrapping around. */
static void *nth(struct play *p, enum table_id table, unsigned n)
{
	struct tables *t = p->bare.state->tables;
	void *r = table_first(t, table);

	for (n = table_count(t, table) > 0 ? n % table_count(t, table) : 0; n > 0; n--)
		r = table_next(t, r);
	return r;
}

static unsigned recheck(struct play *p)
{
	static const int classes[] = {1, 1, 2, 3, 5, 6, 7, 7};
	struct transcript_record *t = nth(p, T_TRANSCRIPTS, pick(p, 1000000));
	char author[16], hash[65];

	node_name(author, pick(p, p->nodes));
	snprintf(hash, sizeof(hash), "r%063x", ++p->serial);
	if (t == NULL)
		return 0;
	return send(p, apply_recheck, author,
		    json_pack("{sI ss ss ss ss si ss}", "epoch", (json_int_t)t->epoch, "challenged",
			      text_of(t->target), "ticket", text_of(t->ticket),
			      "challenged_transcript", t->record.key, "recheck_transcript", hash,
			      "class", classes[pick(p, 8)], "details", ""));
}

/* Mostly an op that is going on, else any. */
static struct heal_op *some_op(struct play *p)
{
	struct tables *t = p->bare.state->tables;
	struct heal_op *op = nth(p, T_HEAL_OPS, pick(p, 1000)), *other = op;

	if (op == NULL || pick(p, 6) == 0)
		return op;
	do {
		other = table_next(t, other);
		if (other == NULL)
			other = table_first(t, T_HEAL_OPS);
	} while (heal_op_final(other) && other != op);
	return other;
}

static unsigned claim(struct play *p)
{
	struct heal_op *op = some_op(p);
	char author[16];

	node_name(author, pick(p, p->nodes));
	if (op == NULL)
		return 0;
	return send(p, apply_heal_claim, pick(p, 3) > 0 ? text_of(op->healer) : author,
		    json_pack("{sI ss ss ss}", "heal_op_id", (json_int_t)op->id, "ticket",
			      text_of(op->ticket), "heal_manifest_hash",
			      pick(p, 8) > 0 ? "HASH" : "OTHER", "details", " claimed "));
}

static unsigned vote(struct play *p)
{
	struct heal_op *op = some_op(p);
	char other[16];
	const char *author = node_name(other, pick(p, p->nodes));
	bool verified = pick(p, 3) > 0;

	if (op == NULL)
		return 0;
	if (op->verifiers.n > 0 && pick(p, 5) > 0)
		author = op->verifiers.at[pick(p, (unsigned)op->verifiers.n)];
	return send(p, apply_heal_vote, author,
		    json_pack("{sI sb ss ss}", "heal_op_id", (json_int_t)op->id, "verified",
			      verified, "verification_hash",
			      verified && pick(p, 8) > 0 ? "HASH" : "NEGATIVE", "details",
			      "voted"));
}

static unsigned change_node(struct play *p)
{
	static const int states[] = {1, 1, 1, 2, 3, 4};
	char account[16];

	return send(p, apply_node_state, ENTRY_AUTHORITY,
		    json_pack("{ss si}", "account", node_name(account, pick(p, p->nodes)), "state",
			      states[pick(p, 6)]));
}

static unsigned change_ticket(struct play *p)
{
	rule_fn *rule = pick(p, 8) > 0 ? apply_rehome : apply_ticket_close;
	char name[16];

	return send(p, rule, ENTRY_AUTHORITY,
		    json_pack("{ss}", "ticket", ticket_name(name, pick(p, p->tickets))));
}

static void change_params(struct play *p)
{
	static const uint64_t modes[] = {0, 1, 2, 2, 2, 2, 3};

	switch (pick(p, 4)) {
	case 0:
		merge(p, "storage_truth_enforcement_mode", modes[pick(p, 7)]);
		break;
	case 1:
		merge(p, "storage_truth_heal_verifier_count", 1 + pick(p, 5));
		break;
	case 2:
		merge(p, "min_disk_free_percent", pick(p, 30));
		break;
	default:
		merge(p, "storage_truth_max_self_heal_ops_per_epoch", 1 + pick(p, 6));
	}
}

static void next_epoch(struct play *p)
{
	bare_height(&p->bare, (p->epoch + 1) * EPOCH_LENGTH);
	score_epoch_end(p->bare.state, p->epoch);
	prune_scores(p->bare.state, p->epoch);
	p->epoch++;
	begin_epoch(p);
}

unsigned play_seen(const struct play *p, const char *name)
{
	return (unsigned)json_integer_value(json_object_get(p->seen, name));
}

static void count(struct play *p, const char *name)
{
	json_object_set_new(p->seen, name, json_integer(1 + (json_int_t)play_seen(p, name)));
}

static void count_step(struct play *p, const struct play_step *step)
{
	json_t *events = bare_take_events(&p->bare), *name;
	size_t i;

	json_array_foreach(events, i, name) count(p, json_string_value(name));
	if (step->code == 0)
		count(p, step->what);
	json_decref(events);
}

void play_step(struct play *p, struct play_step *out)
{
	unsigned dice = pick(p, 100);

	*out = (struct play_step){"report", 0};
	if (dice < 50) {
		out->code = report(p);
	} else if (dice < 58) {
		*out = (struct play_step){"recheck", recheck(p)};
	} else if (dice < 70) {
		*out = (struct play_step){"claim", claim(p)};
	} else if (dice < 88) {
		*out = (struct play_step){"vote", vote(p)};
	} else if (dice < 92) {
		*out = (struct play_step){"node_state", change_node(p)};
	} else if (dice < 94) {
		*out = (struct play_step){"ticket", change_ticket(p)};
	} else if (dice < 95) {
		out->what = "params";
		change_params(p);
	} else {
		out->what = "epoch";
		next_epoch(p);
	}
	count_step(p, out);
}

static void load_line(void *arg, const char *text, size_t len)
{
	struct state *s = arg;
	const char *space = memchr(text, ' ', len), *tab = memchr(text, '\t', len);
	char key[KEY_ROOM];

	must(space != NULL && tab != NULL && tab > space && tab - space < KEY_ROOM);
	snprintf(key, sizeof(key), "%.*s", (int)(tab - space - 1), space + 1);
	must(state_load(s, table_by_name(text, (size_t)(space - text)), key, tab + 1,
			len - (size_t)(tab + 1 - text) - 1) == 0);
}

void play_reload(struct play *p)
{
	struct state *old = p->bare.state, *fresh = state_new(&old->config);

	state_dump(old, load_line, fresh);
	state_index(fresh);
	p->bare.state = fresh;
	state_free(old);
}

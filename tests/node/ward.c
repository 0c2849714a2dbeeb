/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/rules.h"
#include "ledger/state_impl.h"

#define FILE_SIZE 300000

/* --- the process */

static int staged(void *ctx, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	struct ward *w = ctx;
	const struct ward_folder *f = ward_folder(w, op);

	if (w->staged_error != 0)
		return w->staged_error;
	if (f == NULL)
		return ASSAY_E_NOTFOUND;
	strcpy(hash, f->hash);
	return 0;
}

/* What is on disk at this moment is what the next process finds. */
static bool pass(void *ctx, enum failpoint which)
{
	struct ward *w = ctx;
	sqlite3_backup *backup;

	if (w->dead || w->armed_in == 0 || which != w->armed || --w->armed_in > 0)
		return false;
	if (which > FAIL_LEDGER_APPLY)
		return true;
	assert_int_equal(sqlite3_open(":memory:", &w->left), SQLITE_OK);
	backup = sqlite3_backup_init(w->left, "main", w->db, "main");
	assert_non_null(backup);
	assert_int_equal(sqlite3_backup_step(backup, -1), SQLITE_DONE);
	sqlite3_backup_finish(backup);
	w->dead = true;
	return false;
}

void ward_start(struct ward *w)
{
	const struct heal_port port = {.staged = staged, .ctx = w};
	const struct failpoints failpoints = {pass, w};
	char why[256];

	assert_int_equal(local_open(&w->local, w->db, why, sizeof(why)), 0);
	w->rows = local_heals(w->local);
	for (unsigned i = w->folders; i-- > 0;)
		if (*ward_claim_row(w, w->folder[i].op) == '\0')
			w->folder[i] = w->folder[--w->folders];
	w->ctx.log = log_sim(&w->log);
	w->ctx.ledger = ledger_view_of(w->net.state);
	ward_faults(w);
	strcpy(w->ctx.self, w->self);
	heal_init(&w->heal, &w->ctx, &w->store, &port, &failpoints, &w->settings);
	w->dead = false;
}

static void on_event(void *ctx, const struct state_event *event)
{
	struct ward *w = ctx;

	w->changes += event->kind == STATE_HEAL_CHANGED;
}

static void drop_entries(struct ward *w)
{
	for (unsigned i = 0; i < w->entries; i++)
		json_decref(w->entry[i].data);
	w->entries = 0;
}

void ward_kill(struct ward *w)
{
	heal_free(&w->heal);
	local_close(w->local);
	drop_entries(w);
	w->orders = 0;
	w->armed_in = 0;
	if (w->left == NULL)
		return;
	sqlite3_close(w->db);
	w->db = w->left;
	w->left = NULL;
}

void ward_restart(struct ward *w)
{
	ward_kill(w);
	ward_start(w);
}

void ward_init(struct ward *w, unsigned self)
{
	const struct net_config config = {
		.nodes = WARD_NODES,
		.members = 4,
		.epoch_length = WARD_EPOCH,
		.params = "{\"consecutive_epochs_to_postpone\":190}",
	};
	json_t *data;
	const struct ticket *t;

	*w = (struct ward){.now = {1000 * NS_PER_MS, NET_GENESIS_MS}};
	net_new(&w->net, &config);
	w->net.state->config.event = on_event;
	w->net.state->config.event_ctx = w;
	net_to_epoch(&w->net, 1);
	data = net_ticket_data(&w->net, 6, 1, FILE_SIZE);
	snprintf(w->ticket, sizeof(w->ticket), "%s",
		 json_string_value(json_object_get(data, "ticket")));
	w->net.next_n = 0;
	net_accept(&w->net, w->net.nodes[6].account, "ticket", data);
	w->net.next_n = 1000;
	t = ticket_find(w->net.state, w->ticket);
	assert_non_null(t);
	strcpy(w->hash, t->data_hash);
	w->self = w->net.nodes[self].account;
	for (unsigned i = 0, n = 0; n < 3; i++)
		if (i != self)
			w->other[n++] = w->net.nodes[i].account;
	assert_int_equal(sqlite3_open(":memory:", &w->db), SQLITE_OK);
	ward_start(w);
}

void ward_free(struct ward *w)
{
	ward_kill(w);
	sqlite3_close(w->db);
	net_free(&w->net);
}

int ward_setup(void **state)
{
	ward_init(*state, 0);
	return 0;
}

int ward_teardown(void **state)
{
	ward_free(*state);
	return 0;
}

/* --- effects */

static void carry_one(struct ward *w, const struct effect *e)
{
	struct ward_entry *entry;

	switch (e->kind) {
	case EFFECT_HEAL:
		must(w->orders < WARD_ORDERS);
		w->order[w->orders++] = (struct ward_order){e->cookie, e->heal, false};
		w->begun[e->heal.work]++;
		break;
	case EFFECT_HEAL_CANCEL:
		for (unsigned i = 0; i < w->orders; i++)
			w->order[i].cancelled |= w->order[i].cookie == e->cookie;
		break;
	case EFFECT_ENTRY:
		must(w->entries < WARD_LIST);
		assert_int_equal(e->entry.class, ENTRY_HEAL);
		entry = &w->entry[w->entries++];
		*entry = (struct ward_entry){.cookie = e->cookie, .n = e->entry.n};
		strcpy(entry->type, e->entry.type);
		entry->data = json_loads(e->entry.data, 0, NULL);
		assert_non_null(entry->data);
		break;
	default:
		must(false);
	}
}

/* What a process that died wanted to do never happens. */
static void carry(struct ward *w, struct effects *out)
{
	for (size_t i = 0; i < out->n && !w->dead; i++)
		carry_one(w, &out->list[i]);
	effects_free(out);
}

static void turn(struct ward *w)
{
	struct effects out = {0};

	heal_turn(&w->heal, w->now, &out);
	carry(w, &out);
}

void ward_tick(struct ward *w)
{
	w->now.mono_ns += NS_PER_MS;
	w->heal.due_ns = 0;
	turn(w);
}

void ward_pass(struct ward *w, uint64_t ms)
{
	uint64_t end = w->now.mono_ns + ms * NS_PER_MS;

	while (w->now.mono_ns < end) {
		uint64_t due = heal_due(&w->heal);

		if (due <= w->now.mono_ns)
			due = w->now.mono_ns + NS_PER_MS;
		w->now.mono_ns = due < end ? due : end;
		turn(w);
	}
}

struct ward_order *ward_order(struct ward *w, unsigned n)
{
	assert_in_range(n, 0, w->orders - 1);
	assert_int_not_equal(w->orders, 0);
	return &w->order[n];
}

static void end_with(struct ward *w, const struct heal_done *done)
{
	struct effects out = {0};

	memmove(&w->order[0], &w->order[1], (--w->orders) * sizeof(w->order[0]));
	heal_healed(&w->heal, done->cookie, done, w->now, &out);
	carry(w, &out);
}

void ward_end(struct ward *w, enum heal_end end, const char *hash, const char *why)
{
	struct heal_done done = {.cookie = ward_order(w, 0)->cookie, .end = end};

	strcpy(done.hash, *hash != '\0' ? hash : w->hash);
	snprintf(done.why, sizeof(done.why), "%s", why);
	end_with(w, &done);
}

/* All holders are there, so no position needs a receipt. */
static char *publication(struct ward *w, uint64_t op)
{
	json_t *data = json_pack("{sIsIs[]s[]}", "heal_op_id", (json_int_t)op, "placement_epoch",
				 (json_int_t)state_epoch(w->net.state), "skip", "receipts");
	char *text = json_dumps(data, JSON_COMPACT);

	json_decref(data);
	return text;
}

void ward_done(struct ward *w)
{
	const struct ward_order o = *ward_order(w, 0);
	struct heal_done done = {.cookie = o.cookie, .end = HEAL_END_DONE};
	struct ward_folder *f;

	strcpy(done.hash, w->hash);
	switch (o.order.work) {
	case HEAL_BUILD:
		ward_stage(w, o.order.op, w->hash);
		break;
	case HEAL_PLACE:
		if (ward_folder(w, o.order.op) == NULL) {
			ward_end(w, HEAL_END_LOST, "", "nothing is staged");
			return;
		}
		done.entry = publication(w, o.order.op);
		break;
	case HEAL_CLEAN:
		f = ward_folder(w, o.order.op);
		if (f != NULL)
			*f = w->folder[--w->folders];
		break;
	default:
		break;
	}
	end_with(w, &done);
	free(done.entry);
}

/* --- entries */

static void tell(struct ward *w, uint64_t cookie, const struct entry_outcome *outcome)
{
	struct effects out = {0};

	heal_verdict(&w->heal, cookie, outcome, w->now, &out);
	carry(w, &out);
}

static struct ward_entry take_entry(struct ward *w)
{
	struct ward_entry e;

	assert_int_not_equal(w->entries, 0);
	e = w->entry[0];
	memmove(&w->entry[0], &w->entry[1], (--w->entries) * sizeof(e));
	return e;
}

static struct entry_result apply(struct ward *w, const char *author, const char *type, uint64_t n,
				 json_t *data)
{
	uint64_t fresh = w->net.next_n;
	unsigned changes = w->changes;
	struct entry_result result;

	if (n != ENTRY_FRESH)
		w->net.next_n = n;
	result = net_apply(&w->net, author, type, data);
	if (n != ENTRY_FRESH)
		w->net.next_n = fresh;
	if (w->changes != changes)
		heal_changed(&w->heal, w->now);
	return result;
}

void ward_apply(struct ward *w)
{
	while (w->entries > 0) {
		struct ward_entry e = take_entry(w);
		struct entry_result result = apply(w, w->self, e.type, e.n, e.data);
		struct entry_outcome outcome = {ENTRY_VERDICT_CAME, result.code, result.reason};
		const struct verdict *v;
		char id[65];

		assert_int_not_equal(result.kind, ENTRY_VOID);
		if (result.kind == ENTRY_DUPLICATE) {
			hex_encode(id, result.id, 32);
			v = table_find(state_tables(w->net.state), T_VERDICTS, id);
			assert_non_null(v);
			outcome.code = (unsigned)v->code;
			outcome.reason = text_of(v->reason);
		}
		tell(w, e.cookie, &outcome);
	}
}

void ward_say(struct ward *w, enum entry_end end, unsigned code, const char *reason)
{
	struct ward_entry e = take_entry(w);
	struct entry_outcome outcome = {end, code, reason};

	json_decref(e.data);
	tell(w, e.cookie, &outcome);
}

void ward_run(struct ward *w)
{
	for (unsigned i = 0; i < 50; i++) {
		ward_tick(w);
		while (w->orders > 0 && !w->dead)
			ward_done(w);
		if (w->dead)
			return;
		if (w->entries > 0)
			ward_apply(w);
	}
}

/* --- the network */

uint64_t ward_op(struct ward *w, const char *healer, const char *first, const char *second)
{
	struct state *s = w->net.state;
	struct heal_op *op = heal_op_new(s, w->ticket, healer, state_epoch(s));

	texts_add(&op->verifiers, first);
	if (second != NULL)
		texts_add(&op->verifiers, second);
	return op->id;
}

const struct heal_op *ward_find(struct ward *w, uint64_t op)
{
	const struct heal_op *found = heal_op_find(w->net.state, op);

	assert_non_null(found);
	return found;
}

void ward_to_epoch(struct ward *w, uint64_t epoch)
{
	net_to_epoch(&w->net, epoch);
}

void ward_claim(struct ward *w, uint64_t op)
{
	const struct heal_op *o = ward_find(w, op);
	json_t *data = json_pack("{sIssssss}", "heal_op_id", (json_int_t)op, "ticket", w->ticket,
				 "heal_manifest_hash", w->hash, "details", "");
	struct entry_result r;

	assert_non_null(data);
	r = apply(w, o->healer, "heal_claim", ENTRY_FRESH, data);
	assert_int_equal(r.code, 0);
}

void ward_vote(struct ward *w, uint64_t op, const char *verifier, bool verified)
{
	char against[HEAL_HASH_ROOM];
	json_t *data;
	struct entry_result r;

	heal_negative_hash(against, "reason_other");
	data = json_pack("{sIsbssss}", "heal_op_id", (json_int_t)op, "verified", verified,
			 "verification_hash", verified ? w->hash : against, "details", "");
	assert_non_null(data);
	r = apply(w, verifier, "heal_vote", ENTRY_FRESH, data);
	assert_int_equal(r.code, 0);
}

void ward_votes(struct ward *w, uint64_t op, bool verified)
{
	const struct texts *v = &ward_find(w, op)->verifiers;

	for (size_t i = 0; i < v->n; i++)
		ward_vote(w, op, v->at[i], verified);
}

uint64_t ward_reported(struct ward *w)
{
	uint64_t op = ward_op(w, w->other[0], w->self, w->other[1]);

	ward_claim(w, op);
	return op;
}

uint64_t ward_claimed(struct ward *w)
{
	uint64_t op = ward_op(w, w->self, w->other[0], w->other[1]);

	ward_tick(w);
	ward_done(w);
	ward_apply(w);
	assert_string_equal(ward_claim_row(w, op), "submitted");
	return op;
}

enum heal_status ward_status(struct ward *w, uint64_t op)
{
	return ward_find(w, op)->status;
}

const json_t *ward_sent(struct ward *w, const char *member)
{
	assert_int_equal(w->entries, 1);
	return json_object_get(w->entry[0].data, member);
}

/* --- what there is */

void ward_arm(struct ward *w, enum failpoint which)
{
	w->armed = which;
	w->armed_in = 1;
}

void ward_stage(struct ward *w, uint64_t op, const char *hash)
{
	struct ward_folder *f = ward_folder(w, op);

	if (f == NULL) {
		must(w->folders < WARD_LIST);
		f = &w->folder[w->folders++];
	}
	f->op = op;
	strcpy(f->hash, hash);
}

struct ward_folder *ward_folder(struct ward *w, uint64_t op)
{
	for (unsigned i = 0; i < w->folders; i++)
		if (w->folder[i].op == op)
			return &w->folder[i];
	return NULL;
}

const char *ward_claim_row(struct ward *w, uint64_t op)
{
	struct heal_claim_row row;

	if (w->rows.claim_find(w->rows.ctx, &row, op) != 0)
		return "";
	return row.status == HEAL_ROW_PENDING ? "pending" : "submitted";
}

const char *ward_vote_row(struct ward *w, uint64_t op)
{
	struct heal_vote_row row;

	if (w->rows.vote_find(w->rows.ctx, w->self, &row, op) != 0)
		return "";
	return row.status == HEAL_ROW_PENDING ? "pending" : "submitted";
}

bool ward_logged(const struct ward *w, const char *text)
{
	for (unsigned i = 0; i < w->log.count && i < sizeof(w->log.line) / sizeof(w->log.line[0]);
	     i++)
		if (strstr(w->log.line[i], text) != NULL)
			return true;
	return false;
}

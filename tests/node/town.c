/* SPDX-License-Identifier: Apache-2.0 */
#include "node/town.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/placement.h"
#include "ledger/rules.h"
#include "ledger/state_impl.h"

#define ANSWER_MS 200

/* --- effects and their outcomes */

static struct town_event *later(struct town *t, unsigned node, enum event_kind kind,
				uint64_t cookie)
{
	struct town_event *e = &t->events[t->event_count++];

	must(t->event_count < 65536);
	*e = (struct town_event){.node = node, .event = {.kind = kind, .cookie = cookie}};
	e->after = t->now;
	e->after.mono_ns += ANSWER_MS * NS_PER_MS;
	return e;
}

static struct town_node *node_of(struct town *t, const char *account)
{
	for (unsigned i = 0; i < TOWN_NODES; i++)
		if (strcmp(t->node[i].account, account) == 0)
			return &t->node[i];
	return NULL;
}

/* What is asked for is an artifact of the ticket, of the size that it has. */
static void check_question(const struct town *t, const struct question *q)
{
	const struct assay_prove_request *r = &q->request;
	const struct ticket *ticket = ticket_find(t->net.state, q->ticket);
	const struct coded_file *f = t->file;
	uint8_t key[32];

	assert_non_null(ticket);
	while (strcmp(f->data_hash, ticket->data_hash) != 0)
		f++;
	if (r->class == ASSAY_CLASS_SYMBOL) {
		coded_file_symbol(key, f->size, r->ordinal);
		assert_memory_equal(r->key, key, 32);
		assert_int_equal(r->size, 65532);
	} else {
		assert_memory_equal(r->key, f->index[r->ordinal].key, 32);
		assert_int_equal(r->size, f->index[r->ordinal].len);
	}
}

static void answer_ask(struct town *t, unsigned asker, const struct effect *e)
{
	struct town_node *target = node_of(t, e->account);
	struct town_event *event = later(t, asker, EVENT_ASKED, e->cookie);
	struct ask_result *result = &event->event.asked;

	target->asked++;
	assert_int_not_equal(e->question.request.epoch, 0);
	check_question(t, &e->question);
	result->outcome = target->runner == NULL ? ASK_TIMEOUT : target->answers;
	if (result->outcome == ASK_TIMEOUT) {
		event->after.mono_ns = e->deadline_ns;
		result->why = "no response";
	} else if (result->outcome == ASK_REFUSED) {
		result->refused = target->refuses;
		result->why = assay_reason_name(target->refuses);
	}
}

static void answer_read(struct town *t, unsigned asker, const struct effect *e)
{
	bool size = e->kind == EFFECT_SIZE;
	struct town_event *event = later(t, asker, size ? EVENT_SIZED : EVENT_FETCHED, e->cookie);

	if (size)
		event->event.sized.error = ASSAY_E_TIMEOUT;
	else
		event->event.fetched.error = ASSAY_E_TIMEOUT;
	if (node_of(t, e->account)->runner == NULL)
		return;
	for (unsigned f = 0; f < t->tickets; f++)
		for (unsigned i = 0; i < 2 * CODED_MAX; i++) {
			if (memcmp(t->file[f].index[i].key, e->bytes.key, 32) != 0)
				continue;
			if (size) {
				event->event.sized.error = 0;
				event->event.sized.size = t->file[f].index[i].len;
			} else {
				event->event.fetched.error = 0;
				event->event.fetched.data = t->file[f].index[i].data;
				event->event.fetched.len = t->file[f].index[i].len;
			}
		}
}

static void carry(struct town *t, unsigned node, struct effects *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct effect *e = &out->list[i];
		struct town_entry *entry;

		switch (e->kind) {
		case EFFECT_ENTRY:
			must(t->entry_count < 4096);
			entry = &t->entries[t->entry_count++];
			*entry = (struct town_entry){.node = node, .cookie = e->cookie};
			strcpy(entry->type, e->entry.type);
			entry->data = json_loads(e->entry.data, 0, NULL);
			must(entry->data != NULL);
			break;
		case EFFECT_ASK:
			answer_ask(t, node, e);
			break;
		case EFFECT_FETCH:
		case EFFECT_SIZE:
			answer_read(t, node, e);
			break;
		default:
			must(false);
		}
	}
	effects_clear(out);
}

/* --- the nodes */

static int sign(void *ctx, uint8_t signature[64], const char *tag, const struct sha256_part *parts,
		size_t n)
{
	const struct town_node *node = ctx;
	const uint8_t aux[32] = {0};

	sign_tagged(signature, &net_find(&node->town->net, node->account)->key, tag, parts, n, aux);
	return 0;
}

void town_start(struct town *t, unsigned number)
{
	struct town_node *node = &t->node[number];
	struct runner_config config = {
		.ledger = ledger_view_of(t->net.state),
		.signer = {sign, node},
		.log = log_sim(&t->log),
		.settings = t->settings,
	};
	struct node_event applied = {.kind = EVENT_APPLIED, .caught_up = true};
	struct disk disk = disk_sim(node->disk);
	struct random random = random_sim(&t->net.random);
	char why[256];
	struct effects out = {0};

	must(node->runner == NULL);
	must(local_open(&node->local, node->db, why, sizeof(why)) == 0);
	if (number < TOWN_MEMBERS)
		must(reveal_open(&node->reveal, why, sizeof(why), &disk, &random, NET_CHAIN) == 0);
	strcpy(config.account, node->account);
	config.local = node->local;
	config.reveal = node->reveal;
	snprintf(config.boot, sizeof(config.boot), "%016x%016x", number, ++node->starts);
	node->runner = runner_new(&config);
	runner_step(node->runner, &applied, t->now, &out);
	carry(t, number, &out);
	effects_free(&out);
}

void town_kill(struct town *t, unsigned number)
{
	struct town_node *node = &t->node[number];
	size_t kept = 0;

	runner_free(node->runner);
	node->runner = NULL;
	local_close(node->local);
	reveal_close(node->reveal);
	node->reveal = NULL;
	for (size_t i = 0; i < t->event_count; i++)
		if (t->events[i].node != number)
			t->events[kept++] = t->events[i];
	t->event_count = kept;
}

void town_init(struct town *t, unsigned epoch_length, const char *params)
{
	static const char needed[] = "\"rq_ids_max\":6";
	char all[512];
	struct net_config config = {
		.nodes = TOWN_NODES, .members = TOWN_MEMBERS, .epoch_length = epoch_length};

	*t = (struct town){.now = {1000 * NS_PER_MS, NET_GENESIS_MS + 1000}};
	snprintf(all, sizeof(all), "{%s%s%s}", needed, *params != '\0' ? "," : "", params);
	config.params = all;
	net_new(&t->net, &config);
	t->settings = (struct settings){.challenges = true, .lep6 = true, .recheck_on = true};
	t->events = calloc(65536, sizeof(*t->events));
	t->entries = calloc(4096, sizeof(*t->entries));
	must(t->events != NULL && t->entries != NULL);
	for (unsigned i = 0; i < TOWN_NODES; i++) {
		struct town_node *node = &t->node[i];
		struct disk disk;

		*node = (struct town_node){.town = t, .number = i};
		strcpy(node->account, t->net.nodes[i].account);
		must(sqlite3_open(":memory:", &node->db) == SQLITE_OK);
		node->disk = sim_disk_new(i);
		disk = disk_sim(node->disk);
		net_write_secret(&disk, REVEAL_FILE, i);
	}
}

void town_free(struct town *t)
{
	for (unsigned i = 0; i < TOWN_NODES; i++) {
		if (t->node[i].runner != NULL)
			town_kill(t, i);
		sqlite3_close(t->node[i].db);
		sim_disk_free(t->node[i].disk);
	}
	for (unsigned i = 0; i < t->tickets; i++)
		coded_file_free(&t->file[i]);
	for (size_t i = 0; i < t->entry_count; i++)
		json_decref(t->entries[i].data);
	free(t->events);
	free(t->entries);
	net_free(&t->net);
}

/* --- files */

void town_put(struct town *t, unsigned creator)
{
	struct coded_file *f = &t->file[t->tickets];
	const struct net_node *node = &t->net.nodes[creator];
	json_t *data = net_ticket_data(&t->net, creator, t->tickets, 200000 + 1000 * t->tickets),
	       *ids = json_array();
	struct texts active = {0}, none = {0}, holders = {0};
	char id[TICKET_ID_LEN + 1], key[KEY_ROOM];
	uint64_t epoch = state_epoch(t->net.state);

	must(t->tickets < TOWN_TICKETS);
	coded_file_make(f, &node->key, (uint64_t)json_integer_value(json_object_get(data, "size")));
	t->tickets++;
	for (unsigned i = 0; i < CODED_MAX; i++)
		json_array_append_new(ids, json_string(f->index_id[i]));
	ticket_id(id, node->account, f->data_hash, 0);
	texts_copy(&active, &((struct anchor *)table_find(state_tables(t->net.state), T_ANCHORS,
							  key_epoch(key, epoch)))
				     ->active);
	placement_new(&holders, id, &active, &none, 64);
	json_object_set_new(data, "ticket", json_string(id));
	json_object_set_new(data, "data_hash", json_string(f->data_hash));
	json_object_set_new(data, "rq_ids_ids", ids);
	json_object_set_new(data, "signatures", json_string(f->signatures));
	json_object_set_new(data, "receipts", net_receipts(&t->net, id, epoch, &holders));
	t->net.next_n = 0;
	net_accept(&t->net, node->account, "ticket", data);
	t->net.next_n = 1000000 + t->tickets;
	texts_free(&active);
	texts_free(&holders);
}

static void step(struct town *t, unsigned node, const struct node_event *event)
{
	struct effects out = {0};

	if (t->node[node].runner == NULL)
		return;
	runner_step(t->node[node].runner, event, t->now, &out);
	carry(t, node, &out);
	effects_free(&out);
}

/* --- the log */

static void note(struct town *t, const char *type, bool accepted)
{
	for (unsigned i = 0; i < 16; i++) {
		if (t->seen[i].type[0] == '\0')
			strcpy(t->seen[i].type, type);
		if (strcmp(t->seen[i].type, type) == 0) {
			*(accepted ? &t->seen[i].accepted : &t->seen[i].refused) += 1;
			return;
		}
	}
}

static void apply_entries(struct town *t)
{
	for (size_t i = 0; i < t->entry_count; i++) {
		struct town_entry *e = &t->entries[i];
		struct entry_result result =
			net_apply(&t->net, t->node[e->node].account, e->type, e->data);
		struct node_event event = {.kind = EVENT_ENTRY, .cookie = e->cookie};

		assert_int_equal(result.kind, ENTRY_VERDICT);
		note(t, e->type, result.code == 0);
		if (result.code != 0 && strcmp(e->type, "tick") != 0)
			print_message("%s by %s: code %u %s\n", e->type, t->node[e->node].account,
				      result.code, result.reason);
		event.entry =
			(struct entry_outcome){ENTRY_VERDICT_CAME, result.code, result.reason};
		if (t->node[e->node].runner != NULL)
			step(t, e->node, &event);
	}
	t->entry_count = 0;
}

/* Outcomes whose time has come, in their order. */
static void give_outcomes(struct town *t)
{
	for (size_t i = 0; i < t->event_count;) {
		struct town_event e = t->events[i];

		if (e.after.mono_ns > t->now.mono_ns) {
			i++;
			continue;
		}
		memmove(&t->events[i], &t->events[i + 1], (--t->event_count - i) * sizeof(e));
		step(t, e.node, &e.event);
	}
}

void town_second(struct town *t)
{
	const struct node_event turn = {.kind = EVENT_TURN};
	const struct node_event applied = {.kind = EVENT_APPLIED, .caught_up = true};

	t->now.mono_ns += 1000 * NS_PER_MS;
	t->now.wall_ms += 1000;
	for (unsigned i = 0; i < TOWN_NODES; i++)
		step(t, i, &turn);
	give_outcomes(t);
	if (t->engine_down || t->entry_count == 0)
		return;
	apply_entries(t);
	for (unsigned i = 0; i < TOWN_NODES; i++)
		step(t, i, &applied);
}

void town_to_height(struct town *t, uint64_t height)
{
	for (unsigned i = 0; state_height(t->net.state) < height; i++) {
		assert_in_range(i, 0, 100000);
		town_second(t);
	}
}

void town_to_epoch(struct town *t, uint64_t epoch)
{
	for (unsigned i = 0; state_epoch(t->net.state) < epoch; i++) {
		assert_in_range(i, 0, 100000);
		town_second(t);
	}
}

/* --- what is on the ledger */

static unsigned seen(const struct town *t, const char *type, bool accepted)
{
	for (unsigned i = 0; i < 16; i++)
		if (strcmp(t->seen[i].type, type) == 0)
			return accepted ? t->seen[i].accepted : t->seen[i].refused;
	return 0;
}

unsigned town_accepted(const struct town *t, const char *type)
{
	return seen(t, type, true);
}

unsigned town_refused(const struct town *t, const char *type)
{
	return seen(t, type, false);
}

unsigned town_reports(struct town *t, uint64_t epoch)
{
	unsigned n = 0;
	char prefix[KEY_ROOM];
	struct tables *tables = state_tables(t->net.state);

	key_format(prefix, "%020" PRIu64 "/", epoch);
	for (struct report *r = table_from(tables, T_REPORTS, prefix);
	     r != NULL && record_within(r, prefix); r = table_next(tables, r))
		n++;
	return n;
}

static unsigned count_rows(const char *text, const char *target, unsigned result)
{
	json_t *list = json_loads(text, 0, NULL), *row;
	unsigned n = 0;
	size_t i;

	json_array_foreach(list, i, row)
	{
		const char *who = json_string_value(json_object_get(row, "target"));

		assert_int_equal(json_string_length(json_object_get(row, "sig")), 128);
		n += (unsigned)json_integer_value(json_object_get(row, "result")) == result &&
		     (target == NULL || strcmp(who, target) == 0);
	}
	json_decref(list);
	return n;
}

unsigned town_rows(struct town *t, uint64_t first, uint64_t last, const char *target,
		   unsigned result)
{
	struct tables *tables = state_tables(t->net.state);
	unsigned n = 0;

	for (struct report *r = table_first(tables, T_REPORTS); r != NULL;
	     r = table_next(tables, r)) {
		uint64_t epoch = strtoull(r->record.key, NULL, 10);

		if (r->rows != NULL && epoch >= first && epoch <= last)
			n += count_rows(r->rows, target, result);
	}
	return n;
}

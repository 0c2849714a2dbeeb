/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine at the entry layer: what must hold whatever a log says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/field.h"
#include "ledger/jcs.h"
#include "ledger/state_impl.h"
#include "ledger/statefile.h"
#include "ledger/story.h"

#define STEPS 1000

static void add_line(void *arg, const char *text, size_t len)
{
	buf_add(arg, text, len);
}

static struct buf dump_of(struct state *s)
{
	struct buf dump = {0};

	state_dump(s, add_line, &dump);
	return dump;
}

static void assert_same_state(struct state *a, struct state *b)
{
	struct buf left = dump_of(a), right = dump_of(b);
	uint8_t x[32], y[32];

	assert_string_equal(left.at, right.at);
	state_root(a, x);
	state_root(b, y);
	assert_memory_equal(x, y, 32);
	assert_int_equal(state_seq(a), state_seq(b));
	buf_free(&left);
	buf_free(&right);
}

/* --- copies: as a node's database keeps the records --- */

static void keep_change(void *arg, enum table_id table, const char *key, const char *line,
			size_t len)
{
	struct tables *t = arg;
	struct record *r = table_find(t, table, key);
	enum jcs_error error;
	const char *fault;
	json_t *object;

	if (line == NULL) {
		if (r != NULL)
			table_remove(t, r);
		return;
	}
	object = jcs_parse(&error, line, len, len);
	must(object != NULL &&
	     shape_read(table_put(t, table, key), &fault, &table_shapes[table].shape, object) == 0);
	json_decref(object);
}

static struct state *restart(struct tables *records, const struct state_origin *origin)
{
	struct state *s = state_new(&(struct state_config){0});
	struct buf line = {0};

	for (int table = 0; table < TABLES; table++)
		for (struct record *r = table_first(records, table); r != NULL;
		     r = table_next(records, r)) {
			buf_clear(&line);
			shape_write(&line, &table_shapes[table].shape, r);
			assert_int_equal(state_load(s, table, r->key, line.at, line.len), 0);
		}
	assert_int_equal(state_loaded(s, origin), 0);
	buf_free(&line);
	return s;
}

/* --- invariants of the indexes --- */

static uint32_t count_gone(struct state *s, const struct ticket *t)
{
	uint32_t gone = 0;

	for (size_t i = 0; i < t->holders.n; i++) {
		const struct node *node = node_find(s, t->holders.at[i]);

		gone += node == NULL || !node_challengeable(node);
	}
	return gone;
}

struct listing {
	struct state *s;
	const char *holder;
	const struct ticket *last;
	size_t n;
};

static bool check_held(void *arg, struct ticket *t)
{
	struct listing *l = arg;

	assert_int_equal(t->state, TICKET_OPEN);
	assert_true(ticket_position(t, l->holder) >= 0);
	if (l->last != NULL)
		assert_true(strcmp(l->last->record.key, t->record.key) < 0);
	l->last = t;
	l->n++;
	return true;
}

static bool check_rehome(void *arg, struct ticket *t)
{
	struct listing *l = arg;

	assert_true(t->rehome || t->gone > 0);
	if (l->last != NULL)
		assert_true(l->last->gone > t->gone ||
			    (l->last->gone == t->gone &&
			     strcmp(l->last->record.key, t->record.key) < 0));
	l->last = t;
	l->n++;
	return true;
}

static void check_indexes(struct state *s)
{
	struct listing waiting = {.s = s};
	size_t held = 0, listed = 0;

	for (struct ticket *t = table_first(s->tables, T_TICKETS); t != NULL;
	     t = table_next(s->tables, t)) {
		if (t->state != TICKET_OPEN) {
			assert_int_equal(t->holders.n, 0);
			continue;
		}
		assert_int_equal(t->gone, count_gone(s, t));
		held += t->holders.n;
		listed += t->rehome || t->gone > 0;
	}
	for (struct node *n = table_first(s->tables, T_NODES); n != NULL;
	     n = table_next(s->tables, n)) {
		struct listing l = {.s = s, .holder = n->record.key};

		tickets_of_holder(s, n->record.key, check_held, &l);
		held -= l.n;
		assert_ptr_equal(names_find(&s->keys, n->key), n);
		assert_ptr_equal(names_find(&s->keys, n->session_key), n);
	}
	assert_int_equal(held, 0);
	tickets_to_rehome(s, check_rehome, &waiting);
	assert_int_equal(waiting.n, listed);
}

static void check_presence(struct state *s)
{
	struct presence *p = table_first(s->tables, T_PRESENCE);

	for (; p != NULL; p = table_next(s->tables, p)) {
		assert_true(p->event_count >= 1 && p->event_count <= 64);
		for (size_t i = 1; i < p->event_count; i++)
			assert_true(p->events[i - 1].t < p->events[i].t);
	}
}

/* What was not accepted may add its verdict's line and nothing else. */
static void check_trace(const struct buf *before, const struct buf *after,
			const struct entry_result *r)
{
	bool recorded = r->kind == ENTRY_VERDICT && r->code != VERDICT_EPOCH &&
			strcmp(r->type, "tick") != 0;
	size_t at = 0, line;

	if (!recorded) {
		assert_string_equal(before->at, after->at);
		return;
	}
	while (before->at[at] != '\0' && before->at[at] == after->at[at])
		at++;
	while (at > 0 && after->at[at - 1] != '\n')
		at--;
	line = strcspn(after->at + at, "\n") + 1;
	assert_int_equal(strncmp(after->at + at, "verdicts ", 9), 0);
	assert_string_equal(before->at + at, after->at + at + line);
}

static void count_change(void *arg, enum table_id table, const char *key, const char *line,
			 size_t len)
{
	++*(size_t *)arg;
}

/* Every entry of a random log: refused ones leave no trace, indexes stay true. */
static void refused_entries_change_nothing(void **unused)
{
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct story y;
		struct buf before, after;

		story_new(&y, seed);
		before = dump_of(y.net.state);
		tables_changes(y.net.state->tables, NULL, NULL);
		for (int i = 0; i < STEPS / 2; i++) {
			struct entry_result r = story_step(&y);
			size_t changes = 0;

			after = dump_of(y.net.state);
			tables_changes(y.net.state->tables, count_change, &changes);
			if (r.kind != ENTRY_VERDICT || r.code != 0) {
				check_trace(&before, &after, &r);
				assert_true(changes <= 1); /* nothing is stored in vain */
			}
			check_indexes(y.net.state);
			buf_free(&before);
			before = after;
		}
		check_presence(y.net.state);
		buf_free(&before);
		story_free(&y);
	}
}

/* The stories reach what they are for: every type accepted, and refusals of most kinds. */
static void stories_are_rich(void **unused)
{
	static const char *const types[] = {
		"tick",		"start",      "stop",	   "node_add",
		"node_update",	"node_state", "params",	   "ticket",
		"ticket_close", "rehome",     "report",	   "attest",
		"seal",		"heal_claim", "heal_vote", "heal_published",
	};
	static const unsigned codes[] = {0, 2, 4, 12, 15, 18, 19, 20, 21, 23, 24, 25, 26};
	struct story y;

	story_new(&y, 3);
	for (int i = 0; i < 3 * STEPS; i++)
		story_step(&y);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (story_accepted(&y, types[i]) == 0)
			fail_msg("no %s was accepted", types[i]);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (y.verdicts[codes[i]] == 0)
			fail_msg("code %u never came", codes[i]);
	for (int kind = ENTRY_VOID; kind <= ENTRY_VERDICT; kind++)
		assert_true(y.kinds[kind] > 0);
	story_free(&y);
}

/*
 * Three ways to the same state: the first run, a second run over the same bytes, and one that is
 * made anew from the stored changes again and again.
 */
static void the_log_decides_alone(void **unused)
{
	struct state *second = state_new(&(struct state_config){0}), *third;
	struct tables *records = tables_new();
	struct state_origin origin;
	struct entry_result r, again;
	struct story y;
	char why[200];

	story_new(&y, 4);
	assert_int_equal(
		state_genesis(second, why, sizeof(why), y.net.document.at, y.net.document.len), 0);
	tables_changes(y.net.state->tables, keep_change, records);
	for (int i = 0; i < STEPS; i++) {
		uint64_t seq = state_seq(y.net.state);

		r = story_step(&y);
		tables_changes(y.net.state->tables, keep_change, records);
		if (state_seq(y.net.state) != seq + 1) { /* a seal with its attests */
			state_free(second);
			state_origin(y.net.state, &origin);
			second = restart(records, &origin);
			continue;
		}
		state_apply(second, &again, (const uint8_t *)y.net.entry.at, y.net.entry.len);
		assert_int_equal(r.kind, again.kind);
		assert_int_equal(r.code, again.code);
		assert_string_equal(text_of(r.reason), text_of(again.reason));
		if (i % 50 != 0)
			continue;
		state_origin(y.net.state, &origin);
		third = restart(records, &origin);
		assert_same_state(y.net.state, third);
		check_indexes(third);
		assert_same_state(y.net.state, second);
		state_free(second);
		second = third;
	}
	assert_same_state(y.net.state, second);
	state_free(second);
	tables_free(records);
	story_free(&y);
}

/* --- state files --- */

static void state_file_makes_the_state(void **unused)
{
	struct statefile_header *h = calloc(1, sizeof(*h)), *read = calloc(1, sizeof(*read));
	uint8_t *bytes = malloc(STATEFILE_HEADER_LEN), root[32], told[32];
	struct buf *lines = calloc(BUCKETS, sizeof(*lines));
	struct state *s = state_new(&(struct state_config){0});
	struct state_origin origin;
	struct entry_result r;
	struct story y;

	story_new(&y, 5);
	for (int i = 0; i < STEPS / 2; i++)
		story_step(&y);
	statefile_describe(h, y.net.state);
	statefile_header_write(bytes, h);
	assert_int_equal(statefile_header_read(read, bytes), 0);
	statefile_root(told, read);
	state_root(y.net.state, root);
	assert_memory_equal(root, told, 32);
	for (unsigned b = 0; b < BUCKETS; b++) {
		tables_bucket(y.net.state->tables, b, told, add_line, &lines[b]);
		assert_int_equal(statefile_load(s, read, b, text_of(lines[b].at), lines[b].len), 0);
	}
	state_origin(y.net.state, &origin);
	assert_int_equal(state_loaded(s, &origin), 0);
	assert_same_state(y.net.state, s);
	/* and goes on from there */
	for (int i = 0; i < 100; i++) {
		r = story_step(&y);
		if (state_seq(y.net.state) != state_seq(s) + 1)
			break;
		state_apply(s, &r, (const uint8_t *)y.net.entry.at, y.net.entry.len);
	}
	if (state_seq(y.net.state) == state_seq(s))
		assert_same_state(y.net.state, s);
	for (unsigned b = 0; b < BUCKETS; b++)
		buf_free(&lines[b]);
	free(lines);
	free(bytes);
	free(read);
	free(h);
	state_free(s);
	story_free(&y);
}

static void bad_state_files_are_refused(void **unused)
{
	struct statefile_header *h = calloc(1, sizeof(*h)), *read = calloc(1, sizeof(*read));
	uint8_t *bytes = malloc(STATEFILE_HEADER_LEN), digest[32];
	struct buf lines = {0};
	struct state *s = state_new(&(struct state_config){0});
	struct story y;
	unsigned b;

	story_new(&y, 6);
	statefile_describe(h, y.net.state);
	statefile_header_write(bytes, h);
	for (size_t at = 0; at < STATEFILE_HEADER_LEN; at += 211) {
		bool covered = at >= 56; /* before: what only the root tells */

		bytes[at] ^= 1;
		assert_true(!covered || statefile_header_read(read, bytes) == ASSAY_E_CORRUPT ||
			    (at - 88) % 40 >= 32);
		bytes[at] ^= 1;
	}
	b = table_bucket(T_META, "-");
	tables_bucket(y.net.state->tables, b, digest, add_line, &lines);
	lines.at[5] ^= 1;
	assert_int_equal(statefile_load(s, h, b, lines.at, lines.len), ASSAY_E_CORRUPT);
	lines.at[5] ^= 1;
	assert_int_equal(statefile_load(s, h, b, lines.at, lines.len - 1), ASSAY_E_CORRUPT);
	/* The right digest of lines that belong elsewhere. */
	memcpy(h->buckets[b ^ 1].digest, digest, 32);
	h->buckets[b ^ 1].len = (uint32_t)lines.len;
	assert_int_equal(statefile_load(s, h, b ^ 1, lines.at, lines.len), ASSAY_E_CORRUPT);
	assert_int_equal(statefile_load(s, h, b, lines.at, lines.len), 0);
	buf_free(&lines);
	free(bytes);
	free(read);
	free(h);
	state_free(s);
	story_free(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_entries_change_nothing),
		cmocka_unit_test(stories_are_rich),
		cmocka_unit_test(the_log_decides_alone),
		cmocka_unit_test(state_file_makes_the_state),
		cmocka_unit_test(bad_state_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables against plain lists, their lines, their hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/digest.h"
#include "ledger/field.h"
#include "ledger/jcs.h"
#include "ledger/params.h"
#include "ledger/table.h"

#define KEYS   400
#define ROUNDS 6000

static uint64_t rng_state;

static uint64_t rng(void)
{
	uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static const char *name_of(char out[KEY_ROOM], size_t number)
{
	/* Lengths and bytes around the separator, so that the order is not that of the numbers. */
	return key_format(out, "n%zu%s", number % 97,
			  number % 3 == 0   ? "-x"
			  : number % 3 == 1 ? "."
					    : "0");
}

static void fill(struct node_suspicion *r, const char *key)
{
	text_set(&r->account, key);
	r->suspicion_score = (int64_t)rng();
	r->last_updated_epoch = rng() >> rng() % 64;
}

/* What a store of the changes would hold. */
struct mirror {
	struct tables *t;
	size_t changes;
};

static void store_change(void *arg, enum table_id table, const char *key, const char *line,
			 size_t len)
{
	struct mirror *m = arg;
	struct record *r = table_find(m->t, table, key);
	enum jcs_error error;
	const char *fault;
	json_t *object;

	m->changes++;
	if (line == NULL) {
		if (r != NULL)
			table_remove(m->t, r);
		return;
	}
	object = jcs_parse(&error, line, len, len);
	assert_non_null(object);
	assert_int_equal(
		shape_read(table_put(m->t, table, key), &fault, &table_shapes[table].shape, object),
		0);
	json_decref(object);
}

static void assert_same_hash(struct tables *a, struct tables *b)
{
	uint8_t left[32], right[32];

	tables_hash(a, left);
	tables_hash(b, right);
	assert_memory_equal(left, right, 32);
}

/* Random changes; what the change list says, stored elsewhere, is the same state. */
static void changes_make_a_copy(void **unused)
{
	struct mirror m = {.t = tables_new()};
	struct tables *t = tables_new();
	char key[KEY_ROOM];

	rng_state = 1;
	for (int i = 0; i < ROUNDS; i++) {
		struct record *r = table_find(t, T_NODE_SUSPICION, name_of(key, rng() % KEYS));

		if (r != NULL && rng() % 3 == 0)
			table_remove(t, r);
		else
			fill(table_put(t, T_NODE_SUSPICION, key), key);
		if (rng() % 20 == 0)
			tables_changes(t, store_change, &m);
		if (rng() % 100 == 0) {
			tables_changes(t, store_change, &m);
			assert_same_hash(t, m.t);
			tables_changes(m.t, NULL, NULL);
		}
	}
	tables_changes(t, store_change, &m);
	assert_true(m.changes > 100);
	assert_same_hash(t, m.t);
	m.changes = 0;
	tables_changes(t, store_change, &m);
	assert_int_equal(m.changes, 0);
	tables_free(t);
	tables_free(m.t);
}

/* Order, ends, searches and counts are those of a sorted list. */
static void order_is_bytewise(void **unused)
{
	struct tables *t = tables_new();
	char *keys[KEYS] = {0}, key[KEY_ROOM];
	size_t n = 0;
	struct record *r;

	rng_state = 2;
	for (int i = 0; i < KEYS; i++)
		table_put(t, T_NODES, name_of(key, rng()));
	for (r = table_first(t, T_NODES); r != NULL; r = table_next(t, r)) {
		if (n > 0)
			assert_true(strcmp(keys[n - 1], r->key) < 0);
		keys[n++] = r->key;
	}
	assert_int_equal(n, table_count(t, T_NODES));
	assert_string_equal(((struct record *)table_last(t, T_NODES))->key, keys[n - 1]);
	for (int i = 0; i < KEYS; i++) {
		size_t at = 0;

		name_of(key, rng());
		key[rng() % (strlen(key) + 1)] = '\0';
		while (at < n && strcmp(keys[at], key) < 0)
			at++;
		r = table_from(t, T_NODES, key);
		assert_ptr_equal(r, at < n ? table_find(t, T_NODES, keys[at]) : NULL);
		assert_true(record_within(r, "") == (r != NULL));
	}
	tables_free(t);
}

/* Only changed buckets are hashed again, and the result is that of hashing all. */
static void hash_follows_changes(void **unused)
{
	struct tables *t = tables_new();
	uint8_t(*nodes)[32] = calloc(2 * BUCKETS, sizeof(*nodes));
	uint8_t fast[32], slow[32];
	char key[KEY_ROOM];

	rng_state = 3;
	for (int i = 0; i < 200; i++) {
		fill(table_put(t, T_NODE_SUSPICION, name_of(key, rng())), key);
		if (rng() % 4 == 0)
			table_remove(t, table_first(t, T_NODE_SUSPICION));
		if (i % 20 != 0)
			continue;
		tables_hash(t, fast);
		for (unsigned b = 0; b < BUCKETS; b++)
			tables_bucket(t, b, nodes[BUCKETS + b], NULL, NULL);
		buckets_root(slow, nodes);
		assert_memory_equal(fast, slow, 32);
	}
	free(nodes);
	tables_free(t);
}

/* Parts of keys, with tickets that hold the separator. */
static void keys_have_parts(void **unused)
{
	struct tables *t = tables_new();
	const struct node_failure *f =
		table_put(t, T_NODE_FAILURES, "n1/00000000000000000007/a/b/c/n2");
	const struct recheck_done *d = table_put(t, T_RECHECKS, "00000000000000000009/t/n1/n2");

	assert_string_equal(f->target, "n1");
	assert_int_equal(f->epoch, 7);
	assert_string_equal(f->ticket, "a/b/c");
	assert_string_equal(f->reporter, "n2");
	assert_int_equal(d->epoch, 9);
	assert_string_equal(d->ticket, "t");
	assert_string_equal(d->target, "n1");
	assert_string_equal(d->creator, "n2");
	tables_free(t);
}

static void bad_keys_are_none(void **unused)
{
	assert_true(table_key_valid(T_NODE_FAILURES, "n1/00000000000000000007/a/b/n2"));
	assert_false(table_key_valid(T_NODE_FAILURES, "n1/7/a/n2"));
	assert_false(table_key_valid(T_NODE_FAILURES, "n1/00000000000000000007/n2"));
	assert_false(table_key_valid(T_NODE_FAILURES, "/00000000000000000007/a/n2"));
	assert_false(table_key_valid(T_ANCHORS, "00000000000000000007/x"));
	assert_false(table_key_valid(T_ANCHORS, "99999999999999999999"));
	assert_false(table_key_valid(T_NODES, ""));
	assert_false(table_key_valid(T_NODES, "a b"));
	assert_false(table_key_valid(T_NODES, "a\nnodes b"));
	assert_false(table_key_valid(T_NODES, "a\tb"));
}

/* The lists of members are in the order of their names, which is that of canonical JSON. */
static void fields_are_in_order(void **unused)
{
	for (int i = 0; i < TABLES; i++) {
		const struct table_shape *table = &table_shapes[i];

		if (i > 0)
			assert_true(strcmp(table_shapes[i - 1].name, table->name) < 0);
		assert_int_equal(table_by_name(table->name, strlen(table->name)), i);
		for (size_t f = 1; f < table->shape.n; f++)
			assert_true(strcmp(table->shape.fields[f - 1].name,
					   table->shape.fields[f].name) < 0);
	}
}

static void expect_line(enum table_id table, const char *in, const char *out)
{
	struct tables *t = tables_new();
	struct buf line = {0};
	struct record *r = table_put(t, table, table == T_ANCHORS ? "00000000000000000001" : "x");
	enum jcs_error error;
	const char *fault;
	json_t *object = jcs_parse(&error, in, strlen(in), strlen(in));
	int status;

	assert_non_null(object);
	status = shape_read(r, &fault, &table_shapes[table].shape, object);
	assert_int_equal(status == 0, out != NULL);
	if (out != NULL) {
		shape_write(&line, &table_shapes[table].shape, r);
		assert_string_equal(line.at, out);
	}
	buf_free(&line);
	json_decref(object);
	tables_free(t);
}

static void lines_are_canonical(void **unused)
{
	expect_line(T_PRESENCE, "{\"events\":[{\"t\":0,\"kind\":1}],\"status\":0,\"boot\":\"\"}",
		    "{\"events\":[{\"kind\":1,\"t\":0}]}");
	expect_line(T_NODE_SUSPICION,
		    "{\"suspicion_score\":\"-9223372036854775808\",\"last_updated_epoch\":"
		    "\"18446744073709551615\"}",
		    "{\"last_updated_epoch\":\"18446744073709551615\",\"suspicion_score\":"
		    "\"-9223372036854775808\"}");
	expect_line(T_NODES, "{\"operator\":\"\\u0001\\\"\\\\/\\u007f\\n\"}",
		    "{\"operator\":\"\\u0001\\\"\\\\/\x7f\\n\"}");
	expect_line(T_ANCHORS, "{\"active\":[\"\",\"a\"],\"targets\":[]}",
		    "{\"active\":[\"\",\"a\"]}");
	expect_line(T_NODE_SUSPICION,
		    "{\"last_updated_epoch\":9007199254740991,\"suspicion_score\":"
		    "-9007199254740991,\"window_start_epoch\":\"9007199254740992\"}",
		    "{\"last_updated_epoch\":9007199254740991,\"suspicion_score\":"
		    "-9007199254740991,\"window_start_epoch\":\"9007199254740992\"}");
	expect_line(T_NODE_SUSPICION, "{\"last_updated_epoch\":\"9007199254740991\"}", NULL);
	/* Small numbers as texts, other types, other members. */
	expect_line(T_NODE_SUSPICION, "{\"last_updated_epoch\":\"5\"}", NULL);
	expect_line(T_NODE_SUSPICION, "{\"last_updated_epoch\":-1}", NULL);
	expect_line(T_NODE_SUSPICION, "{\"last_updated_epoch\":true}", NULL);
	expect_line(T_NODES, "{\"operator\":1}", NULL);
	expect_line(T_NODES, "{\"stranger\":1}", NULL);
	expect_line(T_PRESENCE, "{\"events\":[{\"t\":0,\"kind\":1,\"x\":2}]}", NULL);
	expect_line(T_ANCHORS, "{\"active\":[1]}", NULL);
	expect_line(T_TICKETS, "{\"public\":1}", NULL);
}

static void merge(struct params *p, const char *set, bool founding, bool good)
{
	enum jcs_error error;
	char why[200] = "";
	json_t *object = jcs_parse(&error, set, strlen(set), strlen(set));

	assert_non_null(object);
	assert_int_equal(params_merge(p, why, sizeof(why), object, founding) == 0, good);
	assert_int_equal(why[0] == '\0', good);
	json_decref(object);
}

static void params_are_checked(void **unused)
{
	struct tables *t = tables_new();
	struct params *p = table_put(t, T_PARAMS, "-");

	params_standard(p);
	merge(p, "{\"epoch_length_blocks\":10,\"sc_enabled\":false}", true, true);
	assert_int_equal(p->epoch_length_blocks, 10);
	assert_int_equal(p->storage_truth_recent_bucket_max_blocks, 30);
	assert_int_equal(p->storage_truth_old_bucket_min_blocks, 300);
	assert_int_equal(p->storage_truth_enforcement_mode, 1);
	assert_int_equal(p->required_open_ports.n, 3);
	assert_false(p->sc_enabled);
	merge(p, "{\"storage_truth_enforcement_mode\":0,\"placement_width\":7}", false, true);
	assert_int_equal(p->storage_truth_enforcement_mode, 0);
	merge(p, "{\"placement_width\":0}", false, true);
	assert_int_equal(p->placement_width, 64);
	merge(p, "{\"epoch_length_blocks\":11}", false, false);
	merge(p, "{\"tick_interval_ms\":1000}", false, false);
	merge(p, "{\"verdict_keep_epochs\":33}", false, false);
	merge(p, "{\"verdict_keep_epochs\":32}", false, true);
	merge(p, "{\"storage_truth_heal_deadline_epochs\":32}", false, false);
	merge(p, "{\"storage_truth_class_a_fault_window\":10001}", false, false);
	merge(p, "{\"storage_truth_node_suspicion_threshold_postpone\":140}", false, false);
	merge(p, "{\"storage_truth_recent_bucket_max_blocks\":300}", false, false);
	merge(p, "{\"required_open_ports\":[65536]}", false, false);
	merge(p, "{\"required_open_ports\":[80,443]}", false, true);
	assert_int_equal(p->required_open_ports.at[1], 443);
	merge(p, "[]", false, false);
	assert_int_equal(p->epoch_length_blocks, 10);
	tables_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_make_a_copy),	cmocka_unit_test(order_is_bytewise),
		cmocka_unit_test(hash_follows_changes), cmocka_unit_test(keys_have_parts),
		cmocka_unit_test(bad_keys_are_none),	cmocka_unit_test(fields_are_in_order),
		cmocka_unit_test(lines_are_canonical),	cmocka_unit_test(params_are_checked),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

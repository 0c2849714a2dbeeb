/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch reports: every check with its code, their order, what an accepted report does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "base/real.h"
#include "ledger/report_world.h"
#include "ledger/scores.h"

static void test_good(void **unused)
{
	struct world w;
	char key[KEY_ROOM];
	struct report *report;
	struct transcript_record *t;

	world_new(&w);
	assert_int_equal(world_submit_signed(&w), VERDICT_OK);
	report = table_find(w.s->tables, T_REPORTS, key_format(key, "%020d/%s", EPOCH, "sn-a"));
	assert_non_null(report);
	assert_string_equal(report->observations, "[{\"ports\":[],\"target\":\"sn-f\"}]");
	assert_non_null(strstr(report->rows, "\"details\":\"dial\""));
	key_format(key, "%064x", 2);
	t = table_find(w.s->tables, T_TRANSCRIPTS, key);
	assert_non_null(t);
	assert_true(t->recheck_eligible && t->epoch == EPOCH && t->count == 6);
	assert_string_equal(t->target, "sn-f");
	/* -3 for the pass takes nothing from 0; the timeout's 7 and 12 for both buckets do not come
	 * together: a pass leaves no fact. */
	assert_int_equal(node_suspicion_at(w.s, "sn-f", EPOCH), 7);
	assert_int_equal(reporter_reliability_at(w.s, "sn-a", EPOCH), 0);
	world_free(&w);
}

/* Single faults and their codes. */
static const struct {
	const char *path, *value;
	unsigned code;
} faults[] = {
	{"epoch", "39", VERDICT_BAD_EPOCH},
	{"epoch", "41", VERDICT_BAD_EPOCH},
	{"host.cpu", "10001", VERDICT_HOST_METRIC},
	{"host.mem", "10001", VERDICT_HOST_METRIC},
	{"host.disk", "10001", VERDICT_HOST_METRIC},
	{"host.cpu", "10000", VERDICT_OK},
	{"host.ports", "[1]", VERDICT_PORT_LIST},
	{"observations.0.target", "''", VERDICT_BAD_OBSERVATIONS},
	{"observations.0.target", "'sn-a'", VERDICT_BAD_OBSERVATIONS},
	{"observations.0.target", "'sn-e'", VERDICT_BAD_OBSERVATIONS},
	{"observations.0.ports", "[1]", VERDICT_PORT_LIST},
	{"rows.0.target", "''", VERDICT_BAD_PROOFS},
	{"rows.0.target", "'sn-e'", VERDICT_BAD_PROOFS},
	{"rows.0.challenger", "'sn-b'", VERDICT_BAD_PROOFS},
	{"rows.0.bucket", "5", VERDICT_BAD_PROOFS},
	{"rows.0.result", "8", VERDICT_BAD_PROOFS},
	{"rows.0.class", "3", VERDICT_BAD_PROOFS},
	{"rows.0.key", "''", VERDICT_BAD_PROOFS},
	{"rows.0.derivation", "''", VERDICT_BAD_PROOFS},
	{"rows.0.count", "7", VERDICT_ARTIFACT_COUNT},
	{"rows.1.count", "8", VERDICT_ARTIFACT_COUNT},
	{"rows.0.ticket", "'unknown'", VERDICT_BAD_PROOFS},
	{"rows.0.ticket", "'middle'", VERDICT_OK},   /* derived choices are the challenger's */
	{"rows.0.ordinal", "2", VERDICT_BAD_PROOFS}, /* lies on sn-e */
	{"rows.0.ordinal", "8", VERDICT_BAD_PROOFS},
};

static void test_faults(void **unused)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct world w;
		unsigned code;

		world_new(&w);
		world_edit(&w, faults[i].path, faults[i].value);
		code = world_submit_signed(&w);
		if (code != faults[i].code)
			fail_msg("%s = %s: code %u", faults[i].path, faults[i].value, code);
		world_free(&w);
	}
}

/* Rows are told apart by what is asked for, not by what came out. */
static void test_repeated_rows(void **unused)
{
	struct world w;
	json_t *rows;

	world_new(&w);
	rows = json_object_get(w.data, "rows");
	json_array_append_new(rows, json_deep_copy(json_array_get(rows, 0)));
	world_edit(&w, "rows.2.result", "3");
	assert_int_equal(world_submit_signed(&w), VERDICT_BAD_PROOFS);
	world_edit(&w, "rows.2.ordinal", "3");
	assert_int_equal(world_submit_signed(&w), VERDICT_OK);
	world_free(&w);
}

/* --- the order: of two faults the earlier one tells the code --- */

static void wrong_epoch(struct world *w)
{
	world_edit(w, "epoch", "39");
}
static void disabled(struct world *w)
{
	node_find(w->s, "sn-a")->state = NODE_DISABLED;
}
static void wrong_host(struct world *w)
{
	world_edit(w, "host.cpu", "10001");
}
static void no_anchor(struct world *w)
{
	char key[KEY_ROOM];

	table_remove(w->s->tables, table_find(w->s->tables, T_ANCHORS, key_epoch(key, EPOCH)));
}
static void wrong_ports(struct world *w)
{
	world_edit(w, "host.ports", "[1,1]");
}
static void wrong_observation(struct world *w)
{
	world_edit(w, "observations.0.target", "'sn-e'");
}
static void too_many_rows(struct world *w)
{
	json_t *rows = json_object_get(w->data, "rows");

	while (json_array_size(rows) < 17)
		json_array_append_new(rows, json_deep_copy(json_array_get(rows, 0)));
}
static void wrong_row(struct world *w)
{
	world_edit(w, "rows.1.challenger", "'sn-b'");
}
static void wrong_count(struct world *w)
{
	world_edit(w, "rows.0.count", "7");
}
static void not_placed(struct world *w)
{
	world_edit(w, "rows.1.ordinal", "4");
}
static void duplicate(struct world *w)
{
	char key[KEY_ROOM];

	table_put(w->s->tables, T_REPORTS, key_format(key, "%020d/%s", EPOCH, "sn-a"));
}
static void wrong_signature(struct world *w)
{
	w->sign_wrongly = true;
}

static const struct {
	const char *name;
	void (*make)(struct world *w);
	unsigned code;
} order[] = {
	{"epoch", wrong_epoch, VERDICT_BAD_EPOCH},
	{"state", disabled, VERDICT_REPORTER_STATE},
	{"host", wrong_host, VERDICT_HOST_METRIC},
	{"anchor", no_anchor, VERDICT_BAD_EPOCH},
	{"ports", wrong_ports, VERDICT_PORT_LIST},
	{"observation", wrong_observation, VERDICT_BAD_OBSERVATIONS},
	{"rows", too_many_rows, VERDICT_BAD_PROOFS},
	{"row", wrong_row, VERDICT_BAD_PROOFS},
	{"count", wrong_count, VERDICT_ARTIFACT_COUNT},
	{"placed", not_placed, VERDICT_BAD_PROOFS},
	{"duplicate", duplicate, VERDICT_DUPLICATE_REPORT},
	{"signature", wrong_signature, VERDICT_BAD_PROOFS},
};

static void test_order(void **unused)
{
	const size_t n = sizeof(order) / sizeof(order[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t j = i; j < n; j++) {
			struct world w;
			unsigned code;

			world_new(&w);
			order[i].make(&w);
			if (j > i)
				order[j].make(&w);
			code = world_submit_signed(&w);
			if (code != order[i].code)
				fail_msg("%s and %s: code %u", order[i].name, order[j].name, code);
			world_free(&w);
		}
}

static void test_signatures(void **unused)
{
	struct world w;

	world_new(&w);
	world_sign(&w);
	world_edit(&w, "rows.0.result", "3"); /* the class is part of what is signed */
	assert_int_equal(world_submit(&w), VERDICT_BAD_PROOFS);
	world_edit(&w, "rows.0.result", "1");
	world_edit(&w, "rows.0.transcript", "'not a hash'");
	assert_int_equal(world_submit(&w), VERDICT_BAD_PROOFS);
	w.transcript = "signed, but no hash"; /* would become a record's key */
	world_sign(&w);
	assert_int_equal(world_submit(&w), VERDICT_BAD_PROOFS);
	w.transcript = NULL;
	world_sign(&w);
	assert_int_equal(world_submit(&w), VERDICT_OK);
	world_free(&w);
}

#define NO_ELIGIBLE                                                                          \
	"{'target':'sn-f','challenger':'sn-a','ticket':'','bucket':2,'class':0,'ordinal':0," \
	"'count':0,'key':'','result':5,'derivation':'','transcript':'','sig':'','details':''}"

/* NO_ELIGIBLE is true exactly when the ledger has no such ticket. */
static void test_no_eligible(void **unused)
{
	struct world w;
	struct ticket *old;

	world_new(&w);
	world_edit(&w, "rows.1", NO_ELIGIBLE);
	old = ticket_find(w.s, "old");
	assert_int_equal(world_submit_signed(&w), VERDICT_BAD_PROOFS);
	old->height = 4401; /* too young by a block */
	assert_int_equal(world_submit(&w), VERDICT_OK);
	world_free(&w);

	world_new(&w);
	world_edit(&w, "rows.1", NO_ELIGIBLE);
	old = ticket_find(w.s, "old");
	old->ready_epoch = EPOCH - 1;
	assert_int_equal(world_submit_signed(&w), VERDICT_BAD_PROOFS);
	old->ready_epoch = EPOCH; /* placed anew in this epoch: nobody may ask yet */
	assert_int_equal(world_submit(&w), VERDICT_OK);
	world_free(&w);

	/* The other side of it: a row about such a ticket is refused. */
	world_new(&w);
	ticket_find(w.s, "new")->ready_epoch = EPOCH;
	assert_int_equal(world_submit_signed(&w), VERDICT_BAD_PROOFS);
	world_free(&w);
}

static void test_full_mode(void **unused)
{
	struct world w;

	world_new(&w);
	world_set(&w, "storage_truth_enforcement_mode", 3);
	assert_int_equal(world_submit_signed(&w), VERDICT_OK);
	world_free(&w);

	for (int rows = 0; rows < 2; rows++) {
		struct node *node;

		world_new(&w);
		world_set(&w, "storage_truth_enforcement_mode", 3);
		world_begin(&w, EPOCH); /* in force for reports from the epoch's start only */
		world_edit(&w, "rows", "[]");
		assert_int_equal(world_submit(&w), VERDICT_BAD_PROOFS);
		/* Postponed it is no prober, and reports without rows. */
		node = node_find(w.s, "sn-a");
		node->state = NODE_POSTPONED;
		texts_free(&bare_anchor(&w.bare, EPOCH)->active);
		state_index(w.s);
		world_edit(&w, "observations", rows == 0 ? "[]" : "[{'target':'sn-f','ports':[]}]");
		assert_int_equal(world_submit(&w), rows == 0 ? VERDICT_OK : VERDICT_REPORTER_STATE);
		world_free(&w);
	}
}

static void test_epoch_zero(void **unused)
{
	struct world w;

	world_new(&w);
	world_begin(&w, 0);
	world_edit(&w, "epoch", "0");
	assert_int_equal(world_submit_signed(&w), VERDICT_REPORTER_STATE);
	world_edit(&w, "observations", "[]");
	assert_int_equal(world_submit(&w), VERDICT_REPORTER_STATE);
	world_edit(&w, "rows", "[]");
	assert_int_equal(world_submit(&w), VERDICT_OK);
	world_free(&w);
}

/* The parameters of the epoch's start decide, not those of now. */
static void test_snapshot(void **unused)
{
	struct world w;
	uint64_t ports[] = {1, 2};

	world_new(&w);
	w.s->params->required_open_ports.at = realloc(w.s->params->required_open_ports.at, 16);
	memcpy(w.s->params->required_open_ports.at, ports, 16);
	w.s->params->required_open_ports.n = 2;
	assert_int_equal(world_submit_signed(&w), VERDICT_OK);
	world_free(&w);
}

static void test_incomplete_and_disk(void **unused)
{
	struct world w;

	world_new(&w);
	world_set(&w, "min_disk_free_percent", 10);
	world_edit(&w, "observations", "[]");
	world_edit(&w, "host.disk", "9001");
	assert_int_equal(world_submit_signed(&w), VERDICT_OK);
	assert_int_equal(reporter_reliability_at(w.s, "sn-a", EPOCH), 8);
	assert_int_equal(node_find(w.s, "sn-a")->state, NODE_STORAGE_FULL);
	world_begin(&w, EPOCH + 1);
	world_edit(&w, "epoch", "41");
	world_edit(&w, "host.disk", "9000");
	world_edit(&w, "rows", "[]");
	assert_int_equal(world_submit(&w), VERDICT_OK);
	assert_int_equal(node_find(w.s, "sn-a")->state, NODE_ACTIVE);
	world_free(&w);
}

/* Who loses the right to challenge within an epoch loses the assignment with it. */
static void test_ineligible(void **unused)
{
	struct world w;

	world_new(&w);
	assert_int_equal(world_submit_signed(&w), VERDICT_OK);
	world_free(&w);

	world_new(&w);
	world_sign(&w);
	world_edit(&w, "rows.0.ordinal", "2");
	assert_int_equal(world_submit(&w), VERDICT_BAD_PROOFS); /* the assignment is made */
	world_edit(&w, "rows.0.ordinal", "1");
	reporter_update(w.s, "sn-a", EPOCH, 90, 0);
	assert_int_equal(world_submit(&w), VERDICT_REPORTER_STATE);
	reporter_update(w.s, "sn-a", EPOCH, -80, 0);
	assert_int_equal(world_submit(&w), VERDICT_OK);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	      cmocka_unit_test(test_faults),
		cmocka_unit_test(test_repeated_rows), cmocka_unit_test(test_order),
		cmocka_unit_test(test_signatures),    cmocka_unit_test(test_no_eligible),
		cmocka_unit_test(test_full_mode),     cmocka_unit_test(test_epoch_zero),
		cmocka_unit_test(test_snapshot),      cmocka_unit_test(test_incomplete_and_disk),
		cmocka_unit_test(test_ineligible),
	};

	struct random random = random_real();

	digest_init();
	sign_init(&random);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

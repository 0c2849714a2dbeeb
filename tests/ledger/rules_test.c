/* SPDX-License-Identifier: Apache-2.0 */
/* Genesis documents that are refused, and rules that the shared scripts do not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "ledger/jcs.h"
#include "ledger/net.h"
#include "ledger/state_impl.h"

static void small_net(struct ledger_net *n, const char *params, const char *state)
{
	net_new(n, &(struct net_config){.nodes = 5,
					.members = 4,
					.epoch_length = 3,
					.keyed = true,
					.params = params,
					.state = state});
}

/* --- genesis --- */

/* The document with the member at `path` (names, numbers, joined by /) set to a value. */
static void change(json_t *document, const char *path, const char *value)
{
	char copy[200], *rest = copy, *name, *last;
	enum jcs_error error;
	json_t *v = value != NULL ? jcs_parse(&error, value, strlen(value), 4096) : NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	last = strrchr(copy, '/');
	if (last != NULL)
		*last++ = '\0';
	while (last != NULL && (name = strsep(&rest, "/")) != NULL)
		document = json_is_array(document)
				   ? json_array_get(document, strtoul(name, NULL, 10))
				   : json_object_get(document, name);
	assert_non_null(document);
	last = last != NULL ? last : copy;
	if (v == NULL)
		assert_int_equal(json_object_del(document, last), 0);
	else if (json_is_array(document))
		json_array_set_new(document, strtoul(last, NULL, 10), v);
	else
		json_object_set_new(document, last, v);
}

static void expect_refusal(struct ledger_net *n, const char *path, const char *value,
			   const char *words)
{
	struct state *s = state_new(&(struct state_config){0});
	struct buf text = {0};
	enum jcs_error error;
	char why[300] = "";
	json_t *document = jcs_parse(&error, n->document.at, n->document.len, n->document.len);

	change(document, path, value);
	jcs_write(&text, document);
	if (state_genesis(s, why, sizeof(why), text.at, text.len) == 0)
		fail_msg("%s: accepted", path);
	if (strstr(why, words) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", path, why, words);
	buf_free(&text);
	json_decref(document);
	state_free(s);
}

static void faulty_documents_are_refused(void **unused)
{
	static const char off_curve[] =
		"\"0000000000000000000000000000000000000000000000000000000000000005\"";
	struct ledger_net n;

	small_net(&n, NULL, NULL);
	expect_refusal(&n, "v", "2", "version 1");
	expect_refusal(&n, "name", NULL, "version 1");
	expect_refusal(&n, "more", "1", "version 1");
	expect_refusal(&n, "authority", off_curve, "authority");
	expect_refusal(&n, "params/placement_width", "65", "placement_width must be 1 to 64");
	expect_refusal(&n, "params/stranger", "1", "stranger");
	expect_refusal(&n, "params/tick_interval_ms", "600", "2 s");
	expect_refusal(&n, "nodes/1/account", "\"n00000\"", "twice");
	expect_refusal(&n, "nodes/1/key", off_curve, "n00001");
	expect_refusal(&n, "nodes/1/account", "\"n00009\"", "session_pop");
	expect_refusal(&n, "committee/t", "2", "more than half");
	expect_refusal(&n, "committee/t", "5", "more than half");
	expect_refusal(&n, "committee/members/1/id", "1", "ids 1, 2");
	expect_refusal(&n, "committee/members/1/account", "\"n00000\"", "different");
	expect_refusal(&n, "committee/members/1/account", "\"ghost\"", "active node");
	expect_refusal(&n, "committee/output_key", off_curve, "output_key");
	expect_refusal(&n, "state/meta", "{\"-\":{}}", "no table meta");
	expect_refusal(&n, "state/strangers", "{}", "no table strangers");
	expect_refusal(&n, "state/heal_ops", "{\"1\":{}}", "1 is no key");
	expect_refusal(&n, "state/heal_ops", "{\"00000000000000000001\":{}}", "is another");
	expect_refusal(&n, "state/nodes", "{\"n00001\":{\"state\":\"x\"}}", "member state");
	expect_refusal(&n, "state/tickets", "{\"t\":{\"size\":0}}", "size");
	expect_refusal(&n, "state/tickets", "{\"t\":{\"size\":5}}", "no artifacts");
	expect_refusal(&n, "state/tickets", "{\"a b\":{\"size\":5,\"max\":3}}", "no key");
	net_free(&n);
}

static void brought_records_are_completed(void **unused)
{
	static const char state[] =
		"{\"tickets\":{\"t/1\":{\"creator\":\"n00001\",\"size\":65536,\"max\":3},"
		"\"shut\":{\"state\":2,\"closed_epoch\":0}},"
		"\"heal_ops\":{\"00000000000000000001\":{\"heal_op_id\":1,\"status\":4}},"
		"\"nodes\":{\"n00004\":{\"state\":3}}}";
	struct ledger_net n;
	const struct ticket *t;

	small_net(&n, "{\"placement_width\":3}", state);
	t = ticket_find(n.state, "t/1");
	assert_int_equal(t->state, TICKET_OPEN);
	assert_int_equal(t->index_artifact_count, 6);
	assert_int_equal(t->symbol_artifact_count, 2 + 6);
	assert_int_equal(t->holders.n, 3);
	assert_false(texts_have(&t->holders, "n00004"));
	assert_int_equal(ticket_find(n.state, "shut")->state, TICKET_CLOSED);
	assert_int_equal(n.state->meta->next_heal_op_id, 2);
	net_free(&n);
}

/* --- presence --- */

static json_t *boot(unsigned number)
{
	char text[33];

	snprintf(text, sizeof(text), "%032x", number);
	return json_pack("{ss}", "boot", text);
}

/* With more than 64 events the oldest go into the totals, and nothing is lost of what they say. */
static void old_events_become_totals(void **unused)
{
	struct ledger_net n;
	const struct presence *p;
	uint64_t starts = 0, up = 0, status = 0, since = 0;

	small_net(&n, "{\"keep_last_epoch_entries\":200}", NULL);
	for (unsigned i = 1; i <= 40; i++) {
		net_tick(&n);
		net_accept(&n, "n00001", "start", boot(i));
		net_tick(&n);
		if (i % 2 == 0)
			net_accept(&n, "n00001", "stop", boot(i));
	}
	p = table_find(n.state->tables, T_PRESENCE, "n00001");
	assert_int_equal(p->event_count, 64);
	starts = p->base_starts;
	status = p->base_online;
	up = p->base_uptime;
	since = p->events[0].t;
	for (size_t i = 0; i < p->event_count; i++) {
		if (status == PRESENCE_ONLINE)
			up += p->events[i].t - since;
		since = p->events[i].t;
		starts += p->events[i].kind == PRESENCE_RESTART;
		status = p->events[i].kind >= PRESENCE_ONLINE ? p->events[i].kind : status;
	}
	assert_true(p->base_starts > 0 && p->base_uptime > 0);
	assert_int_equal(starts, 40);
	assert_int_equal(status, p->status);
	/* Online for one tick of two when i is even, from an odd start to the even stop else. */
	assert_in_range(up, 20 * 3 * 6 - 60, 20 * 3 * 6 + 60);
	net_free(&n);
}

static void silent_nodes_become_missing(void **unused)
{
	struct ledger_net n;
	const struct presence *p;

	small_net(&n, "{\"consecutive_epochs_to_postpone\":100}", NULL);
	net_tick(&n);
	net_accept(&n, "n00001", "start", boot(1));
	p = table_find(n.state->tables, T_PRESENCE, "n00001");
	net_to_epoch(&n, 1);
	assert_int_equal(p->status, PRESENCE_ONLINE); /* epoch 0 asks for no report */
	net_to_epoch(&n, 2);
	assert_int_equal(p->status, PRESENCE_MISSING);
	assert_int_equal(p->status_epoch, 1);
	net_free(&n);
}

/* --- entries --- */

static void expect(struct ledger_net *n, const char *author, const char *type, json_t *data,
		   unsigned code, const char *reason)
{
	struct entry_result r = net_apply(n, author, type, data);

	assert_int_equal(r.kind, ENTRY_VERDICT);
	assert_int_equal(r.code, code);
	assert_string_equal(r.reason, reason);
}

/* A text that would break the lines of the dump is no hash. */
static void keys_of_records_are_plain(void **unused)
{
	struct ledger_net n;
	json_t *data;

	small_net(&n, NULL, NULL);
	net_tick(&n);
	data = json_pack("{sissssssss}", "epoch", 0, "challenged", "n00002", "ticket", "t",
			 "challenged_transcript", "a", "recheck_transcript", "b\nnodes x");
	json_object_set_new(data, "class", json_integer(1));
	json_object_set_new(data, "details", json_string(""));
	expect(&n, "n00001", "recheck", json_deep_copy(data), VERDICT_MALFORMED, "");
	json_object_set_new(data, "recheck_transcript", json_string("b"));
	expect(&n, "n00001", "recheck", data, VERDICT_BAD_RECHECK, "UNKNOWN_TRANSCRIPT");
	net_free(&n);
}

/* Nodes that leave and come back count for their tickets, also before they are registered. */
static void holders_that_leave_are_counted(void **unused)
{
	struct ledger_net n;
	struct ticket *t;
	json_t *data;

	small_net(&n, "{\"rq_ids_max\":3}",
		  "{\"tickets\":{\"old\":{\"size\":9,\"max\":3,"
		  "\"holders\":[\"n00000\",\"n00005\"]}}}");
	net_tick(&n);
	t = ticket_find(n.state, "old");
	assert_int_equal(t->gone, 1);
	net_accept(&n, "authority", "node_add", net_stranger(&n, 0));
	assert_int_equal(t->gone, 0);
	data = json_pack("{sssi}", "account", "n00005", "state", NODE_STOPPED);
	net_accept(&n, "n00005", "node_state", json_deep_copy(data));
	net_accept(&n, "authority", "node_state",
		   json_pack("{sssi}", "account", "n00000", "state", NODE_PENALIZED));
	assert_int_equal(t->gone, 2);
	json_object_set_new(data, "state", json_integer(NODE_ACTIVE));
	net_accept(&n, "n00005", "node_state", data);
	assert_int_equal(t->gone, 1);
	net_free(&n);
}

/* More than two thirds: of three members all. */
static void two_of_three_fix_no_body(void **unused)
{
	struct ledger_net n;
	char key[KEY_ROOM];
	const struct epoch_root *root;
	const struct seal *seal;

	net_new(&n,
		&(struct net_config){.nodes = 5, .members = 3, .epoch_length = 2, .keyed = true});
	net_to_epoch(&n, 2);
	root = table_find(n.state->tables, T_ROOTS, key_epoch(key, 1));
	for (unsigned i = 0; i < 3; i++) {
		net_accept(&n, n.nodes[i].account, "attest",
			   json_pack("{siss}", "epoch", 1, "root", root->root));
		seal = table_find(n.state->tables, T_SEALS, key);
		assert_int_equal(seal->body != NULL, i == 2);
	}
	net_seal(&n, 1);
	assert_non_null(seal->sig);
	net_free(&n);
}

static void a_network_without_keys_stays_so(void **unused)
{
	struct ledger_net n;
	char key[KEY_ROOM], hex[65];
	json_t *data;
	unsigned member;

	net_new(&n, &(struct net_config){.nodes = 5, .members = 2, .epoch_length = 2});
	net_to_epoch(&n, 2);
	hex_encode(hex, n.group.public, 32);
	data = json_pack("{ssssss}", "key_group_id", hex, "output_key", hex, "proof", hex);
	json_object_set_new(data, "t", json_integer(2));
	expect(&n, "authority", "committee", data, VERDICT_MALFORMED, "");
	expect(&n, n.nodes[0].account, "attest",
	       json_pack("{siss}", "epoch", 1, "root",
			 ((struct epoch_root *)table_find(n.state->tables, T_ROOTS,
							  key_epoch(key, 1)))
				 ->root),
	       VERDICT_SEAL, "EPOCH");
	json_decref(net_tick_data(&n, &member));
	assert_int_equal(member, 0); /* two members: nobody has to wait */
	net_free(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faulty_documents_are_refused),
		cmocka_unit_test(brought_records_are_completed),
		cmocka_unit_test(old_events_become_totals),
		cmocka_unit_test(silent_nodes_become_missing),
		cmocka_unit_test(keys_of_records_are_plain),
		cmocka_unit_test(holders_that_leave_are_counted),
		cmocka_unit_test(two_of_three_fix_no_body),
		cmocka_unit_test(a_network_without_keys_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

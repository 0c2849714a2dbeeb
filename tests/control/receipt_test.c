/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a holder is to check, out of a description and the ledger: the same holders that the ledger
 * gives the ticket when its entry comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/receipts.h"
#include "ledger/heal.h"
#include "ledger/jcs.h"
#include "ledger/net.h"
#include "ledger/rules.h"

static struct ledger_net net;
static json_t *data;

static int setup(void **state)
{
	static const struct net_config config = {.nodes = 9, .members = 4, .epoch_length = 10};

	net_new(&net, &config);
	for (unsigned i = 0; i < 3; i++)
		net_tick(&net);
	data = net_ticket_data(&net, 1, 5, 400000);
	return 0;
}

static int teardown(void **state)
{
	json_decref(data);
	net_free(&net);
	return 0;
}

static enum holder_reason plan(struct receipt_plan *p, const char *type, const char *author,
			       json_t *with)
{
	json_t *description =
		json_pack("{s:s,s:s,s:O}", "author", author, "type", type, "data", with);
	struct buf text = {0};
	enum holder_reason reason;

	jcs_write(&text, description);
	reason = receipt_plan_make(p, net.state, (const char *)text.at, text.len);
	buf_free(&text);
	json_decref(description);
	return reason;
}

/* Without receipts, as they are not there yet. */
static json_t *unreceipted(void)
{
	json_t *copy = json_deep_copy(data);

	json_array_clear(json_object_get(copy, "receipts"));
	return copy;
}

static void expect(enum holder_reason want, const char *member, json_t *value)
{
	struct receipt_plan p;
	json_t *copy = unreceipted();

	if (value == NULL)
		json_object_del(copy, member);
	else
		json_object_set_new(copy, member, value);
	enum holder_reason got = plan(&p, "ticket", net.nodes[1].account, copy);

	if (got != want)
		fail_msg("%s: %s", member, holder_reason_name(got));
	if (got == HOLDER_SIGNS)
		receipt_plan_free(&p);
	json_decref(copy);
}

static void test_ticket(void **state)
{
	json_t *copy = unreceipted(), *receipts = json_object_get(data, "receipts");
	const struct ticket *ticket;
	struct receipt_plan p;

	assert_int_equal(plan(&p, "ticket", net.nodes[1].account, copy), HOLDER_SIGNS);
	assert_string_equal(p.ticket, data_text(data, "ticket"));
	assert_int_equal(p.placement_epoch, data_number(data, "placement_epoch"));
	assert_int_equal(p.told.record.size, 400000);
	assert_int_equal(p.told.holder_count, json_array_size(receipts));
	for (size_t i = 0; i < p.told.holder_count; i++)
		assert_string_equal(p.told.holders[i],
				    data_text(json_array_get(receipts, i), "account"));
	assert_memory_equal(p.told.record.creator, net.nodes[1].key.public, 32);
	/* The ledger itself comes to the same. */
	net_accept(&net, net.nodes[1].account, "ticket", json_incref(data));
	ticket = ticket_find(net.state, p.ticket);
	assert_int_equal(ticket->holders.n, p.told.holder_count);
	for (size_t i = 0; i < ticket->holders.n; i++)
		assert_string_equal(ticket->holders.at[i], p.told.holders[i]);
	assert_int_equal(p.told.index_copies, ticket->index_copies);
	assert_int_equal(p.told.symbol_copies, ticket->symbol_copies);
	assert_int_equal(p.told.index_count, ticket->index_artifact_count);
	assert_int_equal(p.told.symbol_count, ticket->symbol_artifact_count);
	receipt_plan_free(&p);
	/* Nothing is placed twice. */
	assert_int_equal(plan(&p, "ticket", net.nodes[1].account, copy), HOLDER_PLACEMENT);
	json_decref(copy);
}

static void test_not_sound(void **state)
{
	struct receipt_plan p;
	json_t *copy = unreceipted(), *skip;

	expect(HOLDER_SIGNS, "size", json_integer(399999));
	expect(HOLDER_DESCRIPTION, "size", NULL);
	expect(HOLDER_DESCRIPTION, "size", json_string("400000"));
	expect(HOLDER_DESCRIPTION, "more", json_integer(1));
	expect(HOLDER_COUNTS, "max", json_integer(49));
	expect(HOLDER_COUNTS, "ratio", json_integer(6));
	expect(HOLDER_COUNTS, "rq_ids_ids", json_array());
	expect(HOLDER_PLACEMENT, "placement_epoch", json_integer(1));
	skip = json_array();
	json_array_append_new(skip, json_string("nobody"));
	expect(HOLDER_PLACEMENT, "skip", skip);
	assert_int_equal(plan(&p, "ticket", "nobody", copy), HOLDER_INDEX);
	assert_int_equal(plan(&p, "report", net.nodes[1].account, copy), HOLDER_DESCRIPTION);
	for (size_t len = 0; len < 20; len++)
		assert_int_equal(
			receipt_plan_make(&p, net.state, "{\"author\":1,\"data\":{},", len),
			HOLDER_DESCRIPTION);
	assert_int_equal(receipt_plan_make(&p, net.state, "[]", 2), HOLDER_DESCRIPTION);
	json_decref(copy);
}

/* Who does not answer may be left out; the rest moves up. */
static void test_skip(void **state)
{
	json_t *copy = unreceipted(), *skip = json_object_get(copy, "skip");
	const char *out =
		data_text(json_array_get(json_object_get(data, "receipts"), 2), "account");
	struct receipt_plan p;

	json_array_append_new(skip, json_string(out));
	assert_int_equal(plan(&p, "ticket", net.nodes[1].account, copy), HOLDER_SIGNS);
	assert_int_equal(p.told.holder_count,
			 json_array_size(json_object_get(data, "receipts")) - 1);
	for (size_t i = 0; i < p.told.holder_count; i++)
		assert_string_not_equal(p.told.holders[i], out);
	receipt_plan_free(&p);
	json_decref(copy);
}

/* A ticket that is placed anew: everything but the place and time comes from the ledger. */
static void test_heal(void **state)
{
	const char *id = data_text(data, "ticket");
	json_t *heal =
		json_pack("{s:i,s:I,s:[],s:[]}", "heal_op_id", 1, "placement_epoch",
			  (json_int_t)data_number(data, "placement_epoch"), "skip", "receipts");
	const struct ticket *ticket;
	struct receipt_plan p;

	assert_int_equal(plan(&p, "heal_published", "anybody", heal), HOLDER_PLACEMENT);
	net_accept(&net, net.nodes[1].account, "ticket", json_incref(data));
	ticket = ticket_find(net.state, id);
	assert_int_equal(heal_op_new(net.state, id, net.nodes[3].account, 0)->id, 1);
	assert_int_equal(plan(&p, "heal_published", "anybody", heal), HOLDER_SIGNS);
	assert_string_equal(p.ticket, id);
	assert_string_equal(p.data_hash, ticket->data_hash);
	assert_int_equal(p.index_ids.n, ticket->max);
	/* Everybody is still there. */
	assert_int_equal(p.told.holder_count, ticket->holders.n);
	for (size_t i = 0; i < ticket->holders.n; i++)
		assert_string_equal(p.told.holders[i], ticket->holders.at[i]);
	receipt_plan_free(&p);
	heal_op_set_status(net.state, heal_op_find(net.state, 1), HEAL_FAILED);
	net_accept(&net, net.nodes[1].account, "ticket_close", json_pack("{s:s}", "ticket", id));
	assert_int_equal(plan(&p, "heal_published", "anybody", heal), HOLDER_PLACEMENT);
	json_decref(heal);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_ticket),
		T(test_not_sound),
		T(test_skip),
		T(test_heal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

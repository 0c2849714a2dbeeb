/* SPDX-License-Identifier: Apache-2.0 */
/* Heal ops: what is scheduled beside the shared scripts, the messages' reasons, the listings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above before it. */
#include <cmocka.h>

#include "assay/status.h"
#include "ledger/bare.h"
#include "ledger/epoch_end.h"
#include "ledger/heal.h"
#include "ledger/scores.h"

#define E 30

static void set(struct bare *b, const char *name, uint64_t value)
{
	json_t *values = json_pack("{sI}", name, (json_int_t)value);
	char why[256];

	assert_int_equal(params_merge(state_params(b->state), why, sizeof(why), values, true), 0);
	json_decref(values);
}

static struct ticket *add_ticket(struct bare *b, const char *id, unsigned holders)
{
	struct ticket *t = table_put(b->state->tables, T_TICKETS, id);
	char name[8];

	t->state = TICKET_OPEN;
	text_set(&t->data_hash, "HASH");
	for (unsigned i = 0; i < holders; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		texts_add(&t->holders, name);
	}
	return t;
}

/* Ten holders h0..h9, and tickets that lie on the first of them. */
static void new_bare(struct bare *b)
{
	char name[8];

	bare_new(b);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		bare_node(b, name, NODE_ACTIVE);
	}
	add_ticket(b, "ten", 10);
	add_ticket(b, "two", 2);
	add_ticket(b, "one", 1);
	state_index(b->state);
}

static struct heal_op *op_of(struct bare *b, const char *ticket)
{
	return heal_op_open(b->state, ticket);
}

static void test_rehome_by_loss(void **unused)
{
	struct bare b;

	new_bare(&b);
	heal_schedule(b.state, E);
	assert_int_equal(table_count(b.state->tables, T_HEAL_OPS), 0);
	bare_node(&b, "h0", NODE_STOPPED);
	heal_schedule(b.state, E);
	/* A tenth is not 20 per cent; a half and all are. */
	assert_null(op_of(&b, "ten"));
	assert_non_null(op_of(&b, "one"));
	assert_non_null(op_of(&b, "two"));
	assert_false(texts_have(&op_of(&b, "one")->verifiers, "h0"));
	assert_int_equal(ticket_find(b.state, "two")->rehome_after, E + 3 + 3);
	bare_node(&b, "h1", NODE_PENALIZED);
	heal_schedule(b.state, E);
	assert_non_null(op_of(&b, "ten"));
	assert_int_equal(table_count(b.state->tables, T_HEAL_OPS), 3);
	bare_free(&b);
}

static void test_rehome_states(void **unused)
{
	static const int gone[] = {
		[NODE_ACTIVE] = 0,    [NODE_DISABLED] = 1,  [NODE_STOPPED] = 1,
		[NODE_PENALIZED] = 1, [NODE_POSTPONED] = 0, [NODE_STORAGE_FULL] = 0};

	for (int state = NODE_ACTIVE; state <= NODE_STORAGE_FULL; state++) {
		struct bare b;

		new_bare(&b);
		bare_node(&b, "h0", state);
		heal_schedule(b.state, E);
		assert_int_equal(op_of(&b, "one") != NULL, gone[state]);
		bare_free(&b);
	}
}

static void test_rehome_flag_and_wait(void **unused)
{
	struct bare b;
	struct ticket *t;
	struct heal_op *op;

	new_bare(&b);
	t = ticket_find(b.state, "ten");
	t->rehome = true;
	state_index(b.state);
	set(&b, "storage_truth_enforcement_mode", MODE_OFF);
	heal_schedule(b.state, E);
	assert_null(op_of(&b, "ten"));
	set(&b, "storage_truth_enforcement_mode", MODE_SHADOW);
	heal_schedule(b.state, E);
	op = op_of(&b, "ten");
	assert_non_null(op);
	heal_op_set_status(b.state, op, HEAL_EXPIRED);
	heal_schedule(b.state, E + 5); /* asked for at most once in deadline + probation epochs */
	assert_null(op_of(&b, "ten"));
	heal_schedule(b.state, E + 6);
	assert_non_null(op_of(&b, "ten"));
	bare_free(&b);
}

/* One limit for both kinds; of the re-homed those with most holders gone first, then by id. */
static void test_rehome_limit(void **unused)
{
	struct bare b;
	struct ticket_deterioration *d;

	new_bare(&b);
	set(&b, "storage_truth_max_self_heal_ops_per_epoch", 2);
	d = table_put(b.state->tables, T_TICKET_DETERIORATION, "worn");
	d->deterioration_score = 50;
	d->recent_failure_epoch_count = 2;
	bare_node(&b, "h0", NODE_STOPPED);
	bare_node(&b, "h1", NODE_STOPPED);
	heal_schedule(b.state, E);
	assert_non_null(op_of(&b, "worn"));
	assert_non_null(op_of(&b, "ten")); /* two gone, as of "two"; "one" has one gone */
	assert_null(op_of(&b, "two"));
	heal_schedule(b.state, E + 1);
	assert_non_null(op_of(&b, "two"));
	assert_non_null(op_of(&b, "one"));
	bare_free(&b);
}

static void test_last_target_stays_out(void **unused)
{
	struct bare b;
	struct ticket_deterioration *d;

	new_bare(&b);
	set(&b, "storage_truth_heal_verifier_count", 32);
	d = table_put(b.state->tables, T_TICKET_DETERIORATION, "one");
	text_set(&d->last_target, "h5");
	bare_node(&b, "h0", NODE_STOPPED);
	heal_schedule(b.state, E);
	/* Everybody else takes part. */
	assert_int_equal(op_of(&b, "one")->verifiers.n, 7);
	assert_false(texts_have(&op_of(&b, "one")->verifiers, "h5"));
	assert_string_not_equal(op_of(&b, "one")->healer, "h5");
	assert_int_equal(d->active_heal_op_id, op_of(&b, "one")->id);
	assert_int_equal(op_of(&b, "two")->verifiers.n, 8);
	bare_free(&b);
}

static void test_closed_is_not_healed(void **unused)
{
	for (int closed = 0; closed < 2; closed++) {
		struct bare b;
		struct ticket_deterioration *d;

		new_bare(&b);
		d = table_put(b.state->tables, T_TICKET_DETERIORATION, "two");
		d->deterioration_score = 500;
		d->last_index_failure_epoch = 5;
		ticket_find(b.state, "two")->state = closed ? TICKET_CLOSED : TICKET_OPEN;
		state_index(b.state);
		heal_schedule(b.state, E);
		assert_int_equal(op_of(&b, "two") == NULL, closed);
		bare_free(&b);
	}
}

/* --- messages: the words that go with the codes --- */

static unsigned send(struct bare *b, rule_fn *rule, const char *author, const char *data,
		     const char **reason)
{
	const struct entry_ctx ctx = {.author = author};
	json_t *value = json_loads(data, 0, NULL);
	unsigned code;

	*reason = "";
	assert_non_null(value);
	code = rule(b->state, &ctx, value, reason);
	json_decref(value);
	return code;
}

#define CLAIM(hash)                                                                             \
	"{\"heal_op_id\":1,\"ticket\":\"ten\",\"heal_manifest_hash\":\"" hash "\",\"details\":" \
	"\"\"}"
#define VOTE(hash) \
	"{\"heal_op_id\":1,\"verified\":true,\"verification_hash\":\"" hash "\",\"details\":\"\"}"

static void test_reasons(void **unused)
{
	struct bare b;
	struct heal_op *op;
	const char *reason;

	new_bare(&b);
	op = heal_op_new(b.state, "ten", "h1", E);
#define EXPECT(rule, author, data, code, word)                                 \
	do {                                                                   \
		assert_int_equal(send(&b, rule, author, data, &reason), code); \
		assert_string_equal(reason, word);                             \
	} while (0)
	EXPECT(apply_heal_claim, "h1", CLAIM(""), 13, "EMPTY_HASH");
	EXPECT(apply_heal_claim, "h1", CLAIM("HASH"), 13, "NO_VERIFIERS");
	texts_add(&op->verifiers, "h2");
	texts_add(&op->verifiers, "h3");
	EXPECT(apply_heal_vote, "h2", VOTE("HASH"), 13, "NOT_VERIFIABLE");
	/* The ledger knows the file's hash. */
	EXPECT(apply_heal_claim, "h1", CLAIM("OTHER"), 17, "");
	EXPECT(apply_heal_claim, "h1", CLAIM("HASH"), 0, "");
	EXPECT(apply_heal_claim, "h1", CLAIM("HASH"), 13, "NOT_CLAIMABLE");
	EXPECT(apply_heal_vote, "h2", VOTE(""), 13, "EMPTY_HASH");
	EXPECT(apply_heal_vote, "h1", VOTE("HASH"), 12, "");
	EXPECT(apply_heal_vote, "h2", VOTE("OTHER"), 17, "");
	EXPECT(apply_heal_vote, "h2", VOTE("HASH"), 0, "");
	EXPECT(apply_heal_vote, "h2", VOTE("HASH"), 15, "");
	heal_expire(b.state, E + 2);
	assert_int_equal(op->status, HEAL_HEALER_REPORTED);
	heal_expire(b.state, E + 3);
	EXPECT(apply_heal_claim, "h1", CLAIM("HASH"), 13, "PAST_DEADLINE");
	EXPECT(apply_heal_vote, "h3", VOTE("HASH"), 13, "PAST_DEADLINE");
#undef EXPECT
	bare_free(&b);
}

/* --- listings --- */

static void test_pages(void **unused)
{
	struct bare b;
	struct heal_op *page[HEAL_PAGE_MAX];
	uint64_t cursor = 0, last = 0;
	size_t total = 0;
	int n;

	new_bare(&b);
	for (int i = 0; i < 250; i++) {
		struct heal_op *op =
			heal_op_new(b.state, i % 5 == 0 ? "ten" : "two", "h1", (uint64_t)i);

		if (i % 25 == 24)
			heal_op_set_status(b.state, op, HEAL_VERIFIED);
	}
	do {
		n = heal_ops_by_status(b.state, page, &cursor, HEAL_SCHEDULED, 0);
		assert_true(n <= HEAL_PAGE_MAX);
		for (int i = 0; i < n; i++) {
			assert_true(page[i]->id > last && page[i]->status == HEAL_SCHEDULED);
			last = page[i]->id;
		}
		total += (size_t)n;
	} while (cursor != 0);
	assert_int_equal(total, 240);
	assert_int_equal(heal_ops_by_status(b.state, page, &cursor, HEAL_VERIFIED, 0), 10);
	assert_int_equal(heal_ops_by_status(b.state, page, &cursor, HEAL_FAILED, 0), 0);
	assert_int_equal(heal_ops_by_status(b.state, page, &cursor, 0, 0), ASSAY_E_INVAL);
	assert_int_equal(heal_ops_by_status(b.state, page, &cursor, 7, 0), ASSAY_E_INVAL);

	cursor = 0;
	assert_int_equal(heal_ops_by_ticket(b.state, page, &cursor, "ten", 49), 49);
	assert_int_equal(cursor, 246);
	assert_int_equal(heal_ops_by_ticket(b.state, page, &cursor, "ten", 49), 1);
	assert_int_equal(cursor, 0);
	assert_int_equal(heal_ops_by_ticket(b.state, page, &cursor, "t", 0), 0);
	bare_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rehome_by_loss),
		cmocka_unit_test(test_rehome_states),
		cmocka_unit_test(test_rehome_flag_and_wait),
		cmocka_unit_test(test_rehome_limit),
		cmocka_unit_test(test_last_target_stays_out),
		cmocka_unit_test(test_closed_is_not_healed),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

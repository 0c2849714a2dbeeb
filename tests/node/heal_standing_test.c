/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator is told of ops: how they stand, and what happened to them. */
#include "node/ward.h"

#include <string.h>

#include "assay/status.h"

static struct ward w;

static void test_standings(void **state)
{
	struct heal_standing s[4];
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), second;

	ward_tick(&w);
	assert_int_equal(heal_list(&w.heal, s, 4), 1);
	assert_int_equal(s[0].op, op);
	assert_int_equal(s[0].role, HEAL_ROLE_HEALER);
	assert_string_equal(s[0].phase, "rebuilding");
	assert_int_equal(s[0].cookie, ward_order(&w, 0)->cookie);
	w.heal.settings.reconstructs_max = 1;
	second = ward_op(&w, w.self, w.other[0], w.other[1]);
	ward_tick(&w);
	assert_int_equal(heal_list(&w.heal, s, 4), 2);
	assert_int_equal(s[1].op, second);
	assert_string_equal(s[1].phase, "waiting for a permit");
	ward_done(&w);
	heal_list(&w.heal, s, 4);
	assert_string_equal(s[0].phase, "claiming");
	ward_apply(&w);
	heal_list(&w.heal, s, 4);
	assert_string_equal(s[0].phase, "claimed"); /* and not any more on its way */
	ward_tick(&w);
	heal_list(&w.heal, s, 4);
	assert_int_equal(s[0].role, HEAL_ROLE_FINALIZER);
	assert_string_equal(s[0].phase, "serving verifiers");
	assert_non_null(strstr(s[0].waiting_for, "epoch 4"));
	ward_votes(&w, op, true);
	ward_end(&w, HEAL_END_OURS, "", "");
	ward_tick(&w);
	heal_list(&w.heal, s, 4);
	assert_string_equal(s[0].phase, "publishing");
	assert_string_equal(heal_role_name(s[0].role), "finalizer");
}

/* --- what a part waits for, in every state */

static void expect(uint64_t op, enum heal_role role, const char *phase, const char *waiting_for)
{
	struct heal_standing s[8];
	size_t n = heal_list(&w.heal, s, 8);

	for (size_t i = 0; i < n; i++)
		if (s[i].op == op && s[i].role == role) {
			assert_string_equal(s[i].phase, phase);
			if (strstr(s[i].waiting_for, waiting_for) == NULL)
				fail_msg("waits for \"%s\"", s[i].waiting_for);
			return;
		}
	fail_msg("no part as %s in op %u", heal_role_name(role), (unsigned)op);
}

static void test_waiting_healer(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	expect(op, HEAL_ROLE_HEALER, "waiting", "the next tick");
	params_current(state_tables(w.net.state))->storage_truth_enforcement_mode = 0;
	ward_tick(&w);
	expect(op, HEAL_ROLE_HEALER, "waiting", "mode is 0");
	params_current(state_tables(w.net.state))->storage_truth_enforcement_mode = 1;
	ward_tick(&w);
	expect(op, HEAL_ROLE_HEALER, "rebuilding", "");
	ward_done(&w);
	expect(op, HEAL_ROLE_HEALER, "claiming", "verdict");
	ward_say(&w, ENTRY_EXPIRED, 0, "");
	expect(op, HEAL_ROLE_HEALER, "claiming", "the next tick");
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch);
	ward_tick(&w);
	expect(op, HEAL_ROLE_HEALER, "waiting", "too late to claim");
}

static void test_waiting_verifier(void **state)
{
	uint64_t op = ward_op(&w, w.other[0], w.self, w.other[1]);

	expect(op, HEAL_ROLE_VERIFIER, "waiting", "the healer's claim");
	ward_claim(&w, op);
	expect(op, HEAL_ROLE_VERIFIER, "waiting", "the next tick");
	ward_tick(&w);
	expect(op, HEAL_ROLE_VERIFIER, "reading the staged file", "");
	ward_end(&w, HEAL_END_REMOTE, "", "no answer");
	expect(op, HEAL_ROLE_VERIFIER, "reading the staged file", "next attempt");
	ward_pass(&w, 2001);
	ward_done(&w);
	expect(op, HEAL_ROLE_VERIFIER, "voting", "verdict");
	ward_apply(&w);
	expect(op, HEAL_ROLE_VERIFIER, "voted", "the other verifiers");
	ward_restart(&w);
	expect(op, HEAL_ROLE_VERIFIER, "voted", "the other verifiers");
}

static void test_waiting_verifier_that_is_late(void **state)
{
	uint64_t op = ward_reported(&w);

	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch);
	expect(op, HEAL_ROLE_VERIFIER, "waiting", "too late to vote");
}

static void test_waiting_finalizer(void **state)
{
	uint64_t op = ward_claimed(&w);

	expect(op, HEAL_ROLE_FINALIZER, "serving verifiers", "their votes");
	ward_votes(&w, op, true);
	expect(op, HEAL_ROLE_FINALIZER, "publishing", "the next tick");
	ward_restart(&w);
	expect(op, HEAL_ROLE_FINALIZER, "publishing", "the next tick");
	ward_tick(&w);
	ward_end(&w, HEAL_END_REMOTE, "", "n3 does not answer");
	expect(op, HEAL_ROLE_FINALIZER, "publishing", "next attempt");
	w.rows.claim_drop(w.rows.ctx, op, false);
	ward_restart(&w);
	expect(op, HEAL_ROLE_FINALIZER, "nothing", "no claim of it");
	net_accept(&w.net, w.net.nodes[6].account, "ticket_close",
		   json_pack("{ss}", "ticket", w.ticket));
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

/* Why nothing came of it is known after its end, too; of what went well there is nothing to say. */
static void test_past(void **state)
{
	struct heal_standing s[4];
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]), well;

	ward_tick(&w);
	ward_end(&w, HEAL_END_REMOTE, "", "12 of 28 symbols");
	assert_int_equal(heal_past(&w.heal, s, 4, op), 0);
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	ward_run(&w);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
	assert_int_equal(heal_past(&w.heal, s, 4, op), 1);
	assert_string_equal(s[0].why, "12 of 28 symbols");
	assert_int_equal(s[0].attempts, 1);
	assert_int_equal(s[0].role, HEAL_ROLE_HEALER);
	well = ward_claimed(&w);
	ward_votes(&w, well, true);
	ward_run(&w);
	assert_true(ward_find(&w, well)->published);
	assert_int_equal(heal_past(&w.heal, s, 4, well), 0);
	/* The oldest make room. */
	for (unsigned i = 0; i < HEAL_PAST; i++) {
		op = ward_reported(&w);
		ward_tick(&w);
		ward_end(&w, HEAL_END_OURS, "", "out of memory");
		heal_op_set_status(w.net.state, heal_op_find(w.net.state, op), HEAL_EXPIRED);
		ward_tick(&w);
		assert_int_equal(heal_past(&w.heal, s, 4, op), 1);
	}
	assert_int_equal(heal_past(&w.heal, s, 4, 1), 0);
}

/* Ops of others are none of this node's business. */
static void test_no_part(void **state)
{
	uint64_t op = ward_op(&w, w.other[0], w.other[1], w.other[2]);

	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
	ward_claim(&w, op);
	ward_votes(&w, op, true);
	assert_int_equal(heal_list(&w.heal, NULL, 0), 0);
}

/* --- what the log says, once for each step */

static void expect_line(const char *what)
{
	if (!ward_logged(&w, what))
		fail_msg("the log does not say: %s", what);
}

static void test_lines_of_a_healer(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	expect_line("begins op=1 role=healer work=build");
	ward_done(&w);
	expect_line("done op=1 role=healer work=build hash=");
	expect_line("sends op=1 role=healer type=heal_claim");
	ward_apply(&w);
	expect_line("answered op=1 role=healer message=claim outcome=accepted");
	ward_votes(&w, op, true);
	ward_tick(&w);
	expect_line("begins op=1 role=finalizer work=place");
	ward_done(&w);
	expect_line("sends op=1 role=finalizer type=heal_published");
	ward_apply(&w);
	expect_line("answered op=1 role=finalizer message=published outcome=accepted");
	ward_done(&w);
	expect_line("done op=1 role=finalizer work=clean");
	assert_int_equal(w.ctx.counters.heal_works[HEAL_BUILD][HEAL_END_DONE], 1);
	assert_int_equal(w.ctx.counters.heal_works[HEAL_CLEAN][HEAL_END_DONE], 1);
	assert_int_equal(w.ctx.counters.heal_messages[HEAL_PUBLISHED][HEAL_SAYS_ACCEPTED], 1);
}

static void test_lines_of_a_verifier(void **state)
{
	ward_reported(&w);
	ward_tick(&w);
	expect_line("begins op=1 role=verifier work=hash");
	ward_done(&w);
	expect_line("votes op=1 role=verifier verified=1 hash=");
	ward_apply(&w);
	expect_line("answered op=1 role=verifier message=vote outcome=accepted");
	assert_int_equal(w.ctx.counters.heal_votes[1], 1);
	assert_int_equal(w.ctx.counters.heal_withheld, 0);
}

static void test_lines_of_a_vote_against(void **state)
{
	char other[HEAL_HASH_ROOM];

	heal_negative_hash(other, "not a file");
	ward_reported(&w);
	ward_tick(&w);
	ward_end(&w, HEAL_END_DONE, other, "");
	expect_line("votes op=1 role=verifier verified=0");
	expect_line("details=\"reason_hash_mismatch\"");
	ward_apply(&w);
	assert_int_equal(w.ctx.counters.heal_votes[0], 1);
}

/* A vote that is not cast is counted, with a line that says why; one line, however many ticks. */
static void test_lines_of_no_vote(void **state)
{
	uint64_t op = ward_reported(&w), lines;

	ward_tick(&w);
	ward_end(&w, HEAL_END_OURS, "", "out of memory");
	expect_line("attempt failed op=1 role=verifier why=\"out of memory: no vote\"");
	assert_int_equal(w.ctx.counters.heal_withheld, 1);
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch);
	ward_tick(&w);
	expect_line("nothing is done op=1 role=verifier why=\"it is too late to vote\"");
	assert_int_equal(w.ctx.counters.heal_withheld, 2);
	lines = w.log.count;
	ward_tick(&w);
	ward_tick(&w);
	assert_int_equal(w.log.count, lines);
	assert_int_equal(w.ctx.counters.heal_withheld, 2);
}

static void test_lines_of_work_that_is_given_up(void **state)
{
	uint64_t op = ward_op(&w, w.self, w.other[0], w.other[1]);

	ward_tick(&w);
	ward_to_epoch(&w, ward_find(&w, op)->deadline_epoch + 1);
	ward_tick(&w);
	expect(op, HEAL_ROLE_HEALER, "rebuilding", "has moved on");
	ward_end(&w, HEAL_END_CLOSED, "", "cancelled");
	expect_line("given up op=1 role=healer work=build why=\"the op has moved on\"");
}

#define TEST(name) WARD_TEST(name, w)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_standings),
		TEST(test_waiting_healer),
		TEST(test_waiting_verifier),
		TEST(test_waiting_verifier_that_is_late),
		TEST(test_waiting_finalizer),
		TEST(test_past),
		TEST(test_no_part),
		TEST(test_lines_of_a_healer),
		TEST(test_lines_of_a_verifier),
		TEST(test_lines_of_a_vote_against),
		TEST(test_lines_of_no_vote),
		TEST(test_lines_of_work_that_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

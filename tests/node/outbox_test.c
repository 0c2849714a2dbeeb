/* SPDX-License-Identifier: Apache-2.0 */
/* Own entries from the outbox into the log: each once, in the order of their classes, whatever the
 * engine does, and always with a word in the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/sim_random.h"
#include "base/text.h"
#include "ledger/params.h"
#include "node/replica_world.h"

#define SECOND 1000000000ull

static int setup(void **state)
{
	struct replica_world *w = calloc(1, sizeof(*w));

	world_new(w, 31, 40);
	world_write(w, 40);
	world_open(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	free(*state);
	return 0;
}

/* An entry that differs from all others: an operator's text for a node. */
static void sign(struct replica_world *w, unsigned n)
{
	char text[32];

	snprintf(text, sizeof(text), "operator %u", n);
	net_sign(&w->story.net, "authority", "node_update",
		 json_pack("{ssss}", "account", "n00001", "operator", text));
}

static int put_signed(struct replica_world *w, uint64_t cookie, enum entry_class class)
{
	return replica_put(w->replica, cookie, class, (const uint8_t *)w->story.net.entry.at,
			   w->story.net.entry.len, world_now(w));
}

static int put(struct replica_world *w, unsigned n, enum entry_class class)
{
	sign(w, n);
	return put_signed(w, n, class);
}

static uint64_t head(struct replica_world *w)
{
	uint64_t floor, at;

	assert_int_equal(w->writer.head(w->writer.ctx, &floor, &at), 0);
	return at;
}

/* Number of the operator's text in the entry with that number. */
static unsigned text_at(struct replica_world *w, uint64_t seq)
{
	const uint8_t *bytes;
	uint8_t log[32];
	char text[4096];
	size_t len;
	unsigned n;

	assert_int_equal(replica_entry(w->replica, seq, &bytes, &len, log), 0);
	assert_true(len < sizeof(text));
	memcpy(text, bytes, len);
	text[len] = '\0';
	assert_non_null(strstr(text, "operator "));
	assert_int_equal(sscanf(strstr(text, "operator "), "operator %u", &n), 1);
	return n;
}

static const struct outcome *outcome_of(struct replica_world *w, uint64_t cookie)
{
	const struct outcome *found = NULL;

	for (unsigned i = 0; i < w->outcomes; i++)
		if (w->outcome[i].cookie == cookie) {
			assert_null(found); /* one word */
			found = &w->outcome[i];
		}
	return found;
}

static void check_accepted(struct replica_world *w, uint64_t cookie)
{
	const struct outcome *o = outcome_of(w, cookie);

	assert_non_null(o);
	assert_int_equal(o->outcome.end, ENTRY_VERDICT_CAME);
	assert_int_equal(o->outcome.code, 0);
}

/* Not before the copy is caught up; then by class, and within one by age. */
static void test_order(void **state)
{
	struct replica_world *w = *state;
	static const enum entry_class classes[] = {ENTRY_OTHER,	  ENTRY_TICKET, ENTRY_REPORT,
						   ENTRY_RECHECK, ENTRY_TICK,	ENTRY_OTHER,
						   ENTRY_HEAL,	  ENTRY_SEAL,	ENTRY_ATTEST};
	static const unsigned order[] = {5, 9, 8, 7, 3, 4, 2, 1, 6};

	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(put(w, i + 1, classes[i]), 0);
	assert_int_equal(head(w), 40);
	world_run(w);
	assert_int_equal(head(w), 49);
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(text_at(w, 41 + i), order[i]);
		check_accepted(w, i + 1);
	}
	assert_int_equal(w->outcomes, 9);
}

static void test_again(void **state)
{
	struct replica_world *w = *state;

	sign(w, 1);
	assert_int_equal(put_signed(w, 7, ENTRY_OTHER), 0);
	assert_int_equal(put_signed(w, 8, ENTRY_OTHER), ASSAY_E_EXISTS);
	world_run(w);
	check_accepted(w, 8);
	assert_null(outcome_of(w, 7));
	/* After its verdict: the log has it, and the verdict is told again. */
	assert_int_equal(put_signed(w, 9, ENTRY_OTHER), 0);
	world_run(w);
	check_accepted(w, 9);
	assert_int_equal(head(w), 41);
	assert_int_equal(replica_put(w->replica, 1, ENTRY_OTHER, (const uint8_t *)"no entry", 8,
				     world_now(w)),
			 ASSAY_E_INVAL);
}

/* Written down before it is sent: a start in between sends it. */
static void test_restart(void **state)
{
	struct replica_world *w = *state;

	engine_sim_down(w->sim, true);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(put(w, i, ENTRY_OTHER), 0);
	world_run(w);
	world_close(w);
	engine_sim_down(w->sim, false);
	world_open(w);
	assert_int_equal(head(w), 40);
	world_run(w);
	assert_int_equal(head(w), 45);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(text_at(w, 40 + i), i);
}

/* Appended, and the process ends before it knows: found when the copy catches up. */
static void test_restart_between(void **state)
{
	struct replica_world *w = *state;

	world_run(w);
	assert_int_equal(put(w, 1, ENTRY_OTHER), 0);
	replica_turn(w->replica, world_now(w)); /* hands it to the feed */
	feed_step(w->feed);			/* which appends it */
	assert_int_equal(head(w), 41);
	world_close(w);
	world_open(w);
	world_run(w);
	assert_int_equal(replica_seq(w->replica), 41);
	check_accepted(w, 0); /* nobody of this process waits for it */
	world_run(w);
	assert_int_equal(head(w), 41);
}

/* An engine that loses acknowledgements and is out of reach at times. */
static void test_faults(void **state)
{
	struct replica_world *w = *state;
	const unsigned n = 150;
	uint8_t seen[151] = {0};
	unsigned rounds = 0;

	engine_sim_set_faults(
		w->sim, (struct engine_sim_faults){.unavailable = 15, .lost_ack = 40, .lag = 30});
	for (unsigned i = 1; i <= n; i++) {
		assert_int_equal(put(w, i, ENTRY_OTHER), 0);
		world_run(w);
		w->clock.mono_ns += SECOND;
	}
	for (; head(w) < 40 + n || w->outcomes < n; rounds++) {
		assert_true(rounds < 10000);
		engine_sim_set_faults(w->sim, (struct engine_sim_faults){.lost_ack = 40});
		world_run(w);
		w->clock.mono_ns += SECOND;
	}
	assert_int_equal(head(w), 40 + n);
	for (unsigned i = 1; i <= n; i++) {
		unsigned text = text_at(w, 40 + i);

		assert_true(text >= 1 && text <= n && !seen[text]);
		seen[text] = 1;
	}
}

static void test_full(void **state)
{
	struct replica_world *w = *state;
	unsigned n = 0;

	engine_sim_down(w->sim, true);
	for (; n < OUTBOX_MAX; n++)
		assert_int_equal(put(w, n + 1, ENTRY_OTHER), 0);
	assert_int_equal(put(w, n + 1, ENTRY_TICKET), ASSAY_E_FULL);
	assert_int_equal(put(w, n + 1, ENTRY_OTHER), ASSAY_E_FULL);
	for (; n < OUTBOX_MAX_HARD; n++)
		assert_int_equal(put(w, n + 1, n % 2 ? ENTRY_REPORT : ENTRY_TICK), 0);
	assert_int_equal(put(w, n + 1, ENTRY_TICK), ASSAY_E_FULL);
}

/* Nobody waits for ever without a word, and the verdict comes all the same. */
static void test_remind(void **state)
{
	struct replica_world *w = *state;

	engine_sim_down(w->sim, true);
	assert_int_equal(put(w, 1, ENTRY_OTHER), 0);
	world_run(w);
	assert_int_equal(w->outcomes, 0);
	w->clock.mono_ns += 11 * SECOND;
	world_run(w);
	world_run(w);
	assert_int_equal(w->outcomes, 1);
	assert_int_equal(w->outcome[0].outcome.end, ENTRY_OPEN);
	engine_sim_down(w->sim, false);
	world_run(w);
	assert_int_equal(w->outcomes, 2);
	assert_int_equal(w->outcome[1].outcome.end, ENTRY_VERDICT_CAME);
}

/* Sent that often, with longer and longer pauses; then as if the log were out of reach. */
static void test_races(void **state)
{
	static const unsigned wanted[][2] = {{0, 3}, {3, 3}, {5, 5}, {10, 10}, {50, 10}, {1, 1}};
	struct replica_world *w = *state;

	world_run(w);
	engine_sim_set_faults(w->sim, (struct engine_sim_faults){.races = 100});
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		uint64_t before = engine_sim_appends(w->sim), begun_ns;
		unsigned sent = 0;

		replica_races(w->replica, wanted[i][0]);
		assert_int_equal(put(w, i + 1, ENTRY_OTHER), 0);
		begun_ns = w->clock.mono_ns;
		do {
			world_run(w);
			sent++;
			assert_int_equal(engine_sim_appends(w->sim), before + sent);
			if (replica_due(w->replica) - w->clock.mono_ns < 5 * SECOND)
				w->clock.mono_ns += sent * (SECOND / 2);
		} while (sent < wanted[i][1]);
		assert_int_equal(w->clock.mono_ns - begun_ns, sent * (sent - 1) * (SECOND / 4));
		world_run(w);
		assert_int_equal(outcome_of(w, i + 1)->outcome.end, ENTRY_OPEN);
		assert_true(replica_due(w->replica) == w->clock.mono_ns + 5 * SECOND);
		engine_sim_set_faults(w->sim, (struct engine_sim_faults){.races = 0});
		w->clock.mono_ns += 5 * SECOND;
		world_run(w);
		assert_int_equal(head(w), 41 + i);
		engine_sim_set_faults(w->sim, (struct engine_sim_faults){.races = 100});
	}
}

/* Who looks at nothing but the time at which it wants to be turned has everything done. */
static void test_due(void **state)
{
	struct replica_world *w = *state;
	unsigned turns = 0;

	world_run(w);
	assert_true(replica_due(w->replica) == UINT64_MAX);
	engine_sim_set_faults(w->sim, (struct engine_sim_faults){.lost_ack = 90});
	for (unsigned i = 1; i <= 20; i++) {
		assert_int_equal(put(w, i, ENTRY_OTHER), 0);
		assert_true(replica_due(w->replica) <= w->clock.mono_ns);
	}
	for (world_run(w); head(w) < 60; world_run(w)) {
		uint64_t due = replica_due(w->replica);

		assert_true(turns++ < 1000);
		assert_in_range(due, w->clock.mono_ns + 1, w->clock.mono_ns + 10 * SECOND);
		w->clock.mono_ns = due;
	}
	assert_in_range(turns, 2, 1000); /* it did not go well at once */
	world_run(w);
	engine_sim_down(w->sim, true);
	world_run(w);
	assert_int_equal(put(w, 21, ENTRY_OTHER), 0);
	assert_true(replica_due(w->replica) == w->clock.mono_ns + 10 * SECOND);
}

/* Never to be accepted: void by a wrong signature, and of an epoch long gone. */
static void test_expired(void **state)
{
	struct replica_world *w = *state;
	struct ledger_net *net = &w->story.net;
	uint64_t keep = params_current(state_tables(net->state))->verdict_keep_epochs;
	struct entry_result result;
	char *sig;

	world_run(w);
	sign(w, 1);
	sig = strstr(net->entry.at, "\"sig\":\"");
	sig[7] = sig[7] == '0' ? '1' : '0';
	assert_int_equal(put_signed(w, 1, ENTRY_OTHER), 0);
	world_run(w);
	assert_int_equal(head(w), 41); /* it is in the log, and void */
	assert_int_equal(outcome_of(w, 1)->outcome.end, ENTRY_EXPIRED);
	state_apply(net->state, &result, (const uint8_t *)net->entry.at, net->entry.len);
	/* An old one waits while others go on. */
	engine_sim_down(w->sim, true);
	assert_int_equal(put(w, 2, ENTRY_OTHER), 0);
	world_run(w);
	for (uint64_t epoch = state_epoch(net->state) + keep; state_epoch(net->state) < epoch;) {
		net_tick(net);
		engine_sim_put(w->sim, (const uint8_t *)net->entry.at, net->entry.len);
	}
	engine_sim_down(w->sim, false);
	world_run(w);
	assert_int_equal(outcome_of(w, 2)->outcome.end, ENTRY_EXPIRED);
}

/* A refused one has its code. */
static void test_refused(void **state)
{
	struct replica_world *w = *state;

	net_sign(&w->story.net, "n00002", "params", json_pack("{s{}}", "set"));
	assert_int_equal(put_signed(w, 5, ENTRY_OTHER), 0);
	world_run(w);
	assert_int_equal(outcome_of(w, 5)->outcome.end, ENTRY_VERDICT_CAME);
	assert_int_equal(outcome_of(w, 5)->outcome.code, 20);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_order),	    CASE(test_again),  CASE(test_restart),
		CASE(test_restart_between), CASE(test_faults), CASE(test_full),
		CASE(test_remind),	    CASE(test_due),    CASE(test_expired),
		CASE(test_refused),	    CASE(test_races),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

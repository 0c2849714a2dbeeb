/* SPDX-License-Identifier: Apache-2.0 */
/* PROVE and READ of the client library over a simulated wire, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/wired.h"

/* --- questions ------------------------------------------------------------------------------ */

static void test_refused(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;

	wired_open(&s, 11, 5000);
	q = wired_question(&s, true);
	q.key[0] ^= 1;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_REFUSED);
	assert_non_null(strstr(assay_client_why(s.client), "artifact_unknown"));
	q.size = 5000;
	assert_int_equal(challenge_run(s.client, &a, &q), 0);
	assert_int_equal(a.proof.report.verdict, ASSAY_REFUSED_VERDICT);
	assert_int_equal(a.proof.report.refused, ASSAY_R_ARTIFACT_UNKNOWN);
	assert_int_equal(a.proof.asked, 1);
	q = wired_question(&s, true);
	q.size = 4000;
	assert_int_equal(challenge_run(s.client, &a, &q), 0);
	assert_int_equal(a.proof.report.refused, ASSAY_R_ARTIFACT_SIZE);
	assert_int_equal(a.proof.report.parameter, 5000);
	wired_close(&s);
}

/* Refused for the moment: asked again, until the deadline. */
static void test_busy(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;

	wired_open(&s, 12, 5000);
	q = wired_question(&s, true);
	q.size = 5000;
	s.liar->world.settings.draining = true;
	world_publish(&s.liar->world);
	assert_int_equal(challenge_run(s.client, &a, &q), 0);
	assert_int_equal(a.proof.report.verdict, ASSAY_REFUSED_VERDICT);
	assert_int_equal(a.proof.report.refused, ASSAY_R_DRAINING);
	assert_true(a.proof.asked > 3);
	assert_in_range(a.proof.took_ns, 30000 * MS, 30001 * MS);
	wired_close(&s);
}

static void test_bad_questions(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;

	wired_open(&s, 13, 5000);
	q = wired_question(&s, true);
	q.epoch = 0;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_INVAL);
	q = wired_question(&s, true);
	q.class = 3;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_INVAL);
	q = wired_question(&s, true);
	q.k = 17;
	assert_int_equal(challenge_run(s.client, &a, &q), ASSAY_E_INVAL);
	assert_true(strlen(assay_client_why(s.client)) > 0);
	wired_close(&s);
}

/* Ranges longer than the artifact shrink to it; one byte is enough. */
static void test_small(void **state)
{
	static const uint64_t sizes[] = {1, 255, 256, 257, 1023, 1024, 1025, 2048};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct scene s;
		struct challenge_question q;

		wired_open(&s, 20 + i, sizes[i]);
		q = wired_question(&s, true);
		wired_expect(&s, &q, ASSAY_PASS);
		q.tree = false;
		q.k = 16;
		q.range_length = 1024;
		wired_expect(&s, &q, ASSAY_PLAIN);
		wired_close(&s);
	}
}

/* The largest answers, and the ranges' bytes are the artifact's. */
static void test_large(void **state)
{
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;
	static uint8_t ranges[16 * 1024];

	wired_open(&s, 30, 3 << 20);
	q = wired_question(&s, true);
	q.k = 16;
	q.range_length = 1024;
	wired_expect(&s, &q, ASSAY_PASS);
	q.tree = false;
	wired_expect(&s, &q, ASSAY_PLAIN);
	q.tree = true;
	q.size = 3 << 20;
	q.seed = (const uint8_t *)"seed";
	q.seed_len = 4;
	assert_int_equal(challenge_derive(&a, &q, "node-b", s.why, sizeof(s.why)), 0);
	assert_int_equal(assay_client_prove(s.client, &a.proof, ranges, &a.request), 0);
	assert_int_equal(a.proof.report.verdict, ASSAY_PASS);
	for (unsigned i = 0; i < 16; i++)
		assert_memory_equal(ranges + i * 1024,
				    s.liar->world.artifact[0].data + a.request.offsets[i], 1024);
	wired_close(&s);
}

/* --- a bad network -------------------------------------------------------------------------- */

static const struct sim_net_faults bad_wire = {10, 10, 20, 100000, 5000000};

static void test_bad_wire(void **state)
{
	for (unsigned seed = 40; seed < 50; seed++) {
		struct scene s;
		struct challenge_question q;

		wired_init(&s, seed, 65532);
		sim_net_set_faults(s.wire, bad_wire);
		assert_int_equal(wired_connect(&s), 0);
		q = wired_question(&s, true);
		for (unsigned i = 0; i < 20; i++)
			wired_expect(&s, &q, ASSAY_PASS);
		q.tree = false;
		q.k = 16;
		q.range_length = 1000;
		for (unsigned i = 0; i < 20; i++)
			wired_expect(&s, &q, ASSAY_PLAIN);
		wired_close(&s);
	}
}

#define MANY 500
struct many {
	unsigned passed, order_broken;
	bool seen[MANY];
};

static int proved(void *arg, size_t i, const struct assay_prove_result *result)
{
	struct many *m = arg;

	assert_true(i < MANY && !m->seen[i]);
	m->seen[i] = true;
	m->passed += result->report.verdict == ASSAY_PASS;
	return 0;
}

static void test_many(void **state)
{
	static struct challenge_answer a[MANY];
	static struct assay_prove_request list[MANY];

	for (unsigned lossy = 0; lossy < 2; lossy++) {
		struct scene s;
		struct many m = {0};

		wired_open(&s, 50 + lossy, 65532);
		if (lossy)
			sim_net_set_faults(s.wire, bad_wire);
		for (unsigned i = 0; i < MANY; i++) {
			struct challenge_question q = wired_question(&s, true);

			q.size = 65532;
			q.seed = (const uint8_t *)"many";
			q.seed_len = 4;
			q.ordinal = i;
			assert_int_equal(
				challenge_derive(&a[i], &q, "node-b", s.why, sizeof(s.why)), 0);
			list[i] = a[i].request;
			list[i].draw = &a[i].draw;
		}
		assert_int_equal(assay_client_prove_many(s.client, list, MANY, 64, proved, &m), 0);
		assert_int_equal(m.passed, MANY);
		if (!lossy)
			assert_int_equal(assay_client_stats(s.client)->repeats, 0);
		wired_close(&s);
	}
}

static int stop_at_ten(void *arg, size_t i, const struct assay_prove_result *result)
{
	unsigned *count = arg;

	return ++*count == 10 ? 77 : 0;
}

static void test_many_stopped(void **state)
{
	static struct assay_prove_request list[MANY];
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;
	unsigned count = 0;

	wired_open(&s, 55, 65532);
	q = wired_question(&s, true);
	q.size = 65532;
	q.seed = (const uint8_t *)"many";
	q.seed_len = 4;
	assert_int_equal(challenge_derive(&a, &q, "node-b", s.why, sizeof(s.why)), 0);
	for (unsigned i = 0; i < MANY; i++)
		list[i] = a.request;
	assert_int_equal(assay_client_prove_many(s.client, list, MANY, 0, stop_at_ten, &count), 77);
	assert_int_equal(count, 10);
	/* The client is as good as before. */
	q = wired_question(&s, true);
	wired_expect(&s, &q, ASSAY_PASS);
	wired_close(&s);
}

/* --- reading -------------------------------------------------------------------------------- */

struct seen {
	const uint8_t *truth;
	uint64_t len, stop;
};

static int see(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct seen *seen = arg;

	assert_int_equal(offset, seen->len);
	assert_memory_equal(data, seen->truth + offset, len);
	seen->len += len;
	return seen->stop != 0 && seen->len >= seen->stop ? 99 : 0;
}

static void read_one(uint64_t seed, uint64_t size, bool lossy)
{
	struct assay_read_stats stats;
	struct scene s;
	struct seen seen = {0};

	wired_open(&s, seed, size);
	if (lossy)
		sim_net_set_faults(s.wire, (struct sim_net_faults){2, 2, 5, 100000, 1000000});
	seen.truth = s.liar->world.artifact[0].data;
	if (assay_client_read(s.client, &stats, s.liar->world.artifact[0].record.key,
			      ASSAY_SIZE_UNKNOWN, see, &seen) != 0)
		fail_msg("%s", assay_client_why(s.client));
	assert_int_equal(seen.len, size);
	assert_int_equal(stats.size, size);
	assert_true(lossy ? stats.halved > 0 : stats.halved == 0 && stats.repeats == 0);
	assert_true(stats.window_max >= 64);
	wired_close(&s);
}

static void test_read(void **state)
{
	static const uint64_t sizes[] = {1,	1023,	 1024,		1025,
					 65532, 1 << 20, (1 << 20) + 1, 5000001};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		read_one(60 + i, sizes[i], false);
	read_one(70, 3000000, true);
}

/* A node that allows few requests at once is never asked more. */
static void test_in_flight(void **state)
{
	static struct assay_prove_request list[MANY];
	struct scene s;
	struct challenge_question q;
	struct challenge_answer a;
	struct many m = {0};
	struct seen seen = {0};

	wired_init(&s, 16, 1 << 20);
	s.liar->world.settings.in_flight = 3;
	world_publish(&s.liar->world);
	assert_int_equal(wired_connect(&s), 0);
	q = wired_question(&s, true);
	q.size = 1 << 20;
	q.seed = (const uint8_t *)"few";
	q.seed_len = 3;
	assert_int_equal(challenge_derive(&a, &q, "node-b", s.why, sizeof(s.why)), 0);
	for (unsigned i = 0; i < MANY; i++)
		list[i] = a.request;
	assert_int_equal(assay_client_prove_many(s.client, list, MANY, 100, proved, &m), 0);
	assert_int_equal(m.passed, MANY);
	seen.truth = s.liar->world.artifact[0].data;
	assert_int_equal(assay_client_read(s.client, NULL, q.key, q.size, see, &seen), 0);
	assert_int_equal(seen.len, q.size);
	assert_int_equal(world_refused(&s.liar->world, ASSAY_R_BUSY), 0);
	wired_close(&s);
}

static void test_read_stopped(void **state)
{
	struct scene s;
	struct seen seen = {.stop = 100000};
	const uint8_t *key;

	wired_open(&s, 71, 1 << 20);
	key = s.liar->world.artifact[0].record.key;
	seen.truth = s.liar->world.artifact[0].data;
	assert_int_equal(assay_client_read(s.client, NULL, key, 1 << 20, see, &seen), 99);
	/* A size that is not the artifact's: nothing of it verifies. */
	seen = (struct seen){.truth = seen.truth};
	assert_int_equal(assay_client_read(s.client, NULL, key, (1 << 20) - 1, see, &seen),
			 ASSAY_E_CORRUPT);
	seen.len = 0;
	assert_int_equal(assay_client_read(s.client, NULL, key, 1 << 20, see, &seen), 0);
	wired_close(&s);
}

/* The node goes away in the middle. */
static int see_and_kill(void *arg, uint64_t offset, const void *data, size_t len)
{
	if (offset > 100000)
		((struct scene *)arg)->mode = WIRE_DEAD;
	return 0;
}

static void test_read_lost(void **state)
{
	struct scene s;

	wired_open(&s, 72, 1 << 20);
	assert_int_equal(assay_client_read(s.client, NULL, s.liar->world.artifact[0].record.key,
					   1 << 20, see_and_kill, &s),
			 ASSAY_E_TIMEOUT);
	wired_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	      cmocka_unit_test(test_busy),
		cmocka_unit_test(test_bad_questions), cmocka_unit_test(test_small),
		cmocka_unit_test(test_large),	      cmocka_unit_test(test_bad_wire),
		cmocka_unit_test(test_many),	      cmocka_unit_test(test_many_stopped),
		cmocka_unit_test(test_read),	      cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_read_stopped),  cmocka_unit_test(test_read_lost),
	};

	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

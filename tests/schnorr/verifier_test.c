/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of the workers over a queue that the test fills: what becomes a batch, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/real.h"
#include "crypto/schnorr/verifier.h"
#include "schnorr/cases.h"

#define CASES	16
#define JOBS	2600 /* two full batches and a part */
#define FOREVER 1000000000000u

static struct sig_case cases[CASES]; /* the odd ones are bad */
static struct verify_job jobs[JOBS];
static unsigned first, last, given, batches;
static struct verifier *verifier;

static unsigned take(void *ctx, struct verify_job **out, unsigned room)
{
	unsigned n = last - first < room ? last - first : room;

	for (unsigned i = 0; i < n; i++)
		out[i] = &jobs[first++];
	return n;
}

static void give(void *ctx, struct verify_job **done, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_ptr_equal(done[i], &jobs[given + i]); /* in their order */
	given += n;
	batches++;
}

static int open_verifier(void **state)
{
	const struct verify_queue queue = {.take = take, .give = give};
	const struct random random = random_real();
	uint64_t seed = 4;

	for (unsigned i = 0; i < CASES; i++) {
		case_sign(&cases[i], &seed, i / 4 + 1);
		cases[i].signature[63] ^= i % 2;
	}
	verifier = verifier_new(&queue, &random);
	assert_non_null(verifier);
	return 0;
}

static int close_verifier(void **state)
{
	verifier_free(verifier);
	return 0;
}

/* The queue anew, with n jobs in it. */
static void fill(unsigned n)
{
	first = given = batches = 0;
	last = n;
	for (unsigned i = 0; i < n; i++) {
		const struct sig_case *c = &cases[i % CASES];

		jobs[i] = (struct verify_job){.known = i % 3 == 0};
		memcpy(jobs[i].key, c->key, 32);
		memcpy(jobs[i].signature, c->signature, 64);
		if (c->len == 32 && i % 5 == 0) {
			memcpy(jobs[i].digest, c->message, 32);
		} else {
			jobs[i].message = c->message;
			jobs[i].len = c->len;
		}
		jobs[i].valid = i % 2 != 0; /* wrong */
	}
}

static void check_all(unsigned n)
{
	assert_int_equal(given, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(jobs[i].valid, i % 2 == 0);
}

static unsigned run(uint64_t budget_ns)
{
	unsigned slices = 0;

	while (verifier_slice(verifier, budget_ns))
		slices++;
	return slices;
}

static void nothing_to_do(void **state)
{
	fill(0);
	assert_false(verifier_slice(verifier, FOREVER));
	assert_int_equal(verifier_counters(verifier)->slices, 0);
}

/* One slice is enough for a lone job: nobody waits for more to come. */
static void a_lone_job_at_once(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		fill(1);
		assert_true(verifier_slice(verifier, 1));
		check_all(1);
		assert_false(verifier_slice(verifier, 1));
	}
}

static void what_waits_is_a_batch(void **state)
{
	static const unsigned sizes[] = {2, 7, 63, 64, 65, 300};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill(sizes[i]);
		run(FOREVER);
		check_all(sizes[i]);
		assert_int_equal(batches, 1);
	}
}

static void a_deep_queue_is_cut(void **state)
{
	struct verify_counters before = *verifier_counters(verifier), after;

	fill(JOBS);
	run(FOREVER);
	check_all(JOBS);
	assert_int_equal(batches, 3);
	after = *verifier_counters(verifier);
	assert_int_equal(after.jobs - before.jobs, JOBS);
	assert_int_equal(after.bad - before.bad, JOBS / 2);
	assert_int_equal(after.batches - before.batches, 3);
	assert_int_equal(after.sizes[10] - before.sizes[10], 2);
	assert_int_equal(after.sizes[9] - before.sizes[9], 1);
}

/* A slice is a step of the batch, and what comes meanwhile is the next batch. */
static void slices_are_short(void **state)
{
	fill(300);
	last = 200;
	for (unsigned i = 0; i < 5; i++)
		assert_true(verifier_slice(verifier, 1));
	assert_int_equal(first, 200);
	assert_int_equal(given, 0);
	last = 300;
	assert_true(verifier_slice(verifier, 1));
	assert_int_equal(first, 200);
	assert_true(run(1) > 20);
	check_all(300);
	assert_int_equal(batches, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_to_do),	 cmocka_unit_test(a_lone_job_at_once),
		cmocka_unit_test(what_waits_is_a_batch), cmocka_unit_test(a_deep_queue_is_cut),
		cmocka_unit_test(slices_are_short),
	};

	return cmocka_run_group_tests(tests, open_verifier, close_verifier);
}

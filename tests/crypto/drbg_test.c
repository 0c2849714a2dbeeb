/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/sim.h"
#include "crypto/drbg.h"

static struct drbg fresh(uint64_t seed)
{
	struct random random = random_sim(&seed);
	struct drbg d;

	drbg_init(&d, &random);
	return d;
}

/* The stream of a seed is one, however it is cut; another seed has another. */
static void test_stream(void **state)
{
	struct drbg a = fresh(1), b = fresh(1), c = fresh(2);
	struct random ra = random_drbg(&a), rb = random_drbg(&b), rc = random_drbg(&c);
	static uint8_t whole[5000], pieces[5000], other[5000];
	size_t at = 0;

	random_fill(&ra, whole, sizeof(whole));
	random_fill(&rc, other, sizeof(other));
	for (size_t n = 0; at < sizeof(pieces); at += n, n = (n + 1) % 700) {
		n = n < sizeof(pieces) - at ? n : sizeof(pieces) - at;
		random_fill(&rb, pieces + at, n);
	}
	assert_memory_equal(whole, pieces, sizeof(whole));
	for (size_t i = 0; i + 32 <= sizeof(whole); i += 32) {
		assert_memory_not_equal(whole + i, other + i, 32);
		for (size_t j = 0; j < i; j += 32)
			assert_memory_not_equal(whole + i, whole + j, 32);
	}
}

/* The first block by its definition: BLAKE3 keyed with the seed over a block that starts with 1. */
static void test_definition(void **state)
{
	struct drbg d = fresh(3);
	struct random random = random_drbg(&d);
	uint8_t key[32], block[64] = {1}, told[32], got[32];

	memcpy(key, d.key, sizeof(key));
	random_fill(&random, got, sizeof(got));
	digest_one(told, key, block, sizeof(block));
	assert_memory_equal(got, told, sizeof(told));
	block[0] = 0;
	digest_one(told, key, block, sizeof(block));
	assert_memory_equal(d.key, told, sizeof(told));
}

static bool holds(const struct drbg *d, const uint8_t *bytes, size_t len)
{
	return memmem(d, sizeof(*d), bytes, len) != NULL;
}

/* Nothing in memory tells what was given out, or gives it again. */
static void test_erasure(void **state)
{
	struct drbg d = fresh(4);
	struct random random = random_drbg(&d);
	uint8_t key[32], out[100];

	memcpy(key, d.key, sizeof(key));
	assert_true(holds(&d, key, sizeof(key)));
	for (unsigned i = 0; i < 40; i++) {
		random_fill(&random, out, sizeof(out));
		assert_false(holds(&d, key, sizeof(key)));
		for (size_t at = 0; at + 8 <= sizeof(out); at++)
			assert_false(holds(&d, out + at, 8));
	}
	drbg_wipe(&d);
	for (size_t i = 0; i < sizeof(d); i++)
		assert_int_equal(((uint8_t *)&d)[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_definition),
		cmocka_unit_test(test_erasure),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

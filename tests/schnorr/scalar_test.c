/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers modulo the group's order against GMP: random ones, and those at the ends of their ranges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <gmp.h>
#include <string.h>

#include "crypto/schnorr/scalar.h"
#include "schnorr/cases.h"

#define ROUNDS CASES_ROUNDS(40000, 4000)

static uint64_t seed = 9;
static mpz_t n, lambda, x, y, z;

static void value(mpz_t out, const uint64_t *words, int count)
{
	mpz_import(out, (size_t)count, -1, 8, 0, 0, words);
}

static void words_of(uint64_t out[4], const mpz_t in)
{
	memset(out, 0, 32);
	mpz_export(out, NULL, -1, 8, 0, 0, in);
}

/* Below n: random, near 0, near n, near lambda and its negative, near 2^128, near n / 2, all ones.
 */
static struct scalar draw(void)
{
	struct scalar s;
	int64_t offset = (int64_t)(cases_random(&seed) % 9) - 4;

	switch (cases_random(&seed) % 8) {
	case 0:
		mpz_set_ui(x, 0);
		break;
	case 1:
		mpz_set(x, lambda);
		break;
	case 2:
		mpz_sub(x, n, lambda);
		break;
	case 3:
		mpz_setbit(x, 128);
		mpz_tdiv_r_2exp(x, x, 129);
		break;
	case 4:
		mpz_tdiv_q_2exp(x, n, 1);
		break;
	case 5:
		mpz_set_ui(x, 0);
		mpz_setbit(x, cases_random(&seed) % 256);
		break;
	default:
		cases_fill(&seed, &s, sizeof(s));
		value(x, s.w, 4);
	}
	if (offset < 0)
		mpz_sub_ui(x, x, (uint64_t)-offset);
	else
		mpz_add_ui(x, x, (uint64_t)offset);
	mpz_mod(x, x, n);
	words_of(s.w, x);
	return s;
}

static void assert_is(struct scalar s, const mpz_t told)
{
	value(x, s.w, 4);
	assert_int_equal(mpz_cmp(x, told), 0);
}

static void sums(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct scalar a = draw(), b = draw();

		value(y, a.w, 4);
		value(z, b.w, 4);
		mpz_add(z, z, y);
		mpz_mod(z, z, n);
		assert_is(scalar_add(a, b), z);
		mpz_neg(y, y);
		mpz_mod(y, y, n);
		assert_is(scalar_negate(a), y);
	}
}

static void products(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct scalar b = draw();
		uint64_t a[2] = {cases_random(&seed), cases_random(&seed)};

		if (i % 4 == 0)
			a[0] = a[1] = ~(uint64_t)0;
		if (i % 4 == 1)
			a[0] = cases_random(&seed) % 3, a[1] = 0;
		value(y, a, 2);
		value(z, b.w, 4);
		mpz_mul(z, z, y);
		mpz_mod(z, z, n);
		assert_is(scalar_mul_128(a, b), z);
	}
}

/* k = k1 + k2 lambda, both below 2^128 in magnitude; also where the rounding is about to turn. */
static void halves(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct scalar k = draw();
		struct half_scalar half[2];

		if (i % 3 == 0) { /* next to a multiple of a half of n / 2^128, of either basis */
			mpz_set_ui(y, cases_random(&seed));
			mpz_mul_2exp(y, y, 64);
			mpz_add_ui(y, y, cases_random(&seed));
			mpz_mul(y, y, i % 2 == 0 ? lambda : n);
			mpz_tdiv_q_2exp(y, y, 129);
			mpz_add_ui(y, y, cases_random(&seed) % 3);
			mpz_mod(y, y, n);
			words_of(k.w, y);
		}
		scalar_split(half, k);
		value(y, half[1].w, 2);
		mpz_mul(y, y, lambda);
		if (half[1].negative)
			mpz_neg(y, y);
		value(z, half[0].w, 2);
		if (half[0].negative)
			mpz_neg(z, z);
		mpz_add(z, z, y);
		mpz_mod(z, z, n);
		assert_is(k, z);
	}
}

static void bytes(void **state)
{
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t in[32];
		struct scalar s;
		bool below;

		cases_fill(&seed, in, 32);
		if (i % 2 == 0) {
			mpz_set(y, n);
			mpz_add_ui(y, y, cases_random(&seed) % 5);
			mpz_sub_ui(y, y, cases_random(&seed) % 5);
			memset(in, 0, 32);
			mpz_export(in, NULL, 1, 1, 0, 0, y);
		}
		if (i % 9 == 0)
			memset(in, i % 2 == 0 ? 0xff : 0, 32);
		mpz_import(y, 32, 1, 1, 0, 0, in);
		below = mpz_cmp(y, n) < 0;
		mpz_mod(y, y, n);
		assert_int_equal(scalar_read(&s, in), below);
		assert_is(s, y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sums), cmocka_unit_test(products),
					   cmocka_unit_test(halves), cmocka_unit_test(bytes)};

	mpz_inits(x, y, z, NULL);
	mpz_init_set_str(n, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);
	mpz_init_set_str(lambda, "5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72",
			 16);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

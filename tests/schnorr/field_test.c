/* SPDX-License-Identifier: Apache-2.0 */
/* Field operations of every set of kernels against GMP, over random, full and edge limbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <gmp.h>
#include <string.h>

#include "crypto/schnorr/inverse.h"
#include "schnorr/cases.h"
#include "schnorr/field_probe.h"

#define ROUNDS 20000

static uint64_t seed = 5;
static mpz_t p, x, y, z;
static const struct field_probe *probe;

/* Limbs up to given numbers of bits, often all ones, zero, or those of a number next to p. */
static void draw(probe_lanes a, unsigned bits, unsigned top_bits)
{
	static const uint64_t near_p[5] = {0xffffefffffc2f, 0xfffffffffffff, 0xfffffffffffff,
					   0xfffffffffffff, 0xffffffffffff};

	for (int i = 0; i < 8; i++) {
		uint64_t kind = cases_random(&seed) % 8;

		for (int k = 0; k < 5; k++) {
			uint64_t r = cases_random(&seed),
				 most = ~(uint64_t)0 >> (64 - (k < 4 ? bits : top_bits));

			a[k][i] = kind == 0   ? most
				  : kind == 1 ? 0
				  : kind == 2 ? near_p[k] + (k == 0 ? r % 3 - 1 : 0)
				  : kind == 3 ? (r % 2 == 0 ? most : r % 4)
					      : r & most;
		}
	}
}

/* Limbs that mul and sqr give: limb 4 is 2^48 and a few at most. */
static void draw_tight(probe_lanes a)
{
	draw(a, 52, 48);
	for (int i = 0; i < 8; i++)
		if (cases_random(&seed) % 4 == 0)
			a[4][i] = ((uint64_t)1 << 48) + cases_random(&seed) % 256;
}

static void value(mpz_t out, probe_lanes a, int lane)
{
	mpz_set_ui(out, 0);
	for (int k = 4; k >= 0; k--) {
		mpz_mul_2exp(out, out, 52);
		mpz_add_ui(out, out, a[k][lane]);
	}
}

static void tight(probe_lanes a, int lane)
{
	for (int k = 0; k < 4; k++)
		assert_true(a[k][lane] >> 52 == 0);
	assert_true(a[4][lane] < ((uint64_t)1 << 48) + 256);
}

/* out, tight or not, is the number in z modulo p. */
static void same(probe_lanes out, int lane)
{
	value(y, out, lane);
	assert_true(mpz_congruent_p(y, z, p));
}

static void products(void **state)
{
	_Alignas(64) probe_lanes a, b, t, out;

	for (int round = 0; round < ROUNDS; round++) {
		draw(a, 52, 51);
		draw(b, 52, 51);
		draw(t, 58, 58);
		probe->mul(out, a, b, t);
		for (int i = 0; i < 8; i++) {
			value(x, a, i);
			value(y, b, i);
			mpz_mul(z, x, y);
			value(x, t, i);
			mpz_add(z, z, x);
			tight(out, i);
			same(out, i);
		}
		probe->sqr(out, a, t);
		for (int i = 0; i < 8; i++) {
			value(z, a, i);
			mpz_mul(z, z, z);
			value(x, t, i);
			mpz_add(z, z, x);
			tight(out, i);
			same(out, i);
		}
	}
}

static void small_steps(void **state)
{
	_Alignas(64) probe_lanes a, b, t, out, packed;

	for (int round = 0; round < ROUNDS; round++) {
		draw_tight(a);
		draw_tight(b);
		draw(t, 58, 58);
		probe->sub(out, a, b);
		probe->canonical(packed, out);
		for (int i = 0; i < 8; i++) {
			value(x, a, i);
			value(y, b, i);
			mpz_sub(z, x, y);
			assert_true(out[4][i] >> 51 == 0);
			same(out, i);
			same(packed, i);
			assert_true(mpz_cmp(y, p) < 0);
		}
		probe->tighten(out, t);
		for (int i = 0; i < 8; i++) {
			value(z, t, i);
			tight(out, i);
			same(out, i);
		}
		probe->canonical(out, a);
		probe->pack(packed, a);
		for (int i = 0; i < 8; i++) {
			value(z, a, i);
			same(packed, i);
			assert_true(packed[4][i] >> 48 == 0);
			same(out, i);
			assert_true(mpz_cmp(y, p) < 0);
		}
	}
}

static void inverses(void **state)
{
	for (int round = 0; round < ROUNDS; round++) {
		_Alignas(64) probe_lanes a;
		uint64_t in[4], out[4];

		draw(a, 64, 64);
		for (int i = 0; i < 8; i++) {
			for (int k = 0; k < 4; k++)
				in[k] = a[k][i];
			inverse_words(out, in);
			mpz_import(x, 4, -1, 8, 0, 0, in);
			mpz_import(y, 4, -1, 8, 0, 0, out);
			assert_true(mpz_cmp(y, p) < 0);
			mpz_mul(z, x, y);
			mpz_mod(z, z, p);
			assert_true(mpz_cmp_ui(z, mpz_divisible_p(x, p) ? 0 : 1) == 0);
		}
	}
}

int main(void)
{
	static const struct field_probe *const probes[] = {&probe_plain, &probe_bounds,
							   &probe_model, &probe_avx2};
	const struct CMUnitTest tests[] = {cmocka_unit_test(products),
					   cmocka_unit_test(small_steps)};
	const struct CMUnitTest more[] = {cmocka_unit_test(inverses)};
	int failed = 0;

	mpz_inits(x, y, z, NULL);
	mpz_init_set_str(p, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", 16);
	for (int i = 0;
	     i < (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 4 : 3); i++) {
		probe = probes[i];
		print_message("field: %s\n", probe->name);
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed + cmocka_run_group_tests(more, NULL, NULL);
}

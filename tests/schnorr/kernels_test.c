/* SPDX-License-Identifier: Apache-2.0 */
/* Every set of kernels against the plain one, bit for bit, and that one against libsecp256k1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <secp256k1.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/schnorr/dispatch.h"
#include "crypto/schnorr/judge.h"
#include "crypto/schnorr/point.h"
#include "schnorr/cases.h"
#include "schnorr/kernels_test.h"

#define POINTS 256
#define JOBS   128

static uint64_t seed = 6;
static struct point points[POINTS + 3 * JOBS];
static struct add_scratch scratch;
static secp256k1_context *context;

/* As libsecp256k1 0.2 keeps a point: the words of x, then of y. */
static bool same_point(const struct point *p, const secp256k1_pubkey *told)
{
	return memcmp(p, told->data, 64) == 0;
}

static void lifts(void **state)
{
	const struct kernels *k = *state;
	uint8_t x[LIFT_MAX][32];
	const uint8_t *in[LIFT_MAX];
	struct point out[LIFT_MAX], image[LIFT_MAX];

	for (int round = 0; round < 40; round++) {
		uint32_t n = 1 + (uint32_t)cases_random(&seed) % LIFT_MAX, good;

		for (uint32_t i = 0; i < n; i++) {
			cases_fill(&seed, x[i], 32);
			if (cases_random(&seed) % 4 == 0)
				memset(x[i], cases_random(&seed) % 3 == 0 ? 0xff : 0, 31);
			if (x[i][0] == 0xff)
				x[i][27] = 0xfe, x[i][30] = 0xfc, x[i][31] &= 0x2e;
			in[i] = x[i];
		}
		good = k->lift(out, round % 4 == 0 ? NULL : image, in, n);
		for (uint32_t i = 0; i < n; i++) {
			uint8_t even[33] = {2};
			secp256k1_pubkey told;

			memcpy(even + 1, x[i], 32);
			assert_int_equal(good >> i & 1,
					 secp256k1_ec_pubkey_parse(context, &told, even, 33));
			if ((good >> i & 1) == 0)
				continue;
			assert_true(same_point(&out[i], &told));
			struct point lambda = point_endomorphism(&out[i]);

			if (round % 4 != 0)
				assert_memory_equal(&image[i], &lambda, sizeof(lambda));
		}
		assert_true(n == 32 || good >> n == 0);
	}
}

/* Points with many equal and opposite ones, and some infinities when asked for. */
static void draw_points(bool infinities)
{
	uint32_t have = 0;

	while (have < POINTS) {
		uint8_t x[32];
		const uint8_t *in = x;

		cases_fill(&seed, x, 32);
		have += kernels_plain.lift(&points[have], NULL, &in, 1) & 1;
	}
	for (int i = 0; infinities && i < 8; i++)
		memset(&points[cases_random(&seed) % POINTS], 0, sizeof(points[0]));
}

static uint32_t sign_bit(void)
{
	return cases_random(&seed) % 2 == 0 ? REF_NEGATIVE : 0;
}

static void distinct_sums(void **state)
{
	const struct kernels *k = *state;
	struct add_job jobs[JOBS];

	draw_points(false);
	for (uint32_t i = 0; i < JOBS; i++)
		jobs[i] = (struct add_job){(2 * i) | sign_bit(), (2 * i + 1) | sign_bit(),
					   POINTS + i, 0};
	for (size_t n = k->add_stride; n <= JOBS; n += k->add_stride)
		assert_true(k->add(points, jobs, n, &scratch));
	for (uint32_t i = 0; i < JOBS; i++) {
		secp256k1_pubkey a, b, sum;
		const secp256k1_pubkey *both[2] = {&a, &b};

		memcpy(a.data, &points[2 * i], 64);
		memcpy(b.data, &points[2 * i + 1], 64);
		if (jobs[i].a & REF_NEGATIVE)
			assert_true(secp256k1_ec_pubkey_negate(context, &a));
		if (jobs[i].b & REF_NEGATIVE)
			assert_true(secp256k1_ec_pubkey_negate(context, &b));
		assert_true(secp256k1_ec_pubkey_combine(context, &sum, both, 2));
		struct point_sum canonical = {.none = true};
		struct point p;

		point_add(&canonical, &points[POINTS + i]);
		point_affine(&p, &canonical);
		assert_true(same_point(&p, &sum));
	}
	/* One pair of equal x among them: nothing is written. */
	jobs[5].b = jobs[5].a ^ REF_NEGATIVE;
	memset(points + POINTS, 0, JOBS * sizeof(points[0]));
	assert_false(k->add(points, jobs, JOBS, &scratch));
	assert_true(points[POINTS].x[0] == 0 && points[POINTS + 5].x[0] == 0);
}

/* All cases against additions one by one. */
static void any_sums(void **state)
{
	const struct kernels *k = *state;
	struct add_job jobs[JOBS];

	for (int round = 0; round < 8; round++) {
		bool infinity = false, told = false;

		draw_points(true);
		for (uint32_t i = 0; i < JOBS; i++) {
			uint32_t a = (uint32_t)cases_random(&seed) % POINTS;
			uint32_t b = i % 3 == 0 ? a : (uint32_t)cases_random(&seed) % POINTS;

			jobs[i] = (struct add_job){a | sign_bit(), b | sign_bit(), POINTS + i, 0};
		}
		infinity = k->add_any(points, jobs, JOBS, &scratch);
		for (uint32_t i = 0; i < JOBS; i++) {
			struct point_sum sum = {.none = true}, back = {.none = true};
			struct point a = points[jobs[i].a & ~REF_NEGATIVE];
			struct point b = points[jobs[i].b & ~REF_NEGATIVE], p, q;

			if ((jobs[i].a & REF_NEGATIVE) != 0 && a.x[0] != 0)
				point_negate(&a);
			if ((jobs[i].b & REF_NEGATIVE) != 0 && b.x[0] != 0)
				point_negate(&b);
			point_add(&sum, &a);
			point_add(&sum, &b);
			point_add(&back, &points[POINTS + i]);
			assert_int_equal(sum.none, back.none);
			told |= sum.none;
			if (sum.none)
				continue;
			point_affine(&p, &sum);
			point_affine(&q, &back);
			assert_memory_equal(&p, &q, 64);
		}
		assert_int_equal(infinity, told);
	}
}

/* Numbers modulo the order against the twin, those at the ends of ranges among them. */
static struct scalar draw_scalar(void)
{
	static const uint64_t low[2] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b}; /* of the order */
	struct scalar s = {{0}};
	uint64_t r = cases_random(&seed);

	switch (r % 8) {
	case 0:
		s = (struct scalar){{r >> 61, 0, 0, 0}};
		break;
	case 1: /* next to the order */
		s = (struct scalar){{low[0] - 1 - (r >> 62), low[1], ~(uint64_t)1, ~(uint64_t)0}};
		break;
	case 2: /* all ones, but below it */
		memset(&s, 0xff, sizeof(s));
		s.w[2] -= 2;
		break;
	case 3:
		s.w[r >> 8 & 3] = (uint64_t)1 << (r >> 58);
		break;
	default:
		cases_fill(&seed, &s, sizeof(s));
		s.w[3] >>= 1;
	}
	return s;
}

static void scalars(void **state)
{
	const struct kernels *k = *state;
	struct scalar a[SCALARS_MAX], b[SCALARS_MAX], out[SCALARS_MAX];
	struct half_scalar half[2 * SCALARS_MAX];

	for (int round = 0; round < CASES_ROUNDS(400, 40); round++) {
		size_t n = 1 + cases_random(&seed) % SCALARS_MAX;

		for (size_t i = 0; i < SCALARS_MAX; i++) {
			a[i] = b[i] = draw_scalar();
			b[i] = draw_scalar();
			a[i].w[2] = a[i].w[3] = 0;
		}
		k->scalar_mul(out, a, b, n);
		k->scalar_split(half, b, n);
		for (size_t i = 0; i < n; i++) {
			struct scalar told = scalar_mul_128(a[i].w, b[i]);
			struct half_scalar halves[2];

			assert_memory_equal(&out[i], &told, sizeof(told));
			scalar_split(halves, b[i]);
			assert_memory_equal(&half[2 * i], halves, sizeof(halves));
		}
	}
}

/* Digits against their definition, at every width and place. */
static void digits(void **state)
{
	const struct kernels *k = *state;
	_Alignas(64) uint64_t low[DIGITS], high[DIGITS], out[DIGITS];

	for (unsigned width = 1; width <= 16; width++)
		for (unsigned shift = 0; shift < 64; shift++) {
			cases_fill(&seed, low, sizeof(low));
			cases_fill(&seed, high, sizeof(high));
			k->digits(out, low, high, shift, width);
			for (int i = 0; i < DIGITS; i++) {
				unsigned __int128 both = (unsigned __int128)high[i] << 64 | low[i];
				int64_t digit = (int64_t)((uint64_t)(both >> shift) &
							  (((uint64_t)1 << width) - 1)) -
						((int64_t)1 << (width - 1));

				assert_int_equal(out[i] & ~REF_NEGATIVE,
						 digit < 0 ? -digit : digit);
				assert_int_equal(out[i] >> 31, digit < 0);
			}
		}
}

/* Signatures in lanes, against libsecp256k1. */
static void judged(void **state)
{
	static struct judge judge;

	draw_points(false);
	judge_init(&judge, *state, &points[0]);
	for (unsigned round = 0; round < 17; round++) {
		struct sig_case c[JUDGE_LANES];
		unsigned n = 1 + round % JUDGE_LANES;

		judge_clear(&judge);
		for (unsigned i = 0; i < n; i++) {
			const uint8_t *key = c[i].key;
			struct point p;
			struct scalar s, e;
			uint8_t digest[32];

			case_sign(&c[i], &seed, i + 1);
			if (cases_random(&seed) % 3 == 0)
				c[i].signature[32 + cases_random(&seed) % 32] ^= 1;
			struct sha256_part parts[3] = {
				{c[i].signature, 32}, {c[i].key, 32}, {c[i].message, c[i].len}};

			sha256_tagged(digest, "BIP0340/challenge", parts, 3);
			scalar_read(&e, digest);
			scalar_read(&s, c[i].signature + 32);
			assert_int_equal(kernels_plain.lift(&p, NULL, &key, 1), 1);
			judge_lane(&judge, &p, c[i].signature, s, e);
		}
		while (!judge_run(&judge))
			;
		assert_int_equal(judge.lost & ((1u << n) - 1), 0);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(judge.same >> i & 1, case_valid(&c[i]));
	}
}

#define TEST(f, k)                             \
	{                                      \
#f, f, NULL, NULL, (void *)(k) \
	}

int main(void)
{
	const struct kernels *avx2 = dispatch_kernels(ASSAY_SCHNORR_AVX2);
	const struct kernels *sets[] = {&kernels_plain,
					&kernels_bounds,
					&kernels_model,
					avx2,
					avx2 != NULL ? &kernels_bounds_avx2 : NULL,
					dispatch_kernels(ASSAY_SCHNORR_IFMA)};
	int failed = 0;

	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	for (int i = 0; i < 6; i++) {
		const struct CMUnitTest tests[] = {
			TEST(lifts, sets[i]),	 TEST(distinct_sums, sets[i]),
			TEST(any_sums, sets[i]), TEST(scalars, sets[i]),
			TEST(digits, sets[i]),	 TEST(judged, sets[i])};

		if (sets[i] == NULL)
			continue;
		print_message("kernels: %s\n", sets[i]->name);
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	secp256k1_context_destroy(context);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of a small group: the formulas do not know the b of y^2 = x^3 + b, so they must hold in the
 * subgroups of order 13 and 199 of the curves with b = 2 and b = 4, where every special case of an
 * addition is a frequent one. The table is made by single additions, and checked to be a group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "crypto/schnorr/dispatch.h"
#include "crypto/schnorr/msm.h"
#include "schnorr/cases.h"
#include "schnorr/kernels_test.h"

#define ORDER_MAX 199
#define TERMS_MAX 300

static const struct point generators[2] = {
	{{0x88e489aa3d68746b, 0x929c645be56584aa, 0x346a975330b12e1d, 0x3ad3e1ec92dc070a},
	 {0x6c607f91c8520383, 0xf15065bc091001aa, 0xf787bb15bc0b9fc1, 0xab34e4942373ed8c}},
	{{0xfb12940c9ea66c18, 0x3b017a7da808c2f1, 0xa749dd392b4fb069, 0xfa7cc9a70737f2db},
	 {0xcfe525727f0501ed, 0x48df246c808dae72, 0x8732bc911f3a2868, 0x78ac123a5ed8aef3}},
};
static const uint32_t orders[2] = {13, 199};

static uint64_t seed = 10;
static uint32_t order;
static struct point table[ORDER_MAX + ADD_JOBS_MAX]; /* multiples, below p; then sums */
static struct add_scratch scratch;

static void make_table(unsigned group)
{
	struct point_sum sum = {.none = true};

	order = orders[group];
	memset(table, 0, sizeof(table));
	for (uint32_t i = 1; i <= order; i++) {
		point_add(&sum, &generators[group]);
		assert_int_equal(sum.none, i == order);
		if (i < order)
			point_affine(&table[i], &sum);
		for (uint32_t j = 1; i < order && j < i; j++)
			assert_memory_not_equal(&table[i], &table[j], sizeof(table[0]));
	}
}

/* p, not always below the field's order, is multiple i. */
static void assert_multiple(const struct point *p, uint32_t i)
{
	struct point_sum sum = {.none = true};
	struct point canonical;

	point_add(&sum, p);
	point_affine(&canonical, &sum);
	assert_memory_equal(&canonical, &table[i], sizeof(canonical));
}

static void run_sums(const struct kernels *k, struct add_job *jobs, uint32_t *told, size_t n,
		     bool special)
{
	bool infinity = false;

	for (size_t i = 0; i < n; i++)
		infinity |= told[i] == 0;
	if (special)
		assert_int_equal(k->add_any(table, jobs, n, &scratch), infinity);
	else
		assert_true(k->add(table, jobs, n, &scratch));
	for (size_t i = 0; i < n; i++)
		assert_multiple(&table[order + i], told[i]);
}

/*
 * * Every pair, in the larger group all but some with one sign and in the smaller with each; the
 * plain addition gets those without special cases.
 */
static void all_sums(const struct kernels *k, bool special)
{
	static struct add_job jobs[ADD_JOBS_MAX];
	static uint32_t told[ADD_JOBS_MAX];
	size_t n = 0, batch = ADD_JOBS_MAX / k->add_stride * k->add_stride;

	for (uint32_t all = 0, step = order == 13 ? 1 : 5; all < 4 * order * order; all += step) {
		uint32_t i = all / 4 / order, j = all / 4 % order;
		bool minus_i = all & 1, minus_j = all & 2;
		uint32_t a = minus_i ? (order - i) % order : i;
		uint32_t b = minus_j ? (order - j) % order : j;

		if (!special && (i == 0 || j == 0 || i == j || i + j == order))
			continue;
		jobs[n] =
			(struct add_job){i | (minus_i ? REF_NEGATIVE : 0),
					 j | (minus_j ? REF_NEGATIVE : 0), order + (uint32_t)n, 0};
		told[n++] = (a + b) % order;
		if (n == batch) {
			run_sums(k, jobs, told, n, special);
			n = 0;
		}
	}
	run_sums(k, jobs, told, n / k->add_stride * k->add_stride, special);
}

/* Every multiple plus every other, doubled up to three times: what is not lost is right. */
static void all_judged(const struct kernels *k)
{
	for (uint32_t i = 1; i < order; i += order == 13 ? 1 : CASES_ROUNDS(3, 20))
		for (uint32_t from = 0; from < order; from += JUDGE_LANES) {
			uint32_t ref[JUDGE_LANES], told[JUDGE_LANES], doublings = (from + i) % 4;
			uint64_t r[JUDGE_LANES][4];
			struct judge_state s;
			unsigned same, lost;

			for (uint32_t lane = 0; lane < JUDGE_LANES; lane++) {
				uint32_t j = (from + lane) % order;

				ref[lane] = j == 0 ? REF_NONE : j;
				told[lane] = ((i + j) << doublings) % order;
				memcpy(r[lane], table[told[lane]].x, 32);
			}
			k->judge_begin(&s, &table[i]);
			k->judge_add(&s, table, ref, false, JUDGE_LANES);
			k->judge_double(&s, doublings, JUDGE_LANES);
			k->judge_end(&s, (const uint64_t(*)[4])r, &same, &lost, JUDGE_LANES);
			for (uint32_t lane = 0; lane < JUDGE_LANES; lane++) {
				uint32_t j = (from + lane) % order;
				bool even = table[told[lane]].y[0] % 2 == 0;

				assert_int_equal(lost >> lane & 1, j == i || i + j == order);
				if ((lost >> lane & 1) == 0)
					assert_int_equal(same >> lane & 1, even);
			}
		}
}

static void kernels_of_small_groups(void **state)
{
	for (unsigned group = 0; group < 2; group++) {
		make_table(group);
		all_sums(*state, true);
		all_sums(*state, false);
		all_judged(*state);
	}
}

/* Numbers of all sizes, often those at the ends of the windows. */
static struct half_scalar draw(void)
{
	struct half_scalar k = {{cases_random(&seed), cases_random(&seed)},
				cases_random(&seed) % 2 == 0};

	switch (cases_random(&seed) % 6) {
	case 0:
		k.w[0] = cases_random(&seed) % 3, k.w[1] = 0;
		break;
	case 1:
		k.w[0] = k.w[1] = ~(uint64_t)0;
		break;
	case 2:
		k.w[0] = 0, k.w[1] = (uint64_t)1 << 63;
		break;
	default:
		break;
	}
	return k;
}

static uint32_t modulo(const struct half_scalar *k)
{
	uint32_t r = (uint32_t)(((unsigned __int128)k->w[1] << 64 | k->w[0]) % order);

	return k->negative ? (order - r) % order : r;
}

/* Sums of multiples in a group where everything meets everything. */
static void sums_of_small_groups(void **state)
{
	static _Alignas(64) uint64_t words[3][MSM_WORDS(TERMS_MAX)];
	static struct assay_schnorr_stats stats;
	uint32_t slots = msm_slots(4), keys = msm_keys(4);
	struct msm *m = aligned_alloc(64, (sizeof(*m) + 63) / 64 * 64);

	for (unsigned width = 4; width <= msm_width(TERMS_MAX); width++) {
		slots = msm_slots(width) > slots ? msm_slots(width) : slots;
		keys = msm_keys(width) > keys ? msm_keys(width) : keys;
	}
	assert_non_null(m);
	memset(m, 0, sizeof(*m));
	m->adder.kernels = *state;
	m->adder.pool = aligned_alloc(64, (ORDER_MAX + 2 + slots) * sizeof(struct point));
	m->adder.sum = calloc(keys, sizeof(m->adder.sum[0]));
	m->adder.slot = calloc(slots, sizeof(m->adder.slot[0]));
	m->ref = calloc(TERMS_MAX, sizeof(m->ref[0]));
	for (int i = 0; i < 3; i++)
		m->word[i] = words[i];
	m->first_slot = ORDER_MAX + 2;
	m->slot_count = slots;
	m->stats = &stats;
	assert_true(m->adder.pool != NULL && m->adder.sum != NULL && m->adder.slot != NULL &&
		    m->ref != NULL);
	for (unsigned round = 0; round < CASES_ROUNDS(100, 10); round++) {
		uint32_t n = 1 + (uint32_t)cases_random(&seed) % TERMS_MAX, told = 0;
		struct point sum;

		make_table(round % 2);
		memcpy(m->adder.pool, table, (ORDER_MAX + 2) * sizeof(struct point));
		m->adder.pads[0] = 1;
		m->adder.pads[1] = 2;
		m->adder.unused = ORDER_MAX;
		msm_start(m, n);
		for (uint32_t i = 0; i < n; i++) {
			uint32_t index = 1 + (uint32_t)cases_random(&seed) % (order - 1);
			struct half_scalar k = draw();

			msm_term(m, i, index, k.w, k.negative != 0);
			told = (told + modulo(&k) * index) % order;
		}
		while (!msm_step(m))
			;
		msm_sum(m, &sum);
		assert_memory_equal(&sum, &table[told], sizeof(sum));
	}
	free(m->adder.pool);
	free(m->adder.sum);
	free(m->adder.slot);
	free(m->ref);
	free(m);
}

int main(void)
{
	const struct kernels *sets[] = {&kernels_plain, &kernels_bounds, &kernels_model,
					dispatch_kernels(ASSAY_SCHNORR_AVX2),
					dispatch_kernels(ASSAY_SCHNORR_IFMA)};
	int failed = 0;

	for (int i = 0; i < 5; i++) {
		const struct CMUnitTest tests[] = {
			{"kernels_of_small_groups", kernels_of_small_groups, NULL, NULL,
			 (void *)sets[i]},
			{"sums_of_small_groups", sums_of_small_groups, NULL, NULL, (void *)sets[i]},
		};

		if (sets[i] == NULL)
			continue;
		print_message("kernels: %s\n", sets[i]->name);
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}

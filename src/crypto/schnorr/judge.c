/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/judge.h"

#include <string.h>

#include "crypto/schnorr/inverse.h"
#include "crypto/schnorr/point.h"

#define JOBS_MAX 256

/* Runs additions, padded to what the kernel takes. */
static void add(struct judge *j, struct add_job jobs[JOBS_MAX + LANES_MAX], size_t n)
{
	while (n % j->kernels->add_stride != 0)
		jobs[n++] = (struct add_job){JUDGE_PADS, JUDGE_PADS + 1, JUDGE_PADS + 2, 0};
	if (!j->kernels->add(j->pool, jobs, n, &j->scratch))
		j->kernels->add_any(j->pool, jobs, n, &j->scratch);
}

/*
 * Fills in multiples 2..count of `lanes` points, whose multiples lie count apart from base on: 2 P,
 * and then in rounds m P + i P for i below m, so that only the first needs a doubling.
 */
static void multiples(struct judge *j, uint32_t base, uint32_t count, unsigned lanes)
{
	struct add_job jobs[JOBS_MAX + LANES_MAX];

	for (uint32_t have = 1, more = 1; have < count; have += more) {
		size_t n = 0;

		more = have == 1 ? 1 : have - 1;
		more = more < count - have ? more : count - have;
		for (unsigned lane = 0; lane < lanes; lane++)
			for (uint32_t i = 0; i < more; i++) {
				uint32_t first = base + lane * count;

				jobs[n++] = (struct add_job){first + have - 1, first + i,
							     first + have + i, 0};
			}
		add(j, jobs, n);
	}
}

void judge_init(struct judge *j, const struct kernels *kernels, const struct point *start)
{
	struct point_sum sum = {.none = true};

	memset(j, 0, sizeof(*j));
	j->kernels = kernels;
	j->pool[JUDGE_START] = *start;
	j->pool[JUDGE_PADS] = point_g;
	j->pool[JUDGE_PADS + 1] = point_endomorphism(&point_g);
	j->pool[JUDGE_G] = point_g;
	multiples(j, JUDGE_G, JUDGE_G_MULTIPLES, 1);
	point_add(&sum, start);
	for (int i = 0; i < JUDGE_BITS; i++)
		point_double(&sum);
	point_affine(&j->pool[JUDGE_BACK], &sum);
	point_negate(&j->pool[JUDGE_BACK]);
}

void judge_clear(struct judge *j)
{
	j->lanes = 0;
	j->bit = JUDGE_BITS;
}

/* Half a window on top of every window, so that digits need no carries. */
static void shift(uint64_t out[3], const uint64_t k[2], unsigned width)
{
	unsigned __int128 c = 0;
	uint64_t half[3] = {0};

	for (unsigned bit = width - 1; bit < JUDGE_BITS; bit += width)
		half[bit / 64] |= (uint64_t)1 << (bit % 64);
	for (int i = 0; i < 3; i++) {
		c += (unsigned __int128)half[i] + (i < 2 ? k[i] : 0);
		out[i] = (uint64_t)c;
		c >>= 64;
	}
}

void judge_lane(struct judge *j, const struct point *key, const uint8_t r[32], struct scalar s,
		struct scalar e)
{
	unsigned lane = j->lanes++;
	struct half_scalar half[4];

	for (int i = 0; i < 4; i++) {
		memcpy(&j->r[lane][3 - i], r + 8 * i, 8);
		j->r[lane][3 - i] = __builtin_bswap64(j->r[lane][3 - i]);
	}
	j->pool[JUDGE_KEYS + lane * JUDGE_KEY_MULTIPLES] = *key;
	scalar_split(half, s);
	scalar_split(half + 2, scalar_negate(e));
	for (int i = 0; i < 4; i++) {
		shift(j->half[lane][i], half[i].w, i < 2 ? JUDGE_G_BITS : JUDGE_KEY_BITS);
		j->negative[lane][i] = half[i].negative;
	}
}

static uint64_t window(const uint64_t half[3], unsigned bit, unsigned width)
{
	uint64_t high = bit / 64 < 2 ? half[bit / 64 + 1] : 0;
	unsigned __int128 both = (unsigned __int128)high << 64 | half[bit / 64];

	return (uint64_t)(both >> (bit % 64)) & ((1u << width) - 1);
}

/* Adds, to each lane, its digit at bit of half scalar number `which`. */
static void add_digits(struct judge *j, int which, unsigned bit)
{
	unsigned width = which < 2 ? JUDGE_G_BITS : JUDGE_KEY_BITS;
	uint32_t ref[JUDGE_LANES];

	for (unsigned lane = 0; lane < JUDGE_LANES; lane++) {
		uint32_t table = which < 2 ? JUDGE_G : JUDGE_KEYS + lane * JUDGE_KEY_MULTIPLES;
		int digit = (int)window(j->half[lane][which], bit, width) - (1 << (width - 1));
		bool minus = (digit < 0) != j->negative[lane][which];

		ref[lane] = digit == 0 || lane >= j->lanes
				    ? REF_NONE
				    : (table + (uint32_t)(digit < 0 ? -digit : digit) - 1) |
					      (minus ? REF_NEGATIVE : 0);
	}
	j->kernels->judge_add(&j->state, j->pool, ref, which % 2 != 0, j->lanes);
}

static void start(struct judge *j)
{
	multiples(j, JUDGE_KEYS, JUDGE_KEY_MULTIPLES, j->lanes);
	j->kernels->judge_begin(&j->state, &j->pool[JUDGE_START]);
}

static void end(struct judge *j)
{
	uint32_t ref[JUDGE_LANES];

	for (unsigned i = 0; i < JUDGE_LANES; i++)
		ref[i] = JUDGE_BACK;
	j->kernels->judge_add(&j->state, j->pool, ref, false, j->lanes);
	j->kernels->judge_end(&j->state, j->r, &j->same, &j->lost, j->lanes);
	j->same &= ~j->lost;
}

/* One window of G, with the windows of the keys in it. */
bool judge_run(struct judge *j)
{
	if (j->bit == JUDGE_BITS)
		start(j);
	for (unsigned bits = JUDGE_G_BITS; bits > 0; bits -= JUDGE_KEY_BITS) {
		j->kernels->judge_double(&j->state, JUDGE_KEY_BITS, j->lanes);
		j->bit -= JUDGE_KEY_BITS;
		add_digits(j, 2, j->bit);
		add_digits(j, 3, j->bit);
	}
	add_digits(j, 0, j->bit);
	add_digits(j, 1, j->bit);
	if (j->bit > 0)
		return false;
	end(j);
	return true;
}

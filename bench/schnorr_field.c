/* SPDX-License-Identifier: Apache-2.0 */
/* The field of one kind of vectors. FIELD: name of the function. VEC: the vec_*.h. */
#include <string.h>

#include "bench.h"
#include VEC
#include "crypto/schnorr/inverse.h"
#include "crypto/schnorr/fe.h"
#include "crypto/schnorr/kernel_rows.h"
#include "schnorr_bench.h"

#define STEPS  2000
#define ROUNDS 25

/* Least cycles of a vector, in rows as the kernels work on them. */
static double least(bool square)
{
	double best = 0, k = bench_cycles_per_tick();
	struct fe x[ROWS], y[ROWS];

	for (unsigned i = 0; i < ROWS; i++)
		x[i] = y[i] = fe_set(fe_beta_words);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = bench_ticks();
		double cycles;

		v_enter();
		for (int i = 0; i < STEPS; i++)
			if (square)
				row_sqr(x, x, NULL, ROWS);
			else
				row_mul(x, x, y, NULL, ROWS);
		v_leave();
		cycles = k * (double)(bench_ticks() - start) / (STEPS * ROWS);
		best = round == 0 || cycles < best ? cycles : best;
	}
	return best;
}

struct field_cycles FIELD(void) {
	return (struct field_cycles){.lanes = LANES, .mul = least(false), .sqr = least(true)};
}

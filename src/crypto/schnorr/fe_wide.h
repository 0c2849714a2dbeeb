/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products for one lane in plain words, with 128-bit columns instead of halves of 52 bits: a third
 * of the instructions. Same operands, same term, same result modulo p as fe.h, and as tight. Builds
 * with FE_BOUNDS take fe.h's own, the twin of what the lanes do.
 */
#ifndef SCHNORR_FE_WIDE_H
#define SCHNORR_FE_WIDE_H

typedef unsigned __int128 wide;

/* The column i + j = s of a product. */
V_INLINE wide fe_wide_mul(const struct fe_operand *a, const struct fe_operand *b, int s)
{
	wide sum = 0;

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		if (i <= s && s - i < 5)
			sum += (wide)a->v[i] * b->v[s - i];
	return sum;
}

/* b is 2 a. */
V_INLINE wide fe_wide_sqr(const struct fe_operand *a, const struct fe_operand *b, int s)
{
	wide sum = s % 2 == 0 ? (wide)a->v[s / 2] * a->v[s / 2] : 0;

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		if (i < s - i && s - i < 5)
			sum += (wide)a->v[i] * b->v[s - i];
	return sum;
}

/*
 * The low columns and, beside them, the high ones, which fold into them by R: two sums are alive.
 * Columns are below 5 2^104, so high < 2^107 and its last carry, all of column 9, is below 2^55;
 * low < 2^107 + 2^92, its top T below 2^60, and T K < 2^97.
 */
V_INLINE struct fe fe_wide_sum(wide (*column)(const struct fe_operand *a,
					      const struct fe_operand *b, int s),
			       const struct fe_operand *a, const struct fe_operand *b,
			       const struct fe *term)
{
	struct fe r;
	wide high = 0, low = 0;

	FE_UNROLL
	for (int k = 0; k < 4; k++) {
		high += column(a, b, 5 + k);
		low += column(a, b, k) + (term != NULL ? term->v[k] : 0);
		low += (wide)((uint64_t)high & M52) * FE_R;
		r.v[k] = (uint64_t)low & M52;
		high >>= 52;
		low >>= 52;
	}
	low += column(a, b, 4) + (term != NULL ? term->v[4] : 0);
	low += (wide)(uint64_t)high * FE_R;
	r.v[4] = (uint64_t)low & M48;
	low = (wide)(uint64_t)(low >> 48) * 0x1000003d1u + r.v[0];
	r.v[0] = (uint64_t)low & M52;
	r.v[1] += (uint64_t)(low >> 52);
	return fe_carry(r);
}

V_INLINE struct fe fe_mul_wide(const struct fe_operand *a, const struct fe_operand *b,
			       const struct fe *term)
{
	return fe_wide_sum(fe_wide_mul, a, b, term);
}

V_INLINE struct fe fe_sqr_wide(const struct fe_operand *a, const struct fe *term)
{
	struct fe_operand twice;

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		twice.v[i] = 2 * a->v[i];
	return fe_wide_sum(fe_wide_sqr, a, &twice, term);
}

#endif

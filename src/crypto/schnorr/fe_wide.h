/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products for one lane in plain words, with 128-bit columns instead of halves of 52 bits: a third
 * of the instructions. Same operands, same term, same result modulo p as fe.h, and as tight. Builds
 * with FE_BOUNDS take fe.h's own, the twin of what the lanes do.
 */
#ifndef SCHNORR_FE_WIDE_H
#define SCHNORR_FE_WIDE_H

typedef unsigned __int128 wide;

/*
 * Columns t[0..8] < 5 2^104. High limbs z[5..8] < 2^52, z[9] < 2^55; column 4 of the fold is below
 * 2^94, so T < 2^46 and T K < 2^79.
 */
V_INLINE struct fe fe_reduce_wide(const wide t[9], const struct fe *term)
{
	uint64_t z[10];
	struct fe r;
	wide c = 0;

	FE_UNROLL
	for (int i = 0; i < 9; i++) {
		c += t[i];
		z[i] = (uint64_t)c & M52;
		c >>= 52;
	}
	z[9] = (uint64_t)c;
	c = 0;
	FE_UNROLL
	for (int i = 0; i < 4; i++) {
		c += (wide)z[5 + i] * FE_R + z[i] + (term != NULL ? term->v[i] : 0);
		r.v[i] = (uint64_t)c & M52;
		c >>= 52;
	}
	c += (wide)z[9] * FE_R + z[4] + (term != NULL ? term->v[4] : 0);
	r.v[4] = (uint64_t)c & M48;
	c = (wide)(uint64_t)(c >> 48) * 0x1000003d1u + r.v[0];
	r.v[0] = (uint64_t)c & M52;
	r.v[1] += (uint64_t)(c >> 52);
	return fe_carry(r);
}

V_INLINE struct fe fe_mul_wide(const struct fe_operand *a, const struct fe_operand *b,
			       const struct fe *term)
{
	wide t[9] = {0};

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		FE_UNROLL
	for (int j = 0; j < 5; j++)
		t[i + j] += (wide)a->v[i] * b->v[j];
	return fe_reduce_wide(t, term);
}

V_INLINE struct fe fe_sqr_wide(const struct fe_operand *a, const struct fe *term)
{
	wide t[9] = {0};

	FE_UNROLL
	for (int i = 0; i < 5; i++) {
		t[2 * i] += (wide)a->v[i] * a->v[i];
		FE_UNROLL
		for (int j = i + 1; j < 5; j++)
			t[i + j] += (wide)(2 * a->v[i]) * a->v[j];
	}
	return fe_reduce_wide(t, term);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field of p = 2^256 - 2^32 - 977 in five limbs of 52 bits, a vector of lanes each. Included by
 * a kernel file after its vec_*.h.
 *
 * Bounds. "tight" (what mul and sqr give): limbs 0..3 < 2^52, limb 4 < 2^48 + 2^8.
 * "operand" (what mul and sqr take): limbs 0..3 < 2^52, limb 4 < 2^51.
 * "term" (what may be added to a product before its reduction): every limb < 2^58.
 */
#ifndef SCHNORR_FE_H
#define SCHNORR_FE_H

struct fe {
	vec v[5];
};
struct fe_operand {
	operand v[5];
};

#define FE_R	  ((uint64_t)0x1000003d10) /* 2^260 mod p */
#define FE_UNROLL _Pragma("GCC unroll 10")
#define M48	  (((uint64_t)1 << 48) - 1)

/* 2 p with limbs no smaller than any tight limb, so that 2 p - x borrows nothing. */
static const uint64_t fe_2p[5] = {0x1ffffdfffff85e, 0x1ffffffffffffe, 0x1ffffffffffffe,
				  0x1ffffffffffffe, 0x1fffffffffffe};
static const uint64_t fe_beta_words[5] = {0x96c28719501ee, 0x7512f58995c13, 0xc3434e99cf049,
					  0x7106e64479ea, 0x7ae96a2b657c};

V_INLINE struct fe_operand fe_operand_of(struct fe a)
{
	struct fe_operand o;

	V_BELOW(a.v[4], 51);
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		o.v[i] = v_operand(a.v[i]);
	return o;
}

V_INLINE struct fe fe_set(const uint64_t words[5])
{
	struct fe r;

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		r.v[i] = v_broadcast(words[i]);
	return r;
}

V_INLINE struct fe fe_small(uint64_t x)
{
	return fe_set((uint64_t[5]){x, 0, 0, 0, 0});
}

/* limb 0..3 back below 2^52, the rest to limb 4. */
V_INLINE struct fe fe_carry(struct fe a)
{
	vec mask = v_set(M52);

	FE_UNROLL
	for (int i = 0; i < 4; i++) {
		a.v[i + 1] = v_add(a.v[i + 1], v_shr(a.v[i], 52));
		a.v[i] = v_and(a.v[i], mask);
	}
	return a;
}

/*
 * The reduction of z[0..9], z[k] < 2^55.4 (at most ten halves below 2^52), z[9] < 2^50, plus a term
 * in z[0..4] (< 2^58), in four steps that take a column when it is complete. What each leaves:
 *   fe_fold, i = 0..3: z[6 + i] gets what z[5 + i] has above 52 bits, which are dead there then;
 *   z[9] < 2^50 + 2^4. Fold by R < 2^37: lows < 2^52, highs < 2^37, so z[0..4] < 2^59.
 *   fe_fold_top: z[4] likewise; h < 2^(51+37-52) = 2^36.
 *   T = (z4 >> 48) + 16 h < 2^11 + 2^40 < 2^41.
 *   fe_end: T K < 2^74: low < 2^52, high < 2^22. Ripple z0..z4: carries < 2^8, so z[4] < 2^48 +
 * 2^8.
 */
V_INLINE void fe_fold(vec z[10], int i)
{
	z[6 + i] = v_add(z[6 + i], v_shr(z[5 + i], 52));
	V_SUM_BELOW(z[6 + i], 56);
	v_madd(&z[i], &z[i + 1], v_operand_low(z[5 + i]), v_operand_set(FE_R));
}

V_INLINE vec fe_fold_top(vec z[10])
{
	vec h = V_ACC(0, 1);

	v_madd(&z[4], &h, v_operand(z[9]), v_operand_set(FE_R));
	return h;
}

V_INLINE vec fe_take_top(vec z[10], vec h)
{
	vec t = v_add(v_shr(z[4], 48), v_shl(h, 4));

	V_BELOW(z[4], 59);
	V_BELOW(t, 41);
	z[4] = v_and(z[4], v_set(M48));
	return t;
}

V_INLINE struct fe fe_end(vec z[10], vec t)
{
	FE_UNROLL
	for (int i = 0; i < 4; i++)
		V_SUM_BELOW(z[i], 59);
	v_madd(&z[0], &z[1], v_operand(t), v_operand_set(0x1000003d1));

	struct fe out = fe_carry((struct fe){{z[0], z[1], z[2], z[3], z[4]}});

	/* out[4] < 2^48 + 2^8 */
	V_BELOW(v_add(out.v[4], v_set(((uint64_t)1 << 48) - 256)), 49);
	return out;
}

V_INLINE struct fe fe_reduce(vec z[10])
{
	vec h;

	FE_UNROLL
	for (int i = 0; i < 4; i++)
		fe_fold(z, i);
	h = fe_fold_top(z);
	return fe_end(z, fe_take_top(z, h));
}

#if defined(V_WIDE) && !defined(FE_BOUNDS)
#include "crypto/schnorr/fe_wide.h"
#define FE_WIDE(call) return call
#else
#define FE_WIDE(call) ((void)0)
#endif

/* The numbers of halves that each column gets in all: the products, the fold, the last fold. */
#define FE_COLUMNS(ACC)                                                                       \
	{                                                                                     \
		ACC(3u, 0u), ACC(3u, 3u), ACC(4u, 3u), ACC(5u, 4u), ACC(6u, 5u), ACC(4u, 5u), \
			ACC(3u, 4u), ACC(2u, 3u), ACC(1u, 2u), ACC(0u, 1u)                    \
	}

V_INLINE void fe_add_term(vec z[10], const struct fe *term)
{
	if (term == NULL)
		return;
	FE_UNROLL
	for (int i = 0; i < 5; i++) {
		V_BELOW(term->v[i], 58);
		z[i] = v_add(z[i], term->v[i]);
	}
}

/* The products a_i b_j with i + j = s. */
V_INLINE void fe_column(vec z[10], const struct fe_operand *a, const struct fe_operand *b, int s)
{
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		if (i <= s && s - i < 5)
			v_madd(&z[s], &z[s + 1], a->v[i], b->v[s - i]);
}

/*
 * a b + term. With few registers the upper columns come first, so that their reduction waits beside
 * the lower ones. With 32 of them (V_ROOMY) all columns are open at once, and the products go
 * through these in turn: a column that is summed at a stretch waits four cycles for each product.
 */
V_INLINE struct fe fe_mul_operands(const struct fe_operand *a, const struct fe_operand *b,
				   const struct fe *term)
{
	FE_WIDE(fe_mul_wide(a, b, term));
	vec z[10] = FE_COLUMNS(V_ACC), h, t;

	fe_add_term(z, term);
#ifdef V_ROOMY
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		FE_UNROLL
	for (int j = 0; j < 5; j++)
		v_madd(&z[i + j], &z[i + j + 1], a->v[i], b->v[j]);
	return fe_reduce(z);
#endif
	fe_column(z, a, b, 4);
	FE_UNROLL
	for (int i = 0; i < 4; i++) {
		fe_column(z, a, b, 5 + i);
		fe_fold(z, i);
	}
	fe_column(z, a, b, 3);
	h = fe_fold_top(z);
	fe_column(z, a, b, 2);
	t = fe_take_top(z, h);
	fe_column(z, a, b, 1);
	fe_column(z, a, b, 0);
	return fe_end(z, t);
}

/* a^2 + term */
V_INLINE struct fe fe_sqr_operand(const struct fe_operand *a, const struct fe *term)
{
	FE_WIDE(fe_sqr_wide(a, term));
	vec z[10] = FE_COLUMNS(V_ACC_HALF);

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		FE_UNROLL
	for (int j = i + 1; j < 5; j++)
		v_madd(&z[i + j], &z[i + j + 1], a->v[i], a->v[j]);
	FE_UNROLL
	for (int i = 0; i < 10; i++)
		z[i] = v_add(z[i], z[i]);
	fe_add_term(z, term);
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		v_madd(&z[2 * i], &z[2 * i + 1], a->v[i], a->v[i]);
	return fe_reduce(z);
}

V_INLINE struct fe fe_mul_add(struct fe a, struct fe b, const struct fe *term)
{
	struct fe_operand x = fe_operand_of(a), y = fe_operand_of(b);

	return fe_mul_operands(&x, &y, term);
}

V_INLINE struct fe fe_mul(struct fe a, struct fe b)
{
	return fe_mul_add(a, b, NULL);
}

V_INLINE struct fe fe_sqr(struct fe a)
{
	struct fe_operand x = fe_operand_of(a);

	return fe_sqr_operand(&x, NULL);
}

/* Limb by limb, no carry. */
V_INLINE struct fe fe_raw_add(struct fe a, struct fe b)
{
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] = v_add(a.v[i], b.v[i]);
	return a;
}

/* times * 2 p - a, for limbs of a up to times * those of 2 p; a term. */
V_INLINE struct fe fe_raw_neg(struct fe a, unsigned times)
{
	struct fe r;

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		r.v[i] = v_sub(v_broadcast(times * fe_2p[i]), a.v[i]);
	return r;
}

/* a + b, both tight; an operand. */
V_INLINE struct fe fe_add(struct fe a, struct fe b)
{
	return fe_carry(fe_raw_add(a, b));
}

/* a - b, both tight: limb 4 < 2^48 + 2^49 + 2^9: an operand. */
V_INLINE struct fe fe_sub(struct fe a, struct fe b)
{
	return fe_carry(fe_raw_add(a, fe_raw_neg(b, 1)));
}

/* What limb 4 has above 2^256 to the bottom; of limbs 0..3 < 2^52 and limb 4 < 2^59 tight. */
V_INLINE struct fe fe_fold_over(struct fe a)
{
	vec t = v_shr(a.v[4], 48);

	a.v[4] = v_and(a.v[4], v_set(M48));
	a.v[0] = v_add(a.v[0], v_times_k(t));
	return fe_carry(a);
}

/* A term with limbs < 2^58 made tight without a product. limb 4 >> 48 < 2^11 after the carry. */
V_INLINE struct fe fe_tighten(struct fe a)
{
	return fe_fold_over(fe_carry(a));
}

/* The one representative below p, from tight. */
V_INLINE struct fe fe_canonical(struct fe a)
{
	struct fe u;
	vec over;

	a = fe_tighten(
		a); /* now < 2^256 + 2^43 < 2 p, for the bits above 256 are gone or it is tiny */
	u = a;
	u.v[0] = v_add(u.v[0], v_set(0x1000003d1));
	u = fe_carry(u);
	over = v_is_zero(v_shr(u.v[4], 48)); /* all ones: a < p */
	u.v[4] = v_and(u.v[4], v_set(M48));
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		a.v[i] = v_select(over, a.v[i], u.v[i]);
	return a;
}

/* Mask of lanes that are zero modulo p; takes what fe_canonical takes. */
V_INLINE vec fe_is_zero(struct fe a)
{
	a = fe_canonical(a);
	return v_is_zero(v_or(v_or(v_or(a.v[0], a.v[1]), v_or(a.v[2], a.v[3])), a.v[4]));
}

V_INLINE struct fe fe_select(vec mask, struct fe yes, struct fe no)
{
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		no.v[i] = v_select(mask, yes.v[i], no.v[i]);
	return no;
}

/* Four 64-bit words to limbs and back; back takes tight. */
V_INLINE struct fe fe_unpack(const vec w[4])
{
	vec mask = v_set(M52);
	struct fe r;

	r.v[0] = v_and(w[0], mask);
	r.v[1] = v_and(v_or(v_shr(w[0], 52), v_shl(w[1], 12)), mask);
	r.v[2] = v_and(v_or(v_shr(w[1], 40), v_shl(w[2], 24)), mask);
	r.v[3] = v_and(v_or(v_shr(w[2], 28), v_shl(w[3], 36)), mask);
	r.v[4] = v_shr(w[3], 16);
	return r;
}

/* Limbs below their 52 and 48 bits. */
V_INLINE void fe_words(vec w[4], struct fe a)
{
	w[0] = v_or(a.v[0], v_shl(a.v[1], 52));
	w[1] = v_or(v_shr(a.v[1], 12), v_shl(a.v[2], 40));
	w[2] = v_or(v_shr(a.v[2], 24), v_shl(a.v[3], 28));
	w[3] = v_or(v_shr(a.v[3], 36), v_shl(a.v[4], 16));
}

/* A tight value goes below 2^256: what is above is folded, and then little is left. */
V_INLINE void fe_pack(vec w[4], struct fe a)
{
	fe_words(w, fe_fold_over(a));
}

V_INLINE struct fe fe_load(const uint64_t *p)
{
	struct fe r;

	FE_UNROLL
	for (int i = 0; i < 5; i++)
		r.v[i] = v_load(p + LANES * i);
	return r;
}

V_INLINE void fe_store(uint64_t *p, struct fe a)
{
	FE_UNROLL
	for (int i = 0; i < 5; i++)
		v_store(p + LANES * i, a.v[i]);
}

#endif

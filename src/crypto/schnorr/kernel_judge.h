/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel: eight Jacobian points, doubled together and added to, each by its own. Part of
 * kernels_*.c. x and y of a state are tight, z is an operand. Additions are the short formula:
 * equal or opposite points, and infinity, make z zero, which no later step undoes; judge_end tells.
 */
#ifndef SCHNORR_KERNEL_JUDGE_H
#define SCHNORR_KERNEL_JUDGE_H

struct fe_point {
	struct fe x, y, z;
};

V_INLINE struct fe judge_load(const uint64_t p[5][JUDGE_LANES], int from)
{
	struct fe r;

	for (int k = 0; k < 5; k++)
		r.v[k] = v_load(p[k] + from);
	return r;
}

V_INLINE void judge_store(uint64_t p[5][JUDGE_LANES], int from, struct fe a)
{
	for (int k = 0; k < 5; k++)
		v_store(p[k] + from, a.v[k]);
}

V_INLINE struct fe_point judge_get(const struct judge_state *s, int from)
{
	return (struct fe_point){judge_load(s->x, from), judge_load(s->y, from),
				 judge_load(s->z, from)};
}

V_INLINE void judge_put(struct judge_state *s, int from, struct fe_point p)
{
	judge_store(s->x, from, p.x);
	judge_store(s->y, from, p.y);
	judge_store(s->z, from, p.z);
}

V_INLINE struct fe times(struct fe a, int shift)
{
	for (int i = 0; i < 5; i++)
		a.v[i] = v_shl(a.v[i], shift);
	return a;
}

/*
 * m = 3 x^2, s = 4 x y^2: limb 4 < 2^50 + 2^10 after their carries. 2 s is within 8 * 2 p, and so
 * is 8 y^4; s - x3 has limb 4 < 2^50 + 2^49 + 2^11.
 */
V_INLINE struct fe_point judge_double_one(struct fe_point p)
{
	struct fe xx = fe_sqr(p.x), yy = fe_sqr(p.y), m, s, term;
	struct fe_point r;

	m = fe_carry(fe_raw_add(times(xx, 1), xx));
	s = fe_carry(times(fe_mul(p.x, yy), 2));
	r.z = fe_carry(times(fe_mul(p.y, p.z), 1));

	struct fe_operand slope = fe_operand_of(m);

	term = fe_raw_neg(times(s, 1), 8);
	r.x = fe_sqr_operand(&slope, &term);

	struct fe_operand back = fe_operand_of(fe_carry(fe_raw_add(s, fe_raw_neg(r.x, 1))));

	term = fe_raw_neg(times(fe_sqr(yy), 3), 8);
	r.y = fe_mul_operands(&slope, &back, &term);
	return r;
}

V_INLINE struct fe_point judge_add_one(struct fe_point p, struct fe x, struct fe y)
{
	struct fe zz = fe_sqr(p.z), h = fe_sub(fe_mul(x, zz), p.x), hh = fe_sqr(h), v, hhh, term;
	struct fe_operand r = fe_operand_of(fe_sub(fe_mul(fe_mul(y, p.z), zz), p.y));
	struct fe_point sum;

	hhh = fe_mul(hh, h);
	v = fe_mul(p.x, hh);
	term = fe_raw_neg(fe_raw_add(hhh, times(v, 1)), 4);
	sum.x = fe_sqr_operand(&r, &term);
	term = fe_raw_neg(fe_mul(p.y, hhh), 1);

	struct fe_operand back = fe_operand_of(fe_sub(v, sum.x));

	sum.y = fe_mul_operands(&r, &back, &term);
	sum.z = fe_mul(p.z, h);
	return sum;
}

/* Point and sign of each lane; *absent: lanes with REF_NONE, which get the pool's first point. */
V_INLINE void judge_gather(struct fe *x, struct fe *y, vec *absent, const struct point *pool,
			   const uint32_t ref[])
{
	_Alignas(64) uint64_t plus[LANES], present[LANES];
	struct add_job jobs[LANES];

	for (int i = 0; i < LANES; i++) {
		present[i] = ref[i] != REF_NONE;
		plus[i] = present[i] ? ref[i] & REF_NEGATIVE : 0;
		jobs[i].a = present[i] ? ref[i] & ~REF_NEGATIVE : 0;
	}
	*x = gather(pool, jobs, false, false);
	*y = gather(pool, jobs, false, true);
	*y = fe_carry(fe_select(v_is_zero(v_load(plus)), *y, fe_raw_neg(*y, 1)));
	*absent = v_is_zero(v_load(present));
}

static __attribute__((noinline)) void judge_double_run(struct judge_state *s, unsigned doublings)
{
	struct fe_point p[JUDGE_LANES / LANES];

	for (int i = 0; i < JUDGE_LANES / LANES; i++)
		p[i] = judge_get(s, i * LANES);
	for (unsigned d = 0; d < doublings; d++)
		for (int i = 0; i < JUDGE_LANES / LANES; i++)
			p[i] = judge_double_one(p[i]);
	for (int i = 0; i < JUDGE_LANES / LANES; i++)
		judge_put(s, i * LANES, p[i]);
}

static __attribute__((noinline)) void judge_add_run(struct judge_state *s, const struct point *pool,
						    const uint32_t ref[JUDGE_LANES], bool beta)
{
	for (int i = 0; i < JUDGE_LANES; i += LANES) {
		struct fe_point p = judge_get(s, i), sum;
		struct fe x, y;
		vec absent;

		judge_gather(&x, &y, &absent, pool, ref + i);
		if (beta)
			x = fe_mul(x, fe_set(fe_beta_words));
		sum = judge_add_one(p, x, y);
		sum.x = fe_select(absent, p.x, sum.x);
		sum.y = fe_select(absent, p.y, sum.y);
		sum.z = fe_select(absent, p.z, sum.z);
		judge_put(s, i, sum);
	}
}

static __attribute__((noinline)) void judge_end_run(const struct judge_state *s,
						    const struct point *pool,
						    const uint32_t ref[JUDGE_LANES], uint8_t *same,
						    uint8_t *lost)
{
	*same = *lost = 0;
	for (int i = 0; i < JUDGE_LANES; i += LANES) {
		struct fe_point p = judge_get(s, i);
		struct fe x, y, zz = fe_sqr(p.z);
		vec absent, good;

		judge_gather(&x, &y, &absent, pool, ref + i);
		good = v_and(fe_is_zero(fe_sub(fe_mul(x, zz), p.x)),
			     fe_is_zero(fe_sub(fe_mul(fe_mul(y, p.z), zz), p.y)));
		*same |= (uint8_t)(v_bits(good) << i);
		*lost |= (uint8_t)(v_bits(fe_is_zero(p.z)) << i);
	}
}

static void kernel_judge_double(struct judge_state *s, unsigned doublings)
{
	v_enter();
	judge_double_run(s, doublings);
	v_leave();
}

static void kernel_judge_add(struct judge_state *s, const struct point *pool,
			     const uint32_t ref[JUDGE_LANES], bool beta)
{
	v_enter();
	judge_add_run(s, pool, ref, beta);
	v_leave();
}

static void kernel_judge_end(const struct judge_state *s, const struct point *pool,
			     const uint32_t ref[JUDGE_LANES], uint8_t *same, uint8_t *lost)
{
	v_enter();
	judge_end_run(s, pool, ref, same, lost);
	v_leave();
}

#endif

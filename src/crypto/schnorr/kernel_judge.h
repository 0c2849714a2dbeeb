/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel: Jacobian points side by side, doubled together and added to, each by its own. Part of
 * kernels_*.c. x and y of a state are tight, z is an operand. Additions are the short formula:
 * equal or opposite points, and infinity, make z zero, which no later step undoes; judge_end tells.
 */
#ifndef SCHNORR_KERNEL_JUDGE_H
#define SCHNORR_KERNEL_JUDGE_H

#define JUDGE_VECTORS (JUDGE_LANES / LANES)

/* A row of points in a state. */
struct fe_points {
	struct fe *x, *y, *z;
};

V_INLINE struct fe_points judge_row(struct judge_state *s, unsigned at)
{
	return (struct fe_points){(struct fe *)s->x + at, (struct fe *)s->y + at,
				  (struct fe *)s->z + at};
}

V_INLINE unsigned judge_vectors(unsigned lanes)
{
	return (lanes + LANES - 1) / LANES;
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
V_STAGE void judge_double_row(struct fe_points p, unsigned n)
{
	struct fe m[ROWS], yy[ROWS], s[ROWS], term[ROWS];

	ROW_NOT_EMPTY(n);
	row_sqr(m, p.x, NULL, n);
	row_sqr(yy, p.y, NULL, n);
	row_mul(s, p.x, yy, NULL, n);
	row_mul(p.z, p.y, p.z, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		m[i] = fe_carry(fe_raw_add(times(m[i], 1), m[i]));
		s[i] = fe_carry(times(s[i], 2));
		p.z[i] = fe_carry(times(p.z[i], 1));
		term[i] = fe_raw_neg(times(s[i], 1), 8);
	}
	row_sqr(p.x, m, term, n);
	row_sqr(yy, yy, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		s[i] = fe_carry(fe_raw_add(s[i], fe_raw_neg(p.x[i], 1)));
		term[i] = fe_raw_neg(times(yy[i], 3), 8);
	}
	row_mul(p.y, m, s, term, n);
}

/* Points to add, with their signs; absent: lanes with REF_NONE, which get the pool's first point.
 */
struct addends {
	struct fe x[ROWS], y[ROWS];
	vec absent[ROWS];
};

V_STAGE void judge_gather(struct addends *a, const struct point *pool, const uint32_t *ref,
			  unsigned n)
{
	for (unsigned v = 0; v < n; v++, ref += LANES) {
		_Alignas(64) uint64_t plus[LANES], present[LANES];
		struct add_job jobs[LANES];
		struct fe y;

		for (int i = 0; i < LANES; i++) {
			present[i] = ref[i] != REF_NONE;
			plus[i] = present[i] ? ref[i] & REF_NEGATIVE : 0;
			jobs[i].a = present[i] ? ref[i] & ~REF_NEGATIVE : 0;
		}
		a->x[v] = gather(pool, jobs, false, false);
		y = gather(pool, jobs, false, true);
		a->y[v] = fe_carry(fe_select(v_is_zero(v_load(plus)), y, fe_raw_neg(y, 1)));
		a->absent[v] = v_is_zero(v_load(present));
	}
}

V_STAGE void judge_add_row(struct fe_points p, const struct addends *a, unsigned n)
{
	struct fe zz[ROWS], h[ROWS], r[ROWS], hhh[ROWS], v[ROWS], term[ROWS], x[ROWS], y[ROWS];

	ROW_NOT_EMPTY(n);
	row_sqr(zz, p.z, NULL, n);
	row_mul(h, a->x, zz, NULL, n);
	row_sub(h, h, p.x, n);
	row_mul(r, a->y, p.z, NULL, n);
	row_mul(r, r, zz, NULL, n);
	row_sub(r, r, p.y, n);
	row_sqr(v, h, NULL, n);
	row_mul(hhh, v, h, NULL, n);
	row_mul(v, p.x, v, NULL, n);
	for (unsigned i = 0; i < n; i++)
		term[i] = fe_raw_neg(fe_raw_add(hhh[i], times(v[i], 1)), 4);
	row_sqr(x, r, term, n);
	row_mul(y, p.y, hhh, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		v[i] = fe_sub(v[i], x[i]);
		term[i] = fe_raw_neg(y[i], 1);
	}
	row_mul(y, r, v, term, n);
	row_mul(h, p.z, h, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		p.x[i] = fe_select(a->absent[i], p.x[i], x[i]);
		p.y[i] = fe_select(a->absent[i], p.y[i], y[i]);
		p.z[i] = fe_select(a->absent[i], p.z[i], h[i]);
	}
}

/* Lanes that are lost (z is zero), and those whose affine point has this x and an even y. */
V_STAGE void judge_end_row(struct fe_points p, const uint64_t (*r)[4], unsigned *same,
			   unsigned *lost, unsigned n)
{
	struct fe z[ROWS], zz[ROWS], x[ROWS], y[ROWS];
	vec gone[ROWS];

	for (unsigned i = 0; i < n; i++) {
		z[i] = fe_tighten(p.z[i]);
		gone[i] = fe_is_zero(z[i]);
		z[i] = fe_select(gone[i], fe_small(1), z[i]);
	}
	must(row_invert(z, n));
	row_sqr(zz, z, NULL, n);
	row_mul(x, p.x, zz, NULL, n);
	row_mul(zz, zz, z, NULL, n);
	row_mul(y, p.y, zz, NULL, n);
	for (unsigned i = 0; i < n; i++) {
		const uint64_t *rows[LANES];
		vec w[4], odd = v_and(fe_canonical(y[i]).v[0], v_set(1)), good;

		for (int k = 0; k < LANES; k++)
			rows[k] = r[i * LANES + (unsigned)k];
		v_load_rows(w, rows);
		good = v_and(v_is_zero(odd), fe_is_zero(fe_sub(fe_unpack(w), x[i])));
		*same |= v_bits(good) << (i * LANES);
		*lost |= v_bits(gone[i]) << (i * LANES);
	}
}

static void kernel_judge_begin(struct judge_state *s, const struct point *start)
{
	struct fe_points p = judge_row(s, 0);
	struct add_job jobs[LANES];

	memset(jobs, 0, sizeof(jobs));
	for (unsigned i = 0; i < JUDGE_VECTORS; i++) {
		p.x[i] = gather(start, jobs, false, false);
		p.y[i] = gather(start, jobs, false, true);
		p.z[i] = fe_small(1);
	}
}

static void kernel_judge_double(struct judge_state *s, unsigned doublings, unsigned lanes)
{
	unsigned vectors = judge_vectors(lanes);

	v_enter();
	for (unsigned at = 0; at < vectors; at += ROWS)
		for (unsigned d = 0; d < doublings; d++)
			judge_double_row(judge_row(s, at), row_of(at, vectors));
	v_leave();
}

static void kernel_judge_add(struct judge_state *s, const struct point *pool, const uint32_t *ref,
			     bool beta, unsigned lanes)
{
	unsigned vectors = judge_vectors(lanes);

	v_enter();
	for (unsigned at = 0; at < vectors; at += ROWS) {
		unsigned n = row_of(at, vectors);
		struct addends a;

		judge_gather(&a, pool, ref + at * LANES, n);
		for (unsigned i = 0; beta && i < n; i++) {
			struct fe root = fe_set(fe_beta_words);

			row_mul(&a.x[i], &a.x[i], &root, NULL, 1);
		}
		judge_add_row(judge_row(s, at), &a, n);
	}
	v_leave();
}

static void kernel_judge_end(struct judge_state *s, const uint64_t (*r)[4], unsigned *same,
			     unsigned *lost, unsigned lanes)
{
	unsigned vectors = judge_vectors(lanes);

	*same = *lost = 0;
	v_enter();
	for (unsigned at = 0; at < vectors; at += ROWS) {
		unsigned some = 0, gone = 0;

		judge_end_row(judge_row(s, at), r + at * LANES, &some, &gone, row_of(at, vectors));
		*same |= some << (at * LANES);
		*lost |= gone << (at * LANES);
	}
	v_leave();
}

#endif

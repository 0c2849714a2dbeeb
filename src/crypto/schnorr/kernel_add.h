/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel: independent affine additions that share one inversion (Montgomery's trick). Part of
 * kernels_*.c. Forward: the differences of x and their running products, a chain for each vector of
 * a row. Backward: each inverse, the slope, the sum.
 */
#ifndef SCHNORR_KERNEL_ADD_H
#define SCHNORR_KERNEL_ADD_H

#define POINT(pool, ref) (&(pool)[(ref) & ~REF_NEGATIVE])

struct fe_pair { /* operands of LANES jobs */
	struct fe x1, y1, x2, y2;
};

V_INLINE struct fe gather(const struct point *pool, const struct add_job *jobs, bool second, bool y)
{
	const uint64_t *rows[LANES];
	vec w[4];

	for (int i = 0; i < LANES; i++) {
		const struct point *p = POINT(pool, second ? jobs[i].b : jobs[i].a);

		rows[i] = y ? p->y : p->x;
	}
	v_load_rows(w, rows);
	return fe_unpack(w);
}

/* y with its sign: below 2 p, limbs within those of 2 p. */
V_INLINE struct fe gather_y(const struct point *pool, const struct add_job *jobs, bool second)
{
	_Alignas(64) uint64_t plus[LANES];
	struct fe y = gather(pool, jobs, second, true);

	for (int i = 0; i < LANES; i++)
		plus[i] = (second ? jobs[i].b : jobs[i].a) & REF_NEGATIVE;
	return fe_select(v_is_zero(v_load(plus)), y, fe_raw_neg(y, 1));
}

/* What the complete addition has to know of a vector of jobs. */
struct add_cases {
	vec none1, none2; /* that operand is infinity */
	vec equal;	  /* both points are the same */
	vec opposite;	  /* the sum is infinity */
};

V_INLINE vec none(struct fe x)
{
	return v_is_zero(v_or(v_or(v_or(x.v[0], x.v[1]), v_or(x.v[2], x.v[3])), x.v[4]));
}

/* y1, y2 within 2 p each. */
V_INLINE struct add_cases add_cases_of(const struct fe_pair *p)
{
	struct add_cases c = {.none1 = none(p->x1), .none2 = none(p->x2)};
	vec any = v_or(c.none1, c.none2), zero = v_set(0);
	vec same_x = fe_is_zero(fe_sub(p->x1, p->x2));
	vec opposite = fe_is_zero(fe_tighten(fe_raw_add(p->y1, p->y2)));

	same_x = v_select(any, zero, same_x);
	c.opposite = v_and(same_x, opposite);
	c.equal = v_select(opposite, zero, same_x);
	return c;
}

/* The number whose inverse the slope needs. An operand. */
V_INLINE struct fe add_difference(const struct fe_pair *p, const struct add_cases *c)
{
	struct fe d = fe_sub(p->x2, p->x1);

	if (c == NULL)
		return d;
	d = fe_select(c->equal, fe_carry(fe_raw_add(p->y1, p->y1)), d);
	return fe_select(v_or(v_or(c->none1, c->none2), c->opposite), fe_small(1), d);
}

/* The vectors of a row of jobs. */
V_STAGE void add_load(struct fe_pair *p, const struct point *pool, const struct add_job *jobs,
		      unsigned n)
{
	for (unsigned i = 0; i < n; i++, jobs += LANES)
		p[i] = (struct fe_pair){
			gather(pool, jobs, false, false), gather_y(pool, jobs, false),
			gather(pool, jobs, true, false), gather_y(pool, jobs, true)};
}

/* The same on the way back: x1 is kept, and x2 - x1, which tells an x2 with limbs below 2^53, 2^50.
 */
V_STAGE void add_load_again(struct fe_pair *p, const struct point *pool, const struct add_job *jobs,
			    const struct fe *d, const struct fe *x1, unsigned n)
{
	for (unsigned i = 0; i < n; i++, jobs += LANES)
		p[i] = (struct fe_pair){x1[i], gather_y(pool, jobs, false), fe_raw_add(x1[i], d[i]),
					gather_y(pool, jobs, true)};
}

V_STAGE void add_differences(struct fe *d, struct fe *x1, const struct point *pool,
			     const struct add_job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++, jobs += LANES) {
		x1[i] = gather(pool, jobs, false, false);
		d[i] = fe_sub(gather(pool, jobs, true, false), x1[i]);
	}
}

V_STAGE void add_differences_any(struct fe *d, const struct point *pool, const struct add_job *jobs,
				 unsigned n)
{
	struct fe_pair p[ROWS];

	add_load(p, pool, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		struct add_cases cases = add_cases_of(&p[i]);

		d[i] = add_difference(&p[i], &cases);
	}
}

/* Differences and running products; chain c ends with its whole product in last[c]. */
V_INLINE void add_forward(struct fe last[ROWS], const struct point *pool,
			  const struct add_job *jobs, size_t vectors, struct add_scratch *s,
			  bool any)
{
	struct fe *product = (struct fe *)s->product, *difference = (struct fe *)s->difference;
	struct fe *x1 = (struct fe *)s->x1;

	for (int c = 0; c < ROWS; c++)
		last[c] = fe_small(1);
	for (size_t at = 0; at < vectors; at += ROWS) {
		unsigned n = row_of(at, vectors);

		if (any)
			add_differences_any(difference + at, pool, jobs + at * LANES, n);
		else
			add_differences(difference + at, x1 + at, pool, jobs + at * LANES, n);
		memcpy(product + at, last, n * sizeof(last[0]));
		row_mul(last, last, difference + at, NULL, n);
	}
}

/* The numbers that the inverses are multiplied with: y2 - y1, or 3 x^2 for a doubling. */
V_STAGE void add_rises(struct fe *rise, const struct fe_pair *p, const struct add_cases *c,
		       unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct fe square;

		rise[i] = fe_carry(fe_raw_add(p[i].y2, fe_raw_neg(p[i].y1, 2)));
		if (c == NULL)
			continue;
		row_sqr(&square, &p[i].x1, NULL, 1);
		square = fe_carry(fe_raw_add(fe_raw_add(square, square), square));
		rise[i] = fe_select(c[i].equal, square, rise[i]);
	}
}

/* The sums, given 1 / difference. Tight. */
V_STAGE void add_sums(struct fe *x3, struct fe *y3, const struct fe_pair *p,
		      const struct fe *inverse, const struct add_cases *c, unsigned n)
{
	struct fe slope[ROWS], back[ROWS], term[ROWS];

	ROW_NOT_EMPTY(n);
	add_rises(slope, p, c, n);
	row_mul(slope, slope, inverse, NULL, n);
	for (unsigned i = 0; i < n; i++)
		term[i] = fe_raw_neg(fe_raw_add(p[i].x1, p[i].x2), 4);
	row_sqr(x3, slope, term, n);
	for (unsigned i = 0; i < n; i++) {
		back[i] = fe_sub(p[i].x1, x3[i]);
		term[i] = fe_raw_neg(p[i].y1, 2);
	}
	row_mul(y3, slope, back, term, n);
}

/* Replaces the sums of the special cases; true when one is infinity. */
V_INLINE bool add_special(struct fe *x3, struct fe *y3, const struct fe_pair *p,
			  const struct add_cases *c)
{
	struct fe zero = fe_small(0);
	vec both = v_and(c->none1, c->none2);

	*x3 = fe_select(c->none1, p->x2, fe_select(c->none2, p->x1, *x3));
	*y3 = fe_select(c->none1, fe_tighten(p->y2), fe_select(c->none2, fe_tighten(p->y1), *y3));
	both = v_or(both, c->opposite);
	*x3 = fe_select(both, zero, *x3);
	*y3 = fe_select(both, zero, *y3);
	return v_bits(both) != 0;
}

V_STAGE void scatter(struct point *pool, const struct add_job *jobs, const struct fe *x,
		     const struct fe *y, unsigned n)
{
	for (unsigned v = 0; v < n; v++, jobs += LANES) {
		uint64_t *rows[LANES];
		vec w[4];

		fe_pack(w, x[v]);
		for (int i = 0; i < LANES; i++)
			rows[i] = pool[jobs[i].out].x;
		v_store_rows(rows, w);
		fe_pack(w, y[v]);
		for (int i = 0; i < LANES; i++)
			rows[i] = pool[jobs[i].out].y;
		v_store_rows(rows, w);
	}
}

V_INLINE bool add_backward(struct fe last[ROWS], struct point *pool, const struct add_job *jobs,
			   size_t vectors, const struct add_scratch *s, bool any)
{
	const struct fe *product = (const struct fe *)s->product;
	const struct fe *difference = (const struct fe *)s->difference;
	const struct fe *x1 = (const struct fe *)s->x1;
	bool infinity = false;

	for (size_t at = (vectors - 1) / ROWS * ROWS;; at -= ROWS) {
		struct fe inverse[ROWS], x3[ROWS], y3[ROWS];
		struct add_cases cases[ROWS];
		struct fe_pair p[ROWS];
		unsigned n = row_of(at, vectors);

		if (any)
			add_load(p, pool, jobs + at * LANES, n);
		else
			add_load_again(p, pool, jobs + at * LANES, difference + at, x1 + at, n);
		row_mul(inverse, last, product + at, NULL, n);
		row_mul(last, last, difference + at, NULL, n);
		for (unsigned i = 0; any && i < n; i++)
			cases[i] = add_cases_of(&p[i]);
		add_sums(x3, y3, p, inverse, any ? cases : NULL, n);
		for (unsigned i = 0; any && i < n; i++)
			infinity |= add_special(&x3[i], &y3[i], &p[i], &cases[i]);
		scatter(pool, jobs + at * LANES, x3, y3, n);
		if (at == 0)
			return infinity;
	}
}

static __attribute__((noinline)) bool add_run(struct point *pool, const struct add_job *jobs,
					      size_t n, struct add_scratch *s)
{
	struct fe last[ROWS];

	add_forward(last, pool, jobs, n / LANES, s, false);
	if (!row_invert(last, ROWS))
		return false;
	add_backward(last, pool, jobs, n / LANES, s, false);
	return true;
}

static __attribute__((noinline)) bool add_run_any(struct point *pool, const struct add_job *jobs,
						  size_t n, struct add_scratch *s)
{
	struct fe last[ROWS];

	add_forward(last, pool, jobs, n / LANES, s, true);
	must(row_invert(last, ROWS));
	return add_backward(last, pool, jobs, n / LANES, s, true);
}

static bool kernel_add(struct point *pool, const struct add_job *jobs, size_t n,
		       struct add_scratch *s)
{
	bool done;

	v_enter();
	done = add_run(pool, jobs, n, s);
	v_leave();
	return done;
}

static bool kernel_add_any(struct point *pool, const struct add_job *jobs, size_t n,
			   struct add_scratch *s)
{
	bool infinity;

	v_enter();
	infinity = add_run_any(pool, jobs, n, s);
	v_leave();
	return infinity;
}

#endif

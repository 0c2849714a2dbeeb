/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel: independent affine additions that share one inversion (Montgomery's trick). Part of
 * kernels_*.c. Forward: the differences of x and their running products, CHAINS of them side by
 * side. Backward: each inverse, the slope, the sum.
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

V_INLINE struct fe_pair add_load(const struct point *pool, const struct add_job *jobs)
{
	return (struct fe_pair){gather(pool, jobs, false, false), gather_y(pool, jobs, false),
				gather(pool, jobs, true, false), gather_y(pool, jobs, true)};
}

/* Differences and running products; chain c ends with its whole product in last[c]. */
V_INLINE void add_forward(struct fe last[CHAINS], const struct point *pool,
			  const struct add_job *jobs, size_t n, struct add_scratch *s, bool any)
{
	for (int c = 0; c < CHAINS; c++)
		last[c] = fe_small(1);
	for (size_t at = 0; at < n; at += LANES * CHAINS)
		for (int c = 0; c < CHAINS; c++) {
			size_t i = at + c * LANES;
			struct fe d;

			if (any) {
				struct fe_pair p = add_load(pool, jobs + i);
				struct add_cases cases = add_cases_of(&p);

				d = add_difference(&p, &cases);
			} else {
				d = fe_sub(gather(pool, jobs + i, true, false),
					   gather(pool, jobs + i, false, false));
			}
			fe_store(s->product + 5 * i, last[c]);
			fe_store(s->difference + 5 * i, d);
			last[c] = fe_mul(last[c], d);
		}
}

/* Turns the chains' products into their inverses; false when one of all lanes is zero. */
V_INLINE bool add_invert(struct fe last[CHAINS])
{
	_Alignas(64) uint64_t lanes[LANES * 5];
	struct fe before[CHAINS], all = last[0];

	for (int c = 1; c < CHAINS; c++) {
		before[c] = all;
		all = fe_mul(all, last[c]);
	}
	fe_store(lanes, all);
	if (!inverse_lanes(lanes, LANES))
		return false;
	all = fe_load(lanes);
	for (int c = CHAINS - 1; c > 0; c--) {
		struct fe one = fe_mul(all, before[c]);

		all = fe_mul(all, last[c]);
		last[c] = one;
	}
	last[0] = all;
	return true;
}

/* The sum, given 1 / difference. Tight. */
V_INLINE void add_sum(struct fe *x3, struct fe *y3, const struct fe_pair *p, struct fe inverse,
		      const struct add_cases *c)
{
	struct fe over = fe_carry(fe_raw_add(p->y2, fe_raw_neg(p->y1, 2))), term;
	struct fe_operand slope;

	if (c != NULL) {
		struct fe square = fe_sqr(p->x1);

		over = fe_select(c->equal, fe_carry(fe_raw_add(fe_raw_add(square, square), square)),
				 over);
	}
	slope = fe_operand_of(fe_mul(over, inverse));
	term = fe_raw_neg(fe_raw_add(p->x1, p->x2), 2);
	*x3 = fe_sqr_operand(&slope, &term);
	struct fe_operand back = fe_operand_of(fe_sub(p->x1, *x3));
	term = fe_raw_neg(p->y1, 2);
	*y3 = fe_mul_operands(&slope, &back, &term);
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

V_INLINE void scatter(struct point *pool, const struct add_job *jobs, struct fe x, struct fe y)
{
	uint64_t *rows[LANES];
	vec w[4];

	fe_pack(w, x);
	for (int i = 0; i < LANES; i++)
		rows[i] = pool[jobs[i].out].x;
	v_store_rows(rows, w);
	fe_pack(w, y);
	for (int i = 0; i < LANES; i++)
		rows[i] = pool[jobs[i].out].y;
	v_store_rows(rows, w);
}

V_INLINE bool add_backward(struct fe last[CHAINS], struct point *pool, const struct add_job *jobs,
			   size_t n, const struct add_scratch *s, bool any)
{
	bool infinity = false;

	for (size_t at = n; at > 0; at -= LANES * CHAINS)
		for (int c = 0; c < CHAINS; c++) {
			size_t i = at - LANES * CHAINS + c * LANES;
			struct fe_pair p = add_load(pool, jobs + i);
			struct fe inverse = fe_mul(last[c], fe_load(s->product + 5 * i)), x3, y3;

			last[c] = fe_mul(last[c], fe_load(s->difference + 5 * i));
			if (any) {
				struct add_cases cases = add_cases_of(&p);

				add_sum(&x3, &y3, &p, inverse, &cases);
				infinity |= add_special(&x3, &y3, &p, &cases);
			} else {
				add_sum(&x3, &y3, &p, inverse, NULL);
			}
			scatter(pool, jobs + i, x3, y3);
		}
	return infinity;
}

static __attribute__((noinline)) bool add_run(struct point *pool, const struct add_job *jobs,
					      size_t n, struct add_scratch *s)
{
	struct fe last[CHAINS];

	add_forward(last, pool, jobs, n, s, false);
	if (!add_invert(last))
		return false;
	add_backward(last, pool, jobs, n, s, false);
	return true;
}

static __attribute__((noinline)) bool add_run_any(struct point *pool, const struct add_job *jobs,
						  size_t n, struct add_scratch *s)
{
	struct fe last[CHAINS];

	add_forward(last, pool, jobs, n, s, true);
	must(add_invert(last));
	return add_backward(last, pool, jobs, n, s, true);
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

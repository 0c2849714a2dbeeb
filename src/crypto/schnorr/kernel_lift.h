/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel: points of x-coordinates. Part of kernels_*.c. */
#ifndef SCHNORR_KERNEL_LIFT_H
#define SCHNORR_KERNEL_LIFT_H

/* Square roots at a time: what one chain waits for, the others compute. */
#define LIFT_CHAINS (CHAINS * 2 <= 4 ? CHAINS * 2 : 4)

struct fe_set {
	struct fe f[LIFT_CHAINS];
};

V_INLINE void set_sqr(struct fe_set *r, const struct fe_set *a, unsigned times)
{
	*r = *a;
	for (unsigned i = 0; i < times; i++)
		for (int c = 0; c < LIFT_CHAINS; c++)
			r->f[c] = fe_sqr(r->f[c]);
}

V_INLINE void set_mul(struct fe_set *r, const struct fe_set *a)
{
	for (int c = 0; c < LIFT_CHAINS; c++)
		r->f[c] = fe_mul(r->f[c], a->f[c]);
}

/* r = r^(2^times) * a, out of line: the chain below has a dozen of them. */
static __attribute__((noinline)) void set_step(struct fe_set *r, unsigned times,
					       const struct fe_set *a)
{
	struct fe_set t = *r;

	set_sqr(&t, &t, times);
	set_mul(&t, a);
	*r = t;
}

/*
 * a^((p + 1) / 4): the exponent is 223 ones, a zero, 22 ones, four zeros, two ones, two zeros.
 * x<n> stands for a^(2^n - 1).
 */
static void set_root(struct fe_set *r, const struct fe_set *a)
{
	struct fe_set x2 = *a, x3, x22, x44, x88, t;

	set_step(&x2, 1, a);
	x3 = x2;
	set_step(&x3, 1, a);
	t = x3;
	set_step(&t, 3, &x3); /* x6 */
	set_step(&t, 3, &x3); /* x9 */
	set_step(&t, 2, &x2); /* x11 */
	x22 = t;
	set_step(&x22, 11, &t);
	x44 = x22;
	set_step(&x44, 22, &x22);
	x88 = x44;
	set_step(&x88, 44, &x44);
	t = x88;
	set_step(&t, 88, &x88); /* x176 */
	set_step(&t, 44, &x44); /* x220 */
	set_step(&t, 3, &x3);	/* x223 */
	set_step(&t, 23, &x22);
	set_step(&t, 6, &x2);
	set_sqr(r, &t, 2);
}

/* One vector of points: writes those that are asked for, and says which of the lanes are good. */
V_INLINE unsigned lift_finish(struct point *out, size_t wanted, struct fe x, struct fe y,
			      struct fe square)
{
	struct point unused[LANES] = {0};
	uint64_t *rows[LANES];
	struct fe check = fe_raw_add(fe_sqr(y), fe_raw_neg(square, 1));
	vec good = fe_is_zero(fe_tighten(check)), even, w[4];

	y = fe_canonical(y);
	even = v_is_zero(v_and(y.v[0], v_set(1)));
	y = fe_canonical(fe_tighten(fe_select(even, y, fe_raw_neg(y, 1))));
	fe_pack(w, x);
	for (size_t i = 0; i < LANES; i++)
		rows[i] = i < wanted ? out[i].x : unused[i].x;
	v_store_rows(rows, w);
	fe_pack(w, y);
	for (size_t i = 0; i < LANES; i++)
		rows[i] = i < wanted ? out[i].y : unused[i].y;
	v_store_rows(rows, w);
	return v_bits(good) & ((wanted < LANES ? 1u << wanted : 1u << LANES) - 1);
}

static uint32_t lift_some(struct point *out, const uint8_t *const *in, size_t n)
{
	struct fe_set x, square, y;
	struct fe seven = fe_small(7);
	uint32_t good = 0;

	for (int c = 0; c < LIFT_CHAINS; c++) {
		_Alignas(64) uint64_t words[LANES][4];
		const uint64_t *rows[LANES];
		vec w[4];

		for (size_t i = 0; i < LANES; i++) {
			size_t at = c * LANES + i;

			for (int k = 0; k < 4; k++) {
				memcpy(&words[i][3 - k], in[at < n ? at : 0] + 8 * k, 8);
				words[i][3 - k] = __builtin_bswap64(words[i][3 - k]);
			}
			rows[i] = words[i];
		}
		v_load_rows(w, rows);
		x.f[c] = fe_unpack(w);
		square.f[c] = fe_mul_add(fe_sqr(x.f[c]), x.f[c], &seven);
	}
	set_root(&y, &square);
	for (size_t c = 0; c < LIFT_CHAINS && c * LANES < n; c++)
		good |= (uint32_t)lift_finish(out + c * LANES, n - c * LANES, x.f[c], y.f[c],
					      square.f[c])
			<< (c * LANES);
	return good;
}

static __attribute__((noinline)) uint32_t lift_all(struct point *out, const uint8_t *const *in,
						   size_t n)
{
	uint32_t good = 0;

	for (size_t i = 0; i < n; i += LIFT_CHAINS * LANES) {
		size_t some = n - i < LIFT_CHAINS * LANES ? n - i : LIFT_CHAINS * LANES;

		good |= lift_some(out + i, in + i, some) << i;
	}
	return good;
}

static uint32_t kernel_lift(struct point *out, const uint8_t *const *in, size_t n)
{
	uint32_t good;

	v_enter();
	good = lift_all(out, in, n);
	v_leave();
	return good;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel: points of x-coordinates. Part of kernels_*.c. */
#ifndef SCHNORR_KERNEL_LIFT_H
#define SCHNORR_KERNEL_LIFT_H

/*
 * r = a^((p + 1) / 4): the exponent is 223 ones, a zero, 22 ones, four zeros, two ones, two zeros.
 * x<n> stands for a^(2^n - 1).
 */
static void row_root(struct fe *r, const struct fe *a, unsigned n)
{
	struct fe x2[ROWS], x3[ROWS], x22[ROWS], x44[ROWS], x88[ROWS], t[ROWS];

	row_power(x2, a, 1, a, n);
	row_power(x3, x2, 1, a, n);
	row_power(t, x3, 3, x3, n); /* x6 */
	row_power(t, t, 3, x3, n);  /* x9 */
	row_power(t, t, 2, x2, n);  /* x11 */
	row_power(x22, t, 11, t, n);
	row_power(x44, x22, 22, x22, n);
	row_power(x88, x44, 44, x44, n);
	row_power(t, x88, 88, x88, n); /* x176 */
	row_power(t, t, 44, x44, n);   /* x220 */
	row_power(t, t, 3, x3, n);     /* x223 */
	row_power(t, t, 23, x22, n);
	row_power(t, t, 6, x2, n);
	row_sqr(t, t, NULL, n);
	row_sqr(r, t, NULL, n);
}

V_INLINE void lift_store(struct point *out, size_t wanted, struct fe x, struct fe y)
{
	struct point unused[LANES] = {0};
	uint64_t *rows[LANES];
	vec w[4];

	fe_pack(w, x);
	for (size_t i = 0; i < LANES; i++)
		rows[i] = i < wanted ? out[i].x : unused[i].x;
	v_store_rows(rows, w);
	fe_pack(w, y);
	for (size_t i = 0; i < LANES; i++)
		rows[i] = i < wanted ? out[i].y : unused[i].y;
	v_store_rows(rows, w);
}

/* One vector of points: writes those that are asked for, and says which of the lanes are good. */
V_INLINE unsigned lift_finish(struct point *out, struct point *image, size_t wanted, struct fe x,
			      struct fe y, struct fe square)
{
	struct fe check = fe_raw_add(fe_sqr(y), fe_raw_neg(square, 1));
	vec good = fe_is_zero(fe_tighten(check)), even;

	y = fe_canonical(y);
	even = v_is_zero(v_and(y.v[0], v_set(1)));
	y = fe_canonical(fe_tighten(fe_select(even, y, fe_raw_neg(y, 1))));
	lift_store(out, wanted, x, y);
	if (image != NULL)
		lift_store(image, wanted, fe_canonical(fe_mul(x, fe_set(fe_beta_words))), y);
	return v_bits(good) & ((wanted < LANES ? 1u << wanted : 1u << LANES) - 1);
}

/* x-coordinates of one vector; the last lanes repeat the first when there are fewer. */
V_INLINE struct fe lift_load(const uint8_t *const *in, size_t n)
{
	_Alignas(64) uint64_t words[LANES][4];
	const uint64_t *rows[LANES];
	vec w[4];

	for (size_t i = 0; i < LANES; i++) {
		for (int k = 0; k < 4; k++) {
			memcpy(&words[i][3 - k], in[i < n ? i : 0] + 8 * k, 8);
			words[i][3 - k] = __builtin_bswap64(words[i][3 - k]);
		}
		rows[i] = words[i];
	}
	v_load_rows(w, rows);
	return fe_unpack(w);
}

/* One row at most. */
static uint32_t lift_row(struct point *out, struct point *image, const uint8_t *const *in, size_t n)
{
	struct fe x[ROWS], square[ROWS], y[ROWS], seven[ROWS];
	unsigned vectors = (unsigned)((n + LANES - 1) / LANES);
	uint32_t good = 0;

	for (unsigned i = 0; i < vectors; i++) {
		x[i] = lift_load(in + i * LANES, n - i * LANES);
		seven[i] = fe_small(7);
	}
	row_sqr(square, x, NULL, vectors);
	row_mul(square, square, x, seven, vectors);
	row_root(y, square, vectors);
	for (unsigned i = 0; i < vectors; i++)
		good |= (uint32_t)lift_finish(out + i * LANES,
					      image == NULL ? NULL : image + i * LANES,
					      n - i * LANES, x[i], y[i], square[i])
			<< (i * LANES);
	return good;
}

static __attribute__((noinline)) uint32_t lift_all(struct point *out, struct point *image,
						   const uint8_t *const *in, size_t n)
{
	uint32_t good = 0;

	for (size_t i = 0; i < n; i += ROWS * LANES) {
		size_t some = n - i < ROWS * LANES ? n - i : ROWS * LANES;

		good |= lift_row(out + i, image == NULL ? NULL : image + i, in + i, some) << i;
	}
	return good;
}

static uint32_t kernel_lift(struct point *out, struct point *image, const uint8_t *const *in,
			    size_t n)
{
	uint32_t good;

	v_enter();
	good = lift_all(out, image, in, n);
	v_leave();
	return good;
}

#endif

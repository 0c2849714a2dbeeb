/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel: numbers modulo the group's order n, side by side. Part of kernels_*.c; scalar.c is the
 * twin, whose results these are bit for bit. Limbs of 52 bits, the last with 48, as the field's.
 */
#ifndef SCHNORR_KERNEL_SCALAR_H
#define SCHNORR_KERNEL_SCALAR_H

#define OPERANDS_3(a, b, c)                                          \
	{                                                            \
		v_operand_set(a), v_operand_set(b), v_operand_set(c) \
	}
#define OPERANDS_5(a, b, c, d, e)                                                       \
	{                                                                               \
		v_operand_set(a), v_operand_set(b), v_operand_set(c), v_operand_set(d), \
			v_operand_set(e)                                                \
	}

/* z += a b; an + bn columns, and for `columns` fewer only what reaches these. */
V_INLINE void add_product(vec *z, const operand *a, int an, const operand *b, int bn, int columns)
{
	vec beyond = v_set(0);

	FE_UNROLL
	for (int i = 0; i < an; i++)
		FE_UNROLL
	for (int j = 0; j < bn; j++)
		if (i + j < columns)
			v_madd(&z[i + j], i + j + 1 < columns ? &z[i + j + 1] : &beyond, a[i],
			       b[j]);
}

V_INLINE void operands_of(operand *o, const vec *limbs, int n)
{
	FE_UNROLL
	for (int i = 0; i < n; i++)
		o[i] = v_operand_low(limbs[i]);
}

/* Rows of four words from 32 bytes each, LANES of them. */
V_INLINE struct fe rows_load(const struct scalar *in)
{
	const uint64_t *rows[LANES];
	vec w[4];

	for (int i = 0; i < LANES; i++)
		rows[i] = in[i].w;
	v_load_rows(w, rows);
	return fe_unpack(w);
}

/* 2^256 - n */
#define REST_0 0xda1732fc9bebf
#define REST_1 0x1950b75fc4402
#define REST_2 0x1455123

/* The number below n, from one below 2^256 + 2^217: n is taken off by adding 2^256 - n. */
V_INLINE struct fe below_order(struct fe a)
{
	struct fe u = a;
	vec below;

	u.v[0] = v_add(u.v[0], v_set(REST_0));
	u.v[1] = v_add(u.v[1], v_set(REST_1));
	u.v[2] = v_add(u.v[2], v_set(REST_2));
	u = fe_carry(u);
	below = v_is_zero(v_shr(u.v[4], 48));
	u.v[4] = v_and(u.v[4], v_set(M48));
	return fe_select(below, a, u);
}

/*
 * a < 2^128 times b. The product is below 2^384: z[5..7] below 2^124 after their carries. Folded by
 * 16 rest = 2^260 mod n < 2^133: z[0..4] have at most twelve halves, < 2^56, and z[5] < 2^21. T,
 * all above 2^256, is below 2^8 and folded by rest; what the carries then leave above 2^256 in z[4]
 * is below 2^9 2^208.
 */
V_INLINE struct fe product_128(const struct fe *a, const struct fe *b)
{
	const operand fold[3] = OPERANDS_3(0xa1732fc9bebf0, 0x950b75fc4402d, 0x14551231);
	const operand rest[3] = OPERANDS_3(REST_0, REST_1, REST_2);
	vec z[8] = {V_ACC(3u, 0u), V_ACC(5u, 3u), V_ACC(7u, 5u), V_ACC(5u, 7u),
		    V_ACC(4u, 5u), V_ACC(2u, 3u), V_ACC(1u, 2u), V_ACC(0u, 1u)};
	operand x[3], y[5], high[3], top[1];
	vec t;

	operands_of(x, a->v, 3);
	operands_of(y, b->v, 5);
	add_product(z, x, 3, y, 5, 8);
	z[6] = v_add(z[6], v_shr(z[5], 52));
	z[7] = v_add(z[7], v_shr(z[6], 52));
	V_BELOW(z[7], 21);
	operands_of(high, z + 5, 3);
	z[5] = V_ACC(0u, 1u);
	add_product(z, high, 3, fold, 3, 6);
	V_BELOW(z[4], 56);
	V_BELOW(z[5], 1);
	t = v_add(v_shr(z[4], 48), v_shl(z[5], 4));
	V_BELOW(t, 8);
	z[4] = v_and(z[4], v_set(M48));
	operands_of(top, &t, 1);
	add_product(z, top, 1, rest, 3, 4);
	for (int i = 0; i < 4; i++)
		V_BELOW(z[i], 56);
	return below_order(fe_carry((struct fe){{z[0], z[1], z[2], z[3], z[4]}}));
}

/* round(k g / 2^384): three operands, below 2^128. */
V_INLINE void scaled_round(operand out[3], const operand k[5], const operand g[5])
{
	vec z[10] = {V_ACC(1u, 0u), V_ACC(2u, 1u), V_ACC(3u, 2u), V_ACC(4u, 3u), V_ACC(5u, 4u),
		     V_ACC(4u, 5u), V_ACC(3u, 4u), V_ACC(2u, 3u), V_ACC(1u, 2u), V_ACC(0u, 1u)};
	vec mask = v_set(M52), c[3];

	add_product(z, k, 5, g, 5, 10);
	FE_UNROLL
	for (int i = 0; i < 7; i++)
		z[i + 1] = v_add(z[i + 1], v_shr(z[i], 52));
	z[7] = v_add(z[7], v_set((uint64_t)1 << 19)); /* half of 2^384 */
	z[8] = v_add(z[8], v_shr(z[7], 52));
	z[9] = v_add(z[9], v_shr(z[8], 52));
	V_BELOW(z[9], 44);
	c[0] = v_or(v_shr(v_and(z[7], mask), 20), v_shl(z[8], 32));
	c[1] = v_or(v_shr(v_and(z[8], mask), 20), v_shl(z[9], 32));
	c[2] = v_shr(z[9], 20);
	operands_of(out, c, 3);
}

/* a - b modulo 2^156, limbs of a below 2^56 and of b below 2^57. */
V_INLINE void difference_156(vec out[3], const vec a[3], const vec b[3])
{
	vec mask = v_set(M52), carry = v_set(1), over = v_set(0);

	FE_UNROLL
	for (int i = 0; i < 3; i++) {
		vec low = v_add(b[i], over);

		over = v_shr(low, 52);
		carry = v_add(v_add(carry, a[i]), v_sub(mask, v_and(low, mask)));
		out[i] = v_and(carry, mask);
		carry = v_shr(carry, 52);
	}
}

/* The magnitude of a number modulo 2^156 as two words, whether it is negative, and a zero. */
V_INLINE void halves_store(struct half_scalar *out, const vec d[3])
{
	vec mask = v_set(M52), zero = v_set(0), one = v_set(1), m[3], w[4], carry;
	vec plus = v_is_zero(v_shr(d[2], 51));
	uint64_t *rows[LANES];

	carry = v_select(plus, zero, one);
	w[2] = carry;
	FE_UNROLL
	for (int i = 0; i < 3; i++) {
		m[i] = v_add(v_select(plus, d[i], v_sub(mask, d[i])), carry);
		carry = v_shr(m[i], 52);
		m[i] = v_and(m[i], mask);
	}
	V_BELOW(m[2], 24);
	w[0] = v_or(m[0], v_shl(m[1], 52));
	w[1] = v_or(v_shr(m[1], 12), v_shl(m[2], 40));
	w[3] = zero;
	for (int i = 0; i < LANES; i++)
		rows[i] = out[2 * i].w;
	v_store_rows(rows, w);
}

/* k = out[0] + out[1] lambda: scalar.c says how. */
V_INLINE void split(struct half_scalar *out, const struct fe *k)
{
	const operand g1[5] = OPERANDS_5(0x3209a45dbb031, 0x1471e8ca7fe89, 0x284eb153daa8a,
					 0x6bcde86c90e49, 0x3086d221a7d4);
	const operand g2[5] = OPERANDS_5(0x1b4ae8ac47f71, 0xac9df506c6157, 0xabfe4c4221208,
					 0x88286f547fa90, 0xe4437ed6010e);
	const operand a1[3] = OPERANDS_3(0xc90e49284eb15, 0x21a7d46bcde86, 0x3086d2);
	const operand a2[3] = OPERANDS_3(0x1108d9d44cfd8, 0xf7a8e2f3f657c, 0x114ca50);
	const operand minus_b1[3] = OPERANDS_3(0x47fa90abfe4c3, 0xd6010e88286f5, 0xe4437e);
	vec p[3] = {V_ACC(2u, 0u), V_ACC(4u, 2u), V_ACC(6u, 4u)};
	vec q[3] = {V_ACC(1u, 0u), V_ACC(2u, 1u), V_ACC(3u, 2u)};
	vec r[3] = {V_ACC(1u, 0u), V_ACC(2u, 1u), V_ACC(3u, 2u)}, d[3];
	operand x[5], c1[3], c2[3];

	operands_of(x, k->v, 5);
	scaled_round(c1, x, g1);
	scaled_round(c2, x, g2);
	add_product(p, c1, 3, a1, 3, 3);
	add_product(p, c2, 3, a2, 3, 3);
	difference_156(d, k->v, p);
	halves_store(out, d);
	add_product(q, c1, 3, minus_b1, 3, 3);
	add_product(r, c2, 3, a1, 3, 3); /* b2 = a1 */
	difference_156(d, q, r);
	halves_store(out + 1, d);
}

#if defined(V_WIDE) && !defined(FE_BOUNDS)
static void kernel_scalar_mul(struct scalar *out, const struct scalar *a, const struct scalar *b,
			      size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = scalar_mul_128(a[i].w, b[i]);
}

static void kernel_scalar_split(struct half_scalar *out, const struct scalar *k, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scalar_split(out + 2 * i, k[i]);
}
#else
static __attribute__((noinline)) void kernel_scalar_mul(struct scalar *out, const struct scalar *a,
							const struct scalar *b, size_t n)
{
	v_enter();
	for (size_t at = 0; at < n; at += LANES) {
		struct fe x = rows_load(a + at), y = rows_load(b + at);
		uint64_t *rows[LANES];
		vec w[4];

		x = product_128(&x, &y);
		fe_words(w, x);
		for (int i = 0; i < LANES; i++)
			rows[i] = out[at + (size_t)i].w;
		v_store_rows(rows, w);
	}
	v_leave();
}

static __attribute__((noinline)) void kernel_scalar_split(struct half_scalar *out,
							  const struct scalar *k, size_t n)
{
	v_enter();
	for (size_t at = 0; at < n; at += LANES) {
		struct fe x = rows_load(k + at);

		split(out + 2 * at, &x);
	}
	v_leave();
}
#endif

/* 63 - shift, and one more: a shift by 64 would be none in plain words. */
static __attribute__((noinline)) void kernel_digits(uint64_t *out, const uint64_t *low,
						    const uint64_t *high, unsigned shift,
						    unsigned width)
{
	vec mask = v_broadcast(((uint64_t)1 << width) - 1), zero = v_set(0);
	vec half = v_broadcast((uint64_t)1 << (width - 1));

	for (size_t i = 0; i < DIGITS; i += LANES) {
		vec over = v_shl_by(v_shl(v_load(high + i), 1), 63 - shift), minus;
		vec d = v_and(v_or(v_shr_by(v_load(low + i), shift), over), mask);

		d = v_sub(d, half);
		minus = v_shr(d, 63);
		d = v_select(v_is_zero(minus), d, v_sub(zero, d));
		v_store(out + i, v_or(d, v_shl(minus, 31)));
	}
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/scalar.h"

#include <string.h>

typedef unsigned __int128 u128;

static const uint64_t order[4] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe,
				  0xffffffffffffffff};
/* 2^256 - n */
static const uint64_t rest[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};

/* r = a - n, and whether that did not borrow. */
static bool less_order(uint64_t r[4], const uint64_t a[4])
{
	u128 borrow = 0;

	for (int i = 0; i < 4; i++) {
		u128 t = (u128)a[i] - order[i] - borrow;

		r[i] = (uint64_t)t;
		borrow = t >> 127;
	}
	return borrow == 0;
}

bool scalar_read(struct scalar *out, const uint8_t bytes[32])
{
	uint64_t less[4];

	for (int i = 0; i < 4; i++) {
		memcpy(&out->w[3 - i], bytes + 8 * i, 8);
		out->w[3 - i] = __builtin_bswap64(out->w[3 - i]);
	}
	if (!less_order(less, out->w))
		return true;
	memcpy(out->w, less, 32);
	return false;
}

struct scalar scalar_add(struct scalar a, struct scalar b)
{
	struct scalar less = {{0}};
	u128 c = 0;

	for (int i = 0; i < 4; i++) {
		c += (u128)a.w[i] + b.w[i];
		a.w[i] = (uint64_t)c;
		c >>= 64;
	}
	return less_order(less.w, a.w) || c != 0 ? less : a;
}

struct scalar scalar_negate(struct scalar a)
{
	struct scalar r;
	u128 borrow = 0;

	if ((a.w[0] | a.w[1] | a.w[2] | a.w[3]) == 0)
		return a;
	for (int i = 0; i < 4; i++) {
		u128 t = (u128)order[i] - a.w[i] - borrow;

		r.w[i] = (uint64_t)t;
		borrow = t >> 127;
	}
	return r;
}

/* r[0..n) += a[0..an) * b[0..bn), n > an + bn so that no carry is lost. */
static inline void multiply_add(uint64_t *r, const uint64_t *a, int an, const uint64_t *b, int bn)
{
	for (int i = 0; i < an; i++) {
		u128 c = 0;

		for (int j = 0; j < bn; j++) {
			c += (u128)a[i] * b[j] + r[i + j];
			r[i + j] = (uint64_t)c;
			c >>= 64;
		}
		for (int j = i + bn; c != 0; j++) {
			c += r[j];
			r[j] = (uint64_t)c;
			c >>= 64;
		}
	}
}

/*
 * Two folds of what is above 2^256 by rest < 2^129: 384 bits -> below 2^256 + 2^257 -> below
 * 2^256 + 2^131 -> and once more at most one n to take off.
 */
struct scalar scalar_mul_128(const uint64_t a[2], struct scalar b)
{
	uint64_t t[8] = {0}, u[8] = {0}, v[8] = {0}, less[4];
	struct scalar r;

	multiply_add(t, a, 2, b.w, 4);
	memcpy(u, t, 32);
	multiply_add(u, t + 4, 2, rest, 3);
	memcpy(v, u, 32);
	multiply_add(v, u + 4, 1, rest, 3);
	if (v[4] != 0) { /* below 2^256 + 2^131: what is left after this is tiny */
		v[4] = 0;
		multiply_add(v, (const uint64_t[1]){1}, 1, rest, 3);
	}
	memcpy(r.w, less_order(less, v) ? less : v, 32);
	return r;
}

/* round(k g / 2^384) */
static void scaled(uint64_t out[2], const uint64_t k[4], const uint64_t g[4])
{
	uint64_t t[9] = {0};
	u128 c;

	multiply_add(t, k, 4, g, 4);
	c = (u128)t[6] + (t[5] >> 63);
	out[0] = (uint64_t)c;
	out[1] = t[7] + (uint64_t)(c >> 64);
}

/* r -= a b, modulo 2^192. */
static void subtract_product(uint64_t r[3], const uint64_t a[2], const uint64_t b[3])
{
	uint64_t t[6] = {0};
	u128 borrow = 0;

	multiply_add(t, a, 2, b, 3);
	for (int i = 0; i < 3; i++) {
		u128 d = (u128)r[i] - t[i] - borrow;

		r[i] = (uint64_t)d;
		borrow = d >> 127;
	}
}

static struct half_scalar half_of(const uint64_t r[3])
{
	struct half_scalar h = {{r[0], r[1]}, r[2] >> 63, 0};

	if (h.negative != 0) {
		h.w[0] = ~h.w[0] + 1;
		h.w[1] = ~h.w[1] + (h.w[0] == 0);
	}
	return h;
}

/*
 * The lattice of (x, y) with x + y lambda = 0 has the short basis (a1, b1), (a2, b2). (k, 0) less
 * the lattice point near it is short: both halves are below 2^128 in magnitude, so that words
 * modulo 2^192 tell them with their sign. g1 and g2 are 2^384 b2 / n and -2^384 b1 / n, rounded.
 */
void scalar_split(struct half_scalar out[2], struct scalar k)
{
	static const uint64_t g1[4] = {0xe893209a45dbb031, 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15,
				       0x3086d221a7d46bcd};
	static const uint64_t g2[4] = {0x1571b4ae8ac47f71, 0x221208ac9df506c6, 0x6f547fa90abfe4c4,
				       0xe4437ed6010e8828};
	static const uint64_t a1[3] = {0xe86c90e49284eb15, 0x3086d221a7d46bcd, 0};
	static const uint64_t a2[3] = {0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6, 1};
	static const uint64_t minus_b1[3] = {0x6f547fa90abfe4c3, 0xe4437ed6010e8828, 0};
	uint64_t c1[2], c2[2], k1[3], k2[3] = {0}, t[6] = {0};

	scaled(c1, k.w, g1);
	scaled(c2, k.w, g2);
	memcpy(k1, k.w, sizeof(k1));
	subtract_product(k1, c1, a1);
	subtract_product(k1, c2, a2);
	multiply_add(t, c1, 2, minus_b1, 3);
	memcpy(k2, t, sizeof(k2));
	subtract_product(k2, c2, a1); /* b2 = a1 */
	out[0] = half_of(k1);
	out[1] = half_of(k2);
}

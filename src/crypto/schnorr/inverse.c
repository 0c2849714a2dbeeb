/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bernstein and Yang's division steps (https://eprint.iacr.org/2019/266), 62 at a time on the low
 * words of f and g, then applied as a 2 x 2 matrix to the whole numbers and to their cofactors.
 * Numbers are five signed limbs of 62 bits.
 */
#include "crypto/schnorr/inverse.h"

#include <string.h>

#include "crypto/schnorr/vec_plain.h"
#include "crypto/schnorr/fe.h"

#define M62 (((uint64_t)1 << 62) - 1)

struct wide {
	int64_t v[5];
};
struct matrix { /* of 62 steps, times 2^62 */
	int64_t u, v, q, r;
};

/* p = 2^256 - 2^32 - 977, and its inverse modulo 2^62. */
static const struct wide prime = {{-0x1000003d1, 0, 0, 0, 256}};
#define PRIME_INVERSE_62 0x27c7f6e22ddacacfu

/* eta = -delta of the paper. f odd. */
static int64_t divide_62(struct matrix *m, int64_t eta, uint64_t f, uint64_t g)
{
	uint64_t u = 1, v = 0, q = 0, r = 1, w, t;
	int left = 62;

	for (;;) {
		int zeros = __builtin_ctzll(g | (~(uint64_t)0 << left));

		g >>= zeros;
		u <<= zeros;
		v <<= zeros;
		eta -= zeros;
		left -= zeros;
		if (left == 0)
			break;
		if (eta < 0) {
			eta = -eta;
			t = f, f = g, g = -t;
			t = u, u = q, q = -t;
			t = v, v = r, r = -t;
		}
		/* Adding w f to g makes as many low bits zero as steps may be taken at once. */
		int steps = eta + 1 < left ? (int)eta + 1 : left;

		/* f (2 - f^2) is -1/f modulo 64, up to the sign. */
		w = f * g * (f * f - 2) & (steps < 6 ? ((uint64_t)1 << steps) - 1 : 63);
		g += f * w;
		q += u * w;
		r += v * w;
	}
	*m = (struct matrix){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
	return eta;
}

/* a, b = (x a + y b + p k) / 2^62 with the k that makes it whole; |result| stays below 2 p. */
static struct wide cofactor(int64_t x, int64_t y, const struct wide *a, const struct wide *b)
{
	int64_t k = (x & (a->v[4] >> 63)) + (y & (b->v[4] >> 63));
	__int128 c = (__int128)x * a->v[0] + (__int128)y * b->v[0];
	struct wide out;

	k -= (int64_t)((PRIME_INVERSE_62 * (uint64_t)c + (uint64_t)k) & M62);
	c += (__int128)prime.v[0] * k;
	c >>= 62;
	for (int i = 1; i < 5; i++) {
		c += (__int128)x * a->v[i] + (__int128)y * b->v[i] + (__int128)prime.v[i] * k;
		out.v[i - 1] = (int64_t)((uint64_t)c & M62);
		c >>= 62;
	}
	out.v[4] = (int64_t)c;
	return out;
}

/* (x a + y b) / 2^62, which is whole. */
static struct wide combine(int64_t x, int64_t y, const struct wide *a, const struct wide *b)
{
	__int128 c = (__int128)x * a->v[0] + (__int128)y * b->v[0];
	struct wide out;

	c >>= 62;
	for (int i = 1; i < 5; i++) {
		c += (__int128)x * a->v[i] + (__int128)y * b->v[i];
		out.v[i - 1] = (int64_t)((uint64_t)c & M62);
		c >>= 62;
	}
	out.v[4] = (int64_t)c;
	return out;
}

/* sign * a + times * p, carried. */
static struct wide adjust(struct wide a, int sign, int times)
{
	for (int i = 0; i < 5; i++)
		a.v[i] = sign * a.v[i] + times * prime.v[i];
	for (int i = 0; i < 4; i++) {
		a.v[i + 1] += a.v[i] >> 62;
		a.v[i] &= (int64_t)M62;
	}
	return a;
}

void inverse_words(uint64_t out[4], const uint64_t x[4])
{
	struct wide f = prime, d = {{0}}, e = {{1}}, t;
	struct wide g = {{(int64_t)(x[0] & M62), (int64_t)((x[0] >> 62 | x[1] << 2) & M62),
			  (int64_t)((x[1] >> 60 | x[2] << 4) & M62),
			  (int64_t)((x[2] >> 58 | x[3] << 6) & M62), (int64_t)(x[3] >> 56)}};
	struct matrix m;
	int64_t eta = -1;

	while ((g.v[0] | g.v[1] | g.v[2] | g.v[3] | g.v[4]) != 0) {
		eta = divide_62(&m, eta, (uint64_t)f.v[0], (uint64_t)g.v[0]);
		t = cofactor(m.u, m.v, &d, &e);
		e = cofactor(m.q, m.r, &d, &e);
		d = t;
		t = combine(m.u, m.v, &f, &g);
		g = combine(m.q, m.r, &f, &g);
		f = t;
	}
	/* f is 1 or -1 (or p, for x = 0, when d is 0); d is in (-2 p, p). */
	d = adjust(d, f.v[4] < 0 ? -1 : 1, 0);
	while (d.v[4] < 0)
		d = adjust(d, 1, 1);
	for (t = adjust(d, 1, -1); t.v[4] >= 0; t = adjust(d, 1, -1))
		d = t;
	out[0] = (uint64_t)d.v[0] | (uint64_t)d.v[1] << 62;
	out[1] = (uint64_t)d.v[1] >> 2 | (uint64_t)d.v[2] << 60;
	out[2] = (uint64_t)d.v[2] >> 4 | (uint64_t)d.v[3] << 58;
	out[3] = (uint64_t)d.v[3] >> 6 | (uint64_t)d.v[4] << 56;
}

static struct fe lane_of(const uint64_t *limbs, size_t lanes, size_t i)
{
	struct fe r;

	for (int k = 0; k < 5; k++)
		r.v[k] = limbs[k * lanes + i];
	return r;
}

static void lane_set(uint64_t *limbs, size_t lanes, size_t i, struct fe a)
{
	for (int k = 0; k < 5; k++)
		limbs[k * lanes + i] = a.v[k];
}

bool inverse_lanes(uint64_t *limbs, size_t lanes)
{
	struct fe before[LANES_MAX], all = lane_of(limbs, lanes, 0);
	uint64_t words[4];

	for (size_t i = 1; i < lanes; i++) {
		before[i] = all;
		all = fe_mul(all, lane_of(limbs, lanes, i));
	}
	all = fe_canonical(all);
	fe_pack(words, all);
	if ((words[0] | words[1] | words[2] | words[3]) == 0)
		return false;
	inverse_words(words, words);
	all = fe_unpack(words);
	for (size_t i = lanes - 1; i > 0; i--) {
		struct fe one = fe_mul(all, before[i]);

		all = fe_mul(all, lane_of(limbs, lanes, i));
		lane_set(limbs, lanes, i, one);
	}
	lane_set(limbs, lanes, 0, all);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/twin.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "raptorq/code.h"

/* Product in GF(256) bit by bit, so as to share no table with the codec. */
static uint8_t times(uint8_t a, uint8_t b)
{
	unsigned r = 0;

	for (int i = 7; i >= 0; i--) {
		r <<= 1;
		if (r & 0x100)
			r ^= 0x11d;
		if (b >> i & 1)
			r ^= a;
	}
	return r;
}

static uint8_t power_of_two(unsigned n)
{
	uint8_t r = 1;

	while (n-- > 0)
		r = times(r, 2);
	return r;
}

static uint8_t inverse(uint8_t a)
{
	for (unsigned b = 1; b < 256; b++)
		if (times(a, b) == 1)
			return b;
	return 0;
}

struct system {
	struct rq_code c;
	size_t rows;
	uint32_t t;
	uint8_t *a; /* rows x (L + t): coefficients, then values */
};

static uint8_t *row_of(const struct system *s, size_t r)
{
	return s->a + r * (s->c.l + s->t);
}

static void fill_ldpc(struct system *s)
{
	const struct rq_code *c = &s->c;

	for (uint32_t i = 0; i < c->b; i++) {
		uint32_t a = 1 + i / c->s, b = i % c->s;

		for (int n = 0; n < 3; n++, b = (b + a) % c->s)
			row_of(s, b)[i] ^= 1;
	}
	for (uint32_t i = 0; i < c->s; i++) {
		row_of(s, i)[c->b + i] = 1;
		row_of(s, i)[c->w + i % c->p] ^= 1;
		row_of(s, i)[c->w + (i + 1) % c->p] ^= 1;
	}
}

/* MT (H x n) times GAMMA (n x n, alpha^(i-j) for j <= i), then the identity. */
static void fill_hdpc(struct system *s)
{
	const struct rq_code *c = &s->c;
	uint32_t n = c->kp + c->s;
	uint8_t *mt = calloc(c->h, n);

	for (uint32_t j = 0; j + 1 < n; j++) {
		uint32_t x = rq_rand_word(j + 1, 6) % c->h;

		mt[x * n + j] = 1;
		mt[(x + rq_rand_word(j + 1, 7) % (c->h - 1) + 1) % c->h * n + j] = 1;
	}
	for (uint32_t h = 0; h < c->h; h++) {
		uint8_t *row = row_of(s, c->s + h);

		mt[h * n + n - 1] = power_of_two(h);
		for (uint32_t j = 0; j < n; j++) {
			uint8_t sum = 0;

			for (uint32_t i = n; i-- > j;)
				sum ^= times(mt[h * n + i], power_of_two((i - j) % 255));
			row[j] = sum;
		}
		row[n + h] = 1;
	}
	free(mt);
}

static void fill_symbol(struct system *s, size_t r, uint32_t id, const uint8_t *value)
{
	uint16_t columns[RQ_ROW_MAX];
	unsigned lt, n = rq_code_columns(&s->c, id, columns, &lt);

	for (unsigned i = 0; i < n; i++)
		row_of(s, r)[columns[i]] ^= 1;
	if (value != NULL)
		memcpy(row_of(s, r) + s->c.l, value, s->t);
}

static void add(struct system *s, size_t to, size_t from, uint8_t factor)
{
	uint8_t *x = row_of(s, to), *y = row_of(s, from);

	for (size_t i = 0; i < s->c.l + s->t; i++)
		if (y[i] != 0)
			x[i] ^= times(factor, y[i]);
}

static bool eliminate(struct system *s)
{
	for (uint32_t c = 0; c < s->c.l; c++) {
		size_t r = c;
		uint8_t factor;

		while (r < s->rows && row_of(s, r)[c] == 0)
			r++;
		if (r == s->rows)
			return false;
		if (r != c) /* row c has a zero there: adding is enough, no need to swap */
			add(s, c, r, 1);
		factor = inverse(row_of(s, c)[c]);
		for (size_t i = 0; i < s->c.l + s->t; i++)
			row_of(s, c)[i] = times(factor, row_of(s, c)[i]);
		for (r = 0; r < s->rows; r++)
			if (r != c && row_of(s, r)[c] != 0)
				add(s, r, c, row_of(s, r)[c]);
	}
	return true;
}

bool twin_solve(uint8_t *c, uint32_t k, const uint32_t *esis, const uint8_t *values, size_t len,
		uint32_t t)
{
	struct system s = {.t = t};
	size_t r;
	bool good;

	must(rq_code(&s.c, k) == 0);
	s.rows = s.c.s + s.c.h + (s.c.kp - k) + len;
	s.a = calloc(s.rows + 1, s.c.l + t);
	fill_ldpc(&s);
	fill_hdpc(&s);
	r = s.c.s + s.c.h;
	for (uint32_t x = k; x < s.c.kp; x++)
		fill_symbol(&s, r++, x, NULL);
	for (size_t i = 0; i < len; i++)
		fill_symbol(&s, r++, rq_code_internal(&s.c, esis[i]), values + i * t);
	good = s.rows >= s.c.l && eliminate(&s);
	for (uint32_t i = 0; good && i < s.c.l; i++)
		memcpy(c + (size_t)i * t, row_of(&s, i) + s.c.l, t);
	free(s.a);
	return good;
}

void twin_symbol(uint8_t *out, uint32_t k, uint32_t esi, const uint8_t *c, uint32_t t)
{
	struct rq_code code;
	uint16_t columns[RQ_ROW_MAX];
	unsigned lt, n;

	must(rq_code(&code, k) == 0);
	n = rq_code_columns(&code, rq_code_internal(&code, esi), columns, &lt);
	memset(out, 0, t);
	for (unsigned i = 0; i < n; i++)
		for (uint32_t o = 0; o < t; o++)
			out[o] ^= c[(size_t)columns[i] * t + o];
}

uint32_t twin_intermediate(uint32_t k)
{
	struct rq_code code;

	must(rq_code(&code, k) == 0);
	return code.l;
}

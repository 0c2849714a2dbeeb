/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/code.h"

#include "assay/status.h"

static uint32_t prime_from(uint32_t n)
{
	for (;; n++) {
		uint32_t d = 2;

		while (d * d <= n && n % d != 0)
			d++;
		if (d * d > n)
			return n;
	}
}

static struct rq_mod mod(uint32_t m)
{
	return (struct rq_mod){m, UINT64_MAX / m + 1};
}

/* First row of the table with kp >= k. */
static unsigned table_place(uint64_t k)
{
	unsigned low = 0, high = RQ_TABLE_ROWS;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (rq_table[middle].kp < k)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int rq_code(struct rq_code *code, uint32_t k)
{
	unsigned place = table_place(k);
	const struct rq_table_row *row = &rq_table[place];

	if (k == 0 || place == RQ_TABLE_ROWS)
		return ASSAY_E_RANGE;
	*code = (struct rq_code){
		.k = k, .kp = row->kp, .j = row->j, .s = row->s, .h = row->h, .w = row->w};
	code->l = code->kp + code->s + code->h;
	code->p = code->l - code->w;
	code->p1 = prime_from(code->p);
	code->b = code->w - code->s;
	code->mod_w = mod(code->w);
	code->mod_w1 = mod(code->w - 1);
	code->mod_p1 = mod(code->p1);
	code->mod_p11 = mod(code->p1 - 1);
	code->mod_h = mod(code->h);
	code->mod_h1 = mod(code->h - 1);
	code->step_a = (53591 + 997 * code->j) | 1;
	code->step_b = 10267 * (code->j + 1);
	return 0;
}

uint32_t rq_code_floor(uint64_t bound)
{
	unsigned place = table_place(bound < UINT32_MAX ? bound + 1 : UINT32_MAX);

	return place == 0 ? 0 : rq_table[place - 1].kp;
}

/* The degree of the smallest v of each 4096, where a search starts. */
static uint8_t degree_from[256];

__attribute__((constructor)) static void fill_degrees(void)
{
	for (uint32_t i = 0, d = 1; i < 256; i++) {
		while (i << 12 >= rq_degree[d])
			d++;
		degree_from[i] = d;
	}
}

static uint32_t degree(uint32_t v, uint32_t w)
{
	uint32_t d = degree_from[v >> 12];

	d += v >= rq_degree[d];
	while (v >= rq_degree[d])
		d++;
	return d < w - 2 ? d : w - 2;
}

/* Degree and first columns, with degree 4 or more two PI columns follow, else two or three. Written
 * four and three at a time, for a loop whose end is a surprise costs more than a few columns that
 * are not counted. */
unsigned rq_code_columns(const struct rq_code *code, uint32_t x, uint16_t *columns, unsigned *lt)
{
	uint32_t y = code->step_b + x * code->step_a;
	uint32_t d = degree(rq_rand_word(y, 0) & 0xfffff, code->w);
	uint32_t a = 1 + rq_mod(rq_rand_word(y, 1), &code->mod_w1);
	uint32_t b = rq_mod(rq_rand_word(y, 2), &code->mod_w);
	uint32_t d1 = 2 + (rq_rand_word(x, 3) & (d < 4));
	uint32_t a1 = 1 + rq_mod(rq_rand_word(x, 4), &code->mod_p11);
	uint32_t b1 = rq_mod(rq_rand_word(x, 5), &code->mod_p1);
	uint32_t w = code->w, p = code->p, p1 = code->p1;
	unsigned n = 0;

	while (n < d)
		for (unsigned end = n + 4; n < end; n++) {
			columns[n] = b;
			b += a;
			b -= b >= w ? w : 0;
		}
	/* b1 and the next multiples of a1 below P; P1 is barely larger, so few are not */
	for (n = d; n < d + 3;) {
		columns[n] = w + b1;
		n += b1 < p;
		b1 += a1;
		b1 -= b1 >= p1 ? p1 : 0;
	}
	*lt = d;
	return d + d1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/code.h"

#include "assay/status.h"
#include "raptorq/tables.h"

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
	code->step_a = (53591 + 997 * code->j) | 1;
	code->step_b = 10267 * (code->j + 1);
	return 0;
}

uint32_t rq_code_floor(uint64_t bound)
{
	unsigned place = table_place(bound < UINT32_MAX ? bound + 1 : UINT32_MAX);

	return place == 0 ? 0 : rq_table[place - 1].kp;
}

uint32_t rq_rand(uint32_t y, uint32_t i, uint32_t m)
{
	return (rq_v[0][(y + i) & 255] ^ rq_v[1][((y >> 8) + i) & 255] ^
		rq_v[2][((y >> 16) + i) & 255] ^ rq_v[3][((y >> 24) + i) & 255]) %
	       m;
}

static uint32_t degree(uint32_t v, uint32_t w)
{
	uint32_t d = 1;

	while (v >= rq_degree[d])
		d++;
	return d < w - 2 ? d : w - 2;
}

unsigned rq_code_columns(const struct rq_code *code, uint32_t x, uint16_t *columns, unsigned *lt)
{
	uint32_t y = code->step_b + x * code->step_a;
	uint32_t d = degree(rq_rand(y, 0, 1u << 20), code->w);
	uint32_t a = 1 + rq_rand(y, 1, code->w - 1), b = rq_rand(y, 2, code->w);
	uint32_t d1 = d < 4 ? 2 + rq_rand(x, 3, 2) : 2;
	uint32_t a1 = 1 + rq_rand(x, 4, code->p1 - 1), b1 = rq_rand(x, 5, code->p1);
	unsigned n = 0;

	for (; n < d; n++) {
		columns[n] = b;
		b += a;
		if (b >= code->w)
			b -= code->w;
	}
	*lt = n;
	for (; n < d + d1; n++) {
		/* b1 and the next multiples of a1 below P; P1 is barely larger, so few are not */
		while (b1 >= code->p)
			b1 = (b1 + a1) % code->p1;
		columns[n] = code->w + b1;
		b1 = (b1 + a1) % code->p1;
	}
	return n;
}

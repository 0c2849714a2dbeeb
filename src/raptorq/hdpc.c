/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HDPC rows on the inactive columns. The running sum of 4.2 goes over rows of bits, so its
 * eight bit planes are kept apart: doubling renames them. What is left over GF(256) are the few
 * columns that the binary rows do not determine, at most H of them.
 */
#include <string.h>

#include "assay/status.h"
#include "raptorq/gf.h"
#include "raptorq/plan.h"

enum { CHUNK = 64 };

/* Rows of planes behind the H HDPC rows: two that take the last running sum, and the sum itself. */
enum { LAST, LAST_TWIN, RUNNING, EXTRA };

int rq_stage_hdpc_map(struct assay_rq_plan *p, uint64_t *budget)
{
	const struct rq_code *c = &p->code;
	size_t last = c->kp + c->s - 1;

	if (p->free_len == 0)
		return 0;
	for (; p->at < last; p->at++) {
		uint32_t rows[2], low, high;

		rq_code_hdpc(c, p->at, rows);
		low = rows[0] < rows[1] ? rows[0] : rows[1];
		high = rows[0] ^ rows[1] ^ low;
		p->hdpc_pairs[p->at][0] = low;
		p->hdpc_pairs[p->at][1] = high;
		p->hdpc_map[p->at] = high * (high - 1) / 2 + low;
		if (rq_spend(budget, 8)) {
			p->at++;
			return ASSAY_E_AGAIN;
		}
	}
	p->hdpc_map[last] = RQ_PAIR_DUMP(c);
	p->hdpc_pairs[last][0] = c->h + LAST;
	p->hdpc_pairs[last][1] = c->h + LAST_TWIN;
	return 0;
}

int rq_stage_hdpc_planes(struct assay_rq_plan *p, uint64_t *budget)
{
	size_t columns = p->code.kp + p->code.s;
	uint8_t *running = p->planes + (p->code.h + RUNNING) * 8 * p->wide;

	if (p->free_len == 0)
		return 0;
	if (p->at == 0)
		memset(p->planes, 0, (p->code.h + EXTRA) * 8 * p->wide);
	while (p->at < columns) {
		size_t left = columns - p->at, n = left < CHUNK ? left : CHUNK;

		rq_kernel()->planes(running, p->planes, p->bits + p->at * p->wide, p->wide,
				    (const uint8_t(*)[2])p->hdpc_pairs + p->at, n, p->wide);
		p->at += n;
		if (rq_spend(budget, n * (2 + p->wide / 4)))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

static uint8_t plane_octet(const struct assay_rq_plan *p, uint32_t row, uint32_t place)
{
	const uint8_t *at = p->planes + row * 8 * p->wide + place / 8;
	uint8_t v = 0;

	for (int b = 0; b < 8; b++)
		v |= (at[b * p->wide] >> place % 8 & 1) << b;
	return v;
}

/* Coefficient of HDPC row h at an inactive column. */
static uint8_t hdpc_octet(const struct assay_rq_plan *p, uint32_t h, uint32_t place)
{
	uint32_t own = p->code.kp + p->code.s + h - p->code.w;
	uint8_t factor = 1;

	for (uint32_t i = 0; i < h; i++)
		factor = rq_gf_twice(factor);
	return plane_octet(p, h, place) ^
	       rq_gf_mul[factor][plane_octet(p, p->code.h + LAST, place)] ^ (place == own);
}

/* Row h: its coefficients at the pivots, and what is left of it at the free columns. */
static void reduce_row(struct assay_rq_plan *p, uint8_t *free, uint32_t h)
{
	uint8_t *pivot = p->hdpc_pivot + (size_t)h * p->pivots;

	for (uint32_t f = 0; f < p->free_len; f++)
		free[f] = hdpc_octet(p, h, p->free_place[f]);
	for (uint32_t q = 0; q < p->pivots; q++) {
		uint64_t bits;

		pivot[q] = hdpc_octet(p, h, p->pivot_place[q]);
		memcpy(&bits, p->free_bits + 8 * q, 8);
		for (; bits != 0; bits &= bits - 1)
			free[__builtin_ctzll(bits)] ^= pivot[q];
	}
}

static void write_free_bits(struct assay_rq_plan *p)
{
	for (uint32_t q = 0; q < p->pivots; q++) {
		const uint8_t *row = p->matrix + q * 2 * p->wide;
		uint64_t bits = 0;

		for (uint32_t f = 0; f < p->free_len; f++)
			bits |= (uint64_t)(row[p->free_place[f] / 8] >> p->free_place[f] % 8 & 1)
				<< f;
		memcpy(p->free_bits + 8 * q, &bits, 8);
	}
}

/* Gauss-Jordan on rows of [free coefficients | identity]. Returns the rank. */
static uint32_t invert(uint8_t rows[RQ_HDPC_MAX][2 * RQ_HDPC_MAX], uint32_t h, uint32_t width)
{
	uint32_t rank = 0;

	for (uint32_t c = 0; c < width; c++) {
		uint8_t swap[2 * RQ_HDPC_MAX], factor;
		uint32_t r = rank;

		while (r < h && rows[r][c] == 0)
			r++;
		if (r == h)
			continue;
		memcpy(swap, rows[r], sizeof(swap));
		memcpy(rows[r], rows[rank], sizeof(swap));
		factor = rq_gf_inverse(swap[c]);
		for (size_t i = 0; i < sizeof(swap); i++)
			rows[rank][i] = rq_gf_mul[factor][swap[i]];
		for (r = 0; r < h; r++) {
			factor = rows[r][c];
			for (size_t i = 0; r != rank && i < sizeof(swap); i++)
				rows[r][i] ^= rq_gf_mul[factor][rows[rank][i]];
		}
		rank++;
	}
	return rank;
}

/* One HDPC row at a time; the reduced free parts wait in hdpc_solve. */
int rq_stage_hdpc_solve(struct assay_rq_plan *p, uint64_t *budget)
{
	uint8_t rows[RQ_HDPC_MAX][2 * RQ_HDPC_MAX] = {{0}};
	uint32_t rank, h = p->code.h;

	if (p->free_len == 0)
		return 0;
	if (p->at == 0)
		write_free_bits(p);
	while (p->at < h) {
		reduce_row(p, p->hdpc_solve + p->at * RQ_HDPC_MAX, p->at);
		p->at++;
		if (rq_spend(budget, p->pivots * 16))
			return ASSAY_E_AGAIN;
	}
	for (uint32_t r = 0; r < h; r++) {
		memcpy(rows[r], p->hdpc_solve + r * RQ_HDPC_MAX, p->free_len);
		rows[r][RQ_HDPC_MAX + r] = 1;
	}
	rank = invert(rows, h, p->free_len);
	p->missing = p->free_len - rank;
	if (p->missing != 0)
		return ASSAY_E_NOTFOUND;
	for (uint32_t f = 0; f < p->free_len; f++)
		memcpy(p->hdpc_solve + f * RQ_HDPC_MAX, rows[f] + RQ_HDPC_MAX, RQ_HDPC_MAX);
	return 0;
}

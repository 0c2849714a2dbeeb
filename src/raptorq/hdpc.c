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

/* The bucket of a pair of rows. */
static uint32_t bucket(uint32_t low, uint32_t high)
{
	return high * (high - 1) / 2 + low;
}

static void list_buckets(struct assay_rq_plan *p)
{
	uint32_t h = p->code.h, at = 0;

	for (uint32_t r = 0; r < h; r++) {
		p->hdpc_steps[r] = (struct rq_step){.start = at, .n = h - 1};
		for (uint32_t other = 0; other < h; other++)
			if (other != r)
				p->hdpc_list[at++] =
					r < other ? bucket(r, other) : bucket(other, r);
	}
}

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
		p->hdpc_map[p->at] = bucket(low, high);
		if (rq_spend(budget, 8)) {
			p->at++;
			return ASSAY_E_AGAIN;
		}
	}
	list_buckets(p);
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

/* An 8 x 8 matrix of bits, octet by octet, mirrored at its diagonal. */
static uint64_t transpose(uint64_t x)
{
	uint64_t t = (x ^ x >> 7) & 0x00aa00aa00aa00aa;

	x ^= t ^ t << 7;
	t = (x ^ x >> 14) & 0x0000cccc0000cccc;
	x ^= t ^ t << 14;
	t = (x ^ x >> 28) & 0x00000000f0f0f0f0;
	return x ^ t ^ t << 28;
}

/* Coefficients of a row of planes at the inactive columns, eight at a time. */
static void octets(const struct assay_rq_plan *p, uint8_t *out, uint32_t row)
{
	const uint8_t *planes = p->planes + row * 8 * p->wide;

	for (uint32_t at = 0; at < p->inactive_len; at += 8) {
		uint64_t x = 0;

		for (int b = 0; b < 8; b++)
			x |= (uint64_t)planes[b * p->wide + at / 8] << 8 * b;
		x = transpose(x);
		memcpy(out + at, &x, 8);
	}
}

/* Row h at all inactive columns: its sums, 2^h times the last one, its own column. */
static void hdpc_row(const struct assay_rq_plan *p, uint8_t *row, const uint8_t *last, uint32_t h)
{
	uint32_t own = p->code.kp + p->code.s + h - p->code.w;
	uint32_t len = p->inactive_len;
	const uint8_t *times;
	uint8_t factor = 1;

	for (uint32_t i = 0; i < h; i++)
		factor = rq_gf_twice(factor);
	times = rq_gf_mul[factor];
	octets(p, row, h);
	for (uint32_t i = 0; i < len; i++)
		row[i] ^= times[last[i]];
	row[own] ^= 1;
}

typedef uint8_t free_row __attribute__((vector_size(RQ_HDPC_MAX), aligned(1), may_alias));

/* Row h: its coefficients at the pivots, and what is left of it at the free columns. */
static void reduce_row(struct assay_rq_plan *p, uint8_t *free, uint32_t h)
{
	uint32_t pivots = p->pivots, len = p->free_len;
	const uint16_t *place = p->pivot_place;
	const free_row *mask = (const void *)p->free_masks;
	uint8_t *pivot = p->hdpc_pivot + h;
	uint8_t *row = p->octets + p->octets_stride;
	free_row sum = {0};

	hdpc_row(p, row, p->octets, h);
	for (uint32_t q = 0; q < pivots; q++) {
		uint8_t c = row[place[q]];

		pivot[q * RQ_HDPC_MAX] = c;
		sum ^= mask[q] & c;
	}
	memcpy(free, &sum, sizeof(sum));
	for (uint32_t f = 0; f < len; f++)
		free[f] ^= row[p->free_place[f]];
}

/* Which free columns each pivot has a share in: as bits for the numeric phase, as masks here. */
static void write_free_bits(struct assay_rq_plan *p)
{
	for (uint32_t q = 0; q < p->pivots; q++) {
		const uint8_t *row = p->matrix + q * 2 * p->wide;
		uint8_t *mask = p->free_masks + q * RQ_HDPC_MAX;
		uint64_t bits = 0;

		memset(mask, 0, RQ_HDPC_MAX);
		for (uint32_t f = 0; f < p->free_len; f++) {
			uint64_t bit = row[p->free_place[f] / 8] >> p->free_place[f] % 8 & 1;

			bits |= bit << f;
			mask[f] = -bit;
		}
		memcpy(p->free_bits + 8 * q, &bits, 8);
	}
}

enum { ROW = 4 * RQ_HDPC_MAX }; /* octets: free coefficients, the identity, room for vectors */

/* Gauss-Jordan. Returns the rank. */
static uint32_t invert(uint8_t rows[RQ_HDPC_MAX][ROW], uint32_t h, uint32_t width)
{
	uint32_t rank = 0;

	for (uint32_t c = 0; c < width; c++) {
		_Alignas(64) uint8_t pivot[ROW];
		const uint8_t *source = pivot;
		uint8_t factor[RQ_HDPC_MAX];
		uint32_t r = rank;

		while (r < h && rows[r][c] == 0)
			r++;
		if (r == h)
			continue;
		memcpy(pivot, rows[r], ROW);
		memcpy(rows[r], rows[rank], ROW);
		memset(rows[rank], 0, ROW);
		factor[0] = rq_gf_inverse(pivot[c]);
		rq_kernel()->dot(rows[rank], 1, &source, 1, factor, 1, ROW);
		source = rows[rank];
		for (r = 0; r < h; r++)
			factor[r] = r != rank ? rows[r][c] : 0;
		memcpy(pivot, rows[rank], ROW);
		source = pivot;
		rq_kernel()->dot(rows[0], h, &source, 1, factor, 1, ROW);
		rank++;
	}
	return rank;
}

/* One HDPC row at a time; the reduced free parts wait in hdpc_solve. */
int rq_stage_hdpc_solve(struct assay_rq_plan *p, uint64_t *budget)
{
	_Alignas(64) uint8_t rows[RQ_HDPC_MAX][ROW] = {{0}};
	uint32_t rank, h = p->code.h;

	if (p->free_len == 0)
		return 0;
	if (p->at == 0) {
		write_free_bits(p);
		octets(p, p->octets, p->code.h + LAST);
	}
	while (p->at < h) {
		reduce_row(p, p->hdpc_solve + p->at * RQ_HDPC_MAX, p->at);
		p->at++;
		if (rq_spend(budget, 64 + p->inactive_len * 2))
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
	for (uint32_t r = 0; r < h; r++)
		for (uint32_t f = 0; f < p->free_len; f++)
			p->hdpc_solve[r * RQ_HDPC_MAX + f] = rows[f][RQ_HDPC_MAX + r];
	return 0;
}

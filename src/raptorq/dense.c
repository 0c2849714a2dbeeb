/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the peeled columns are in terms of the inactive ones, as rows of bits; and the elimination
 * of the left rows over GF(2), which also keeps the inverse: every dense pivot as a sum of left
 * rows.
 */
#include <string.h>

#include "assay/status.h"
#include "raptorq/plan.h"

enum { CHUNK = 16, WORD = 64 };

static void set_bit(uint8_t *row, size_t bit)
{
	row[bit / 8] |= 1 << bit % 8;
}

static void bits_of(struct assay_rq_plan *p, const struct rq_step *s)
{
	uint8_t *row = p->bits + s->dst * p->wide;
	const uint16_t *list = p->list + s->start + s->n;

	memset(row, 0, p->wide);
	for (size_t i = 0; i < s->m; i++)
		if (list[i] != p->code.l)
			set_bit(row, p->place[list[i]]);
}

int rq_stage_bits(struct assay_rq_plan *p, uint64_t *budget)
{
	if (p->at == 0) {
		memset(p->bits + p->code.l * p->wide, 0, p->wide);
		for (uint32_t i = 0; i < p->inactive_len; i++) {
			uint8_t *row = p->bits + p->inactive[i] * p->wide;

			memset(row, 0, p->wide);
			set_bit(row, i);
		}
	}
	while (p->at < p->steps_len) {
		size_t left = p->steps_len - p->at, n = left < CHUNK ? left : CHUNK;

		for (size_t i = 0; i < n; i++)
			bits_of(p, &p->steps[p->at + i]);
		rq_gather_self(p->bits, p->wide, p->list, p->steps + p->at, n);
		p->at += n;
		if (rq_spend(budget, 2 * n * (8 + p->wide / 8) * rq_weight(p->code.l * p->wide)))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

static uint8_t *matrix_row(const struct assay_rq_plan *p, uint32_t row)
{
	return p->matrix + row * 2 * p->wide;
}

/* Left row r as a step into the row to work on, and its bits there. */
static struct rq_step left_row(struct assay_rq_plan *p, uint32_t r)
{
	uint32_t work = p->code.l + 1;
	struct rq_step s = {.start = p->list_len, .dst = work, .place = RQ_NONE};
	uint8_t *row = p->bits + work * p->wide;

	if (r >= p->code.s)
		rq_plan_row_id(p, r, &s.place, &s.esi);
	memset(row, 0, p->wide);
	for (uint32_t i = p->row_start[r]; i < p->row_start[r + 1]; i++) {
		uint16_t column = p->row_list[i];

		if (p->place[column] == RQ_PEELED)
			p->list[p->list_len + s.n++] = column;
		else
			set_bit(row, p->place[column]);
	}
	rq_gather_self(p->bits, p->wide, p->list, &s, 1);
	return s;
}

/* Removes the pivots that are in the row; the matrix is reduced, so none comes in. */
static size_t reduce(struct assay_rq_plan *p, uint8_t *row)
{
	size_t adds = 0;

	for (uint32_t at = 0; at < p->inactive_len; at += WORD) {
		uint64_t word;

		memcpy(&word, row + at / 8, 8);
		for (; word != 0; word &= word - 1) {
			uint32_t place = at + __builtin_ctzll(word);

			if (p->row_of_place[place] != UINT16_MAX) {
				rq_kernel()->add(row, matrix_row(p, p->row_of_place[place]),
						 2 * p->wide);
				adds++;
			}
		}
	}
	return adds;
}

static uint32_t first_bit(const uint8_t *row, uint32_t bits)
{
	for (uint32_t at = 0; at < bits; at += WORD) {
		uint64_t word;

		memcpy(&word, row + at / 8, 8);
		if (word != 0)
			return at + __builtin_ctzll(word);
	}
	return bits;
}

/* Takes a left row into the matrix if it is independent. Returns the number of row additions. */
static size_t take_row(struct assay_rq_plan *p, uint32_t r)
{
	struct rq_step s = left_row(p, r);
	uint8_t *row = matrix_row(p, p->pivots);
	uint32_t place;
	size_t adds;

	memcpy(row, p->bits + s.dst * p->wide, p->wide);
	memset(row + p->wide, 0, p->wide);
	set_bit(row + p->wide, p->pivots);
	adds = reduce(p, row);
	place = first_bit(row, p->inactive_len);
	if (place == p->inactive_len)
		return adds;
	for (uint32_t q = 0; q < p->pivots; q++)
		if (matrix_row(p, q)[place / 8] >> place % 8 & 1) {
			rq_kernel()->add(matrix_row(p, q), row, 2 * p->wide);
			adds++;
		}
	p->row_of_place[place] = p->pivots;
	p->pivot_place[p->pivots] = place;
	p->pivot_columns[p->pivots] = p->inactive[place];
	s.dst = p->left_rows[p->pivots] = p->code.l + 1 + p->pivots;
	p->left_steps[p->pivots++] = s;
	p->list_len += s.n;
	return adds;
}

static int eliminated(struct assay_rq_plan *p)
{
	for (uint32_t i = 0; i < RQ_LIST_PAD; i++) {
		p->pivot_columns[p->pivots + i] = p->code.l;
		p->left_rows[p->pivots + i] = p->code.l;
	}
	for (uint32_t i = 0; i < RQ_AHEAD; i++)
		p->left_steps[p->pivots + i].place = RQ_NONE;
	if (p->inactive_len - p->pivots > p->code.h) {
		p->missing = p->inactive_len - p->pivots - p->code.h;
		return ASSAY_E_NOTFOUND;
	}
	p->free_len = 0;
	for (uint32_t i = 0; i < p->inactive_len; i++)
		if (p->row_of_place[i] == UINT16_MAX) {
			p->free_place[p->free_len] = i;
			p->free_columns[p->free_len++] = p->inactive[i];
		}
	for (uint32_t i = 0; i < RQ_LIST_PAD; i++)
		p->free_columns[p->free_len + i] = p->code.l;
	return 0;
}

int rq_stage_eliminate(struct assay_rq_plan *p, uint64_t *budget)
{
	if (p->at == 0) {
		p->pivots = 0;
		memset(p->row_of_place, 0xff, p->inactive_len * sizeof(*p->row_of_place));
	}
	while (p->at < p->left_len && p->pivots < p->inactive_len) {
		size_t adds = take_row(p, p->left[p->at++]);

		if (rq_spend(budget, 16 + p->pivots / 8 + adds * (1 + p->wide / 16)))
			return ASSAY_E_AGAIN;
	}
	return eliminated(p);
}

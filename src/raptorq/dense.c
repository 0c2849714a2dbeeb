/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the peeled columns are in terms of the inactive ones, as rows of bits; and the elimination
 * of the left rows over GF(2), which also keeps the inverse: every dense pivot as a sum of left
 * rows.
 */
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "raptorq/plan.h"

enum { NEAR = 4, FAR = 12, WORD = 64 };

static void set_bit(uint8_t *row, size_t bit)
{
	row[bit / 8] |= 1 << bit % 8;
}

/* The columns of a row, but for one: first those that are peeled, *n of them, then the inactive
 * ones, dealt from both ends of the list. Returns how many there are. Nothing branches on what a
 * column is, which cannot be predicted: the one goes behind the others. */
static size_t deal_columns(const struct assay_rq_plan *p, uint16_t *list, size_t *n,
			   const uint16_t *columns, size_t len, uint32_t but)
{
	const uint16_t *places = p->place;
	size_t total = len - (but != RQ_NONE), peeled = 0, inactive = total;

	for (size_t i = 0; i < len; i++) {
		uint32_t column = columns[i];
		bool other = column != but, early = places[column] == RQ_PEELED;
		size_t to = early ? peeled : inactive - 1;

		list[other ? to : total] = column;
		peeled += early & other;
		inactive -= !early;
	}
	*n = peeled;
	return total;
}

/* Step s as peeling left it, a row and its pivot: the other columns, those that are peeled first,
 * and what their sum is in terms of the inactive ones. */
static void write_step(struct assay_rq_plan *p, struct rq_step *s)
{
	uint32_t r = s->start, start = p->row_start[r], len = p->row_start[r + 1] - start;
	const uint16_t *columns = p->row_list + start;
	uint16_t *list = p->list + p->list_len;
	size_t n, total;

	must(len <= RQ_COLUMNS_MAX);
	s->start = p->list_len;
	s->place = RQ_NONE;
	if (r >= p->code.s)
		rq_plan_row_id(p, r, &s->place, &s->esi);
	rq_sum_bits(p, p->bits + s->dst * p->wide, columns, len, s->dst);
	total = deal_columns(p, list, &n, columns, len, s->dst);
	for (size_t i = total; i < total + RQ_PAD; i++) /* there is room behind the lists */
		list[i] = p->code.l;
	s->n = n;
	s->m = (total - n + RQ_PAD - 1) / RQ_PAD * RQ_PAD;
	p->list_len += s->n + s->m;
}

/* Rows are taken in an order that only peeling knew; the bits that they sum lie anywhere. */
static void prefetch_steps(const struct assay_rq_plan *p, size_t at, bool far)
{
	uint32_t r;

	if (at + FAR < p->steps_len)
		__builtin_prefetch(&p->row_list[p->row_start[p->steps[at + FAR].start]]);
	if (!far || at + NEAR >= p->steps_len)
		return;
	r = p->steps[at + NEAR].start;
	for (uint32_t i = p->row_start[r]; i < p->row_start[r + 1]; i++) {
		const uint8_t *row = p->bits + p->row_list[i] * p->wide;

		__builtin_prefetch(row);
		__builtin_prefetch(row + p->wide - 1);
	}
}

int rq_stage_lists(struct assay_rq_plan *p, uint64_t *budget)
{
	uint32_t weight = rq_weight(p->code.l * p->wide);
	uint64_t cost = 2 * (12 + p->wide / 8) * weight;

	if (p->at == 0) {
		memset(p->bits + p->code.l * p->wide, 0, p->wide);
		for (uint32_t i = 0; i < p->inactive_len; i++) {
			uint8_t *row = p->bits + p->inactive[i] * p->wide;

			memset(row, 0, p->wide);
			set_bit(row, i);
		}
	}
	while (p->at < p->steps_len) {
		prefetch_steps(p, p->at, weight > 1);
		write_step(p, &p->steps[p->at++]);
		if (rq_spend(budget, cost))
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
	uint32_t work = p->code.l + 1, len = p->row_start[r + 1] - p->row_start[r];
	const uint16_t *columns = p->row_list + p->row_start[r];
	struct rq_step s = {.start = p->list_len, .dst = work, .place = RQ_NONE};
	size_t n;

	must(len <= RQ_COLUMNS_MAX);
	if (r >= p->code.s)
		rq_plan_row_id(p, r, &s.place, &s.esi);
	rq_sum_bits(p, p->bits + work * p->wide, columns, len, RQ_NONE);
	deal_columns(p, p->list + p->list_len, &n, columns, len, RQ_NONE);
	s.n = n;
	return s;
}

/* Removes the pivots that are in the row; the matrix is reduced, so none comes in. */
static void reduce(struct assay_rq_plan *p, uint8_t *row)
{
	for (uint32_t at = 0; at < p->inactive_len; at += WORD) {
		uint64_t word, known;

		memcpy(&word, row + at / 8, 8);
		memcpy(&known, p->pivot_bits + at / 8, 8);
		for (word &= known; word != 0; word &= word - 1) {
			uint32_t place = at + __builtin_ctzll(word);

			rq_add_masked(row, matrix_row(p, p->row_of_place[place]), 2 * p->wide, -1);
		}
	}
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

/* Takes a left row into the matrix if it is independent. */
static void take_row(struct assay_rq_plan *p, uint32_t r)
{
	struct rq_step s = left_row(p, r);
	uint8_t *row = matrix_row(p, p->pivots), *other = p->matrix;
	size_t len = 2 * p->wide;
	uint32_t place;

	memcpy(row, p->bits + s.dst * p->wide, p->wide);
	memset(row + p->wide, 0, p->wide);
	set_bit(row + p->wide, p->pivots);
	reduce(p, row);
	place = first_bit(row, p->inactive_len);
	if (place == p->inactive_len)
		return;
	for (uint32_t q = 0; q < p->pivots; q++, other += len)
		rq_add_masked(other, row, len, -(uint64_t)(other[place / 8] >> place % 8 & 1));
	set_bit(p->pivot_bits, place);
	p->row_of_place[place] = p->pivots;
	p->pivot_place[p->pivots] = place;
	p->pivot_columns[p->pivots] = p->inactive[place];
	s.dst = p->left_rows[p->pivots] = p->code.l + 1 + p->pivots;
	p->left_steps[p->pivots++] = s;
	p->list_len += s.n;
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
		memset(p->pivot_bits, 0, p->wide);
	}
	while (p->at < p->left_len && p->pivots < p->inactive_len) {
		take_row(p, p->left[p->at++]);
		if (rq_spend(budget, 16 + p->pivots * (1 + p->wide / 16)))
			return ASSAY_E_AGAIN;
	}
	return eliminated(p);
}

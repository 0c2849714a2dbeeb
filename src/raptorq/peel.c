/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary rows, their transpose, and peeling with inactivation. All PI columns are inactive from the
 * start. A row's xor of its active columns gives the last of them without a search.
 */
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "raptorq/plan.h"

enum { COST_LDPC = 4, COST_ROW = 24, COST_COLUMN = 40, CHUNK = 128 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void row_add(struct assay_rq_plan *p, uint32_t row, uint16_t column)
{
	p->row_list[p->row_start[row] + p->row[row].active++] = column;
	p->row[row].sum ^= column;
	p->col_start[column + 2]++;
}

/* Every run of S columns enters each LDPC row three times; what is left of the last run is counted.
 */
static void ldpc_count(struct assay_rq_plan *p)
{
	const struct rq_code *c = &p->code;
	uint32_t rows[3];

	for (uint32_t r = 0; r < c->s; r++)
		p->row_start[r + 1] = 3 * (c->b / c->s);
	for (uint32_t i = c->b / c->s * c->s; i < c->b; i++) {
		rq_code_ldpc(c, i, rows);
		for (int n = 0; n < 3; n++)
			p->row_start[rows[n] + 1]++;
	}
}

/* Columns [from, to): r, r + q, r + 2q mod S, where r counts up and q is one more in each run. */
static void ldpc_fill(struct assay_rq_plan *p, uint32_t from, uint32_t to)
{
	uint32_t s = p->code.s, r = from % s, q = (1 + from / s) % s;

	for (uint32_t i = from; i < to; i++) {
		uint32_t second = r + q < s ? r + q : r + q - s;

		row_add(p, r, i);
		row_add(p, second, i);
		row_add(p, second + q < s ? second + q : second + q - s, i);
		if (++r == s) {
			r = 0;
			q = q + 1 < s ? q + 1 : 0;
		}
	}
}

/* Each LDPC row also has its own column and two PI ones, which are not counted as active. */
static void ldpc_own(struct assay_rq_plan *p)
{
	const struct rq_code *c = &p->code;

	for (uint32_t r = 0; r < c->s; r++) {
		uint16_t *end;

		p->row_start[r + 1] += p->row_start[r] + 3;
		end = p->row_list + p->row_start[r + 1];
		row_add(p, r, c->b + r);
		end[-2] = c->w + r % c->p;
		end[-1] = c->w + (r + 1) % c->p;
	}
}

int rq_stage_ldpc(struct assay_rq_plan *p, uint64_t *budget)
{
	const struct rq_code *c = &p->code;

	if (p->at == 0) {
		memset(p->row, 0, c->s * sizeof(*p->row));
		memset(p->col_start, 0, (c->w + 2) * sizeof(*p->col_start));
		p->row_start[0] = 0;
		ldpc_count(p);
		ldpc_own(p);
	}
	while (p->at < c->b) {
		size_t to = smaller(p->at + CHUNK, c->b);

		ldpc_fill(p, p->at, to);
		p->at = to;
		if (rq_spend(budget, COST_LDPC * CHUNK))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

int rq_stage_rows(struct assay_rq_plan *p, uint64_t *budget)
{
	while (p->at < p->rows - p->code.s) {
		uint32_t row = p->code.s + p->at, place, esi;
		uint32_t start = p->row_start[row];
		uint32_t id = rq_plan_row_id(p, row, &place, &esi);
		uint16_t *columns = p->row_list + start;
		unsigned len, lt;

		if (start + RQ_ROW_MAX > p->row_room)
			return rq_plan_entries_full(p);
		len = rq_code_columns(&p->code, id, columns, &lt);
		p->row[row] = (struct rq_row){.active = lt};
		p->row_start[row + 1] = start + len;
		for (unsigned i = 0; i < lt; i++) {
			p->row[row].sum ^= columns[i];
			p->col_start[columns[i] + 2]++;
		}
		p->at++;
		if (rq_spend(budget, COST_ROW * p->weight))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* col_start[c + 2] holds counts; sums make col_start[c + 1] the place to fill next, which ends up
 * as the start of c + 1. Progress: 0..W sums, from there on it fills. */
int rq_stage_columns(struct assay_rq_plan *p, uint64_t *budget)
{
	const struct rq_code *c = &p->code;

	while (p->at < c->w) {
		p->col_start[p->at + 2] += p->col_start[p->at + 1];
		if (++p->at % CHUNK == 0 && rq_spend(budget, CHUNK / 4))
			return ASSAY_E_AGAIN;
	}
	while (p->at < c->w + p->rows) {
		uint32_t row = p->at++ - c->w;
		const uint16_t *columns = p->row_list + p->row_start[row];
		size_t lt = p->row[row].active;

		for (size_t i = 0; i < lt; i++)
			p->col_list[p->col_start[columns[i] + 1]++] = row;
		if (rq_spend(budget, lt * p->weight))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* Rows with three active columns are only collected from when they are first asked for. */
static void push(struct assay_rq_plan *p, uint32_t r)
{
	struct rq_row *row = &p->row[r];

	if (row->active == 1) {
		unsigned class = smaller(row->peeled, RQ_CLASSES - 1);

		row->next = p->ready[class];
		p->ready[class] = r;
		__builtin_prefetch(&p->col_start[row->sum]);
	} else if (row->active == 2) {
		p->pair_next[r] = p->pairs;
		p->pairs = r;
	} else if (row->active == 3 && p->with_triples) {
		p->triple_next[r] = p->triples;
		p->triples = r;
	}
}

static void resolve(struct assay_rq_plan *p, uint16_t column, bool peeled)
{
	uint16_t few;

	if (peeled) {
		p->place[column] = RQ_PEELED;
	} else {
		p->place[column] = p->inactive_len;
		p->inactive[p->inactive_len++] = column;
	}
	p->resolved++;
	few = p->with_triples ? 3 : 2;
	for (uint32_t i = p->col_start[column]; i < p->col_start[column + 1]; i++) {
		struct rq_row *row = &p->row[p->col_list[i]];

		row->active--;
		row->sum ^= column;
		row->peeled += peeled;
		if (row->active <= few)
			push(p, p->col_list[i]);
	}
}

/* Pops a row with one active column, staying with one class as long as it lasts. */
static uint32_t pop_ready(struct assay_rq_plan *p)
{
	for (unsigned tried = 0; tried < RQ_CLASSES;) {
		uint32_t r = p->ready[p->class_now];

		if (r == RQ_NONE) {
			p->class_now = (p->class_now + 1) % RQ_CLASSES;
			tried++;
			continue;
		}
		p->ready[p->class_now] = p->row[r].next;
		if (p->row[r].active == 1) {
			if (p->row[r].next != RQ_NONE)
				__builtin_prefetch(
					&p->col_list[p->col_start[p->row[p->row[r].next].sum]]);
			return r;
		}
	}
	return RQ_NONE;
}

static uint32_t pop_active(struct assay_rq_plan *p, uint32_t *stack, const uint32_t *next,
			   uint16_t active)
{
	while (*stack != RQ_NONE) {
		uint32_t r = *stack;

		*stack = next[r];
		if (p->row[r].active == active)
			return r;
	}
	return RQ_NONE;
}

/* With no pair left: the row with the fewest active columns, found a part at a time. False when the
 * search is not at its end. */
static bool least_active(struct assay_rq_plan *p, uint32_t *best, uint64_t *budget)
{
	while (p->scan < p->rows) {
		uint32_t r = p->scan++;

		if (p->row[r].active == 3 && !p->with_triples) {
			p->triple_next[r] = p->triples;
			p->triples = r;
		}
		if (p->row[r].active > 0 &&
		    (p->scan_best == RQ_NONE || p->row[r].active < p->row[p->scan_best].active))
			p->scan_best = r;
		if (p->scan % CHUNK == 0 && rq_spend(budget, CHUNK / 2))
			return false;
	}
	*best = p->scan_best;
	p->with_triples = true;
	p->scan = 0;
	p->scan_best = RQ_NONE;
	return true;
}

/* Columns that are in no row, some at a time: only HDPC rows can tell them. */
static void give_up_columns(struct assay_rq_plan *p)
{
	uint32_t n = 0;

	for (uint16_t c = 0; c < p->code.w && n < CHUNK; c++)
		if (p->place[c] == RQ_ACTIVE) {
			resolve(p, c, false);
			n++;
		}
}

/* Nothing to peel: makes columns of one row inactive until one is left. */
static void make_inactive(struct assay_rq_plan *p, uint64_t *budget)
{
	uint32_t r = pop_active(p, &p->pairs, p->pair_next, 2);

	if (r == RQ_NONE && p->with_triples)
		r = pop_active(p, &p->triples, p->triple_next, 3);
	if (r == RQ_NONE && !least_active(p, &r, budget))
		return;
	if (r == RQ_NONE) {
		give_up_columns(p);
		return;
	}
	for (uint32_t i = p->row_start[r]; p->row[r].active > 1; i++)
		if (p->place[p->row_list[i]] == RQ_ACTIVE)
			resolve(p, p->row_list[i], false);
}

/* The stacks of rows that are ready, the lowest on top. */
int rq_stage_ready(struct assay_rq_plan *p, uint64_t *budget)
{
	const struct rq_code *c = &p->code;

	if (p->at == 0) {
		memset(p->place, 0xff, c->w * sizeof(*p->place));
		for (uint32_t i = 0; i < c->p; i++) {
			p->place[c->w + i] = i;
			p->inactive[i] = c->w + i;
		}
		p->inactive_len = c->p;
		p->resolved = p->class_now = p->left_len = p->scan = 0;
		p->scan_best = RQ_NONE;
		p->with_triples = false;
		memset(p->ready, 0xff, sizeof(p->ready));
		p->pairs = p->triples = RQ_NONE;
		memset(p->is_pivot, 0, p->rows);
	}
	while (p->at < p->rows) {
		push(p, p->rows - 1 - p->at);
		if (++p->at % CHUNK == 0 && rq_spend(budget, 3 * CHUNK))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

int rq_stage_peel(struct assay_rq_plan *p, uint64_t *budget)
{
	while (p->resolved < p->code.w) {
		uint32_t r = pop_ready(p);

		if (r != RQ_NONE) {
			uint16_t column = p->row[r].sum;

			p->is_pivot[r] = 1;
			p->steps[p->steps_len++] = (struct rq_step){.start = r, .dst = column};
			resolve(p, column, true);
		} else {
			make_inactive(p, budget);
		}
		if (rq_spend(budget, COST_COLUMN * (p->weight > 1 ? 2 : 1)))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* Rows that became no pivot. */
int rq_stage_left(struct assay_rq_plan *p, uint64_t *budget)
{
	while (p->at < p->rows) {
		if (!p->is_pivot[p->at])
			p->left[p->left_len++] = p->at;
		if (++p->at % CHUNK == 0 && rq_spend(budget, CHUNK))
			return ASSAY_E_AGAIN;
	}
	for (uint32_t i = 0; i < RQ_LIST_PAD; i++)
		p->inactive[p->inactive_len + i] = p->code.l;
	for (uint32_t i = 0; i < RQ_AHEAD; i++)
		p->steps[p->steps_len + i].place = RQ_NONE;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peeling with inactivation. All PI columns are inactive from the start. A row's xor of its active
 * columns gives the last of them without a search.
 */
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "raptorq/plan.h"

enum { COST_COLUMN = 32, CHUNK = 128 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Rows with three active columns are only collected from when they are first asked for. */
static void push(struct assay_rq_plan *p, uint32_t r)
{
	union rq_row *row = &p->row[r];

	if (row->active == 1) {
		unsigned class = smaller(row->peeled, RQ_CLASSES - 1);

		p->ready_next[r] = p->ready[class];
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
	const union rq_row one = {.active = 1}, more = {.peeled = peeled}, own = {.sum = column};
	uint16_t few = p->with_triples ? 3 : 2;
	const uint32_t *list = p->col_list + p->col_start[column];
	const uint32_t *end = p->col_list + p->col_start[column + 1];
	union rq_row *rows = p->row;

	if (peeled) {
		p->place[column] = RQ_PEELED;
	} else {
		p->place[column] = p->inactive_len;
		p->inactive[p->inactive_len++] = column;
	}
	p->resolved++;
	for (; list < end; list++) {
		union rq_row *row = &rows[*list];

		row->all = (row->all - one.all + more.all) ^ own.all;
		if (row->active <= few)
			push(p, *list);
	}
}

/* Pops a row with one active column, staying with one class as long as it lasts. */
static uint32_t pop_ready(struct assay_rq_plan *p)
{
	for (unsigned tried = 0; tried < RQ_CLASSES;) {
		uint32_t r = p->ready[p->class_now], next;

		if (r == RQ_NONE) {
			p->class_now = (p->class_now + 1) % RQ_CLASSES;
			tried++;
			continue;
		}
		next = p->ready_next[r];
		p->ready[p->class_now] = next;
		if (p->row[r].active != 1)
			continue;
		if (next != RQ_NONE)
			__builtin_prefetch(&p->col_list[p->col_start[p->row[next].sum]]);
		return r;
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
		uint32_t to = smaller(p->at + CHUNK, p->rows), len = p->left_len;

		for (uint32_t r = p->at; r < to; r++) {
			p->left[len] = r;
			len += !p->is_pivot[r];
		}
		p->left_len = len;
		p->at = to;
		if (rq_spend(budget, CHUNK / 4))
			return ASSAY_E_AGAIN;
	}
	for (uint32_t i = 0; i < RQ_LIST_PAD; i++)
		p->inactive[p->inactive_len + i] = p->code.l;
	for (uint32_t i = 0; i < RQ_AHEAD; i++)
		p->steps[p->steps_len + i].place = RQ_NONE;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Binary rows and their transpose. Loops whose end is a surprise cost more than what they do, so
 * that some go over more entries than there are. */
#include <string.h>

#include "assay/status.h"
#include "raptorq/plan.h"

enum { COST_LDPC = 2, COST_ROW = 20, COST_COLUMN = 2, CHUNK = 128, BATCH = 4 };

static uint32_t minus(uint32_t a, uint32_t b, uint32_t s)
{
	return a >= b ? a - b : a + s - b;
}

/* LDPC row r. Run number j of S columns enters it with its columns r, r - q and r - 2q mod S, where
 * q = j + 1; the last run may be cut short. Its own column and two PI ones follow, and the latter
 * are not counted as active. */
static void ldpc_row(struct assay_rq_plan *p, uint32_t r)
{
	const struct rq_code *c = &p->code;
	uint32_t s = c->s, second = minus(r, 1, s), third = minus(r, 2, s), base = 0, n = 0;
	uint16_t *list = p->row_list + p->row_start[r], sum = c->b + r;

	for (; base + s <= c->b; base += s, n += 3) {
		list[n] = base + r;
		list[n + 1] = base + second;
		list[n + 2] = base + third;
		sum ^= list[n] ^ list[n + 1] ^ list[n + 2];
		second = minus(second, 1, s);
		third = minus(third, 2, s);
	}
	for (int i = 0; i < 3; i++) {
		uint32_t column = base + (i == 0 ? r : i == 1 ? second : third);

		if (column < c->b) {
			list[n++] = column;
			sum ^= column;
		}
	}
	list[n++] = c->b + r;
	list[n] = c->w + r % c->p;
	list[n + 1] = c->w + (r + 1) % c->p;
	p->row_start[r + 1] = p->row_start[r] + n + 2;
	p->row[r] = (union rq_row){.active = n, .sum = sum};
}

int rq_stage_ldpc(struct assay_rq_plan *p, uint64_t *budget)
{
	const struct rq_code *c = &p->code;

	if (p->at == 0) {
		memset(p->col_start, 0, (c->l + 3) * sizeof(*p->col_start));
		p->row_start[0] = 0;
	}
	while (p->at < c->s) {
		ldpc_row(p, p->at++);
		if (rq_spend(budget, COST_LDPC * (c->b / c->s + 4)))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* A symbol's row. Behind its LT columns there are at least three PI ones, of which one may not
 * belong to it: all of them may be counted, for nobody asks how many rows a PI column has. */
static void symbol_row(struct assay_rq_plan *p, uint32_t row)
{
	uint32_t place, esi, start = p->row_start[row];
	uint32_t *count = p->col_start + 2;
	uint16_t *columns = p->row_list + start, sum = 0;
	unsigned lt, len;

	len = rq_code_columns(&p->code, rq_plan_row_id(p, row, &place, &esi), columns, &lt);
	for (unsigned i = 0; i < lt; i += BATCH)
		for (unsigned j = i; j < i + BATCH; j++) {
			sum ^= columns[j] & -(j < lt);
			count[columns[j]]++;
		}
	p->row[row] = (union rq_row){.active = lt, .sum = sum};
	p->row_start[row + 1] = start + len;
}

int rq_stage_rows(struct assay_rq_plan *p, uint64_t *budget)
{
	while (p->at < p->rows - p->code.s) {
		uint32_t row = p->code.s + p->at;

		if (p->row_start[row] + RQ_ROW_MAX > p->row_room)
			return rq_plan_entries_full(p);
		symbol_row(p, row);
		p->at++;
		if (rq_spend(budget, COST_ROW * p->weight))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* Columns [from, to) get their starts and their LDPC rows. col_start[c + 2] holds the number of
 * symbols in c and col_start[c + 1] its start; afterwards that is the place to fill next, which
 * ends up as the start of c + 1. */
static void start_columns(struct assay_rq_plan *p, uint32_t from, uint32_t to)
{
	uint32_t s = p->code.s, r = from % s, q = (1 + from / s) % s;

	for (uint32_t c = from; c < to; c++) {
		uint32_t start = p->col_start[c + 1], *list = p->col_list + start, n = 1;

		list[0] = c - p->code.b;
		if (c < p->code.b) {
			list[0] = r;
			list[1] = r + q < s ? r + q : r + q - s;
			list[2] = list[1] + q < s ? list[1] + q : list[1] + q - s;
			n = 3;
		}
		if (++r == s) {
			r = 0;
			q = q + 1 < s ? q + 1 : 0;
		}
		p->col_start[c + 1] = start + n;
		p->col_start[c + 2] += start + n;
	}
}

/* Progress: 0..W starts, from there on it fills. */
int rq_stage_columns(struct assay_rq_plan *p, uint64_t *budget)
{
	const struct rq_code *c = &p->code;

	while (p->at < c->w) {
		uint32_t to = p->at + CHUNK < c->w ? p->at + CHUNK : c->w;

		start_columns(p, p->at, to);
		p->at = to;
		if (rq_spend(budget, COST_COLUMN * CHUNK))
			return ASSAY_E_AGAIN;
	}
	while (p->at < c->w + p->rows - c->s) {
		uint32_t row = p->at++ - c->w + c->s;
		const uint16_t *columns = p->row_list + p->row_start[row];
		uint32_t *next = p->col_start + 1, *list = p->col_list;
		size_t lt = p->row[row].active;

		for (size_t i = 0; i < lt; i++)
			list[next[columns[i]]++] = row;
		if (rq_spend(budget, lt * p->weight))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

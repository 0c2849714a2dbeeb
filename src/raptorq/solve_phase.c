/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of one stripe. Each goes on where `at` and `part` say. */
#include <string.h>

#include "raptorq/solve.h"

enum { SLICE = 64, STEPS_MIN = 8, STEPS_MAX = 512, DIRECT_OUTS = 10 };
enum { IN_PLACE_MAX = 4096 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Cost of n row operations. */
static uint64_t cost(const struct assay_rq_solve *s, size_t n)
{
	return n * (s->width / 32) / 2 + n / 2;
}

/* How many steps of so many row operations the budget is good for. */
static size_t steps_for(const struct assay_rq_solve *s, size_t left, size_t each, uint64_t budget)
{
	uint64_t n = budget / (cost(s, each) * s->weight + 1);

	n = n < STEPS_MIN ? STEPS_MIN : n > STEPS_MAX ? STEPS_MAX : n;
	return smaller(left, n);
}

static bool gather(struct assay_rq_solve *s, const struct rq_step *steps, size_t len, size_t each,
		   bool back, uint64_t *budget)
{
	while (s->at < len) {
		size_t n = steps_for(s, len - s->at, each, *budget);

		rq_kernel()->gather(&s->gather, steps + s->at, n, back);
		s->at += n;
		if (rq_spend(budget, cost(s, n * each) * s->weight))
			break;
	}
	return s->at == len;
}

static bool clear(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_plan *p = s->plan;
	size_t w = s->width;

	for (size_t i = 0; i < p->inactive_len; i++)
		memset(s->rows + p->inactive[i] * w, 0, w);
	memset(s->rows + p->code.l * w, 0, w);
	if (p->free_len > 0) {
		memset(s->buckets, 0, (RQ_PAIR_DUMP(&p->code) + 1) * w);
		memset(s->running, 0, w);
		memset(s->hdpc + RQ_HDPC_MAX * w, 0, RQ_HDPC_MAX * w);
	}
	rq_spend(budget, cost(s, p->inactive_len + 32));
	return true;
}

static bool forward(struct assay_rq_solve *s, uint64_t *budget)
{
	return gather(s, s->plan->steps, s->plan->steps_len, 6, false, budget);
}

static bool left(struct assay_rq_solve *s, uint64_t *budget)
{
	return gather(s, s->plan->left_steps, s->plan->pivots, 20, false, budget);
}

static bool running_sums(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_plan *p = s->plan;
	size_t len = p->free_len > 0 ? p->code.kp + p->code.s : 0;

	while (s->at < len) {
		size_t n = smaller(len - s->at, SLICE);

		rq_kernel()->hdpc(s->running, s->buckets, s->rows + s->at * s->width,
				  p->hdpc_map + s->at, n, s->width);
		s->at += n;
		if (rq_spend(budget, cost(s, 3 * n)))
			break;
	}
	return s->at == len;
}

/* HDPC rows out of the buckets of row pairs; the last running sum enters row h times 2^h. */
static bool hdpc_rows(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_plan *p = s->plan;
	const struct rq_gather buckets = {
		.rows = s->buckets, .width = s->width, .list = p->hdpc_list};
	const uint8_t *last = s->buckets + RQ_PAIR_DUMP(&p->code) * s->width;
	uint8_t power[RQ_HDPC_MAX], factor = 1;

	if (p->free_len == 0)
		return true;
	rq_kernel()->emit(s->hdpc, &buckets, p->hdpc_steps, p->code.h);
	for (uint32_t h = 0; h < p->code.h; h++) {
		power[h] = factor;
		factor = factor << 1 ^ (factor & 0x80 ? 0x1d : 0);
	}
	rq_kernel()->dot(s->hdpc, p->code.h, &last, 1, power, 1, s->width);
	rq_spend(budget, cost(s, 4 * RQ_PAIR_DUMP(&p->code)));
	return true;
}

/* Bits per lookup that make the sum cheapest while the tables stay in half of L1. */
static unsigned lookup_bits(const struct rq_product *m, size_t width)
{
	unsigned best = 1;
	size_t best_cost = SIZE_MAX;

	for (unsigned k = 1; k <= 8 && (width << k) * RQ_TABLES <= 16384; k++) {
		size_t passes = (m->from_len + RQ_TABLES * k - 1) / (RQ_TABLES * k);
		size_t total =
			passes * (RQ_TABLES * ((size_t)3 << k) / 2 + m->len * (RQ_TABLES + 3));

		if (total < best_cost) {
			best = k;
			best_cost = total;
		}
	}
	return best;
}

/* at: rows of `from` done; part: rows of the current pass done. */
static bool multiply(struct assay_rq_solve *s, const struct rq_product *m, uint64_t *budget)
{
	const struct rq_kernel *kernel = rq_kernel();
	unsigned k = lookup_bits(m, s->width);

	while (s->at < m->from_len && m->len > 0) {
		size_t n = smaller(m->len - s->part, SLICE);

		if (s->part == 0) {
			for (unsigned t = 0; t < RQ_TABLES; t++)
				kernel->table(s->tables + t * (s->width << k), s->rows,
					      m->from + s->at + t * k, k, s->width);
			rq_spend(budget, cost(s, RQ_TABLES << k));
		}
		kernel->lookup(m->list != NULL ? m->rows : m->rows + s->part * s->width,
			       m->list != NULL ? m->list + s->part : NULL, n,
			       m->bits + s->part * m->stride, m->stride, s->at, s->tables, k,
			       s->width);
		s->part += n;
		if (s->part == m->len) {
			s->part = 0;
			s->at += RQ_TABLES * k;
		}
		if (rq_spend(budget, cost(s, (RQ_TABLES + 2) * n)))
			break;
	}
	return s->at >= m->from_len || m->len == 0;
}

static bool dense_pivots(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_plan *p = s->plan;
	struct rq_product m = {s->rows,	  p->pivot_columns,    p->pivots,  p->left_rows,
			       p->pivots, p->matrix + p->wide, 2 * p->wide};

	return multiply(s, &m, budget);
}

/* The columns that binary rows leave free: the HDPC rows with the pivots put in, times the inverse.
 */
static bool dense_free(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_plan *p = s->plan;
	const uint8_t *row[RQ_HDPC_MAX];
	uint8_t *free = s->hdpc + RQ_HDPC_MAX * s->width;

	while (p->free_len > 0 && s->at < p->pivots) {
		size_t n = smaller(p->pivots - s->at, SLICE);

		for (size_t i = 0; i < n; i++)
			s->pointers[i] = s->rows + p->pivot_columns[s->at + i] * s->width;
		rq_kernel()->dot(s->hdpc, p->code.h, s->pointers, n,
				 p->hdpc_pivot + s->at * RQ_HDPC_MAX, RQ_HDPC_MAX, s->width);
		s->at += n;
		if (rq_spend(budget, cost(s, n * p->code.h)))
			return false;
	}
	for (uint32_t h = 0; h < p->code.h; h++)
		row[h] = s->hdpc + h * s->width;
	rq_kernel()->dot(free, p->free_len, row, p->code.h, p->hdpc_solve, RQ_HDPC_MAX, s->width);
	for (uint32_t f = 0; f < p->free_len; f++)
		memcpy(s->rows + p->free_columns[f] * s->width, free + f * s->width, s->width);
	return true;
}

static bool dense_share(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_plan *p = s->plan;
	struct rq_product m = {s->rows,	    p->pivot_columns, p->pivots, p->free_columns,
			       p->free_len, p->free_bits,     8};

	return multiply(s, &m, budget);
}

static bool back(struct assay_rq_solve *s, uint64_t *budget)
{
	return gather(s, s->plan->steps, s->plan->steps_len, 10, true, budget);
}

/* Output i of the stripe to where it belongs. */
static void write_out(struct assay_rq_solve *s, const struct rq_step *step, size_t i,
		      const uint8_t *row)
{
	uint8_t *to, *carry = s->carry + i * RQ_LINE;
	size_t over;

	if (!s->streams) {
		rq_port_write(&s->out, step, row);
		return;
	}
	to = rq_port_at(&s->out, step);
	rq_kernel()->stream(to, row, s->width, carry, !s->carries);
	over = (uintptr_t)to % RQ_LINE;
	if (s->flushes && over > 0)
		memcpy(to + s->width - over, carry, over);
}

/* Outputs out of intermediate symbols, a few at a time by way of a small working area. */
static bool emit_out(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_wanted *w = s->wanted;

	while (s->at < w->len) {
		const struct rq_step *steps = w->steps + s->at;
		size_t n = smaller(steps_for(s, w->len - s->at, 8, *budget), RQ_EMIT);

		rq_kernel()->emit(s->outs, &s->emit, steps, n);
		for (size_t i = 0; i < n; i++)
			write_out(s, &steps[i], s->at + i, s->outs + i * s->width);
		s->at += n;
		if (rq_spend(budget, cost(s, 10 * n) * s->weight))
			break;
	}
	return s->at == w->len;
}

/* Outputs as sums of peeled columns of the forward pass. */
static bool short_gather(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_wanted *w = s->wanted;

	while (s->at < w->len) {
		size_t n = steps_for(s, w->len - s->at, 8, *budget);

		rq_kernel()->emit(s->outs + s->at * s->width, &s->emit, w->steps + s->at, n);
		s->at += n;
		if (rq_spend(budget, cost(s, 8 * n) * s->weight))
			break;
	}
	return s->at == w->len;
}

static bool short_dense(struct assay_rq_solve *s, uint64_t *budget)
{
	struct rq_product m = {s->outs,
			       NULL,
			       s->wanted->len,
			       s->plan->inactive,
			       s->plan->inactive_len,
			       s->wanted->bits,
			       s->plan->wide};

	return multiply(s, &m, budget);
}

static bool write_outs(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_wanted *w = s->wanted;
	const struct rq_step *steps = w->way == ASSAY_RQ_DIRECT ? w->places : w->steps;

	while (s->at < w->len) {
		write_out(s, &steps[s->at], s->at, s->outs + s->at * s->width);
		s->at++;
		if (rq_spend(budget, cost(s, 2)))
			break;
	}
	return s->at == w->len;
}

static void point_at_sources(struct assay_rq_solve *s, bool in_place)
{
	const struct assay_rq_wanted *w = s->wanted;

	for (uint32_t i = 0; i < w->from_len; i++)
		s->pointers[i] =
			in_place ? rq_port_at(&s->in, &w->from[i]) : s->rows + i * s->width;
}

/* The known symbols where they are. Large ones side by side: their own places may all fall in the
 * same cache sets. */
static bool direct_sources(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_wanted *w = s->wanted;
	bool in_place = !s->in.careful && s->io.symbol_size <= IN_PLACE_MAX;

	if (s->at == 0) {
		memset(s->outs, 0, w->len * s->width);
		if (in_place || s->pointers[0] != s->rows)
			point_at_sources(s, in_place);
		rq_spend(budget, 1 + w->from_len / 8);
	}
	return in_place || gather(s, w->from, w->from_len, 2, false, budget);
}

static bool direct_product(struct assay_rq_solve *s, uint64_t *budget)
{
	const struct assay_rq_wanted *w = s->wanted;

	while (s->at < w->len) {
		size_t n = smaller(w->len - s->at, DIRECT_OUTS);

		rq_kernel()->dot(s->outs + s->at * s->width, n, s->pointers, w->from_len,
				 w->coef + s->at, w->stride, s->width);
		s->at += n;
		if (rq_spend(budget, cost(s, n * w->from_len)))
			break;
	}
	return s->at == w->len;
}

#define SOLVED clear, forward, left, running_sums, hdpc_rows, dense_pivots, dense_free, dense_share
rq_phase *const rq_phases_back[] = {SOLVED, back, emit_out, NULL};
rq_phase *const rq_phases_short[] = {SOLVED, short_gather, short_dense, write_outs, NULL};
rq_phase *const rq_phases_direct[] = {direct_sources, direct_product, write_outs, NULL};

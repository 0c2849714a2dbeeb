/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/wanted.h"

#include <string.h>

#include "assay/status.h"
#include "base/must.h"

enum { COST_TUPLE = 32, ENTRIES = RQ_ROW_MAX, CHUNK = 64 };

/* Costs in row operations out of L2, measured with AVX2 on Zen 3; GFNI needs less for a product. */
static const double cost_product_shuffle = 1.3, cost_product_gfni = 0.35;

/* A row of the working area, and a bit of an output's share in the inactive columns. */
struct costs {
	double row, bit;
};

static size_t direct_from_max(const struct assay_rq_plan *plan)
{
	return plan->steps_len + plan->pivots;
}

static bool direct_possible(const struct assay_rq_plan *plan, size_t len)
{
	return len <= 64 && plan->code.l <= 2048;
}

/* All parts of the memory, in one order for counting and for dealing. */
static void deal(struct assay_rq_wanted *w, bool direct)
{
	struct rq_arena *a = &w->arena;
	size_t len = w->len, from = direct_from_max(w->plan), unit = rq_kernel()->unit;

	w->places = rq_arena_take(a, len * sizeof(*w->places));
	w->steps = rq_arena_take(a, (len + RQ_AHEAD) * sizeof(*w->steps));
	w->list = rq_arena_take(a, len * ENTRIES * sizeof(*w->list));
	w->bits = rq_arena_take(a, len * w->plan->wide + 8);
	if (!direct)
		return;
	w->from = rq_arena_take(a, (from + RQ_AHEAD) * sizeof(*w->from));
	w->stride = (len + unit - 1) / unit * unit;
	w->coef = rq_arena_take(a, from * w->stride);
	w->weights = rq_arena_take(a, (w->plan->code.l + 1 + w->plan->pivots) * w->stride);
	w->hdpc = rq_arena_take(a, RQ_HDPC_MAX * w->stride);
	w->buckets = rq_arena_take(a, (RQ_PAIR_DUMP(&w->plan->code) + 2) * w->stride);
	w->step_of = rq_arena_take(a, w->plan->known_len * sizeof(*w->step_of));
}

size_t assay_rq_wanted_size(const struct assay_rq_plan *plan, size_t len)
{
	struct assay_rq_wanted w = {.plan = plan, .len = len};

	w.arena.used = (sizeof(w) + 63) & ~(size_t)63;
	deal(&w, direct_possible(plan, len));
	return w.arena.used;
}

/* By the cache that the rows come from. */
static struct costs costs_of(const struct assay_rq_plan *plan)
{
	switch (rq_weight(plan->code.l * (size_t)RQ_WIDTH_MAX / 2)) {
	case 1:
		return (struct costs){1, 0.29};
	case 4:
		return (struct costs){2, 0.2};
	default:
		return (struct costs){3, 0.15};
	}
}

/* Row operations per way for the whole job, divided by the width that is the same for all. The
 * matrix of a direct product takes as long for each known symbol as two products of 1280 octets. */
static enum assay_rq_way choose(const struct assay_rq_plan *plan, size_t len, uint32_t symbol_size)
{
	struct costs cost = costs_of(plan);
	double dense = plan->inactive_len * cost.bit, per = strcmp(rq_kernel()->name, "avx512") == 0
								    ? cost_product_gfni
								    : cost_product_shuffle;
	double shared =
		(plan->list_len + 2.0 * plan->code.l) * cost.row + plan->inactive_len * dense;
	double back = (plan->list_len + plan->steps_len + len * 7.0) * cost.row;
	double brief = len * (6 * cost.row + dense) + 4 * plan->inactive_len;
	double direct = (len * per + 2560.0 / symbol_size) * plan->code.kp;

	if (direct_possible(plan, len) && direct < shared + back && direct < shared + brief)
		return ASSAY_RQ_DIRECT;
	return back < brief ? ASSAY_RQ_BACK : ASSAY_RQ_SHORT;
}

int assay_rq_wanted_init(struct assay_rq_wanted **wanted, void *memory, size_t size,
			 const struct assay_rq_plan *plan, const uint32_t *ids, size_t len,
			 uint32_t symbol_size, enum assay_rq_way way)
{
	struct assay_rq_wanted *w = memory;

	for (size_t i = 0; i < len; i++)
		if (ids[i] > ASSAY_RQ_ESI_MAX &&
		    (ids[i] & ~ASSAY_RQ_INTERMEDIATE(0)) >= plan->code.l)
			return ASSAY_E_RANGE;
	if (symbol_size == 0 || symbol_size > ASSAY_RQ_SYMBOL_MAX || len > UINT32_MAX / ENTRIES)
		return ASSAY_E_RANGE;
	if (way == ASSAY_RQ_DIRECT && !direct_possible(plan, len))
		return ASSAY_E_UNSUPPORTED;
	if (size < assay_rq_wanted_size(plan, len))
		return ASSAY_E_NOMEM;
	*w = (struct assay_rq_wanted){.plan = plan, .ids = ids, .len = len, .way = way};
	if (way == ASSAY_RQ_BEST)
		w->way = choose(plan, len, symbol_size);
	w->direct = w->way == ASSAY_RQ_DIRECT;
	if (w->direct)
		w->way = ASSAY_RQ_SHORT; /* to find the matrix */
	w->arena = (struct rq_arena){memory, size, (sizeof(*w) + 63) & ~(size_t)63};
	deal(w, direct_possible(plan, len));
	must(w->arena.used <= w->arena.size);
	*wanted = w;
	return 0;
}

/* The columns of an id, dealt from both ends: peeled ones, then the others. */
static void write_step(struct assay_rq_wanted *w, uint32_t i)
{
	const struct rq_code *c = &w->plan->code;
	const uint16_t *places = w->plan->place;
	struct rq_step *s = &w->places[i];
	uint16_t columns[RQ_ROW_MAX], *list = w->list + w->list_len;
	unsigned lt, len = 1, n = 0;

	*s = (struct rq_step){.start = w->list_len, .place = i, .esi = w->ids[i]};
	if (w->ids[i] > ASSAY_RQ_ESI_MAX)
		columns[0] = w->ids[i] & ~ASSAY_RQ_INTERMEDIATE(0);
	else
		len = rq_code_columns(c, rq_code_internal(c, w->ids[i]), columns, &lt);
	for (unsigned j = 0; j < len; j++) {
		bool peeled = places[columns[j]] == RQ_PEELED;

		list[peeled ? n : len - 1 - j + n] = columns[j];
		n += peeled;
	}
	s->n = w->way == ASSAY_RQ_SHORT ? n : len;
	s->m = len - s->n;
	w->list_len += len;
}

static int stage_steps(struct assay_rq_wanted *w, uint64_t *budget)
{
	while (w->at < w->len) {
		write_step(w, w->at);
		w->sorted[w->places[w->at++].n + 1]++;
		if (rq_spend(budget, COST_TUPLE))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* Steps of one length together, so that loops over lists end where the CPU expects it. The lengths
 * are counted while the steps are written. */
static int stage_sort(struct assay_rq_wanted *w, uint64_t *budget)
{
	for (unsigned n = 0; w->at == 0 && n < ENTRIES; n++)
		w->sorted[n + 1] += w->sorted[n];
	while (w->at < w->len) {
		const struct rq_step *s = &w->places[w->at++];

		w->steps[w->sorted[s->n]++] = *s;
		if (w->at % CHUNK == 0 && rq_spend(budget, 8 * CHUNK))
			return ASSAY_E_AGAIN;
	}
	for (uint32_t i = 0; i < RQ_AHEAD; i++)
		w->steps[w->len + i].place = RQ_NONE;
	return 0;
}

static void bits_of(struct assay_rq_wanted *w, uint32_t i)
{
	const struct rq_step *s = &w->steps[i];

	rq_sum_bits(w->plan, w->bits + i * w->plan->wide, w->list + s->start, s->n + s->m, RQ_NONE);
}

static int stage_bits(struct assay_rq_wanted *w, uint64_t *budget)
{
	if (w->way != ASSAY_RQ_SHORT)
		return 0;
	while (w->at < w->len) {
		bits_of(w, w->at++);
		if (rq_spend(budget, 8 * (1 + w->plan->wide / 64)))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

int assay_rq_wanted_run(struct assay_rq_wanted *w, uint64_t budget)
{
	static int (*const stages[])(struct assay_rq_wanted *, uint64_t *) = {
		stage_steps,	 stage_sort,	 stage_bits,	    rq_direct_outputs,
		rq_direct_dense, rq_direct_sums, rq_direct_columns, rq_direct_from,
	};
	enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

	while (w->stage < STAGES) {
		int e = stages[w->stage](w, &budget);

		if (e != 0)
			return e;
		w->stage++;
		w->at = 0;
		if (budget == 0 && w->stage < STAGES)
			return ASSAY_E_AGAIN;
	}
	if (w->direct)
		w->way = ASSAY_RQ_DIRECT;
	return 0;
}

enum assay_rq_way assay_rq_wanted_way(const struct assay_rq_wanted *w)
{
	return w->direct ? ASSAY_RQ_DIRECT : w->way;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/plan.h"

#include <string.h>

#include "assay/status.h"
#include "base/must.h"

static rq_stage *const stages[] = {
	rq_stage_ldpc,	    rq_stage_rows,     rq_stage_columns,      rq_stage_ready,
	rq_stage_peel,	    rq_stage_left,     rq_stage_dense_memory, rq_stage_lists,
	rq_stage_eliminate, rq_stage_hdpc_map, rq_stage_hdpc_planes,  rq_stage_hdpc_solve,
};
enum { STAGES = sizeof(stages) / sizeof(stages[0]) };

void *rq_arena_take(struct rq_arena *a, size_t len)
{
	size_t at = a->used;

	a->used += (len + 63) & ~(size_t)63;
	return a->used <= a->size ? a->base + at : NULL;
}

static uint32_t root(uint64_t n)
{
	uint32_t r = 0;

	while ((uint64_t)(r + 1) * (r + 1) <= n)
		r++;
	return r;
}

/* Known symbols that become rows at first: a few more than needed, since the chance that so many
 * leave the rank short is nil unless somebody chose them. */
static size_t rows_wanted(uint32_t symbols, size_t known_len)
{
	size_t want = symbols + symbols / 64 + 8;

	return known_len < want ? known_len : want;
}

/* Entries of all rows: 4.7 LT columns on average and 2 or 3 PI ones in a known symbol. */
static size_t entries_guess(const struct rq_code *c, size_t used)
{
	size_t symbols = used + c->kp - c->k;

	return 7 * symbols + symbols / 4 + 48 * root(symbols) + 3 * c->b + 3 * c->s + 64;
}

/* Inactive columns: measured 2.2 to 2.6 times the root of L, and more for tiny blocks. */
static size_t inactive_guess(const struct rq_code *c)
{
	size_t guess = 4 * root(c->l) + 48;

	return guess < c->l ? guess : c->l;
}

static size_t wide_of(size_t inactive)
{
	size_t bits = 8 * rq_kernel()->unit;

	return (inactive + bits - 1) / bits * (bits / 8);
}

/* The first part of the memory: all that peeling needs. */
static void deal(struct assay_rq_plan *p)
{
	struct rq_arena *a = &p->arena;
	const struct rq_code *c = &p->code;

	p->rows = c->s + (c->kp - c->k) + p->used_len;
	p->row_start = rq_arena_take(a, (p->rows + 1) * sizeof(*p->row_start));
	p->row = rq_arena_take(a, p->rows * sizeof(*p->row));
	p->row_list = rq_arena_take(a, p->row_room * sizeof(*p->row_list));
	p->col_start = rq_arena_take(a, (c->l + 3) * sizeof(*p->col_start));
	p->col_list = rq_arena_take(a, p->row_room * sizeof(*p->col_list));
	p->ready_next = rq_arena_take(a, p->rows * sizeof(*p->ready_next));
	p->pair_next = rq_arena_take(a, p->rows * sizeof(*p->pair_next));
	p->triple_next = rq_arena_take(a, p->rows * sizeof(*p->triple_next));
	p->place = rq_arena_take(a, c->l * sizeof(*p->place));
	p->inactive = rq_arena_take(a, (c->l + RQ_LIST_PAD) * sizeof(*p->inactive));
	p->left = rq_arena_take(a, p->rows * sizeof(*p->left));
	p->is_pivot = rq_arena_take(a, p->rows);
	p->steps = rq_arena_take(a, (c->w + RQ_AHEAD) * sizeof(*p->steps));
	/* every row's list may grow by padding; left rows' lists fit since each row is listed once
	 */
	p->list_room = p->row_room + (size_t)RQ_PAD * c->w + 64;
	p->list = rq_arena_take(a, p->list_room * sizeof(*p->list));
	p->hdpc_map = rq_arena_take(a, c->kp + c->s);
}

/* The second part, whose size depends on the number of inactive columns. */
static void deal_dense(struct assay_rq_plan *p, size_t inactive)
{
	struct rq_arena *a = &p->arena;
	const struct rq_code *c = &p->code;

	p->wide = wide_of(inactive);
	p->bits = rq_arena_take(a, (c->l + 2) * p->wide);
	p->matrix = rq_arena_take(a, (inactive + 1) * 2 * p->wide + 8);
	p->left_steps = rq_arena_take(a, (inactive + RQ_AHEAD) * sizeof(*p->left_steps));
	p->pivot_place = rq_arena_take(a, inactive * sizeof(*p->pivot_place));
	p->row_of_place = rq_arena_take(a, inactive * sizeof(*p->row_of_place));
	p->pivot_bits = rq_arena_take(a, p->wide);
	p->pivot_columns = rq_arena_take(a, (inactive + RQ_LIST_PAD) * sizeof(*p->pivot_columns));
	p->left_rows = rq_arena_take(a, (inactive + RQ_LIST_PAD) * sizeof(*p->left_rows));
	p->hdpc_pairs = rq_arena_take(a, (c->kp + c->s) * sizeof(*p->hdpc_pairs));
	p->planes = rq_arena_take(a, (RQ_HDPC_MAX + 3) * 8 * p->wide);
	p->hdpc_pivot = rq_arena_take(a, inactive * RQ_HDPC_MAX);
	p->free_bits = rq_arena_take(a, inactive * 8 + 8);
	p->octets_stride = inactive + 8;
	p->octets = rq_arena_take(a, 2 * p->octets_stride);
	p->free_masks = rq_arena_take(a, inactive * RQ_HDPC_MAX);
}

/* Octets for so many rows, entries and inactive columns. */
static size_t size_for(const struct rq_code *c, size_t used, size_t entries, size_t inactive)
{
	struct assay_rq_plan p = {.code = *c, .used_len = used, .row_room = entries};

	p.arena.used = (sizeof(p) + 63) & ~(size_t)63;
	deal(&p);
	deal_dense(&p, inactive);
	return p.arena.used;
}

size_t assay_rq_plan_size(uint32_t symbols, size_t known_len)
{
	struct rq_code code;
	size_t used = rows_wanted(symbols, known_len);

	if (rq_code(&code, symbols) != 0)
		return 0;
	return size_for(&code, used, entries_guess(&code, used), inactive_guess(&code));
}

/* Rows of average length are expected; memory for any rows is used where it was given. */
static int start(struct assay_rq_plan *p, size_t used)
{
	size_t worst = RQ_ROW_MAX * used + entries_guess(&p->code, 0);

	p->used_len = used;
	p->row_room = entries_guess(&p->code, used);
	p->weight = rq_weight(p->code.l * (size_t)64);
	if (size_for(&p->code, used, worst, inactive_guess(&p->code)) <= p->arena.size)
		p->row_room = worst;
	p->arena.used = (sizeof(*p) + 63) & ~(size_t)63;
	p->stage = p->at = 0;
	p->list_len = p->steps_len = 0;
	deal(p);
	if (p->arena.used <= p->arena.size)
		return 0;
	p->need = size_for(&p->code, used, p->row_room, inactive_guess(&p->code));
	return ASSAY_E_NOMEM;
}

int rq_plan_entries_full(struct assay_rq_plan *p)
{
	size_t worst = RQ_ROW_MAX * p->used_len + entries_guess(&p->code, 0);

	p->need = size_for(&p->code, p->used_len, worst, inactive_guess(&p->code));
	return ASSAY_E_NOMEM;
}

int assay_rq_plan_init(struct assay_rq_plan **plan, void *memory, size_t size, uint32_t symbols,
		       const uint32_t *known, size_t known_len)
{
	struct assay_rq_plan *p = memory;
	struct rq_code code;
	int e = rq_code(&code, symbols);

	if (e != 0)
		return e;
	if (known == NULL && known_len != symbols)
		return ASSAY_E_INVAL;
	if (known_len > ASSAY_RQ_ESI_MAX)
		return ASSAY_E_RANGE;
	for (size_t i = 0; known != NULL && i < known_len; i++)
		if (known[i] > ASSAY_RQ_ESI_MAX)
			return ASSAY_E_RANGE;
	if (size < sizeof(*p))
		return ASSAY_E_NOMEM;
	*p = (struct assay_rq_plan){.code = code, .known = known, .known_len = known_len};
	p->arena = (struct rq_arena){.base = memory, .size = size};
	*plan = p;
	return start(p, rows_wanted(symbols, known_len));
}

/* A set whose first rows leave the rank short: all rows then, with room for what they really have.
 */
static int widen(struct assay_rq_plan *p)
{
	if (p->used_len == p->known_len)
		return ASSAY_E_NOTFOUND;
	return start(p, p->known_len);
}

int assay_rq_plan_run(struct assay_rq_plan *p, uint64_t budget)
{
	while (p->stage < STAGES) {
		int e = stages[p->stage](p, &budget);

		if (e == ASSAY_E_NOTFOUND)
			e = widen(p);
		else if (e == 0) {
			p->stage++;
			p->at = 0;
		}
		if (e != 0)
			return e;
		if (budget == 0)
			return p->stage < STAGES ? ASSAY_E_AGAIN : 0;
	}
	return 0;
}

int rq_stage_dense_memory(struct assay_rq_plan *p, uint64_t *budget)
{
	deal_dense(p, p->inactive_len);
	if (p->arena.used <= p->arena.size)
		return 0;
	p->need = size_for(&p->code, p->used_len, p->row_room, p->inactive_len);
	return ASSAY_E_NOMEM;
}

uint32_t assay_rq_plan_missing(const struct assay_rq_plan *p)
{
	return p->missing;
}

size_t assay_rq_plan_need(const struct assay_rq_plan *p)
{
	return p->need;
}

void assay_rq_plan_facts(struct assay_rq_plan_facts *f, const struct assay_rq_plan *p)
{
	*f = (struct assay_rq_plan_facts){
		.intermediate = p->code.l,
		.inactive = p->inactive_len,
		.hdpc_unknowns = p->free_len,
		.rows_used = p->used_len,
		.plan_bytes = p->arena.used,
		.list_len = p->list_len,
	};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan: peeling with inactivation brings all binary rows but a few ("left rows") into triangular
 * form; what the inactive columns are is solved densely; docs/raptorq.md has the algebra.
 *
 * Rows of the working area, in plan and solve: 0..L-1 are the columns (the intermediate symbols),
 * row L is zero, rows from L+1 are the left rows that became dense pivots.
 */
#ifndef RAPTORQ_PLAN_H
#define RAPTORQ_PLAN_H

#include <stdbool.h>

#include "assay/raptorq.h"
#include "raptorq/code.h"
#include "raptorq/kernel.h"

#define RQ_CLASSES     12 /* ready rows by number of peeled columns */
#define RQ_HDPC_MAX    16
#define RQ_COLUMNS_MAX 224 /* of a binary row: an LDPC row has 3 * B / S and a few */

/* Memory is dealt from the caller's block front to back; what did not fit is only counted. */
struct rq_arena {
	uint8_t *base;
	size_t size, used;
};
void *rq_arena_take(struct rq_arena *a, size_t len); /* 64-octet aligned; NULL when it is full */

union rq_row { /* a binary row while peeling */
	struct {
		uint16_t active; /* columns neither peeled nor inactive */
		uint16_t sum;	 /* xor of their numbers: the column itself when one is left */
		uint16_t peeled; /* columns already peeled */
		uint16_t spare;
	};
	uint64_t all; /* the three change together */
};

/* A stage of the plan does a part of its work, takes its cost from *budget and says whether it is
 * through (0), wants to go on (ASSAY_E_AGAIN), or failed. */
typedef int rq_stage(struct assay_rq_plan *plan, uint64_t *budget);

struct assay_rq_plan {
	struct rq_arena arena;
	struct rq_code code;
	const uint32_t *known; /* NULL: all source symbols */
	size_t known_len, used_len;
	unsigned stage;
	size_t at;	 /* progress inside the stage */
	size_t need;	 /* octets a new start needs, after ASSAY_E_NOMEM */
	uint32_t weight; /* how much slower than in the nearest cache things are */
	uint32_t missing;

	/* binary rows: LDPC, padding symbols, known symbols */
	uint32_t rows;
	uint32_t *row_start;
	uint16_t *row_list;
	size_t row_room;
	union rq_row *row;
	uint32_t *col_start; /* LT columns only */
	uint32_t *col_list;

	/* peeling */
	uint32_t ready[RQ_CLASSES], pairs, triples; /* heads of stacks */
	uint32_t *ready_next, *pair_next, *triple_next;
	bool with_triples; /* the stack of them is kept */
	unsigned class_now;
	uint32_t scan, scan_best; /* of a search through all rows */
	uint32_t resolved;	  /* LT columns peeled or inactive */
	uint16_t *place;	  /* of a column among the inactive; RQ_PEELED, RQ_ACTIVE */
	uint16_t *inactive; /* their columns; u of them, then the zero row up to a round number */
	uint32_t inactive_len;
	uint32_t *left; /* rows that are no pivot */
	uint32_t left_len;
	uint8_t *is_pivot;

	/* what the solve runs */
	struct rq_step *steps;
	size_t steps_len;
	uint16_t *list;
	size_t list_len, list_room;

	/* dense stage */
	size_t wide;	 /* octets of a row of u bits */
	uint8_t *bits;	 /* rows by column, then zero, then one to work on */
	uint8_t *matrix; /* g rows: u bits reduced, then which left rows they are the sum of */
	struct rq_step *left_steps;
	uint32_t pivots;	 /* g */
	uint16_t *pivot_place;	 /* inactive place that dense row p resolves */
	uint16_t *row_of_place;	 /* the inverse; UINT16_MAX: free */
	uint8_t *pivot_bits;	 /* places that are not free */
	uint16_t *pivot_columns; /* column numbers of the same, padded with the zero row */
	uint16_t *left_rows;	 /* working rows of the left rows, padded likewise */
	uint16_t free_columns[RQ_HDPC_MAX + 64];
	uint16_t free_place[RQ_HDPC_MAX];
	uint32_t free_len;
	uint8_t (*hdpc_pairs)[2];
	uint8_t *hdpc_map;			/* bucket of each running sum */
	struct rq_step hdpc_steps[RQ_HDPC_MAX]; /* each row as the sum of its buckets */
	uint16_t hdpc_list[RQ_HDPC_MAX * (RQ_HDPC_MAX - 1)];
	uint8_t *planes; /* bits of the HDPC rows on the inactive columns */
	uint8_t *octets; /* the last running sum on them, and a row to work on */
	size_t octets_stride;
	uint8_t *free_masks; /* g rows of H octets: as free_bits */
	uint8_t *hdpc_pivot; /* g rows of H octets: the HDPC rows at the pivots */
	uint8_t *free_bits;  /* g rows of 8 octets: pivots' share in the free columns */
	uint8_t hdpc_solve[RQ_HDPC_MAX * RQ_HDPC_MAX]; /* H rows: their part in the free columns */
};

#define RQ_ACTIVE	   UINT16_MAX
#define RQ_PEELED	   (UINT16_MAX - 1)
#define RQ_LIST_PAD	   64 /* entries of zero row behind lists of rows that lookups read */
#define RQ_PAIR_DUMP(code) ((code)->h * ((code)->h - 1) / 2) /* bucket of the last running sum */

/* rows.c */
rq_stage rq_stage_ldpc, rq_stage_rows, rq_stage_columns;
/* peel.c */
rq_stage rq_stage_ready, rq_stage_peel, rq_stage_left;
/* dense.c */
rq_stage rq_stage_dense_memory, rq_stage_lists, rq_stage_eliminate;
/* hdpc.c */
rq_stage rq_stage_hdpc_map, rq_stage_hdpc_planes, rq_stage_hdpc_solve;

/* Internal id and place in the caller's list of a binary row from S on; RQ_NONE for padding. */
static inline uint32_t rq_plan_row_id(const struct assay_rq_plan *p, uint32_t row, uint32_t *place,
				      uint32_t *esi)
{
	uint32_t pad = p->code.kp - p->code.k, i = row - p->code.s;

	if (i < pad) {
		*place = RQ_NONE;
		*esi = 0;
		return p->code.k + i;
	}
	*place = i - pad;
	*esi = p->known != NULL ? p->known[*place] : *place;
	return rq_code_internal(&p->code, *esi);
}

/* Rows, columns and bits of large blocks come from farther away. */
static inline uint32_t rq_weight(size_t working_set)
{
	return working_set <= 512 << 10 ? 1 : working_set <= 4 << 20 ? 4 : 16;
}

/* Takes a cost; true when nothing is left. */
static inline bool rq_spend(uint64_t *budget, uint64_t cost)
{
	if (*budget <= cost) {
		*budget = 0;
		return true;
	}
	*budget -= cost;
	return false;
}

typedef uint64_t rq_half __attribute__((vector_size(16), aligned(16), may_alias));

/* to += from, or nothing if mask is 0: for bits that cannot be predicted. len: a multiple of 32. */
static inline void rq_add_masked(uint8_t *to, const uint8_t *from, size_t len, uint64_t mask)
{
	rq_half both = {mask, mask};

	for (size_t at = 0; at < len; at += 32) {
		rq_half *t = (void *)(to + at);
		const rq_half *f = (const void *)(from + at);

		t[0] ^= f[0] & both;
		t[1] ^= f[1] & both;
	}
}

/* row = the sum of the columns' bits, without one of them, for which the zero row steps in. */
static inline void rq_sum_bits(const struct assay_rq_plan *p, uint8_t *row, const uint16_t *columns,
			       size_t len, uint32_t but)
{
	const uint8_t *bits = p->bits;
	size_t wide = p->wide, zero = p->code.l;

	for (size_t at = 0; at < wide; at += 32) {
		rq_half low = {0}, high = {0};

		for (size_t i = 0; i < len; i++) {
			size_t column = columns[i] != but ? columns[i] : zero;
			const rq_half *from = (const void *)(bits + column * wide + at);

			low ^= from[0];
			high ^= from[1];
		}
		((rq_half *)(void *)(row + at))[0] = low;
		((rq_half *)(void *)(row + at))[1] = high;
	}
}

/* The rows have more entries than there is room for: ASSAY_E_NOMEM with the need. */
int rq_plan_entries_full(struct assay_rq_plan *p);

#endif

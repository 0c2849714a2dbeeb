/* SPDX-License-Identifier: Apache-2.0 */
/* The numeric phase: for every stripe, the lists of plan and wanted over rows of its width. */
#ifndef RAPTORQ_SOLVE_H
#define RAPTORQ_SOLVE_H

#include "raptorq/wanted.h"

/* Sums of table lookups: rows[i] += the rows of `from` whose bits are set in row i of `bits`. */
struct rq_product {
	uint8_t *rows;
	const uint16_t *list; /* which rows; NULL: 0.. */
	size_t len;
	const uint16_t *from;
	size_t from_len;
	const uint8_t *bits;
	size_t stride;
};

struct assay_rq_solve {
	const struct assay_rq_plan *plan;
	const struct assay_rq_wanted *wanted;
	struct assay_rq_io io;
	uint32_t from, to, width;
	uint32_t pieces, piece; /* sub-blocks; the one under way */
	uint32_t offset, size;	/* the stripe in the symbol */
	uint32_t follows;	/* the offset that carry goes on at */
	unsigned phase;
	size_t at, part; /* progress in the phase */
	uint32_t weight; /* of a row that is read: more when they do not fit the nearest cache */

	struct rq_port in, out;
	struct rq_gather gather, emit;
	uint8_t *rows;	  /* columns, zero, left rows; DIRECT: known symbols */
	uint8_t *tables;  /* of lookups */
	uint8_t *buckets; /* of running sums */
	uint8_t *running;
	uint8_t *hdpc;	/* H rows, then the free columns' values */
	uint8_t *outs;	/* SHORT, DIRECT: the outputs' stripes; BACK: some of them */
	uint8_t *carry; /* of each output: what waits for the rest of its cache line */
	bool stream;	/* outputs are too much for the caches: past them */
	bool streams;	/* so in this stripe */
	bool carries;	/* the stripe before this one left something in carry */
	bool flushes;	/* and this one must not */
	const uint8_t **pointers;
};

#define RQ_EMIT 32 /* outputs of BACK that are made before they are written */

size_t rq_solve_size(const struct assay_rq_plan *plan, enum assay_rq_way way, size_t len,
		     uint32_t width);
int rq_solve_spend(struct assay_rq_solve *s, uint64_t *budget);

typedef bool rq_phase(struct assay_rq_solve *s, uint64_t *budget); /* true when through */

/* solve_phase.c */
extern rq_phase *const rq_phases_back[], *const rq_phases_short[], *const rq_phases_direct[];

#endif

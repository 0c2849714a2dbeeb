/* SPDX-License-Identifier: Apache-2.0 */
/* The symbols to compute, as lists over a plan's rows. */
#ifndef RAPTORQ_WANTED_H
#define RAPTORQ_WANTED_H

#include "raptorq/plan.h"

struct assay_rq_wanted {
	struct rq_arena arena;
	const struct assay_rq_plan *plan;
	const uint32_t *ids;
	uint32_t len;
	unsigned stage;
	size_t at;
	uint32_t sorted[RQ_ROW_MAX + 2]; /* where the next step of each length goes */
	enum assay_rq_way way;		 /* SHORT as long as a direct one is being made */
	bool direct;

	/* esi and place say where a symbol goes; `places` in the caller's order, `steps` by n. */
	struct rq_step *places, *steps;
	uint16_t *list;
	size_t list_len;
	uint8_t *bits; /* SHORT: each output's share in the inactive columns, as steps */

	/* DIRECT: out = coef x the symbols of `from`; direct.c */
	struct rq_step *from; /* place and esi only */
	uint32_t from_len;
	size_t stride;	   /* of a row of weights, one octet for each output */
	uint8_t *coef;	   /* the weights of `from` */
	uint8_t *weights;  /* of the rows of a solve's working area */
	uint8_t *hdpc;	   /* of the HDPC rows */
	uint8_t *buckets;  /* of their sums in pairs, of the last running sum, and one to work on */
	uint16_t *step_of; /* of each known place, left steps behind the others; UINT16_MAX: none */
};

/* direct.c: stages that do nothing unless the way is to be DIRECT. */
int rq_direct_outputs(struct assay_rq_wanted *w, uint64_t *budget);
int rq_direct_dense(struct assay_rq_wanted *w, uint64_t *budget);
int rq_direct_sums(struct assay_rq_wanted *w, uint64_t *budget);
int rq_direct_columns(struct assay_rq_wanted *w, uint64_t *budget);
int rq_direct_from(struct assay_rq_wanted *w, uint64_t *budget);

#endif

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
	enum assay_rq_way way;		 /* BACK as long as a direct one is being made */
	bool direct;

	/* esi and place say where a symbol goes; `places` in the caller's order, `steps` by n. */
	struct rq_step *places, *steps;
	uint16_t *list;
	size_t list_len;
	uint8_t *bits; /* SHORT: each output's share in the inactive columns, in the order of steps
			*/

	/* DIRECT: out = coef x the symbols of `from` */
	struct rq_step *from; /* place and esi only */
	uint32_t from_len;
	uint8_t *coef;
	uint8_t *identity;
	uint8_t **ports; /* by known place, then by wanted place */
	struct assay_rq_solve *inner;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One block of the codec's bench: an object, what of it is at hand, what is wanted, and the runs.
 */
#ifndef BENCH_RQ_CASE_H
#define BENCH_RQ_CASE_H

#include "raptorq/box.h"
#include "raptorq/solve.h"

struct rq_case {
	uint32_t k, t;
	double seconds; /* of each measurement */
	size_t bytes;	/* of the object */
	uint8_t *object, *copy, *repair;
	size_t stride; /* of repair symbols: whole cache lines */
	struct box box;
	struct assay_rq_io io;
	uint32_t *known, *ids;
	const uint8_t **from;
	uint8_t **to;
	size_t known_len, ids_len;
	bool heals; /* there is room for 5 K repair symbols more */
	bool encodes;
};

double rq_now(void);
/* All repair symbols are made, for the losses that follow. */
void rq_case_open(struct rq_case *c, uint32_t k, uint32_t t, double seconds);
void rq_case_close(struct rq_case *c);

/* The source is complete, a tenth of it is wanted as repair symbols. */
void rq_want_repair(struct rq_case *c);
/* So many percent are lost, as many repair symbols and one more are at hand; heal: and 5 K other
 * repair symbols are wanted with the lost ones. */
void rq_want_lost(struct rq_case *c, unsigned percent, bool heal);
/* What was wanted is there; stops the program when it is not. */
void rq_case_check(const struct rq_case *c);

void rq_plan(struct rq_case *c);
void rq_lists(struct rq_case *c);
void rq_numbers(struct rq_case *c);
void rq_everything(struct rq_case *c);
/* Fastest run, in seconds. */
double rq_fastest(struct rq_case *c, void (*run)(struct rq_case *c));

#endif

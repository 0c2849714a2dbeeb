/* SPDX-License-Identifier: Apache-2.0 */
/* A block's codec with its memory from the heap, for tests, vectors and benchmarks. */
#ifndef TESTS_RAPTORQ_BOX_H
#define TESTS_RAPTORQ_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/raptorq.h"

struct box {
	void *plan_memory, *wanted_memory, *solve_memory;
	size_t plan_size, wanted_size, solve_size;
	struct assay_rq_plan *plan;
	struct assay_rq_wanted *wanted;
	struct assay_rq_solve *solve;
	uint64_t budget; /* of every run; 0: no end */
	uint64_t runs;
	enum assay_rq_way way;
	uint32_t width;
};

extern bool box_huge; /* asks for huge pages from 1 MiB on */
/* 64-octet aligned memory; stops the program when there is none. */
void *box_alloc(size_t size);
/* 0 or the plan's error; memory is grown as the plan asks. */
int box_plan(struct box *b, uint32_t symbols, const uint32_t *known, size_t known_len);
int box_wanted(struct box *b, const uint32_t *ids, size_t len, uint32_t symbol_size);
int box_solve(struct box *b, const struct assay_rq_io *io);
void box_free(struct box *b);

/* splitmix64, the generator of the vectors. */
uint64_t box_random(uint64_t *state);
void box_fill(uint8_t *to, size_t len, uint64_t seed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/box.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "assay/status.h"
#include "base/must.h"

bool box_huge;

void *box_alloc(size_t size)
{
	size_t page = box_huge && size >= 1 << 20 ? 2 << 20 : 64;
	void *p = aligned_alloc(page, (size + page - 1) & ~(page - 1));

	must(p != NULL);
	if (page > 64)
		madvise(p, (size + page - 1) & ~(page - 1), MADV_HUGEPAGE);
	memset(p, 0xa5, size); /* nothing may depend on fresh memory */
	return p;
}

static void grow(void **memory, size_t *size, size_t want)
{
	if (*memory != NULL && *size >= want)
		return;
	free(*memory);
	*memory = box_alloc(want);
	*size = want;
}

static uint64_t budget_of(struct box *b)
{
	b->runs++;
	return b->budget != 0 ? b->budget : ASSAY_RQ_FOREVER;
}

int box_plan(struct box *b, uint32_t symbols, const uint32_t *known, size_t known_len)
{
	size_t want = assay_rq_plan_size(symbols, known_len);
	int e;

	for (int attempt = 0; attempt < 5; attempt++) {
		grow(&b->plan_memory, &b->plan_size, want);
		e = assay_rq_plan_init(&b->plan, b->plan_memory, b->plan_size, symbols, known,
				       known_len);
		if (e == 0)
			while ((e = assay_rq_plan_run(b->plan, budget_of(b))) == ASSAY_E_AGAIN)
				continue;
		if (e != ASSAY_E_NOMEM)
			return e;
		want = assay_rq_plan_need(b->plan);
	}
	return e;
}

int box_wanted(struct box *b, const uint32_t *ids, size_t len, uint32_t symbol_size)
{
	int e;

	grow(&b->wanted_memory, &b->wanted_size, assay_rq_wanted_size(b->plan, len));
	e = assay_rq_wanted_init(&b->wanted, b->wanted_memory, b->wanted_size, b->plan, ids, len,
				 symbol_size, b->way);
	if (e != 0)
		return e;
	while ((e = assay_rq_wanted_run(b->wanted, budget_of(b))) == ASSAY_E_AGAIN)
		continue;
	return e;
}

int box_solve(struct box *b, const struct assay_rq_io *io)
{
	int e;

	grow(&b->solve_memory, &b->solve_size,
	     assay_rq_solve_size(b->plan, b->wanted, io->symbol_size, b->width));
	e = assay_rq_solve_init(&b->solve, b->solve_memory, b->solve_size, b->plan, b->wanted, io,
				0, io->symbol_size, b->width);
	if (e != 0)
		return e;
	while ((e = assay_rq_solve_run(b->solve, budget_of(b))) == ASSAY_E_AGAIN)
		continue;
	return e;
}

void box_free(struct box *b)
{
	free(b->plan_memory);
	free(b->wanted_memory);
	free(b->solve_memory);
	memset(b, 0, sizeof(*b));
}

uint64_t box_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

void box_fill(uint8_t *to, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t z = box_random(&seed);

		memcpy(to + i, &z, len - i < 8 ? len - i : 8);
	}
}

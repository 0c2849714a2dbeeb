/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/adder.h"

#include <string.h>

#include "base/must.h"

/*
 * Puts in the sums of n jobs. All of them are the adder's own, so that a meeting takes no slot and
 * may free one. The job of a meeting overwrites one that has been looked at.
 */
static void put_back(struct adder *a, uint32_t n)
{
	uint32_t *sum = a->sum, *free_later = a->free_later, jobs = 0, freed = 0;
	struct add_job *job = a->job;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t key = job[i].key, out = job[i].out, old = sum[key];
		uint32_t meet = old != REF_EMPTY, reuse = old / REF_OWNED & 1;

		job[jobs] =
			(struct add_job){old & ~REF_OWNED, out, adder_select(reuse, old, out), key};
		free_later[freed] = out;
		sum[key] = out | REF_OWNED | -meet;
		jobs += meet;
		freed += meet & reuse;
	}
	a->jobs = jobs;
	a->freed = freed;
}

void adder_run(struct adder *a)
{
	uint32_t n = a->jobs, padded = n, freed = a->freed;

	while (padded % a->kernels->add_stride != 0)
		a->job[padded++] = (struct add_job){a->pads[0], a->pads[1], a->unused, 0};
	if (a->any || !a->kernels->add(a->pool, a->job, padded, &a->scratch))
		a->any |= a->kernels->add_any(a->pool, a->job, padded, &a->scratch);
	a->additions += n;
	a->calls++;
	/* The slots that lost their point are free only now that the kernel has read them. */
	for (uint32_t i = 0; i < freed; i++)
		a->slot[a->slots++] = a->free_later[i];
	put_back(a, n);
	/* What the next batch may take at most. */
	must(a->slots > ADDER_BATCH);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/adder.h"

#include <string.h>

#include "base/must.h"

void adder_run(struct adder *a)
{
	uint32_t n = a->jobs, padded = n, freed = a->freed;

	while (padded % a->kernels->add_stride != 0)
		a->job[padded++] = (struct add_job){a->pads[0], a->pads[1], a->unused};
	if (a->any || !a->kernels->add(a->pool, a->job, padded, &a->scratch))
		a->any |= a->kernels->add_any(a->pool, a->job, padded, &a->scratch);
	a->additions += n;
	a->calls++;
	/* The slots that lost their point are free only now that the kernel has read them. */
	for (uint32_t i = 0; i < freed; i++)
		a->slot[a->slots++] = a->free_later[i];
	a->jobs = 0;
	a->freed = 0;
	/* A sum that meets another overwrites a job that has been looked at. */
	for (uint32_t i = 0; i < n; i++)
		adder_put(a, a->key[i], a->job[i].out | REF_OWNED);
	/* What the next batch may take at most. */
	must(a->slots > ADDER_BATCH);
}

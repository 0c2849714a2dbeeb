/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/sim.h"
#include "base/sim_random.h"

/* A test may let time pass while a thread of what it tests looks at the clock. */
static uint64_t sim_mono_ns(void *ctx)
{
	return __atomic_load_n(&((struct sim_clock *)ctx)->mono_ns, __ATOMIC_RELAXED);
}

static uint64_t sim_wall_ns(void *ctx)
{
	return __atomic_load_n(&((struct sim_clock *)ctx)->wall_ns, __ATOMIC_RELAXED);
}

struct clock clock_sim(struct sim_clock *state)
{
	return (struct clock){sim_mono_ns, sim_wall_ns, state};
}

void sim_clock_advance(struct sim_clock *state, uint64_t ns)
{
	__atomic_fetch_add(&state->mono_ns, ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&state->wall_ns, ns, __ATOMIC_RELAXED);
}

static void sim_fill(void *ctx, void *out, size_t len)
{
	uint8_t *p = out;

	while (len > 0) {
		uint64_t v = sim_next(ctx);
		size_t n = len < sizeof(v) ? len : sizeof(v);

		memcpy(p, &v, n);
		p += n;
		len -= n;
	}
}

struct random random_sim(uint64_t *state)
{
	return (struct random){sim_fill, state};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/sim.h"
#include "base/sim_random.h"

static uint64_t sim_mono_ns(void *ctx)
{
	return ((struct sim_clock *)ctx)->mono_ns;
}

static uint64_t sim_wall_ns(void *ctx)
{
	return ((struct sim_clock *)ctx)->wall_ns;
}

struct clock clock_sim(struct sim_clock *state)
{
	return (struct clock){sim_mono_ns, sim_wall_ns, state};
}

void sim_clock_advance(struct sim_clock *state, uint64_t ns)
{
	state->mono_ns += ns;
	state->wall_ns += ns;
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

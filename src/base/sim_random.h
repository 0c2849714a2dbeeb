/* SPDX-License-Identifier: Apache-2.0 */
/* The one generator of the simulated seams: splitmix64. */
#ifndef BASE_SIM_RANDOM_H
#define BASE_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t sim_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline bool sim_chance(uint64_t *state, unsigned percent)
{
	return sim_next(state) % 100 < percent;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/lanes.h"

#include <string.h>

/* Positions of the messages in order of their blocks; end[b] = first position after those of b
 * blocks. */
static void lanes_order(struct lanes *l, uint8_t order[LANES_MAX],
			uint8_t end[LANES_BLOCKS_MAX + 2])
{
	uint8_t at[LANES_BLOCKS_MAX + 2] = {0};

	for (unsigned i = 0; i < l->n; i++) {
		unsigned b = l->blocks[i] <= LANES_BLOCKS_MAX ? l->blocks[i] : LANES_BLOCKS_MAX + 1;

		at[b]++;
	}
	end[0] = at[0];
	for (unsigned b = 1; b <= LANES_BLOCKS_MAX + 1; b++)
		end[b] = end[b - 1] + at[b];
	for (unsigned b = 0; b <= LANES_BLOCKS_MAX + 1; b++)
		at[b] = end[b] - at[b];
	for (unsigned i = 0; i < l->n; i++) {
		unsigned b = l->blocks[i] <= LANES_BLOCKS_MAX ? l->blocks[i] : LANES_BLOCKS_MAX + 1;

		l->place[i] = at[b]++;
		order[l->place[i]] = (uint8_t)i;
	}
}

void lanes_run(struct lanes *l, const uint8_t *key)
{
	const uint8_t *in[LANES_MAX];
	uint8_t order[LANES_MAX], end[LANES_BLOCKS_MAX + 2];
	unsigned at = 0;

	lanes_order(l, order, end);
	for (unsigned i = 0; i < l->n; i++)
		in[i] = l->in[order[i]];
	for (unsigned b = 1; b <= LANES_BLOCKS_MAX; b++) {
		if (end[b] > at)
			digest_many(l->out[at], key, in + at, end[b] - at, b);
		at = end[b];
	}
	for (; at < l->n; at++)
		digest_one(l->out[at], key, in[at], (size_t)l->blocks[order[at]] * DIGEST_BLOCK);
	l->n = 0;
}

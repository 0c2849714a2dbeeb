/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ticks of a committee member: when it is its turn, and what it reveals (docs/ledger.md,
 * "Height, ticks, beacon"). Every node watches its clock against the ledger's.
 */
#ifndef NODE_TICKER_H
#define NODE_TICKER_H

#include "node/ctx.h"
#include "node/reveal.h"

struct ticker {
	struct node_ctx *ctx;
	struct reveal *reveal; /* NULL: this node never ticks */
	bool any_height;       /* seen */
	uint64_t height;       /* of the last tick that was seen, and when */
	uint64_t seen_ns;
	uint64_t sent; /* height that an own tick is under way for; 0: none */
	uint64_t cookie;
	uint64_t blocked_ns; /* not before this: the wall clock, or a lost chain */
	bool told_lost;
	unsigned clock_off; /* ticks in a row that were far from the wall clock */
};

void ticker_init(struct ticker *t, struct node_ctx *ctx, struct reveal *reveal);
void ticker_turn(struct ticker *t, struct moment now, struct effects *out);
void ticker_verdict(struct ticker *t, uint64_t cookie, const struct entry_outcome *outcome);
/* Monotonic time at which a turn may send one; UINT64_MAX: not before another entry is applied. */
uint64_t ticker_due(const struct ticker *t);

/*
 * How many intervals later than the first in line a member is, skipping those who must not tick
 * now; -1: it must not itself.
 */
int ticker_place(const struct tick_facts *facts);

#endif

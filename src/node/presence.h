/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start and stop of this process, on the ledger (docs/ledger.md, "Presence"): `start` once the node
 * is where the network is, `stop` when it is shut down and there is time for it.
 */
#ifndef NODE_PRESENCE_H
#define NODE_PRESENCE_H

#include "node/ctx.h"

enum presence_state {
	PRESENCE_SILENT,   /* nothing said yet */
	PRESENCE_STARTING, /* `start` is under way */
	PRESENCE_STARTED,
	PRESENCE_STOPPING, /* `stop` is under way */
	PRESENCE_GONE,
};

struct presence_part {
	struct node_ctx *ctx;
	char boot[33]; /* 16 random bytes of this process, hex */
	enum presence_state state;
	uint64_t cookie, height; /* of the last try */
	bool tried;
};

void presence_init(struct presence_part *p, struct node_ctx *ctx, const char *boot);
/* The copy is caught up. */
void presence_turn(struct presence_part *p, struct moment now, struct effects *out);
void presence_stop(struct presence_part *p, struct effects *out);
void presence_verdict(struct presence_part *p, uint64_t cookie,
		      const struct entry_outcome *outcome);

#endif

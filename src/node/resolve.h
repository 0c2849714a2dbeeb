/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From (ticket, class, ordinal) to the artifact's key and size (docs/epochs.md, "Keys and sizes").
 * INDEX keys are in the ticket's record; SYMBOL keys are in the layout, which any holder of a
 * layout file can give; sizes of INDEX files are proved by a holder. What was learnt is kept: a
 * ticket's contents never change.
 */
#ifndef NODE_RESOLVE_H
#define NODE_RESOLVE_H

#include "node/ctx.h"

#define RESOLVE_TICKETS_MAX 256
#define RESOLVE_BYTES_MAX   ((size_t)64 << 20) /* of all kept tickets, but for those in use */

struct resolve_wait;
struct known;
struct resolver {
	struct node_ctx *ctx;
	struct known **known; /* by ticket id; few */
	size_t n, bytes;
	uint64_t uses; /* counts, for the age of what is kept */
	struct resolve_wait *waiting;
	size_t wait_count, wait_room;
	uint64_t fetches, hits; /* for tests and metrics */
	unsigned timeout_ms;	/* of one node: 10000 */
};

/* An answer: give it to whoever has the cookie. */
struct resolution {
	uint64_t cookie;
	enum resolve_end end;
	struct resolved artifact;
};

void resolver_init(struct resolver *r, struct node_ctx *ctx);
void resolver_free(struct resolver *r);

/* Begins; the answer comes from resolver_next, now or later. epoch_ms: how long an epoch lasts. */
void resolver_want(struct resolver *r, const struct effect *want, uint64_t epoch_ms,
		   struct moment now, struct effects *out);
void resolver_fetched(struct resolver *r, uint64_t cookie, int error, const uint8_t *data,
		      size_t len, struct moment now, struct effects *out);
void resolver_sized(struct resolver *r, uint64_t cookie, int error, uint64_t size,
		    struct moment now, struct effects *out);
/* The next answer; false when there is none. */
bool resolver_next(struct resolver *r, struct resolution *out);

#endif

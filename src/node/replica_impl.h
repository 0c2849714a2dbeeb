/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a replica. */
#ifndef NODE_REPLICA_IMPL_H
#define NODE_REPLICA_IMPL_H

#include "node/copy.h"
#include "node/replica.h"

#define BURST_MAX	256 /* entries of one commit */
#define BURST_BYTES_MAX (2u << 20)

/* An entry taken from the feed, not applied yet. */
struct taken {
	uint8_t *bytes;
	size_t len;
	struct entry parsed; /* document NULL: it is void */
};

struct kept_event {
	struct state_event event;
	char *account, *ticket;
};

struct replica {
	struct replica_config config;
	struct copy *copy;
	struct outbox *outbox;
	struct ahead *ahead;
	struct state *state;
	struct feed *feed;
	bool connected, trimmed, failed;
	uint64_t head, floor;
	uint64_t accepted; /* ticks up to there are not compared */
	uint64_t voids, duplicates, refused;
	char mismatch[512];
	struct taken burst[BURST_MAX];
	unsigned burst_n;
	size_t burst_bytes;
	struct entry_result result[BURST_MAX];
	struct kept_event *events; /* of the open transaction */
	size_t event_n, event_room;
};

/* --- replica_check.c --- */
/* An entry that the copy has already: is it the same? */
void replica_compare(struct replica *r, uint64_t seq, const uint8_t *bytes, size_t len);
void replica_connected(struct replica *r, uint64_t floor, uint64_t head);
/* A tick that was accepted as `seq`: its author's log against ours. True when they agree. */
bool replica_tick_agrees(struct replica *r, const struct entry *tick, uint64_t seq);

/* --- replica_apply.c --- */
/* Applies what was taken, in one transaction or two. */
void replica_apply(struct replica *r);
void replica_burst_clear(struct replica *r);
/* The database is not to be trusted any more; says so once. */
void replica_fail(struct replica *r, const char *what, int err);
void replica_keep_event(void *ctx, const struct state_event *event);
void replica_drop_events(struct replica *r, bool tell);

#endif

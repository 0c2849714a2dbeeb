/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The WRITE_DATA of all pushes of a session: one window for them together, a slot for each chunk in
 * flight. What a chunk's bytes are is read from its push when it is sent, and again when repeated.
 */
#ifndef CLIENT_SENDER_H
#define CLIENT_SENDER_H

#include "client/client_impl.h"
#include "client/told.h"
#include "crypto/tree.h"

#define SENDER_SLOTS 192 /* chunks in flight */
#define SOURCE_BLOCK 16u /* chunks that are read, and digested, together */

/* The bytes of one artifact. */
struct source {
	const struct assay_push *push;
	uint32_t chunks;
	uint32_t transfer; /* of the node */
	uint32_t block;	   /* what was read last; UINT32_MAX: nothing */
	int error;	   /* of the last reading */
	uint8_t data[SOURCE_BLOCK * TREE_CHUNK], value[SOURCE_BLOCK * 32];
};
/* Reads what that chunk lies in: 0, or what the push's read returned. */
int source_load(struct source *s, uint32_t chunk);

struct sender_slot {
	struct told told; /* first: the request's object is the slot */
	struct flight_request request;
	struct source *source; /* NULL: free */
	uint32_t chunk;
	unsigned asked_seen; /* to notice repeats */
};

struct sender {
	struct assay_client *client;
	unsigned window, in_flight;
	uint64_t grow_ns, halve_ns; /* not before */
	struct sender_slot slot[SENDER_SLOTS];
};

/* NULL when out of memory. */
struct sender *sender_new(struct assay_client *client);
void sender_free(struct sender *s);
/* One chunk; false when none may go now. */
bool sender_send(struct sender *s, struct source *source, uint32_t chunk);
void sender_release(struct sender *s, struct sender_slot *slot);
/* Half on loss, one more chunk per round trip without; true when halved. */
bool sender_adapt(struct sender *s, bool lost);

#endif

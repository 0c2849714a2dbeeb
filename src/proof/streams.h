/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who reads by a grant at the moment, over all workers: of each registered key and op one session,
 * and so many in all as the view says. READ keeps no state, so a stream is what a session asks for
 * without a pause; its place is given to others when the session ends or has not asked for
 * STREAM_IDLE_NS.
 */
#ifndef PROOF_STREAMS_H
#define PROOF_STREAMS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define STREAMS_MAX    64
#define STREAM_IDLE_NS 1000000000ull

struct streams {
	struct stream_place {
		/* index of the session << 32 | last use in units of 100 ms; 0: free */
		_Atomic uint64_t use;
		_Atomic uint64_t whose; /* op << 12 | slot of the key; meaningless when free */
	} place[STREAMS_MAX];
};

/* True when that session may go on or begin: no other one of the key reads for the op, and fewer
 * than max others read. */
bool streams_take(struct streams *s, unsigned max, uint64_t op, uint32_t key_slot, uint32_t session,
		  uint64_t now);
/* The session has ended. */
void streams_release(struct streams *s, uint32_t session);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of many that append to a log and follow it through a feed, as a node does: it keeps its copy,
 * compares what comes again, and sends the same bytes until it hears a sequence number. Whatever
 * must not happen ends the process.
 */
#ifndef TESTS_LOG_MEMBER_H
#define TESTS_LOG_MEMBER_H

#include <stdatomic.h>

#include "log/feed.h"

#define MEMBERS_MAX 8
#define ENTRIES_MAX 8192 /* of one member */
#define COPY_MAX    (MEMBERS_MAX * ENTRIES_MAX)

struct member {
	struct feed *feed;
	unsigned number;
	atomic_bool in_flight;
	unsigned retries, reconnects;
	atomic_uint acked;			  /* own entries 0..acked - 1 have their place */
	uint64_t place[ENTRIES_MAX];		  /* said by the engine */
	atomic_ullong seen;			  /* entries of the copy */
	uint8_t copy[COPY_MAX + 1][32];		  /* digests, by sequence number */
	uint64_t found[MEMBERS_MAX][ENTRIES_MAX]; /* where, by the copy; 0: not yet */
};

/* first: own entries below it have been appended before. */
struct member *member_new(const struct log_engine *engine, unsigned number, unsigned first);
void member_free(struct member *m);
/* Takes events for up to 50 ms; with append, keeps one own entry on its way. */
void member_turn(struct member *m, bool append);
/* Running digest over the first n entries of the copy. */
void member_chain(const struct member *m, uint64_t n, uint8_t out[32]);
/* Everything acknowledged is in the copy, where it was said to be. */
void member_check(const struct member *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving side of CHUNK messages, shared by PROVE with tree and READ: which parts a request
 * must bring, and where their bytes and hashes go until all are there.
 */
#ifndef PROOF_COLLECT_H
#define PROOF_COLLECT_H

#include "assay/check.h"
#include "crypto/tree.h"

/* Most parts: 32 chunks, and the hashes beyond 11 a chunk by 43. */
#define COLLECT_PARTS_MAX 64

struct collect {
	uint64_t size;
	uint32_t chunks; /* of the artifact */
	uint32_t touched[TREE_TOUCHED_MAX];
	unsigned count;	 /* of touched */
	unsigned hashes; /* of the whole hash list */
	unsigned first;	 /* part number of the first chunk: 1 after a PROOF, 0 in READ */
	unsigned parts;	 /* as every part states them */
	uint64_t have;	 /* bit i: part first + i is there */
	uint8_t *data;	 /* count * 1024 */
	uint8_t *values; /* count * 32 */
	uint8_t *list;	 /* hashes * 32 */
};

/* Sets hashes and parts from size, touched, count and first. False when size is over the limit. */
bool collect_plan(struct collect *c);
/*
 * Tag of a CHUNK of legal length; value = that of its chunk as it enters a tree of which it is the
 * only chunk or not.
 */
bool collect_tag(uint8_t value[32], const uint8_t key[32], const struct assay_chunk *m, bool only);
/* Puts a CHUNK with a good tag in its place; false when its shape is not the planned one. */
bool collect_part(struct collect *c, const struct assay_chunk *m, const uint8_t value[32]);
static inline bool collect_done(const struct collect *c)
{
	return (unsigned)__builtin_popcountll(c->have) == c->parts - c->first;
}
bool collect_verify(const struct collect *c, const uint8_t key[32]);

/* Marks the counter of a datagram with a good tag. */
void inbound_mark(struct assay_inbound *s, uint64_t counter);

/* Counters of the datagrams that asked one request. */
struct counters {
	uint64_t list[ASSAY_CHECK_COUNTERS];
	unsigned n;
};
int counters_add(struct counters *c, uint64_t counter);
bool counters_hold(const struct counters *c, uint64_t counter);

#endif

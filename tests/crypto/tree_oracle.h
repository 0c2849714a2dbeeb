/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree as docs/protocol.md words it: by recursion from the root. What src/crypto/tree*.c does
 * without recursion is compared with this.
 */
#ifndef TESTS_TREE_ORACLE_H
#define TESTS_TREE_ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crypto/tree.h"

/* A walk over the tree of chunks with a touched set, and what it takes or finds. */
struct oracle {
	uint32_t chunks;
	const uint32_t *touched;
	unsigned n;
	const uint8_t *values; /* of touched chunks, in order */
	const uint8_t *hashes;
	unsigned hash_count;
	unsigned used;	 /* hashes taken or found so far */
	bool missing;	 /* a hash was needed that is not there */
	uint64_t *found; /* first chunk of each untouched subtree, or NULL */
};

/* The largest power of two below count > 1. */
static inline uint64_t oracle_left(uint64_t count)
{
	uint64_t s = 1;

	while (s * 2 < count)
		s *= 2;
	return s;
}

static inline bool oracle_is_touched(const struct oracle *o, uint64_t a, uint64_t b, unsigned *at)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->touched[i] >= a && o->touched[i] < b) {
			*at = i;
			return true;
		}
	return false;
}

/* value(a, b) of the text. */
static inline void oracle_value(struct oracle *o, uint8_t out[32], uint64_t a, uint64_t b)
{
	uint8_t left[32], right[32];
	unsigned at = 0;

	memset(out, 0, 32);
	if (!oracle_is_touched(o, a, b, &at)) {
		if (o->found != NULL)
			o->found[o->used] = a;
		if (o->found == NULL && o->used < o->hash_count)
			memcpy(out, o->hashes + 32 * o->used, 32);
		else
			o->missing = true;
		o->used++;
		return;
	}
	if (b - a == 1) {
		if (o->values != NULL)
			memcpy(out, o->values + 32 * at, 32);
		return;
	}
	oracle_value(o, left, a, a + oracle_left(b - a));
	oracle_value(o, right, a + oracle_left(b - a), b);
	tree_parent(out, left, right, a == 0 && b == o->chunks);
}

#endif

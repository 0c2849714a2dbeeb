/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of whole 64-byte blocks that are digested together. digest_many wants messages of equal
 * length; a burst mixes a few lengths, so the messages are grouped here by their number of blocks.
 */
#ifndef PROOF_LANES_H
#define PROOF_LANES_H

#include <stdint.h>

#include "base/must.h"
#include "crypto/digest.h"

#define LANES_MAX	 64
#define LANES_BLOCKS_MAX 16 /* longer messages are digested one by one */

struct lanes {
	unsigned n;
	uint8_t blocks[LANES_MAX];
	uint8_t place[LANES_MAX]; /* where the digest of a message is in out */
	const uint8_t *in[LANES_MAX];
	uint8_t out[LANES_MAX][DIGEST_LEN];
};

/* The message stays the caller's and unchanged until lanes_run. Returns its number. */
static inline unsigned lanes_add(struct lanes *l, const uint8_t *in, unsigned blocks)
{
	must(l->n < LANES_MAX);
	l->in[l->n] = in;
	l->blocks[l->n] = (uint8_t)blocks;
	return l->n++;
}

/* Digests all of them; lanes_digest is valid until the next lanes_run. */
void lanes_run(struct lanes *l, const uint8_t *key);

static inline const uint8_t *lanes_digest(const struct lanes *l, unsigned i)
{
	return l->out[l->place[i]];
}

#endif

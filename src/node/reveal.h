/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A committee member's chain of beacon values (docs/ledger.md, "Height, ticks, beacon"): the secret
 * in a file that only the node may read, the values that hang from it, and the next secret once
 * the chain is used up. Whoever knows the secret knows the member's part of every seed to come.
 */
#ifndef NODE_REVEAL_H
#define NODE_REVEAL_H

#include <stdbool.h>

#include "base/seam.h"
#include "ledger/beacon.h"

#define REVEAL_FILE "tick-secret.json"

struct reveal;

/*
 * Reads the file in the disk's root, or makes it with a new secret when there is none. len: links
 * of a chain, BEACON_CHAIN_LEN but in tests. Codes of the disk, CORRUPT, PERM; then why has a
 * sentence.
 */
int reveal_open(struct reveal **out, char *why, size_t why_room, const struct disk *disk,
		const struct random *random, uint32_t len);
void reveal_close(struct reveal *r);

/* The tip that the authority publishes for a chain of which nothing was revealed yet. */
void reveal_tip(const struct reveal *r, uint8_t tip[32]);
/*
 * What comes before the tip that the ledger has; with *renewed, and new_tip: it is the last value,
 * and the next chain, which is on the disk by then, begins. NOTFOUND: the tip is none of this
 * chain's, so the secret was lost and the authority has to set another tip. Codes of the disk.
 */
int reveal_next(struct reveal *r, uint8_t value[32], bool *renewed, uint8_t new_tip[32],
		const uint8_t tip[32]);

/* The file's text; 0 or CORRUPT. has_next: the second secret is there. */
int reveal_parse(uint8_t secret[32], uint8_t next[32], bool *has_next, const char *text,
		 size_t len);

#endif

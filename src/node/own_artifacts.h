/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts of this node's own store, for parts that do not know the store. Any thread. */
#ifndef NODE_OWN_ARTIFACTS_H
#define NODE_OWN_ARTIFACTS_H

#include <stddef.h>
#include <stdint.h>

/* Each call: 0 or a code. */
struct own_artifacts {
	/* All bytes, checked, malloc'd. NOTFOUND; RANGE: more than size_max; CORRUPT. */
	int (*read)(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max);
	int (*size)(void *ctx, uint64_t *size, const uint8_t key[32]);
	/* The artifact's file gets a name in a folder of the same file system as well. The store
	 * never writes into a file that has its name, and whoever has the link must not either. */
	int (*link)(void *ctx, int folder, const char *name, const uint8_t key[32]);
	void *ctx;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BLAKE3's own tree over 1024-byte chunks (docs/protocol.md, "Tree"). The root is the digest of the
 * bytes, so `b3sum` of a file prints it. Nodes are addressed by (level, index): level 0 are the
 * chunk values, node (j, i) covers chunks [i << j, min(N, (i + 1) << j)). Where a level has an odd
 * number of nodes the last one is the same node as on the level below, stored again; so a level j
 * has ceil(N / 2^j) entries.
 *
 * The outboard is all levels 0..L one after the other, 32 bytes an entry, about 64 bytes a chunk;
 * its last entry is the root. A file of one chunk has an outboard of one entry, the root.
 */
#ifndef CRYPTO_TREE_H
#define CRYPTO_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_CHUNK	1024u
#define TREE_LEVELS_MAX 33
#define TREE_SIZE_MAX \
	((uint64_t)0xffffffffu * TREE_CHUNK) /* chunk indices are u32 and ffffffff means none */
#define TREE_TOUCHED_MAX 32		     /* 16 ranges of at most 2 chunks */

/* Chunks of size bytes, at least 1. */
static inline uint32_t tree_chunks(uint64_t size)
{
	return size == 0 ? 1 : (uint32_t)((size + TREE_CHUNK - 1) / TREE_CHUNK);
}

/* Bytes in chunk i of size bytes. */
static inline uint32_t tree_chunk_len(uint64_t size, uint32_t chunk)
{
	return chunk + 1 < tree_chunks(size) ? TREE_CHUNK
					     : (uint32_t)(size - (uint64_t)chunk * TREE_CHUNK);
}

/* Level of the root: ceil(log2 N). */
static inline unsigned tree_height(uint32_t chunks)
{
	return chunks <= 1 ? 0 : 32 - (unsigned)__builtin_clz(chunks - 1);
}

/*
 * Entries before level (0..height + 1) in the outboard: the sum over j < level of ceil(N / 2^j),
 * without a loop, since it is asked for each hash that is sent. With m = N - 1 an entry count is
 * (m >> j) + 1, and the m >> j of all levels add up to 2m less the number of one bits.
 */
static inline uint64_t tree_level_offset(uint32_t chunks, unsigned level)
{
	uint64_t m = chunks - 1, above = m >> level;
	uint64_t low = m & ((1ull << level) - 1);

	return level + 2 * (m - above) - (unsigned)__builtin_popcountll(low);
}

static inline uint64_t tree_outboard_len(uint32_t chunks)
{
	return 32 * tree_level_offset(chunks, tree_height(chunks) + 1);
}

/* A node of the tree. */
struct tree_node {
	uint32_t index;
	uint8_t level;
};

static inline const uint8_t *tree_value(const uint8_t *outboard, uint32_t chunks,
					struct tree_node node)
{
	return outboard + 32 * (tree_level_offset(chunks, node.level) + node.index);
}

/* Values of n whole chunks that lie one after the other, the first being chunk number first. None
 * is a root. */
void tree_chunk_values(uint8_t *out, const uint8_t *data, size_t n, uint32_t first);
/* Value of one chunk of len <= 1024 bytes; is_root when it is the only one. */
void tree_chunk_value(uint8_t out[32], const uint8_t *data, size_t len, uint32_t chunk,
		      bool is_root);
/* n parents: out[i] = parent of in[i] = left ‖ right (64 bytes). None is a root. */
void tree_parents(uint8_t *out, const uint8_t *const *in, size_t n);
void tree_parent(uint8_t out[32], const uint8_t left[32], const uint8_t right[32], bool is_root);
/* One level from the one below: count entries in, (count + 1) / 2 out; is_root when that gives the
 * root. */
void tree_level_up(uint8_t *out, const uint8_t *in, uint64_t count, bool is_root);
/* The whole outboard of data in memory. */
void tree_build(uint8_t *outboard, const uint8_t *data, uint64_t size);

/* Chunks that ranges [offset, offset + length) touch: ascending, each once; returns their number.
 */
unsigned tree_touched(uint32_t out[TREE_TOUCHED_MAX], const uint64_t *offsets, unsigned k,
		      uint32_t length);
/*
 * The hash list: maximal subtrees without a touched chunk, left to right. touched is ascending and
 * unique, n >= 1, all < chunks. Returns the number; writes at most room of them.
 */
unsigned tree_hash_list(struct tree_node *out, unsigned room, uint32_t chunks,
			const uint32_t *touched, unsigned n);
#define TREE_HASHES_MAX (TREE_TOUCHED_MAX * 32)

/*
 * Level of the maximal subtree that starts at chunk a and lies within the gap [a, b) between
 * touched chunks, the next touched chunk being b, or b = N. It is aligned to its size, and may be
 * cut off at the end of the tree. The gap is not the whole tree.
 */
static inline unsigned tree_gap_level(uint32_t a, uint32_t b, uint32_t chunks)
{
	unsigned aligned = a == 0 ? 31 : (unsigned)__builtin_ctz(a);
	unsigned fits = 31 - (unsigned)__builtin_clz(b - a);

	return b == chunks || aligned < fits ? aligned : fits;
}

/*
 * Verifies chunk values and a hash list against the root. touched, n as above; value(i) of
 * touched[i] lies at values + 32 * i (for a single-chunk tree it is the root itself); hashes has
 * exactly hash_count entries. True only if the root equals key and every hash is used. No
 * recursion, no heap.
 */
bool tree_verify(const uint8_t key[32], uint32_t chunks, const uint32_t *touched, unsigned n,
		 const uint8_t *values, const uint8_t *hashes, unsigned hash_count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over all bytes of an artifact, a piece of 1 MiB at a time, that gives every value of its
 * outboard (crypto/tree.h). Writing, checking and loading an artifact differ only in what they do
 * with the values. Memory: 64 KiB and 64 bytes a piece.
 */
#ifndef STORE_TREE_PASS_H
#define STORE_TREE_PASS_H

#include "crypto/tree.h"

#define PIECE_LEN    (1u << 20)
#define PIECE_CHUNKS (PIECE_LEN / TREE_CHUNK)
#define PIECE_LEVEL  10u /* of the one value a piece has */

/* Values of count nodes of a level, the first given; at most PIECE_CHUNKS at once. */
struct tree_sink {
	int (*take)(void *ctx, struct tree_node first, const uint8_t *values, uint32_t count);
	void *ctx;
};

struct tree_pass {
	uint64_t size;
	uint32_t chunks, pieces;
	struct tree_sink sink; /* take may be NULL */
	uint8_t *tops;	       /* value of each piece; behind them, levels above */
	uint8_t *values[2];    /* levels of the piece at hand */
};

/* 0 or NOMEM. */
int tree_pass_open(struct tree_pass *p, uint64_t size, struct tree_sink sink);
void tree_pass_close(struct tree_pass *p);

/* Bytes of a piece. */
uint32_t tree_pass_len(const struct tree_pass *p, uint32_t piece);
/* Levels below the top of one piece go to the sink, its top to tops. What the sink returned. */
int tree_pass_piece(struct tree_pass *p, uint32_t piece, const uint8_t *data);
/* Once tops are complete: all levels above; the root comes out. What the sink returned. */
int tree_pass_end(struct tree_pass *p, uint8_t root[32]);

#endif

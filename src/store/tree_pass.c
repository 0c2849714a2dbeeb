/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree_pass.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

int tree_pass_open(struct tree_pass *p, uint64_t size, struct tree_sink sink)
{
	must(size >= 1 && size <= TREE_SIZE_MAX);
	p->size = size;
	p->chunks = tree_chunks(size);
	p->pieces = (p->chunks + PIECE_CHUNKS - 1) / PIECE_CHUNKS;
	p->sink = sink;
	/* Each level above the tops is half of the one below, rounded up. */
	p->tops = malloc(32 * (2 * (size_t)p->pieces + TREE_LEVELS_MAX));
	p->values[0] = malloc(2 * 32 * PIECE_CHUNKS);
	if (p->tops == NULL || p->values[0] == NULL) {
		tree_pass_close(p);
		return ASSAY_E_NOMEM;
	}
	p->values[1] = p->values[0] + 32 * PIECE_CHUNKS;
	return 0;
}

void tree_pass_close(struct tree_pass *p)
{
	free(p->tops);
	free(p->values[0]);
}

uint32_t tree_pass_len(const struct tree_pass *p, uint32_t piece)
{
	return piece + 1 < p->pieces ? PIECE_LEN
				     : (uint32_t)(p->size - (uint64_t)piece * PIECE_LEN);
}

static int give(const struct tree_pass *p, unsigned level, uint32_t first, const uint8_t *values,
		uint32_t count)
{
	for (uint32_t done = 0, n; p->sink.take != NULL && done < count; done += n) {
		struct tree_node node = {first + done, (uint8_t)level};

		n = count - done < PIECE_CHUNKS ? count - done : PIECE_CHUNKS;
		int err = p->sink.take(p->sink.ctx, node, values + 32ull * done, n);

		if (err != 0)
			return err;
	}
	return 0;
}

int tree_pass_piece(struct tree_pass *p, uint32_t piece, const uint8_t *data)
{
	uint32_t first = piece * PIECE_CHUNKS, len = tree_pass_len(p, piece);
	uint32_t whole = len / TREE_CHUNK, count = tree_chunks(len);
	unsigned top = p->pieces == 1 ? tree_height(p->chunks) : PIECE_LEVEL;
	uint8_t *values = p->values[0], *above = p->values[1];

	if (p->chunks == 1)
		whole = 0; /* the one chunk is the root */
	tree_chunk_values(values, data, whole, first);
	if (whole < count)
		tree_chunk_value(values + 32 * whole, data + (size_t)whole * TREE_CHUNK,
				 len - whole * TREE_CHUNK, first + whole, p->chunks == 1);
	for (unsigned level = 0; level < top; level++) {
		int err = give(p, level, first >> level, values, count);

		if (err != 0)
			return err;
		tree_level_up(above, values, count, p->pieces == 1 && level + 1 == top);
		count = (count + 1) / 2;

		uint8_t *below = values;

		values = above;
		above = below;
	}
	memcpy(p->tops + 32ull * piece, values, 32);
	return 0;
}

int tree_pass_end(struct tree_pass *p, uint8_t root[32])
{
	uint8_t *values = p->tops;
	unsigned level = p->pieces == 1 ? tree_height(p->chunks) : PIECE_LEVEL;
	int err = give(p, level, 0, values, p->pieces);

	for (uint32_t count = p->pieces; err == 0 && count > 1;) {
		uint8_t *above = values + 32ull * count;

		tree_level_up(above, values, count, count == 2);
		values = above;
		count = (count + 1) / 2;
		level++;
		err = give(p, level, 0, values, count);
	}
	memcpy(root, values, 32);
	return err;
}

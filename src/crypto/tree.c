/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tree.h"

#include "base/must.h"
#include "crypto/digest.h"
#include "crypto/digest_impl.h"

#define CHUNK_BLOCKS (TREE_CHUNK / BLAKE3_BLOCK_LEN)

void tree_chunk_values(uint8_t *out, const uint8_t *data, size_t n, uint32_t first)
{
	const uint8_t *in[DIGEST_LANES];

	while (n > 0) {
		size_t lanes = n < DIGEST_LANES ? n : DIGEST_LANES;

		for (size_t i = 0; i < lanes; i++)
			in[i] = data + i * TREE_CHUNK;
		blake3_hash_many(in, lanes, CHUNK_BLOCKS, IV, first, true, 0, CHUNK_START,
				 CHUNK_END, out);
		data += lanes * TREE_CHUNK;
		out += lanes * 32;
		first += (uint32_t)lanes;
		n -= lanes;
	}
}

void tree_chunk_value(uint8_t out[32], const uint8_t *data, size_t len, uint32_t chunk,
		      bool is_root)
{
	must(len <= TREE_CHUNK && (!is_root || chunk == 0));
	digest_chunk(out, IV, data, len, chunk, 0, is_root);
}

void tree_parents(uint8_t *out, const uint8_t *const *in, size_t n)
{
	blake3_hash_many(in, n, 1, IV, 0, false, PARENT, 0, 0, out);
}

void tree_parent(uint8_t out[32], const uint8_t left[32], const uint8_t right[32], bool is_root)
{
	uint8_t block[BLAKE3_BLOCK_LEN];
	uint32_t cv[8];

	memcpy(block, left, 32);
	memcpy(block + 32, right, 32);
	memcpy(cv, IV, sizeof(cv));
	blake3_compress_in_place(cv, block, sizeof(block), 0, PARENT | (is_root ? ROOT : 0));
	memcpy(out, cv, sizeof(cv));
}

void tree_level_up(uint8_t *out, const uint8_t *in, uint64_t count, bool is_root)
{
	const uint8_t *pairs[DIGEST_LANES];
	uint64_t left = count / 2;

	if (is_root) {
		must(count == 2);
		tree_parent(out, in, in + 32, true);
		return;
	}
	while (left > 0) {
		size_t lanes = left < DIGEST_LANES ? left : DIGEST_LANES;

		for (size_t i = 0; i < lanes; i++)
			pairs[i] = in + 64 * i;
		tree_parents(out, pairs, lanes);
		in += 64 * lanes;
		out += 32 * lanes;
		left -= lanes;
	}
	if (count % 2 == 1)
		memcpy(out, in, 32);
}

void tree_build(uint8_t *outboard, const uint8_t *data, uint64_t size)
{
	uint32_t chunks = tree_chunks(size), last = chunks - 1;

	must(size <= TREE_SIZE_MAX);
	tree_chunk_values(outboard, data, last, 0);
	tree_chunk_value(outboard + 32ull * last, data + (uint64_t)last * TREE_CHUNK,
			 tree_chunk_len(size, last), last, last == 0);
	for (uint64_t count = chunks; count > 1; count = (count + 1) / 2) {
		uint8_t *above = outboard + 32 * count;

		tree_level_up(above, outboard, count, count == 2);
		outboard = above;
	}
}

/* Puts chunk into its place among n ascending ones, once; returns their number. */
static inline unsigned insert(uint32_t *sorted, unsigned n, uint32_t chunk)
{
	unsigned at = n;

	while (at > 0 && sorted[at - 1] > chunk)
		at--;
	if (at > 0 && sorted[at - 1] == chunk)
		return n;
	for (unsigned i = n; i > at; i--)
		sorted[i] = sorted[i - 1];
	sorted[at] = chunk;
	return n + 1;
}

unsigned tree_touched(uint32_t out[TREE_TOUCHED_MAX], const uint64_t *offsets, unsigned k,
		      uint32_t length)
{
	unsigned n = 0;

	must(k <= TREE_TOUCHED_MAX / 2 && length >= 1 && length <= TREE_CHUNK);
	for (unsigned i = 0; i < k; i++) {
		uint64_t offset; /* as it lies in a PROVE: not aligned */

		memcpy(&offset, (const uint8_t *)offsets + 8 * i, sizeof(offset));
		n = insert(out, n, (uint32_t)(offset / TREE_CHUNK));
		n = insert(out, n, (uint32_t)((offset + length - 1) / TREE_CHUNK));
	}
	return n;
}

unsigned tree_hash_list(struct tree_node *out, unsigned room, uint32_t chunks,
			const uint32_t *touched, unsigned n)
{
	unsigned count = 0;
	uint64_t a = 0;

	for (unsigned i = 0; i <= n; i++) {
		uint32_t b = i < n ? touched[i] : chunks;

		while (a < b) {
			unsigned level = tree_gap_level((uint32_t)a, b, chunks);

			if (count < room)
				out[count] = (struct tree_node){(uint32_t)a >> level, level};
			count++;
			a += 1ull << level;
		}
		if (i < n)
			a = (uint64_t)b + 1;
	}
	return count;
}

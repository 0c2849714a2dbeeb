/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_verify against the recursive wording: chunks u32, number of touched u8, number of hashes u8,
 * steps between touched chunks u32 each; the rest, repeated, are values and hashes.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/tree_oracle.h"

#define TOUCHED_MAX 8 /* with at most 31 hashes each */
#define HASHES_MAX  255

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t values[TOUCHED_MAX * 32], hashes[HASHES_MAX * 32];
	struct reader r = reader_of(data, len);
	uint32_t chunks = read_u32le(&r), touched[TOUCHED_MAX];
	unsigned most = 1 + read_u8(&r) % TOUCHED_MAX, n = 0, count;
	unsigned change = read_u8(&r);
	uint8_t root[32];
	struct oracle o;

	chunks = chunks == 0 ? 1 : chunks;
	for (uint64_t next = read_u32le(&r) % chunks; next < chunks && n < most;
	     next += 1 + (uint64_t)read_u32le(&r) % chunks)
		touched[n++] = (uint32_t)next;
	for (size_t i = 0; i < sizeof(values); i++)
		values[i] = r.left > 0 ? r.p[i % r.left] : (uint8_t)i;
	for (size_t i = 0; i < sizeof(hashes); i++)
		hashes[i] = r.left > 0 ? r.p[(i + 7) % r.left] : (uint8_t)i;

	/* Mostly the right number of hashes, else one that the input names. */
	count = tree_hash_list(NULL, 0, chunks, touched, n);
	count = change < 128 && count <= HASHES_MAX ? count : change;
	o = (struct oracle){.chunks = chunks,
			    .touched = touched,
			    .n = n,
			    .values = values,
			    .hashes = hashes,
			    .hash_count = count};
	oracle_value(&o, root, 0, chunks);
	if (tree_verify(root, chunks, touched, n, values, hashes, count) !=
	    (!o.missing && o.used == count))
		abort();
	root[change % 32] ^= 1;
	if (tree_verify(root, chunks, touched, n, values, hashes, count))
		abort();
	return 0;
}

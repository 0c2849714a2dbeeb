/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compression functions of the BLAKE3 package, for digest.c and tree*.c only: what is computed
 * here below whole messages is chunk and parent values.
 */
#ifndef CRYPTO_DIGEST_IMPL_H
#define CRYPTO_DIGEST_IMPL_H

#include <string.h>

#include "blake3.h"
#include "blake3_impl.h"

/*
 * Value of one chunk of at most 1024 bytes, without the copying of the streaming hasher. root makes
 * it the digest of a message of one chunk. flags is KEYED_HASH or 0.
 */
static inline void digest_chunk(uint8_t out[32], const uint32_t key[8], const uint8_t *data,
				size_t len, uint64_t counter, uint8_t flags, bool root)
{
	uint8_t start = CHUNK_START;
	uint8_t last[BLAKE3_BLOCK_LEN] = {0};
	uint32_t cv[8];

	memcpy(cv, key, sizeof(cv));
	for (; len > BLAKE3_BLOCK_LEN; len -= BLAKE3_BLOCK_LEN, data += BLAKE3_BLOCK_LEN) {
		blake3_compress_in_place(cv, data, BLAKE3_BLOCK_LEN, counter, flags | start);
		start = 0;
	}
	if (len < BLAKE3_BLOCK_LEN) {
		if (len > 0)
			memcpy(last, data, len);
		data = last;
	}
	blake3_compress_in_place(cv, data, (uint8_t)len, counter,
				 flags | start | CHUNK_END | (root ? ROOT : 0));
	memcpy(out, cv, sizeof(cv));
}

#endif

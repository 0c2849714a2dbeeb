/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes without system calls, for a worker: a generator with fast key erasure on BLAKE3,
 * seeded once. What it has given out, and what could bring that back, is no longer in memory. One
 * thread owns it.
 */
#ifndef CRYPTO_DRBG_H
#define CRYPTO_DRBG_H

#include "base/seam.h"
#include "crypto/digest.h"

#define DRBG_POOL ((DIGEST_LANES - 1) * DIGEST_LEN)

struct drbg {
	uint8_t key[32];
	size_t used;
	uint8_t pool[DRBG_POOL];
};

void drbg_init(struct drbg *d, const struct random *seed);
void drbg_wipe(struct drbg *d);
/* The generator behind the seam. */
struct random random_drbg(struct drbg *d);

#endif

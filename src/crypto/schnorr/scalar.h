/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers modulo the group's order n: little-endian words, always below n. Variable time. */
#ifndef SCHNORR_SCALAR_H
#define SCHNORR_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

struct scalar {
	uint64_t w[4];
};

/* A magnitude below 2^128, and 1 when it counts negative, in a row of four words. */
struct half_scalar {
	uint64_t w[2];
	uint64_t negative, unused;
};

/* True when the 32 big-endian bytes are below n; out is then the number, else less n. */
bool scalar_read(struct scalar *out, const uint8_t bytes[32]);
struct scalar scalar_add(struct scalar a, struct scalar b);
struct scalar scalar_negate(struct scalar a);
/* a < 2^128 times b. */
struct scalar scalar_mul_128(const uint64_t a[2], struct scalar b);
/* k = out[0] + out[1] lambda, where lambda is the endomorphism's eigenvalue. */
void scalar_split(struct half_scalar out[2], struct scalar k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/gf.h"

uint8_t rq_gf_mul[256][256];
uint8_t rq_gf_nibble[256][32] __attribute__((aligned(64)));
uint64_t rq_gf_affine[256];
static uint8_t inverse[256];

static uint8_t product(uint8_t a, uint8_t b)
{
	uint8_t r = 0;

	for (; b != 0; b >>= 1) {
		if (b & 1)
			r ^= a;
		a = rq_gf_twice(a);
	}
	return r;
}

/* Octet 7-i of the matrix is the row of output bit i: which input bits it is the sum of. */
static uint64_t affine(uint8_t c)
{
	uint64_t m = 0;

	for (int bit = 0; bit < 8; bit++)
		for (int in = 0; in < 8; in++)
			m |= (uint64_t)(product(c, 1 << in) >> bit & 1) << (8 * (7 - bit) + in);
	return m;
}

__attribute__((constructor)) static void fill(void)
{
	for (int c = 0; c < 256; c++) {
		for (int a = 0; a < 256; a++) {
			rq_gf_mul[c][a] = product(c, a);
			if (rq_gf_mul[c][a] == 1)
				inverse[c] = a;
		}
		for (int n = 0; n < 16; n++) {
			rq_gf_nibble[c][n] = rq_gf_mul[c][n];
			rq_gf_nibble[c][16 + n] = rq_gf_mul[c][n << 4];
		}
		rq_gf_affine[c] = affine(c);
	}
}

uint8_t rq_gf_inverse(uint8_t a)
{
	return inverse[a];
}

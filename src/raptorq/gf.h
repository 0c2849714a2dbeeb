/* SPDX-License-Identifier: Apache-2.0 */
/* GF(256) modulo x^8+x^4+x^3+x^2+1 (0x11D), generator 2: one element at a time, and the tables of
 * the kernels. All are filled before main. */
#ifndef RAPTORQ_GF_H
#define RAPTORQ_GF_H

#include <stdint.h>

extern uint8_t rq_gf_mul[256][256];
/* Products of c with the 16 low and the 16 high nibbles: two byte shuffles make a product. */
extern uint8_t rq_gf_nibble[256][32];
/* Times c as a bit matrix in the order GF2P8AFFINEQB takes it. (GF2P8MULB has another polynomial.)
 */
extern uint64_t rq_gf_affine[256];

uint8_t rq_gf_inverse(uint8_t a); /* of a != 0 */

static inline uint8_t rq_gf_twice(uint8_t a)
{
	return (uint8_t)(a << 1) ^ (a & 0x80 ? 0x1d : 0);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Inversion modulo p, one number for a whole chunk of additions. Variable time. */
#ifndef SCHNORR_INVERSE_H
#define SCHNORR_INVERSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * limbs[5 k + ...]: limb k of lane i is limbs[k * lanes + i], 52 bits a limb, tight (fe.h).
 * Inverts all lanes in place; false, and untouched, when one is zero modulo p.
 */
bool inverse_lanes(uint64_t *limbs, size_t lanes);
/* r = 1 / x modulo p, little-endian words, x below 2^256; 0 for 0. */
void inverse_words(uint64_t r[4], const uint64_t x[4]);

#endif

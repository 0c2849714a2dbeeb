/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slow twin of the codec: the whole matrix of RFC 6330 over GF(256), written from its formulas
 * (the HDPC rows as the product of the two matrices of 5.3.3.3), and Gaussian elimination.
 */
#ifndef TESTS_RAPTORQ_TWIN_H
#define TESTS_RAPTORQ_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Solves for the intermediate symbols (L rows of t octets into c) from known symbols, each t octets
 * at values + i * t. False when the rank is below L. */
bool twin_solve(uint8_t *c, uint32_t k, const uint32_t *esis, const uint8_t *values, size_t len,
		uint32_t t);
/* One symbol out of the intermediate ones. */
void twin_symbol(uint8_t *out, uint32_t k, uint32_t esi, const uint8_t *c, uint32_t t);
uint32_t twin_intermediate(uint32_t k); /* L */

#endif

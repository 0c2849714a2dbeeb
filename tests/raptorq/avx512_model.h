/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few AVX-512 and GFNI intrinsics the kernels use, in C after the instruction manual, so that
 * kernel_avx512.c can be compiled and run on a CPU without them. GF2P8AFFINEQB: bit i of an output
 * octet is the parity of the input octet and octet 7-i of the matrix, plus bit i of the constant.
 */
#ifndef AVX512_MODEL_H
#define AVX512_MODEL_H

#include <stdint.h>
#include <string.h>

#define TARGET
#define KERNEL	    rq_kernel_model
#define KERNEL_NAME "avx512 model"

typedef struct {
	uint64_t q[8];
} __m512i;

static inline __m512i _mm512_loadu_si512(const void *p)
{
	__m512i v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void _mm512_storeu_si512(void *p, __m512i v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void _mm512_stream_si512(void *p, __m512i v)
{
	memcpy(__builtin_assume_aligned(p, 64), &v, sizeof(v));
}

static inline __m512i _mm512_setzero_si512(void)
{
	return (__m512i){{0}};
}

static inline __m512i _mm512_set1_epi64(uint64_t q)
{
	return (__m512i){{q, q, q, q, q, q, q, q}};
}

static inline __m512i _mm512_xor_si512(__m512i a, __m512i b)
{
	for (int i = 0; i < 8; i++)
		a.q[i] ^= b.q[i];
	return a;
}

static inline __m512i _mm512_gf2p8affine_epi64_epi8(__m512i x, __m512i a, int constant)
{
	__m512i r = {{0}};

	for (int q = 0; q < 8; q++)
		for (int octet = 0; octet < 64; octet += 8)
			for (int bit = 0; bit < 8; bit++) {
				uint64_t row = a.q[q] >> (8 * (7 - bit)) & 255;
				uint64_t in = x.q[q] >> octet & 255;
				uint64_t sum = __builtin_parityll(row & in) ^ (constant >> bit & 1);

				r.q[q] |= sum << (octet + bit);
			}
	return r;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AVX-512 intrinsics that vec_ifma.h uses, in plain C, after Intel's description of each: so
 * that the IFMA kernels run, from the same source, on processors that lack the instructions.
 */
#ifndef TESTS_SCHNORR_IFMA_MODEL_H
#define TESTS_SCHNORR_IFMA_MODEL_H

#include <stdint.h>
#include <string.h>

typedef struct {
	uint64_t q[2];
} __m128i;
typedef struct {
	uint64_t q[4];
} __m256i;
typedef struct {
	uint64_t q[8];
} __m512i;

/* Out of line: inlined, the kernels would be more than a compiler likes. */
#define MODEL static __attribute__((noinline, unused))
#define EACH(expression)               \
	__m512i r;                     \
	for (int i = 0; i < 8; i++)    \
		r.q[i] = (expression); \
	return r
#define MODEL_52 (((uint64_t)1 << 52) - 1)

MODEL __m512i _mm512_set1_epi64(long long x)
{
	EACH((uint64_t)x);
}
MODEL __m512i _mm512_setzero_si512(void)
{
	EACH(0);
}
MODEL __m512i _mm512_set_epi64(long long h, long long g, long long f, long long e, long long d,
			       long long c, long long b, long long a)
{
	const long long x[8] = {a, b, c, d, e, f, g, h};

	EACH((uint64_t)x[i]);
}
MODEL __m512i _mm512_load_si512(const void *p)
{
	const uint64_t *x = p;

	/* As the instruction does, but with a smaller hammer than a fault. */
	if ((uintptr_t)p % 64 != 0)
		__builtin_trap();
	EACH(x[i]);
}
MODEL void _mm512_store_si512(void *p, __m512i a)
{
	if ((uintptr_t)p % 64 != 0)
		__builtin_trap();
	memcpy(p, a.q, 64);
}
MODEL __m256i _mm256_loadu_si256(const __m256i *p)
{
	return *p;
}
MODEL void _mm256_storeu_si256(__m256i *p, __m256i a)
{
	*p = a;
}
MODEL __m512i _mm512_add_epi64(__m512i a, __m512i b)
{
	EACH(a.q[i] + b.q[i]);
}
MODEL __m512i _mm512_sub_epi64(__m512i a, __m512i b)
{
	EACH(a.q[i] - b.q[i]);
}
MODEL __m512i _mm512_and_si512(__m512i a, __m512i b)
{
	EACH(a.q[i] & b.q[i]);
}
MODEL __m512i _mm512_or_si512(__m512i a, __m512i b)
{
	EACH(a.q[i] | b.q[i]);
}
MODEL __m512i _mm512_srli_epi64(__m512i a, unsigned n)
{
	EACH(n < 64 ? a.q[i] >> n : 0);
}
MODEL __m512i _mm512_slli_epi64(__m512i a, unsigned n)
{
	EACH(n < 64 ? a.q[i] << n : 0);
}
MODEL __m128i _mm_cvtsi64_si128(long long x)
{
	return (__m128i){{(uint64_t)x, 0}};
}
MODEL __m512i _mm512_srl_epi64(__m512i a, __m128i n)
{
	EACH(n.q[0] < 64 ? a.q[i] >> n.q[0] : 0);
}
MODEL __m512i _mm512_sll_epi64(__m512i a, __m128i n)
{
	EACH(n.q[0] < 64 ? a.q[i] << n.q[0] : 0);
}
MODEL uint8_t _mm512_cmpeq_epi64_mask(__m512i a, __m512i b)
{
	unsigned mask = 0;

	for (int i = 0; i < 8; i++)
		mask |= (unsigned)(a.q[i] == b.q[i]) << i;
	return (uint8_t)mask;
}
MODEL __m512i _mm512_movm_epi64(uint8_t mask)
{
	EACH(mask >> i & 1 ? ~(uint64_t)0 : 0);
}
MODEL uint8_t _mm512_movepi64_mask(__m512i a)
{
	unsigned mask = 0;

	for (int i = 0; i < 8; i++)
		mask |= (unsigned)(a.q[i] >> 63) << i;
	return (uint8_t)mask;
}
/* Bit by bit: the table's entry number 4 a + 2 b + c. */
MODEL __m512i _mm512_ternarylogic_epi64(__m512i a, __m512i b, __m512i c, int table)
{
	__m512i r = _mm512_setzero_si512();

	for (int i = 0; i < 8; i++)
		for (int k = 0; k < 8; k++)
			if (table >> k & 1)
				r.q[i] |= (k & 4 ? a.q[i] : ~a.q[i]) & (k & 2 ? b.q[i] : ~b.q[i]) &
					  (k & 1 ? c.q[i] : ~c.q[i]);
	return r;
}
MODEL uint64_t model_half(uint64_t a, uint64_t b, int high)
{
	unsigned __int128 p = (unsigned __int128)(a & MODEL_52) * (b & MODEL_52);

	return high ? (uint64_t)(p >> 52) : (uint64_t)p & MODEL_52;
}
MODEL __m512i _mm512_madd52lo_epu64(__m512i sum, __m512i a, __m512i b)
{
	EACH(sum.q[i] + model_half(a.q[i], b.q[i], 0));
}
MODEL __m512i _mm512_madd52hi_epu64(__m512i sum, __m512i a, __m512i b)
{
	EACH(sum.q[i] + model_half(a.q[i], b.q[i], 1));
}
MODEL __m512i _mm512_unpacklo_epi64(__m512i a, __m512i b)
{
	EACH(i % 2 == 0 ? a.q[i] : b.q[i - 1]);
}
MODEL __m512i _mm512_unpackhi_epi64(__m512i a, __m512i b)
{
	EACH(i % 2 == 0 ? a.q[i + 1] : b.q[i]);
}
MODEL __m512i _mm512_permutex2var_epi64(__m512i a, __m512i index, __m512i b)
{
	EACH(index.q[i] & 8 ? b.q[index.q[i] & 7] : a.q[index.q[i] & 7]);
}
MODEL __m512i _mm512_castsi256_si512(__m256i a)
{
	EACH(i < 4 ? a.q[i] : 0xdeadbeefdeadbeef); /* undefined in the instruction */
}
MODEL __m256i _mm512_castsi512_si256(__m512i a)
{
	__m256i r;

	memcpy(r.q, a.q, 32);
	return r;
}
MODEL __m512i _mm512_inserti64x4(__m512i a, __m256i b, int high)
{
	EACH(i / 4 == high ? b.q[i % 4] : a.q[i]);
}
MODEL __m256i _mm512_extracti64x4_epi64(__m512i a, int high)
{
	__m256i r;

	memcpy(r.q, a.q + 4 * high, 32);
	return r;
}

#endif

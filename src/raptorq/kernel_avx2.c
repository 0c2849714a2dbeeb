/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels on 32-octet vectors; a product with a constant is two byte shuffles. */
#include <immintrin.h>

#include "raptorq/gf.h"
#include "raptorq/kernel.h"

#define TARGET __attribute__((target("avx2")))
#define VB     32
typedef __m256i V;
typedef struct {
	__m256i low, high;
} v_split, v_factor;

#define V_INLINE TARGET static inline __attribute__((always_inline))

V_INLINE V v_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

V_INLINE void v_store(void *p, V v)
{
	_mm256_storeu_si256(p, v);
}

/* To aligned memory. */
V_INLINE void v_stream(void *p, V v)
{
	_mm256_stream_si256(p, v);
}

V_INLINE V v_zero(void)
{
	return _mm256_setzero_si256();
}

V_INLINE V v_xor(V a, V b)
{
	return _mm256_xor_si256(a, b);
}

V_INLINE V v_twice(V a)
{
	__m256i over = _mm256_cmpgt_epi8(_mm256_setzero_si256(), a);

	return _mm256_xor_si256(_mm256_add_epi8(a, a),
				_mm256_and_si256(over, _mm256_set1_epi8(0x1d)));
}

V_INLINE v_split v_split_of(V a)
{
	__m256i mask = _mm256_set1_epi8(15);

	return (v_split){_mm256_and_si256(a, mask),
			 _mm256_and_si256(_mm256_srli_epi64(a, 4), mask)};
}

V_INLINE v_factor v_factor_of(uint8_t c)
{
	const __m128i *t = (const void *)rq_gf_nibble[c];

	return (v_factor){_mm256_broadcastsi128_si256(t[0]), _mm256_broadcastsi128_si256(t[1])};
}

V_INLINE V v_mul(v_split a, v_factor f)
{
	return _mm256_xor_si256(_mm256_shuffle_epi8(f.low, a.low),
				_mm256_shuffle_epi8(f.high, a.high));
}

static bool usable(void)
{
	return __builtin_cpu_supports("avx2");
}

#define KERNEL	    rq_kernel_avx2
#define KERNEL_NAME "avx2"
#include "raptorq/kernel.inc"

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels on 64-octet vectors; a product with a constant is one GF2P8AFFINEQB with the bit matrix
 * of that constant. The intrinsics come from a header of their own kind so that a test can compile
 * this file against a software model of them on a CPU that lacks the instructions.
 */
#ifdef RQ_AVX512_MODEL
#include RQ_AVX512_MODEL
#else
#include <immintrin.h>
#define TARGET	    __attribute__((target("avx512f,avx512bw,gfni")))
#define KERNEL	    rq_kernel_avx512
#define KERNEL_NAME "avx512"
#endif

#include "raptorq/gf.h"
#include "raptorq/kernel.h"

#define VB 64
typedef __m512i V;
typedef __m512i v_split;
typedef __m512i v_factor;

#define V_INLINE TARGET static inline __attribute__((always_inline))

V_INLINE V v_load(const void *p)
{
	return _mm512_loadu_si512(p);
}

V_INLINE void v_store(void *p, V v)
{
	_mm512_storeu_si512(p, v);
}

/* To aligned memory. */
V_INLINE void v_stream(void *p, V v)
{
	_mm512_stream_si512(p, v);
}

V_INLINE V v_zero(void)
{
	return _mm512_setzero_si512();
}

V_INLINE V v_xor(V a, V b)
{
	return _mm512_xor_si512(a, b);
}

V_INLINE v_factor v_factor_of(uint8_t c)
{
	return _mm512_set1_epi64(rq_gf_affine[c]);
}

V_INLINE v_split v_split_of(V a)
{
	return a;
}

V_INLINE V v_mul(v_split a, v_factor f)
{
	return _mm512_gf2p8affine_epi64_epi8(a, f, 0);
}

V_INLINE V v_twice(V a)
{
	return v_mul(a, v_factor_of(2));
}

static bool usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("gfni");
}

#include "raptorq/kernel.inc"

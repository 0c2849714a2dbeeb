/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight lanes in AVX-512 with IFMA. The instructions take the low 52 bits of an operand by
 * themselves. Tests compile this file over a software model of the few intrinsics it uses.
 */
#ifndef SCHNORR_VEC_IFMA_H
#define SCHNORR_VEC_IFMA_H

#ifdef SCHNORR_IFMA_MODEL
#include "schnorr/ifma_model.h"
#else
#include <immintrin.h>
#endif
#include <stdint.h>

#include "base/must.h"
#include "crypto/schnorr/kernels.h"

#define LANES	8
#define ROWS	4
#define V_ROOMY /* 32 registers */

typedef __m512i vec;
typedef __m512i operand;

#define M52	 (((uint64_t)1 << 52) - 1)

#define v_set(x) _mm512_set1_epi64((long long)(x))
V_OP vec v_broadcast(uint64_t x)
{
	return _mm512_set1_epi64((long long)x);
}
V_OP vec v_load(const uint64_t *p)
{
	return _mm512_load_si512(p);
}
V_OP void v_store(uint64_t *p, vec x)
{
	_mm512_store_si512(p, x);
}
V_OP vec v_add(vec a, vec b)
{
	return _mm512_add_epi64(a, b);
}
V_OP vec v_sub(vec a, vec b)
{
	return _mm512_sub_epi64(a, b);
}
V_OP vec v_and(vec a, vec b)
{
	return _mm512_and_si512(a, b);
}
V_OP vec v_or(vec a, vec b)
{
	return _mm512_or_si512(a, b);
}
#define v_shr(x, n)    _mm512_srli_epi64(x, n)
#define v_shl(x, n)    _mm512_slli_epi64(x, n)
#define v_shr_by(x, n) _mm512_srl_epi64(x, _mm_cvtsi64_si128(n))
#define v_shl_by(x, n) _mm512_sll_epi64(x, _mm_cvtsi64_si128(n))
V_OP vec v_is_zero(vec x)
{
	return _mm512_movm_epi64(_mm512_cmpeq_epi64_mask(x, _mm512_setzero_si512()));
}
V_OP vec v_select(vec mask, vec yes, vec no)
{
	return _mm512_ternarylogic_epi64(mask, yes, no, 0xca);
}
V_OP unsigned v_bits(vec mask)
{
	return _mm512_movepi64_mask(mask);
}
V_OP vec v_times_k(vec x)
{
	return _mm512_madd52lo_epu64(_mm512_setzero_si512(), x, v_set(0x1000003d1));
}
#ifdef FE_BOUNDS
#define V_BELOW(x, bits) must(v_bits(v_is_zero(v_shr(x, bits))) == 255)
#else
#define V_BELOW(x, bits) ((void)0)
#endif
#define V_SUM_BELOW(x, bits) V_BELOW(x, bits)

V_OP operand v_operand(vec x)
{
	V_BELOW(x, 52);
	return x;
}
#define v_operand_set(x) v_set(x)
V_OP operand v_operand_low(vec x)
{
	return x;
}
V_OP void v_madd(vec *low, vec *high, operand a, operand b)
{
	*low = _mm512_madd52lo_epu64(*low, a, b);
	*high = _mm512_madd52hi_epu64(*high, a, b);
}
#define V_ACC(lows, highs)	_mm512_setzero_si512()
#define V_ACC_HALF(lows, highs) _mm512_setzero_si512()

/* In both halves: from four rows of four, or four columns, the other. */
V_OP void v_transpose(vec out[4], const vec in[4])
{
	const vec low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
	const vec high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
	vec a = _mm512_unpacklo_epi64(in[0], in[1]), b = _mm512_unpackhi_epi64(in[0], in[1]);
	vec c = _mm512_unpacklo_epi64(in[2], in[3]), d = _mm512_unpackhi_epi64(in[2], in[3]);

	out[0] = _mm512_permutex2var_epi64(a, low, c);
	out[1] = _mm512_permutex2var_epi64(b, low, d);
	out[2] = _mm512_permutex2var_epi64(a, high, c);
	out[3] = _mm512_permutex2var_epi64(b, high, d);
}
V_OP void v_load_rows(vec out[4], const uint64_t *const rows[LANES])
{
	vec in[4];

	for (int i = 0; i < 4; i++) {
		__m256i first = _mm256_loadu_si256((const __m256i *)rows[i]);
		__m256i second = _mm256_loadu_si256((const __m256i *)rows[i + 4]);

		in[i] = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
	}
	v_transpose(out, in);
}
V_OP void v_store_rows(uint64_t *const rows[LANES], const vec in[4])
{
	vec out[4];

	v_transpose(out, in);
	for (int i = 0; i < 4; i++) {
		_mm256_storeu_si256((__m256i *)rows[i], _mm512_castsi512_si256(out[i]));
		_mm256_storeu_si256((__m256i *)rows[i + 4], _mm512_extracti64x4_epi64(out[i], 1));
	}
}
V_OP void v_enter(void)
{
}
V_OP void v_leave(void)
{
}

#endif

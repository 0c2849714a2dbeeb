/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four lanes in AVX2, with the 52-bit multiply-add made of fused double-precision ones. For
 * a, b < 2^52 as doubles and rounding towards zero,
 *
 *	h = a b + 2^104	keeps in its mantissa the bits of a b from 52 up: floor(a b / 2^52),
 *	l = a b + (2^104 + 2^52 - h)	is 2^52 + (a b mod 2^52), exactly,
 *
 * so that adding the bit patterns of h and l to integer accumulators adds the two halves and two
 * constants, which V_ACC has subtracted before. The rounding mode is set by v_enter and given back
 * by v_leave; kernels are called with nothing of theirs in flight across the two.
 */
#ifndef SCHNORR_VEC_AVX2_H
#define SCHNORR_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#include "base/must.h"
#include "crypto/schnorr/kernels.h"

#define LANES 4
#define ROWS  4

typedef __m256i vec;
typedef __m256d operand;

#define M52	  (((uint64_t)1 << 52) - 1)

#define BITS_LOW  0x4330000000000000u /* of the double 2^52 */
#define BITS_HIGH 0x4670000000000000u /* of the double 2^104 */
#define TWO52	  0x1p52
#define TWO104	  0x1p104

/*
 * Constants come from memory, where they are operands of the instructions that use them: gcc 12 is
 * kept from making each anew from a general register, which takes two of the busy ports.
 */
#define V_HIDDEN(p)                                          \
	({                                                   \
		const void *hidden_;                         \
		__asm__("" : "=r"(hidden_) : "0"(p));        \
		_mm256_load_si256((const __m256i *)hidden_); \
	})
#define v_set(x)                                                                     \
	({                                                                           \
		static const _Alignas(32) uint64_t words_[4] = {(x), (x), (x), (x)}; \
		V_HIDDEN(words_);                                                    \
	})
#define v_set_pd(x)                                                                \
	({                                                                         \
		static const _Alignas(32) double words_[4] = {(x), (x), (x), (x)}; \
		_mm256_castsi256_pd(V_HIDDEN(words_));                             \
	})
V_OP vec v_broadcast(uint64_t x)
{
	return _mm256_set1_epi64x((long long)x);
}
V_OP vec v_load(const uint64_t *p)
{
	return _mm256_load_si256((const __m256i *)p);
}
V_OP void v_store(uint64_t *p, vec x)
{
	_mm256_store_si256((__m256i *)p, x);
}
V_OP vec v_add(vec a, vec b)
{
	return _mm256_add_epi64(a, b);
}
V_OP vec v_sub(vec a, vec b)
{
	return _mm256_sub_epi64(a, b);
}
V_OP vec v_and(vec a, vec b)
{
	return _mm256_and_si256(a, b);
}
V_OP vec v_or(vec a, vec b)
{
	return _mm256_or_si256(a, b);
}
#define v_shr(x, n)    _mm256_srli_epi64(x, n)
#define v_shl(x, n)    _mm256_slli_epi64(x, n)
#define v_shr_by(x, n) _mm256_srl_epi64(x, _mm_cvtsi64_si128(n))
#define v_shl_by(x, n) _mm256_sll_epi64(x, _mm_cvtsi64_si128(n))
V_OP vec v_is_zero(vec x)
{
	return _mm256_cmpeq_epi64(x, _mm256_setzero_si256());
}
V_OP vec v_select(vec mask, vec yes, vec no)
{
	return _mm256_blendv_epi8(no, yes, mask);
}
V_OP unsigned v_bits(vec mask)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(mask));
}
V_OP vec v_times_k(vec x)
{
	return v_add(v_shl(x, 32), _mm256_mul_epu32(x, v_set(977)));
}
/* In builds that check them, of every lane; sums have constants in them before they are complete.
 */
#ifdef FE_BOUNDS
#define V_BELOW(x, bits) must(v_bits(v_is_zero(v_shr(x, bits))) == 15)
#else
#define V_BELOW(x, bits) ((void)0)
#endif
#define V_SUM_BELOW(x, bits) ((void)0)

V_OP operand v_operand(vec x)
{
	__m256d two52 = v_set_pd(TWO52);

	V_BELOW(x, 52);
	return _mm256_sub_pd(_mm256_castsi256_pd(v_or(x, v_set(BITS_LOW))), two52);
}
#define v_operand_set(x) v_set_pd((double)(x))
V_OP operand v_operand_low(vec x)
{
	return v_operand(v_and(x, v_set(M52)));
}
V_OP void v_madd(vec *low, vec *high, operand a, operand b)
{
	__m256d h = _mm256_fmadd_pd(a, b, v_set_pd(TWO104));
	__m256d l = _mm256_fmadd_pd(a, b, _mm256_sub_pd(v_set_pd(TWO104 + TWO52), h));

	*high = v_add(*high, _mm256_castpd_si256(h));
	*low = v_add(*low, _mm256_castpd_si256(l));
}
#define V_ACC(lows, highs)	v_set(-((lows)*BITS_LOW + (highs)*BITS_HIGH))
#define V_ACC_HALF(lows, highs) v_set(-((lows) * (BITS_LOW / 2) + (highs) * (BITS_HIGH / 2)))

V_OP void v_transpose(vec out[4], const vec in[4])
{
	vec a = _mm256_unpacklo_epi64(in[0], in[1]), b = _mm256_unpackhi_epi64(in[0], in[1]);
	vec c = _mm256_unpacklo_epi64(in[2], in[3]), d = _mm256_unpackhi_epi64(in[2], in[3]);

	out[0] = _mm256_permute2x128_si256(a, c, 0x20);
	out[1] = _mm256_permute2x128_si256(b, d, 0x20);
	out[2] = _mm256_permute2x128_si256(a, c, 0x31);
	out[3] = _mm256_permute2x128_si256(b, d, 0x31);
}
V_OP void v_load_rows(vec out[4], const uint64_t *const rows[LANES])
{
	vec in[4];

	for (int i = 0; i < 4; i++)
		in[i] = _mm256_loadu_si256((const __m256i *)rows[i]);
	v_transpose(out, in);
}
V_OP void v_store_rows(uint64_t *const rows[LANES], const vec in[4])
{
	vec out[4];

	v_transpose(out, in);
	for (int i = 0; i < 4; i++)
		_mm256_storeu_si256((__m256i *)rows[i], out[i]);
}

/* The mode is the same in all callers: the default, which no part of the project changes. */
#define MXCSR_DEFAULT	  0x1f80u
#define MXCSR_TOWARD_ZERO 0x7f80u

V_OP void v_enter(void)
{
	unsigned mode = MXCSR_TOWARD_ZERO;

	__asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
}
V_OP void v_leave(void)
{
	unsigned mode = MXCSR_DEFAULT;

	__asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One lane in a 64-bit word. madd is exact and, as the instructions it stands for, silent about
 * operand bits above 52; FE_BOUNDS makes it check what the field promises instead.
 */
#ifndef SCHNORR_VEC_PLAIN_H
#define SCHNORR_VEC_PLAIN_H

#include <stdint.h>

#include "base/must.h"
#include "crypto/schnorr/kernels.h"

#define LANES 1
#define ROWS  1

typedef uint64_t vec;
typedef uint64_t operand;
typedef struct {
	uint64_t v[1];
} vec_words;

/* 128-bit columns are at hand: fe_wide.h. */
#define V_WIDE
#define M52 (((uint64_t)1 << 52) - 1)

#ifdef FE_BOUNDS
#define V_BELOW(x, bits)     must(((x) >> (bits)) == 0)
#define V_SUM_BELOW(x, bits) V_BELOW(x, bits) /* of a sum that will still get products */
#else
#define V_BELOW(x, bits)     ((void)0)
#define V_SUM_BELOW(x, bits) ((void)0)
#endif

V_OP vec v_set(uint64_t x)
{
	return x;
}
V_OP vec v_broadcast(uint64_t x)
{
	return x;
}
V_OP vec v_load(const uint64_t *p)
{
	return *p;
}
V_OP void v_store(uint64_t *p, vec x)
{
	*p = x;
}
V_OP vec v_add(vec a, vec b)
{
	return a + b;
}
V_OP vec v_sub(vec a, vec b)
{
	return a - b;
}
V_OP vec v_and(vec a, vec b)
{
	return a & b;
}
V_OP vec v_or(vec a, vec b)
{
	return a | b;
}
#define v_shr(x, n) ((x) >> (n))
#define v_shl(x, n) ((x) << (n))
/* By a number that is not a constant, below 64. */
#define v_shr_by(x, n) v_shr(x, n)
#define v_shl_by(x, n) v_shl(x, n)
/* All ones where x is zero. */
V_OP vec v_is_zero(vec x)
{
	return x == 0 ? ~(uint64_t)0 : 0;
}
/* mask is all ones or zero a lane. */
V_OP vec v_select(vec mask, vec yes, vec no)
{
	return (mask & yes) | (~mask & no);
}
/* Bit i: lane i of the mask is set. */
V_OP unsigned v_bits(vec mask)
{
	return mask != 0;
}
/* x * (2^32 + 977), x below 2^31. */
V_OP vec v_times_k(vec x)
{
	return x * 0x1000003d1u;
}
V_OP operand v_operand(vec x)
{
	V_BELOW(x, 52);
	return x;
}
#define v_operand_set(x) v_set(x)
V_OP operand v_operand_low(vec x)
{
	return x & M52;
}
V_OP void v_madd(vec *low, vec *high, operand a, operand b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	*low += (uint64_t)product & M52;
	*high += (uint64_t)(product >> 52);
}
#define V_ACC(lows, highs)	((vec)0)
#define V_ACC_HALF(lows, highs) ((vec)0)

/* out[k] lane i = rows[i][k]. */
V_OP void v_load_rows(vec out[4], const uint64_t *const rows[LANES])
{
	for (int k = 0; k < 4; k++)
		out[k] = rows[0][k];
}
V_OP void v_store_rows(uint64_t *const rows[LANES], const vec in[4])
{
	for (int k = 0; k < 4; k++)
		rows[0][k] = in[k];
}
V_OP void v_enter(void)
{
}
V_OP void v_leave(void)
{
}

#endif

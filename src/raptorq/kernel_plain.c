/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels in plain C: for any CPU, and the oracle of the others. */
#include <string.h>

#include "raptorq/gf.h"
#include "raptorq/kernel.h"

#define TARGET
#define ANY_WIDTH /* no constants: the compiler makes of it what it can */
#define VB	  8
typedef uint64_t V;
typedef uint64_t v_split;
typedef const uint8_t *v_factor;

static inline V v_load(const void *p)
{
	V v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void v_store(void *p, V v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void v_stream(void *p, V v)
{
	v_store(p, v);
}

static inline V v_zero(void)
{
	return 0;
}

static inline V v_xor(V a, V b)
{
	return a ^ b;
}

static inline V v_twice(V a)
{
	V over = a >> 7 & 0x0101010101010101u;

	return (a & 0x7f7f7f7f7f7f7f7fu) << 1 ^ over * 0x1d;
}

static inline v_split v_split_of(V a)
{
	return a;
}

static inline v_factor v_factor_of(uint8_t c)
{
	return rq_gf_mul[c];
}

static inline V v_mul(v_split a, v_factor f)
{
	V r = 0;

	for (int i = 0; i < 64; i += 8)
		r |= (V)f[a >> i & 255] << i;
	return r;
}

static bool usable(void)
{
	return true;
}

#define KERNEL	    rq_kernel_plain
#define KERNEL_NAME "plain"
#include "raptorq/kernel.inc"

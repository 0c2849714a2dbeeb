/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/dispatch.h"

#include <stddef.h>

static const struct kernels *ifma(void)
{
#ifdef SCHNORR_HAVE_IFMA
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	    __builtin_cpu_supports("avx512ifma"))
		return &kernels_ifma;
#endif
	return NULL;
}

static const struct kernels *avx2(void)
{
#ifdef SCHNORR_HAVE_AVX2
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	    __builtin_cpu_supports("bmi2"))
		return &kernels_avx2;
#endif
	return NULL;
}

const struct kernels *dispatch_kernels(enum assay_schnorr_code code)
{
	switch (code) {
	case ASSAY_SCHNORR_BEST:
		return ifma() != NULL ? ifma() : avx2() != NULL ? avx2() : &kernels_plain;
	case ASSAY_SCHNORR_PLAIN:
		return &kernels_plain;
	case ASSAY_SCHNORR_AVX2:
		return avx2();
	case ASSAY_SCHNORR_IFMA:
		return ifma();
	}
	return NULL;
}

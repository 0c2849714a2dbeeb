/* SPDX-License-Identifier: Apache-2.0 */
/* The AVX2 kernels with every bound of fe.h checked that can be seen between their doubles. */
#define FE_BOUNDS
#define KERNELS	     kernels_bounds_avx2
#define KERNELS_NAME "avx2, bounds"

#include "schnorr/kernels_test.h"
#include "crypto/schnorr/vec_avx2.h"
#include "crypto/schnorr/kernels_body.h"

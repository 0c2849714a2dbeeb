/* SPDX-License-Identifier: Apache-2.0 */
#define KERNELS	     kernels_avx2
#define KERNELS_NAME "avx2"

#include "crypto/schnorr/vec_avx2.h"
#include "crypto/schnorr/kernels_body.h"

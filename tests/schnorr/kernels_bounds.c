/* SPDX-License-Identifier: Apache-2.0 */
/* The plain kernels with every bound of fe.h checked. */
#define FE_BOUNDS
#define KERNELS	     kernels_bounds
#define KERNELS_NAME "bounds"

#include "schnorr/kernels_test.h"
#include "crypto/schnorr/vec_plain.h"
#include "crypto/schnorr/kernels_body.h"

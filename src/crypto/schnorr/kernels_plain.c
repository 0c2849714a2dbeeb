/* SPDX-License-Identifier: Apache-2.0 */
#define KERNELS	     kernels_plain
#define KERNELS_NAME "plain"

#include "crypto/schnorr/vec_plain.h"
#include "crypto/schnorr/kernels_body.h"

/* SPDX-License-Identifier: Apache-2.0 */
#define KERNELS	     kernels_ifma
#define KERNELS_NAME "ifma"

#include "crypto/schnorr/vec_ifma.h"
#include "crypto/schnorr/kernels_body.h"

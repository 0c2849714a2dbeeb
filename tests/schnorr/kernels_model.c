/* SPDX-License-Identifier: Apache-2.0 */
/* The IFMA kernels over the model of their instructions, with every bound checked. */
#define SCHNORR_IFMA_MODEL
#define FE_BOUNDS
#define KERNELS	     kernels_model
#define KERNELS_NAME "model"

#include "schnorr/kernels_test.h"
#include "crypto/schnorr/vec_ifma.h"
#include "crypto/schnorr/kernels_body.h"

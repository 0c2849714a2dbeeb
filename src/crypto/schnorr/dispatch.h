/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHNORR_DISPATCH_H
#define SCHNORR_DISPATCH_H

#include "assay/schnorr_batch.h"
#include "crypto/schnorr/kernels.h"

/* The kernels asked for; NULL when this processor, or this build, has none. */
const struct kernels *dispatch_kernels(enum assay_schnorr_code code);

#endif

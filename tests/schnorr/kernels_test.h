/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCHNORR_KERNELS_TEST_H
#define TESTS_SCHNORR_KERNELS_TEST_H

#include "crypto/schnorr/kernels.h"

extern const struct kernels kernels_model, kernels_bounds, kernels_bounds_avx2;

#endif

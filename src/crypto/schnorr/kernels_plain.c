/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/must.h"
#include "crypto/schnorr/inverse.h"
#include "crypto/schnorr/kernels.h"
#include "crypto/schnorr/vec_plain.h"
#include "crypto/schnorr/fe.h"
#include "crypto/schnorr/kernel_lift.h"
#include "crypto/schnorr/kernel_add.h"

const struct kernels kernels_plain = {
	.name = "plain",
	.add_stride = LANES * CHAINS,
	.lift_stride = LANES * LIFT_CHAINS,
	.lift = kernel_lift,
	.add = kernel_add,
	.add_any = kernel_add_any,
};

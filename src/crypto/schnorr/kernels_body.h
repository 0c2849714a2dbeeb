/* SPDX-License-Identifier: Apache-2.0 */
/* All kernels over one kind of vector: kernels_*.c includes its vec_*.h, names the table, then
 * this. */
#include <string.h>

#include "base/must.h"
#include "crypto/schnorr/inverse.h"
#include "crypto/schnorr/kernels.h"
#include "crypto/schnorr/thresholds.h"
#include "crypto/schnorr/fe.h"
#include "crypto/schnorr/kernel_rows.h"
#include "crypto/schnorr/kernel_lift.h"
#include "crypto/schnorr/kernel_add.h"
#include "crypto/schnorr/kernel_judge.h"
#include "crypto/schnorr/kernel_scalar.h"

const struct kernels KERNELS = {
	.name = KERNELS_NAME,
	.singles_max = LANES == 1   ? SINGLES_MAX_PLAIN
		       : LANES == 4 ? SINGLES_MAX_AVX2
				    : SINGLES_MAX_IFMA,
	.judge_max = LANES == 1	  ? 0
		     : LANES == 4 ? JUDGE_MAX_AVX2
				  : JUDGE_MAX_IFMA,
	.add_stride = LANES,
	.add_slice = ADD_SLICE,
	.lift_slice = LIFT_SLICE,
	.lift = kernel_lift,
	.scalar_mul = kernel_scalar_mul,
	.scalar_split = kernel_scalar_split,
	.digits = kernel_digits,
	.add = kernel_add,
	.add_any = kernel_add_any,
	.judge_begin = kernel_judge_begin,
	.judge_double = kernel_judge_double,
	.judge_add = kernel_judge_add,
	.judge_end = kernel_judge_end,
};

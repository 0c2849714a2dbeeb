/* SPDX-License-Identifier: Apache-2.0 */
/* Single points, in plain words: the endomorphism, and the last sum of a check. */
#ifndef SCHNORR_POINT_H
#define SCHNORR_POINT_H

#include <stdbool.h>

#include "crypto/schnorr/kernels.h"

/* Jacobian, in limbs: x and y tight, z an operand (fe.h). All cases of addition. */
struct point_sum {
	uint64_t x[5], y[5], z[5];
	bool none; /* infinity */
};

extern const struct point point_g;

/* lambda p = (beta x, y) */
struct point point_endomorphism(const struct point *p);
/* p = -p, below p */
void point_negate(struct point *p);
void point_double(struct point_sum *s);
/* s += p; p may be infinity. */
void point_add(struct point_sum *s, const struct point *p);

/* Below p; infinity is all zero. */
void point_affine(struct point *out, const struct point_sum *s);

#endif

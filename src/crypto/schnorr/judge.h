/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures side by side, each by itself: has s G - e P the x-coordinate r, and an even y? */
#ifndef SCHNORR_JUDGE_H
#define SCHNORR_JUDGE_H

#include "crypto/schnorr/kernels.h"
#include "crypto/schnorr/scalar.h"

#define JUDGE_BITS	    130 /* of half scalars, whole windows of both widths */
#define JUDGE_KEY_BITS	    5	/* windows of P: multiples 1..16 */
#define JUDGE_G_BITS	    10	/* windows of G: multiples 1..512 */
#define JUDGE_KEY_MULTIPLES (1u << (JUDGE_KEY_BITS - 1))
#define JUDGE_G_MULTIPLES   (1u << (JUDGE_G_BITS - 1))

/* Places in the judge's own pool. */
enum {
	JUDGE_START,		  /* where every lane begins, so that none begins at infinity */
	JUDGE_BACK,		  /* -2^130 of it */
	JUDGE_PADS,		  /* two points of different x, then one that nobody reads */
	JUDGE_G = JUDGE_PADS + 3, /* G's multiples */
	JUDGE_KEYS = JUDGE_G + JUDGE_G_MULTIPLES, /* those of each lane's P */
	JUDGE_POOL = JUDGE_KEYS + JUDGE_LANES * JUDGE_KEY_MULTIPLES,
};

struct judge {
	const struct kernels *kernels;
	struct point pool[JUDGE_POOL];
	struct judge_state state;
	uint64_t half[JUDGE_LANES][4][3]; /* of s, then of -e: shifted as digits need it */
	bool negative[JUDGE_LANES][4];
	_Alignas(64) uint64_t r[JUDGE_LANES][4];
	unsigned lanes, bit;
	unsigned same, lost; /* lanes, when done */
	struct add_scratch scratch;
};

/* start is a point of which nobody knows a relation to others. Some 500 us. */
void judge_init(struct judge *j, const struct kernels *kernels, const struct point *start);
void judge_clear(struct judge *j);
/* Lane j->lanes takes a signature; at most JUDGE_LANES of them. r is below p. */
void judge_lane(struct judge *j, const struct point *key, const uint8_t r[32], struct scalar s,
		struct scalar e);
/* Some 20 us; true when done. */
bool judge_run(struct judge *j);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which method for how many: measured by `assay-bench schnorr`, with reasons in docs/schnorr.md. */
#ifndef SCHNORR_THRESHOLDS_H
#define SCHNORR_THRESHOLDS_H

/*
 * Up to so many items libsecp256k1 checks each: with AVX2 two in lanes cost 0.85 of that, four
 * less than half; plain code never judges, and its sum of 16 costs 1.2 times as much. That for IFMA
 * is from counts of operations.
 */
#define SINGLES_MAX_PLAIN 16
#define SINGLES_MAX_AVX2  1
#define SINGLES_MAX_IFMA  1
/*
 * Up to so many items each by itself, in lanes. With AVX2 8 cost 0.93 of their sum, and 10, which
 * fill three vectors no better, 1.1 times as much; from 16 on it is 1.2 and more. With IFMA two
 * vectors of eight side by side are what the processor needs: 16, by counts.
 */
#define JUDGE_MAX_AVX2 8
#define JUDGE_MAX_IFMA 16
/* Without lanes: a bad range of so few is not halved. */
#define SINGLES_FEW 16
/* A failed batch of at least this many is sampled before it is halved. */
#define SAMPLE_FROM 64
#define SAMPLE	    16
/* When one of so many items was bad lately, all are judged: a sum that fails is in vain. */
#define SUSPECT_SHARE 128
/*
 * Steps that take some 30 us, by vectors: the longer, the less an inversion or a row that is not
 * full costs.
 */
#define ADD_SLICE  (LANES == 1 ? 64 : LANES == 4 ? 256 : 512)
#define LIFT_SLICE (LANES == 1 ? 8 : ROWS * LANES)
/* A message longer than this is hashed in pieces, so never by libsecp256k1. */
#define MESSAGE_SINGLE_MAX 16384

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which method for how many: measured by `assay-bench schnorr --methods`, with its table in
 * docs/schnorr.md. */
#ifndef SCHNORR_THRESHOLDS_H
#define SCHNORR_THRESHOLDS_H

/*
 * Up to so many items libsecp256k1 checks each: with AVX2 two in lanes cost what they cost there,
 * four half of it. Plain code never judges, and its sum of 8 costs 0.9 times as much. That for IFMA
 * is from counts of operations.
 */
#define SINGLES_MAX_PLAIN 7
#define SINGLES_MAX_AVX2  2
#define SINGLES_MAX_IFMA  1
/*
 * Up to so many items each by itself, in lanes. With AVX2 four, a full vector, cost 0.75 of their
 * sum; 5 cost 1.2 times as much, 8 as much, from 10 on it is more. With IFMA two vectors of eight
 * side by side are what hides the latency of products: 16, by counts.
 */
#define JUDGE_MAX_AVX2 4
#define JUDGE_MAX_IFMA 16
/*
 * A bad range of so few is not halved: 16 in lanes cost less than a sum of 8 of them and 8 in
 * lanes. Without lanes it is libsecp256k1 that checks these.
 */
#define FEW_LANES 16
#define FEW_PLAIN 8
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

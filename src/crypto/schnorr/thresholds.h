/* SPDX-License-Identifier: Apache-2.0 */
/* Which method for how many: measured by `assay-bench schnorr`, with reasons in docs/schnorr.md. */
#ifndef SCHNORR_THRESHOLDS_H
#define SCHNORR_THRESHOLDS_H

/*
 * Up to so many items libsecp256k1 checks each: with AVX2 4 items in lanes cost 1.3 times as much,
 * 8 items 0.7 times; plain batches pay from 16 on. That for IFMA is from counts of operations.
 */
#define SINGLES_MAX_PLAIN 12
#define SINGLES_MAX_AVX2  5
#define SINGLES_MAX_IFMA  2
/* Up to so many items each by itself: 16 cost 1.25 times what a sum of them costs. */
#define JUDGE_MAX 8
/* A failed batch of at least this many is sampled before it is halved. */
#define SAMPLE_FROM 64
#define SAMPLE	    16
/* A message longer than this is hashed in pieces, so never by libsecp256k1. */
#define MESSAGE_SINGLE_MAX 16384

#endif

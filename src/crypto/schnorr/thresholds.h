/* SPDX-License-Identifier: Apache-2.0 */
/* Which method for how many: measured by `assay-bench schnorr`, with reasons in docs/schnorr.md. */
#ifndef SCHNORR_THRESHOLDS_H
#define SCHNORR_THRESHOLDS_H

/* Up to so many items libsecp256k1 checks each: less than a lane vector of work. */
#define SINGLES_MAX 2
/* Up to so many items, each by itself. */
#define JUDGE_MAX 8
/* A failed batch of at least this many is sampled before it is halved. */
#define SAMPLE_FROM 64
#define SAMPLE	    16
/* A message longer than this is hashed in pieces, so never by libsecp256k1. */
#define MESSAGE_SINGLE_MAX 16384

#endif

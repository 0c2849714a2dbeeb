/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sum of k_i Q_i, k_i below 2^128 in magnitude. The bucket method: signed
 * windows of c bits, a bucket for each digit of each window, the buckets' weighted sum by halving,
 * one last chain of doublings. Runs in steps.
 */
#ifndef SCHNORR_MSM_H
#define SCHNORR_MSM_H

#include "assay/schnorr_batch.h"
#include "crypto/schnorr/adder.h"
#include "crypto/schnorr/point.h"
#include "crypto/schnorr/scalar.h"

#define MSM_BITS      130 /* |k| <= 2^128, and the carry of signed digits */
#define MSM_WIDTH_MAX 16

enum msm_stage { MSM_CLEAR, MSM_FILL, MSM_PYRAMID, MSM_DRAIN, MSM_FINAL, MSM_DONE };

struct msm {
	struct adder adder;
	/* Of each term: |k| with `half` added, by words, and the point with the sign of k. */
	uint64_t *word[3];
	uint32_t *ref;
	uint32_t terms_count;
	uint32_t first_slot, slot_count; /* of the pool */
	unsigned width, windows;
	uint32_t buckets; /* of a window: 2^(width - 1) */
	uint64_t half[3]; /* half a window in every window */
	enum msm_stage stage, next;
	unsigned window, level, bit;
	uint32_t at;
	struct point_sum sum;
	struct assay_schnorr_stats *stats;
};

/* The width that takes the fewest additions for so many terms. */
unsigned msm_width(uint32_t terms);
/* The words of so many terms, and with them what the kernel reads beyond. */
#define MSM_WORDS(terms) (((terms) + DIGITS - 1) / DIGITS * DIGITS)
/* Slots and keys of sums that the width takes. */
uint32_t msm_slots(unsigned width);
uint32_t msm_keys(unsigned width);

void msm_start(struct msm *m, uint32_t terms);
/* Term i is k, or -k, times the point of the pool. */
void msm_term(struct msm *m, uint32_t i, uint32_t index, const uint64_t k[2], bool negative);
/* About 25 us of work; true when done. */
bool msm_step(struct msm *m);
/* When done: below p, all zero for infinity. */
void msm_sum(const struct msm *m, struct point *out);

#endif

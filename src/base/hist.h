/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear histogram of unsigned values, 32 linear steps in each power of two: relative error
 * below 1/32. One writer; a reader may copy it while it is written and gets each bucket whole.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>
#include <stdio.h>

#define HIST_SUB     32
#define HIST_BUCKETS (HIST_SUB + (64 - 5) * HIST_SUB)

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min; /* valid when count > 0 */
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
void hist_merge(struct hist *into, const struct hist *from);
/* Smallest bucket bound with at least the given share (0..1) of the values at or below it; 0 when
 * empty. */
uint64_t hist_quantile(const struct hist *h, double share);
/* HdrHistogram's percentile text (.hgrm), values divided by unit. */
void hist_print(const struct hist *h, FILE *out, double unit);

#endif

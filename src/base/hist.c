/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hist.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* The one writer stores and a live reader loads whole words; order between them does not matter. */
#define LOAD(p)	    __atomic_load_n(p, __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

static unsigned bucket_of(uint64_t value)
{
	if (value < HIST_SUB)
		return (unsigned)value;
	unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 5;

	return HIST_SUB * shift + (unsigned)(value >> shift);
}

/* Largest value that falls into the bucket. */
static uint64_t bucket_bound(unsigned bucket)
{
	if (bucket < HIST_SUB)
		return bucket;
	unsigned shift = bucket / HIST_SUB - 1;
	uint64_t step = bucket - HIST_SUB * shift;

	return (step << shift) + (((uint64_t)1 << shift) - 1);
}

void hist_reset(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

void hist_add(struct hist *h, uint64_t value)
{
	unsigned bucket = bucket_of(value);

	if (h->count == 0 || value < h->min)
		STORE(&h->min, value);
	if (value > h->max)
		STORE(&h->max, value);
	STORE(&h->sum, h->sum + value);
	STORE(&h->bucket[bucket], h->bucket[bucket] + 1);
	STORE(&h->count, h->count + 1);
}

/* The count is taken from the buckets themselves, so that a copy of a live histogram adds up. */
void hist_merge(struct hist *into, const struct hist *from)
{
	uint64_t count = 0, min = LOAD(&from->min), max = LOAD(&from->max);

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		uint64_t n = LOAD(&from->bucket[i]);

		into->bucket[i] += n;
		count += n;
	}
	if (count == 0)
		return;
	if (into->count == 0 || min < into->min)
		into->min = min;
	if (max > into->max)
		into->max = max;
	into->sum += LOAD(&from->sum);
	into->count += count;
}

uint64_t hist_quantile(const struct hist *h, double share)
{
	double wanted = share * (double)h->count * (1 - 1e-12); /* i / n of n values is i */
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= wanted)
			return bucket_bound(i) < h->max ? bucket_bound(i) : h->max;
	}
	return h->max;
}

static double deviation(const struct hist *h, double mean)
{
	double squares = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		double d = (double)bucket_bound(i) - mean;

		squares += d * d * (double)h->bucket[i];
	}
	return sqrt(squares / (double)h->count);
}

/* Five steps for each halving of the distance to 100 %, as HdrHistogram prints them. */
static double next_share(double share)
{
	double halvings = floor(log2(1 / (1 - share))) + 1;

	return share + 1 / (5 * exp2(halvings));
}

void hist_print(const struct hist *h, FILE *out, double unit)
{
	double share = 0, mean = h->count > 0 ? (double)h->sum / (double)h->count : 0;
	uint64_t seen = 0;

	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (unsigned i = 0; i < HIST_BUCKETS && seen < h->count; i++) {
		if (h->bucket[i] == 0)
			continue;
		seen += h->bucket[i];
		double value = (double)(bucket_bound(i) < h->max ? bucket_bound(i) : h->max) / unit;
		double reached = (double)seen / (double)h->count;

		for (; seen < h->count && share <= reached; share = next_share(share))
			fprintf(out, "%12.3f %14.12f %10llu %14.2f\n", value, share,
				(unsigned long long)seen, 1 / (1 - share));
		if (seen >= h->count)
			fprintf(out, "%12.3f %14.12f %10llu\n", value, 1.0,
				(unsigned long long)seen);
	}
	fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / unit,
		h->count > 0 ? deviation(h, mean) / unit : 0.0);
	fprintf(out, "#[Max     = %12.3f, Total count    = %12llu]\n", (double)h->max / unit,
		(unsigned long long)h->count);
	fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", HIST_BUCKETS / HIST_SUB,
		HIST_SUB);
}

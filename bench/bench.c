/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "assay/status.h"

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_ticks_per_s(void)
{
	static double rate;

	if (rate == 0) {
		double start = seconds_now();
		uint64_t ticks = bench_ticks();

		while (seconds_now() - start < 0.05)
			;
		rate = (double)(bench_ticks() - ticks) / (seconds_now() - start);
	}
	return rate;
}

double bench_cycles_per_tick(void)
{
	/* A multiplication has a latency of three cycles on every x86-64 core of the last fifteen
	 * years. */
	enum { STEPS = 200000 };
	double best = 0;

	for (int round = 0; round < 5; round++) {
		uint64_t x = 3, start = bench_ticks();

		for (int i = 0; i < STEPS; i++)
			__asm__ volatile("imul %0, %0" : "+r"(x));
		double rate = 3.0 * STEPS / (double)(bench_ticks() - start);

		if (rate > best)
			best = rate;
	}
	return best;
}

int bench_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : ASSAY_E_INVAL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_summary bench_summarize(double *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), compare);
	return (struct bench_summary){values[0], values[n / 2], values[n - 1]};
}

void *bench_memory(size_t len)
{
	size_t huge = (size_t)2 << 20;
	size_t room = (len + huge - 1) / huge * huge;
	void *p = mmap(NULL, room, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED) {
		p = aligned_alloc(huge, room);
		if (p == NULL) {
			fprintf(stderr, "assay-bench: no memory for %zu bytes\n", len);
			exit(1);
		}
		madvise(p, room, MADV_HUGEPAGE);
	}
	memset(p, 0, room);
	return p;
}

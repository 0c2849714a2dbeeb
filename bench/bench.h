/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the benchmarks: time stamps, pinning, summaries, a seeded generator. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <x86intrin.h>

/* One subcommand: argv[0] is its name. Exit status. */
struct bench_command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
};
int bench_kernels(int argc, char **argv);
int bench_stages(int argc, char **argv);
int bench_beside(int argc, char **argv);
int bench_ledger(int argc, char **argv);
int bench_load(int argc, char **argv);
int bench_schnorr(int argc, char **argv);
int bench_transfer(int argc, char **argv);

static inline uint64_t bench_ticks(void)
{
	return __rdtsc();
}

/* Ticks of the time-stamp counter in a second; measured once, about 50 ms. */
double bench_ticks_per_s(void);
/* Core cycles per tick now, from a chain of dependent multiplications: the clock of the core
 * wanders, the counter's does not. */
double bench_cycles_per_tick(void);
/* Pins the calling thread; 0 or a negative code. */
int bench_pin(unsigned cpu);

/* Least, median and greatest of n values; sorts them. */
struct bench_summary {
	double least, median, greatest;
};
struct bench_summary bench_summarize(double *values, size_t n);

static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Memory on huge pages where there are any, touched; ends the program when there is none at all. */
void *bench_memory(size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "rq_report.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/real.h"
#include "base/task.h"

enum { PHASES = 12, SLICE_NS = 50000 };

static void start_numbers(struct rq_case *c)
{
	struct box *b = &c->box;

	must(assay_rq_solve_init(&b->solve, b->solve_memory, b->solve_size, b->plan, b->wanted,
				 &c->io, 0, c->t, b->width) == 0);
}

static const char *const *phase_names(const struct rq_case *c)
{
	static const char *const back[PHASES] = {"clear",  "forward", "left",  "sums", "hdpc",
						 "pivots", "free",    "share", "back", "emit"};
	static const char *const brief[PHASES] = {"clear",  "forward", "left", "sums",
						  "hdpc",   "pivots",  "free", "share",
						  "gather", "dense",   "write"};
	static const char *const direct[PHASES] = {"sources", "product", "write"};

	switch (assay_rq_wanted_way(c->box.wanted)) {
	case ASSAY_RQ_BACK:
		return back;
	case ASSAY_RQ_SHORT:
		return brief;
	default:
		return direct;
	}
}

/* The least of each phase over the runs. In slices as small as they get, which cost a few percent,
 * so that each ends in the phase that it began in. */
void rq_phases_print(struct rq_case *c)
{
	const char *const *names = phase_names(c);
	uint64_t best[PHASES], total = 0;
	double unit = c->bytes / 32.0, end = rq_now() + c->seconds;

	memset(best, 0xff, sizeof(best));
	do {
		uint64_t cycles[PHASES] = {0};
		int e;

		start_numbers(c);
		do {
			unsigned phase = c->box.solve->phase;
			uint64_t start = __rdtsc();

			e = assay_rq_solve_run(c->box.solve, 1);
			cycles[phase] += __rdtsc() - start;
		} while (e != 0);
		for (int i = 0; i < PHASES; i++)
			best[i] = cycles[i] < best[i] ? cycles[i] : best[i];
	} while (rq_now() < end);
	printf("    cycles per 32 octets:");
	for (int i = 0; i < PHASES && names[i] != NULL; i++) {
		if (best[i] > 0)
			printf(" %s %.2f", names[i], best[i] / unit);
		total += best[i];
	}
	printf(" = %.2f\n", total / unit);
}

static int run_numbers(void *ctx, uint64_t budget)
{
	return assay_rq_solve_run(ctx, budget);
}

static void in_slices(struct rq_case *c, double *all, double *longest)
{
	static struct clock clock;
	struct task task = {.run = run_numbers};
	bool done = false;
	double start = rq_now();

	clock = clock_real();
	*longest = 0;
	start_numbers(c);
	task.ctx = c->box.solve;
	while (!done) {
		double slice = rq_now();

		done = task_slice(&task, &clock, SLICE_NS);
		slice = rq_now() - slice;
		*longest = slice > *longest ? slice : *longest;
	}
	*all = rq_now() - start;
}

/* Run by run in turn, so that both see the same machine. */
void rq_slices_print(struct rq_case *c)
{
	double best[2] = {1e9, 1e9}, longest = 1e9, end = rq_now() + 2 * c->seconds;

	do {
		double start = rq_now(), took, slice;

		rq_numbers(c);
		took = rq_now() - start;
		best[0] = took < best[0] ? took : best[0];
		in_slices(c, &took, &slice);
		best[1] = took < best[1] ? took : best[1];
		longest = slice < longest ? slice : longest;
	} while (rq_now() < end);
	printf("    slices of 50 us: %+.1f %%; the longest of a run %.0f us\n",
	       100 * (best[1] / best[0] - 1), longest * 1e6);
}

/* --- two workers ---------------------------------------------------------------------------- */

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

struct rq_cpus rq_cpus_take(void)
{
	struct rq_cpus cpus = {-1, -1};
	cpu_set_t set;

	must(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set)) {
			cpus.second = cpus.first;
			cpus.first = i;
		}
	run_on(cpus.first);
	return cpus;
}

struct half {
	struct rq_case *c;
	int cpu;
	uint32_t from, to;
	void *memory;
	pthread_barrier_t begin;
};

static void solve_half(const struct half *h)
{
	struct box *b = &h->c->box;
	struct assay_rq_solve *s;

	must(assay_rq_solve_init(&s, h->memory, b->solve_size, b->plan, b->wanted, &h->c->io,
				 h->from, h->to, b->width) == 0);
	must(assay_rq_solve_run(s, ASSAY_RQ_FOREVER) == 0);
}

static void *other_half(void *arg)
{
	struct half *h = arg;

	run_on(h->cpu);
	pthread_barrier_wait(&h->begin);
	solve_half(h);
	return NULL;
}

/* Seconds from the moment both are there until both are through. */
static double shared(struct rq_case *c, int second, void *memory)
{
	uint32_t middle = c->t / 2 & ~255u;
	struct half mine = {.c = c, .to = middle, .memory = c->box.solve_memory};
	struct half other = {.c = c, .cpu = second, .from = middle, .to = c->t, .memory = memory};
	pthread_t thread;
	double start;

	pthread_barrier_init(&other.begin, NULL, 2);
	must(pthread_create(&thread, NULL, other_half, &other) == 0);
	pthread_barrier_wait(&other.begin);
	start = rq_now();
	solve_half(&mine);
	must(pthread_join(thread, NULL) == 0);
	start = rq_now() - start;
	pthread_barrier_destroy(&other.begin);
	return start;
}

void rq_two_workers_print(struct rq_case *c, struct rq_cpus cpus)
{
	double best[2] = {1e9, 1e9}, end = rq_now() + 2 * c->seconds;
	void *memory;

	if (cpus.second < 0 || c->t < 1024) {
		puts("    two workers: only one CPU to run on");
		return;
	}
	memory = box_alloc(c->box.solve_size);
	do {
		double start = rq_now(), took;

		rq_numbers(c);
		took = rq_now() - start;
		best[0] = took < best[0] ? took : best[0];
		took = shared(c, cpus.second, memory);
		best[1] = took < best[1] ? took : best[1];
	} while (rq_now() < end);
	printf("    two workers: %.0f MB/s, %.2f of one (CPUs %d and %d)\n",
	       c->bytes / best[1] / 1e6, best[0] / best[1], cpus.first, cpus.second);
	free(memory);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The role verify under load: so many jobs in flight all the time, over the rings of the node. A
 * depth of 1 tells the latency of a lone job; larger ones the rate, and how long a slice holds up
 * what else a worker does.
 */
#include "schnorr_role.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/real.h"
#include "bench.h"
#include "dpdk/verify.h"

#define WORKERS_MAX 16
#define SLICES_MAX  400000
#define SECONDS	    1.0

struct bench_worker {
	pthread_t thread;
	struct verifier *verifier;
	unsigned cpu;
	size_t slices; /* measured */
	double *slice_us;
};

static struct verify_desk *desk;
static struct bench_worker worker[WORKERS_MAX];
static _Atomic bool stop;
static const struct verify_job *all;
static unsigned all_count, next;
static uint64_t answered, wrong;

static void hear(void *arg, bool valid)
{
	answered++;
	wrong += !valid;
}

static void *work(void *arg)
{
	struct bench_worker *w = arg;
	struct role role = verify_role(w->verifier);
	double us = 1e6 / bench_ticks_per_s();

	bench_pin(w->cpu);
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		uint64_t start = bench_ticks();

		if (role.slice(role.ctx, 0, ROLE_SLICE_NS) && w->slices < SLICES_MAX)
			w->slice_us[w->slices++] = us * (double)(bench_ticks() - start);
	}
	return NULL;
}

static void submit(unsigned n)
{
	for (; n > 0; n--) {
		struct verify_job job = all[next++ % all_count];

		job.done = hear;
		if (verify_submit(desk, &job, 1) == 0)
			abort(); /* fewer in flight than there are slots */
	}
}

/* Verdicts of depth jobs in flight; the latency of each round when there is just one. */
static void load(unsigned depth, double *latency_us, size_t *rounds, size_t rounds_max)
{
	double tick_s = 1 / bench_ticks_per_s();
	uint64_t begin = bench_ticks(), start = begin;

	*rounds = 0;
	submit(depth);
	while ((double)(bench_ticks() - begin) * tick_s < SECONDS) {
		struct pollfd wait = {.fd = verify_fd(desk), .events = POLLIN};
		unsigned n = verify_collect(desk);

		if (n == 0) {
			if (depth > 1)
				poll(&wait, 1, 1);
			continue;
		}
		if (depth == 1 && *rounds < rounds_max)
			latency_us[(*rounds)++] = 1e6 * tick_s * (double)(bench_ticks() - start);
		start = bench_ticks();
		submit(n);
	}
	while (!verify_idle(desk))
		verify_collect(desk);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double *values, size_t n, double share)
{
	if (n == 0)
		return 0;
	qsort(values, n, sizeof(values[0]), compare);
	return values[(size_t)(share * (double)(n - 1))];
}

static void measure(unsigned workers, unsigned depth, double *values)
{
	double tick_s = 1 / bench_ticks_per_s();
	uint64_t start, batches = 0, jobs = 0;
	size_t rounds, slices = 0;

	answered = wrong = 0;
	atomic_store(&stop, false);
	for (unsigned i = 0; i < workers; i++) {
		worker[i].slices = 0;
		batches -= verifier_counters(worker[i].verifier)->batches;
		jobs -= verifier_counters(worker[i].verifier)->jobs;
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i]) != 0)
			abort();
	}
	start = bench_ticks();
	load(depth, values, &rounds, SLICES_MAX);
	double rate = (double)answered / ((double)(bench_ticks() - start) * tick_s);

	atomic_store(&stop, true);
	for (unsigned i = 0; i < workers; i++) {
		pthread_join(worker[i].thread, NULL);
		batches += verifier_counters(worker[i].verifier)->batches;
		jobs += verifier_counters(worker[i].verifier)->jobs;
	}
	printf("%7u %6u %11.0f %10.1f", workers, depth, rate, (double)jobs / (double)batches);
	if (depth == 1)
		printf(" %10.1f %9.1f", percentile(values, rounds, 0.5),
		       percentile(values, rounds, 0.99));
	else
		printf(" %10s %9s", "-", "-");
	for (unsigned i = 0; i < workers; i++)
		for (size_t k = 0; k < worker[i].slices && slices < SLICES_MAX; k++)
			values[slices++] = worker[i].slice_us[k];
	printf(" %9.1f %9.1f%s\n", percentile(values, slices, 0.5),
	       percentile(values, slices, 0.99), wrong > 0 ? "  WRONG VERDICTS" : "");
}

int bench_schnorr_role(const struct verify_job *jobs, unsigned count, unsigned workers)
{
	static const unsigned depths[] = {1, 16, 256, 1024, 4096};
	const struct random random = random_real();
	double *values = bench_memory(SLICES_MAX * sizeof(*values));

	if (workers < 1 || workers > WORKERS_MAX || count == 0)
		return 2;
	all = jobs;
	all_count = count;
	desk = verify_desk_new(NULL, NULL);
	if (desk == NULL)
		return 1;
	for (unsigned i = 0; i < workers; i++) {
		worker[i].cpu = i;
		worker[i].slice_us = bench_memory(SLICES_MAX * sizeof(double));
		worker[i].verifier = verify_worker(desk, &random);
		if (worker[i].verifier == NULL)
			return 1;
	}
	printf("workers  depth  verdicts/s  per batch  lone us p50  p99      slice us p50  p99\n");
	for (unsigned n = 1; n <= workers; n++)
		for (unsigned d = 0; d < sizeof(depths) / sizeof(depths[0]); d++)
			measure(n, depths[d], values);
	for (unsigned i = 0; i < workers; i++)
		verifier_free(worker[i].verifier);
	verify_desk_free(desk);
	return wrong > 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two modes of `assay-bench schnorr` beside its table: the methods by size, and several cores. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "bench.h"
#include "schnorr_bench.h"

#define ROUNDS_MAX 64
#define CORES_MAX  16
#define SECONDS	   1

/* --- methods ---------------------------------------------------------------------------------- */

static const char *const method_names[] = {"libsecp256k1", "judge", "sum"};

static double method_cycles(struct assay_schnorr *batch, const struct signed_item *items,
			    uint32_t n, double cycles_per_s)
{
	double start = own_seconds();

	/* Enough of them for the clock. */
	for (uint32_t done = 0; done < 64; done += n)
		batch_run(batch, items, n, false);
	return (own_seconds() - start) * cycles_per_s / ((63 + n) / n * n);
}

int bench_schnorr_methods(const struct assay_schnorr_config *config,
			  const struct signed_item *items, unsigned rounds)
{
	static const uint32_t sizes[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64};
	double cycles_per_s = bench_ticks_per_s() * bench_cycles_per_tick();
	struct assay_schnorr *batch[3];

	for (int m = 0; m < 3; m++) {
		struct assay_schnorr_config forced = *config;

		forced.method = ASSAY_SCHNORR_SINGLES + (enum assay_schnorr_method)m;
		forced.items_max = 64;
		batch[m] = batch_make(&forced);
		if (batch[m] == NULL)
			return 1;
	}
	printf("code   size  %12s %12s %12s  (cycles a signature, median) fastest\n",
	       method_names[0], method_names[1], method_names[2]);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		double value[3][ROUNDS_MAX], median[3];
		int best = 0;

		for (unsigned r = 0; r < rounds; r++)
			for (int m = 0; m < 3; m++)
				value[m][r] =
					method_cycles(batch[m], items, sizes[s], cycles_per_s);
		for (int m = 0; m < 3; m++) {
			median[m] = bench_summarize(value[m], rounds).median;
			best = median[m] < median[best] ? m : best;
		}
		printf("%-5s %5u  %12.0f %12.0f %12.0f  %s\n", assay_schnorr_code_name(batch[0]),
		       sizes[s], median[0], median[1], median[2], method_names[best]);
	}
	return 0;
}

/* --- cores ------------------------------------------------------------------------------------ */

struct core {
	pthread_t thread;
	unsigned cpu;
	struct assay_schnorr *batch;
	const struct signed_item *items;
	uint32_t n;
	uint64_t verdicts;
	double own_s; /* what the thread had of its core */
};

static _Atomic bool stop;

static void *core_run(void *arg)
{
	struct core *c = arg;
	double start;

	bench_pin(c->cpu);
	c->verdicts = 0;
	start = own_seconds();
	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		batch_run(c->batch, c->items, c->n, false);
		c->verdicts += c->n;
	}
	c->own_s = own_seconds() - start;
	return NULL;
}

int bench_schnorr_cores(const struct assay_schnorr_config *config, const struct signed_item *items,
			uint32_t n, unsigned cores)
{
	struct core core[CORES_MAX];
	double one = 0;

	if (cores < 1 || cores > CORES_MAX)
		return 2;
	for (unsigned i = 0; i < cores; i++) {
		core[i] = (struct core){.cpu = i, .items = items, .n = n};
		core[i].batch = batch_make(config);
		if (core[i].batch == NULL)
			return 1;
	}
	printf("cores  size  verdicts/s  a second of cpu time  of one core's\n");
	for (unsigned used = 1; used <= cores; used++) {
		double start = (double)bench_ticks(), rate = 0, own = 0;

		atomic_store(&stop, false);
		for (unsigned i = 0; i < used; i++)
			if (pthread_create(&core[i].thread, NULL, core_run, &core[i]) != 0)
				return 1;
		nanosleep(&(struct timespec){.tv_sec = SECONDS}, NULL);
		atomic_store(&stop, true);
		for (unsigned i = 0; i < used; i++) {
			pthread_join(core[i].thread, NULL);
			rate += (double)core[i].verdicts;
			own += (double)core[i].verdicts / core[i].own_s;
		}
		rate /= ((double)bench_ticks() - start) / bench_ticks_per_s();
		one = used == 1 ? own : one;
		printf("%5u %5u  %10.0f  %20.0f  %13.2f\n", used, n, rate, own, own / one);
	}
	return 0;
}

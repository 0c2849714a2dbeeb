/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raptorq_bench [K T seconds [way width kernel]]: one core, MB/s of source, fastest of the runs
 * that fit the time. What each line means: docs/raptorq-performance.md.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/raptorq.h"
#include "base/must.h"
#include "raptorq/box.h"
#include "raptorq/solve.h"
#include <x86intrin.h>

struct job {
	uint32_t k, t;
	double seconds;
	uint8_t *object, *repair, *copy;
	struct box box;
	struct assay_rq_io io;
	uint32_t *known, *ids;
	const uint8_t **from;
	uint8_t **to;
	size_t known_len, ids_len;
	void *second_memory; /* of the other worker */
	double gather_rate;  /* octets per second that one core adds up out of its L2 */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* Fastest run in seconds. */
static double fastest(struct job *j, void (*run)(struct job *j))
{
	double best = 1e9, end = now() + j->seconds;

	do {
		double start = now(), took;

		run(j);
		took = now() - start;
		best = took < best ? took : best;
	} while (now() < end);
	return best;
}

static void plan(struct job *j)
{
	must(box_plan(&j->box, j->k, j->known, j->known_len) == 0);
}

static void wanted(struct job *j)
{
	must(box_wanted(&j->box, j->ids, j->ids_len, j->t) == 0);
}

static void solve(struct job *j)
{
	must(box_solve(&j->box, &j->io) == 0);
}

/* The same in slices of 50 us, judged by a clock as a worker would; the budget is per call. */
static void solve_sliced(struct job *j)
{
	double start, units = 2000, took;

	must(assay_rq_solve_init(&j->box.solve, j->box.solve_memory, j->box.solve_size, j->box.plan,
				 j->box.wanted, &j->io, 0, j->t, j->box.width) == 0);
	for (;;) {
		start = now();
		if (assay_rq_solve_run(j->box.solve, units) == 0)
			return;
		took = now() - start;
		units *= took > 50e-6 ? 0.9 : took < 40e-6 ? 1.1 : 1;
	}
}

struct half {
	struct job *j;
	uint32_t from, to;
	void *memory;
	size_t size;
};

static void *solve_half(void *arg)
{
	struct half *h = arg;
	struct assay_rq_solve *s;

	must(assay_rq_solve_init(&s, h->memory, h->size, h->j->box.plan, h->j->box.wanted,
				 &h->j->io, h->from, h->to, h->j->box.width) == 0);
	must(assay_rq_solve_run(s, ASSAY_RQ_FOREVER) == 0);
	return NULL;
}

/* Two workers share the job by octets of the symbols, cut at a multiple of the widest stripe. */
static void solve_shared(struct job *j)
{
	uint32_t middle = j->t / 2 & ~255u;
	struct half halves[2] = {{j, 0, middle, j->box.solve_memory, j->box.solve_size},
				 {j, middle, j->t, j->second_memory, j->box.solve_size}};
	pthread_t other;

	must(pthread_create(&other, NULL, solve_half, &halves[1]) == 0);
	solve_half(&halves[0]);
	must(pthread_join(other, NULL) == 0);
}

static void all(struct job *j)
{
	plan(j);
	wanted(j);
	solve(j);
}

enum { PHASES = 10 };

/* Cycles of each phase, in slices as small as they get. */
static void phases(struct job *j)
{
	static const char *const back[] = {"clear",  "forward", "left",	 "sums", "hdpc",
					   "pivots", "free",	"share", "back", "emit"};
	static const char *const brief[] = {"clear", "forward", "left",	  "sums",  "hdpc", "pivots",
					    "free",  "share",	"gather", "dense", "write"};
	static const char *const direct[] = {"sources", "product", "write"};
	const char *const *names = j->box.wanted->way == ASSAY_RQ_BACK	  ? back
				   : j->box.wanted->way == ASSAY_RQ_SHORT ? brief
									  : direct;
	uint64_t cycles[PHASES + 2] = {0}, best[PHASES + 2], total = 0;
	int e;

	memset(best, 0xff, sizeof(best));
	for (double end = now() + j->seconds; now() < end;) {
		memset(cycles, 0, sizeof(cycles));
		assay_rq_solve_init(&j->box.solve, j->box.solve_memory, j->box.solve_size,
				    j->box.plan, j->box.wanted, &j->io, 0, j->t, j->box.width);
		do {
			unsigned phase = j->box.solve->phase;
			uint64_t start = __rdtsc();

			e = assay_rq_solve_run(j->box.solve, 1);
			cycles[phase] += __rdtsc() - start;
		} while (e != 0);
		for (int i = 0; i < PHASES + 2; i++)
			best[i] = cycles[i] < best[i] ? cycles[i] : best[i];
	}
	printf("  cycles per 32 octets of source:");
	for (int i = 0; i < PHASES + 2; i++) {
		if (best[i] == 0)
			continue;
		printf(" %s %.2f", names[i], best[i] / ((double)j->k * j->t / 32));
		total += best[i];
	}
	printf(" = %.2f\n", total / ((double)j->k * j->t / 32));
}

/* Rows of 256 octets in 256 KiB, seven random ones into one: what the codec's lists do at best. */
static double gather_rate(double seconds)
{
	enum { ROWS = 1024, STEPS = 512, N = 7, WIDTH = 256 };
	static uint16_t list[STEPS * N];
	static struct rq_step steps[STEPS + RQ_AHEAD];
	uint8_t *rows = box_alloc(ROWS * WIDTH);
	struct rq_port port = {.row = WIDTH, .width = WIDTH};
	struct rq_gather g = {rows, WIDTH, list, rows, &port};
	double best = 1e9, end = now() + seconds;
	uint64_t seed = 1;

	for (int i = 0; i < STEPS * N; i++)
		list[i] = box_random(&seed) % ROWS;
	for (int i = 0; i < STEPS + RQ_AHEAD; i++)
		steps[i] = (struct rq_step){.start = i * N, .place = RQ_NONE, .dst = i, .n = N};
	while (now() < end) {
		double start = now(), took;

		rq_kernel()->gather(&g, steps, STEPS, false);
		took = now() - start;
		best = took < best ? took : best;
	}
	free(rows);
	return (double)STEPS * N * WIDTH / best;
}

static const char *way_name(const struct job *j)
{
	static const char *const names[] = {"best", "back", "short", "direct"};

	return names[assay_rq_wanted_way(j->box.wanted)];
}

/* Source complete, so many repair symbols wanted. */
static void want_repair(struct job *j, size_t len)
{
	j->known = NULL;
	j->known_len = j->k;
	j->ids_len = len;
	for (size_t i = 0; i < len; i++) {
		j->ids[i] = j->k + i;
		j->to[i] = j->repair + i * j->t;
	}
	j->io = (struct assay_rq_io){.source = j->object,
				     .source_len = (uint64_t)j->k * j->t,
				     .wanted = j->to,
				     .symbol_size = j->t,
				     .sub_blocks = 1,
				     .alignment = 1};
}

/* Some of the source lost, as many repair symbols plus one received; all_repair: heal. */
static void want_lost(struct job *j, unsigned percent, size_t heal)
{
	size_t lost = ((size_t)j->k * percent + 99) / 100;
	uint8_t *gone = calloc(j->k, 1);
	uint64_t seed = percent;

	memcpy(j->copy, j->object, (size_t)j->k * j->t);
	j->known_len = j->ids_len = 0;
	for (size_t i = 0; i < lost;) {
		uint32_t esi = box_random(&seed) % j->k;

		i += !gone[esi];
		gone[esi] = 1;
	}
	for (uint32_t esi = 0; esi < j->k; esi++)
		if (gone[esi]) {
			memset(j->copy + (size_t)esi * j->t, 0, j->t);
			j->to[j->ids_len] = NULL;
			j->ids[j->ids_len++] = esi;
		} else {
			j->from[j->known_len] = NULL;
			j->known[j->known_len++] = esi;
		}
	for (size_t i = 0; i < lost + 1; i++) {
		j->from[j->known_len] = j->repair + i * j->t;
		j->known[j->known_len++] = j->k + i;
	}
	for (size_t i = 0; i < heal; i++) {
		j->to[j->ids_len] = j->repair + (lost + 1 + i) * j->t;
		j->ids[j->ids_len++] = j->k + lost + 1 + i;
	}
	j->io = (struct assay_rq_io){.source = j->copy,
				     .source_len = (uint64_t)j->k * j->t,
				     .known = j->from,
				     .sink = j->copy,
				     .sink_len = (uint64_t)j->k * j->t,
				     .wanted = j->to,
				     .symbol_size = j->t,
				     .sub_blocks = 1,
				     .alignment = 1};
	free(gone);
}

static void report(struct job *j, const char *name, double took)
{
	struct assay_rq_plan_facts f;

	assay_rq_plan_facts(&f, j->box.plan);
	printf("K=%u T=%u %-10s %7.0f MB/s  %8.3f ms  %5.3f of gather  way %s  u=%u free=%u\n",
	       j->k, j->t, name, (double)j->k * j->t / took / 1e6, took * 1e3,
	       (double)j->k * j->t / took / j->gather_rate, way_name(j), f.inactive,
	       f.hdpc_unknowns);
	fflush(stdout);
}

/* Plan, lists and numbers together, and how much of it are the first two. */
static void report_all(struct job *j, const char *name)
{
	double took = fastest(j, all), numeric = fastest(j, solve);

	report(j, name, took);
	printf("  %.0f%% outside the numeric phase\n", 100 * (1 - numeric / took));
}

static void run(struct job *j)
{
	static const unsigned losses[] = {5, 17, 50, 83};
	bool heal = j->t >= 65528 && j->k <= 2000;
	size_t room = 8 * (size_t)j->k + 16, bytes = (size_t)j->k * j->t;
	size_t repair = (heal ? 6 : 1) * (size_t)j->k + 16;
	double numeric, sliced;
	uint32_t *known;
	char name[32];

	j->object = box_alloc(bytes);
	j->copy = box_alloc(bytes);
	j->repair = box_alloc(repair * j->t);
	known = box_alloc(room * sizeof(*known));
	j->ids = box_alloc(room * sizeof(*j->ids));
	j->from = box_alloc(room * sizeof(*j->from));
	j->to = box_alloc(room * sizeof(*j->to));
	box_fill(j->object, bytes, 1);
	want_repair(j, (j->k + 9) / 10);
	plan(j);
	wanted(j);
	report(j, "plan", fastest(j, plan));
	report(j, "lists", fastest(j, wanted));
	numeric = fastest(j, solve);
	report(j, "encode", numeric);
	phases(j);
	sliced = fastest(j, solve_sliced);
	report(j, "in slices", sliced);
	printf("  %+.1f%% by slices of 50 us\n", 100 * (sliced / numeric - 1));
	j->second_memory = box_alloc(j->box.solve_size);
	if (j->t >= 1024)
		report(j, "2 workers", fastest(j, solve_shared));
	free(j->second_memory);
	report_all(j, "cold");
	want_repair(j, (size_t)j->k + 16);
	all(j);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		j->known = known;
		want_lost(j, losses[i], 0);
		snprintf(name, sizeof(name), "decode %u", losses[i]);
		report_all(j, name);
		must(memcmp(j->copy, j->object, bytes) == 0);
		phases(j);
	}
	if (heal) {
		want_lost(j, 83, 5 * (size_t)j->k);
		report_all(j, "heal");
		must(memcmp(j->copy, j->object, bytes) == 0);
		phases(j);
	}
	free(j->object);
	free(j->copy);
	free(j->repair);
	free(known);
	free(j->ids);
	free(j->from);
	free(j->to);
	box_free(&j->box);
}

int main(int argc, char **argv)
{
	static const uint32_t cases[][2] = {{100, 1280}, {1000, 1280}, {10000, 1280}, {50000, 1280},
					    {17, 65528}, {161, 65528}, {1601, 65528}};
	struct job j = {.seconds = 0.3};

	box_huge = getenv("HUGE") != NULL;
	j.gather_rate = gather_rate(0.2);
	printf("%s; gathering rows out of L2: %.1f GB/s\n", rq_kernel()->name, j.gather_rate / 1e9);
	if (argc >= 4) {
		j.k = atoi(argv[1]);
		j.t = atoi(argv[2]);
		j.seconds = atof(argv[3]);
		j.box.way = argc > 4 ? atoi(argv[4]) : ASSAY_RQ_BEST;
		j.box.width = argc > 5 ? atoi(argv[5]) : 0;
		must(argc < 7 || assay_rq_kernel_use(argv[6]) == 0);
		run(&j);
		return 0;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		j = (struct job){.k = cases[i][0],
				 .t = cases[i][1],
				 .seconds = 0.3,
				 .gather_rate = j.gather_rate};
		run(&j);
	}
	return 0;
}

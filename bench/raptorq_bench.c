/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec alone: MB/s of source, fastest of the runs that fit the time, on one CPU.
 *
 *   raptorq_bench                              everything
 *   raptorq_bench K T SECONDS [way width kernel]   one case in all detail
 *   raptorq_bench --driver K T SECONDS         one line, for raptorq.py
 *
 * HUGE=1 in the environment asks for huge pages. docs/raptorq-performance.md says what is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "rq_report.h"

static double gather_rate;

static const char *way_name(const struct rq_case *c)
{
	static const char *const names[] = {"best", "back", "short", "direct"};

	return names[assay_rq_wanted_way(c->box.wanted)];
}

static void print(struct rq_case *c, const char *name, double took)
{
	struct assay_rq_plan_facts f;

	assay_rq_plan_facts(&f, c->box.plan);
	printf("  %-10s %7.0f MB/s  %9.3f ms  %5.3f of the gather rate  %s u=%u free=%u\n", name,
	       c->bytes / took / 1e6, took * 1e3, c->bytes / took / gather_rate, way_name(c),
	       f.inactive, f.hdpc_unknowns);
	fflush(stdout);
}

/* Plan, lists and numbers together, and how much of it are the first two. */
static void print_all(struct rq_case *c, const char *name)
{
	double plan = rq_fastest(c, rq_plan), lists = rq_fastest(c, rq_lists), numbers;

	numbers = rq_fastest(c, rq_numbers);
	print(c, name, rq_fastest(c, rq_everything));
	printf("    plan %.3f, lists %.3f, numbers %.3f ms: %.0f %% outside the numbers\n",
	       plan * 1e3, lists * 1e3, numbers * 1e3,
	       100 * (plan + lists) / (plan + lists + numbers));
	rq_case_check(c);
}

static void other_pages(struct rq_case *c)
{
	struct rq_case twin;

	box_huge = !box_huge;
	rq_case_open(&twin, c->k, c->t, c->seconds);
	rq_want_repair(&twin);
	rq_everything(&twin);
	print(&twin, box_huge ? "huge pages" : "heap", rq_fastest(&twin, rq_numbers));
	rq_case_close(&twin);
	box_huge = !box_huge;
}

static void print_case(struct rq_case *c, struct rq_cpus cpus)
{
	static const unsigned losses[] = {5, 17, 50, 83};
	char name[32];

	printf("K=%u T=%u, %s\n", c->k, c->t, box_huge ? "huge pages" : "heap");
	rq_want_repair(c);
	print_all(c, "cold");
	print(c, "warm", rq_fastest(c, rq_numbers));
	rq_phases_print(c);
	rq_slices_print(c);
	rq_two_workers_print(c, cpus);
	other_pages(c);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		rq_want_lost(c, losses[i], false);
		snprintf(name, sizeof(name), "lost %u %%", losses[i]);
		print_all(c, name);
		rq_phases_print(c);
	}
	if (c->heals) {
		rq_want_lost(c, 83, true);
		print_all(c, "heal");
		rq_phases_print(c);
	}
}

/* One line in the form of the peers' drivers. */
static void drive(struct rq_case *c)
{
	static const unsigned losses[] = {5, 17, 50, 83};
	double bytes = c->bytes / 1e6;

	printf("assay K=%u T=%u", c->k, c->t);
	rq_want_repair(c);
	rq_everything(c);
	printf(" warm %.0f", bytes / rq_fastest(c, rq_numbers));
	printf(" cold %.0f", bytes / rq_fastest(c, rq_everything));
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		rq_want_lost(c, losses[i], false);
		printf(" d%u %.0f", losses[i], bytes / rq_fastest(c, rq_everything));
		rq_case_check(c);
	}
	if (c->heals) {
		rq_want_lost(c, 83, true);
		printf(" heal %.0f", bytes / rq_fastest(c, rq_everything));
		rq_case_check(c);
	}
	puts("");
}

static void one(int argc, char **argv, bool driver)
{
	struct rq_cpus cpus = rq_cpus_take();
	struct rq_case c;

	rq_case_open(&c, strtoul(argv[0], NULL, 10), strtoul(argv[1], NULL, 10),
		     strtod(argv[2], NULL));
	c.box.way = argc > 3 ? (enum assay_rq_way)atoi(argv[3]) : ASSAY_RQ_BEST;
	c.box.width = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	must(argc < 6 || assay_rq_kernel_use(argv[5]) == 0);
	if (driver)
		drive(&c);
	else
		print_case(&c, cpus);
	rq_case_close(&c);
}

static void everything(void)
{
	static const uint32_t cases[][2] = {{100, 1280},   {1000, 1280},  {10000, 1280},
					    {50000, 1280}, {17, 65528},	  {161, 65528},
					    {1601, 65528}, {16387, 65528}};
	struct rq_cpus cpus = rq_cpus_take();

	rq_kernels_print(0.2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rq_case c;

		rq_case_open(&c, cases[i][0], cases[i][1], 0.5);
		print_case(&c, cpus);
		rq_case_close(&c);
	}
}

int main(int argc, char **argv)
{
	box_huge = getenv("HUGE") != NULL;
	if (argc == 5 && strcmp(argv[1], "--driver") == 0) {
		one(argc - 2, argv + 2, true);
		return 0;
	}
	gather_rate = rq_gather_rate(0.3);
	printf("kernel %s; rows out of L2 are added up at %.1f GB/s\n", rq_kernel()->name,
	       gather_rate / 1e9);
	if (argc >= 4)
		one(argc - 1, argv + 1, false);
	else
		everything();
	return 0;
}

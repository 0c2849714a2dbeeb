/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What proofs feel of coding: one thread is a worker's loop without a port, serving what a fixed
 * schedule asks at half of its own highest rate, with and without heals that keep its codec role
 * busy all the time. A proof's latency goes from its scheduled time to the turn that sent it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hist.h"
#include "base/real.h"
#include "beside_heal.h"
#include "bench.h"
#include "dpdk/role_codec.h"
#include "world.h"

#define REQUEST_ROOM 320
#define ROUNDS	     3
#define NS_PER_S     1e9

struct beside {
	struct world *world;
	struct bench_plan plan;
	struct clock clock;
	struct role role;
	uint8_t *requests; /* of a trial, made before it */
	uint32_t count;
	uint16_t len;
};

struct trial {
	struct hist ns;
	double rate; /* proofs a second */
};

static void make_requests(struct beside *b)
{
	uint8_t *pointers[BENCH_BURST_MAX];

	for (uint32_t i = 0; i < b->count; i += BENCH_BURST_MAX) {
		for (unsigned k = 0; k < BENCH_BURST_MAX; k++)
			pointers[k] = b->requests + (size_t)(i + k) * REQUEST_ROOM;
		b->len = bench_requests(world_session(b->world), pointers, BENCH_BURST_MAX,
					&b->plan, 0);
	}
}

static void give(struct beside *b, uint32_t from, unsigned n, uint64_t now, uint64_t wall)
{
	struct dgram in[BENCH_BURST_MAX];

	for (unsigned i = 0; i < n; i++)
		in[i] = (struct dgram){b->requests + (size_t)(from + i) * REQUEST_ROOM, b->len,
				       REQUEST_ROOM, world_path(), NULL};
	if (n > 0)
		serve_burst(world_serve(b->world), in, n, now, wall);
}

/* How many requests of the schedule are due; rate 0: all that fit into a burst. */
static unsigned due(const struct beside *b, uint32_t asked, uint64_t since_ns, double rate)
{
	uint32_t left = b->count - asked;
	double wanted = rate > 0 ? (double)since_ns * rate / NS_PER_S - asked : BENCH_BURST_MAX;

	if (wanted <= 0)
		return 0;
	if (wanted < left)
		left = (uint32_t)wanted;
	return left < BENCH_BURST_MAX ? left : BENCH_BURST_MAX;
}

/* Answers leave in the order of the requests. */
static void play(struct beside *b, struct trial *t, double rate)
{
	const struct serve_counters *counters = serve_counters(world_serve(b->world));
	uint64_t before = counters->proofs, start, now, wall = clock_wall(&b->clock);
	uint32_t asked = 0, answered = 0;
	uint64_t slice_ns = 0;
	bool busy = false, slice;

	make_requests(b);
	memset(t, 0, sizeof(*t));
	start = now = clock_mono(&b->clock);
	while (answered < b->count) {
		unsigned n = due(b, asked, now - start, rate);

		give(b, asked, n, now, wall);
		asked += n;
		slice = n == 0 || now - slice_ns >= ROLE_APART_NS;
		serve_turn(world_serve(b->world), n == 0 || (slice && busy), now, wall);
		now = clock_mono(&b->clock);
		for (; answered < counters->proofs - before; answered++)
			hist_add(&t->ns, now - start -
						 (rate > 0 ? (uint64_t)(answered * NS_PER_S / rate)
							   : now - start));
		if (!slice)
			continue;
		slice_ns = now;
		busy = b->role.slice(b->role.ctx, now, ROLE_SLICE_NS);
		now = clock_mono(&b->clock);
	}
	t->rate = b->count * NS_PER_S / (double)(now - start);
}

static void print_trial(const char *what, const struct trial *t, double coded_mb)
{
	printf("%-12s %9.0f", what, t->rate);
	for (unsigned i = 0; i < 5; i++)
		printf(" %8.1f", (double)hist_quantile(
					 &t->ns, (const double[]){0.5, 0.9, 0.99, 0.999, 1}[i]) /
					 1e3);
	printf(" %9.0f\n", coded_mb);
}

static int write_histogram(const struct trial *t, const char *prefix, const char *name)
{
	char path[400];
	FILE *file;

	if (prefix == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s%s.hgrm", prefix, name);
	file = fopen(path, "w");
	if (file == NULL) {
		fprintf(stderr, "assay-bench: %s cannot be written\n", path);
		return 1;
	}
	hist_print(&t->ns, file, 1e3);
	return fclose(file) != 0;
}

static int compare(struct beside *b, struct heal_load *heals, const char *prefix)
{
	static struct trial alone, beside, all[2];
	double rate;
	int error;

	play(b, &alone, 0); /* warm */
	play(b, &alone, 0);
	rate = alone.rate / 2;
	printf("highest rate %.0f proofs/s; asked at %.0f\n\n", alone.rate, rate);
	printf("%-12s %9s %8s %8s %8s %8s %8s %9s\n", "us", "proofs/s", "p50", "p90", "p99",
	       "p99.9", "most", "coded MB/s");
	for (unsigned i = 0; i < ROUNDS; i++) {
		play(b, &alone, rate);
		print_trial("alone", &alone, 0);
		hist_merge(&all[0].ns, &alone.ns);
		heal_load_start(heals);
		play(b, &beside, rate);
		print_trial("beside heals", &beside, heal_load_stop(heals));
		hist_merge(&all[1].ns, &beside.ns);
	}
	printf("\np99 %.1f us alone, %.1f us beside heals: %+.1f us\n",
	       (double)hist_quantile(&all[0].ns, 0.99) / 1e3,
	       (double)hist_quantile(&all[1].ns, 0.99) / 1e3,
	       ((double)hist_quantile(&all[1].ns, 0.99) - (double)hist_quantile(&all[0].ns, 0.99)) /
		       1e3);
	error = write_histogram(&all[0], prefix, "alone");
	return error != 0 ? error : write_histogram(&all[1], prefix, "beside");
}

static void usage(FILE *out)
{
	fprintf(out,
		"usage: assay-bench beside [--plain] [--cpu N] [--heal-cpu N] [--artifacts N] "
		"[--requests N] [--hgrm PREFIX]\n\n"
		"Latency of proofs on a worker at half load, alone and beside heals (10 MiB, five "
		"of six symbols lost)\n"
		"that keep its codec role busy. --heal-cpu is where the heals' own thread runs. "
		"--hgrm writes\n"
		"PREFIXalone.hgrm and PREFIXbeside.hgrm.\n");
}

int bench_beside(int argc, char **argv)
{
	static const struct option options[] = {{"plain", no_argument, NULL, 'p'},
						{"cpu", required_argument, NULL, 'c'},
						{"heal-cpu", required_argument, NULL, 'e'},
						{"artifacts", required_argument, NULL, 'a'},
						{"requests", required_argument, NULL, 'r'},
						{"hgrm", required_argument, NULL, 'g'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct beside b = {.count = 262144, .clock = clock_real()};
	uint32_t artifacts = 4096;
	unsigned cpu = 1, heal_cpu = 0;
	const char *prefix = NULL;
	struct heal_load *heals;
	bool tree = true;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		unsigned long v = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;

		if (c == 'p')
			tree = false;
		else if (c == 'c' || c == 'e')
			*(c == 'c' ? &cpu : &heal_cpu) = (unsigned)v;
		else if (c == 'a' && v >= 1 && v <= 1u << 20)
			artifacts = (uint32_t)v;
		else if (c == 'r' && v >= BENCH_BURST_MAX && v <= 1u << 24)
			b.count = (uint32_t)v / BENCH_BURST_MAX * BENCH_BURST_MAX;
		else if (c == 'g')
			prefix = optarg;
		else {
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	heals = heal_load_new(&b.role, heal_cpu, &b.clock);
	if (heals == NULL || bench_pin(cpu) != 0) {
		fprintf(stderr, "assay-bench: no memory, or no CPU %u\n", cpu);
		return 1;
	}
	b.world = world_new(artifacts, 65532);
	b.requests = bench_memory((size_t)b.count * REQUEST_ROOM);
	b.plan = (struct bench_plan){world_artifacts(b.world), artifacts, 1, 1, 4, 256, tree};
	return compare(&b, heals, prefix);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Cycles per item of every stage of the responder, at several burst sizes, without any port. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "bench.h"
#include "world.h"

#define ROUNDS 7

struct stages_options {
	uint32_t artifacts;
	uint64_t size;
	uint32_t requests; /* in a round */
	uint8_t k;
	uint16_t range_length;
};

static const char *const stage_names[STAGE_COUNT] = {
	[STAGE_PARSE] = "parse",	 [STAGE_TAG] = "tag",	    [STAGE_ADMIT] = "admit",
	[STAGE_PROVE] = "prove",	 [STAGE_CHUNKS] = "chunks", [STAGE_SEAL] = "seal",
	[STAGE_HANDSHAKE] = "handshake",
};

struct round {
	double total;		   /* ticks per request */
	double stage[STAGE_COUNT]; /* ticks per request */
};

/* One round: requests in bursts; the batch is closed by its own rules, the clock being real. */
static struct round run_round(struct world *w, const struct bench_plan *plan, unsigned burst,
			      uint32_t requests)
{
	static uint8_t payload[BENCH_BURST_MAX][320];
	struct serve_counters before = *serve_counters(world_serve(w));
	uint8_t *pointers[BENCH_BURST_MAX];
	struct dgram in[BENCH_BURST_MAX];
	struct round r = {0};
	struct clock clock = clock_real();
	uint64_t spent = 0, now = clock_mono(&clock), wall = clock_wall(&clock);

	for (unsigned i = 0; i < burst; i++)
		pointers[i] = payload[i];
	for (uint32_t done = 0; done < requests; done += burst) {
		uint16_t len = bench_requests(world_session(w), pointers, burst, plan, 0);

		for (unsigned i = 0; i < burst; i++)
			in[i] = (struct dgram){payload[i], len, sizeof(payload[i]), world_path(),
					       NULL};
		uint64_t start = bench_ticks();

		serve_burst(world_serve(w), in, burst, now, wall);
		serve_turn(world_serve(w), false, now, wall);
		spent += bench_ticks() - start;
	}
	uint64_t start = bench_ticks();

	serve_turn(world_serve(w), true, now, wall);
	spent += bench_ticks() - start;
	const struct serve_counters *after = serve_counters(world_serve(w));

	if (after->proofs - before.proofs < requests) {
		fprintf(stderr, "assay-bench: only %llu of %u requests were answered\n",
			(unsigned long long)(after->proofs - before.proofs), requests);
		exit(1);
	}
	r.total = (double)spent / requests;
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		r.stage[i] = (double)(after->stage_cycles[i] - before.stage_cycles[i]) / requests;
	return r;
}

static void print_line(const char *kind, unsigned burst, struct round *rounds)
{
	double ns = 1e9 / bench_ticks_per_s(), value[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++)
		value[i] = rounds[i].total;
	struct bench_summary total = bench_summarize(value, ROUNDS);

	printf("%-6s %5u %8.0f %8.0f %8.0f  ", kind, burst, total.least * ns, total.median * ns,
	       total.greatest * ns);
	for (unsigned stage = 0; stage < STAGE_HANDSHAKE; stage++) {
		for (unsigned i = 0; i < ROUNDS; i++)
			value[i] = rounds[i].stage[stage];
		printf(" %7.0f", bench_summarize(value, ROUNDS).least * bench_cycles_per_tick());
	}
	printf("\n");
}

static void run_kind(struct world *w, const struct stages_options *o, bool tree)
{
	static const unsigned bursts[] = {1, 8, 16, 32, 64};
	struct bench_plan plan = {world_artifacts(w), o->artifacts, bench_ticks(), 1, o->k,
				  o->range_length,    tree};
	struct round rounds[ROUNDS];

	for (size_t b = 0; b < sizeof(bursts) / sizeof(bursts[0]); b++) {
		run_round(w, &plan, bursts[b], o->requests / 64 * 64); /* warm-up */
		for (unsigned i = 0; i < ROUNDS; i++)
			rounds[i] = run_round(w, &plan, bursts[b], o->requests / 64 * 64);
		print_line(tree ? "tree" : "plain", bursts[b], rounds);
	}
}

static void usage(FILE *out)
{
	fprintf(out, "usage: assay-bench stages [--cpu N] [--artifacts N] [--size BYTES] "
		     "[--requests N]\n"
		     "                          [--ranges K] [--length BYTES]\n\n"
		     "Default: 16384 artifacts of 65532 bytes (1 GiB), 4 ranges of 256 bytes, "
		     "16384 requests a round,\n"
		     "7 rounds. ns per answered request: least, median, most; then core cycles per "
		     "request of each\n"
		     "stage (least of the rounds). A batch is sealed at 256 answers.\n");
}

int bench_stages(int argc, char **argv)
{
	static const struct option options[] = {{"cpu", required_argument, NULL, 'c'},
						{"artifacts", required_argument, NULL, 'a'},
						{"size", required_argument, NULL, 's'},
						{"requests", required_argument, NULL, 'r'},
						{"ranges", required_argument, NULL, 'k'},
						{"length", required_argument, NULL, 'l'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct stages_options o = {16384, 65532, 16384, 4, 256};

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		unsigned long v = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;

		if (c == 'c' && bench_pin((unsigned)v) == 0)
			continue;
		else if (c == 'a' && v >= 1 && v <= 1u << 24)
			o.artifacts = (uint32_t)v;
		else if (c == 's' && v >= 1)
			o.size = v;
		else if (c == 'r' && v >= 64)
			o.requests = (uint32_t)v;
		else if (c == 'k' && v >= 1 && v <= ASSAY_RANGES_MAX)
			o.k = (uint8_t)v;
		else if (c == 'l' && v >= 1 && v <= ASSAY_RANGE_LENGTH_MAX)
			o.range_length = (uint16_t)v;
		else {
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (o.size < o.range_length) {
		fprintf(stderr, "assay-bench: artifacts are smaller than a range\n");
		return 2;
	}
	struct world *w = world_new(o.artifacts, o.size);

	printf("%-6s %5s %8s %8s %8s  ", "kind", "burst", "ns least", "median", "most");
	for (unsigned stage = 0; stage < STAGE_HANDSHAKE; stage++)
		printf(" %7s", stage_names[stage]);
	printf("\n");
	run_kind(w, &o, false);
	run_kind(w, &o, true);
	return 0;
}

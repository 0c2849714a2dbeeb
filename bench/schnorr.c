/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of signatures against libsecp256k1's one by one, in the same run: each round times both,
 * so that a neighbour's load hits both; a ratio is of a round, and the spread is over rounds.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "crypto/schnorr/dispatch.h"
#include "schnorr_bench.h"
#include "schnorr_role.h"

#define ROUNDS_MAX 64

enum kind { COLD, CACHED, ONE_BAD, ALL_BAD, KINDS };
static const char *const kind_names[KINDS] = {"cold", "cached", "one bad", "all bad"};

static struct signed_item *items;
static double cycles_per_s;

static void spoil(enum kind kind, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (kind == ALL_BAD || (kind == ONE_BAD && i == n / 3))
			items[i].signature[40] ^= 1;
}

/* Cycles of one signature in a batch of n. */
static double batch_cycles(struct assay_schnorr *batch, enum kind kind, uint32_t n)
{
	uint32_t good = 0;
	double start;

	spoil(kind, n);
	start = own_seconds();
	batch_run(batch, items, n, kind == CACHED);
	start = own_seconds() - start;
	spoil(kind, n);
	for (uint32_t i = 0; i < n; i++)
		good += assay_schnorr_valid(batch, i);
	if (good != (kind == ALL_BAD ? 0 : n - (kind == ONE_BAD)))
		abort();
	return start * cycles_per_s / n;
}

/* Where the time of each round went, by phases; a round that was interrupted spoils no median. */
#define PHASES 9
struct phases {
	double ticks[PHASES][ROUNDS_MAX];
};

static void phases_add(struct phases *p, unsigned round, const struct assay_schnorr_stats *a,
		       const struct assay_schnorr_stats *b)
{
	const uint64_t before[PHASES] = {a->hash_ticks,	   a->lift_ticks,  a->randomizer_ticks,
					 a->scalar_ticks,  a->digit_ticks, a->add_ticks,
					 a->pyramid_ticks, a->final_ticks, a->judge_ticks};
	const uint64_t after[PHASES] = {b->hash_ticks,	  b->lift_ticks,  b->randomizer_ticks,
					b->scalar_ticks,  b->digit_ticks, b->add_ticks,
					b->pyramid_ticks, b->final_ticks, b->judge_ticks};

	for (int i = 0; i < PHASES; i++)
		p->ticks[i][round] = (double)(after[i] - before[i]);
}

static void phases_print(struct phases *p, unsigned rounds, double scale)
{
	static const int width[PHASES] = {6, 6, 5, 5, 5, 6, 6, 5, 6};

	for (int i = 0; i < PHASES; i++)
		printf(" %*.0f", width[i], scale * bench_summarize(p->ticks[i], rounds).median);
}

/* Additions of an item, and how many share an inversion. */
static void additions(const struct assay_schnorr_stats *a, const struct assay_schnorr_stats *b,
		      double count)
{
	double n = (double)(b->additions - a->additions);
	double calls = (double)(b->addition_calls - a->addition_calls);

	printf(" %5.1f %5.0f\n", n / count, calls > 0 ? n / calls : 0);
}

static void measure(struct assay_schnorr *batch, enum kind kind, uint32_t n, unsigned rounds)
{
	double single[ROUNDS_MAX], one[ROUNDS_MAX], ratio[ROUNDS_MAX], clean[ROUNDS_MAX];
	struct assay_schnorr_stats first, before, after;
	static struct phases phases;
	bool cached = kind == CACHED;

	for (uint32_t i = 0; cached && i < n; i++)
		if (assay_schnorr_key(batch, &items[i].handle, items[i].key) != 0)
			abort();
	/* The code, the memory and what the batch remembers of those before are as they stay. */
	for (int i = 0; i < 2; i++)
		batch_cycles(batch, kind, n);
	assay_schnorr_stats(batch, &first);
	for (unsigned r = 0; r < rounds; r++) {
		double single_s = singles_seconds(items, cached);

		assay_schnorr_stats(batch, &before);
		one[r] = batch_cycles(batch, kind, n);
		assay_schnorr_stats(batch, &after);
		phases_add(&phases, r, &before, &after);
		single[r] = cycles_per_s * (single_s + singles_seconds(items, cached)) / 2;
		ratio[r] = single[r] / one[r];
	}

	struct bench_summary a = bench_summarize(single, rounds), b = bench_summarize(one, rounds);
	struct bench_summary c = bench_summarize(ratio, rounds);

	printf("%-5s %5u %-8s %7.0f %7.0f  %5.2f %5.2f %5.2f  %5.2f",
	       assay_schnorr_code_name(batch), n, kind_names[kind], a.least, b.least, c.least,
	       c.median, c.greatest, a.least / b.least);
	phases_print(&phases, rounds, cycles_per_s / bench_ticks_per_s() / n);
	additions(&first, &after, (double)rounds * n);
	if (kind != ONE_BAD)
		return;
	for (unsigned r = 0; r < rounds; r++) {
		clean[r] = batch_cycles(batch, COLD, n);
		ratio[r] = batch_cycles(batch, ONE_BAD, n) / clean[r];
	}
	c = bench_summarize(ratio, rounds);
	printf("      one bad costs %.2f (%.2f to %.2f) times a clean batch\n", c.median, c.least,
	       c.greatest);
}

static void field(const char *name, struct field_cycles c)
{
	printf("%-5s %u lanes: a multiplication %.1f cycles, a squaring %.1f\n", name, c.lanes,
	       c.mul, c.sqr);
}

static void fields(void)
{
	field("plain", field_plain());
#ifdef SCHNORR_HAVE_AVX2
	if (dispatch_kernels(ASSAY_SCHNORR_AVX2) != NULL)
		field("avx2", field_avx2());
#endif
#ifdef SCHNORR_HAVE_IFMA
	if (dispatch_kernels(ASSAY_SCHNORR_IFMA) != NULL)
		field("ifma", field_ifma());
#endif
}

static int role(unsigned count, unsigned workers)
{
	struct verify_job *jobs = bench_memory(count * sizeof(jobs[0]));

	for (unsigned i = 0; i < count; i++) {
		jobs[i] = (struct verify_job){.known = false};
		memcpy(jobs[i].key, items[i].key, 32);
		memcpy(jobs[i].signature, items[i].signature, 64);
		memcpy(jobs[i].digest, items[i].message, 32);
	}
	return bench_schnorr_role(jobs, count, workers);
}

static int table(const struct assay_schnorr_config *config, const uint32_t *sizes, uint32_t count,
		 unsigned rounds)
{
	struct assay_schnorr *batch = batch_make(config);

	if (batch == NULL)
		return 1;
	fields();
	printf("code   size kind      single   batch  least   med  most  l/l     hash   lift  rand "
	       "scalr digit   adds  pyram final  judge   n/i n/inv\n");
	for (uint32_t s = 0; s < count; s++)
		for (enum kind kind = COLD; kind < KINDS; kind++)
			if (kind <= CACHED || sizes[s] == 1024 || count == 1)
				measure(batch, kind, sizes[s], rounds);
	return 0;
}

static int usage(int status)
{
	printf("usage: assay-bench schnorr [--cpu N] [--rounds N] [--code plain|avx2|ifma] "
	       "[--size N]\n\t\t[--library FILE] [--methods | --cores N | --role WORKERS]\n\n"
	       "Batch verification against libsecp256k1's singles, by Debian's library or by FILE."
	       "\nCycles are core cycles a signature, least of the rounds; ratios are least, "
	       "median,\ngreatest of the rounds, then least by least. Phases are medians.\n"
	       "--methods: each method by the number of items. --cores: batches on 1..N cores at "
	       "once.\n--role: the role verify of so many workers, with the latency of a lone "
	       "job.\n");
	return status;
}

int bench_schnorr(int argc, char **argv)
{
	static const struct option options[] = {
		{"cpu", required_argument, NULL, 'c'},	{"rounds", required_argument, NULL, 'r'},
		{"code", required_argument, NULL, 'k'}, {"size", required_argument, NULL, 's'},
		{"role", required_argument, NULL, 'w'}, {"library", required_argument, NULL, 'l'},
		{"methods", no_argument, NULL, 'm'},	{"cores", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},	{NULL, 0, NULL, 0}};
	static const uint32_t all[] = {1, 4, 8, 16, 32, 64, 256, 1024, 4096};
	uint32_t size = 0, most;
	unsigned rounds = 9, workers = 0, cores = 0;
	struct assay_schnorr_config config = {.code = ASSAY_SCHNORR_BEST};
	bool methods = false;

	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'c')
			bench_pin((unsigned)strtoul(optarg, NULL, 10));
		else if (o == 'r')
			rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'w')
			workers = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'n')
			cores = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 's')
			size = (uint32_t)strtoul(optarg, NULL, 10);
		else if (o == 'm')
			methods = true;
		else if (o == 'k')
			config.code = strcmp(optarg, "plain") == 0  ? ASSAY_SCHNORR_PLAIN
				      : strcmp(optarg, "avx2") == 0 ? ASSAY_SCHNORR_AVX2
								    : ASSAY_SCHNORR_IFMA;
		else if (o == 'l' && singles_use(optarg) != 0)
			return 1;
		else if (o != 'l')
			return usage(o == 'h' ? 0 : 2);
	}
	most = size != 0 ? size : cores > 0 ? 1024 : methods ? 64 : 4096;
	if (rounds < 1 || rounds > ROUNDS_MAX || most > ASSAY_SCHNORR_ITEMS_MAX)
		return usage(2);
	config.items_max = config.keys_max = most;
	items = items_make(most);
	for (int i = 0; i < 20; i++) { /* the greatest: others take time from the rest */
		double now = bench_ticks_per_s() * bench_cycles_per_tick();

		cycles_per_s = now > cycles_per_s ? now : cycles_per_s;
	}
	if (workers > 0)
		return role(most, workers);
	if (methods)
		return bench_schnorr_methods(&config, items, rounds);
	if (cores > 0)
		return bench_schnorr_cores(&config, items, most, cores);
	return table(&config, size != 0 ? &size : all, size != 0 ? 1 : 9, rounds);
}

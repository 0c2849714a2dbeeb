/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches of signatures against libsecp256k1's one by one, in the same run: each round times both,
 * so that a neighbour's load hits both; a ratio is of a round, and the spread is over rounds.
 */
#include <getopt.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/schnorr_batch.h"
#include "bench.h"
#include "schnorr_role.h"

#define ROUNDS_MAX 64
#define SINGLES	   24

struct signed_item {
	uint8_t message[32], key[32], signature[64];
	uint64_t handle;
};

static struct signed_item *items;
static secp256k1_context *context;
static uint64_t seed = 1;

enum kind { COLD, CACHED, ONE_BAD, ALL_BAD, KINDS };
static const char *const kind_names[KINDS] = {"cold", "cached", "one bad", "all bad"};

static void sign(struct signed_item *item)
{
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey key;
	uint64_t secret[4];

	for (int i = 0; i < 4; i++) {
		uint64_t word = bench_random(&seed);

		memcpy(item->message + 8 * i, &word, 8);
		secret[i] = bench_random(&seed) >> 1;
	}
	if (!secp256k1_keypair_create(context, &pair, (const uint8_t *)secret) ||
	    !secp256k1_keypair_xonly_pub(context, &key, NULL, &pair) ||
	    !secp256k1_xonly_pubkey_serialize(context, item->key, &key) ||
	    !secp256k1_schnorrsig_sign32(context, item->signature, item->message, &pair, NULL))
		abort();
}

/*
 * Ticks of this thread: what it computed, not what others computed meanwhile. Phases count in the
 * plain ticks of the library.
 */
static uint64_t own_ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)(((double)t.tv_sec + 1e-9 * (double)t.tv_nsec) * bench_ticks_per_s());
}

/* Ticks of one signature by libsecp256k1; a cached key is one that has been parsed. */
static double single_ticks(enum kind kind)
{
	static secp256k1_xonly_pubkey key[SINGLES];
	uint64_t start = own_ticks();

	for (int i = 0; i < SINGLES; i++)
		if (!secp256k1_xonly_pubkey_parse(context, &key[i], items[i].key))
			abort();
	if (kind == CACHED)
		start = own_ticks();
	for (int i = 0; i < SINGLES; i++)
		if (!secp256k1_schnorrsig_verify(context, items[i].signature, items[i].message, 32,
						 &key[i]))
			abort();
	return (double)(own_ticks() - start) / SINGLES;
}

static void spoil(enum kind kind, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (kind == ALL_BAD || (kind == ONE_BAD && i == n / 3))
			items[i].signature[40] ^= 1;
}

/* Ticks of one signature in a batch of n. */
static double batch_ticks(struct assay_schnorr *batch, enum kind kind, uint32_t n)
{
	uint32_t good = 0;
	uint64_t start;

	spoil(kind, n);
	start = own_ticks();
	assay_schnorr_reset(batch);
	for (uint32_t i = 0; i < n; i++) {
		const struct signed_item *s = &items[i];

		if (kind != CACHED)
			assay_schnorr_add(batch, s->message, 32, s->key, s->signature);
		else
			assay_schnorr_add_cached(batch, s->message, 32, s->handle, s->signature);
	}
	assay_schnorr_run(batch, 0);
	start = own_ticks() - start;
	spoil(kind, n);
	for (uint32_t i = 0; i < n; i++)
		good += assay_schnorr_valid(batch, i);
	if (good != (kind == ALL_BAD ? 0 : n - (kind == ONE_BAD)))
		abort();
	return (double)start / n;
}

static void phases(const struct assay_schnorr_stats *a, const struct assay_schnorr_stats *b,
		   double scale)
{
#define X(name) scale *(double)(b->name##_ticks - a->name##_ticks)
	printf(" %6.0f %6.0f %5.0f %5.0f %5.0f %6.0f %6.0f %5.0f %6.0f\n", X(hash), X(lift),
	       X(randomizer), X(scalar), X(digit), X(add), X(pyramid), X(final), X(judge));
#undef X
}

static void measure(struct assay_schnorr *batch, enum kind kind, uint32_t n, unsigned rounds)
{
	double single[ROUNDS_MAX], one[ROUNDS_MAX], ratio[ROUNDS_MAX];
	struct assay_schnorr_stats before, after;
	double k = bench_cycles_per_tick();

	for (uint32_t i = 0; kind == CACHED && i < n; i++)
		if (assay_schnorr_key(batch, &items[i].handle, items[i].key) != 0)
			abort();
	assay_schnorr_stats(batch, &before);
	for (unsigned r = 0; r < rounds; r++) {
		double first = single_ticks(kind);

		one[r] = batch_ticks(batch, kind, n);
		single[r] = (first + single_ticks(kind)) / 2;
		ratio[r] = single[r] / one[r];
	}
	assay_schnorr_stats(batch, &after);

	struct bench_summary a = bench_summarize(single, rounds), b = bench_summarize(one, rounds);
	struct bench_summary c = bench_summarize(ratio, rounds);

	printf("%-5s %5u %-8s %7.0f %7.0f  %5.2f %5.2f %5.2f  %5.2f",
	       assay_schnorr_code_name(batch), n, kind_names[kind], k * a.least, k * b.least,
	       c.least, c.median, c.greatest, a.least / b.least);
	phases(&before, &after, k / ((double)rounds * n));
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

static void usage(void)
{
	printf("usage: assay-bench schnorr [--cpu N] [--rounds N] [--code plain|avx2|ifma] "
	       "[--size N] [--role WORKERS]\n\n"
	       "Batch verification against libsecp256k1's singles. Cycles are core cycles a "
	       "signature, least of\nthe rounds; ratios are least, median, greatest of the "
	       "rounds, then least by least. Phases are means.\n");
}

int bench_schnorr(int argc, char **argv)
{
	static const struct option options[] = {{"cpu", required_argument, NULL, 'c'},
						{"rounds", required_argument, NULL, 'r'},
						{"code", required_argument, NULL, 'k'},
						{"size", required_argument, NULL, 's'},
						{"role", required_argument, NULL, 'w'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	static const uint32_t all[] = {1, 4, 8, 16, 32, 64, 256, 1024, 4096};
	uint32_t sizes[9], count = 9, most = 4096;
	unsigned rounds = 9, workers = 0;
	struct assay_schnorr_config config = {0};
	uint8_t secret[32];
	struct assay_schnorr *batch;

	memcpy(sizes, all, sizeof(all));
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'c')
			bench_pin((unsigned)strtoul(optarg, NULL, 10));
		else if (o == 'r')
			rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 'w')
			workers = (unsigned)strtoul(optarg, NULL, 10);
		else if (o == 's')
			sizes[0] = (uint32_t)strtoul(optarg, NULL, 10), count = 1;
		else if (o == 'k')
			config.code = strcmp(optarg, "plain") == 0  ? ASSAY_SCHNORR_PLAIN
				      : strcmp(optarg, "avx2") == 0 ? ASSAY_SCHNORR_AVX2
								    : ASSAY_SCHNORR_IFMA;
		else
			return usage(), o == 'h' ? 0 : 2;
	}
	if (count == 1)
		most = sizes[0];
	if (rounds < 1 || rounds > ROUNDS_MAX || most < 1 || most > ASSAY_SCHNORR_ITEMS_MAX)
		return usage(), 2;
	for (int i = 0; i < 32; i++)
		secret[i] = (uint8_t)bench_random(&seed);
	config.items_max = config.keys_max = most;
	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);

	uint32_t drawn = most < SINGLES ? SINGLES : most;
	size_t size = assay_schnorr_size(&config);

	items = bench_memory(drawn * sizeof(items[0]));
	for (uint32_t i = 0; i < drawn; i++)
		sign(&items[i]);
	if (workers > 0)
		return role(drawn, workers);
	if (assay_schnorr_init(&batch, bench_memory(size), size, &config, secret) != 0) {
		fprintf(stderr, "assay-bench: this processor or build lacks that code\n");
		return 1;
	}
	printf("code   size kind      single   batch  least   med  most  l/l     hash   lift  rand "
	       "scalr digit   adds  pyram final  judge\n");
	for (uint32_t s = 0; s < count; s++)
		for (enum kind kind = COLD; kind < KINDS; kind++)
			if (kind <= CACHED || sizes[s] == 1024 || count == 1)
				measure(batch, kind, sizes[s], rounds);
	secp256k1_context_destroy(context);
	return 0;
}

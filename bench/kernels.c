/* SPDX-License-Identifier: Apache-2.0 */
/* The digests and signatures that the data path is made of: one at a time, and in lanes at several
 * burst sizes. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "bench.h"
#include "crypto/digest.h"
#include "crypto/sign.h"
#include "crypto/tree.h"
#include "proof/message.h"

#define ROUNDS	 9
#define MESSAGES 256

static uint8_t *data; /* MESSAGES messages of 1024 bytes */
static uint8_t out[MESSAGES * 32];
static const uint8_t *in[MESSAGES];
static struct sign_key key;
static uint8_t signature[64], network[32], root[32], aux[32];

static void run_one(unsigned blocks)
{
	for (unsigned i = 0; i < MESSAGES; i++)
		digest_one(out + 32 * i, NULL, in[i], blocks * 64);
}

static void run_many(unsigned blocks, unsigned burst)
{
	for (unsigned i = 0; i < MESSAGES; i += burst)
		digest_many(out + 32 * i, NULL, in + i, burst, blocks);
}

static void run_chunks(unsigned unused, unsigned burst)
{
	for (unsigned i = 0; i < MESSAGES; i += burst)
		tree_chunk_values(out + 32 * i, data + 1024 * i, burst, i);
}

static void run_parents(unsigned unused, unsigned burst)
{
	for (unsigned i = 0; i < MESSAGES; i += burst)
		tree_parents(out + 32 * i, in + i, burst);
}

static void run_sign(unsigned unused, unsigned burst)
{
	for (unsigned i = 0; i < MESSAGES; i += 16)
		seal_sign(signature, &key, network, root, i, 256, aux);
}

static void run_verify(unsigned unused, unsigned burst)
{
	for (unsigned i = 0; i < MESSAGES; i += 16)
		root[31] ^= seal_verify(signature, key.public, network, root, 240, 256) ? 0 : 1;
}

static void run_single(unsigned blocks, unsigned burst)
{
	run_one(blocks);
}

struct kernel {
	const char *name;
	void (*run)(unsigned blocks, unsigned burst);
	unsigned blocks, burst, items;
};

static const struct kernel kernels[] = {
	{"digest 64 B, one at a time", run_single, 1, 1, MESSAGES},
	{"digest 64 B, burst 8", run_many, 1, 8, MESSAGES},
	{"digest 64 B, burst 16", run_many, 1, 16, MESSAGES},
	{"digest 64 B, burst 64", run_many, 1, 64, MESSAGES},
	{"digest 128 B, burst 64", run_many, 2, 64, MESSAGES},
	{"digest 192 B, burst 64", run_many, 3, 64, MESSAGES},
	{"digest 1024 B, one at a time", run_single, 16, 1, MESSAGES},
	{"digest 1024 B, burst 8", run_many, 16, 8, MESSAGES},
	{"digest 1024 B, burst 16", run_many, 16, 16, MESSAGES},
	{"digest 1024 B, burst 64", run_many, 16, 64, MESSAGES},
	{"chunk value, burst 16", run_chunks, 0, 16, MESSAGES},
	{"chunk value, burst 64", run_chunks, 0, 64, MESSAGES},
	{"tree parent, burst 64", run_parents, 0, 64, MESSAGES},
	{"seal signature", run_sign, 0, 1, 16},
	{"seal verification", run_verify, 0, 1, 16},
};

static void print_kernel(const struct kernel *k, double cycles_per_tick)
{
	double value[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = bench_ticks();
		unsigned repeats = k->items == MESSAGES ? 64 : 1;

		for (unsigned i = 0; i < repeats; i++)
			k->run(k->blocks, k->burst);
		value[round] = (double)(bench_ticks() - start) / (k->items * repeats);
	}
	struct bench_summary s = bench_summarize(value, ROUNDS);
	double ns = 1e9 / bench_ticks_per_s();

	printf("%-30s %9.1f %9.1f %9.1f %10.0f\n", k->name, s.least * ns, s.median * ns,
	       s.greatest * ns, s.least * cycles_per_tick);
}

int bench_kernels(int argc, char **argv)
{
	static const struct option options[] = {{"cpu", required_argument, NULL, 'c'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	struct random random = random_real();
	uint8_t secret[32];

	for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (c == 'c' && bench_pin((unsigned)atoi(optarg)) == 0)
			continue;
		fprintf(c == 'h' ? stdout : stderr, "usage: assay-bench kernels [--cpu N]\n");
		return c == 'h' ? 0 : 2;
	}
	sign_init(&random);
	secret_generate(secret, &random);
	if (sign_key_from_secret(&key, secret) != 0)
		return 1;
	data = bench_memory(MESSAGES * 1024);
	random_fill(&random, data, MESSAGES * 1024);
	for (unsigned i = 0; i < MESSAGES; i++)
		in[i] = data + 1024 * i;
	seal_sign(signature, &key, network, root, 240, 256, aux);

	double cycles_per_tick = bench_cycles_per_tick();

	printf("%-30s %9s %9s %9s %10s\n", "kernel", "ns least", "median", "most", "cycles");
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		print_kernel(&kernels[i], cycles_per_tick);
	printf("time-stamp counter %.3f GHz, core %.3f GHz\n", bench_ticks_per_s() / 1e9,
	       bench_ticks_per_s() * cycles_per_tick / 1e9);
	return 0;
}

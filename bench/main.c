/* SPDX-License-Identifier: Apache-2.0 */
/* assay-bench: kernels, stages of the responder, and an open-loop load generator with rate search.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "crypto/digest.h"

static const struct bench_command commands[] = {
	{"kernels", "digests, tags, tree hashes and signatures, one at a time and in lanes",
	 bench_kernels},
	{"stages", "cycles per item of each stage of the responder at several burst sizes",
	 bench_stages},
	{"beside", "latency of proofs at half load, alone and beside heals on the same worker",
	 bench_beside},
	{"schnorr",
	 "batches of signatures against libsecp256k1's singles, with the cycles of each phase",
	 bench_schnorr},
	{"ledger", "entries applied per second, size of the state, closing an epoch", bench_ledger},
	{"load", "sends challenges to a node and checks every answer; finds its highest rate",
	 bench_load},
	{"transfer", "pushes artifacts to nodes and pulls them back", bench_transfer},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "usage: assay-bench COMMAND [OPTION ...]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\nassay-bench COMMAND --help tells the options. Figures and method: "
		     "docs/performance.md\n");
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		printf("assay-bench %s\n", ASSAY_VERSION);
		return 0;
	}
	digest_init();
	for (size_t i = 0; argc >= 2 && i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "assay-bench: no command %s\n\n", argv[1]);
	usage(stderr);
	return 2;
}

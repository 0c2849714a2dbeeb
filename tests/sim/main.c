/* SPDX-License-Identifier: Apache-2.0 */
/* sim-run: plays seeds, and says what broke. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/client.h"
#include "log/faulty_vfs.h"
#include "sim/run.h"

#define TICKS 60
#define LIGHT 12 /* files in every other run with healing: more ops, and no challenges */

struct wanted {
	uint64_t first, last, ticks;
	bool trace, twice, heal;
};

static struct run run;

static void print_heals(void)
{
	printf("claims %u votes %u published %u met", run.claims, run.votes, run.published);
	for (unsigned i = 0; i < FAIL_COUNT; i++)
		if (run.fails[i] > 0)
			printf(" %s:%u", failpoint_name((enum failpoint)i), run.fails[i]);
	printf("\n");
}

/* True when everything held. */
static bool play(uint64_t *trace, const struct wanted *w, uint64_t seed)
{
	const struct run_options options = {.seed = seed,
					    .ticks = w->ticks,
					    .trace = w->trace,
					    .heal = w->heal,
					    .light = w->heal && seed % 2 == 1 ? LIGHT : 0};
	bool good;

	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	run_play(&run, &options);
	good = run.wrong[0] == '\0';
	if (!good)
		printf("seed %" PRIu64 " BROKEN at %.3f s: %s\n", seed,
		       (double)run.now.mono_ns / RUN_S - 1000, run.wrong);
	printf("nodes %u height %" PRIu64 " entries %" PRIu64 " datagrams %" PRIu64
	       " crashes %" PRIu64 " passes %" PRIu64 " failures %" PRIu64 " seconds %.0f\n",
	       run.nodes, state_height(run.net.state), run.entries, run.datagrams, run.crashes,
	       run.passes, run.failures, (double)run.now.mono_ns / RUN_S - 1000);
	if (w->heal)
		print_heals();
	printf("trace %016" PRIx64 "\n", run.trace);
	*trace = run.trace;
	run_free(&run);
	return good;
}

static int play_all(const struct wanted *w)
{
	unsigned broken = 0;

	for (uint64_t seed = w->first; seed <= w->last; seed++) {
		uint64_t trace, again;
		bool good = play(&trace, w, seed);

		if (w->twice) {
			good &= play(&again, w, seed);
			if (again != trace)
				printf("seed %" PRIu64 " BROKEN: another trace the second time\n",
				       seed);
			good &= again == trace;
		}
		broken += !good;
	}
	return broken > 0 ? 1 : 0;
}

/* "SEED plain|heal TICKS what it broke"; lines that begin with # are for people. */
static int play_line(struct wanted w, const char *line)
{
	char kind[8] = "";

	if (line[0] == '#' || line[0] == '\n')
		return 0;
	if (sscanf(line, "%" SCNu64 " %7s %" SCNu64, &w.first, kind, &w.ticks) != 3 ||
	    (strcmp(kind, "heal") != 0 && strcmp(kind, "plain") != 0)) {
		fprintf(stderr, "not a seed, plain or heal, and ticks: %s", line);
		return 2;
	}
	w.last = w.first;
	w.heal = kind[0] == 'h';
	return play_all(&w);
}

static int play_file(const struct wanted *w, const char *path)
{
	FILE *in = fopen(path, "re");
	char line[256];
	int result = 0;

	if (in == NULL) {
		perror(path);
		return 2;
	}
	while (fgets(line, sizeof(line), in) != NULL)
		result |= play_line(*w, line);
	fclose(in);
	return result;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},	 {"seeds", required_argument, NULL, 'r'},
		{"ticks", required_argument, NULL, 't'}, {"trace", no_argument, NULL, 'v'},
		{"twice", no_argument, NULL, '2'},	 {"heal", no_argument, NULL, 'h'},
		{"file", required_argument, NULL, 'f'},	 {NULL, 0, NULL, 0},
	};
	struct wanted w = {.first = 1, .last = 1, .ticks = TICKS};
	const char *file = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *end = optarg;

		if (option == 's')
			w.first = w.last = strtoull(optarg, NULL, 10);
		if (option == 'r') {
			w.first = w.last = strtoull(optarg, &end, 10);
			if (end[0] == '.' && end[1] == '.')
				w.last = strtoull(end + 2, NULL, 10);
		}
		if (option == 't')
			w.ticks = strtoull(optarg, NULL, 10);
		w.trace |= option == 'v';
		w.twice |= option == '2';
		w.heal |= option == 'h';
		if (option == 'f')
			file = optarg;
		if (option == '?')
			return 2;
	}
	assay_init();
	faulty_vfs_install();
	return file != NULL ? play_file(&w, file) : play_all(&w);
}

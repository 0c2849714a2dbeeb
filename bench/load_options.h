/* SPDX-License-Identifier: Apache-2.0 */
/* What the load generator is told, and what it reads from files. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include "load.h"

struct load_options {
	const char *port, *address, *udp_port, *server, *peer_mac;
	const char *node_file, *key_file, *artifact_file, *hgrm_file;
	const char *account;
	unsigned sessions, window, cpu, rounds;
	double rate, seconds, warmup, search_loss;
	bool search, tree, json, hugepages;
	unsigned ranges, length, keep_one_in;
	size_t arena_mib;
};

/* 0, or the exit status after a message. */
int load_options_read(struct load_options *out, int argc, char **argv);

/* Registration of the target (`assayctl node id`), secret of the client, list of artifacts (key and
 * size per line). */
int load_target_read(struct load_target *out, const char *path);
int load_artifacts_read(struct bench_artifact **out, uint32_t *count, const char *path,
			uint64_t size_min);

/* The port, through dpdk/: EAL starts here. NULL after a message. */
struct load_port *load_port_open(const struct load_options *options);
/* EAL ends, and leaves nothing in its run directory. */
void load_port_close(struct load_port *port);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "load_options.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crypto/digest.h"

static const char help[] =
	"usage: assay-bench load --server ADDRESS:PORT --node FILE --client-keys FILE --account "
	"NAME\n"
	"                        --artifacts FILE [OPTION ...]\n\n"
	"  --port DEVICE        udp:127.0.0.1:0 (default) or dpdk:net_memif0,role=client,... and "
	"so on\n"
	"  --address ADDRESS    own address on a dpdk: port     --udp-port N   own UDP port there\n"
	"  --peer-mac MAC       the server's MAC on a dpdk: port\n"
	"  --server A:P         the node    --node FILE   its registration (assayctl node id)\n"
	"  --client-keys FILE   key file of a client that the node lists as --account NAME\n"
	"  --artifacts FILE     lines of `key size`\n"
	"  --tree | --plain     what is asked (default --tree)\n"
	"  --ranges K --length BYTES   4 x 256 by default\n"
	"  --sessions N         1..8, default 4\n"
	"  --window N           closed loop: challenges in flight (default 512)\n"
	"  --rate N             open loop: challenges a second by a fixed schedule\n"
	"  --search LOSS        open loop: bisects for the highest rate that loses at most this "
	"share, e.g. 0\n"
	"  --seconds S          of a trial (default 1)      --rounds N   trials (default 5)\n"
	"  --keep N             check every N-th answer (default 1: all of them)\n"
	"  --arena MIB          memory for answers to be checked (default 2048)\n"
	"  --hgrm FILE          latency percentiles of the last trial, HdrHistogram text\n"
	"  --cpu N              CPU of the sender    --hugepages   use huge pages\n"
	"  --json               one JSON object per trial\n\n"
	"Answers are only counted and copied while a trial runs; after it each kept one is checked "
	"in full: tag, shape,\n"
	"tree or bytes, compound hash, path and seal. A trial whose answers do not all verify ends "
	"the program with 1.\n"
	"Latency is taken from the scheduled time to the last part. Exit status: 0 good, 1 failed, "
	"2 usage.\n";

enum {
	O_PORT = 256,
	O_ADDRESS,
	O_UDP_PORT,
	O_PEER_MAC,
	O_SERVER,
	O_NODE,
	O_KEYS,
	O_ACCOUNT,
	O_ARTIFACTS,
	O_TREE,
	O_PLAIN,
	O_RANGES,
	O_LENGTH,
	O_SESSIONS,
	O_WINDOW,
	O_RATE,
	O_SEARCH,
	O_SECONDS,
	O_ROUNDS,
	O_KEEP,
	O_ARENA,
	O_HGRM,
	O_CPU,
	O_HUGEPAGES,
	O_JSON,
	O_HELP
};

static const struct option table[] = {{"port", 1, NULL, O_PORT},
				      {"address", 1, NULL, O_ADDRESS},
				      {"udp-port", 1, NULL, O_UDP_PORT},
				      {"peer-mac", 1, NULL, O_PEER_MAC},
				      {"server", 1, NULL, O_SERVER},
				      {"node", 1, NULL, O_NODE},
				      {"client-keys", 1, NULL, O_KEYS},
				      {"account", 1, NULL, O_ACCOUNT},
				      {"artifacts", 1, NULL, O_ARTIFACTS},
				      {"tree", 0, NULL, O_TREE},
				      {"plain", 0, NULL, O_PLAIN},
				      {"ranges", 1, NULL, O_RANGES},
				      {"length", 1, NULL, O_LENGTH},
				      {"sessions", 1, NULL, O_SESSIONS},
				      {"window", 1, NULL, O_WINDOW},
				      {"rate", 1, NULL, O_RATE},
				      {"search", 1, NULL, O_SEARCH},
				      {"seconds", 1, NULL, O_SECONDS},
				      {"rounds", 1, NULL, O_ROUNDS},
				      {"keep", 1, NULL, O_KEEP},
				      {"arena", 1, NULL, O_ARENA},
				      {"hgrm", 1, NULL, O_HGRM},
				      {"cpu", 1, NULL, O_CPU},
				      {"hugepages", 0, NULL, O_HUGEPAGES},
				      {"json", 0, NULL, O_JSON},
				      {"help", 0, NULL, O_HELP},
				      {NULL, 0, NULL, 0}};

static bool take_text(struct load_options *o, int c)
{
	const char **field = c == O_PORT	? &o->port
			     : c == O_ADDRESS	? &o->address
			     : c == O_UDP_PORT	? &o->udp_port
			     : c == O_PEER_MAC	? &o->peer_mac
			     : c == O_SERVER	? &o->server
			     : c == O_NODE	? &o->node_file
			     : c == O_KEYS	? &o->key_file
			     : c == O_ACCOUNT	? &o->account
			     : c == O_ARTIFACTS ? &o->artifact_file
			     : c == O_HGRM	? &o->hgrm_file
						: NULL;

	if (field != NULL)
		*field = optarg;
	return field != NULL;
}

static bool take_number(struct load_options *o, int c)
{
	char *end = NULL;
	double v = optarg != NULL ? strtod(optarg, &end) : 0;

	if (end == NULL || *end != '\0' || end == optarg || !(v >= 0) || v > 1e12)
		return false;
	switch (c) {
	case O_RANGES:
		o->ranges = (unsigned)v;
		return v >= 1 && v <= ASSAY_RANGES_MAX;
	case O_LENGTH:
		o->length = (unsigned)v;
		return v >= 1 && v <= ASSAY_RANGE_LENGTH_MAX;
	case O_SESSIONS:
		o->sessions = (unsigned)v;
		return v >= 1 && v <= 8;
	case O_WINDOW:
		o->window = (unsigned)v;
		return v >= 1 && v <= 8 * 2000;
	case O_RATE:
		o->rate = v;
		return v >= 1;
	case O_SEARCH:
		o->search = true;
		o->search_loss = v;
		return v < 1;
	case O_SECONDS:
		o->seconds = v;
		return v >= 0.01 && v <= 3600;
	case O_ROUNDS:
		o->rounds = (unsigned)v;
		return v >= 1 && v <= 100;
	case O_KEEP:
		o->keep_one_in = (unsigned)v;
		return v >= 1;
	case O_ARENA:
		o->arena_mib = (size_t)v;
		return v >= 1 && v <= 1 << 20;
	case O_CPU:
		o->cpu = (unsigned)v;
		return v < 4096;
	default:
		return false;
	}
}

int load_options_read(struct load_options *out, int argc, char **argv)
{
	*out = (struct load_options){.port = "udp:127.0.0.1:0",
				     .sessions = 4,
				     .window = 512,
				     .rounds = 5,
				     .seconds = 1,
				     .tree = true,
				     .ranges = 4,
				     .length = 256,
				     .keep_one_in = 1,
				     .arena_mib = 2048,
				     .cpu = 4096};
	for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		if (c == O_HELP) {
			fputs(help, stdout);
			exit(0);
		}
		if (c == O_TREE || c == O_PLAIN)
			out->tree = c == O_TREE;
		else if (c == O_HUGEPAGES)
			out->hugepages = true;
		else if (c == O_JSON)
			out->json = true;
		else if (c == '?' || (!take_text(out, c) && !take_number(out, c))) {
			if (c != '?')
				fprintf(stderr, "assay-bench load: value out of range: %s\n",
					optarg);
			fputs("assay-bench load --help tells the options\n", stderr);
			return 2;
		}
	}
	if (out->server == NULL || out->node_file == NULL || out->key_file == NULL ||
	    out->account == NULL || out->artifact_file == NULL || optind != argc) {
		fputs(help, stderr);
		return 2;
	}
	return 0;
}

static bool hex_member(uint8_t *out, size_t len, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && hex_decode(out, len, text) == 0;
}

int load_target_read(struct load_target *out, const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);
	const json_t *node = json_object_get(root, "node");
	const char *account = json_string_value(json_object_get(node, "account"));
	const char *network = json_string_value(json_object_get(root, "network"));
	int status = 1;

	if (root == NULL)
		fprintf(stderr, "assay-bench: %s: %s\n", path, error.text);
	else if (account == NULL || network == NULL || !account_valid(account) ||
		 !hex_member(out->identity, 32, node, "key") ||
		 !hex_member(out->session_key, 33, node, "session_key"))
		fprintf(stderr, "assay-bench: %s is no registration of a node\n", path);
	else
		status = 0;
	if (status == 0) {
		snprintf(out->account, sizeof(out->account), "%s", account);
		digest_one(out->network_id, NULL, network, strlen(network));
	}
	json_decref(root);
	return status;
}

int load_artifacts_read(struct bench_artifact **out, uint32_t *count, const char *path,
			uint64_t size_min)
{
	FILE *file = fopen(path, "r");
	char key[128], size[32];
	uint32_t room = 0;

	*out = NULL;
	*count = 0;
	if (file == NULL) {
		perror(path);
		return 1;
	}
	while (fscanf(file, "%127s %31s", key, size) == 2) {
		if (*count == room) {
			room = room == 0 ? 1024 : 2 * room;
			*out = realloc(*out, room * sizeof((*out)[0]));
			if (*out == NULL)
				exit(1);
		}
		struct bench_artifact *a = &(*out)[*count];

		if (key_parse(a->key, key) != 0 || u64_parse(&a->size, size) != 0) {
			fprintf(stderr, "assay-bench: %s: `%s %s` is no key and size\n", path, key,
				size);
			fclose(file);
			return 1;
		}
		if (a->size >= size_min)
			(*count)++;
	}
	fclose(file);
	if (*count == 0)
		fprintf(stderr, "assay-bench: %s lists no artifact that is long enough\n", path);
	return *count == 0;
}

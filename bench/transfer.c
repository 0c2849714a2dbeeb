/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts pushed to nodes and pulled back, over the client library: bytes a second. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "assay/client.h"
#include "base/text.h"
#include "bench.h"
#include "crypto/digest.h"

#define NODES_MAX 64

static const char help[] =
	"usage: assay-bench transfer --client-keys FILE --account NAME [OPTION ...] NODE [NODE "
	"...]\n\n"
	"  NODE                 registration of a node (assayctl node id); its address is used\n"
	"  --network NAME       of the nodes (default main)\n"
	"  --artifacts N        for each node (default 1000)    --size BYTES   of one (default "
	"65532)\n"
	"  --rounds N           with other artifacts each time (default 3)\n\n"
	"All nodes at once, from one thread. A round pushes every artifact until it is durable, "
	"then pulls\n"
	"all of them back; every chunk is verified. The client needs the permissions read and "
	"write.\n"
	"Exit status: 0 good, 1 failed, 2 usage.\n";

struct options {
	const char *keys, *account, *network;
	unsigned artifacts, rounds;
	size_t size;
	struct assay_peer node[NODES_MAX];
	unsigned nodes;
};

struct artifact {
	uint8_t key[32];
	const uint8_t *data;
	size_t size, pulled;
	struct round *round;
};

struct round {
	struct artifact *list;
	unsigned failed;
	char why[256];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool read_node(struct assay_peer *out, const char *path)
{
	json_error_t error;
	json_t *line = json_load_file(path, 0, &error);
	const json_t *node = json_object_get(line, "node");
	const char *account = json_string_value(json_object_get(node, "account"));
	const char *address = json_string_value(json_object_get(node, "address"));
	const char *session = json_string_value(json_object_get(node, "session_key"));
	const char *identity = json_string_value(json_object_get(node, "key"));
	bool good = account != NULL && address != NULL && session != NULL && identity != NULL &&
		    strlen(session) == 66 && strlen(identity) == 64 &&
		    hex_decode(out->session_key, 33, session) == 0 &&
		    hex_decode(out->identity, 32, identity) == 0;

	if (good) {
		out->account = strdup(account);
		out->address = strdup(address);
	} else {
		fprintf(stderr, "assay-bench: %s: no registration of a node\n", path);
	}
	json_decref(line);
	return good;
}

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{"client-keys", required_argument, NULL, 'k'},
		{"account", required_argument, NULL, 'a'},
		{"network", required_argument, NULL, 'n'},
		{"artifacts", required_argument, NULL, 'c'},
		{"size", required_argument, NULL, 's'},
		{"rounds", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	*o = (struct options){.network = "main", .artifacts = 1000, .rounds = 3, .size = 65532};
	while ((c = getopt_long(argc, argv, "h", names, NULL)) != -1) {
		switch (c) {
		case 'k':
			o->keys = optarg;
			break;
		case 'a':
			o->account = optarg;
			break;
		case 'n':
			o->network = optarg;
			break;
		case 'c':
			o->artifacts = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 's':
			o->size = strtoul(optarg, NULL, 10);
			break;
		case 'r':
			o->rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			fputs(help, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	for (; optind < argc && o->nodes < NODES_MAX; optind++)
		if (!read_node(&o->node[o->nodes++], argv[optind]))
			return 1;
	if (o->keys != NULL && o->account != NULL && o->nodes > 0 && o->artifacts > 0 &&
	    o->size > 0)
		return 0;
	fputs(help, stderr);
	return 2;
}

static int read_bytes(void *arg, uint64_t offset, void *out, size_t len)
{
	const struct artifact *a = arg;

	memcpy(out, a->data + offset, len);
	return 0;
}

static int take_bytes(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct artifact *a = arg;

	a->pulled += len;
	return memcmp(a->data + offset, data, len) == 0 ? 0 : ASSAY_E_CORRUPT;
}

static void ended(void *arg, int error, const char *why)
{
	struct artifact *a = arg;

	if (error != 0 && a->round->failed++ == 0)
		snprintf(a->round->why, sizeof(a->round->why), "%s", why);
}

/* Makes the bytes of a round: other ones in each, else they are there already. */
static void make(struct round *r, const struct options *o, uint8_t *data, uint64_t *random)
{
	unsigned n = o->artifacts * o->nodes;

	for (size_t i = 0; i < n * o->size / 8; i++)
		((uint64_t *)data)[i] = bench_random(random);
	r->failed = 0;
	for (unsigned i = 0; i < n; i++) {
		r->list[i] =
			(struct artifact){.data = data + i * o->size, .size = o->size, .round = r};
		digest_one(r->list[i].key, NULL, r->list[i].data, o->size);
	}
}

static void queue(struct assay_fleet *fleet, const struct options *o, struct artifact *a,
		  unsigned node, bool pushes)
{
	struct assay_push push = {.size = a->size, .read = read_bytes, .arg = a};
	struct assay_pull pull = {.size = a->size, .sink = take_bytes, .arg = a};
	int error;

	memcpy(push.key, a->key, 32);
	memcpy(pull.key, a->key, 32);
	error = pushes ? assay_fleet_push(fleet, node, &push, ended, a)
		       : assay_fleet_pull(fleet, node, &pull, ended, a);
	if (error != 0)
		ended(a, error, assay_error_text(error));
}

static bool run(struct assay_fleet *fleet, const struct options *o, struct round *r, bool pushes)
{
	uint64_t begun = now_ns(), repeats = 0;
	double seconds, mib = (double)o->size * o->artifacts * o->nodes / 1048576;

	for (unsigned n = 0; n < o->nodes; n++)
		repeats -= assay_fleet_stats(fleet, n)->repeats;
	for (unsigned i = 0; i < o->artifacts * o->nodes; i++)
		queue(fleet, o, &r->list[i], i % o->nodes, pushes);
	while (assay_fleet_left_all(fleet) > 0)
		assay_fleet_wait(fleet, 1000);
	seconds = (double)(now_ns() - begun) / 1e9;
	for (unsigned n = 0; n < o->nodes; n++)
		repeats += assay_fleet_stats(fleet, n)->repeats;
	printf("%-5s %9.1f MiB/s %9.0f artifacts/s %8.2f s %8llu repeats\n",
	       pushes ? "push" : "pull", mib / seconds, o->artifacts * o->nodes / seconds, seconds,
	       (unsigned long long)repeats);
	if (r->failed > 0)
		fprintf(stderr, "assay-bench: %u failed, the first: %s\n", r->failed, r->why);
	return r->failed == 0;
}

static int open_fleet(struct assay_fleet **fleet, const struct options *o)
{
	struct assay_client_config config = {.account = o->account};
	char why[256];
	int error = assay_client_key(config.session_secret, o->keys, why, sizeof(why));

	assay_network_id(config.network_id, o->network);
	if (error == 0) {
		error = assay_fleet_open(fleet, &config);
		snprintf(why, sizeof(why), "%s", assay_error_text(error));
	}
	for (unsigned i = 0; error == 0 && i < o->nodes; i++)
		if (assay_fleet_add(*fleet, &o->node[i]) < 0)
			error = ASSAY_E_INVAL;
	if (error != 0)
		fprintf(stderr, "assay-bench: %s\n", why);
	return error;
}

int bench_transfer(int argc, char **argv)
{
	struct options o;
	struct assay_fleet *fleet = NULL;
	struct round round = {0};
	uint64_t random = now_ns();
	uint8_t *data;
	bool good = true;
	int code = parse(&o, argc, argv);

	if (code != 0)
		return code;
	assay_init();
	if (open_fleet(&fleet, &o) != 0)
		return 1;
	data = bench_memory((size_t)o.artifacts * o.nodes * o.size + 8);
	round.list = bench_memory((size_t)o.artifacts * o.nodes * sizeof(*round.list));
	printf("%u nodes, %u artifacts of %zu bytes each\n", o.nodes, o.artifacts, o.size);
	for (unsigned i = 0; good && i < o.rounds; i++) {
		make(&round, &o, data, &random);
		good = run(fleet, &o, &round, true) && run(fleet, &o, &round, false);
	}
	assay_fleet_close(fleet);
	return good ? 0 : 1;
}

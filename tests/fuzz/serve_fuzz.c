/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responder with one session, and a store for what is written: raw bytes, damaged requests, and
 * damaged requests under a good tag. The input is a list of records: how, what, number of bytes,
 * the bytes. However it ends, received = answered + handed over + drops, and no buffer is lost.
 */
#include <stdlib.h>

#include "proof/peer.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct world world;
static struct peer peer;
static uint64_t inputs;
/* What the templates push: an artifact of zeros. */
#define PUSHED 3000
static uint8_t pushed_key[32];
static const uint8_t zeros[PUSHED];
static struct sim_disk *sim;
static struct store *store;

static void write_one(void *ctx, struct write_job *job)
{
	store_write(store, job);
	store_write_sweep(store);
	store_commit(store);
}

/* Nothing is left of the input before. */
static void open_store(void)
{
	static struct disk disk;
	static struct sim_log lines;
	struct log log = log_sim(&lines);
	struct store_config config = {.disk = &disk,
				      .clock = &world.clock,
				      .log = &log,
				      .grace = grace_immediate(),
				      .memory = store_memory_heap(),
				      .staging_bytes = 1 << 20};

	sim = sim_disk_new(inputs);
	disk = disk_sim(sim);
	must(store_open(&store, &config) == 0);
}

static void start(void)
{
	assay_init();
	world_init(&world, 3, 2);
	peer_init(&peer, &world, "node-a", 9);
	world_artifact(&world, 65532, 3, 1);
	world_cold(world_artifact(&world, 2500, 3, 1));
	world_publish(&world);
	must(peer_connect(&peer, 0));
	digest_one(pushed_key, NULL, zeros, PUSHED);
	world.writer = (struct world_writer){write_one, NULL};
	peer_hello_make(&peer, NULL);
}

/* A session of its own for each input, with the same keys. */
static void open_session(void)
{
	uint32_t index = 4000 | (uint32_t)(1 + inputs % 255) << 24;

	serve_close(world_serve(&world, 0), peer.welcome.index);
	peer.welcome.index = index;
	peer.counter = 0;
	world_session(&world, &world.peer[0], index, peer.initiator, &peer.keys, &peer.path.remote);
}

static size_t template(uint8_t *payload, uint8_t what)
{
	const struct world_artifact *a = &world.artifact[what >> 7];
	struct assay_read read = {.first = what >> 4, .count = 3, .flags = ASSAY_READ_HASHES};
	uint8_t body[1068] = {0};

	switch (what % 8) {
	case 0:
	case 1:
		return peer_request(&peer, payload, ASSAY_PROVE, body,
				    peer_prove_body(&peer, body, a, 1 + what / 8 % 16,
						    what % 2 == 0 ? 256 : 77, what / 16 % 2));
	case 2:
		memcpy(read.key, a->record.key, 32);
		return peer_request(&peer, payload, ASSAY_READ, (uint8_t *)&read + 32, 48);
	case 3:
		return peer_request(&peer, payload, ASSAY_PING, body, 24);
	case 4:
		return peer_request(&peer, payload, ASSAY_CALL, body, 24 + what);
	case 5:
		return peer_write_data(&peer, payload, 1 + what / 128, what / 8 % 4, zeros,
				       what / 8 % 4 == 2 ? PUSHED - 2048 : 1024, false);
	case 6:
		if (what / 8 % 2 == 1)
			return peer_request(&peer, payload, ASSAY_WRITE_COMMIT,
					    (uint8_t[24]){1 + what / 128}, 24);
		memcpy(body, pushed_key, 32);
		memcpy(body + 32, &(uint64_t){PUSHED}, 8);
		return peer_request(&peer, payload, ASSAY_WRITE_OPEN, body, 48);
	default:
		memcpy(payload, &peer.hello, sizeof(peer.hello));
		return sizeof(peer.hello);
	}
}

/* Over the value of whatever bytes there are. */
static void tag_write_data(uint8_t *payload, size_t len)
{
	struct assay_write_data *m = (void *)payload;
	uint8_t value[32], input[128];
	size_t bytes = len - sizeof(*m);

	tree_chunk_value(value, payload + sizeof(*m), bytes < TREE_CHUNK ? bytes : TREE_CHUNK,
			 m->chunk, false);
	tag_of(m->head.tag, input,
	       tag_input_chunk(input, peer.keys.k_i, payload, 24, value, NULL, 0));
}

/* Pairs of position and value from the input; the tag, or mac1, is made good again if asked for. */
static size_t damage(uint8_t *payload, size_t len, const uint8_t *bytes, size_t n, bool tag)
{
	for (; n >= 3; n -= 3, bytes += 3)
		payload[(bytes[0] | bytes[1] << 8) % len] ^= bytes[2];
	if (n == 1)
		len = len * bytes[0] / 255;
	if (tag && len == sizeof(struct assay_hello) && payload[1] == ASSAY_HELLO)
		noise_mac1(payload + 160, world.peer[0].noise.m, (const void *)payload);
	else if (tag && len >= sizeof(struct assay_write_data) && payload[1] == ASSAY_WRITE_DATA)
		tag_write_data(payload, len);
	else if (tag && len >= 32)
		message_tag_general(payload, len, peer.keys.k_i);
	return len;
}

static void one_record(uint8_t how, uint8_t what, const uint8_t *bytes, size_t n)
{
	uint8_t payload[ASSAY_PAYLOAD_DEFAULT];
	struct path path = peer.path;
	size_t len = n;

	if (how % 4 == 0)
		memcpy(payload, bytes, n);
	else
		len = damage(payload, template(payload, what), bytes, n, how % 4 != 1);
	path.remote.port += how / 4 % 32 == 31;
	world_in(&world, how / 128, &path, payload, len);
	if (how / 4 % 4 == 1)
		world_turn(&world, what % 2);
	if (how / 4 % 8 == 2)
		world_advance(&world, 1000ull << what % 24);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (inputs++ == 0)
		start();
	open_session();
	open_store();
	while (len >= 3) {
		size_t n = data[2];

		n = n <= len - 3 ? n : len - 3;
		one_record(data[0], data[1], data + 3, n);
		data += 3 + n;
		len -= 3 + n;
	}
	world_rest(&world);
	must(world_imbalance(&world) == 0);
	must(world.buffers == 0);
	world_forget(&world);
	store_close(store);
	sim_disk_free(sim);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/real.h"
#include "bench.h"
#include "crypto/digest.h"

#define BUFFERS	      8192
#define BUFFER_STRIDE (1536 + 64) /* not a power of two: neighbours must not share cache sets */

struct world {
	struct serve *serve;
	struct view *view;
	struct node_self self;
	struct bench_session session;
	struct artifact_source source;
	struct clock clock;
	struct random random;
	struct artifact *records;
	struct artifact_bytes *bytes;
	struct bench_artifact *artifacts;
	uint32_t *table; /* first bytes of the key -> record + 1 */
	uint32_t mask;
	uint8_t *buffers;
	uint32_t next_buffer;
	uint64_t sent, sent_bytes;
	struct assay_welcome welcome;
	bool welcomed;
};

static uint32_t slot_of(const uint8_t *key)
{
	uint32_t v;

	memcpy(&v, key, sizeof(v));
	return v;
}

static void find_many(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n)
{
	struct world *w = ctx;

	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(&w->table[slot_of(keys[i]) & w->mask]);
	for (unsigned i = 0; i < n; i++) {
		uint32_t slot = slot_of(keys[i]) & w->mask;

		out[i] = NULL;
		for (; w->table[slot] != 0; slot = (slot + 1) & w->mask) {
			struct artifact *a = &w->records[w->table[slot] - 1];

			if (memcmp(a->key, keys[i], 32) == 0) {
				out[i] = a;
				break;
			}
		}
	}
}

static bool alloc(void *ctx, uint16_t port, struct dgram *out, unsigned n)
{
	struct world *w = ctx;

	for (unsigned i = 0; i < n; i++) {
		out[i].data = w->buffers + (size_t)(w->next_buffer++ % BUFFERS) * BUFFER_STRIDE;
		out[i].room = 1536;
		out[i].buffer = out[i].data;
	}
	return true;
}

static void send(void *ctx, struct dgram *out, unsigned n)
{
	struct world *w = ctx;

	for (unsigned i = 0; i < n; i++) {
		w->sent++;
		w->sent_bytes += out[i].len;
		if (out[i].data[1] == ASSAY_WELCOME) {
			memcpy(&w->welcome, out[i].data, sizeof(w->welcome));
			w->welcomed = true;
		}
	}
}

static void release(void *ctx, struct dgram *out, unsigned n)
{
}

static bool no_handover(void *ctx, unsigned worker, struct dgram *in)
{
	return false;
}

static bool no_hello(void *ctx, unsigned worker, const struct hello_job *job)
{
	return false;
}

static bool no_order(void *ctx, unsigned worker, const struct session_order *order)
{
	return false;
}

static bool no_fetch(void *ctx, struct fetch_job *job)
{
	return false;
}

static void make_artifacts(struct world *w, uint32_t count, uint64_t size)
{
	/* One allocation an artifact, bytes then outboard, staggered by a few lines: equal sizes
	 * would share cache sets. */
	uint64_t outboard = tree_outboard_len(tree_chunks(size));
	uint64_t stride = ((size + 63) / 64 * 64 + outboard + 63) / 64 * 64 + 192;
	uint8_t *memory = bench_memory(stride * count);
	uint64_t state = 1;

	w->records = aligned_alloc(64, (sizeof(w->records[0]) * count + 63) / 64 * 64);
	w->bytes = calloc(count, sizeof(w->bytes[0]));
	w->artifacts = calloc(count, sizeof(w->artifacts[0]));
	for (w->mask = 1; w->mask < 4 * count; w->mask *= 2)
		;
	w->table = calloc(w->mask, sizeof(w->table[0]));
	w->mask--;
	must(w->records && w->bytes && w->artifacts && w->table);
	memset(w->records, 0, sizeof(w->records[0]) * count);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *data = memory + stride * i, *tree = data + (size + 63) / 64 * 64;
		struct artifact *a = &w->records[i];

		for (uint64_t j = 0; j + 8 <= size; j += 8)
			memcpy(data + j, (uint64_t[1]){bench_random(&state)}, 8);
		tree_build(tree, data, size);
		memcpy(a->key, tree + outboard - 32, 32);
		a->size = size;
		a->chunks = tree_chunks(size);
		w->bytes[i] = (struct artifact_bytes){data, tree};
		atomic_store(&a->bytes, &w->bytes[i]);
		memcpy(w->artifacts[i].key, a->key, 32);
		w->artifacts[i].size = size;
		uint32_t slot = slot_of(a->key) & w->mask;

		while (w->table[slot] != 0)
			slot = (slot + 1) & w->mask;
		w->table[slot] = i + 1;
	}
}

static void make_identities(struct world *w)
{
	static const char challenger[] = "bench-challenger", target[] = "bench-target";
	struct view settings = {.generation = 1,
				.any_epoch = true,
				.ranges_max = 16,
				.length_max = 1024,
				.payload_limit = ASSAY_PAYLOAD_DEFAULT,
				.idle_s = 600,
				.life_s = 3600,
				.in_flight = 4096};
	struct view_peer *peer = calloc(1, sizeof(*peer)); /* the view's from view_build on */
	uint8_t secret[32];

	digest_one(w->self.network_id, NULL, "bench", 5);
	snprintf(w->self.account, sizeof(w->self.account), "%s", target);
	secret_generate(w->self.session_secret, &w->random);
	secret_generate(secret, &w->random);
	must(sign_key_from_secret(&w->self.identity, secret) == 0);
	w->self.noise.network_id = w->self.network_id;
	w->self.noise.secret = w->self.session_secret;
	must(public_key(w->self.noise.public, w->self.session_secret));

	secret_generate(secret, &w->random);
	must(bench_session_init(&w->session, w->self.network_id, challenger, secret, target,
				w->self.noise.public, 77) == 0);
	must(peer != NULL);
	peer->permissions = 7;
	peer->session_limit = 8;
	peer->rate_kib = peer->burst_kib = UINT32_MAX;
	snprintf(peer->account, sizeof(peer->account), "%s", challenger);
	must(noise_peer_init(&peer->noise, &w->self.noise, w->session.self.public, false,
			     challenger, target));
	w->view = view_build(&settings, peer, 1);
	must(w->view != NULL);
}

static void handshake(struct world *w)
{
	uint64_t now = clock_mono(&w->clock), wall = clock_wall(&w->clock);
	struct dgram in = {.path = world_path()};

	bench_session_hello(&w->session, wall, NULL);
	in.data = (uint8_t *)&w->session.hello;
	in.len = in.room = sizeof(w->session.hello);
	serve_burst(w->serve, &in, 1, now, wall);
	while (serve_handshake_slice(w->serve, now, wall))
		;
	serve_turn(w->serve, true, now, wall);
	must(w->welcomed);
	must(bench_session_welcome(&w->session, &w->welcome) == 0);
}

struct world *world_new(uint32_t count, uint64_t size)
{
	struct world *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);

	must(w != NULL);
	memset(w, 0, sizeof(*w));
	w->clock = clock_real();
	w->random = random_real();
	sign_init(&w->random);
	w->buffers = bench_memory((size_t)BUFFERS * BUFFER_STRIDE);
	w->source = (struct artifact_source){find_many, w};
	make_artifacts(w, count, size);
	make_identities(w);
	struct serve_config config = {.worker = 0,
				      .workers = 1,
				      .self = &w->self,
				      .artifacts = &w->source,
				      .random = &w->random,
				      .io = {.alloc = alloc,
					     .send = send,
					     .release = release,
					     .handover = no_handover,
					     .hello = no_hello,
					     .order = no_order,
					     .fetch = no_fetch,
					     .ctx = w},
				      .peer_sessions = peer_sessions_new()};

	w->serve = serve_new(&config);
	must(w->serve != NULL);
	serve_set_view(w->serve, w->view);
	handshake(w);
	return w;
}

struct serve *world_serve(struct world *w)
{
	return w->serve;
}

struct bench_session *world_session(struct world *w)
{
	return &w->session;
}

const struct bench_artifact *world_artifacts(const struct world *w)
{
	return w->artifacts;
}

uint64_t world_sent(const struct world *w, uint64_t *bytes)
{
	*bytes = w->sent_bytes;
	return w->sent;
}

struct path world_path(void)
{
	return (struct path){
		.remote = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1},
			   .port = 5000}};
}

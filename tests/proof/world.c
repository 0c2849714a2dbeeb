/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/world.h"

#include <stdio.h>
#include <stdlib.h>

#define must_alloc(p) must((p) != NULL)

/* --- what the responder calls --- */

static bool io_alloc(void *ctx, uint16_t port, struct dgram *out, unsigned n)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	if (w->buffers + n > w->buffers_max)
		return false;
	w->buffers += n;
	for (unsigned i = 0; i < n; i++) {
		out[i].data = malloc(ASSAY_PAYLOAD_DEFAULT);
		must_alloc(out[i].data);
		memset(out[i].data, 0xa5, ASSAY_PAYLOAD_DEFAULT);
		out[i].len = 0;
		out[i].room = ASSAY_PAYLOAD_DEFAULT;
		out[i].buffer = out[i].data;
	}
	return true;
}

static void io_release(void *ctx, struct dgram *out, unsigned n)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	for (unsigned i = 0; i < n; i++)
		free(out[i].buffer);
	w->buffers -= n;
}

/* A counter of a session never comes twice; 0 stands for messages that a test made itself. */
static void check_counter(const struct world *w, const struct dgram *out)
{
	const struct assay_session_head *head = (const void *)out->data;

	if (head->head.type < 0x90 || head->counter == 0)
		return;
	for (unsigned i = 0; i < w->sent_count; i++) {
		const struct assay_session_head *old = (const void *)w->sent[i].data;

		never(old->head.type >= 0x90 && old->index == head->index &&
		      old->counter == head->counter);
	}
}

static void io_send(void *ctx, struct dgram *out, unsigned n)
{
	struct world_worker *worker = ctx;
	struct world *w = worker->world;

	for (unsigned i = 0; i < n; i++) {
		struct world_sent *sent;

		must(out[i].len <= out[i].room && out[i].len >= 8);
		check_counter(w, &out[i]);
		if (w->sent_count == w->sent_room) {
			w->sent_room = w->sent_room > 0 ? 2 * w->sent_room : 64;
			w->sent = realloc(w->sent, w->sent_room * sizeof(*w->sent));
			must_alloc(w->sent);
		}
		sent = &w->sent[w->sent_count++];
		*sent = (struct world_sent){worker->number, out[i].path, out[i].len,
					    malloc(out[i].len)};
		must_alloc(sent->data);
		memcpy(sent->data, out[i].data, out[i].len);
	}
	io_release(ctx, out, n);
}

static bool io_handover(void *ctx, unsigned to, struct dgram *in)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	must(to < w->workers);
	if (w->handed_count >= w->handed_room)
		return false;
	w->handed[w->handed_count++] = (struct world_handed){to, *in};
	return true;
}

static bool io_hello(void *ctx, unsigned to, const struct hello_job *job)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	must(to < w->workers);
	if (w->hello_count >= w->hello_room)
		return false;
	w->hello[w->hello_count++] = (struct world_hello){to, *job};
	return true;
}

static bool io_order(void *ctx, unsigned to, const struct session_order *order)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	must(to < w->workers);
	if (w->order_count >= w->order_room)
		return false;
	w->order[w->order_count++] = (struct world_order){to, *order};
	return true;
}

static bool io_fetch(void *ctx, struct fetch_job *job)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	if (w->fetch_count >= w->fetch_room)
		return false;
	w->fetch[w->fetch_count++] = job;
	return true;
}

static bool io_write(void *ctx, struct write_job *job)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	if (w->write_count >= w->write_room)
		return false;
	w->write[w->write_count++] = job;
	return true;
}

static bool io_call(void *ctx, struct call_job *job)
{
	struct world *w = ((struct world_worker *)ctx)->world;

	if (w->call_count >= w->call_room)
		return false;
	w->call[w->call_count++] = job;
	return true;
}

static void find_many(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n)
{
	struct world *w = ctx;

	for (unsigned i = 0; i < n; i++) {
		out[i] = NULL;
		for (unsigned j = 0; j < w->artifacts; j++)
			if (memcmp(w->artifact[j].record.key, keys[i], 32) == 0)
				out[i] = &w->artifact[j].record;
	}
}

static void random_fill_world(void *ctx, void *out, size_t len)
{
	struct world *w = ctx;
	struct random stream = random_sim(&w->seed);

	if (w->fixed == NULL) {
		random_fill(&stream, out, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = w->fixed[i % 32];
}

/* --- life --- */

static void world_self(struct world *w)
{
	struct random random = random_sim(&w->seed);

	digest_init();
	sign_init(&random);
	strcpy(w->self.account, "node-b");
	random_fill(&random, w->self.network_id, 32);
	secret_generate(w->self.session_secret, &random);
	w->self.noise.network_id = w->self.network_id;
	w->self.noise.secret = w->self.session_secret;
	must(public_key(w->self.noise.public, w->self.session_secret));
	uint8_t secret[32];

	secret_generate(secret, &random);
	must(sign_key_from_secret(&w->self.identity, secret) == 0);
}

void world_init(struct world *w, uint64_t seed, unsigned workers)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->time = (struct sim_clock){WORLD_START_NS, WORLD_WALL_NS};
	w->clock = clock_sim(&w->time);
	w->random = (struct random){random_fill_world, w};
	w->source = (struct artifact_source){find_many, w};
	w->buffers_max = 1u << 20;
	w->handed_room = w->hello_room = w->order_room = w->fetch_room = WORLD_RING;
	w->write_room = w->call_room = WORLD_RING;
	w->settings = (struct view){.any_epoch = true,
				    .ranges_max = ASSAY_RANGES_MAX,
				    .length_max = ASSAY_RANGE_LENGTH_MAX,
				    .payload_limit = ASSAY_PAYLOAD_DEFAULT,
				    .idle_s = 600,
				    .life_s = 3600,
				    .in_flight = 256,
				    .streams_max = 4};
	world_self(w);
	w->peer_sessions = peer_sessions_new();
	w->workers = workers;
	for (unsigned i = 0; i < workers; i++) {
		struct world_worker *worker = &w->worker[i];
		struct serve_config config = {
			.worker = i,
			.workers = workers,
			.self = &w->self,
			.artifacts = &w->source,
			.random = &w->random,
			.peer_sessions = w->peer_sessions,
			.io = {io_alloc, io_send, io_release, io_handover, io_hello, io_order,
			       io_fetch, io_write, io_call, worker},
		};

		*worker = (struct world_worker){w, i, serve_new(&config)};
		must_alloc(worker->serve);
	}
	world_publish(w);
}

void world_free(struct world *w)
{
	world_forget(w);
	free(w->sent);
	for (unsigned i = 0; i < w->handed_count; i++)
		free(w->handed[i].dgram.buffer);
	for (unsigned i = 0; i < w->workers; i++)
		serve_free(world_serve(w, i));
	must(w->buffers == 0);
	for (unsigned i = 0; i < w->artifacts; i++) {
		free(w->artifact[i].data);
		free(w->artifact[i].outboard);
	}
	peer_sessions_free(w->peer_sessions);
	view_free(w->view);
}

struct view_peer *world_peer(struct world *w, const char *account, const uint8_t public[33])
{
	struct view_peer *peer = &w->peer[w->peers];

	must(w->peers < WORLD_PEERS_MAX);
	*peer = (struct view_peer){.permissions = ASSAY_MAY_PROVE | ASSAY_MAY_READ |
						  ASSAY_MAY_WRITE | ASSAY_MAY_CALL,
				   .session_limit = PEER_SESSIONS_MAX,
				   .rate_kib = 1u << 20,
				   .burst_kib = 1u << 20,
				   .slot = w->peers++};
	strcpy(peer->account, account);
	must(noise_peer_init(&peer->noise, &w->self.noise, public, false, account,
			     w->self.account));
	return peer;
}

void world_publish(struct world *w)
{
	struct view_peer *peers = malloc(sizeof(w->peer));
	struct view *old = w->view;

	must_alloc(peers);
	memcpy(peers, w->peer, sizeof(w->peer));
	w->settings.generation++;
	w->view = view_build(&w->settings, peers, w->peers);
	must_alloc(w->view);
	for (unsigned i = 0; i < w->workers; i++)
		serve_set_view(world_serve(w, i), w->view);
	view_free(old);
}

struct world_artifact *world_artifact(struct world *w, uint64_t len, unsigned mul, unsigned add)
{
	struct world_artifact *a = &w->artifact[w->artifacts++];
	uint32_t chunks = tree_chunks(len);

	must(w->artifacts <= WORLD_ARTIFACTS_MAX);
	a->data = malloc(len);
	a->outboard = malloc(tree_outboard_len(chunks));
	must(a->data != NULL && a->outboard != NULL);
	for (uint64_t i = 0; i < len; i++)
		a->data[i] = (uint8_t)(i * mul + add + (i >> 8));
	tree_build(a->outboard, a->data, len);
	a->bytes = (struct artifact_bytes){a->data, a->outboard};
	memcpy(a->record.key, a->outboard + tree_outboard_len(chunks) - 32, 32);
	a->record.size = len;
	a->record.chunks = chunks;
	atomic_store(&a->record.state, ARTIFACT_STORED);
	atomic_store(&a->record.bytes, &a->bytes);
	return a;
}

void world_cold(struct world_artifact *a)
{
	atomic_store(&a->record.bytes, NULL);
}

/* --- datagrams --- */

struct net_addr world_addr(unsigned host, uint16_t port)
{
	struct net_addr addr = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2},
				.port = port};

	addr.ip[15] = (uint8_t)host;
	return addr;
}

struct path world_path(unsigned host, uint16_t port)
{
	return (struct path){.remote = world_addr(host, port), .local = world_addr(1, 9100)};
}

void world_burst(struct world *w, unsigned worker, const struct world_in *in, unsigned n)
{
	struct dgram dgram[SERVE_BURST_MAX];

	must(n <= SERVE_BURST_MAX);
	for (unsigned i = 0; i < n; i++) {
		dgram[i] =
			(struct dgram){malloc(in[i].len > 0 ? in[i].len : 1), (uint16_t)in[i].len,
				       (uint16_t)in[i].len, *in[i].path, NULL};
		must_alloc(dgram[i].data);
		memcpy(dgram[i].data, in[i].data, in[i].len);
		dgram[i].buffer = dgram[i].data;
	}
	serve_burst(world_serve(w, worker), dgram, n, w->time.mono_ns, w->time.wall_ns);
	for (unsigned i = 0; i < n; i++)
		free(dgram[i].buffer);
}

void world_in(struct world *w, unsigned worker, const struct path *path, const void *data,
	      size_t len)
{
	world_burst(w, worker, &(struct world_in){path, data, len}, 1);
}

void world_rings(struct world *w)
{
	uint64_t now = w->time.mono_ns, wall = w->time.wall_ns;

	for (unsigned i = 0; i < w->handed_count; i++) {
		struct world_handed *h = &w->handed[i];
		void *buffer = h->dgram.buffer;

		serve_handed(world_serve(w, h->worker), &h->dgram, 1, now, wall);
		must(h->dgram.buffer == buffer);
		free(buffer);
	}
	w->handed_count = 0;
	/* Results may be put behind while this goes on. */
	for (unsigned i = 0; i < w->hello_count; i++)
		serve_hello(world_serve(w, w->hello[i].worker), &w->hello[i].job, now, wall);
	w->hello_count = 0;
	for (unsigned i = 0; i < w->order_count; i++)
		serve_order(world_serve(w, w->order[i].worker), &w->order[i].order, now, wall);
	w->order_count = 0;
}

static void fetch_one(struct world *w, struct fetch_job *job, enum assay_reason reason)
{
	const struct world_artifact *a = (const void *)job->artifact;

	must(atomic_load(&job->artifact->pins) > 0);
	for (unsigned i = 0; reason == ASSAY_R_NONE && i < job->chunk_count; i++) {
		uint32_t chunk = job->chunk[i];

		memcpy(job->data + (size_t)i * TREE_CHUNK, a->data + (size_t)chunk * TREE_CHUNK,
		       tree_chunk_len(a->record.size, chunk));
		memcpy(job->values + 32 * i, a->outboard + 32 * (size_t)chunk, 32);
	}
	for (unsigned i = 0; reason == ASSAY_R_NONE && i < job->node_count; i++)
		memcpy(job->hashes + 32 * i,
		       tree_value(a->outboard, a->record.chunks, job->node[i]), 32);
	job->reason = (uint16_t)reason;
	serve_fetched(world_serve(w, job->worker), job, w->time.mono_ns, w->time.wall_ns);
}

void world_fetch(struct world *w, unsigned n, enum assay_reason reason)
{
	if (n > w->fetch_count)
		n = w->fetch_count;
	for (unsigned i = 0; i < n; i++)
		fetch_one(w, w->fetch[i], reason);
	w->fetch_count -= n;
	memmove(w->fetch, w->fetch + n, w->fetch_count * sizeof(w->fetch[0]));
}

/* Without a store behind it, every write is refused. */
static void write_none(void *ctx, struct write_job *job)
{
	job->reason = ASSAY_R_DISK_FULL;
	job->wait_ms = job->parameter = 0;
}

void world_write(struct world *w, unsigned n)
{
	struct world_writer writer = w->writer;

	if (writer.write == NULL)
		writer.write = write_none;
	if (n > w->write_count)
		n = w->write_count;
	for (unsigned i = 0; i < n; i++) {
		writer.write(writer.ctx, w->write[i]);
		serve_written(world_serve(w, w->write[i]->worker), w->write[i], w->time.mono_ns,
			      w->time.wall_ns);
	}
	w->write_count -= n;
	memmove(w->write, w->write + n, w->write_count * sizeof(w->write[0]));
}

void world_call(struct world *w, unsigned n, enum assay_reason reason)
{
	if (n > w->call_count)
		n = w->call_count;
	for (unsigned i = 0; i < n; i++) {
		struct call_job *job = w->call[i];

		job->reason = (uint16_t)reason;
		job->wait_ms = 0;
		job->status = CALL_DONE;
		job->answer_len = job->len;
		for (unsigned b = 0; b < job->len; b++)
			job->answer[b] = job->body[job->len - 1 - b];
		serve_called(world_serve(w, job->worker), job, w->time.mono_ns, w->time.wall_ns);
	}
	w->call_count -= n;
	memmove(w->call, w->call + n, w->call_count * sizeof(w->call[0]));
}

void world_turn(struct world *w, bool empty)
{
	for (unsigned i = 0; i < w->workers; i++)
		serve_turn(world_serve(w, i), empty, w->time.mono_ns, w->time.wall_ns);
}

void world_advance(struct world *w, uint64_t ns)
{
	sim_clock_advance(&w->time, ns);
}

static bool world_idle(const struct world *w)
{
	for (unsigned i = 0; i < w->workers; i++)
		if (!serve_idle(w->worker[i].serve))
			return false;
	return w->handed_count == 0 && w->hello_count == 0 && w->order_count == 0;
}

void world_rest(struct world *w)
{
	for (unsigned i = 0; i < 10000; i++) {
		world_turn(w, true);
		world_fetch(w, w->fetch_count, ASSAY_R_NONE);
		world_write(w, w->write_count);
		world_call(w, w->call_count, ASSAY_R_NONE);
		world_rings(w);
		serve_handshake_slice(world_serve(w, 0), w->time.mono_ns, w->time.wall_ns);
		if (world_idle(w))
			return;
	}
	never("the node does not come to rest");
}

void world_forget(struct world *w)
{
	for (unsigned i = 0; i < w->sent_count; i++)
		free(w->sent[i].data);
	w->sent_count = 0;
}

const struct world_sent *world_find(const struct world *w, uint8_t type, unsigned n)
{
	for (unsigned i = 0; i < w->sent_count; i++)
		if (w->sent[i].data[1] == type && n-- == 0)
			return &w->sent[i];
	return NULL;
}

/* --- counters --- */

int64_t world_imbalance(const struct world *w)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < w->workers; i++) {
		const struct serve_counters *c = serve_counters(w->worker[i].serve);

		sum += (int64_t)(c->received - c->answered - c->handed_over);
		for (unsigned r = 0; r < ASSAY_R_MAX; r++)
			sum -= (int64_t)c->drops[r];
	}
	return sum;
}

uint64_t world_drops(const struct world *w, enum assay_reason reason)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < w->workers; i++)
		sum += serve_counters(w->worker[i].serve)->drops[reason];
	return sum;
}

uint64_t world_refused(const struct world *w, enum assay_reason reason)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < w->workers; i++)
		sum += serve_counters(w->worker[i].serve)->refused[reason];
	return sum;
}

struct session *world_session(struct world *w, const struct view_peer *peer, uint32_t index,
			      uint32_t initiator, const struct noise_keys *keys,
			      const struct net_addr *remote)
{
	uint32_t replaced[PEER_SESSIONS_MAX];
	struct serve *s = world_serve(w, index >> 16 & 0xff);
	struct session *session;

	peers_claim(w->peer_sessions, peer->slot, peer->session_limit, index, w->time.mono_ns,
		    replaced);
	s->now = w->time.mono_ns;
	session = session_install(s, peer, &(struct session_terms){index, initiator, keys, remote});
	must_alloc(session);
	session->confirmed = true;
	return session;
}

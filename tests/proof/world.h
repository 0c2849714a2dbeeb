/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of one to four workers in one thread, without a network: the responder under test with
 * rings, buffers, artifacts, keys and a clock that the test moves. Every datagram goes in and comes
 * out in a heap block of its exact size, so that a sanitizer sees each byte too many.
 */
#ifndef TESTS_PROOF_WORLD_H
#define TESTS_PROOF_WORLD_H

#include "base/sim.h"
#include "proof/serve_int.h"

#define WORLD_WORKERS_MAX   4
#define WORLD_PEERS_MAX	    32
#define WORLD_ARTIFACTS_MAX 16
#define WORLD_RING	    512
#define WORLD_START_NS	    (1000 * NS_PER_S)
#define WORLD_WALL_NS	    1790000000123000000ull

struct world_artifact {
	struct artifact record;
	struct artifact_bytes bytes;
	uint8_t *data, *outboard;
};

/* A datagram that a worker sent. */
struct world_sent {
	unsigned worker;
	struct path path;
	uint16_t len;
	uint8_t *data;
};

struct world_handed {
	unsigned worker;
	struct dgram dgram;
};
struct world_hello {
	unsigned worker;
	struct hello_job job;
};
struct world_order {
	unsigned worker;
	struct session_order order;
};

struct world;
struct world_worker {
	struct world *world;
	unsigned number;
	struct serve *serve;
};

struct world {
	struct sim_clock time;
	struct clock clock;
	uint64_t seed;
	struct random random;
	const uint8_t *fixed; /* what random gives when set: 32 bytes, over and over */
	struct node_self self;
	struct peer_sessions *peer_sessions;
	struct artifact_source source;
	struct view settings;
	struct view *view;
	struct view_peer peer[WORLD_PEERS_MAX];
	unsigned peers;
	struct world_artifact artifact[WORLD_ARTIFACTS_MAX];
	unsigned artifacts;
	unsigned workers;
	struct world_worker worker[WORLD_WORKERS_MAX];

	/* What came out, in order. */
	struct world_sent *sent;
	unsigned sent_count, sent_room;
	/* Buffers that are out of the pool, and how many there may be. */
	unsigned buffers, buffers_max;

	/* The rings; 0 in a room means full. */
	struct world_handed handed[WORLD_RING];
	struct world_hello hello[WORLD_RING];
	struct world_order order[WORLD_RING];
	struct fetch_job *fetch[WORLD_RING];
	struct write_job *write[WORLD_RING];
	struct call_job *call[WORLD_RING];
	unsigned handed_count, hello_count, order_count, fetch_count, write_count, call_count;
	unsigned handed_room, hello_room, order_room, fetch_room, write_room, call_room;

	/* Who does the writes: store_write, where a test has a store. */
	struct world_writer {
		void (*write)(void *ctx, struct write_job *job);
		void *ctx;
	} writer;
};

/* Worker 0 owns handshakes. */
void world_init(struct world *w, uint64_t seed, unsigned workers);
void world_free(struct world *w);

static inline struct serve *world_serve(struct world *w, unsigned worker)
{
	return w->worker[worker].serve;
}

/* A key that may open sessions; everything allowed. Its slot is its number. */
struct view_peer *world_peer(struct world *w, const char *account, const uint8_t public[33]);
/* Makes a snapshot of settings and peers known to all workers. */
void world_publish(struct world *w);

/* Bytes by the rule b[i] = i * mul + add + (i >> 8); resident and stored. */
struct world_artifact *world_artifact(struct world *w, uint64_t len, unsigned mul, unsigned add);
void world_cold(struct world_artifact *a);

struct net_addr world_addr(unsigned host, uint16_t port);
struct path world_path(unsigned host, uint16_t port);

/* One datagram to a worker, in a buffer of its exact size. */
void world_in(struct world *w, unsigned worker, const struct path *path, const void *data,
	      size_t len);
/* Many at once, at most 64. */
struct world_in {
	const struct path *path;
	const void *data;
	size_t len;
};
void world_burst(struct world *w, unsigned worker, const struct world_in *in, unsigned n);
/* What is in the rings goes where it belongs, except for fetches. */
void world_rings(struct world *w);
/* The fetch role: does n of the oldest jobs with that result. */
void world_fetch(struct world *w, unsigned n, enum assay_reason reason);
/* Likewise with n of the oldest writes, and with calls: a RESULT has the body backwards. */
void world_write(struct world *w, unsigned n);
void world_call(struct world *w, unsigned n, enum assay_reason reason);
/* One turn of every worker. */
void world_turn(struct world *w, bool empty);
void world_advance(struct world *w, uint64_t ns);
/* Turns and handshakes until nothing waits. */
void world_rest(struct world *w);
/* Forgets what was sent. */
void world_forget(struct world *w);
/* The n-th datagram sent of a type, or NULL. */
const struct world_sent *world_find(const struct world *w, uint8_t type, unsigned n);

/* received - answered - handed over - drops, over all workers: 0 at rest. */
int64_t world_imbalance(const struct world *w);
uint64_t world_drops(const struct world *w, enum assay_reason reason);
uint64_t world_refused(const struct world *w, enum assay_reason reason);

/* A session with given keys, without handshake; confirmed. */
struct session *world_session(struct world *w, const struct view_peer *peer, uint32_t index,
			      uint32_t initiator, const struct noise_keys *keys,
			      const struct net_addr *remote);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The responder of one worker: datagrams in, answers out, in bursts. It knows no socket, no mbuf
 * and no clock: the worker gives it datagrams, buffers and the time. One struct serve belongs to
 * one thread; what other threads read of it are the counters.
 *
 * Stages over a burst, each a loop over the whole burst (docs/design.md, "Data path"):
 *   parse -> session -> tag -> admit -> prove/read -> seal -> send.
 * At rest: received = answered + handed_over + sum of drops, each datagram once.
 */
#ifndef PROOF_SERVE_H
#define PROOF_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"
#include "base/seam.h"
#include "proof/artifact.h"
#include "proof/handed.h"
#include "proof/view.h"

#define SERVE_BURST_MAX	   64
#define SERVE_SESSIONS_MAX 4096
#define SERVE_PARKED_MAX   256
#define SERVE_WORKERS_MAX  64

/* Where a datagram came from and where its answer goes. Compared as a whole for "the same path
 * back". */
struct path {
	struct net_addr remote;
	struct net_addr local;
	uint16_t port;	       /* index of the port it came in by */
	uint8_t remote_mac[6]; /* DPDK ports; zero on udp: ports */
};

/* One datagram: the UDP payload inside a buffer of the port layer. */
struct dgram {
	uint8_t *data;
	uint16_t len;
	uint16_t room; /* bytes that data can hold */
	struct path path;
	void *buffer; /* the mbuf; never looked at here */
};

struct hello_job;
struct session_order;

/* How the engine gets buffers, hands answers over and reaches other workers. */
struct serve_io {
	/* n buffers of at least ASSAY_PAYLOAD_DEFAULT bytes on the port; all or nothing. */
	bool (*alloc)(void *ctx, uint16_t port, struct dgram *out, unsigned n);
	/* Takes n filled buffers (data, len, path) in order; never fails. */
	void (*send)(void *ctx, struct dgram *out, unsigned n);
	/* Gives back buffers of alloc that were not sent. */
	void (*release)(void *ctx, struct dgram *out, unsigned n);
	/*
	 * Hands a datagram to the worker that owns its session; false when its ring is full. The
	 * datagram's buffer then belongs to that worker.
	 */
	bool (*handover)(void *ctx, unsigned worker, struct dgram *in);
	/* A HELLO to the worker that owns handshakes; a finished or failed one back; an order to a
	 * session's worker. */
	bool (*hello)(void *ctx, unsigned worker, const struct hello_job *job);
	bool (*order)(void *ctx, unsigned worker, const struct session_order *order);
	/* A cold read to the fetch role; false when its ring is full. */
	bool (*fetch)(void *ctx, struct fetch_job *job);
	/* A WRITE to the fetch role, a CALL to control; false likewise. */
	bool (*write)(void *ctx, struct write_job *job);
	bool (*call)(void *ctx, struct call_job *job);
	void *ctx;
};

enum serve_stage {
	STAGE_PARSE,	 /* header, session lookup, replay window */
	STAGE_TAG,	 /* tags of requests */
	STAGE_ADMIT,	 /* admission, request digests, artifact lookup */
	STAGE_PROVE,	 /* ranges copied and digested, leaves */
	STAGE_CHUNKS,	 /* CHUNK and RANGES datagrams */
	STAGE_SEAL,	 /* Merkle tree, signature, PROOFs finished */
	STAGE_HANDSHAKE, /* curve operations of handshakes */
	STAGE_COUNT
};

/* Written by the worker with relaxed stores, read by control at any time. */
struct serve_counters {
	uint64_t received;
	uint64_t answered;
	uint64_t handed_over;
	uint64_t drops[ASSAY_R_MAX];   /* by enum assay_reason: not answered */
	uint64_t refused[ASSAY_R_MAX]; /* answered by REFUSED, by code */
	uint64_t sent_datagrams, sent_bytes, received_bytes;
	uint64_t hellos, welcomes, cookies, resets, versions;
	uint64_t pings, proves, proves_tree, reads, closes, calls, writes;
	uint64_t proofs; /* PROOFs sent */
	uint64_t seals;	 /* signatures made for them */
	uint64_t chunks; /* CHUNKs sent */
	uint64_t cold;	 /* requests that went to the fetch role */
	uint64_t sessions_opened, sessions_closed, sessions; /* the last is a level */
	/* Of each stage alone: what CHUNKS and SEAL take is not in PROVE. HELLOs are in PARSE. */
	uint64_t stage_cycles[STAGE_COUNT], stage_items[STAGE_COUNT], stage_calls[STAGE_COUNT];
};

struct serve_config {
	unsigned worker;  /* this worker's number */
	unsigned workers; /* of this node */
	unsigned handshake_worker;
	const struct node_self *self;
	const struct artifact_source *artifacts;
	const struct random *random; /* session indices, ephemeral keys, auxiliary randomness */
	struct serve_io io;
	struct peer_sessions
		*peer_sessions; /* shared by all workers of the node: peer_sessions_new */
};

/* Which sessions each registered key holds, over all workers; VIEW_PEERS_MAX entries. */
struct peer_sessions *peer_sessions_new(void);
void peer_sessions_free(struct peer_sessions *p);

struct serve;
/* All memory is taken here. NULL when out of memory. */
struct serve *serve_new(const struct serve_config *config);
void serve_free(struct serve *s);

/* The worker calls this with each new snapshot, before its next burst; the old one is not used
 * afterwards. */
void serve_set_view(struct serve *s, const struct view *view);

/*
 * Takes a burst of at most SERVE_BURST_MAX datagrams. Buffers of datagrams that were handed over
 * get buffer = NULL; all others stay the caller's, who frees them. now is monotonic ns, wall is ns
 * since 1970; both read once a turn.
 */
void serve_burst(struct serve *s, struct dgram *in, unsigned n, uint64_t now, uint64_t wall);
/* Datagrams that another worker handed over: received is counted here too. */
void serve_handed(struct serve *s, struct dgram *in, unsigned n, uint64_t now, uint64_t wall);
/*
 * Once a turn after the bursts: closes the batch when it is due (empty says that the last receive
 * came back empty), expires sessions and parked requests bit by bit.
 */
void serve_turn(struct serve *s, bool empty, uint64_t now, uint64_t wall);
/* A job came back from the fetch role. */
void serve_fetched(struct serve *s, struct fetch_job *job, uint64_t now, uint64_t wall);
/* ... and its answers to WRITEs, and control's to CALLs; they leave with the next turn. */
void serve_written(struct serve *s, struct write_job *job, uint64_t now, uint64_t wall);
void serve_called(struct serve *s, struct call_job *job, uint64_t now, uint64_t wall);
/* At most one slice of handshake work (one curve operation); true when there was any. */
bool serve_handshake_slice(struct serve *s, uint64_t now, uint64_t wall);
/* Messages from other workers (see struct serve_io). */
void serve_hello(struct serve *s, const struct hello_job *job, uint64_t now, uint64_t wall);
void serve_order(struct serve *s, const struct session_order *order, uint64_t now, uint64_t wall);
/* True when nothing waits: no open batch, no parked request, no handshake. */
bool serve_idle(const struct serve *s);

/* One session as the operator sees it. */
struct session_info {
	uint32_t index;
	uint32_t peer_slot;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct net_addr remote;
	uint64_t opened_ns, used_ns; /* monotonic */
	uint64_t received, answered;
	uint32_t permissions;
	bool confirmed;
};
/* Copies up to room sessions from position *cursor on (0 at first); returns how many; *cursor = 0
 * at the end. */
unsigned serve_sessions(const struct serve *s, uint32_t *cursor, struct session_info *out,
			unsigned room);
/* Ends a session; false when there is none with that index. */
bool serve_close(struct serve *s, uint32_t index);

const struct serve_counters *serve_counters(const struct serve *s);

/* What handshake workers pass around; defined here so that rings can size their slots. */
struct hello_job {
	struct assay_hello hello;
	struct path path;
	uint32_t peer_slot;
	uint16_t worker; /* that received it and will install the session */
	uint16_t reason; /* of a finished job: NONE, or why it was dropped */
	bool finished;	 /* on its way back */
	struct assay_welcome welcome;
	struct noise_keys keys;
	uint32_t index; /* the new session */
};
struct session_order { /* close, to the worker that owns index */
	uint32_t index;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load generator: challenges sent by a fixed schedule (open loop) or with a fixed number in flight
 * (closed loop). During a trial the answers are only counted and copied to an arena; after it each
 * of them is checked in full.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"
#include "base/hist.h"
#include "base/seam.h"
#include "session.h"

#define LOAD_SESSIONS_MAX 64
#define LOAD_RING	  16384 /* requests of a session that are remembered */
#define LOAD_BURST	  32

/* Where datagrams go in and out: a port of the data plane, or a socket. */
struct load_port {
	/* Up to n datagrams; data stays valid until release. */
	unsigned (*receive)(void *ctx, const uint8_t **data, uint16_t *len, unsigned n);
	void (*release)(void *ctx);
	/* n buffers to fill; how many there are. */
	unsigned (*alloc)(void *ctx, uint8_t **data, unsigned n);
	/* Sends the n buffers of the last alloc; how many went out (the rest is given back). */
	unsigned (*send)(void *ctx, const uint16_t *len, unsigned n);
	void *ctx;
};

struct load_target {
	char account[ASSAY_ACCOUNT_MAX + 1];
	uint8_t network_id[32];
	uint8_t identity[32]; /* x-only */
	uint8_t session_key[33];
};

struct load_request {
	uint64_t due_ns; /* when the schedule wanted it sent */
	uint64_t counter;
	uint16_t parts, got;
	bool waiting;
};

/* One datagram as received, in the arena: head, then len bytes, padded to 8. */
struct load_record {
	uint64_t request;
	uint16_t session;
	uint16_t len;
	uint32_t pad;
	uint8_t data[];
};

struct load {
	struct bench_session session[LOAD_SESSIONS_MAX];
	struct load_request *ring[LOAD_SESSIONS_MAX];
	unsigned sessions;
	struct load_target target;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct load_port port;
	struct clock clock;
	struct bench_plan plan;
	uint8_t *arena;
	size_t arena_room, arena_len;
	uint64_t records;
};

struct load_trial {	 /* in */
	double rate;	 /* challenges a second; 0 = closed loop */
	unsigned window; /* closed loop: in flight over all sessions */
	double seconds;
	unsigned keep_one_in; /* answers copied for the check: every one, every second, ... */
};

struct load_result {
	uint64_t planned, sent, answered, refused, lost, late_parts;
	uint64_t datagrams, bytes;
	uint64_t refused_by[ASSAY_R_MAX];
	uint64_t behind_ns_max; /* how far the generator itself fell behind its schedule */
	double seconds;
	bool arena_full;
	struct hist latency; /* ns from the intended time to the last part */
};

/* Opens the sessions, 5 s at most. 0 or a negative code. */
int load_connect(struct load *l, unsigned sessions, const uint8_t client_secret[32]);
void load_run(struct load *l, struct load_result *out, const struct load_trial *trial);

/* Full check of what the arena holds: tag, shape, tree or inline bytes, compound hash, path, seal.
 */
struct load_verdicts {
	uint64_t checked, good, bad, incomplete, seals;
};
void load_check(struct load *l, struct load_verdicts *out);

#endif

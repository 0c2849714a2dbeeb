/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenger's side of a session, in bursts: for the stage bench and the load generator. A
 * request is a function of (seed, session, counter), so nothing has to be kept to check its answer
 * later.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/wire.h"
#include "crypto/noise.h"

struct bench_artifact {
	uint8_t key[32];
	uint64_t size;
};

/* What is asked. */
struct bench_plan {
	const struct bench_artifact *artifacts;
	uint32_t artifact_count;
	uint64_t seed;
	uint64_t epoch;
	uint8_t k;
	uint16_t range_length;
	bool tree;
};

struct bench_session {
	const char *account, *peer_account;
	uint8_t network_id[32];
	uint8_t secret[32];
	struct noise_self self;
	struct noise_peer peer;
	struct noise_initiator noise;
	struct noise_keys keys;
	uint32_t index;	       /* own */
	uint32_t remote_index; /* the responder's */
	uint64_t counter;      /* of the newest request */
	uint16_t in_flight_max;
	uint16_t limit;
	struct assay_hello hello; /* the newest, for cookies */
	bool open;
};

/* 0 or ASSAY_E_CRYPTO. */
int bench_session_init(struct bench_session *s, const uint8_t network_id[32], const char *account,
		       const uint8_t secret[32], const char *peer_account,
		       const uint8_t peer_key[33], uint32_t index);
/* A new HELLO with a fresh ephemeral key; cookie is NULL or 16 bytes. */
void bench_session_hello(struct bench_session *s, uint64_t wall_ns, const uint8_t *cookie);
/* 0 or a negative code; then the session is open. */
int bench_session_welcome(struct bench_session *s, const struct assay_welcome *welcome);

/* Body of a request (all but its head); returns the payload length. */
uint16_t bench_request(struct assay_prove *out, const struct bench_plan *plan, uint32_t session,
		       uint64_t counter);
#define BENCH_BURST_MAX 64
/* n requests into payloads (each with room for 268 bytes), tagged in lanes; counters rise. Returns
 * their length. */
uint16_t bench_requests(struct bench_session *s, uint8_t *const *payloads, unsigned n,
			const struct bench_plan *plan, uint32_t session);

#endif

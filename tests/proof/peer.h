/* SPDX-License-Identifier: Apache-2.0 */
/* An initiator for tests: opens a session to the node of world.h and asks; answers are judged by
 * the public checkers. */
#ifndef TESTS_PROOF_PEER_H
#define TESTS_PROOF_PEER_H

#include "assay/check.h"
#include "proof/world.h"

struct peer {
	struct world *world;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct view_peer *listed; /* as the node knows it */
	uint8_t secret[32];
	struct noise_self self;
	struct noise_peer noise;
	struct noise_initiator state;
	struct path path;
	uint32_t initiator; /* own index */
	uint64_t time_ns;   /* of the last HELLO */
	struct assay_hello hello;
	/* Of the session. */
	struct assay_welcome_payload welcome;
	struct noise_keys keys;
	uint64_t counter;
	struct assay_inbound inbound;
};

/* Makes a key and registers it; world_publish is the caller's. */
void peer_init(struct peer *p, struct world *w, const char *account, unsigned host);
/* A HELLO into p->hello; cookie NULL or 16 bytes. */
void peer_hello_make(struct peer *p, const uint8_t *cookie);
/* ... and sent to a worker. */
void peer_hello(struct peer *p, unsigned worker, const uint8_t *cookie);
/* Takes the WELCOME among what was sent; false when there is none for the last HELLO. */
bool peer_welcome(struct peer *p);
/* HELLO, WELCOME and a PING that confirms. */
bool peer_connect(struct peer *p, unsigned worker);
unsigned peer_worker(const struct peer *p);

/* A request of the session with the next counter and a good tag; returns its length. */
size_t peer_request(struct peer *p, uint8_t *payload, uint8_t type, const void *body, size_t len);
/* ... and sent to the session's worker; returns its counter. */
uint64_t peer_ask(struct peer *p, uint8_t type, const void *body, size_t len);
uint64_t peer_ping(struct peer *p);

/* Body of a PROVE; returns its length. Offsets are random. */
#define PEER_BODY_MAX (sizeof(struct assay_prove) - 32 + 8 * ASSAY_RANGES_MAX)
size_t peer_prove_body(struct peer *p, uint8_t body[PEER_BODY_MAX], const struct world_artifact *a,
		       unsigned k, unsigned length, unsigned flags);
/* Judges all that was sent to this peer as answers to a PROVE with that body and counter. */
enum assay_verdict peer_judge(struct peer *p, const uint8_t *body, size_t len, uint64_t counter,
			      struct assay_report *report);
/* READ of chunks with hashes, judged likewise. */
uint64_t peer_read(struct peer *p, const struct world_artifact *a, uint32_t first, unsigned count,
		   unsigned flags, uint64_t grant);
struct assay_read_result peer_judge_read(struct peer *p, const struct world_artifact *a,
					 uint32_t first, unsigned count, uint64_t counter);
/* A WRITE_DATA with a good tag (only: the chunk is the whole artifact), and sent. */
size_t peer_write_data(struct peer *p, uint8_t *payload, uint32_t transfer, uint32_t chunk,
		       const void *bytes, size_t len, bool only);
uint64_t peer_write(struct peer *p, uint32_t transfer, uint32_t chunk, const void *bytes,
		    size_t len, bool only);
uint64_t peer_write_open(struct peer *p, const uint8_t key[32], uint64_t size, uint64_t grant);
uint64_t peer_write_commit(struct peer *p, uint32_t transfer);
/* The answer to the request with that counter, under a good tag; false when there is none. */
bool peer_write_state(struct peer *p, uint64_t counter, struct assay_write_state *out);
/* Code of the REFUSED to that request; 0 when there is none. */
unsigned peer_refused_to(struct peer *p, uint64_t counter);
/* The RESULT for it, at most sizeof(struct assay_result) + CALL_BODY_MAX bytes; its length or 0. */
size_t peer_result(struct peer *p, uint64_t counter, void *out);
/* Code of the last REFUSED to this peer, with a good tag; 0 when there is none. */
unsigned peer_refused(struct peer *p, struct assay_refused *out);
/* Number of good PONGs to this peer. */
unsigned peer_pongs(struct peer *p);

#endif

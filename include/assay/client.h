/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client library: one session with one node over a UDP socket of its own, and calls that ask for
 * proofs and bytes and check every answer. Calls block until their deadline at most. One client
 * belongs to one thread. Functions return 0 or an error of assay/status.h; assay_client_why has the
 * sentence for people.
 */
#ifndef ASSAY_CLIENT_H
#define ASSAY_CLIENT_H

#include "assay/check.h"

struct assay_peer {
	const char *account;
	const char *address;	 /* "192.0.2.1:4600", "[2001:db8::1]:4600" */
	uint8_t session_key[33]; /* compressed */
	uint8_t identity[32];	 /* x-only: seals are checked against it */
};

struct assay_client_config {
	const char *account; /* ours: the challenger */
	uint8_t session_secret[32];
	uint8_t network_id[32];
	struct assay_peer peer;
	uint32_t answer_ms; /* longest wait for the answer to one request; 0: 30000 */
};

/* The network id of a network without a ledger: BLAKE3-256 of its name. */
void assay_network_id(uint8_t out[32], const char *name);
/* The session secret of a key file (mode 0600). why (may be NULL) gets a sentence when it fails. */
int assay_client_key(uint8_t session_secret[32], const char *path, char *why, size_t why_room);
/* Text of an artifact key to its 32 bytes: 64 hex digits or base58. 0 or INVAL. */
int assay_key_parse(uint8_t out[32], const char *text);

struct assay_client;
/* Makes the socket and the session. INVAL, TIMEOUT (no answer to any handshake), IO, NOMEM. On an
 * error why (may be NULL) gets a sentence. */
int assay_client_open(struct assay_client **out, const struct assay_client_config *config,
		      char *why, size_t why_room);
/* Tells the node, frees everything; NULL is allowed. */
void assay_client_close(struct assay_client *client);
/* What went wrong in the last call that failed. */
const char *assay_client_why(const struct assay_client *client);

struct assay_client_stats {
	uint64_t sent, sent_bytes, received, received_bytes;
	uint64_t repeats;    /* requests sent again */
	uint64_t handshakes; /* sessions opened */
	uint64_t hellos, cookies, resets;
	uint64_t drops[ASSAY_R_MAX]; /* datagrams that were dropped, by reason */
};
const struct assay_client_stats *assay_client_stats(const struct assay_client *client);

/* What the node granted for the session. */
struct assay_client_terms {
	uint32_t permissions; /* ASSAY_MAY_* */
	uint32_t rate_kib, burst_kib;
	uint16_t limit, in_flight, idle_s, life_s;
	uint64_t rtt_ns; /* smoothed */
};
void assay_client_terms(const struct assay_client *client, struct assay_client_terms *out);

/* Round trip of one PING. */
int assay_client_ping(struct assay_client *client, uint64_t *rtt_ns);

/* --- PROVE ---------------------------------------------------------------------------------- */
struct assay_prove_request {
	uint64_t epoch;
	uint8_t key[32];
	uint8_t derivation[32];
	uint64_t size; /* of the artifact, known beforehand */
	uint32_t ordinal;
	uint8_t class, bucket;
	uint8_t k;
	bool tree; /* without it the best verdict is PLAIN */
	uint16_t range_length;
	uint64_t offsets[ASSAY_RANGES_MAX];
	const struct assay_draw *draw; /* NULL: derivation and transcript are not checked */
};

struct assay_prove_result {
	struct assay_report report;
	int evidence_len; /* 0: no seal came */
	uint8_t evidence[ASSAY_EVIDENCE_MAX];
	uint64_t took_ns;
	unsigned asked;	   /* datagrams that asked: 1 + repeats */
	unsigned answered; /* good datagrams that came */
	uint64_t answered_bytes;
};

/*
 * Asks and checks. 0 whenever there is a verdict, INCOMPLETE after the deadline among them; an
 * error only when the question could not be asked (INVAL, RANGE, CORRUPT, NOMEM, or no session).
 * ranges (may be NULL) gets k * range_length bytes after PASS or PLAIN.
 */
int assay_client_prove(struct assay_client *client, struct assay_prove_result *result, void *ranges,
		       const struct assay_prove_request *request);

/* Called for each finished request in the order they finish; non-zero stops. */
typedef int (*assay_proved)(void *arg, size_t i, const struct assay_prove_result *result);
/* n requests, at most window of them (and what the node allows) in flight. What proved returned, or
 * as assay_client_prove. */
int assay_client_prove_many(struct assay_client *client, const struct assay_prove_request *list,
			    size_t n, unsigned window, assay_proved proved, void *arg);

/* --- READ ----------------------------------------------------------------------------------- */
/* Size of an artifact, proved by its last chunk. REFUSED: assay_client_why names the reason. */
int assay_client_size(struct assay_client *client, uint64_t *size, const uint8_t key[32]);

/* Bytes in order, from offset 0 to the end; non-zero stops the reading. */
typedef int (*assay_sink)(void *arg, uint64_t offset, const void *data, size_t len);
struct assay_read_stats {
	uint64_t size;
	uint64_t reads, repeats, halved; /* READs; sent again; windows halved */
	unsigned window_max;		 /* chunks */
};
/*
 * The whole artifact into sink, each chunk verified against the key before the sink sees it, in
 * constant memory. size may be ASSAY_SIZE_UNKNOWN. CORRUPT: the node sent bytes that are not the
 * artifact's. stats may be NULL.
 */
int assay_client_read(struct assay_client *client, struct assay_read_stats *stats,
		      const uint8_t key[32], uint64_t size, assay_sink sink, void *arg);

/* --- WRITE: an artifact to the node */
/*
 * What is pushed. The functions are called from within assay_client_push, assay_fleet_step and
 * assay_fleet_wait only.
 */
struct assay_push {
	uint8_t key[32];
	uint64_t size;
	uint64_t grant; /* 0: by permission */
	/* All of the len bytes from offset on; some of them again after a loss. Non-zero ends the
	 * push with that error. */
	int (*read)(void *arg, uint64_t offset, void *out, size_t len);
	/* Bytes that the node has so far; NULL is allowed. Non-zero cancels: CLOSED. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};
struct assay_push_stats {
	uint64_t size, done;
	uint64_t chunks, repeats, halved; /* WRITE_DATA; sent again; windows halved */
	unsigned opened;		  /* WRITE_OPENs: more than 1 when the node forgot */
	bool was_there;			  /* before anything was sent */
};
/*
 * 0 when the node has it durably, whoever sent it. A push that was interrupted goes on where it was
 * when it is called again within a minute. CORRUPT: the bytes are not those of the key; NOSPC: the
 * node has no room, or the account no quota, for it; REFUSED; TIMEOUT. stats may be NULL.
 */
int assay_client_push(struct assay_client *client, struct assay_push_stats *stats,
		      const struct assay_push *push);

/* --- CALL: a question to the node's control */
#define ASSAY_CALL_MAX 1344
struct assay_question {
	uint16_t method;
	uint8_t nonce[16]; /* the same for the same question, asked again; zero: a random one */
	const void *body;
	size_t len;
};
struct assay_reply {
	uint16_t status; /* docs/protocol.md, "CALL"; 0: the body is the method's answer */
	uint16_t len;
	uint8_t body[ASSAY_CALL_MAX];
};
/* 0 whenever the node answered, whatever it said; REFUSED, TIMEOUT, RANGE. */
int assay_client_call(struct assay_client *client, struct assay_reply *reply,
		      const struct assay_question *question);

/* --- many nodes at once */
/*
 * A fleet keeps sessions with many nodes in one thread: artifacts to push, to pull, and questions
 * are queued for a node, as many of them go on together as the node allows, and each ends with one
 * call of done. Nothing blocks but assay_fleet_wait. A session is opened when a node has something
 * to do; one that does not answer ends all that is queued for it with TIMEOUT.
 */
struct assay_fleet;
/* Of the config all but the peer counts. */
int assay_fleet_open(struct assay_fleet **out, const struct assay_client_config *config);
/* Everything under way ends with CLOSED; NULL is allowed. */
void assay_fleet_close(struct assay_fleet *fleet);
/* Number of the node, from 0 on; INVAL, IO (no socket), NOMEM or FULL (256 of them). */
int assay_fleet_add(struct assay_fleet *fleet, const struct assay_peer *peer);

/* How one of them ended; why is a sentence, valid during the call, "" when error is 0. */
typedef void (*assay_done)(void *arg, int error, const char *why);

struct assay_pull {
	uint8_t key[32];
	uint64_t size;	/* or ASSAY_SIZE_UNKNOWN */
	uint64_t grant; /* 0: by permission */
	/*
	 * The sink gets whatever bytes the node sends, of exactly that size, which must be known:
	 * for a caller who wants to know what it has, whether it is the key's or not.
	 */
	bool unchecked;
	assay_sink sink;
	void *arg; /* of the sink */
};

/*
 * What is pointed to must live until done is called, the structs themselves are copied, and so is
 * the body of a question. done may queue more. 0, INVAL (no such node), RANGE or NOMEM; then done
 * is not called.
 */
int assay_fleet_push(struct assay_fleet *fleet, unsigned node, const struct assay_push *push,
		     assay_done done, void *arg);
int assay_fleet_pull(struct assay_fleet *fleet, unsigned node, const struct assay_pull *pull,
		     assay_done done, void *arg);
/* reply is filled before done is called with 0. */
int assay_fleet_call(struct assay_fleet *fleet, unsigned node,
		     const struct assay_question *question, struct assay_reply *reply,
		     assay_done done, void *arg);
/* Ends what is under way with that node: CLOSED. */
void assay_fleet_cancel(struct assay_fleet *fleet, unsigned node);
/* How much is queued or under way: with one node, with all of them. */
unsigned assay_fleet_left(const struct assay_fleet *fleet, unsigned node);
unsigned assay_fleet_left_all(const struct assay_fleet *fleet);
/* NULL before there was a session with that node. */
const struct assay_client_stats *assay_fleet_stats(const struct assay_fleet *fleet, unsigned node);

/* For an event loop: readable when something has arrived. */
int assay_fleet_fd(const struct assay_fleet *fleet);
/*
 * Takes what has arrived, sends what is due. Returns when it wants to be called again even if
 * nothing arrives: ns of CLOCK_MONOTONIC, UINT64_MAX for never.
 */
uint64_t assay_fleet_step(struct assay_fleet *fleet);
/* The same, waiting for at most that long. */
void assay_fleet_wait(struct assay_fleet *fleet, uint32_t wait_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The association with one node: handshakes, their retries, and the newest session with the one
 * before it. It knows no requests: those are flight.h. Nothing here blocks; the owner of the socket
 * gives it datagrams and calls it when its timer is due.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include "assay/check.h"
#include "assay/client.h"
#include "base/seam.h"
#include "crypto/noise.h"

#define LINK_NS_PER_MS	1000000ull
#define LINK_NS_PER_S	1000000000ull
#define LINK_SENT_MARKS 8

/* When which counters were sent, by the second: whether a RESET can be believed. */
struct link_mark {
	uint64_t at_ns;
	uint64_t first;
};

struct link_session {
	uint32_t generation; /* 0: none */
	uint32_t remote_index;
	struct assay_inbound inbound;
	uint8_t k_i[32];
	uint64_t sent; /* last counter */
	bool lost;     /* a RESET says that the other side does not know it */
	struct assay_welcome_payload terms;
	uint64_t opened_ns, used_ns;
	struct link_mark mark[LINK_SENT_MARKS];
	unsigned mark_next;
};

enum link_state { LINK_DOWN, LINK_OPENING, LINK_UP };

/* What a datagram was. */
enum link_event {
	LINK_NOTHING,
	LINK_OPENED, /* there is a new session */
	LINK_ANSWER, /* it belongs to *session; tag and window are for the request to check */
};

struct link {
	struct net net;
	struct clock clock;
	struct random random;
	struct net_addr remote;
	char account[ASSAY_ACCOUNT_MAX + 1], peer_account[ASSAY_ACCOUNT_MAX + 1];
	uint8_t network_id[32], secret[32];
	struct noise_self self;
	struct noise_peer peer;

	struct link_session session[2]; /* the newest, and the one before it */
	uint32_t generation;

	bool opening;
	unsigned attempt; /* HELLOs since the start of this opening */
	bool cookie_used; /* one COOKIE per HELLO */
	uint64_t hello_due_ns, hello_ns;
	uint64_t hello_time_ns; /* of the newest HELLO; rises strictly */
	uint64_t reset_ns;	/* last handshake because of a RESET */
	uint64_t failed_ns;	/* last opening that failed; 0: none */
	struct noise_initiator initiator;
	struct assay_hello hello;
	uint8_t versions[2]; /* that the peer said it speaks; 0: it did not say */

	struct assay_client_stats stats;
	uint64_t rtt_ns;     /* smoothed; 0: unknown */
	uint64_t rtt_var_ns; /* how far off it was, smoothed */
};

/* 0 or INVAL (a key or an account is not valid). */
int link_init(struct link *l, const struct assay_client_config *config, const struct net *net,
	      const struct clock *clock, const struct random *random,
	      const struct net_addr *remote);
void link_wipe(struct link *l);

enum link_state link_state(const struct link *l);
/* Starts a handshake unless one is under way. */
void link_start(struct link *l);
/* Sends what is due; call when link_timer says so. */
void link_turn(struct link *l);
/* Monotonic time of the next turn; UINT64_MAX: none. */
uint64_t link_timer(const struct link *l);
enum link_event link_take(struct link *l, struct link_session **session,
			  const struct net_addr *from, const void *datagram, size_t len);

/*
 * Completes a request of len bytes (head, index, counter, general tag) in place and sends it in the
 * newest session. Its counter, or 0 when there is no session or the socket is full.
 */
uint64_t link_send(struct link *l, void *request, size_t len);
/* Likewise a WRITE_DATA, whose tag is over the value of its chunk. */
uint64_t link_send_chunk(struct link *l, void *request, size_t len, const uint8_t value[32]);
/* A request without repeat was answered after this time. */
void link_measured(struct link *l, uint64_t rtt_ns);
static inline uint64_t link_now(const struct link *l)
{
	return clock_mono(&l->clock);
}

#endif

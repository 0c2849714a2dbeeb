/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the responder: the sessions of a worker (session.c) and, over all workers, those of a
 * key (peers.c).
 */
#ifndef PROOF_SESSION_H
#define PROOF_SESSION_H

#include <stdatomic.h>

#include "proof/serve.h"
#include "proof/streams.h"

#define NS_PER_MS      1000000ull
#define NS_PER_S       1000000000ull

#define CONFIRM_NS_MAX (5 * NS_PER_S)  /* until the first good datagram of a new session */
#define LINGER_NS      (60 * NS_PER_S) /* a session past its life still knows that it was one */
#define INDEX_REST_NS  (60 * NS_PER_S)
#define HINTS_PER_S    100 /* RESET, and VERSION, per worker */

#define WINDOW_BITS    2048
#define WINDOW_WORDS   (WINDOW_BITS / 64)

/* One session, 9 lines: an odd number, so that equal parts of sessions spread over all cache sets.
 */
struct session {
	/* Looked at for every datagram. */
	_Alignas(64) uint32_t index; /* 0: none */
	uint32_t initiator;	     /* I's own index, which goes into answers */
	struct net_addr remote;
	uint16_t in_flight;
	uint8_t permissions;
	bool confirmed;
	bool closing; /* ends after this burst */
	uint8_t parked;
	uint64_t expires_ns; /* end of life */
	uint64_t used_ns;    /* last good datagram */
	uint64_t highest;    /* counter of I seen with a good tag */
	uint64_t busy_ns;    /* last REFUSED(busy) for `rate` */
	/* Keys. */
	_Alignas(64) struct noise_keys keys;
	/* Used by requests. */
	_Alignas(64) uint8_t pair[32];
	uint64_t sent;	    /* last counter of R */
	uint64_t tokens;    /* bytes << 32 */
	uint64_t filled_ns; /* when tokens were last added */
	uint64_t rate;	    /* (bytes << 32) per ns */
	/* The rest. */
	_Alignas(64) uint64_t burst; /* bytes << 32 */
	uint64_t idle_ns, opened_ns, listed_ns;
	uint64_t received, answered;
	uint32_t peer_slot;
	uint16_t in_flight_max;
	uint8_t place; /* in the row of its key in struct peer_sessions */
	uint8_t calls; /* on their way to control */
	uint8_t hint[16];
	_Alignas(64) uint64_t window[WINDOW_WORDS];
};

static_assert(sizeof(struct session) == 9 * 64, "");

/* Random parts of indices a slot used in this minute and in the one before. */
struct index_history {
	uint64_t minute;
	uint64_t used[2][4];
};

/* What makes a session. */
struct session_terms {
	uint32_t index;	    /* reserved */
	uint32_t initiator; /* I's index */
	const struct noise_keys *keys;
	const struct net_addr *remote;
};

/* A free slot and an index for it that rested; 0 when the table is full. */
uint32_t session_reserve(struct serve *s);
/* Gives back a reserved index that was not installed. */
void session_unreserve(struct serve *s, uint32_t index);
/* Makes the session of a listed index (peers_claim); NULL when another one has replaced it. */
struct session *session_install(struct serve *s, const struct view_peer *peer,
				const struct session_terms *terms);
void session_end(struct serve *s, struct session *session);
/* The session with that index, or NULL. */
struct session *session_find(struct serve *s, uint32_t index);
/* Ends it when the burst is done: until then its keys are needed for answers. */
void session_close_later(struct serve *s, struct session *session);
void session_close_now(struct serve *s);
/* A good datagram came: marks use. */
void session_used(struct serve *s, struct session *session);
bool session_expired(const struct session *session, uint64_t now);
/* Takes the cost in bytes; false when the bucket has less, *wait_ms is then when it will. */
bool session_pay(struct session *session, uint64_t now, uint64_t bytes, uint32_t *wait_ms);
/* Looks a counter up in the window: NONE, REPLAY_OLD or REPLAY_SEEN. */
enum assay_reason window_check(const struct session *session, uint64_t counter);
void window_mark(struct session *session, uint64_t counter);
/* Ends what is past its life or no longer listed, bit by bit. */
void session_sweep(struct serve *s);
void session_new_view(struct serve *s);

/* --- sessions of a key over all workers --- */

struct peer_row {
	/*
	 * index << 32 | confirmed << 31 | last use in units of 100 ms; 0: free. Added by the
	 * handshake worker, changed and removed by the session's worker.
	 */
	_Atomic uint64_t entry[PEER_SESSIONS_MAX];
	/* The rest: handshake worker only. */
	uint8_t hint[16];  /* whose row this is */
	uint64_t hello_ns; /* time of the last accepted HELLO */
	uint64_t next_ns;  /* rate of HELLOs: theoretical time of arrival */
};

struct peer_sessions {
	struct peer_row row[VIEW_PEERS_MAX];
	struct streams streams;
	_Atomic uint32_t hellos;	   /* HELLOs queued or worked on; any worker */
	_Atomic uint64_t cookies_until_ns; /* any worker */
};

/* Lists a new session of the key; replaced gets the indices of those that made room. */
unsigned peers_claim(struct peer_sessions *p, uint32_t slot, uint32_t limit, uint32_t index,
		     uint64_t now, uint32_t replaced[PEER_SESSIONS_MAX]);
/* Place of a listed index in its row, or -1. */
int peers_place(struct peer_sessions *p, uint32_t slot, uint32_t index);
bool peers_listed(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index);
/* Tells that the session was used; false when it is no longer listed. */
bool peers_touch(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index,
		 bool confirmed, uint64_t now);
void peers_release(struct peer_sessions *p, uint32_t slot, unsigned place, uint32_t index);

/* At most 100 in any second. */
struct limiter {
	unsigned next;
	uint64_t at[HINTS_PER_S]; /* 0: never */
};
bool limiter_allow(struct limiter *l, uint64_t now);

#endif

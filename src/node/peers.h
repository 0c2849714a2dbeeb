/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions with the nodes of the registry, many at once: challenges, reads and port probes are
 * started, and end as events. A challenge passes only when tree and seal verify. Nothing blocks:
 * whoever runs it waits until a socket is readable or the time that peers_turn named has come.
 */
#ifndef NODE_PEERS_H
#define NODE_PEERS_H

#include "base/log.h"
#include "base/seam.h"
#include "node/effect.h"
#include "node/own_artifacts.h"

/* What the parts ask of other nodes; outcomes come as events with the cookie, never from here. */
struct peer_port {
	void (*ask)(void *ctx, uint64_t cookie, const char *account, const struct question *q,
		    uint64_t deadline_ns);
	/* account may be this node's: then its own store is read. */
	void (*fetch)(void *ctx, uint64_t cookie, const char *account, const uint8_t key[32],
		      uint64_t size_max, uint64_t deadline_ns);
	void (*size)(void *ctx, uint64_t cookie, const char *account, const uint8_t key[32],
		     uint64_t deadline_ns);
	void (*probe)(void *ctx, uint64_t cookie, const char *account, uint16_t port,
		      uint64_t deadline_ns);
	void *ctx;
};
/* Carries out an effect that is for other nodes; false for the others. */
bool peer_port_carry(const struct peer_port *port, const struct effect *effect);

/* --- the real one */

struct peer_facts {
	char address[256]; /* "192.0.2.1:4600" and what may follow a comma */
	uint8_t session_key[33], identity[32];
};
/* Who a node is, by the registry; false when there is none of that name. */
struct peer_book {
	bool (*find)(void *ctx, struct peer_facts *out, const char *account);
	void *ctx;
};

/* A datagram socket for one node, and TCP connections of probes. */
struct peer_sockets {
	int (*open)(void *ctx, struct net *out, const struct net_addr *remote);
	void (*close)(void *ctx, struct net *net);
	/*
	 * Begins to connect: AGAIN, and `probed` is asked about the handle until it says other
	 * than AGAIN; 0 when *state is known at once. NULL: nobody can be probed.
	 */
	int (*probe)(void *ctx, int *handle, enum port_state *state, const struct net_addr *to);
	int (*probed)(void *ctx, enum port_state *state, int handle);
	void (*probe_close)(void *ctx, int handle);
	void *ctx;
};

struct peers_config {
	char account[ACCOUNT_ROOM];
	uint8_t session_secret[32], network_id[32];
	struct peer_book book;
	struct peer_sockets sockets;
	struct own_artifacts own; /* calls may be NULL: nothing is there */
	struct clock clock;
	struct random random;
	struct log log;
	unsigned sessions_max; /* open at once; 0: 64. Idle ones go first */
};

struct peers;
struct peers *peers_new(const struct peers_config *config);
void peers_free(struct peers *p);
struct peer_port peers_port(struct peers *p);

/* Takes what has arrived, sends what is due. Monotonic time at which it wants the next turn, even
 * when nothing arrives. */
uint64_t peers_turn(struct peers *p);
/* The next outcome; false when there is none. Its data is valid until the next call. */
bool peers_next(struct peers *p, struct node_event *out);
/* Open sessions, for metrics. */
unsigned peers_sessions(const struct peers *p);

/*
 * Real sockets. `fd` of it is readable when any of them is: the one descriptor for an event loop.
 */
struct real_sockets;
int real_sockets_new(struct real_sockets **out);
void real_sockets_free(struct real_sockets *s);
int real_sockets_fd(const struct real_sockets *s);
struct peer_sockets real_sockets_seam(struct real_sockets *s);

#endif

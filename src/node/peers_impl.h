/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the sessions: nodes, and the tasks that are under way with them. */
#ifndef NODE_PEERS_IMPL_H
#define NODE_PEERS_IMPL_H

#include "client/steps.h"
#include "crypto/sign.h"
#include "node/peers.h"

struct peer {
	char account[ACCOUNT_ROOM];
	struct peer_facts facts; /* as they were when it was opened */
	struct assay_client *client;
	uint64_t used_ns; /* by a task */
};

/* One thing asked of one node. */
struct peer_task {
	struct peer_task *next;
	enum event_kind kind; /* of its outcome */
	uint64_t cookie, deadline_ns;
	char account[ACCOUNT_ROOM];
	bool self, begun;
	struct peer *peer; /* NULL: none is needed or there */
	uint64_t sent_before;

	struct question question; /* ASKED */
	struct assay_draw draw;
	struct proving *proving;
	uint8_t key[32]; /* FETCHED, SIZED */
	uint64_t size_max;
	struct sizing *sizing;
	struct reading *reading;
	uint8_t *data;
	size_t len;
	uint16_t port; /* PROBED */
	int probe;     /* handle; -1: none */

	struct node_event outcome; /* of a task that has ended */
};

struct peers {
	struct peers_config config;
	struct peer **peer;
	unsigned n;
	struct peer_task *tasks, *finished; /* in the order they came */
	struct peer_task *given;	    /* the outcome that was handed out last */
};

void peer_task_append(struct peer_task **list, struct peer_task *t);
struct peer_task *peer_task_take(struct peer_task **list, struct peer_task *t);
void peer_task_free(struct peers *p, struct peer_task *t);

/* First steps; false when the task has ended with them. */
bool peer_task_begin(struct peers *p, struct peer_task *t);
bool peer_task_own(struct peers *p, struct peer_task *t);
bool peer_task_probe(struct peers *p, struct peer_task *t);
/* As far as it goes now; false when it has ended. */
bool peer_task_step(struct peers *p, struct peer_task *t, uint64_t now);
/* The outcome of a task whose node cannot be asked. why is static. */
void peer_task_end(struct peer_task *t, const char *why);
/* Gives back what it holds of its session; its outcome stays. */
void peer_task_stop(struct peers *p, struct peer_task *t);

/* The first part of a registry address. */
bool peer_address(struct net_addr *out, const char *address);

#endif

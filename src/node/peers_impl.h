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
struct task {
	struct task *next;
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
	struct task *tasks, *finished; /* in the order they came */
	struct task *given;	       /* the outcome that was handed out last */
};

void task_append(struct task **list, struct task *t);
struct task *task_take(struct task **list, struct task *t);
void task_free(struct peers *p, struct task *t);

/* First steps; false when the task has ended with them. */
bool task_begin(struct peers *p, struct task *t);
bool task_own(struct peers *p, struct task *t);
bool task_probe(struct peers *p, struct task *t);
/* As far as it goes now; false when it has ended. */
bool task_step(struct peers *p, struct task *t, uint64_t now);
/* The outcome of a task whose node cannot be asked. why is static. */
void task_end(struct task *t, const char *why);
/* Gives back what it holds of its session; its outcome stays. */
void task_stop(struct peers *p, struct task *t);

/* The first part of a registry address. */
bool peer_address(struct net_addr *out, const char *address);

#endif

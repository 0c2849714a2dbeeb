/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a fleet; tests give it simulated seams. */
#ifndef CLIENT_FLEET_H
#define CLIENT_FLEET_H

#include <sys/queue.h>

#include "client/push.h"
#include "client/steps.h"

#define FLEET_NODES_MAX 256
#define FLEET_PUSHES	24 /* of a node at once ... */
#define FLEET_OPEN	4  /* ... of which the node lets so many be open */
#define FLEET_PULLS	6
#define FLEET_CALLS	2

enum task_kind { TASK_PUSH, TASK_PULL, TASK_CALL, TASK_KINDS };

struct task {
	TAILQ_ENTRY(task) entry;
	enum task_kind kind;
	assay_done done;
	void *arg;
	unsigned round; /* of steps, the last one */
	union {
		struct {
			struct assay_push params;
			struct push *push;
		};
		struct {
			struct assay_pull pull;
			struct sizing *sizing;
			struct reading *reading;
		};
		struct {
			struct assay_question question;
			struct assay_reply *reply;
			struct calling *calling;
		};
	};
	uint8_t body[]; /* of a question */
};
TAILQ_HEAD(task_list, task);

struct fleet_node {
	struct assay_client *client;
	struct sender *sender;
	struct task_list waiting[TASK_KINDS], active;
	unsigned active_count[TASK_KINDS];
	unsigned round;
	unsigned left;
};

/* The sockets; each fleet has its own. */
struct fleet_sockets {
	int (*open)(void *ctx, struct net *out, const struct net_addr *remote);
	void (*close)(void *ctx, struct net *net);
	void *ctx;
};

struct assay_fleet {
	struct assay_client_config config;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct fleet_sockets sockets;
	struct clock clock;
	struct random random;
	struct fleet_node *node[FLEET_NODES_MAX];
	unsigned nodes, left;
	int epoll; /* -1: simulated */
};

int fleet_open_over(struct assay_fleet **out, const struct assay_client_config *config,
		    const struct fleet_sockets *sockets, const struct clock *clock,
		    const struct random *random);

/* fleet_task.c: one task, of a node whose session is there or on its way. */
/* Begins with it; 0 or an error, told by assay_client_why. */
int task_start(struct fleet_node *n, struct task *t);
/* AGAIN while it goes on, at *due_ns even if nothing arrives. */
int task_step(struct fleet_node *n, struct task *t, uint64_t *due_ns);
/* Lets go of the requests. */
void task_stop(struct task *t);

#endif

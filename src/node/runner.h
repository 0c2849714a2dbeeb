/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node does in every epoch, in one place: challenges, report, rechecks, ticks, presence. The
 * daemon and the simulator run this same code:
 *
 *   event -> runner_step -> effects -> (outbox, peers) -> outcomes -> events ...
 *
 * One thread. The ledger's copy changes between two steps only.
 */
#ifndef NODE_RUNNER_H
#define NODE_RUNNER_H

#include "node/report.h"
#include "node/reveal.h"
#include "node/settings.h"

struct runner_config {
	char account[ACCOUNT_ROOM];
	struct ledger_view ledger;
	struct signer signer;
	struct log log;
	struct settings settings;
	struct local *local;   /* of the node's database */
	struct reveal *reveal; /* NULL: this node never ticks */
	char boot[33];	       /* of this process: 16 random bytes, hex */
	struct heal_port heal; /* begin NULL: healing is off */
	struct failpoints failpoints;
	unsigned heal_folders; /* of staging that were there at the start */
};

struct runner;
/* What config points to outlives it. */
struct runner *runner_new(const struct runner_config *config);
void runner_free(struct runner *r);

/* Appends to out what is to be done; RESOLVE is never among it. */
void runner_step(struct runner *r, const struct node_event *event, struct moment now,
		 struct effects *out);
/* Monotonic time of the next EVENT_TURN that is wanted. */
uint64_t runner_due(struct runner *r, struct moment now);

/* For the report; may be told as often as it changes. */
void runner_host(struct runner *r, const struct host_facts *host);
/* The copy of the ledger is another one from now on. */
void runner_replaced(struct runner *r, const struct ledger_view *ledger);
/*
 * After EVENT_STOP: true when nothing of what was sent waits for its verdict, or 2 s are over, and
 * no heal is at work, or 30 s are over. Then the store may be closed.
 */
bool runner_stopped(const struct runner *r, struct moment now);

const struct counters *runner_counters(const struct runner *r);
/* NULL when healing is off. */
const struct heal *runner_heal(const struct runner *r);
/* Where the epoch stands, for the operator. */
struct runner_status {
	bool any_epoch;
	uint64_t epoch, height, start, end;
	const char *report;	      /* "waiting", "probing", "sent", "over" */
	size_t targets, slots_filled; /* of 2 * targets */
	size_t rechecks;	      /* under way */
	bool caught_up;
};
void runner_status(const struct runner *r, struct runner_status *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of healing's long work (node/heal_port.h): orders are prepared from the node's
 * copy of the ledger, done on a few threads (control/heal_work.h) and on the store's, and told
 * back. All of it belongs to the control thread.
 */
#ifndef CONTROL_HEALS_H
#define CONTROL_HEALS_H

#include "base/failpoint.h"
#include "control/app.h"
#include "node/heal_port.h"

struct heals_config {
	struct app *app; /* its store and its codec workers are there from heals_follow on */
	struct state *(*state)(void *ctx); /* the node's copy of the ledger */
	void *ctx;
	const char *root;	    /* of the staging folders */
	uint64_t reconstructed_max; /* octets that HASH reads at most */
	unsigned works; /* that are under way at once, by their permits; 0: 8, the standard ones */
	struct failpoints failpoints;
	/* 0: the standard values. How long a node may take to answer one request, and what a
	 * placement waits before its second attempt, twice before the third, ... */
	uint32_t answer_ms, pause_ms;
	unsigned share_batch; /* artifacts that the store's thread takes at once; 0: 64 */
};

struct heals;
int heals_new(struct heals **out, const struct heals_config *config);
struct heal_port heals_port(struct heals *h);
/* Readable when there may be an outcome. */
int heals_fd(const struct heals *h);
/* The store runs: what was kept at the start is readable by grant, and nothing else that was staged
 * before. */
void heals_follow(struct heals *h);
/*
 * Ends all work and waits for it; whatever is begun afterwards is CLOSED. Before the store closes:
 * nothing of a heal reaches it any more.
 */
void heals_stop(struct heals *h);
/* Once the store's thread has ended. NULL is allowed. */
void heals_free(struct heals *h);

#endif

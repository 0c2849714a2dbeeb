/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes artifacts that no ticket places on this node any more (docs/ledger.md, "Garbage"). The
 * control thread reads the ledger in small steps, the store thread reads layouts and removes;
 * node/garbage.h decides.
 */
#ifndef CONTROL_GARBAGE_H
#define CONTROL_GARBAGE_H

#include "base/seam.h"
#include "base/log.h"
#include "control/store_thread.h"
#include "ledger/state.h"

struct garbage_config {
	const char *self; /* account; this and the pointers below outlive it */
	struct store *store;
	const struct clock *clock;
	struct log log;
	/* The node's copy of the ledger; NULL while it is not known to be current. */
	struct state *(*state)(void *ctx);
	/* Gives a task to the store thread. */
	void (*submit)(void *ctx, struct store_task *task);
	void *ctx;
};

struct garbage_stats {
	uint64_t tickets, artifacts; /* that the ledger places here, as far as they are known */
	uint64_t unresolved;	     /* tickets whose keys are not known: nothing is removed */
	uint64_t sweeps, looked_at;
	uint64_t removed, removed_bytes;
};

struct garbage_keeper;
/* Answers the store's questions from now on. NULL when out of memory. */
struct garbage_keeper *garbage_start(const struct garbage_config *config);
/* The store asks no more; what the store thread still has frees itself. */
void garbage_stop(struct garbage_keeper *k);
/* A ticket was recorded, placed anew or closed. */
void garbage_changed(struct garbage_keeper *k, const char *ticket);
/* Does a little of what is due; to be called about once a second. */
void garbage_turn(struct garbage_keeper *k);
struct garbage_stats garbage_stats(struct garbage_keeper *k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grace periods: memory that workers may still look at is freed when every one of them has passed
 * through a quiescent state since (DPDK's QSBR). Workers report, control defers and collects.
 */
#ifndef DPDK_GRACE_H
#define DPDK_GRACE_H

#include <pthread.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "store/store.h"

struct grace_entry;

struct grace_state {
	struct rte_rcu_qsbr *qsbr;
	pthread_mutex_t lock; /* of the list; workers never take it */
	struct grace_entry *first, **last;
	bool has_workers; /* without them nobody needs to be waited for */
};

/* 0 or NOMEM. */
int grace_open(struct grace_state *g, unsigned workers);
/* No worker runs any more: releases all. */
void grace_close(struct grace_state *g);
struct grace grace_of(struct grace_state *g);
/* Releases what no worker can see any more. Any thread but a worker. */
void grace_collect(struct grace_state *g);

/* Workers run from here on; after grace_alone none does any more, and all is released. */
void grace_with_workers(struct grace_state *g);
void grace_alone(struct grace_state *g);

/* A worker. Between online and offline it holds pointers, except while it reports. */
void grace_online(struct grace_state *g, unsigned worker);
void grace_offline(struct grace_state *g, unsigned worker);
static inline void grace_report(struct grace_state *g, unsigned worker)
{
	rte_rcu_qsbr_quiescent(g->qsbr, worker);
}

#endif

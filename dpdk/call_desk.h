/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CALLs on their way from the workers to control: a ring, and an eventfd that control's loop waits
 * for. Answers go back by the worker's own ring.
 */
#ifndef DPDK_CALL_DESK_H
#define DPDK_CALL_DESK_H

#include <rte_ring.h>

#include "proof/handed.h"

struct call_desk {
	struct rte_ring *waiting; /* workers in, control out */
	int fd;
};

/* For so many workers; 0 or NOMEM. */
int call_desk_open(struct call_desk *d, unsigned workers);
void call_desk_close(struct call_desk *d);
/* A worker's; false when the ring is full. */
bool call_desk_put(struct call_desk *d, struct call_job *job);
/* Control's: the next one, or NULL. The eventfd is reset when there is none. */
struct call_job *call_desk_take(struct call_desk *d);

#endif

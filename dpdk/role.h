/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker does besides serving: work that waits in a queue and is done in slices. After a
 * turn in which nothing came, and at least every ROLE_APART_NS, a worker gives one slice to one of
 * its roles, in turn, so that a datagram waits for no more than one. Whoever puts something in a
 * role's queue calls worker_wake.
 */
#ifndef DPDK_ROLE_H
#define DPDK_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#define ROLES_MAX     4	     /* of one worker */
#define ROLE_SLICE_NS 50000  /* budget of a slice */
#define ROLE_APART_NS 500000 /* between slices, however busy the worker is with serving */

struct role {
	/*
	 * Works for budget_ns or a little more; false when there was nothing to do, and nothing is
	 * in progress. now_ns is the time of the turn: who measures a slice reads the clock.
	 */
	bool (*slice)(void *ctx, uint64_t now_ns, uint64_t budget_ns);
	void *ctx;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that one thread leaves to others: a computation in memory that stops and goes on, done in
 * slices by whoever takes it (a worker between two turns of serving) and handed back finished. It
 * never reads or writes a file, allocates or waits; its owner does that before and after.
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/seam.h"

struct task {
	/* Set by the owner; the task is the pool's from submit until it comes back. */
	/* 0 when done, ASSAY_E_AGAIN when the budget is spent, else an error. A unit of budget is 2
	 * to 5 ns; going over by some 10 us does no harm. */
	int (*run)(void *ctx, uint64_t budget);
	void *ctx;
	const _Atomic bool *cancel; /* anybody may set it; the task then ends with CLOSED */
	/* Set by who ran it, before it goes back. */
	int result;
};

/* Works on the task for about budget_ns. True when it is finished. */
bool task_slice(struct task *t, const struct clock *clock, uint64_t budget_ns);

/* Who runs tasks: the workers of a node, the calling thread, a test. */
struct task_pool {
	/* False when no slot is free: the task waits with its owner. */
	bool (*submit)(void *ctx, struct task *t);
	/* A finished task, or NULL; when wait is set it may first wait a while for one. One thread
	 * at a time. */
	struct task *(*take)(void *ctx, bool wait);
	unsigned workers; /* how many tasks can run at once; 0: there is no pool */
	void *ctx;
};

/* The calling thread does the work, when it waits for it. */
#define TASK_INLINE_SLOTS 8
struct task_inline {
	struct task *task[TASK_INLINE_SLOTS];
	unsigned first, count;
};
struct task_pool task_pool_inline(struct task_inline *state);

#endif

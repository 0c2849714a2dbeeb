/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RaptorQ work between a thread that codes files and the workers with the role codec: a fixed
 * number of slots, and a lockless ring each way. A worker has one task at a time and works on it in
 * slices; several have tasks of the same job. Without EAL too, for the bench and the tests.
 */
#ifndef DPDK_ROLE_CODEC_H
#define DPDK_ROLE_CODEC_H

#include "base/task.h"
#include "dpdk/role.h"

#define CODEC_SLOTS 64

struct codec_desk;

/* wake is called after a task was put in; NULL for nobody. NULL when out of memory. */
struct codec_desk *codec_desk_new(void (*wake)(void *ctx), void *ctx);
/* No task is in it any more. */
void codec_desk_free(struct codec_desk *d);

/* The pool's functions, ctx is the desk; one thread takes. */
bool codec_submit(void *desk, struct task *t);
struct task *codec_take(void *desk, bool wait);

/* A worker's side. NULL when out of memory; freed with the desk. */
struct codec_worker *codec_worker_new(struct codec_desk *d, const struct clock *clock);
struct role codec_role(struct codec_worker *w);

#endif

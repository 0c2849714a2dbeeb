/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures between whoever wants them verified and the workers with the role verify: a fixed
 * number of slots, and lockless rings that pass them round. Any thread submits; each worker takes
 * as much as waits; one thread, control's, collects the verdicts. Without EAL too, for the bench
 * and the tests.
 */
#ifndef DPDK_VERIFY_H
#define DPDK_VERIFY_H

#include "crypto/schnorr/verifier.h"
#include "dpdk/role.h"

#define VERIFY_SLOTS 4096

struct verify_desk;

/* wake is called after so many jobs were put in; NULL for nobody. NULL when out of memory. */
struct verify_desk *verify_desk_new(void (*wake)(void *ctx, unsigned jobs), void *ctx);
/* Jobs that have no verdict yet are dropped. */
void verify_desk_free(struct verify_desk *d);

/* Takes the first jobs there are slots for; returns how many. Any thread. */
unsigned verify_submit(struct verify_desk *d, const struct verify_job *jobs, unsigned n);
/* Calls done of every job that has a verdict; returns how many. One thread. */
unsigned verify_collect(struct verify_desk *d);
/* An eventfd that is readable when there is something to collect. */
int verify_fd(const struct verify_desk *d);
/* Every slot is free. */
bool verify_idle(const struct verify_desk *d);

/* A worker's side. NULL when out of memory. */
struct verifier *verify_worker(struct verify_desk *d, const struct random *random);
struct role verify_role(struct verifier *v);

#endif

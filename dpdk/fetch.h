/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fetch role: a thread that reads cold artifacts for the workers, and writes what peers push,
 * in batches, and sleeps otherwise. It runs on control's CPU, or on those of workers with the role
 * fetch. Being awake from time to time, it also frees what a grace period has released.
 */
#ifndef DPDK_FETCH_H
#define DPDK_FETCH_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <rte_ring.h>

#include "dpdk/grace.h"
#include "proof/artifact.h"
#include "proof/handed.h"

#define FETCH_BATCH 32

struct workers;

struct fetch {
	struct rte_ring *jobs;	 /* many workers in, the thread out */
	struct rte_ring *writes; /* likewise: struct write_job * */
	struct store *store;
	struct store_reader *reader;
	struct workers *workers;
	struct grace_state *grace;
	pthread_t thread;
	bool running;
	int wake_fd;
	_Atomic bool sleeping; /* the thread writes, workers read */
	_Atomic bool stop;
};

/* cpus is NULL for those of the calling thread. 0 or a negative code. */
int fetch_start(struct fetch *f, struct store *store, struct workers *workers,
		const cpu_set_t *cpus);
void fetch_stop(struct fetch *f);
/* A worker's; false when the ring is full. */
bool fetch_submit(struct fetch *f, struct fetch_job *job);
bool fetch_write(struct fetch *f, struct write_job *job);

#endif

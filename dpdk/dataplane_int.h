/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the data plane: what dataplane.c, calls.c and telemetry.c share. */
#ifndef DPDK_DATAPLANE_INT_H
#define DPDK_DATAPLANE_INT_H

#include <pthread.h>

#include "dpdk/dataplane.h"
#include "dpdk/fetch.h"
#include "dpdk/grace.h"
#include "dpdk/worker.h"

struct dataplane {
	struct dataplane_config config;
	struct placement placement;
	struct grace_state grace;
	struct peer_sessions *peer_sessions;
	struct fetch fetch;
	struct call_desk calls;
	struct workers workers;
	pthread_mutex_t ask_lock; /* one question at a time */
	bool running;		  /* workers are */
};

/* Whole counters of the engine, each read at once. */
void calls_worker(struct worker *w, struct plane_worker *out);

/* /assay/... of DPDK's telemetry; NULL ends it: no question is answered from then on. */
void telemetry_start(struct dataplane *d);
void telemetry_stop(void);

#endif

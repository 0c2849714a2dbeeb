/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data plane of a node: EAL, ports, workers and the fetch role, as main.c starts and stops
 * them. Shows no DPDK.
 */
#ifndef DPDK_DATAPLANE_H
#define DPDK_DATAPLANE_H

#include "dpdk/eal.h"
#include "dpdk/finding.h"
#include "dpdk/placement.h"
#include "dpdk/ports.h"
#include "proof/plane.h"
#include "store/store.h"

enum dataplane_idle { IDLE_ADAPTIVE, IDLE_BUSY, IDLE_INTERRUPT };
enum dataplane_hugepages { HUGEPAGES_AUTO, HUGEPAGES_REQUIRE, HUGEPAGES_OFF };

struct dataplane_config {
	struct placement_config placement; /* its devices are those of the ports */
	struct port_config port[PORTS_MAX];
	unsigned ports;
	uint16_t payload_max;
	enum dataplane_idle idle;
	enum dataplane_hugepages hugepages;
	unsigned memory_mib;
	uint64_t resident_bytes; /* artifacts in memory */
	char run_dir[128];
	char file_prefix[80];
	const struct log *log;
	const struct clock *clock;
	const struct random *random;
};

struct dataplane;

/* Placement, preflight and EAL. 0, or a negative code and trouble. */
int dataplane_open(struct dataplane **out, const struct dataplane_config *config,
		   struct finding *trouble);
void dataplane_close(struct dataplane *d);
/* For the store, which opens between dataplane_open and dataplane_start. */
struct grace dataplane_grace(struct dataplane *d);
struct store_memory dataplane_memory(struct dataplane *d);

/* Ports, workers and the fetch role; they serve from the first published snapshot on. */
int dataplane_start(struct dataplane *d, const struct node_self *self, struct store *store,
		    const struct artifact_source *artifacts, struct finding *trouble);
/* Ends the workers; what they had in progress is dropped. */
void dataplane_stop(struct dataplane *d);
/* What stands in the way of this config on this machine; nothing is started. Returns how many. */
unsigned dataplane_doctor(const struct dataplane_config *config, struct plane_check *out,
			  unsigned room);
/* What control calls. */
struct plane dataplane_calls(struct dataplane *d);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPU does what. The default plan takes the CPUs the process may use, one hardware thread a
 * core: the first core is control's, the others are workers, those next to the NICs first. Every
 * CPU gets a row that says why.
 */
#ifndef DPDK_PLACEMENT_H
#define DPDK_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dpdk/finding.h"
#include "proof/plane.h"

#define PLACEMENT_ROWS_MAX     256
#define PLACEMENT_WARNINGS_MAX 16
#define PLACEMENT_DEVICES_MAX  16

/* Roles of a worker, a set. */
enum { ROLE_SERVE = 1, ROLE_VERIFY = 2, ROLE_CODEC = 4, ROLE_FETCH = 8 };

struct placement_config {
	unsigned workers; /* wanted; 0: as many as there are cores beside control's */
	unsigned cpus;	  /* > 0: the CPU of each worker, in order */
	uint16_t cpu[SERVE_WORKERS_MAX];
	int control_cpu; /* -1: the plan decides */
	unsigned roles;	 /* > 0: roles of the first workers, in order; the others have all */
	uint8_t role[SERVE_WORKERS_MAX];
	/* Devices whose NUMA node counts: PCI addresses or names of network interfaces. */
	const char *devices[PLACEMENT_DEVICES_MAX];
	unsigned device_count;
	/* Tests: a synthetic topology of hwloc instead of this machine. */
	const char *synthetic;
};

struct placement {
	unsigned control_cpu;
	unsigned workers;
	struct {
		unsigned cpu;
		int numa; /* -1 when unknown */
		uint8_t roles;
	} worker[SERVE_WORKERS_MAX];
	bool shared; /* control and a worker have the same CPU */
	unsigned rows;
	struct plane_row row[PLACEMENT_ROWS_MAX];
	unsigned warnings;
	struct finding warning[PLACEMENT_WARNINGS_MAX];
};

/* 0, or a negative code and trouble says what to change. */
int placement_plan(struct placement *out, const struct placement_config *config,
		   struct finding *trouble);

/* "serve verify codec" and so on. */
void placement_roles_text(char *out, size_t room, uint8_t roles);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine lacks, found before DPDK starts: each finding says what is wrong and the
 * command that fixes it. Also behind `assayd --doctor`.
 */
#ifndef DPDK_PREFLIGHT_H
#define DPDK_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "dpdk/dataplane.h"
#include "dpdk/device.h"
#include "dpdk/finding.h"

#define PREFLIGHT_MAX 64

struct ifaddrs;

/* The machine; zero stands for the real one. Tests give a folder that looks like one. */
struct preflight_host {
	const char *root; /* before /sys, /proc and /dev; "" */
	const char *pmd_dir;
	const struct ifaddrs *addresses; /* NULL: ask the kernel */
	uint64_t memlock;		 /* 0: ask the kernel */
	bool hugepages_taken;		 /* this process has them already */
};

struct preflight {
	bool hugepages; /* enough are there, and wanted */
	unsigned count;
	struct finding finding[PREFLIGHT_MAX];
};

void preflight_run(struct preflight *out, const struct dataplane_config *config,
		   const struct preflight_host *host);
/* The first finding that blocks, or NULL. */
const struct finding *preflight_blocker(const struct preflight *p);

/* --- inside: preflight.c, preflight_ports.c ----------------------------------------------------
 */

/* linux/capability.h */
enum { BIT_NET_ADMIN = 12, BIT_NET_RAW = 13, BIT_SYS_ADMIN = 21, BIT_BPF = 39 };

struct preflight_run {
	struct preflight *out;
	const struct dataplane_config *config;
	const struct preflight_host *host;
	uint64_t capabilities;
	const struct ifaddrs *addresses;
	unsigned pci; /* ports on PCI devices */
};

/* The next finding; the last slot is used over and over when there are too many. */
struct finding *preflight_add(struct preflight_run *run);
/* First bytes of a file under the root as text; false when it cannot be read. */
bool preflight_read(const struct preflight_run *run, char *out, unsigned room, const char *path);
bool preflight_exists(const struct preflight_run *run, const char *path);
bool preflight_can(const struct preflight_run *run, unsigned capability);
void preflight_port(struct preflight_run *run, const struct port_config *port);

#endif

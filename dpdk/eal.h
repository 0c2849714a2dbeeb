/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's environment: started once per process, before everything else of dpdk/. Shows no DPDK, so
 * that the load generator's main can use it too.
 */
#ifndef DPDK_EAL_H
#define DPDK_EAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "dpdk/finding.h"
#include "dpdk/placement.h"
#include "store/store.h"

#define EAL_PCI_MAX 16

struct eal_config {
	const struct placement *placement;
	bool hugepages;		 /* use them: preflight found enough */
	unsigned memory_mib;	 /* for packet buffers and tables */
	const char *file_prefix; /* tells the instances of one machine apart */
	const char *run_dir;	 /* for sockets, where there is no runtime directory of the user */
	const char *pci[EAL_PCI_MAX]; /* devices to take; no other is touched */
	unsigned pci_count;
	const struct log *log; /* gets DPDK's own messages, below error as debug */
};

/* 0, or a negative code and trouble. The calling thread becomes the control core's. */
int eal_start(const struct eal_config *config, struct finding *trouble);
void eal_stop(void);
bool eal_has_hugepages(void);
const char *eal_version(void);
/* Where DPDK looks for its drivers. */
const char *eal_pmd_dir(void);

/*
 * Memory for resident artifacts: huge pages where EAL has them, then ordinary memory with
 * transparent huge pages, of which at most len. Any thread. One per process; eal_stop frees it.
 */
struct store_memory eal_store_memory(uint64_t len);
/* Inside: frees the ordinary part, when EAL is gone. */
void memory_stop(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/preflight.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MIB ((uint64_t)1024 * 1024)

struct finding *preflight_add(struct preflight_run *run)
{
	struct preflight *out = run->out;

	if (out->count < PREFLIGHT_MAX)
		out->count++;
	return &out->finding[out->count - 1];
}

static void full_path(const struct preflight_run *run, char *out, size_t room, const char *path)
{
	snprintf(out, room, "%s%s", run->host->root != NULL ? run->host->root : "", path);
}

bool preflight_read(const struct preflight_run *run, char *out, unsigned room, const char *path)
{
	char full[512];
	size_t n;

	full_path(run, full, sizeof(full), path);
	FILE *file = fopen(full, "re");

	if (file == NULL)
		return false;
	n = fread(out, 1, room - 1, file);
	out[n] = '\0';
	fclose(file);
	return true;
}

bool preflight_exists(const struct preflight_run *run, const char *path)
{
	char full[512];

	full_path(run, full, sizeof(full), path);
	return access(full, F_OK) == 0;
}

bool preflight_can(const struct preflight_run *run, unsigned capability)
{
	return (run->capabilities >> capability & 1) != 0;
}

static uint64_t read_capabilities(const struct preflight_run *run)
{
	char text[8192];
	const char *line;

	if (!preflight_read(run, text, sizeof(text), "/proc/self/status"))
		return 0;
	line = strstr(text, "\nCapEff:");
	return line != NULL ? strtoull(line + strlen("\nCapEff:"), NULL, 16) : 0;
}

/* Bytes of free huge pages of every size on one node. */
static uint64_t free_hugepages(const struct preflight_run *run, const char *node)
{
	char path[512], text[32];
	uint64_t bytes = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node/%s/hugepages",
		 run->host->root != NULL ? run->host->root : "", node);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		unsigned long kib;

		if (sscanf(e->d_name, "hugepages-%lukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path),
			 "/sys/devices/system/node/%s/hugepages/%.64s/free_hugepages", node,
			 e->d_name);
		if (preflight_read(run, text, sizeof(text), path))
			bytes += strtoull(text, NULL, 10) * kib * 1024;
	}
	closedir(dir);
	return bytes;
}

/* The node with most; DPDK wants the memory of a port in one piece. */
static uint64_t best_node(const struct preflight_run *run)
{
	char path[512];
	uint64_t best = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node",
		 run->host->root != NULL ? run->host->root : "");
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		unsigned node;
		uint64_t bytes = 0;

		if (sscanf(e->d_name, "node%u", &node) == 1)
			bytes = free_hugepages(run, e->d_name);
		if (bytes > best)
			best = bytes;
	}
	closedir(dir);
	return best;
}

static void check_hugepages(struct preflight_run *run)
{
	const struct dataplane_config *config = run->config;
	uint64_t need = (uint64_t)config->memory_mib * MIB, have;
	struct finding *f;

	if (config->hugepages == HUGEPAGES_OFF)
		return;
	have = best_node(run);
	f = preflight_add(run);
	if (have >= need || run->host->hugepages_taken) {
		run->out->hugepages = true;
		finding_set(f, FINDING_GOOD, "huge pages: packet buffers use %u MiB",
			    config->memory_mib);
		return;
	}
	finding_set(f, config->hugepages == HUGEPAGES_REQUIRE ? FINDING_BLOCKS : FINDING_NOTE,
		    "huge pages: %llu MiB free on the best NUMA node, packet buffers need %u MiB%s",
		    (unsigned long long)(have / MIB), config->memory_mib,
		    config->hugepages == HUGEPAGES_REQUIRE ? ""
							   : "; ordinary memory is used instead");
	finding_remedy(f,
		       "dpdk-hugepages.py --setup %lluM (for good: NR_2M_PAGES=%llu in "
		       "/etc/dpdk/dpdk.conf)",
		       (unsigned long long)((need + config->resident_bytes) / MIB),
		       (unsigned long long)((need + config->resident_bytes) / MIB / 2));
}

static void check_transparent(struct preflight_run *run)
{
	char text[128];
	struct finding *f;

	if (run->config->resident_bytes == 0 || run->out->hugepages ||
	    !preflight_read(run, text, sizeof(text),
			    "/sys/kernel/mm/transparent_hugepage/enabled") ||
	    strstr(text, "[never]") == NULL)
		return;
	f = preflight_add(run);
	finding_set(
		f, FINDING_NOTE,
		"memory: transparent huge pages are off, so proofs over many artifacts are slower");
	finding_remedy(f, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

/* Devices that DPDK drives itself pin their memory. */
static void check_memlock(struct preflight_run *run)
{
	struct rlimit limit = {.rlim_cur = run->host->memlock};
	uint64_t need = (uint64_t)run->config->memory_mib * MIB;
	struct finding *f;

	if (run->pci == 0 || geteuid() == 0)
		return;
	if (limit.rlim_cur == 0)
		getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur >= need)
		return;
	f = preflight_add(run);
	finding_set(f, FINDING_BLOCKS,
		    "locked memory: at most %llu KiB is allowed, a PCI device needs "
		    "%u MiB",
		    (unsigned long long)(limit.rlim_cur / 1024), run->config->memory_mib);
	finding_remedy(f, "ulimit -l unlimited (systemd: LimitMEMLOCK=infinity)");
}

static void check_vfio(struct preflight_run *run)
{
	char path[512];
	struct dirent *e;
	bool has_groups = false;
	struct finding *f;
	DIR *dir;

	if (run->pci == 0)
		return;
	if (!preflight_exists(run, "/dev/vfio/vfio")) {
		f = preflight_add(run);
		finding_set(f, FINDING_BLOCKS,
			    "vfio: there is no /dev/vfio/vfio, which PCI devices need");
		finding_remedy(f, "modprobe vfio-pci");
	}
	full_path(run, path, sizeof(path), "/sys/kernel/iommu_groups");
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL)
		has_groups |= e->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	if (has_groups)
		return;
	f = preflight_add(run);
	finding_set(f, FINDING_BLOCKS, "IOMMU: it is off, so no PCI device can be used safely");
	finding_remedy(f,
		       "switch it on in the firmware; then intel_iommu=on iommu=pt on the kernel "
		       "command line, and reboot");
}

static void check_sockets(struct preflight_run *run)
{
	char text[32];
	bool has_udp = false;
	struct finding *f;

	for (unsigned i = 0; i < run->config->ports; i++)
		has_udp |= run->config->port[i].is_udp;
	if (!has_udp || preflight_can(run, BIT_NET_ADMIN) ||
	    !preflight_read(run, text, sizeof(text), "/proc/sys/net/core/rmem_max") ||
	    strtoull(text, NULL, 10) >= MIB)
		return;
	f = preflight_add(run);
	finding_set(
		f, FINDING_NOTE,
		"sockets: they may buffer only %.20s bytes, so a udp: port loses bursts under load",
		strtok(text, "\n"));
	finding_remedy(f, "sysctl -w net.core.rmem_max=4194304");
}

static void check_placement(struct preflight_run *run)
{
	struct placement *placement = malloc(sizeof(*placement));
	struct finding trouble;

	if (placement == NULL)
		return;
	if (placement_plan(placement, &run->config->placement, &trouble) != 0)
		*preflight_add(run) = trouble;
	else if (placement->warnings == 0)
		finding_set(preflight_add(run), FINDING_GOOD,
			    "CPUs: %u for control, %u worker%s on CPUs of their own",
			    placement->control_cpu, placement->workers,
			    placement->workers == 1 ? "" : "s");
	else
		for (unsigned i = 0; i < placement->warnings; i++)
			*preflight_add(run) = placement->warning[i];
	free(placement);
}

void preflight_run(struct preflight *out, const struct dataplane_config *config,
		   const struct preflight_host *host)
{
	struct preflight_run run = {.out = out, .config = config, .host = host};
	struct ifaddrs *addresses = NULL;
	struct device device;

	memset(out, 0, sizeof(*out));
	run.capabilities = read_capabilities(&run);
	if (host->addresses == NULL)
		getifaddrs(&addresses);
	run.addresses = host->addresses != NULL ? host->addresses : addresses;
	for (unsigned i = 0; i < config->ports; i++)
		run.pci += !config->port[i].is_udp &&
			   device_parse(&device, config->port[i].device) == 0 && device.is_pci;
	check_placement(&run);
	check_hugepages(&run);
	check_transparent(&run);
	check_memlock(&run);
	check_vfio(&run);
	check_sockets(&run);
	for (unsigned i = 0; i < config->ports; i++) {
		unsigned before = out->count;

		preflight_port(&run, &config->port[i]);
		if (out->count == before)
			finding_set(preflight_add(&run), FINDING_GOOD, "port %s: %s can be opened",
				    config->port[i].name, config->port[i].device);
	}
	if (addresses != NULL)
		freeifaddrs(addresses);
}

const struct finding *preflight_blocker(const struct preflight *p)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->finding[i].severity == FINDING_BLOCKS)
			return &p->finding[i];
	return NULL;
}

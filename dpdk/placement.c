/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/placement.h"

#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

struct cpu { /* one hardware thread that the process may use */
	unsigned os;
	unsigned core;	  /* logical index of its core */
	unsigned sibling; /* 0: first thread of its core here, 1: second, ... */
	int numa;	  /* OS index, -1 when unknown */
	bool near;	  /* on a NUMA node that has a device of ours */
	bool control;
	int worker; /* its number; -1 while it has none */
};

struct plan {
	hwloc_topology_t topology;
	struct cpu cpu[PLACEMENT_ROWS_MAX];
	unsigned cpus;
	hwloc_bitmap_t device_nodes; /* OS indices */
	struct placement *out;
};

static int load_topology(struct plan *p, const struct placement_config *config)
{
	if (hwloc_topology_init(&p->topology) != 0)
		return ASSAY_E_NOMEM;
	if (config->synthetic != NULL &&
	    hwloc_topology_set_synthetic(p->topology, config->synthetic) != 0)
		return ASSAY_E_INVAL;
	hwloc_topology_set_io_types_filter(p->topology, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	return hwloc_topology_load(p->topology) == 0 ? 0 : ASSAY_E_IO;
}

/* NUMA node of an object, -1 when the machine has just one or does not say. */
static int numa_of(hwloc_topology_t topology, hwloc_const_bitmap_t nodeset)
{
	if (nodeset == NULL || hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE) < 2)
		return -1;
	return hwloc_bitmap_first(nodeset);
}

static void find_cpus(struct plan *p)
{
	hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
	hwloc_obj_t pu = NULL;

	must(allowed != NULL);
	if (!hwloc_topology_is_thissystem(p->topology) ||
	    hwloc_get_cpubind(p->topology, allowed, HWLOC_CPUBIND_PROCESS) != 0)
		hwloc_bitmap_copy(allowed, hwloc_topology_get_allowed_cpuset(p->topology));
	while ((pu = hwloc_get_next_obj_by_type(p->topology, HWLOC_OBJ_PU, pu)) != NULL) {
		if (p->cpus == PLACEMENT_ROWS_MAX || !hwloc_bitmap_isset(allowed, pu->os_index))
			continue;
		hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(p->topology, HWLOC_OBJ_CORE, pu);
		struct cpu *cpu = &p->cpu[p->cpus++];

		cpu->worker = -1;
		cpu->os = pu->os_index;
		cpu->core = core != NULL ? core->logical_index : pu->logical_index;
		cpu->numa = numa_of(p->topology, pu->nodeset);
		if (p->cpus > 1 && cpu[-1].core == cpu->core)
			cpu->sibling = cpu[-1].sibling + 1;
	}
	hwloc_bitmap_free(allowed);
}

/* The device's object: by PCI address, or by the name of its network interface. */
static hwloc_obj_t find_device(hwloc_topology_t topology, const char *name)
{
	hwloc_obj_t object = NULL;

	if (strchr(name, ':') != NULL)
		return hwloc_get_pcidev_by_busidstring(topology, name);
	while ((object = hwloc_get_next_osdev(topology, object)) != NULL)
		if (object->name != NULL && strcmp(object->name, name) == 0)
			return object;
	return NULL;
}

static void find_device_nodes(struct plan *p, const struct placement_config *config)
{
	p->device_nodes = hwloc_bitmap_alloc();
	must(p->device_nodes != NULL);
	for (unsigned i = 0; i < config->device_count; i++) {
		hwloc_obj_t device = find_device(p->topology, config->devices[i]);
		hwloc_obj_t above =
			device != NULL ? hwloc_get_non_io_ancestor_obj(p->topology, device) : NULL;

		if (above != NULL && numa_of(p->topology, above->nodeset) >= 0)
			hwloc_bitmap_or(p->device_nodes, p->device_nodes, above->nodeset);
	}
	for (unsigned i = 0; i < p->cpus; i++)
		p->cpu[i].near = p->cpu[i].numa >= 0 &&
				 hwloc_bitmap_isset(p->device_nodes, (unsigned)p->cpu[i].numa);
}

static struct cpu *find_cpu(struct plan *p, unsigned os)
{
	for (unsigned i = 0; i < p->cpus; i++)
		if (p->cpu[i].os == os)
			return &p->cpu[i];
	return NULL;
}

static bool is_free(const struct cpu *cpu)
{
	return !cpu->control && cpu->worker < 0;
}

/* Another hardware thread of the same core that has work, or NULL. */
static const struct cpu *busy_sibling(const struct plan *p, const struct cpu *cpu)
{
	for (unsigned i = 0; i < p->cpus; i++)
		if (&p->cpu[i] != cpu && p->cpu[i].core == cpu->core && !is_free(&p->cpu[i]))
			return &p->cpu[i];
	return NULL;
}

static void add_worker(struct plan *p, struct cpu *cpu)
{
	struct placement *out = p->out;

	cpu->worker = (int)out->workers;
	out->worker[out->workers].cpu = cpu->os;
	out->worker[out->workers].numa = cpu->numa;
	out->workers++;
}

static int refuse(struct finding *trouble, const char *key, const char *why, unsigned number)
{
	finding_set(trouble, FINDING_BLOCKS, "%s: %s %u", key, why, number);
	finding_remedy(trouble, "see which CPUs the process may use: taskset -cp $$");
	return ASSAY_E_INVAL;
}

static int add_listed(struct plan *p, const struct placement_config *config,
		      struct finding *trouble)
{
	for (unsigned i = 0; i < config->cpus; i++) {
		struct cpu *cpu = find_cpu(p, config->cpu[i]);

		if (cpu == NULL)
			return refuse(trouble, "workers cpus", "the process may not use CPU",
				      config->cpu[i]);
		if (cpu->worker >= 0)
			return refuse(trouble, "workers cpus", "two workers on CPU",
				      config->cpu[i]);
		add_worker(p, cpu);
	}
	return 0;
}

/* Control gets the CPU that is named, else the first whole core, else the first free thread. */
static int choose_control(struct plan *p, const struct placement_config *config,
			  struct finding *trouble)
{
	struct cpu *choice = NULL;

	if (config->control_cpu >= 0) {
		choice = find_cpu(p, (unsigned)config->control_cpu);
		if (choice == NULL)
			return refuse(trouble, "workers control_cpu", "the process may not use CPU",
				      (unsigned)config->control_cpu);
	}
	for (unsigned i = 0; i < p->cpus && choice == NULL; i++)
		if (is_free(&p->cpu[i]) && busy_sibling(p, &p->cpu[i]) == NULL)
			choice = &p->cpu[i];
	for (unsigned i = 0; i < p->cpus && choice == NULL; i++)
		if (is_free(&p->cpu[i]))
			choice = &p->cpu[i];
	if (choice == NULL)
		choice = &p->cpu[0];
	choice->control = true;
	p->out->control_cpu = choice->os;
	p->out->shared = choice->worker >= 0;
	return 0;
}

/* Takes free CPUs as workers until there are limit: whole cores, or also second threads. */
static void take(struct plan *p, unsigned limit, bool whole, bool near)
{
	for (unsigned i = 0; i < p->cpus && p->out->workers < limit; i++) {
		struct cpu *cpu = &p->cpu[i];

		if (is_free(cpu) && cpu->near == near && (!whole || busy_sibling(p, cpu) == NULL))
			add_worker(p, cpu);
	}
}

/* Left to itself the plan takes whole cores on the nodes of the devices; a number is obeyed. */
static int add_auto(struct plan *p, unsigned wanted, struct finding *trouble)
{
	unsigned enough = wanted != 0 ? wanted : 1;

	take(p, wanted != 0 ? wanted : SERVE_WORKERS_MAX, true, true);
	if (hwloc_bitmap_iszero(p->device_nodes))
		take(p, wanted != 0 ? wanted : SERVE_WORKERS_MAX, true, false);
	take(p, enough, true, false);
	take(p, enough, false, true);
	take(p, enough, false, false);
	if (p->out->workers == 0) {
		add_worker(p, find_cpu(p, p->out->control_cpu));
		p->out->shared = true;
	}
	if (wanted <= p->out->workers)
		return 0;
	finding_set(trouble, FINDING_BLOCKS,
		    "CPUs: %u workers are wanted, but only %u of the %u CPUs of this process can "
		    "be one",
		    wanted, p->out->workers, p->cpus);
	finding_remedy(trouble, "workers { count = %u }", p->out->workers);
	return ASSAY_E_RANGE;
}

static int add_roles(struct plan *p, const struct placement_config *config, struct finding *trouble)
{
	struct placement *out = p->out;
	uint8_t all = 0;

	for (unsigned i = 0; i < out->workers; i++) {
		out->worker[i].roles =
			i < config->roles ? config->role[i] : ROLE_SERVE | ROLE_VERIFY | ROLE_CODEC;
		all |= out->worker[i].roles;
	}
	if ((all & ROLE_SERVE) != 0 && (all & ROLE_VERIFY) != 0)
		return 0;
	finding_set(trouble, FINDING_BLOCKS, "CPUs: no worker has the role %s",
		    (all & ROLE_SERVE) == 0 ? "serve" : "verify");
	finding_remedy(trouble, "workers { roles = {\"serve,verify,codec\"} }");
	return ASSAY_E_INVAL;
}

void placement_roles_text(char *out, size_t room, uint8_t roles)
{
	snprintf(out, room, "%s%s%s%s", (roles & ROLE_SERVE) != 0 ? " serve" : "",
		 (roles & ROLE_VERIFY) != 0 ? " verify" : "",
		 (roles & ROLE_CODEC) != 0 ? " codec" : "",
		 (roles & ROLE_FETCH) != 0 ? " fetch" : "");
	memmove(out, out + 1, strlen(out));
}

/* The fetch role runs where control is unless a worker has it. */
static const char *control_text(const struct placement *out)
{
	for (unsigned i = 0; i < out->workers; i++)
		if ((out->worker[i].roles & ROLE_FETCH) != 0)
			return "control";
	return "control, fetch";
}

static void explain_role(const struct plan *p, struct plane_row *row, const struct cpu *cpu)
{
	const char *control = cpu->control ? control_text(p->out) : "";
	char roles[32] = "";

	if (cpu->worker >= 0) {
		placement_roles_text(roles, sizeof(roles), p->out->worker[cpu->worker].roles);
		snprintf(row->role, sizeof(row->role), "%s%sworker %d: %s", control,
			 cpu->control ? ", " : "", cpu->worker, roles);
	} else {
		snprintf(row->role, sizeof(row->role), "%s", cpu->control ? control : "free");
	}
}

static const char *reason(const struct plan *p, const struct cpu *cpu,
			  const struct placement_config *config, const struct cpu *sibling)
{
	if (cpu->control && config->control_cpu >= 0)
		return "named in the config";
	if (cpu->worker >= 0 && config->cpus > 0)
		return "named in the config";
	if (cpu->control && cpu->worker >= 0)
		return "no other CPU: control and worker share it";
	if (!is_free(cpu) && sibling != NULL)
		return "no whole core left: shares one with";
	if (cpu->control)
		return "first whole core";
	if (cpu->worker >= 0)
		return "a core of its own";
	if (sibling != NULL)
		return "left idle: shares a core with";
	if (!cpu->near && !hwloc_bitmap_iszero(p->device_nodes))
		return "left free: far from the devices of the ports";
	return "left free: enough workers";
}

static void explain(struct plan *p, const struct placement_config *config, const struct cpu *cpu)
{
	struct plane_row *row = &p->out->row[p->out->rows++];
	const struct cpu *sibling = busy_sibling(p, cpu);
	const char *why = reason(p, cpu, config, sibling);
	char with[24] = "", node[48] = "";

	if (strstr(why, " with") != NULL)
		snprintf(with, sizeof(with), " CPU %u", sibling->os);
	if (cpu->numa >= 0)
		snprintf(node, sizeof(node), ", NUMA node %d%s", cpu->numa,
			 cpu->near ? " of a device" : "");
	row->cpu = (int)cpu->os;
	explain_role(p, row, cpu);
	snprintf(row->why, sizeof(row->why), "%s%s%s", why, with, node);
}

static void warn_about(struct plan *p)
{
	struct placement *out = p->out;
	unsigned remote = 0;

	for (unsigned i = 0; i < p->cpus; i++)
		remote += p->cpu[i].worker >= 0 && !p->cpu[i].near &&
			  !hwloc_bitmap_iszero(p->device_nodes);
	if (remote > 0) {
		struct finding *f = &out->warning[out->warnings++];

		finding_set(
			f, FINDING_WARNING,
			"CPUs: %u of %u workers are on another NUMA node than the ports' devices",
			remote, out->workers);
		finding_remedy(f, "take fewer workers, or name CPUs of the device's node");
	}
	if (out->shared) {
		struct finding *f = &out->warning[out->warnings++];

		finding_set(
			f, FINDING_WARNING,
			"CPUs: control and a worker share CPU %u, so that worker sleeps when idle",
			out->control_cpu);
		finding_remedy(f, "give the process two CPUs or more");
	}
}

static int plan(struct plan *p, const struct placement_config *config, struct finding *trouble)
{
	int code = load_topology(p, config);

	if (code != 0) {
		finding_set(trouble, FINDING_BLOCKS,
			    "CPUs: hwloc cannot read the machine's topology");
		finding_remedy(trouble, "see what lstopo-no-graphics says");
		return code;
	}
	find_cpus(p);
	must(p->cpus > 0);
	find_device_nodes(p, config);
	if ((code = add_listed(p, config, trouble)) != 0 ||
	    (code = choose_control(p, config, trouble)) != 0)
		return code;
	if (config->cpus == 0 && (code = add_auto(p, config->workers, trouble)) != 0)
		return code;
	if ((code = add_roles(p, config, trouble)) != 0)
		return code;
	for (unsigned i = 0; i < p->cpus; i++)
		explain(p, config, &p->cpu[i]);
	warn_about(p);
	return 0;
}

int placement_plan(struct placement *out, const struct placement_config *config,
		   struct finding *trouble)
{
	struct plan *p = calloc(1, sizeof(*p));
	int code;

	must(p != NULL);
	memset(out, 0, sizeof(*out));
	p->out = out;
	code = plan(p, config, trouble);
	if (p->device_nodes != NULL)
		hwloc_bitmap_free(p->device_nodes);
	if (p->topology != NULL)
		hwloc_topology_destroy(p->topology);
	free(p);
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/dataplane.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_malloc.h>

#include "base/must.h"
#include "dpdk/dataplane_int.h"
#include "dpdk/preflight.h"

#define HEARTBEAT_MS 5000

static int no_memory(struct finding *trouble, const char *what)
{
	finding_set(trouble, FINDING_BLOCKS, "no memory for %s", what);
	finding_remedy(trouble, "raise memory { eal_mib } in the config");
	return ASSAY_E_NOMEM;
}

/* What is found is logged; what blocks is the trouble. */
static int check_machine(struct dataplane *d, bool *hugepages, struct finding *trouble)
{
	struct preflight *p = malloc(sizeof(*p));
	struct preflight_host host = {.pmd_dir = eal_pmd_dir()};
	const struct finding *blocker;
	int code = 0;

	must(p != NULL);
	preflight_run(p, &d->config, &host);
	for (unsigned i = 0; i < p->count; i++)
		if (p->finding[i].severity == FINDING_WARNING)
			log_warning(d->config.log, "preflight", p->finding[i].what, "remedy=\"%s\"",
				    p->finding[i].remedy);
		else if (p->finding[i].severity == FINDING_NOTE)
			log_info(d->config.log, "preflight", p->finding[i].what, "remedy=\"%s\"",
				 p->finding[i].remedy);
	blocker = preflight_blocker(p);
	if (blocker != NULL) {
		*trouble = *blocker;
		code = ASSAY_E_UNSUPPORTED;
	}
	*hugepages = p->hugepages;
	free(p);
	return code;
}

static int start_eal(struct dataplane *d, bool hugepages, struct finding *trouble)
{
	struct eal_config eal = {
		.placement = &d->placement,
		.hugepages = hugepages,
		.memory_mib = d->config.memory_mib,
		.file_prefix = d->config.file_prefix,
		.run_dir = d->config.run_dir,
		.log = d->config.log,
	};
	static struct device device[PORTS_MAX];

	for (unsigned i = 0; i < d->config.ports; i++)
		if (!d->config.port[i].is_udp &&
		    device_parse(&device[i], d->config.port[i].device) == 0 && device[i].is_pci)
			eal.pci[eal.pci_count++] = device[i].name;
	return eal_start(&eal, trouble);
}

int dataplane_open(struct dataplane **out, const struct dataplane_config *config,
		   struct finding *trouble)
{
	struct dataplane *d = calloc(1, sizeof(*d));
	bool hugepages;
	int code;

	must(d != NULL);
	d->config = *config;
	d->fetch.wake_fd = -1;
	d->calls.fd = -1;
	must(pthread_mutex_init(&d->ask_lock, NULL) == 0);
	if ((code = check_machine(d, &hugepages, trouble)) != 0 ||
	    (code = placement_plan(&d->placement, &config->placement, trouble)) != 0 ||
	    (code = start_eal(d, hugepages, trouble)) != 0)
		goto fail;
	code = grace_open(&d->grace, d->placement.workers);
	if (code != 0) {
		eal_stop();
		no_memory(trouble, "the grace periods");
		goto fail;
	}
	*out = d;
	return 0;
fail:
	free(d);
	return code;
}

void dataplane_close(struct dataplane *d)
{
	struct view *view = atomic_load(&d->workers.view);

	grace_close(&d->grace);
	if (view != NULL)
		view_free(view);
	eal_stop();
	pthread_mutex_destroy(&d->ask_lock);
	free(d);
}

struct grace dataplane_grace(struct dataplane *d)
{
	return grace_of(&d->grace);
}

struct store_memory dataplane_memory(struct dataplane *d)
{
	return eal_store_memory(d->config.resident_bytes);
}

static int open_ports(struct dataplane *d, struct finding *trouble)
{
	struct ports_config config = {
		.port = d->config.port,
		.count = d->config.ports,
		.workers = d->placement.workers,
		.payload_max = d->config.payload_max,
		.interrupts = d->config.idle == IDLE_INTERRUPT,
		.log = d->config.log,
	};

	for (unsigned i = 0; i < d->placement.workers; i++) {
		config.worker_numa[i] = d->placement.worker[i].numa;
		config.serves[i] = (d->placement.worker[i].roles & ROLE_SERVE) != 0;
	}
	return ports_open(&d->workers.ports, &config, trouble);
}

static unsigned handshake_worker(const struct placement *p)
{
	for (unsigned i = 0; i < p->workers; i++)
		if ((p->worker[i].roles & ROLE_VERIFY) != 0)
			return i;
	return 0;
}

static int open_workers(struct dataplane *d, const struct node_self *self,
			const struct artifact_source *artifacts)
{
	const struct placement *p = &d->placement;
	struct serve_config serve = {
		.workers = p->workers,
		.handshake_worker = handshake_worker(p),
		.self = self,
		.artifacts = artifacts,
		.random = d->config.random,
		.peer_sessions = d->peer_sessions,
	};

	for (unsigned i = 0; i < p->workers; i++) {
		struct worker *w = rte_zmalloc("assay_worker", sizeof(*w), RTE_CACHE_LINE_SIZE);
		int code;

		if (w == NULL)
			return ASSAY_E_NOMEM;
		d->workers.worker[i] = w;
		d->workers.count = i + 1;
		w->all = &d->workers;
		w->number = i;
		w->lcore = i + 1;
		w->cpu = p->worker[i].cpu;
		w->polls = (p->worker[i].roles & ROLE_SERVE) != 0;
		w->shares_cpu = w->cpu == p->control_cpu;
		placement_roles_text(w->roles, sizeof(w->roles), p->worker[i].roles);
		code = worker_open(w, &serve);
		if (code != 0)
			return code;
	}
	return 0;
}

/* Those that are awake look by themselves; one that sleeps is worth waking for so many jobs. */
#define WAKE_JOBS 256

static void wake_verifiers(void *ctx, unsigned jobs)
{
	struct workers *all = ctx;
	unsigned wanted = (jobs + WAKE_JOBS - 1) / WAKE_JOBS;

	/* pairs with the fence in say_sleeping(): one of the two sees what the other wrote */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < all->count && wanted > 0; i++) {
		struct worker *w = all->worker[i];

		if (w->verifier == NULL ||
		    !atomic_load_explicit(&w->sleeping, memory_order_relaxed))
			continue;
		worker_wake(w);
		wanted--;
	}
}

static int add_verifiers(struct dataplane *d)
{
	struct workers *all = &d->workers;

	all->verify = verify_desk_new(wake_verifiers, all);
	if (all->verify == NULL)
		return ASSAY_E_NOMEM;
	for (unsigned i = 0; i < all->count; i++) {
		struct worker *w = all->worker[i];

		if ((d->placement.worker[i].roles & ROLE_VERIFY) == 0)
			continue;
		w->verifier = verify_worker(all->verify, d->config.random);
		if (w->verifier == NULL)
			return ASSAY_E_NOMEM;
		worker_add_role(w, verify_role(w->verifier));
	}
	return 0;
}

static void wake_codec(void *ctx)
{
	struct workers *all = ctx;

	for (unsigned i = 0; i < all->count; i++)
		if (all->worker[i]->codes)
			worker_wake(all->worker[i]);
}

static int add_codec(struct dataplane *d)
{
	struct workers *all = &d->workers;

	all->codec = codec_desk_new(wake_codec, all);
	if (all->codec == NULL)
		return ASSAY_E_NOMEM;
	for (unsigned i = 0; i < all->count; i++) {
		struct worker *w = all->worker[i];
		struct codec_worker *mine;

		if ((d->placement.worker[i].roles & ROLE_CODEC) == 0)
			continue;
		mine = codec_worker_new(all->codec, all->clock);
		if (mine == NULL)
			return ASSAY_E_NOMEM;
		worker_add_role(w, codec_role(mine));
		w->codes = true;
	}
	return 0;
}

/* CPUs of the workers with the role fetch; none: where control is. */
static const cpu_set_t *fetch_cpus(const struct placement *p, cpu_set_t *set)
{
	CPU_ZERO(set);
	for (unsigned i = 0; i < p->workers; i++)
		if ((p->worker[i].roles & ROLE_FETCH) != 0)
			CPU_SET(p->worker[i].cpu, set);
	return CPU_COUNT(set) > 0 ? set : NULL;
}

static int launch(struct dataplane *d, struct finding *trouble)
{
	struct workers *all = &d->workers;

	for (unsigned i = 0; i < all->count; i++) {
		atomic_store_explicit(&all->worker[i]->started, true, memory_order_release);
		must(rte_eal_remote_launch(worker_run, all->worker[i], all->worker[i]->lcore) == 0);
	}
	d->running = true;
	for (unsigned i = 0; i < all->count; i++)
		for (unsigned waited = 0; atomic_load(&all->worker[i]->heartbeat_ns) == 0;
		     waited++) {
			if (waited > HEARTBEAT_MS) {
				finding_set(trouble, FINDING_BLOCKS,
					    "worker %u on CPU %u did not start within %u s", i,
					    all->worker[i]->cpu, HEARTBEAT_MS / 1000);
				finding_remedy(trouble,
					       "see what else runs on that CPU: top, then f, "
					       "then P");
				return ASSAY_E_TIMEOUT;
			}
			usleep(1000);
		}
	return 0;
}

int dataplane_start(struct dataplane *d, const struct node_self *self, struct store *store,
		    const struct artifact_source *artifacts, struct finding *trouble)
{
	struct workers *all = &d->workers;
	cpu_set_t cpus;
	int code;

	grace_with_workers(&d->grace);
	all->grace = &d->grace;
	all->fetch = &d->fetch;
	all->clock = d->config.clock;
	all->log = d->config.log;
	all->idle = d->config.idle;
	atomic_store(&all->stop, false);
	d->peer_sessions = peer_sessions_new();
	if (d->peer_sessions == NULL) {
		code = no_memory(trouble, "the table of sessions");
		goto fail;
	}
	if ((code = open_ports(d, trouble)) != 0)
		goto fail;
	all->calls = &d->calls;
	if ((code = call_desk_open(&d->calls, d->placement.workers)) != 0 ||
	    (code = open_workers(d, self, artifacts)) != 0 || (code = add_verifiers(d)) != 0 ||
	    (code = add_codec(d)) != 0) {
		no_memory(trouble, "the workers");
		goto fail;
	}
	code = fetch_start(&d->fetch, store, all, fetch_cpus(&d->placement, &cpus));
	if (code != 0) {
		finding_set(trouble, FINDING_BLOCKS, "the fetch role does not start: %s",
			    assay_error_text(code));
		finding_remedy(trouble, "ulimit -l 8192 (older kernels count io_uring's memory)");
		goto fail;
	}
	if ((code = launch(d, trouble)) != 0)
		goto fail;
	telemetry_start(d);
	return 0;
fail:
	dataplane_stop(d);
	return code;
}

void dataplane_stop(struct dataplane *d)
{
	struct workers *all = &d->workers;

	telemetry_stop();
	atomic_store_explicit(&all->stop, true, memory_order_release);
	for (unsigned i = 0; d->running && i < all->count; i++) {
		worker_wake(all->worker[i]);
		rte_eal_wait_lcore(all->worker[i]->lcore);
		must(atomic_load_explicit(&all->worker[i]->ended, memory_order_acquire));
	}
	d->running = false;
	fetch_stop(&d->fetch);
	grace_alone(&d->grace);
	for (unsigned i = 0; i < all->count; i++) {
		worker_close(all->worker[i]);
		rte_free(all->worker[i]);
	}
	all->count = 0;
	verify_desk_free(all->verify);
	all->verify = NULL;
	codec_desk_free(all->codec);
	all->codec = NULL;
	call_desk_close(&d->calls);
	if (all->ports != NULL)
		ports_close(all->ports);
	all->ports = NULL;
	peer_sessions_free(d->peer_sessions);
	d->peer_sessions = NULL;
}

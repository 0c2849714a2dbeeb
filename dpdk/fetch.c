/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/fetch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_pause.h>

#include "base/must.h"
#include "dpdk/worker.h"

#define COLLECT_MS 50 /* how long released memory may wait for nobody to look */

static bool submit(struct fetch *f, struct rte_ring *ring, void *job)
{
	uint64_t one = 1;

	if (rte_ring_mp_enqueue(ring, job) != 0)
		return false;
	/* pairs with the fence in nap(): one of the two sees what the other wrote */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&f->sleeping, memory_order_relaxed))
		(void)!write(f->wake_fd, &one, sizeof(one));
	return true;
}

bool fetch_submit(struct fetch *f, struct fetch_job *job)
{
	return submit(f, f->jobs, job);
}

bool fetch_write(struct fetch *f, struct write_job *job)
{
	return submit(f, f->writes, job);
}

static void nap(struct fetch *f)
{
	struct pollfd wait = {.fd = f->wake_fd, .events = POLLIN};
	uint64_t count;

	atomic_store_explicit(&f->sleeping, true, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (rte_ring_empty(f->jobs) && rte_ring_empty(f->writes) && poll(&wait, 1, COLLECT_MS) > 0)
		(void)!read(f->wake_fd, &count, sizeof(count));
	atomic_store_explicit(&f->sleeping, false, memory_order_relaxed);
}

/* A worker has fewer jobs than its ring has slots, so there is always room. */
static void give_back(struct fetch *f, struct fetch_job *job)
{
	struct worker *worker = f->workers->worker[job->worker];

	must(rte_ring_sp_enqueue(worker->fetched, job) == 0);
	worker_wake(worker);
}

static unsigned do_reads(struct fetch *f)
{
	struct fetch_job *jobs[FETCH_BATCH];
	unsigned n = rte_ring_sc_dequeue_burst(f->jobs, (void **)jobs, FETCH_BATCH, NULL);

	if (n > 0)
		store_read_cold(f->reader, jobs, n);
	for (unsigned i = 0; i < n; i++)
		give_back(f, jobs[i]);
	return n;
}

static unsigned do_writes(struct fetch *f)
{
	struct write_job *jobs[FETCH_BATCH];
	unsigned n = rte_ring_sc_dequeue_burst(f->writes, (void **)jobs, FETCH_BATCH, NULL);

	for (unsigned i = 0; i < n; i++) {
		struct worker *worker = f->workers->worker[jobs[i]->worker];

		store_write(f->store, jobs[i]);
		must(rte_ring_sp_enqueue(worker->written, jobs[i]) == 0);
		worker_wake(worker);
	}
	return n;
}

static void *run(void *arg)
{
	struct fetch *f = arg;

	pthread_setname_np(pthread_self(), "assay-fetch");
	while (!atomic_load_explicit(&f->stop, memory_order_acquire)) {
		unsigned n = do_reads(f) + do_writes(f);

		grace_collect(f->grace);
		store_write_sweep(f->store);
		if (n == 0)
			nap(f);
	}
	return NULL;
}

int fetch_start(struct fetch *f, struct store *store, struct workers *workers,
		const cpu_set_t *cpus)
{
	int code;

	f->workers = workers;
	f->grace = workers->grace;
	f->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	f->jobs = rte_ring_create("assay_fetch",
				  rte_align32pow2(workers->count * SERVE_PARKED_MAX + 1),
				  SOCKET_ID_ANY, RING_F_SC_DEQ);
	f->writes =
		rte_ring_create("assay_write", rte_align32pow2(workers->count * WRITE_SLOTS + 1),
				SOCKET_ID_ANY, RING_F_SC_DEQ);
	f->store = store;
	if (f->wake_fd < 0 || f->jobs == NULL || f->writes == NULL)
		return ASSAY_E_NOMEM;
	code = store_reader_new(&f->reader, store);
	if (code != 0)
		return code;
	if (pthread_create(&f->thread, NULL, run, f) != 0)
		return ASSAY_E_NOMEM;
	f->running = true;
	if (cpus != NULL)
		must(pthread_setaffinity_np(f->thread, sizeof(*cpus), cpus) == 0);
	return 0;
}

void fetch_stop(struct fetch *f)
{
	uint64_t one = 1;

	if (f->running) {
		atomic_store_explicit(&f->stop, true, memory_order_release);
		(void)!write(f->wake_fd, &one, sizeof(one));
		pthread_join(f->thread, NULL);
	}
	if (f->reader != NULL)
		store_reader_free(f->reader);
	rte_ring_free(f->jobs);
	rte_ring_free(f->writes);
	if (f->wake_fd >= 0)
		close(f->wake_fd);
	memset(f, 0, sizeof(*f));
	f->wake_fd = -1;
}

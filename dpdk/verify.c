/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/verify.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_ring.h>

#include "base/must.h"

#define COLLECT 64

struct verify_desk {
	struct rte_ring *unused; /* slots nobody has */
	struct rte_ring *jobs;	 /* any thread in, any worker out */
	struct rte_ring *done;	 /* any worker in, control out */
	void (*wake)(void *ctx, unsigned jobs);
	void *ctx;
	int fd;
	_Alignas(64) _Atomic bool told; /* fd is readable: workers set, control clears */
	struct verify_job slot[VERIFY_SLOTS];
};

/* In memory of its own: no EAL is needed. */
static struct rte_ring *make_ring(const char *name, unsigned flags)
{
	ssize_t size = rte_ring_get_memsize(2 * VERIFY_SLOTS);
	struct rte_ring *ring = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(size));

	must(size > 0);
	if (ring != NULL)
		must(rte_ring_init(ring, name, 2 * VERIFY_SLOTS, flags) == 0);
	return ring;
}

struct verify_desk *verify_desk_new(void (*wake)(void *ctx, unsigned jobs), void *ctx)
{
	struct verify_desk *d = aligned_alloc(64, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->wake = wake;
	d->ctx = ctx;
	d->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->unused = make_ring("verify_unused", 0);
	d->jobs = make_ring("verify_jobs", 0);
	d->done = make_ring("verify_done", RING_F_SC_DEQ);
	atomic_init(&d->told, false);
	if (d->fd < 0 || d->unused == NULL || d->jobs == NULL || d->done == NULL) {
		verify_desk_free(d);
		return NULL;
	}
	for (unsigned i = 0; i < VERIFY_SLOTS; i++)
		must(rte_ring_enqueue(d->unused, &d->slot[i]) == 0);
	return d;
}

void verify_desk_free(struct verify_desk *d)
{
	if (d == NULL)
		return;
	free(d->unused);
	free(d->jobs);
	free(d->done);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

/* --- whoever wants to know ------------------------------------------------------------------ */

unsigned verify_submit(struct verify_desk *d, const struct verify_job *jobs, unsigned n)
{
	struct verify_job *slot[COLLECT];
	unsigned sent = 0, got = 1;

	while (sent < n && got > 0) {
		got = rte_ring_dequeue_burst(d->unused, (void **)slot,
					     RTE_MIN(n - sent, (unsigned)COLLECT), NULL);
		for (unsigned i = 0; i < got; i++)
			*slot[i] = jobs[sent + i];
		/* The ring has room for all slots. */
		must(rte_ring_enqueue_bulk(d->jobs, (void **)slot, got, NULL) == got);
		sent += got;
	}
	if (sent > 0 && d->wake != NULL)
		d->wake(d->ctx, sent);
	return sent;
}

unsigned verify_collect(struct verify_desk *d)
{
	struct verify_job *slot[COLLECT];
	unsigned all = 0, n;
	uint64_t told;

	/* In this order, so that what is put in after this is told anew. */
	(void)!read(d->fd, &told, sizeof(told));
	atomic_store(&d->told, false);
	while ((n = rte_ring_sc_dequeue_burst(d->done, (void **)slot, COLLECT, NULL)) > 0) {
		struct verify_job job[COLLECT];

		/* The slots first: whoever hears a verdict may want to submit the next job. */
		for (unsigned i = 0; i < n; i++)
			job[i] = *slot[i];
		must(rte_ring_enqueue_bulk(d->unused, (void **)slot, n, NULL) == n);
		for (unsigned i = 0; i < n; i++)
			job[i].done(job[i].arg, job[i].valid);
		all += n;
	}
	return all;
}

int verify_fd(const struct verify_desk *d)
{
	return d->fd;
}

bool verify_idle(const struct verify_desk *d)
{
	return rte_ring_count(d->unused) == VERIFY_SLOTS;
}

/* --- workers -------------------------------------------------------------------------------- */

static unsigned take(void *ctx, struct verify_job **out, unsigned room)
{
	struct verify_desk *d = ctx;

	return rte_ring_mc_dequeue_burst(d->jobs, (void **)out, room, NULL);
}

/* One call to the system, unless control has not looked since the last. */
static void give(void *ctx, struct verify_job **done, unsigned n)
{
	struct verify_desk *d = ctx;
	uint64_t one = 1;

	must(rte_ring_mp_enqueue_bulk(d->done, (void **)done, n, NULL) == n);
	if (!atomic_exchange(&d->told, true))
		must(write(d->fd, &one, sizeof(one)) == sizeof(one));
}

struct verifier *verify_worker(struct verify_desk *d, const struct random *random)
{
	struct verify_queue queue = {.take = take, .give = give, .ctx = d};

	return verifier_new(&queue, random);
}

static bool slice(void *ctx, uint64_t now_ns, uint64_t budget_ns)
{
	return verifier_slice(ctx, budget_ns);
}

struct role verify_role(struct verifier *v)
{
	return (struct role){.slice = slice, .ctx = v};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/role_codec.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include <rte_ring.h>

#include "base/must.h"

#define WAIT_MS 50 /* for a task; a cancelled job is looked at as often */

struct codec_worker {
	SLIST_ENTRY(codec_worker) entry;
	struct codec_desk *desk;
	const struct clock *clock;
	struct task *task; /* under way */
};

struct codec_desk {
	struct rte_ring *tasks; /* any thread in, any worker out */
	struct rte_ring *done;	/* any worker in, one thread out */
	void (*wake)(void *ctx);
	void *ctx;
	int fd;
	SLIST_HEAD(, codec_worker) workers;
	_Alignas(64) _Atomic unsigned free; /* slots */
	_Atomic bool waiting;		    /* the taker sets, workers clear */
};

/* In memory of its own: no EAL is needed. */
static struct rte_ring *make_ring(const char *name, unsigned flags)
{
	ssize_t size = rte_ring_get_memsize(2 * CODEC_SLOTS);
	struct rte_ring *ring = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(size));

	must(size > 0);
	if (ring != NULL)
		must(rte_ring_init(ring, name, 2 * CODEC_SLOTS, flags) == 0);
	return ring;
}

struct codec_desk *codec_desk_new(void (*wake)(void *ctx), void *ctx)
{
	struct codec_desk *d = aligned_alloc(64, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->wake = wake;
	d->ctx = ctx;
	SLIST_INIT(&d->workers);
	d->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	d->tasks = make_ring("codec_tasks", 0);
	d->done = make_ring("codec_done", RING_F_SC_DEQ);
	atomic_init(&d->free, CODEC_SLOTS);
	atomic_init(&d->waiting, false);
	if (d->fd >= 0 && d->tasks != NULL && d->done != NULL)
		return d;
	codec_desk_free(d);
	return NULL;
}

void codec_desk_free(struct codec_desk *d)
{
	struct codec_worker *w;

	if (d == NULL)
		return;
	while ((w = SLIST_FIRST(&d->workers)) != NULL) {
		SLIST_REMOVE_HEAD(&d->workers, entry);
		free(w);
	}
	free(d->tasks);
	free(d->done);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

/* --- whoever has work ----------------------------------------------------------------------- */

bool codec_submit(void *desk, struct task *t)
{
	struct codec_desk *d = desk;
	unsigned slots = atomic_load(&d->free);

	do {
		if (slots == 0)
			return false;
	} while (!atomic_compare_exchange_weak(&d->free, &slots, slots - 1));
	must(rte_ring_mp_enqueue(d->tasks, t) == 0); /* it has room for all slots */
	if (d->wake != NULL)
		d->wake(d->ctx);
	return true;
}

static struct task *take(struct codec_desk *d)
{
	struct task *t;

	if (rte_ring_sc_dequeue(d->done, (void **)&t) != 0)
		return NULL;
	atomic_fetch_add(&d->free, 1);
	return t;
}

struct task *codec_take(void *desk, bool wait)
{
	struct codec_desk *d = desk;
	struct pollfd look = {.fd = d->fd, .events = POLLIN};
	struct task *t = take(d);
	uint64_t count;

	if (t != NULL || !wait)
		return t;
	/* In this order: what comes in after it is told. */
	atomic_store(&d->waiting, true);
	t = take(d);
	if (t == NULL && poll(&look, 1, WAIT_MS) > 0)
		(void)!read(d->fd, &count, sizeof(count));
	atomic_store(&d->waiting, false);
	return t != NULL ? t : take(d);
}

/* --- workers -------------------------------------------------------------------------------- */

static void give_back(struct codec_desk *d, struct task *t)
{
	uint64_t one = 1;

	must(rte_ring_mp_enqueue(d->done, t) == 0);
	/* pairs with the store in codec_take(): one of the two sees what the other wrote */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&d->waiting, memory_order_relaxed) &&
	    atomic_exchange(&d->waiting, false))
		must(write(d->fd, &one, sizeof(one)) == sizeof(one));
}

static bool slice(void *ctx, uint64_t now_ns, uint64_t budget_ns)
{
	struct codec_worker *w = ctx;

	if (w->task == NULL && rte_ring_mc_dequeue(w->desk->tasks, (void **)&w->task) != 0)
		return false;
	if (task_slice(w->task, w->clock, budget_ns)) {
		give_back(w->desk, w->task);
		w->task = NULL;
	}
	return true;
}

struct codec_worker *codec_worker_new(struct codec_desk *d, const struct clock *clock)
{
	struct codec_worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->desk = d;
	w->clock = clock;
	SLIST_INSERT_HEAD(&d->workers, w, entry);
	return w;
}

struct role codec_role(struct codec_worker *w)
{
	return (struct role){.slice = slice, .ctx = w};
}

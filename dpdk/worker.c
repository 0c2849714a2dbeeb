/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_ring_elem.h>

#include "base/must.h"

#define HOUSEKEEPING_TURNS 256
#define HANDED_SLOTS	   1024
#define HELLO_SLOTS	   128 /* 64 wait in the engine at most; twice that never overflows */
#define ORDER_SLOTS	   256
#define FETCHED_SLOTS	   (2 * SERVE_PARKED_MAX)
#define WRITTEN_SLOTS	   (2 * WRITE_SLOTS) /* always room for all there are */
#define CALLED_SLOTS	   (2 * CALL_SLOTS)

static_assert(sizeof(struct hello_job) % 4 == 0 && sizeof(struct session_order) % 4 == 0,
	      "elements of a ring");

/* --- the loop ------------------------------------------------------------------------------- */

static unsigned receive(struct worker *w, uint64_t now, uint64_t wall)
{
	struct dgram in[SERVE_BURST_MAX];
	unsigned frames = 0;

	for (unsigned i = 0; w->polls && i < ports_count(w->all->ports); i++) {
		unsigned n = port_receive(ports_at(w->all->ports, i), w->number, in,
					  SERVE_BURST_MAX, now, &frames);

		if (n == 0)
			continue;
		serve_burst(w->serve, in, n, now, wall);
		ports_release(in, n);
	}
	return frames;
}

static unsigned take_handed(struct worker *w, uint64_t now, uint64_t wall)
{
	struct dgram in[SERVE_BURST_MAX];
	void *packed[SERVE_BURST_MAX];
	unsigned n = rte_ring_sc_dequeue_burst(w->handed, packed, SERVE_BURST_MAX, NULL);

	for (unsigned i = 0; i < n; i++)
		dgram_unpack(&in[i], packed[i]);
	if (n > 0) {
		serve_handed(w->serve, in, n, now, wall);
		ports_release(in, n);
	}
	return n;
}

static unsigned take_done(struct worker *w, uint64_t now, uint64_t wall)
{
	void *done[SERVE_BURST_MAX];
	unsigned writes = rte_ring_sc_dequeue_burst(w->written, done, SERVE_BURST_MAX, NULL);
	unsigned calls;

	for (unsigned i = 0; i < writes; i++)
		serve_written(w->serve, done[i], now, wall);
	calls = rte_ring_sc_dequeue_burst(w->called, done, SERVE_BURST_MAX, NULL);
	for (unsigned i = 0; i < calls; i++)
		serve_called(w->serve, done[i], now, wall);
	return writes + calls;
}

static unsigned take_messages(struct worker *w, uint64_t now, uint64_t wall)
{
	struct hello_job hello;
	struct session_order order;
	struct fetch_job *job;
	unsigned n = 0;

	while (rte_ring_sc_dequeue_elem(w->hellos, &hello, sizeof(hello)) == 0) {
		serve_hello(w->serve, &hello, now, wall);
		n++;
	}
	while (rte_ring_sc_dequeue_elem(w->orders, &order, sizeof(order)) == 0) {
		serve_order(w->serve, &order, now, wall);
		n++;
	}
	while (rte_ring_sc_dequeue(w->fetched, (void **)&job) == 0) {
		serve_fetched(w->serve, job, now, wall);
		n++;
	}
	return n + take_done(w, now, wall);
}

static void flush(struct worker *w)
{
	for (unsigned i = 0; w->polls && i < ports_count(w->all->ports); i++)
		port_flush(ports_at(w->all->ports, i), w->number);
}

/* One slice to the next role that has work. */
static bool give_slice(struct worker *w, uint64_t now)
{
	for (unsigned i = 0; i < w->role_count; i++) {
		struct role *role = &w->role[w->role_next];

		w->role_next = (w->role_next + 1) % w->role_count;
		if (role->slice(role->ctx, now, ROLE_SLICE_NS))
			return true;
	}
	return false;
}

/*
 * Serving first, then everything leaves, then a slice of handshake work. The roles get theirs when
 * nothing came, and now and then however much comes; answers do not wait for their batch meanwhile,
 * since a slice is as long as a batch may stay open.
 */
static unsigned turn(struct worker *w, uint64_t now, uint64_t wall)
{
	unsigned work = receive(w, now, wall);
	bool slice;

	work += take_handed(w, now, wall);
	work += take_messages(w, now, wall);
	slice = work == 0 || now - w->slice_ns >= ROLE_APART_NS;
	serve_turn(w->serve, work == 0 || (slice && w->role_busy), now, wall);
	flush(w);
	if (serve_handshake_slice(w->serve, now, wall))
		work++;
	if (slice) {
		w->role_busy = give_slice(w, now);
		w->slice_ns = now;
	}
	return work + w->role_busy;
}

/* Reports first: the engine lets go of an old snapshot without looking into it once more. */
static void new_view(struct worker *w)
{
	const struct view *view = atomic_load_explicit(&w->all->view, memory_order_acquire);

	if (view == w->view)
		return;
	w->view = view;
	serve_set_view(w->serve, view);
}

static void answer(struct worker *w)
{
	struct ask *ask = &w->ask;
	int posted = ASK_POSTED;

	if (atomic_load_explicit(&ask->state, memory_order_relaxed) != ASK_POSTED ||
	    !atomic_compare_exchange_strong_explicit(&ask->state, &posted, ASK_TAKEN,
						     memory_order_acquire, memory_order_relaxed))
		return;
	if (ask->close)
		ask->found = serve_close(w->serve, ask->index);
	else
		ask->count = serve_sessions(w->serve, &ask->cursor, ask->info, ask->room);
	atomic_store_explicit(&ask->state, ASK_DONE, memory_order_release);
}

static void housekeeping(struct worker *w, uint64_t now)
{
	grace_report(w->all->grace, w->number);
	new_view(w);
	answer(w);
	atomic_store_explicit(&w->heartbeat_ns, now, memory_order_relaxed);
}

static void account(struct worker *w, unsigned work, uint64_t cycles)
{
	_Atomic uint64_t *counter = work > 0 ? &w->busy_cycles : &w->idle_cycles;

	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + cycles,
			      memory_order_relaxed);
}

static bool stopped(const struct worker *w)
{
	return atomic_load_explicit(&w->all->stop, memory_order_relaxed);
}

/* Nothing is served before control has published who may speak. */
static void wait_for_view(struct worker *w)
{
	while (w->view == NULL && !stopped(w)) {
		housekeeping(w, clock_mono(w->all->clock));
		usleep(100);
	}
}

int worker_run(void *arg)
{
	struct worker *w = arg;
	uint64_t turns = 0, start, end;

	must(atomic_load_explicit(&w->started, memory_order_acquire));
	grace_online(w->all->grace, w->number);
	idle_open(w);
	wait_for_view(w);
	start = rte_rdtsc();
	while (!stopped(w)) {
		uint64_t now = clock_mono(w->all->clock), wall = clock_wall(w->all->clock);
		unsigned work = turn(w, now, wall);

		bool slept = idle_turn(w, work);

		if (++turns % HOUSEKEEPING_TURNS == 0 || slept ||
		    w->empty_turns > HOUSEKEEPING_TURNS)
			housekeeping(w, now);
		atomic_store_explicit(&w->turns, turns, memory_order_relaxed);
		end = rte_rdtsc();
		account(w, work, end - start);
		start = end;
	}
	flush(w);
	grace_offline(w->all->grace, w->number);
	atomic_store_explicit(&w->ended, true, memory_order_release);
	return 0;
}

/* --- what the engine asks for --------------------------------------------------------------- */

static bool io_alloc(void *ctx, uint16_t port, struct dgram *out, unsigned n)
{
	struct worker *w = ctx;

	return port_alloc(ports_at(w->all->ports, port), w->number, out, n);
}

/* Runs of the same port go together, so that order is kept. */
static void io_send(void *ctx, struct dgram *out, unsigned n)
{
	struct worker *w = ctx;

	for (unsigned i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && out[end].path.port == out[i].path.port;)
			end++;
		port_send(ports_at(w->all->ports, out[i].path.port), w->number, &out[i], end - i);
	}
}

static void io_release(void *ctx, struct dgram *out, unsigned n)
{
	ports_release(out, n);
}

static bool io_handover(void *ctx, unsigned worker, struct dgram *in)
{
	struct worker *w = ctx, *to;

	if (worker >= w->all->count)
		return false;
	to = w->all->worker[worker];
	if (rte_ring_mp_enqueue(to->handed, dgram_pack(in)) != 0)
		return false;
	worker_wake(to);
	return true;
}

static bool io_hello(void *ctx, unsigned worker, const struct hello_job *job)
{
	struct worker *w = ctx;
	struct worker *to = w->all->worker[worker];

	if (rte_ring_mp_enqueue_elem(to->hellos, (void *)(uintptr_t)job, sizeof(*job)) != 0)
		return false;
	worker_wake(to);
	return true;
}

static bool io_order(void *ctx, unsigned worker, const struct session_order *order)
{
	struct worker *w = ctx;
	struct worker *to = w->all->worker[worker];

	if (rte_ring_mp_enqueue_elem(to->orders, (void *)(uintptr_t)order, sizeof(*order)) != 0)
		return false;
	worker_wake(to);
	return true;
}

static bool io_fetch(void *ctx, struct fetch_job *job)
{
	struct worker *w = ctx;

	return fetch_submit(w->all->fetch, job);
}

static bool io_write(void *ctx, struct write_job *job)
{
	struct worker *w = ctx;

	return fetch_write(w->all->fetch, job);
}

static bool io_call(void *ctx, struct call_job *job)
{
	struct worker *w = ctx;

	return call_desk_put(w->all->calls, job);
}

/* --- open and close ------------------------------------------------------------------------- */

static struct rte_ring *make_ring(const struct worker *w, const char *what, unsigned element,
				  unsigned slots, unsigned flags)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "assay_%s_%u", what, w->number);
	return rte_ring_create_elem(name, element, slots, SOCKET_ID_ANY, flags | RING_F_SC_DEQ);
}

int worker_open(struct worker *w, const struct serve_config *config)
{
	struct serve_config mine = *config;

	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->handed = make_ring(w, "handed", sizeof(void *), HANDED_SLOTS, 0);
	w->hellos = make_ring(w, "hellos", sizeof(struct hello_job), HELLO_SLOTS, 0);
	w->orders = make_ring(w, "orders", sizeof(struct session_order), ORDER_SLOTS, 0);
	w->fetched = make_ring(w, "fetched", sizeof(void *), FETCHED_SLOTS, RING_F_SP_ENQ);
	w->written = make_ring(w, "written", sizeof(void *), WRITTEN_SLOTS, RING_F_SP_ENQ);
	w->called = make_ring(w, "called", sizeof(void *), CALLED_SLOTS, RING_F_SP_ENQ);
	if (w->wake_fd < 0 || w->handed == NULL || w->hellos == NULL || w->orders == NULL ||
	    w->fetched == NULL || w->written == NULL || w->called == NULL)
		return ASSAY_E_NOMEM;
	drbg_init(&w->drbg, config->random);
	w->random = random_drbg(&w->drbg);
	mine.worker = w->number;
	mine.random = &w->random;
	mine.io = (struct serve_io){
		.alloc = io_alloc,
		.send = io_send,
		.release = io_release,
		.handover = io_handover,
		.hello = io_hello,
		.order = io_order,
		.fetch = io_fetch,
		.write = io_write,
		.call = io_call,
		.ctx = w,
	};
	w->serve = serve_new(&mine);
	return w->serve != NULL ? 0 : ASSAY_E_NOMEM;
}

void worker_add_role(struct worker *w, struct role role)
{
	must(w->role_count < ROLES_MAX);
	w->role[w->role_count++] = role;
}

void worker_close(struct worker *w)
{
	struct dgram in;
	void *packed;

	if (w->serve != NULL)
		serve_free(w->serve);
	verifier_free(w->verifier);
	drbg_wipe(&w->drbg);
	while (w->handed != NULL && rte_ring_dequeue(w->handed, &packed) == 0) {
		dgram_unpack(&in, packed);
		ports_release(&in, 1);
	}
	rte_ring_free(w->handed);
	rte_ring_free(w->hellos);
	rte_ring_free(w->orders);
	rte_ring_free(w->fetched);
	rte_ring_free(w->written);
	rte_ring_free(w->called);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
}

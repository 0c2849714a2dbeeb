/* SPDX-License-Identifier: Apache-2.0 */
/* What control calls while the workers run: reading their counters, asking, publishing. */
#include <string.h>
#include <unistd.h>

#include "base/must.h"
#include "dpdk/dataplane_int.h"

#define ASK_WAIT_US 500000
#define ASK_STEP_US 100

static_assert(sizeof(struct serve_counters) % sizeof(uint64_t) == 0 &&
		      sizeof(struct verify_counters) % sizeof(uint64_t) == 0,
	      "counters are all uint64_t");

/* Each word at once, as its worker writes it. */
static void copy_counters(void *out, const void *in, size_t len)
{
	uint64_t *to = out;
	const uint64_t *from = in;

	for (size_t i = 0; i < len / sizeof(uint64_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void calls_worker(struct worker *w, struct plane_worker *out)
{
	out->worker = w->number;
	out->lcore = w->lcore;
	out->cpu = w->cpu;
	out->roles = w->roles;
	copy_counters(&out->counters, serve_counters(w->serve), sizeof(out->counters));
	memset(&out->verify, 0, sizeof(out->verify));
	if (w->verifier != NULL)
		copy_counters(&out->verify, verifier_counters(w->verifier), sizeof(out->verify));
	out->turns = atomic_load_explicit(&w->turns, memory_order_relaxed);
	out->busy_cycles = atomic_load_explicit(&w->busy_cycles, memory_order_relaxed);
	out->idle_cycles = atomic_load_explicit(&w->idle_cycles, memory_order_relaxed);
	out->heartbeat_ns = atomic_load_explicit(&w->heartbeat_ns, memory_order_relaxed);
}

static unsigned call_workers(void *ctx, struct plane_worker *out, unsigned room)
{
	struct dataplane *d = ctx;
	unsigned n = RTE_MIN(room, d->workers.count);

	for (unsigned i = 0; i < n; i++)
		calls_worker(d->workers.worker[i], &out[i]);
	return n;
}

static unsigned call_ports(void *ctx, struct plane_port *out, unsigned room)
{
	struct dataplane *d = ctx;
	unsigned n = d->workers.ports != NULL ? RTE_MIN(room, ports_count(d->workers.ports)) : 0;

	for (unsigned i = 0; i < n; i++)
		port_info(ports_at(d->workers.ports, i), &out[i]);
	return n;
}

static unsigned call_topology(void *ctx, struct plane_row *out, unsigned room)
{
	struct dataplane *d = ctx;
	unsigned n = RTE_MIN(room, d->placement.rows);

	memcpy(out, d->placement.row, n * sizeof(*out));
	return n;
}

static unsigned call_doctor(void *ctx, struct plane_check *out, unsigned room)
{
	struct dataplane *d = ctx;

	return dataplane_doctor(&d->config, out, room);
}

static void free_view(void *view)
{
	view_free(view);
}

static void call_publish(void *ctx, struct view *view)
{
	struct dataplane *d = ctx;
	struct view *old = atomic_exchange_explicit(&d->workers.view, view, memory_order_acq_rel);
	struct grace grace = grace_of(&d->grace);

	if (old != NULL)
		grace.defer(grace.ctx, free_view, old);
	for (unsigned i = 0; i < d->workers.count; i++)
		worker_wake(d->workers.worker[i]);
}

/*
 * Waits until the worker has answered. When it does not, the question is taken back, unless the
 * worker has just begun with it: then the answer is a moment away.
 */
static int put_question(struct worker *w)
{
	struct ask *ask = &w->ask;
	int posted = ASK_POSTED;

	atomic_store_explicit(&ask->state, ASK_POSTED, memory_order_release);
	worker_wake(w);
	for (unsigned waited = 0;; waited += ASK_STEP_US) {
		if (atomic_load_explicit(&ask->state, memory_order_acquire) == ASK_DONE)
			return 0;
		if (waited >= ASK_WAIT_US &&
		    atomic_compare_exchange_strong(&ask->state, &posted, ASK_FREE))
			return ASSAY_E_TIMEOUT;
		posted = ASK_POSTED;
		usleep(ASK_STEP_US);
	}
}

static int call_sessions(void *ctx, unsigned worker, uint32_t *cursor, struct session_info *out,
			 unsigned room)
{
	struct dataplane *d = ctx;
	struct ask *ask;
	int code;

	if (worker >= d->workers.count || room == 0)
		return ASSAY_E_NOTFOUND;
	ask = &d->workers.worker[worker]->ask;
	pthread_mutex_lock(&d->ask_lock);
	ask->close = false;
	ask->cursor = *cursor;
	ask->room = RTE_MIN(room, (unsigned)ASK_SESSIONS_MAX);
	code = put_question(d->workers.worker[worker]);
	if (code == 0) {
		memcpy(out, ask->info, ask->count * sizeof(*out));
		*cursor = ask->cursor;
		code = (int)ask->count;
		atomic_store(&ask->state, ASK_FREE);
	}
	pthread_mutex_unlock(&d->ask_lock);
	return code;
}

static int call_close_session(void *ctx, uint32_t index)
{
	struct dataplane *d = ctx;
	unsigned worker = index >> 16 & 0xff; /* docs/protocol.md, "Datagrams of a session" */
	struct ask *ask;
	int code;

	if (worker >= d->workers.count)
		return ASSAY_E_NOTFOUND;
	ask = &d->workers.worker[worker]->ask;
	pthread_mutex_lock(&d->ask_lock);
	ask->close = true;
	ask->index = index;
	code = put_question(d->workers.worker[worker]);
	if (code == 0) {
		code = ask->found ? 0 : ASSAY_E_NOTFOUND;
		atomic_store(&ask->state, ASK_FREE);
	}
	pthread_mutex_unlock(&d->ask_lock);
	return code;
}

static unsigned call_verify(void *ctx, const struct verify_job *jobs, unsigned n)
{
	struct dataplane *d = ctx;

	return verify_submit(d->workers.verify, jobs, n);
}

static unsigned call_verified(void *ctx)
{
	struct dataplane *d = ctx;

	return verify_collect(d->workers.verify);
}

static int call_verify_fd(void *ctx)
{
	struct dataplane *d = ctx;

	return verify_fd(d->workers.verify);
}

static int call_calls_fd(void *ctx)
{
	struct dataplane *d = ctx;

	return d->calls.fd;
}

static struct call_job *call_take(void *ctx)
{
	struct dataplane *d = ctx;

	return call_desk_take(&d->calls);
}

static void call_answer(void *ctx, struct call_job *job)
{
	struct dataplane *d = ctx;
	struct worker *w = d->workers.worker[job->worker];

	must(rte_ring_sp_enqueue(w->called, job) == 0);
	worker_wake(w);
}

static bool call_codec_submit(void *ctx, struct task *t)
{
	struct dataplane *d = ctx;

	return codec_submit(d->workers.codec, t);
}

static struct task *call_codec_take(void *ctx, bool wait)
{
	struct dataplane *d = ctx;

	return codec_take(d->workers.codec, wait);
}

static unsigned codec_workers(const struct dataplane *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->placement.workers; i++)
		n += (d->placement.worker[i].roles & ROLE_CODEC) != 0;
	return n;
}

static bool call_idle(void *ctx)
{
	struct dataplane *d = ctx;

	if (!verify_idle(d->workers.verify))
		return false;
	for (unsigned i = 0; i < d->workers.count; i++)
		if (!atomic_load_explicit(&d->workers.worker[i]->quiet, memory_order_relaxed))
			return false;
	return true;
}

struct plane dataplane_calls(struct dataplane *d)
{
	return (struct plane){
		.workers = call_workers,
		.ports = call_ports,
		.topology = call_topology,
		.doctor = call_doctor,
		.publish = call_publish,
		.sessions = call_sessions,
		.close_session = call_close_session,
		.verify = call_verify,
		.verified = call_verified,
		.verify_fd = call_verify_fd,
		.calls_fd = call_calls_fd,
		.call_take = call_take,
		.call_answer = call_answer,
		.codec = {.submit = call_codec_submit,
			  .take = call_codec_take,
			  .workers = codec_workers(d),
			  .ctx = d},
		.idle = call_idle,
		.ctx = d,
	};
}

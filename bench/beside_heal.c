/* SPDX-License-Identifier: Apache-2.0 */
#include "beside_heal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "bench.h"
#include "codec/job.h"
#include "dpdk/role_codec.h"

#define SYMBOLS 160 /* source symbols: 10 MiB in one sub-block */
#define SIZE	65528
#define RATIO	5 /* repair symbols for each */
#define WANTED	(SYMBOLS + (RATIO - 1) * SYMBOLS)

struct heal_load {
	struct codec_desk *desk;
	struct codec_worker *worker;
	struct role role;
	unsigned cpu;
	pthread_t thread;
	_Atomic bool stop, stopped;
	struct codec_job job; /* cancelled by stop */
	uint64_t octets, ticks;
	uint32_t known[SYMBOLS], wanted[WANTED];
	uint8_t *to[WANTED];
	uint8_t *repair; /* what is known */
};

/* Any octets will do: so many symbols with a solution are those of some file. */
static int read_window(void *ctx, const struct codec_window *w)
{
	struct heal_load *h = ctx;
	size_t octets = (size_t)(w->to - w->from);

	for (unsigned i = 0; i < SYMBOLS; i++)
		memcpy(w->repair + i * octets, h->repair + (size_t)i * SIZE + w->from, octets);
	return 0;
}

static int finish(struct heal_load *h)
{
	int e;

	while ((e = codec_job_step(&h->job)) == ASSAY_E_AGAIN) {
		struct task *t = codec_take(h->desk, true);

		if (t != NULL)
			codec_job_back(&h->job, t);
	}
	return e;
}

static int heal(struct heal_load *h)
{
	const struct assay_rq_params p = {(uint64_t)SYMBOLS * SIZE, SIZE, 1, 1, 8};
	const struct task_pool pool = {codec_submit, codec_take, 1, h->desk};
	const struct codec_io io = {.read = read_window, .ctx = h};
	struct assay_rq_block block;
	int e;

	must(assay_rq_block(&block, &p, 0) == 0);
	codec_job_init(&h->job, &pool, &p, &block);
	e = codec_job_plan(&h->job, h->known, SYMBOLS);
	if (e == 0)
		e = finish(h);
	if (e == 0)
		e = codec_job_solve(&h->job, h->wanted, h->to, WANTED, &io);
	if (e == 0 && atomic_load(&h->stop))
		atomic_store(&h->job.cancel, true);
	if (e == 0)
		e = finish(h);
	h->octets += e == 0 ? (uint64_t)SYMBOLS * SIZE : 0;
	codec_job_free(&h->job);
	return e;
}

static void *run(void *arg)
{
	struct heal_load *h = arg;
	uint64_t start = bench_ticks();

	bench_pin(h->cpu);
	h->octets = 0;
	while (!atomic_load(&h->stop)) {
		int e = heal(h);

		must(e == 0 || e == ASSAY_E_CLOSED);
	}
	h->ticks = bench_ticks() - start;
	atomic_store(&h->stopped, true);
	return NULL;
}

struct heal_load *heal_load_new(struct role *role, unsigned cpu, const struct clock *clock)
{
	struct heal_load *h = calloc(1, sizeof(*h));
	uint64_t seed = 1;

	if (h == NULL || (h->desk = codec_desk_new(NULL, NULL)) == NULL ||
	    (h->worker = codec_worker_new(h->desk, clock)) == NULL)
		return NULL;
	h->cpu = cpu;
	h->role = *role = codec_role(h->worker);
	h->repair = bench_memory((size_t)SYMBOLS * SIZE);
	for (size_t i = 0; i + 8 <= (size_t)SYMBOLS * SIZE; i += 8)
		*(uint64_t *)(h->repair + i) = bench_random(&seed);
	for (uint32_t i = 0; i < SYMBOLS; i++)
		h->known[i] = SYMBOLS + i;
	for (uint32_t i = 0; i < WANTED; i++) {
		h->wanted[i] = i < SYMBOLS ? i : SYMBOLS + i;
		h->to[i] = i < SYMBOLS ? NULL : bench_memory(SIZE);
	}
	return h;
}

void heal_load_start(struct heal_load *h)
{
	atomic_store(&h->stop, false);
	atomic_store(&h->stopped, false);
	must(pthread_create(&h->thread, NULL, run, h) == 0);
}

double heal_load_stop(struct heal_load *h)
{
	atomic_store(&h->stop, true);
	while (!atomic_load(&h->stopped))
		h->role.slice(h->role.ctx, 0, ROLE_SLICE_NS);
	pthread_join(h->thread, NULL);
	return (double)h->octets / 1e6 / ((double)h->ticks / bench_ticks_per_s());
}

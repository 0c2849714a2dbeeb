/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs round the rings: threads as workers take slices of whatever tasks there are, another codes.
 * Also what ThreadSanitizer looks at. No EAL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "codec/job.h"
#include "dpdk/role_codec.h"
#include "raptorq/box.h"

enum { WORKERS = 3, K = 120, T = 2048, N = 8, REPAIR = 60 };

static struct clock fine;
static _Atomic bool stop;
static _Atomic unsigned wakes, busy[WORKERS];
static struct codec_desk *desk;

static void wake(void *ctx)
{
	atomic_fetch_add(&wakes, 1);
}

struct mine {
	struct role role;
	unsigned number;
};

/* What a worker's loop does with the role. */
static void *work(void *arg)
{
	struct mine *m = arg;

	while (!atomic_load(&stop))
		if (m->role.slice(m->role.ctx, clock_mono(&fine), ROLE_SLICE_NS))
			atomic_fetch_add(&busy[m->number], 1);
		else
			sched_yield();
	return NULL;
}

static uint8_t *object;

static int read_window(void *ctx, const struct codec_window *w)
{
	memcpy(w->source, object + (size_t)w->from * K, (size_t)K * (w->to - w->from));
	return 0;
}

static int run(struct codec_job *j, const struct task_pool *pool)
{
	int e;

	while ((e = codec_job_step(j)) == ASSAY_E_AGAIN) {
		struct task *t = pool->take(pool->ctx, true);

		if (t != NULL)
			codec_job_back(j, t);
	}
	return e;
}

static int encode(uint8_t *repair, bool cancel)
{
	static const struct codec_io io = {.read = read_window};
	struct assay_rq_params p = {(uint64_t)K * T, T, 1, N, 8};
	struct task_pool pool = {codec_submit, codec_take, WORKERS, desk};
	struct assay_rq_block b;
	struct codec_job j;
	uint32_t ids[REPAIR];
	uint8_t *to[REPAIR];
	int e;

	assert_int_equal(assay_rq_block(&b, &p, 0), 0);
	for (uint32_t i = 0; i < REPAIR; i++) {
		ids[i] = K + i;
		to[i] = repair + i * T;
	}
	codec_job_init(&j, &pool, &p, &b);
	assert_int_equal(codec_job_plan(&j, NULL, 0), 0);
	e = run(&j, &pool);
	assert_int_equal(e, 0);
	assert_int_equal(codec_job_solve(&j, ids, to, REPAIR, &io), 0);
	assert_int_equal(codec_job_step(&j), ASSAY_E_AGAIN);
	atomic_store(&j.cancel, cancel);
	e = run(&j, &pool);
	codec_job_free(&j);
	return e;
}

static void jobs_by_threads(void **state)
{
	uint8_t *once = calloc(REPAIR, T), *again = calloc(REPAIR, T);
	struct mine mine[WORKERS];
	pthread_t thread[WORKERS];
	bool all = false;

	object = malloc((size_t)K * T);
	box_fill(object, (size_t)K * T, 1);
	desk = codec_desk_new(wake, NULL);
	assert_non_null(desk);
	for (unsigned i = 0; i < WORKERS; i++) {
		mine[i] = (struct mine){codec_role(codec_worker_new(desk, &fine)), i};
		assert_int_equal(pthread_create(&thread[i], NULL, work, &mine[i]), 0);
	}
	assert_int_equal(encode(once, false), 0);
	/* until every worker had a share, however they are scheduled */
	while (!all) {
		memset(again, 0, (size_t)REPAIR * T);
		assert_int_equal(encode(again, false), 0);
		assert_memory_equal(again, once, (size_t)REPAIR * T);
		all = true;
		for (unsigned i = 0; i < WORKERS; i++)
			all &= atomic_load(&busy[i]) > 0;
	}
	for (unsigned i = 0; i < 20; i++) {
		int e = encode(again, true);

		assert_true(e == ASSAY_E_CLOSED || e == 0);
	}
	assert_true(atomic_load(&wakes) > 0);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	codec_desk_free(desk);
	free(object);
	free(once);
	free(again);
}

static int never_run(void *ctx, uint64_t budget)
{
	return 0;
}

/* As many tasks as slots; the next waits with its owner. */
static void slots(void **state)
{
	struct task task[CODEC_SLOTS + 1];
	struct role role;

	desk = codec_desk_new(NULL, NULL);
	role = codec_role(codec_worker_new(desk, &fine));
	assert_false(role.slice(role.ctx, 0, ROLE_SLICE_NS));
	assert_null(codec_take(desk, false));
	for (unsigned i = 0; i <= CODEC_SLOTS; i++) {
		task[i] = (struct task){.run = never_run};
		assert_int_equal(codec_submit(desk, &task[i]), i < CODEC_SLOTS);
	}
	assert_true(role.slice(role.ctx, 0, ROLE_SLICE_NS));
	assert_false(codec_submit(desk, &task[CODEC_SLOTS])); /* done, not yet taken */
	assert_ptr_equal(codec_take(desk, true), &task[0]);
	assert_true(codec_submit(desk, &task[CODEC_SLOTS]));
	for (unsigned i = 1; i <= CODEC_SLOTS; i++) {
		assert_true(role.slice(role.ctx, 0, ROLE_SLICE_NS));
		assert_ptr_equal(codec_take(desk, true), &task[i]);
	}
	assert_false(role.slice(role.ctx, 0, ROLE_SLICE_NS));
	codec_desk_free(desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_by_threads),
		cmocka_unit_test(slots),
	};

	fine = clock_real();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/verifier.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define TAKE_MAX 64 /* a slice: some 10 us */

struct verifier {
	struct verify_queue queue;
	struct assay_schnorr *batch;
	bool running; /* the batch is closed */
	unsigned count;
	struct verify_job *job[VERIFIER_BATCH_MAX]; /* by item of the batch */
	struct verify_counters counters;
};

struct verifier *verifier_new(const struct verify_queue *queue, const struct random *random)
{
	static const struct assay_schnorr_config config = {
		.items_max = VERIFIER_BATCH_MAX,
		.keys_max = VERIFIER_KEYS_MAX,
	};
	size_t own = (sizeof(struct verifier) + ASSAY_SCHNORR_ALIGN - 1) / ASSAY_SCHNORR_ALIGN *
		     ASSAY_SCHNORR_ALIGN;
	size_t size = assay_schnorr_size(&config);
	struct verifier *v = aligned_alloc(ASSAY_SCHNORR_ALIGN, own + size);
	uint8_t secret[32];

	if (v == NULL)
		return NULL;
	memset(v, 0, sizeof(*v));
	v->queue = *queue;
	random_fill(random, secret, sizeof(secret));
	must(assay_schnorr_init(&v->batch, (uint8_t *)v + own, size, &config, secret) == 0);
	return v;
}

void verifier_free(struct verifier *v)
{
	free(v);
}

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void add(struct verifier *v, const struct verify_job *job)
{
	const void *message = job->message != NULL ? job->message : job->digest;
	size_t len = job->message != NULL ? job->len : sizeof(job->digest);
	int code = job->known ? assay_schnorr_add_known(v->batch, message, len, job->key,
							job->signature)
			      : assay_schnorr_add(v->batch, message, len, job->key, job->signature);

	must(code == 0);
}

/* Takes some of what waits; true when that was all of it, or all there is room for. */
static bool collect(struct verifier *v)
{
	unsigned room = VERIFIER_BATCH_MAX - v->count, n;

	room = room < TAKE_MAX ? room : TAKE_MAX;
	n = v->queue.take(v->queue.ctx, v->job + v->count, room);
	must(n <= room);
	for (unsigned i = 0; i < n; i++)
		add(v, v->job[v->count++]);
	return n < room || v->count == VERIFIER_BATCH_MAX;
}

static void finish(struct verifier *v)
{
	uint64_t bad = 0;

	for (unsigned i = 0; i < v->count; i++) {
		v->job[i]->valid = assay_schnorr_valid(v->batch, i);
		bad += !v->job[i]->valid;
	}
	count(&v->counters.jobs, v->count);
	count(&v->counters.bad, bad);
	count(&v->counters.batches, 1);
	count(&v->counters.sizes[31 - __builtin_clz(v->count)], 1);
	v->queue.give(v->queue.ctx, v->job, v->count);
	assay_schnorr_reset(v->batch);
	v->running = false;
	v->count = 0;
}

bool verifier_slice(struct verifier *v, uint64_t budget_ns)
{
	if (!v->running)
		v->running = collect(v);
	if (v->count == 0) {
		v->running = false;
		return false;
	}
	if (v->running && assay_schnorr_run(v->batch, budget_ns) == 0)
		finish(v);
	count(&v->counters.slices, 1);
	return true;
}

const struct verify_counters *verifier_counters(const struct verifier *v)
{
	return &v->counters;
}

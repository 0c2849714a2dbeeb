/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fetch role takes transfers while the owner makes them durable, looks after claims and
 * removes, and a third thread lists and holds: every push ends durable, and what is there is right.
 * Meant for TSan as well.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "crypto/digest.h"
#include "crypto/tree.h"
#include "store/pushed.h"

#define FILES 60

static struct world world;
static _Atomic bool done;
static _Atomic unsigned wakes, claims_asked;

static uint64_t size_of(uint64_t n)
{
	return 1 + n * 997 % 20000;
}

static void wake(void *ctx)
{
	atomic_fetch_add(&wakes, 1);
}

static enum store_claim claimed(void *ctx, const uint8_t key[32])
{
	atomic_fetch_add(&claims_asked, 1);
	return key[0] % 2 == 0 ? STORE_CLAIMED : STORE_CLAIM_NONE;
}

static void *own(void *arg)
{
	unsigned removed = 0;
	uint8_t key[32];

	while (!atomic_load(&done) || store_commit_waits(world.store)) {
		store_commit(world.store);
		store_claims_sweep(world.store);
		/* Every tenth goes again, once it is there. */
		file_key(removed * 10, size_of(removed * 10), key);
		if (store_remove(world.store, key) == 0)
			removed++;
		sched_yield();
	}
	return NULL;
}

static void *look(void *arg)
{
	struct artifact_info info[16];
	struct store_stats stats;

	while (!atomic_load(&done)) {
		unsigned n = store_list(world.store, NULL, info, 16);

		for (unsigned i = 0; i < n; i++)
			store_hold(world.store, info[i].key);
		store_stats(world.store, &stats);
		store_staging_quota(world.store, (64ull << 20) + stats.artifacts);
		sched_yield();
	}
	return NULL;
}

/* Four at a time, as one session may have open; asked again until each is durable. */
static void push_all(void)
{
	struct pushed p = {.world = &world, .account = 1, .session = 1};
	bool durable[FILES] = {false};
	unsigned left = FILES;

	while (left > 0) {
		for (uint64_t n = 0; n < FILES; n++) {
			uint32_t transfer;

			if (durable[n])
				continue;
			if (push_open(&p, n, size_of(n)) != ASSAY_R_NONE) {
				assert_int_equal(p.job.reason, ASSAY_R_BUSY);
				sched_yield();
				continue;
			}
			if (p.job.status.state == WRITE_DURABLE) {
				durable[n] = true;
				left--;
			}
			if (p.job.status.state != WRITE_OPENED)
				continue;
			transfer = p.job.status.transfer;
			for (uint32_t c = 0; c < tree_chunks(size_of(n)); c++)
				push_chunk(&p, transfer, n, size_of(n), c);
			push_commit(&p, transfer);
			store_write_sweep(world.store);
		}
	}
}

static void test_threads(void **state)
{
	struct clock clock = clock_real();
	pthread_t owner, looker;

	world_real(&world);
	world.config.clock = &clock;
	world.config.staging_bytes = 64 << 20;
	assert_int_equal(world_open(&world), 0);
	store_on_commit(world.store, wake, NULL);
	store_claims_set(world.store, &(struct store_claims){claimed, NULL});
	assert_int_equal(pthread_create(&owner, NULL, own, NULL), 0);
	assert_int_equal(pthread_create(&looker, NULL, look, NULL), 0);
	push_all();
	atomic_store(&done, true);
	pthread_join(owner, NULL);
	pthread_join(looker, NULL);
	assert_true(atomic_load(&wakes) >= FILES);
	for (uint64_t n = 0; n < FILES; n++) {
		int err = get_file(&world, n, size_of(n));

		assert_true(err == 0 || (err == ASSAY_E_NOTFOUND && n % 10 == 0));
	}
	world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

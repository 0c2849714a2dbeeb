/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: what is taken, what is said about it, what it may cost, and what becomes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "crypto/tree.h"
#include "store/pushed.h"

#define KIB  1024ull
#define S_NS 1000000000ull

static struct world world;
static struct pushed alice, bob;

static int setup(void **state)
{
	world_sim(&world, 7);
	world.config.staging_bytes = 1000 * KIB;
	assert_int_equal(world_open(&world), 0);
	alice = (struct pushed){.world = &world, .account = 1, .session = 11};
	bob = (struct pushed){.world = &world, .account = 2, .session = 22};
	return 0;
}

static int teardown(void **state)
{
	world_free(&world);
	return 0;
}

static void reopen(void)
{
	world_close(&world);
	assert_int_equal(world_open(&world), 0);
}

static uint32_t opened(struct pushed *p, uint64_t n, uint64_t size)
{
	assert_int_equal(push_open(p, n, size), ASSAY_R_NONE);
	assert_int_equal(p->job.status.state, WRITE_OPENED);
	return p->job.status.transfer;
}

static void write_all(struct pushed *p, uint32_t transfer, uint64_t n, uint64_t size)
{
	for (uint32_t c = 0; c < tree_chunks(size); c++)
		assert_int_equal(push_chunk(p, transfer, n, size, c), ASSAY_R_NONE);
}

static bool is_stored(uint64_t n, uint64_t size)
{
	struct artifact_info info;
	uint8_t key[32];

	file_key(n, size, key);
	return store_stat(world.store, key, &info) == 0 && find(&world, key) != NULL;
}

static void test_transfer(void **state)
{
	static const uint64_t sizes[] = {1, 1023, 1024, 1025, 5000, 65532, 300 * KIB + 7};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = sizes[i];
		uint32_t transfer = opened(&alice, i, size);

		for (uint32_t c = 0; c < tree_chunks(size); c++) {
			assert_int_equal(alice.job.status.first_missing, c);
			assert_int_equal(push_commit(&alice, transfer), ASSAY_R_NONE);
			assert_int_equal(alice.job.status.state, WRITE_OPENED);
			push_chunk(&alice, transfer, i, size, c);
			assert_false(is_stored(i, size));
		}
		assert_false(store_commit_waits(world.store));
		push_commit(&alice, transfer);
		assert_int_equal(alice.job.status.state, WRITE_CHECKING);
		assert_false(is_stored(i, size));
		assert_true(store_commit_waits(world.store));
		assert_int_equal(store_commit(world.store), 1);
		assert_int_equal(get_file(&world, i, size), 0);
		push_commit(&alice, transfer);
		assert_int_equal(alice.job.status.state, WRITE_DURABLE);
		/* Whoever opens it is told so. */
		assert_int_equal(push_open(&bob, i, size), ASSAY_R_NONE);
		assert_int_equal(bob.job.status.state, WRITE_DURABLE);
		assert_int_equal(bob.job.status.first_missing, tree_chunks(size));
		/* What comes late changes nothing. */
		push_chunk(&alice, transfer, i, size, 0);
		assert_int_equal(alice.job.status.state, WRITE_DURABLE);
	}
	reopen();
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(get_file(&world, i, sizes[i]), 0);
}

/* Any order, twice or lost: against a plain list of what was taken. */
static void test_any_order(void **state)
{
	for (uint64_t round = 0; round < 40; round++) {
		uint64_t seed = round + 1;
		struct random random = random_sim(&seed);
		uint64_t size = 1 + random_u64(&random) % (400 * KIB);
		uint32_t chunks = tree_chunks(size), transfer = opened(&alice, round, size);
		bool *taken = calloc(chunks + 400, sizeof(*taken));
		uint32_t first = 0;

		while (first < chunks) {
			uint32_t chunk = first + (uint32_t)(random_u64(&random) % 300);
			const struct write_status *s = &alice.job.status;

			chunk -= chunk > 20 ? (uint32_t)(random_u64(&random) % 20) : 0;
			if (chunk >= chunks) {
				assert_int_equal(
					push_chunk(&alice, transfer, round, UINT32_MAX, chunk),
					ASSAY_R_RANGE_END);
				push_commit(&alice, transfer);
			} else {
				push_chunk(&alice, transfer, round, size, chunk);
			}
			/* As the protocol says: taken if below first missing + window. */
			assert_int_equal(s->state, WRITE_OPENED);
			if (chunk < s->first_missing + s->window && chunk < chunks)
				taken[chunk] = true;
			while (taken[first])
				first++;
			assert_int_equal(s->first_missing, first);
			for (unsigned i = 0; i < 64; i++)
				assert_int_equal(s->set >> i & 1, taken[first + 1 + i]);
		}
		free(taken);
		push_commit(&alice, transfer);
		assert_int_equal(store_commit(world.store), 1);
		assert_int_equal(get_file(&world, round, size), 0);
		assert_int_equal(store_remove(world.store, find(&world, alice.job.key)->key), 0);
	}
}

static void test_malformed(void **state)
{
	uint32_t transfer = opened(&alice, 1, 5000);

	assert_int_equal(push_chunk(&alice, transfer, 1, 5000 - 1, 4), ASSAY_R_LENGTH);
	assert_int_equal(push_chunk(&alice, transfer, 1, 1, 0), ASSAY_R_LENGTH);
	assert_int_equal(push_chunk(&alice, transfer, 1, 5001 * KIB, 5), ASSAY_R_RANGE_END);
	assert_int_equal(push_chunk(&alice, transfer, 1, UINT32_MAX * KIB, UINT32_MAX - 1),
			 ASSAY_R_RANGE_END);
	assert_int_equal(push_chunk(&alice, transfer + 1, 1, 5000, 0), ASSAY_R_ARTIFACT_UNKNOWN);
	assert_int_equal(push_commit(&alice, 0), ASSAY_R_ARTIFACT_UNKNOWN);
	/* It is not the transfer of another account. */
	assert_int_equal(push_commit(&bob, transfer), ASSAY_R_ARTIFACT_UNKNOWN);
	assert_int_equal(push_open(&alice, 2, 0), ASSAY_R_ARTIFACT_SIZE);
	assert_int_equal(push_open(&alice, 2, TREE_SIZE_MAX + 1), ASSAY_R_ARTIFACT_SIZE);
	assert_int_equal(push_open(&alice, 2, UINT64_MAX), ASSAY_R_ARTIFACT_SIZE);
	/* The same artifact with another size. */
	file_key(1, 5000, alice.job.key);
	alice.job.type = ASSAY_WRITE_OPEN;
	alice.job.size = 5001;
	store_write(world.store, &alice.job);
	assert_int_equal(alice.job.reason, ASSAY_R_ARTIFACT_SIZE);
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	alice.job.type = ASSAY_WRITE_OPEN;
	alice.job.size = 5001;
	store_write(world.store, &alice.job);
	assert_int_equal(alice.job.reason, ASSAY_R_ARTIFACT_SIZE);
	assert_int_equal(alice.job.parameter, 5000);
}

static void test_wrong_bytes(void **state)
{
	uint32_t transfer = opened(&alice, 1, 5000);

	for (uint32_t c = 0; c < 5; c++)
		push_chunk(&alice, transfer, c == 3 ? 2 : 1, 5000, c);
	push_commit(&alice, transfer);
	store_commit(world.store);
	push_commit(&alice, transfer);
	assert_int_equal(alice.job.status.state, WRITE_FAILED);
	assert_int_equal(alice.job.status.code, ASSAY_R_ARTIFACT_ROT);
	assert_int_equal(files_on_disk(&world), 0);
	assert_false(is_stored(1, 5000));
	/* The next try starts afresh. */
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
}

static void test_limits(void **state)
{
	uint32_t first = 0;

	for (unsigned i = 0; i < 4; i++)
		first = opened(&alice, i, 100);
	assert_int_equal(push_open(&alice, 9, 100), ASSAY_R_BUSY);
	assert_true(alice.job.wait_ms > 0);
	/* The same again is not a new one. */
	assert_int_equal(opened(&alice, 3, 100), first);
	/* One that is checked is not open. */
	push_chunk(&alice, first, 3, 100, 0);
	push_commit(&alice, first);
	opened(&alice, 9, 100);
	for (unsigned i = 0; i < 59; i++) {
		bob.session = 100 + i / 4;
		opened(&bob, 100 + i, 100);
	}
	assert_int_equal(push_open(&bob, 200, 100), ASSAY_R_BUSY); /* 64 of the node */
	store_commit(world.store);
	opened(&bob, 200, 100);
}

static void test_quota(void **state)
{
	uint32_t a = opened(&alice, 1, 600 * KIB);

	assert_int_equal(push_open(&alice, 2, 400 * KIB), ASSAY_R_DISK_FULL);
	opened(&alice, 3, 100 * KIB);
	opened(&bob, 4, 800 * KIB); /* each account has its own */
	/* Durable bytes count as well, until they are claimed or an hour old. */
	write_all(&alice, a, 1, 600 * KIB);
	push_commit(&alice, a);
	store_commit(world.store);
	assert_int_equal(push_open(&alice, 2, 400 * KIB), ASSAY_R_DISK_FULL);
	store_staging_quota(world.store, 2000 * KIB);
	opened(&alice, 2, 400 * KIB);
	store_staging_quota(world.store, 0);
	assert_int_equal(push_open(&alice, 5, 1), ASSAY_R_DISK_FULL);
	assert_int_equal(push_open(&alice, 1, 600 * KIB), ASSAY_R_NONE);
}

static void test_disk_full(void **state)
{
	sim_disk_limit(world.sim, 300 * KIB);
	world.config.reserve_bytes = 100 * KIB;
	reopen();
	assert_int_equal(push_open(&alice, 1, 200 * KIB), ASSAY_R_DISK_FULL); /* with its tree */
	opened(&alice, 1, 100 * KIB);
	assert_int_equal(push_open(&alice, 2, 100 * KIB), ASSAY_R_DISK_FULL);
	opened(&alice, 2, 50 * KIB);
}

static void test_disk_fails(void **state)
{
	uint32_t transfer = opened(&alice, 1, 5000);

	sim_disk_fail(world.sim, 1, SIM_WRITE, ASSAY_E_NOSPC);
	assert_int_equal(push_chunk(&alice, transfer, 1, 5000, 0), ASSAY_R_NONE);
	assert_int_equal(alice.job.status.state, WRITE_FAILED);
	assert_int_equal(alice.job.status.code, ASSAY_R_DISK_FULL);
	assert_int_equal(files_on_disk(&world), 0);
	sim_disk_fail(world.sim, 1, SIM_OPEN, ASSAY_E_IO);
	assert_int_equal(push_open(&alice, 1, 5000), ASSAY_R_BUSY);
	sim_disk_fail(world.sim, 1, SIM_STAT, ASSAY_E_IO);
	assert_int_equal(push_open(&alice, 1, 5000), ASSAY_R_BUSY);
	transfer = opened(&alice, 1, 5000);
	write_all(&alice, transfer, 1, 5000);
	push_commit(&alice, transfer);
	sim_disk_fail(world.sim, 1, SIM_READ, ASSAY_E_IO);
	store_commit(world.store);
	push_commit(&alice, transfer);
	assert_int_equal(alice.job.status.state, WRITE_FAILED);
	assert_int_equal(alice.job.status.code, ASSAY_R_BUSY);
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	/* All of it was given back but for what is stored. */
	store_staging_quota(world.store, 16 * KIB);
	opened(&alice, 2, 7000);
	assert_int_equal(push_open(&alice, 3, 1), ASSAY_R_DISK_FULL);
}

static void sweep_after(uint64_t ns)
{
	sim_clock_advance(&world.time, ns);
	store_write_sweep(world.store);
}

static void test_idle(void **state)
{
	uint32_t a = opened(&alice, 1, 5000), b = opened(&alice, 2, 5000);

	sweep_after(40 * S_NS);
	push_chunk(&alice, b, 2, 5000, 0);
	sweep_after(40 * S_NS);
	assert_int_equal(push_commit(&alice, a), ASSAY_R_ARTIFACT_UNKNOWN);
	assert_int_equal(push_commit(&alice, b), ASSAY_R_NONE);
	assert_int_equal(files_on_disk(&world), 1);
	write_all(&alice, b, 2, 5000);
	push_commit(&alice, b);
	sweep_after(100 * S_NS); /* what is checked is not dropped */
	push_commit(&alice, b);
	assert_int_equal(alice.job.status.state, WRITE_CHECKING);
	store_commit(world.store);
	push_commit(&alice, b);
	assert_int_equal(alice.job.status.state, WRITE_DURABLE);
	sweep_after(61 * S_NS);
	assert_int_equal(push_commit(&alice, b), ASSAY_R_ARTIFACT_UNKNOWN);
	store_staging_quota(world.store, 16 * KIB);
	opened(&alice, 1, 7000); /* a's quota was given back */
}

/* A new session of the same account goes on where the old one was. */
static void test_resume(void **state)
{
	uint32_t transfer = opened(&alice, 1, 5000);

	push_chunk(&alice, transfer, 1, 5000, 0);
	push_chunk(&alice, transfer, 1, 5000, 2);
	alice.session++;
	assert_int_equal(opened(&alice, 1, 5000), transfer);
	assert_int_equal(alice.job.status.first_missing, 1);
	assert_int_equal(alice.job.status.set, 1);
	/* Another account pushes the same artifact by itself. */
	assert_int_not_equal(opened(&bob, 1, 5000), transfer);
	/* Its transfers count for the new session. */
	for (unsigned i = 2; i < 5; i++)
		opened(&alice, i, 1);
	assert_int_equal(push_open(&alice, 5, 1), ASSAY_R_BUSY);
}

/* Many at once, among them the same artifact from two accounts. */
static void test_group(void **state)
{
	uint32_t of_alice[40], of_bob;

	for (unsigned i = 0; i < 40; i++) {
		of_alice[i] = opened(&alice, i, 3000 + i);
		write_all(&alice, of_alice[i], i, 3000 + i);
		push_commit(&alice, of_alice[i]);
	}
	of_bob = opened(&bob, 7, 3007);
	write_all(&bob, of_bob, 7, 3007);
	push_commit(&bob, of_bob);
	while (store_commit_waits(world.store))
		assert_true(store_commit(world.store) > 0);
	for (unsigned i = 0; i < 40; i++) {
		push_commit(&alice, of_alice[i]);
		assert_int_equal(alice.job.status.state, WRITE_DURABLE);
		assert_int_equal(get_file(&world, i, 3000 + i), 0);
	}
	push_commit(&bob, of_bob);
	assert_int_equal(bob.job.status.state, WRITE_DURABLE);
	assert_int_equal(files_on_disk(&world), 80);
}

/* Index and list grow in the middle of a group, wherever their ends are. */
static void test_groups_grow(void **state)
{
	store_staging_quota(world.store, 64000 * KIB);
	for (unsigned size = 1, n = 0; n < 700; n += size, size = size % 37 + 1) {
		for (unsigned i = 0; i < size; i++) {
			uint32_t transfer = opened(&alice, n + i, 100);

			write_all(&alice, transfer, n + i, 100);
			push_commit(&alice, transfer);
		}
		while (store_commit_waits(world.store))
			assert_true(store_commit(world.store) > 0);
		for (unsigned i = 0; i < size; i++)
			assert_true(is_stored(n + i, 100));
	}
}

/* Good bytes of an artifact that rotted make it whole again. */
static void test_repair(void **state)
{
	struct artifact_info info;
	uint8_t key[32];
	char path[128] = "artifacts/", hex[65];

	assert_int_equal(put_file(&world, 1, 5000, key), 0);
	for (unsigned i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", key[i]);
	sprintf(path + 10, "%.2s/%s", hex, hex);
	assert_int_equal(sim_disk_flip(world.sim, path, 77), 0);
	assert_int_equal(store_verify(world.store, key, NULL), ASSAY_E_CORRUPT);
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	assert_int_equal(store_verify(world.store, key, NULL), 0);
	assert_int_equal(get_file(&world, 1, 5000), 0);
	/* It is the operator's as before, and costs the writer nothing. */
	assert_int_equal(store_stat(world.store, key, &info), 0);
	assert_int_equal(info.origin, ARTIFACT_KEPT);
	store_staging_quota(world.store, 8 * KIB);
	opened(&alice, 2, 7000);
	reopen();
	assert_int_equal(store_stat(world.store, key, &info), 0);
	assert_int_equal(info.origin, ARTIFACT_KEPT);
}

/* --- claims --- */

static enum store_claim verdict;
static unsigned asked;

static enum store_claim claimed(void *ctx, const uint8_t key[32])
{
	asked++;
	return verdict;
}

static void claims_after(uint64_t ns)
{
	sim_clock_advance(&world.time, ns);
	while (store_claims_sweep(world.store))
		;
}

static void with_claims(void)
{
	store_claims_set(world.store, &(struct store_claims){claimed, NULL});
	asked = 0;
}

static void test_unclaimed_goes(void **state)
{
	uint8_t own[32];

	with_claims();
	verdict = STORE_UNCLAIMED;
	assert_int_equal(put_file(&world, 2, 4000, own), 0);
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	claims_after(3599 * S_NS);
	assert_int_equal(asked, 1); /* what the operator stored is nobody's question */
	assert_true(is_stored(1, 5000));
	verdict = STORE_CLAIM_NONE;
	claims_after(2 * S_NS);
	assert_true(is_stored(1, 5000));
	verdict = STORE_UNCLAIMED;
	claims_after(2 * S_NS);
	assert_false(is_stored(1, 5000));
	assert_true(is_stored(2, 4000));
	assert_int_equal(files_on_disk(&world), 2);
	store_staging_quota(world.store, 8 * KIB);
	opened(&alice, 3, 7000);
}

static void test_claimed_stays(void **state)
{
	with_claims();
	verdict = STORE_CLAIMED;
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	store_staging_quota(world.store, 8 * KIB);
	assert_int_equal(push_open(&alice, 2, 7000), ASSAY_R_DISK_FULL);
	claims_after(2 * S_NS);
	opened(&alice, 2, 7000); /* it counts no longer */
	verdict = STORE_UNCLAIMED;
	claims_after(7200 * S_NS);
	assert_int_equal(asked, 1);
	assert_true(is_stored(1, 5000));
}

/* Who is told that it is there has an hour from then. */
static void test_hold(void **state)
{
	uint8_t key[32];

	with_claims();
	verdict = STORE_UNCLAIMED;
	file_key(1, 5000, key);
	assert_false(store_hold(world.store, key));
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	claims_after(3000 * S_NS);
	assert_int_equal(push_open(&bob, 1, 5000), ASSAY_R_NONE);
	claims_after(3000 * S_NS);
	assert_true(is_stored(1, 5000));
	assert_true(store_hold(world.store, key));
	claims_after(3000 * S_NS);
	assert_true(is_stored(1, 5000));
	claims_after(700 * S_NS);
	assert_false(is_stored(1, 5000));
}

/* The hour is known after a restart, and so it is that the operator wants the file too. */
static void test_claims_after_restart(void **state)
{
	uint8_t key[32];

	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	assert_int_equal(push_file(&alice, 2, 5000), WRITE_DURABLE);
	assert_int_equal(put_file(&world, 2, 5000, key), ASSAY_E_EXISTS);
	reopen();
	with_claims();
	verdict = STORE_UNCLAIMED;
	claims_after(3599 * S_NS);
	assert_int_equal(asked, 1);
	claims_after(2 * S_NS);
	assert_false(is_stored(1, 5000));
	assert_true(is_stored(2, 5000));
	reopen();
	with_claims();
	claims_after(7200 * S_NS);
	assert_int_equal(asked, 0);
}

/* Nobody to ask: everything stays, and after an hour it does not count. */
static void test_nobody_to_ask(void **state)
{
	assert_int_equal(push_file(&alice, 1, 5000), WRITE_DURABLE);
	store_staging_quota(world.store, 8 * KIB);
	claims_after(3599 * S_NS);
	assert_int_equal(push_open(&alice, 2, 7000), ASSAY_R_DISK_FULL);
	claims_after(2 * S_NS);
	opened(&alice, 2, 7000);
	assert_true(is_stored(1, 5000));
	reopen();
	with_claims();
	claims_after(7200 * S_NS);
	assert_int_equal(asked, 0);
}

/* Removed while it is looked for, in any order. */
static void test_removed_meanwhile(void **state)
{
	with_claims();
	verdict = STORE_CLAIM_NONE;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(push_file(&alice, i, 1000), WRITE_DURABLE);
	for (unsigned i = 0; i < 20; i += 2) {
		uint8_t key[32];

		file_key((i * 7) % 20, 1000, key);
		assert_int_equal(store_remove(world.store, key), 0);
		asked = 0;
		claims_after(2 * S_NS);
		assert_int_equal(asked, 19 - i / 2);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_transfer),
		T(test_any_order),
		T(test_malformed),
		T(test_wrong_bytes),
		T(test_limits),
		T(test_quota),
		T(test_disk_full),
		T(test_disk_fails),
		T(test_idle),
		T(test_resume),
		T(test_group),
		T(test_groups_grow),
		T(test_repair),
		T(test_unclaimed_goes),
		T(test_claimed_stays),
		T(test_hold),
		T(test_claims_after_restart),
		T(test_nobody_to_ask),
		T(test_removed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is in memory, who gives way to whom, and when memory is really free again. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "crypto/digest.h"
#include "store/world.h"

#define SIZE 20000u

/* Memory that counts, and that can say no. */
struct counted {
	size_t bytes, limit;
	unsigned blocks;
};

static void *counted_alloc(void *ctx, size_t len)
{
	struct counted *c = ctx;

	if (c->limit > 0 && c->bytes + len > c->limit)
		return NULL;
	c->bytes += len;
	c->blocks++;
	return aligned_alloc(64, (len + 63) / 64 * 64);
}

static void counted_release(void *ctx, void *p, size_t len)
{
	struct counted *c = ctx;

	c->bytes -= len;
	c->blocks--;
	free(p);
}

static void open_with(struct world *w, struct counted *c, uint64_t resident_max)
{
	memset(c, 0, sizeof(*c));
	w->config.memory = (struct store_memory){counted_alloc, counted_release, c};
	w->config.resident_max = resident_max;
	assert_int_equal(world_open(w), 0);
}

static bool is_resident(struct world *w, const uint8_t key[32])
{
	const struct artifact *a = find(w, key);

	return atomic_load(&a->bytes) != NULL;
}

/* What workers read from memory is right. */
static void check_bytes(struct world *w, uint64_t n, const uint8_t key[32])
{
	const struct artifact *a = find(w, key);
	const struct artifact_bytes *bytes = atomic_load(&a->bytes);
	uint8_t *data = malloc(a->size), *outboard = malloc(tree_outboard_len(a->chunks));

	assert_non_null(bytes);
	assert_int_equal((uintptr_t)bytes->data % 64, 0);
	file_bytes(n, 0, data, a->size);
	tree_build(outboard, data, a->size);
	assert_memory_equal(bytes->data, data, a->size);
	assert_memory_equal(bytes->outboard, outboard, tree_outboard_len(a->chunks));
	free(data);
	free(outboard);
}

static void test_after_put_and_scrub(void **state)
{
	static const uint64_t sizes[] = {1, 1024, 1025, 65532, (3 << 20) + 5};
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct world w;
	struct counted c;
	struct store_stats stats;
	uint8_t key[N][32];

	world_sim(&w, 1);
	open_with(&w, &c, 64 << 20);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(put_file(&w, i, sizes[i], key[i]), 0);
		check_bytes(&w, i, key[i]);
	}
	store_stats(w.store, &stats);
	assert_int_equal(stats.resident, N);
	assert_int_equal(stats.resident_bytes, c.bytes);
	world_close(&w);
	assert_int_equal(c.blocks, 0);

	open_with(&w, &c, 64 << 20);
	for (unsigned i = 0; i < N; i++)
		assert_false(is_resident(&w, key[i]));
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(store_scrub_one(w.store, 1000), 1);
	assert_int_equal(store_scrub_one(w.store, 1000), 0);
	for (unsigned i = 0; i < N; i++)
		check_bytes(&w, i, key[i]);
	store_stats(w.store, &stats);
	assert_int_equal(stats.scrub_passes, 1);
	assert_int_equal(stats.scrub_left, 0);
	assert_int_equal(stats.scrubbed, N);
	assert_int_equal(stats.scrub_bytes, stats.bytes);
	assert_int_equal(store_remove(w.store, key[0]), 0);
	assert_int_equal(c.blocks, N - 1);
	world_free(&w);
	assert_int_equal(c.blocks, 0);
}

static void test_order_of_scrub(void **state)
{
	struct world w;
	struct store_stats stats;
	struct artifact_info info;
	uint8_t key[4][32];

	world_sim(&w, 1);
	assert_int_equal(world_open(&w), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(put_file(&w, i, 100, key[i]), 0);
		sim_clock_advance(&w.time, 10);
	}
	assert_int_equal(store_verify(w.store, key[0], NULL), 0); /* now the youngest */
	sim_clock_advance(&w.time, 100);
	for (unsigned i = 1; i <= 4; i++) { /* 1, 2, 3, 0 */
		assert_int_equal(store_scrub_one(w.store, 50), 1);
		assert_int_equal(store_stat(w.store, key[i % 4], &info), 0);
		assert_int_equal(info.checked_wall_ns, w.time.wall_ns);
		store_stats(w.store, &stats);
		assert_int_equal(stats.scrub_left, 4 - i);
		sim_clock_advance(&w.time, 1);
	}
	assert_int_equal(store_scrub_one(w.store, 50), 0);
	assert_int_equal(stats.scrub_passes, 1);
	/* What cannot be read does not stand in the way of the rest. */
	sim_clock_advance(&w.time, 100);
	sim_disk_fail(w.sim, 1, SIM_READ, ASSAY_E_IO);
	assert_int_equal(store_scrub_one(w.store, 50), ASSAY_E_IO);
	store_stats(w.store, &stats);
	assert_int_equal(stats.rot, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(store_scrub_one(w.store, 50), 1);
	assert_int_equal(store_scrub_one(w.store, 50), 0);
	sim_clock_advance(&w.time, 100);
	while (store_scrub_one(w.store, 50) == 1)
		;
	store_stats(w.store, &stats);
	assert_int_equal(stats.rot, 0); /* it was only the cable */
	world_free(&w);
}

static void test_eviction(void **state)
{
	struct world w;
	struct counted c;
	uint8_t key[10][32], big[32];
	uint32_t resident = 0;

	world_sim(&w, 1);
	open_with(&w, &c, 5 * (SIZE + 3500));
	for (unsigned i = 0; i < 10; i++) {
		sim_clock_advance(&w.time, 2000000000);
		assert_int_equal(put_file(&w, i, SIZE, key[i]), 0);
		assert_true(is_resident(&w, key[i])); /* the newest is the last used */
		assert_true(c.bytes <= w.config.resident_max);
	}
	for (unsigned i = 0; i < 10; i++)
		resident += is_resident(&w, key[i]);
	assert_int_equal(resident, 5);
	assert_false(is_resident(&w, key[0]));
	assert_true(is_resident(&w, key[9]));

	/* One is asked for while it is cold: the next scrub brings it in for the one used least. */
	sim_clock_advance(&w.time, 5000000000);
	atomic_store(&find(&w, key[0])->used_s, (uint32_t)(w.time.mono_ns / 1000000000));
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(store_scrub_one(w.store, 0), 1);
		for (unsigned j = 6; j < 10; j++)
			assert_true(is_resident(&w, key[j])); /* used later than what comes by */
	}
	check_bytes(&w, 0, key[0]);
	assert_false(is_resident(&w, key[5]));
	assert_false(is_resident(&w, key[1])); /* nobody asked for it */
	for (unsigned i = 6; i < 10; i++)
		check_bytes(&w, i, key[i]);

	/* Above a quarter of the budget it stays cold, and drives nobody out. */
	unsigned blocks = c.blocks;

	assert_int_equal(put_file(&w, 20, 2 * SIZE, big), 0);
	assert_false(is_resident(&w, big));
	assert_int_equal(c.blocks, blocks);
	assert_int_equal(get_file(&w, 20, 2 * SIZE), 0);
	world_free(&w);
	assert_int_equal(c.blocks, 0);
}

static void test_no_memory(void **state)
{
	struct world w;
	struct counted c;
	uint8_t key[32];

	world_sim(&w, 1);
	open_with(&w, &c, 1 << 20);
	c.limit = 100;
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	assert_false(is_resident(&w, key));
	c.limit = 0;
	sim_clock_advance(&w.time, 10);
	assert_int_equal(store_scrub_one(w.store, 0), 1);
	check_bytes(&w, 1, key);
	world_free(&w);
}

/* A worker may still read what was taken out of sight. */
static void test_grace(void **state)
{
	struct world w;
	struct counted c;
	struct held held;
	uint8_t key[32], first[16];

	world_sim(&w, 1);
	w.config.grace = grace_held(&held);
	open_with(&w, &c, 1 << 20);
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	struct artifact *a = find(&w, key);
	const struct artifact_bytes *bytes = atomic_load(&a->bytes);

	assert_int_equal(store_remove(w.store, key), 0);
	assert_null(find(&w, key));
	assert_int_equal(c.blocks, 1);
	file_bytes(1, 0, first, 16);
	assert_memory_equal(bytes->data, first, 16);
	assert_int_equal(a->size, SIZE);
	held_release(&held);
	assert_int_equal(c.blocks, 0);
	/* A record whose time has not come when the store closes is freed when it comes. */
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	assert_int_equal(store_remove(w.store, key), 0);
	world_close(&w);
	held_release(&held);
	assert_int_equal(c.blocks, 0);
	world_free(&w);
}

/* A bit that turns over in memory is found by the scrub, and the copy is dropped. */
static void test_memory_rots(void **state)
{
	struct world w;
	struct counted c;
	uint8_t key[32];

	world_sim(&w, 1);
	open_with(&w, &c, 1 << 20);
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	for (unsigned i = 0; i < 2; i++) {
		const struct artifact_bytes *bytes = atomic_load(&find(&w, key)->bytes);
		uint8_t *at =
			(uint8_t *)(uintptr_t)(i == 0 ? bytes->data + 7777 : bytes->outboard + 5);

		*at ^= 4;
		memset(&w.lines, 0, sizeof(w.lines));
		sim_clock_advance(&w.time, 10);
		assert_int_equal(store_scrub_one(w.store, 0), 1);
		assert_true(world_logged(&w, "test this machine's memory"));
		assert_false(is_resident(&w, key));
		sim_clock_advance(&w.time, 10);
		assert_int_equal(store_scrub_one(w.store, 0), 1);
		check_bytes(&w, 1, key);
	}
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_after_put_and_scrub),
		cmocka_unit_test(test_order_of_scrub),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_memory_rots),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

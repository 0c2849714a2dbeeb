/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator does with a store, on a real directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "store/world.h"

static const uint64_t sizes[] = {1, 1023, 1024, 1025, 65532, 1048576, 1048576 + 1, 3145728 + 777};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static void path_in(const struct world *w, char out[256], const uint8_t key[32], const char *suffix)
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, 256, "%s/artifacts/%.2s/%s%s", w->dir, hex, hex, suffix);
}

static void write_at(const char *path, long offset, const char *text, const char *mode)
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	fputs(text, file);
	fclose(file);
}

static enum artifact_state state_of(struct world *w, const uint8_t key[32])
{
	struct artifact_info info;

	assert_int_equal(store_stat(w->store, key, &info), 0);
	return info.state;
}

static void test_round_trip(void **state)
{
	struct world w;
	struct store_stats stats;
	struct artifact_info info[16];
	uint8_t key[SIZES][32], wanted[32];
	uint64_t bytes = 0;

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	for (unsigned i = 0; i < SIZES; i++) {
		file_key(i, sizes[i], wanted);
		assert_int_equal(put_file(&w, i, sizes[i], key[i]), 0);
		assert_memory_equal(key[i], wanted, 32); /* what b3sum says */
		assert_int_equal(put_file(&w, i, sizes[i], key[i]), ASSAY_E_EXISTS);
		assert_memory_equal(key[i], wanted, 32);
		bytes += sizes[i];
	}
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < SIZES; i++) {
			assert_int_equal(get_file(&w, i, sizes[i]), 0);
			assert_int_equal(store_verify(w.store, key[i], NULL), 0);
			assert_int_equal(store_stat(w.store, key[i], &info[0]), 0);
			assert_int_equal(info[0].size, sizes[i]);
			assert_int_equal(info[0].state, ARTIFACT_STORED);
			assert_int_equal(info[0].checked_wall_ns, w.time.wall_ns);
		}
		store_stats(w.store, &stats);
		assert_int_equal(stats.artifacts, SIZES);
		assert_int_equal(stats.bytes, bytes);
		assert_int_equal(stats.rot, 0);
		assert_true(stats.free_bytes > 0);
		assert_int_equal(store_list(w.store, NULL, info, 16), SIZES);
		for (unsigned i = 1; i < SIZES; i++)
			assert_true(memcmp(info[i - 1].key, info[i].key, 32) < 0);
		world_close(&w);
		assert_int_equal(world_open(&w), 0);
	}
	assert_int_equal(files_on_disk(&w), 2 * SIZES - 3); /* three have one chunk */
	for (unsigned i = 0; i < SIZES; i++) {
		assert_int_equal(store_remove(w.store, key[i]), 0);
		assert_int_equal(store_remove(w.store, key[i]), ASSAY_E_NOTFOUND);
		assert_int_equal(store_verify(w.store, key[i], NULL), ASSAY_E_NOTFOUND);
		assert_int_equal(get_file(&w, i, sizes[i]), ASSAY_E_NOTFOUND);
		assert_null(find(&w, key[i]));
	}
	assert_int_equal(files_on_disk(&w), 0);
	store_stats(w.store, &stats);
	assert_int_equal(stats.artifacts + stats.bytes + stats.rot, 0);
	world_free(&w);
}

static void test_list_pages(void **state)
{
	struct world w;
	struct artifact_info page[7];
	uint8_t last[32] = {0}, key[32];
	const uint8_t *after = NULL;
	unsigned seen = 0, n;

	world_sim(&w, 1);
	assert_int_equal(world_open(&w), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(put_file(&w, i, 10 + i, key), 0);
	while ((n = store_list(w.store, after, page, 7)) > 0) {
		for (const struct artifact_info *info = page; info < page + n; info++) {
			if (seen++ > 0)
				assert_true(memcmp(last, info->key, 32) < 0);
			memcpy(last, info->key, 32);
		}
		after = last;
	}
	assert_int_equal(seen, 50);
	memset(last, 0xff, 32);
	assert_int_equal(store_list(w.store, last, page, 7), 0);
	world_free(&w);
}

/* The index against a plain list, while it grows and collects graves. */
static void test_index(void **state)
{
	enum { N = 150 };
	static uint8_t key[N][32];
	const uint8_t *keys[N];
	struct artifact *found[N];
	bool there[N] = {false};
	struct world w;
	uint64_t seed = 3;

	world_sim(&w, 1);
	w.config.random = &(struct random){random_sim(&seed).fill, &seed};
	assert_int_equal(world_open(&w), 0);
	for (unsigned i = 0; i < N; i++) {
		file_key(i, 1 + i, key[i]);
		keys[i] = key[i];
	}
	for (unsigned step = 0; step < 1200; step++) {
		unsigned i = (unsigned)(random_u64(w.config.random) % N);
		uint8_t out[32];

		if (random_u64(w.config.random) % 1200 > step) {
			assert_int_equal(put_file(&w, i, 1 + i, out),
					 there[i] ? ASSAY_E_EXISTS : 0);
			there[i] = true;
		} else {
			assert_int_equal(store_remove(w.store, key[i]),
					 there[i] ? 0 : ASSAY_E_NOTFOUND);
			there[i] = false;
		}
		if (step % 25 != 0)
			continue;
		store_source(w.store).find_many(w.store, found, keys, N);
		for (unsigned j = 0; j < N; j++) {
			assert_int_equal(found[j] != NULL, there[j]);
			if (there[j])
				assert_memory_equal(found[j]->key, key[j], 32);
		}
	}
	world_free(&w);
}

/* --- inputs that are not what they said --- */
struct odd {
	uint64_t left;
	int end; /* what read returns after that */
};

static int64_t read_odd(void *ctx, void *out, size_t len)
{
	struct odd *o = ctx;

	if (o->left == 0)
		return o->end;
	if (len > o->left)
		len = o->left;
	memset(out, 'x', len);
	o->left -= len;
	return (int64_t)len;
}

static int put_odd(struct world *w, uint64_t stated, uint64_t real, int end)
{
	struct odd o = {real, end};
	struct store_input input = {read_odd, &o, stated};
	uint8_t key[32];

	return store_put(w->store, key, &input, NULL);
}

static bool cancel(void *ctx, uint64_t done, uint64_t total)
{
	assert_true(done <= total);
	return --*(int *)ctx > 0;
}

static void test_bad_input(void **state)
{
	struct world w;
	struct odd o = {3 << 20, 0};
	struct store_input input = {read_odd, &o, 3 << 20};
	int steps = 2;
	struct store_progress progress = {cancel, &steps};
	uint8_t key[32];

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_odd(&w, 0, 0, 0), ASSAY_E_INVAL);
	assert_int_equal(put_odd(&w, TREE_SIZE_MAX + 1, 10, 0), ASSAY_E_RANGE);
	assert_int_equal(put_odd(&w, 1000, 999, 0), ASSAY_E_CHANGED);
	assert_int_equal(put_odd(&w, 1000, 1001, 0), ASSAY_E_CHANGED);
	assert_int_equal(put_odd(&w, 3 << 20, (3 << 20) + 1, 0), ASSAY_E_CHANGED);
	assert_int_equal(put_odd(&w, 3 << 20, 2 << 20, 0), ASSAY_E_CHANGED);
	assert_int_equal(put_odd(&w, 3 << 20, 2 << 20, ASSAY_E_IO), ASSAY_E_IO);
	assert_int_equal(put_odd(&w, 1000, 1000, ASSAY_E_PERM), ASSAY_E_PERM);
	assert_int_equal(store_put(w.store, key, &input, &progress), ASSAY_E_CLOSED);
	assert_int_equal(files_on_disk(&w), 0);
	assert_int_equal(put_odd(&w, 1000, 1000, 0), 0);
	assert_int_equal(files_on_disk(&w), 1);
	world_free(&w);
}

/* Whatever is large ends early; what is there stays there. */
static void test_stop(void **state)
{
	struct world w;
	struct artifact_info info;
	uint8_t key[32];

	world_sim(&w, 1);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, 3 << 20, key), 0);
	sim_clock_advance(&w.time, 1000);
	store_stop(w.store);
	assert_int_equal(store_scrub_one(w.store, 0), ASSAY_E_CLOSED);
	assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CLOSED);
	assert_int_equal(get_file(&w, 1, 3 << 20), ASSAY_E_CLOSED);
	assert_int_equal(put_file(&w, 2, 3 << 20, key), ASSAY_E_CLOSED);
	assert_int_equal(store_list(w.store, NULL, &info, 1), 1);
	assert_int_equal(info.state, ARTIFACT_STORED);
	assert_int_equal(files_on_disk(&w), 2);
	world_free(&w);
}

static void test_reserve(void **state)
{
	struct world w;
	uint8_t key[32];
	uint64_t need = 65532 + 127 * 32;

	world_sim(&w, 1);
	w.config.reserve_bytes = 10000;
	assert_int_equal(world_open(&w), 0);
	sim_disk_limit(w.sim, need + 9999);
	uint64_t ops = sim_disk_ops(w.sim);

	assert_int_equal(put_file(&w, 1, 65532, key), ASSAY_E_NOSPC);
	assert_int_equal(sim_disk_ops(w.sim), ops + 1); /* nothing was written */
	sim_disk_limit(w.sim, need + 10000);
	assert_int_equal(put_file(&w, 1, 65532, key), 0);
	assert_int_equal(put_file(&w, 2, 1, key), ASSAY_E_NOSPC);
	assert_int_equal(get_file(&w, 1, 65532), 0);
	world_free(&w);
}

/* --- rot --- */
static void test_rot_and_repair(void **state)
{
	struct world w;
	struct store_stats stats;
	uint8_t key[32];
	char path[256];

	world_real(&w);
	w.config.resident_max = 1 << 20;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, 65532, key), 0);
	assert_non_null(atomic_load(&find(&w, key)->bytes));
	path_in(&w, path, key, "");
	write_at(path, 30000, "flip", "r+");
	assert_int_equal(get_file(&w, 1, 65532), ASSAY_E_CORRUPT);
	assert_int_equal(state_of(&w, key), ARTIFACT_ROT);
	assert_null(atomic_load(&find(&w, key)->bytes));
	assert_true(world_logged(&w, "has rotted"));
	uint64_t lines = w.lines.count;

	assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT);
	assert_int_equal(get_file(&w, 1, 65532), ASSAY_E_CORRUPT);
	assert_int_equal(w.lines.count, lines); /* said once */
	store_stats(w.store, &stats);
	assert_int_equal(stats.rot, 1);
	assert_int_equal(stats.resident, 0);
	assert_int_equal(files_on_disk(&w), 2); /* kept for the operator */

	assert_int_equal(put_file(&w, 1, 65532, key), 0);
	assert_int_equal(state_of(&w, key), ARTIFACT_STORED);
	assert_int_equal(get_file(&w, 1, 65532), 0);
	store_stats(w.store, &stats);
	assert_int_equal(stats.rot, 0);
	assert_int_equal(stats.artifacts, 1);
	assert_int_equal(stats.bytes, 65532);
	assert_int_equal(stats.resident, 1);

	/* The operator put the right bytes back himself. */
	write_at(path, 30000, "flip", "r+");
	assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT);
	FILE *file = fopen(path, "r+");
	uint8_t *data = malloc(65532);

	file_bytes(1, 0, data, 65532);
	assert_int_equal(fwrite(data, 1, 65532, file), 65532);
	fclose(file);
	free(data);
	assert_int_equal(store_verify(w.store, key, NULL), 0);
	assert_int_equal(state_of(&w, key), ARTIFACT_STORED);
	assert_true(world_logged(&w, "whole again"));

	/* Rot that is removed is no longer counted. */
	write_at(path, 0, "flip", "r+");
	assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT);
	assert_int_equal(store_remove(w.store, key), 0);
	store_stats(w.store, &stats);
	assert_int_equal(stats.rot, 0);
	world_free(&w);
}

static void test_file_gone_longer_shorter(void **state)
{
	struct world w;
	uint8_t key[32];
	char path[256];

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	for (unsigned how = 0; how < 4; how++) {
		assert_int_equal(put_file(&w, 1, 5000, key), 0);
		path_in(&w, path, key, "");
		if (how == 0)
			assert_int_equal(unlink(path), 0);
		else if (how == 1)
			assert_int_equal(truncate(path, 4999), 0);
		else if (how == 2)
			assert_int_equal(truncate(path, 5001), 0);
		else
			assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(how == 2 ? store_verify(w.store, key, NULL)
					  : get_file(&w, 1, 5000),
				 ASSAY_E_CORRUPT);
		assert_int_equal(state_of(&w, key), ARTIFACT_ROT);
		if (how > 0) { /* also for one that starts now, which only sees a size */
			world_close(&w);
			assert_int_equal(world_open(&w), 0);
			assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT);
			assert_int_equal(get_file(&w, 1, 5000), ASSAY_E_CORRUPT);
		}
		assert_int_equal(put_file(&w, 1, 5000, key), 0); /* repairs it */
		assert_int_equal(find(&w, key)->size, 5000);
		assert_int_equal(get_file(&w, 1, 5000), 0);
		assert_int_equal(store_remove(w.store, key), 0);
	}
	world_free(&w);
}

static void test_outboard_comes_back(void **state)
{
	struct world w;
	uint8_t key[32];
	char path[256];
	struct stat before, after;

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, 3 << 20, key), 0);
	path_in(&w, path, key, ".tree");
	assert_int_equal(stat(path, &before), 0);
	for (unsigned how = 0; how < 4; how++) {
		if (how == 0)
			assert_int_equal(unlink(path), 0);
		else if (how == 1)
			assert_int_equal(truncate(path, 1000), 0);
		else if (how == 2)
			write_at(path, (long)before.st_size - 40, "flip", "r+");
		else
			assert_int_equal(truncate(path, before.st_size + 1), 0);
		if (how != 2) { /* at the start its length tells */
			world_close(&w);
			assert_int_equal(world_open(&w), 0);
		}
		assert_int_equal(get_file(&w, 1, 3 << 20), 0); /* the bytes are good */
		assert_int_equal(store_verify(w.store, key, NULL), 0);
		assert_true(world_logged(&w, "is built again"));
		assert_int_equal(stat(path, &after), 0);
		assert_int_equal(after.st_size, before.st_size);
		assert_int_equal(store_verify(w.store, key, NULL), 0);
	}
	assert_int_equal(files_on_disk(&w), 2);
	world_free(&w);
}

/* --- the start --- */
static void test_strange_files(void **state)
{
	struct world w;
	struct store_stats stats;
	uint8_t key[32], other[32];
	char path[256], hex[65];

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, 5000, key), 0);
	world_close(&w);
	path_in(&w, path, key, "");
	snprintf(strrchr(path, '/'), 100, "/README");
	write_at(path, 0, "hello", "w");
	snprintf(path, sizeof(path), "%s/artifacts/notes", w.dir);
	write_at(path, 0, "hello", "w");
	snprintf(path, sizeof(path), "%s/artifacts/00", w.dir);
	write_at(path, 0, "not a folder", "w");
	snprintf(path, sizeof(path), "%s/artifacts/tmp/17", w.dir);
	write_at(path, 0, "left by a crash", "w");
	hex_encode(hex, key, 32);
	snprintf(path, sizeof(path), "%s/artifacts/ff", w.dir);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/artifacts/ff/%s", w.dir, hex); /* in the wrong folder */
	write_at(path, 0, "hello", "w");
	memset(other, 0xff, 32);
	path_in(&w, path, other, ".tree"); /* an outboard of nothing */
	write_at(path, 0, "hello", "w");
	other[1] = 0;
	path_in(&w, path, other, ""); /* a folder with the name of an artifact */
	mkdir(path, 0755);

	assert_int_equal(world_open(&w), 0);
	store_stats(w.store, &stats);
	assert_int_equal(stats.artifacts, 1);
	assert_int_equal(get_file(&w, 1, 5000), 0);
	assert_true(world_logged(&w, "are left alone path=artifacts count=4"));
	assert_true(world_logged(&w, "removed a leftover path=artifacts/tmp/17"));
	assert_int_equal(files_on_disk(&w), 2 + 4);
	world_free(&w);
}

static void test_cannot_open(void **state)
{
	struct world w;

	world_real(&w);
	char path[256];

	snprintf(path, sizeof(path), "%s/artifacts", w.dir);
	write_at(path, 0, "hello", "w");
	assert_true(world_open(&w) < 0);
	assert_true(world_logged(&w, "check the state directory"));
	w.store = NULL;
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_list_pages),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_rot_and_repair),
		cmocka_unit_test(test_file_gone_longer_shorter),
		cmocka_unit_test(test_outboard_comes_back),
		cmocka_unit_test(test_strange_files),
		cmocka_unit_test(test_cannot_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

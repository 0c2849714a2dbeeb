/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power loss before every operation of the disk, every operation failing once, every bit and every
 * length of a small artifact: what was acknowledged is there and good, the rest is whole or absent,
 * nothing wrong is ever given out, nothing is left lying about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "store/world.h"

#define SEEDS 4 /* for each point of a crash */

/* What happens to a store; each step is acknowledged, or not, by what it returned. */
enum step_kind { PUT, REMOVE };
static struct step {
	enum step_kind kind;
	uint64_t file, size;
} steps[] = {
	{PUT, 1, 3000}, {PUT, 2, 500},	{PUT, 3, 0},	  {REMOVE, 1, 3000},
	{PUT, 4, 2048}, {PUT, 1, 3000}, {REMOVE, 2, 500},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))
#define THIRD 2			 /* the step with the size that varies */
#define LARGE ((1 << 20) + 5000) /* more than a piece */
#define SMALL 5000
#define FILES 5

enum fate { ABSENT, PRESENT, EITHER };

static uint8_t keys[FILES][32];
static uint64_t file_size[FILES];

static void name_files(uint64_t third)
{
	steps[THIRD].size = third;
	for (unsigned i = 0; i < STEPS; i++) {
		file_size[steps[i].file] = steps[i].size;
		file_key(steps[i].file, steps[i].size, keys[steps[i].file]);
	}
}

static int do_step(struct world *w, const struct step *step)
{
	uint8_t key[32];

	if (step->kind == PUT)
		return put_file(w, step->file, step->size, key);
	return store_remove(w->store, keys[step->file]);
}

/* Runs the steps until one fails; what each file must be after that. */
static int run_steps(struct world *w, enum fate fate[FILES])
{
	for (unsigned i = 0; i < FILES; i++)
		fate[i] = ABSENT;
	for (unsigned i = 0; i < STEPS; i++) {
		int err = do_step(w, &steps[i]);

		if (err != 0) {
			fate[steps[i].file] = EITHER;
			return err;
		}
		fate[steps[i].file] = steps[i].kind == PUT ? PRESENT : ABSENT;
	}
	return 0;
}

static unsigned files_of(uint64_t size)
{
	return size > 1024 ? 2 : 1;
}

/* All that can be asked of a store that was just opened. */
static void check_store(struct world *w, const enum fate fate[FILES])
{
	unsigned files = 0, artifacts = 0;
	struct store_stats stats;

	for (unsigned i = 1; i < FILES; i++)
		if (fate[i] == PRESENT)
			assert_int_equal(store_verify(w->store, keys[i], NULL), 0);
	assert_false(world_logged(w, "built again")); /* acknowledged with its outboard */
	for (unsigned i = 1; i < FILES; i++) {
		int err = store_verify(w->store, keys[i], NULL);

		if (fate[i] == PRESENT)
			assert_int_equal(err, 0);
		else if (fate[i] == ABSENT)
			assert_int_equal(err, ASSAY_E_NOTFOUND);
		else
			assert_true(err == 0 || err == ASSAY_E_NOTFOUND);
		assert_int_equal(get_file(w, i, file_size[i]), err);
		artifacts += err == 0;
		files += err == 0 ? files_of(file_size[i]) : 0;
	}
	store_stats(w->store, &stats);
	assert_int_equal(stats.artifacts, artifacts);
	assert_int_equal(stats.rot, 0);
	assert_int_equal(files_on_disk(w), files);
}

static void reopen_and_check(struct world *w, const enum fate fate[FILES])
{
	assert_int_equal(world_open(w), 0);
	check_store(w, fate);
	/* It also goes on working. */
	uint8_t key[32];
	int err = put_file(w, 1, file_size[1], key);

	assert_true(err == 0 || err == ASSAY_E_EXISTS);
	assert_int_equal(get_file(w, 1, file_size[1]), 0);
}

static uint64_t count_ops(void)
{
	enum fate fate[FILES];
	struct world w;

	world_sim(&w, 0);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(run_steps(&w, fate), 0);
	uint64_t ops = sim_disk_ops(w.sim);

	check_store(&w, fate);
	world_free(&w);
	return ops;
}

static void test_crash_everywhere(void **state)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		name_files(seed == 0 ? LARGE : SMALL);
		uint64_t ops = count_ops();

		assert_in_range(ops, 60, 1000);
		for (uint64_t at = 1; at <= ops + 1; at++) {
			enum fate fate[FILES] = {ABSENT, ABSENT, ABSENT, ABSENT, ABSENT};
			struct world w;

			world_sim(&w, seed * 1000 + at);
			sim_disk_stop_at(w.sim, (unsigned)at);
			int err = world_open(&w);

			if (err == 0)
				err = run_steps(&w, fate);
			assert_int_equal(err, at <= ops ? ASSAY_E_CLOSED : 0);
			world_close(&w);
			sim_disk_crash(w.sim);
			reopen_and_check(&w, fate);
			world_free(&w);
		}
	}
}

/* A crash during the start after a crash: recovery can be cut short as well. */
static void test_crash_while_recovering(void **state)
{
	name_files(SMALL);
	for (uint64_t seed = 0; seed < 300; seed++) {
		enum fate fate[FILES] = {ABSENT, ABSENT, ABSENT, ABSENT, ABSENT};
		struct world w;

		world_sim(&w, seed);
		assert_int_equal(world_open(&w), 0);
		sim_disk_stop_at(w.sim, 1 + (unsigned)(seed % 80));
		run_steps(&w, fate);
		world_close(&w);
		sim_disk_crash(w.sim);
		sim_disk_stop_at(w.sim, 1 + (unsigned)(seed * 7 % 30));
		if (world_open(&w) == 0)
			world_close(&w);
		sim_disk_crash(w.sim);
		reopen_and_check(&w, fate);
		world_free(&w);
	}
}

/* A kill, a start, and then power loss: what that start has shown or stored is there for good. */
static void test_kill_then_crash(void **state)
{
	name_files(SMALL);
	uint64_t ops = count_ops();

	for (uint64_t at = 1; at <= ops; at++) {
		enum fate fate[FILES];
		struct artifact_info info;
		struct world w;

		world_sim(&w, at);
		sim_disk_stop_at(w.sim, (unsigned)at);
		if (world_open(&w) == 0)
			run_steps(&w, fate);
		world_close(&w);
		sim_disk_stop_at(w.sim, 0);
		assert_int_equal(world_open(&w), 0);
		for (unsigned i = 0; i < at % 3 * 2; i++)
			do_step(&w, &steps[i]);
		for (unsigned i = 0; i < FILES; i++)
			fate[i] = store_stat(w.store, keys[i], &info) == 0 ? PRESENT : ABSENT;
		memset(&w.lines, 0, sizeof(w.lines));
		world_close(&w);
		sim_disk_crash(w.sim);
		reopen_and_check(&w, fate);
		world_free(&w);
	}
}

/* One failing operation, and the machine goes on: clear code, nothing lost, nothing left over. True
 * when a step felt it. */
static bool fail_at(unsigned n, unsigned mask, int code)
{
	enum fate fate[FILES];
	struct world w;
	unsigned lost = 0;

	world_sim(&w, n);
	assert_int_equal(world_open(&w), 0);
	for (unsigned i = 0; i < FILES; i++)
		fate[i] = ABSENT;
	sim_disk_fail(w.sim, n, mask, code);
	for (unsigned i = 0; i < STEPS && w.fatal == 0; i++) {
		int err = do_step(&w, &steps[i]);

		lost += err != 0;
		if (err != 0 && w.fatal == 0) /* once more: now it works */
			err = do_step(&w, &steps[i]);
		if (w.fatal > 0)
			fate[steps[i].file] = EITHER;
		else
			fate[steps[i].file] = steps[i].kind == PUT ? PRESENT : ABSENT;
		if (w.fatal == 0 && steps[i].kind == REMOVE)
			assert_true(err == 0 || err == ASSAY_E_NOTFOUND);
		else if (w.fatal == 0)
			assert_int_equal(err, 0);
	}
	assert_true(lost <= 1);
	if (mask == SIM_SYNC || mask == SIM_SYNC_DIR) { /* never asked again */
		assert_int_equal(w.fatal, lost);
		assert_true(w.fatal == 0 ||
			    world_logged(&w, code == ASSAY_E_FULL ? "no file descriptor is left"
								  : "failed to make data durable"));
	} else {
		assert_int_equal(w.fatal, 0);
	}
	sim_disk_fail(w.sim, 0, 0, 0);
	if (w.fatal == 0 && mask != SIM_REMOVE)
		check_store(&w, fate);
	world_close(&w);
	if (w.fatal > 0)
		sim_disk_crash(w.sim);
	reopen_and_check(&w, fate);
	world_free(&w);
	return lost > 0;
}

static void test_fail_everywhere(void **state)
{
	static const unsigned masks[] = {SIM_OPEN,     SIM_READ,     SIM_WRITE,
					 SIM_SYNC,     SIM_RENAME,   SIM_REMOVE,
					 SIM_SYNC_DIR, SIM_MAKE_DIR, SIM_STAT};

	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		unsigned felt = 0;

		for (unsigned n = 1; n < felt + 10; n++) { /* beyond the last one: ten in vain */
			name_files(n < 10 ? LARGE : SMALL);
			if (fail_at(n, masks[i], ASSAY_E_IO))
				felt = n;
			name_files(SMALL);
			if (fail_at(n, masks[i],
				    masks[i] == SIM_SYNC_DIR ? ASSAY_E_FULL : ASSAY_E_NOSPC))
				felt = n;
		}
	}
}

/* Failures during the start: it opens with what it can read, or says why not. */
static void test_fail_at_start(void **state)
{
	unsigned opened = 0, refused = 0;

	name_files(SMALL);
	for (unsigned n = 1; n < 60; n++) {
		enum fate fate[FILES];
		struct world w;

		world_sim(&w, n);
		assert_int_equal(world_open(&w), 0);
		assert_int_equal(run_steps(&w, fate), 0);
		world_close(&w);
		sim_disk_fail(w.sim, n, ~0u, ASSAY_E_IO);
		if (world_open(&w) == 0) {
			opened++;
			for (unsigned i = 1; i < FILES; i++) { /* at worst marked, never wrong */
				if (fate[i] != PRESENT || get_file(&w, i, file_size[i]) == 0)
					continue;
				int err = put_file(&w, i, file_size[i], keys[i]);

				assert_true(err == 0 || err == ASSAY_E_EXISTS);
			}
			world_close(&w);
		} else {
			refused++;
			assert_true(world_logged(&w, "error=") || w.fatal > 0);
		}
		sim_disk_fail(w.sim, 0, 0, 0);
		w.fatal = 0;
		reopen_and_check(&w, fate);
		world_free(&w);
	}
	assert_true(opened > 10 && refused > 10);
}

static int always_free(void *ctx, uint64_t *out)
{
	*out = UINT64_MAX;
	return 0;
}

/* The disk fills up at any byte. */
static void test_disk_full(void **state)
{
	uint64_t need = 3000 + tree_outboard_len(tree_chunks(3000)) + 9000 +
			tree_outboard_len(tree_chunks(9000));

	for (uint64_t limit = need % 97; limit < 20000; limit += 97) {
		struct world w;
		uint8_t key[32];

		world_sim(&w, limit);
		w.disk.free_bytes = always_free; /* only the writes themselves tell */
		assert_int_equal(world_open(&w), 0);
		assert_int_equal(put_file(&w, 1, 3000, key), 0);
		sim_disk_limit(w.sim, limit);
		struct store_stats stats;
		int err = put_file(&w, 4, 9000, key);

		assert_int_equal(err, limit >= need ? 0 : ASSAY_E_NOSPC);
		store_stats(w.store, &stats);
		assert_int_equal(stats.artifacts, err == 0 ? 2 : 1);
		assert_int_equal(files_on_disk(&w), err == 0 ? 4 : 2);
		assert_int_equal(get_file(&w, 1, 3000), 0);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash_everywhere),
		cmocka_unit_test(test_crash_while_recovering),
		cmocka_unit_test(test_kill_then_crash),
		cmocka_unit_test(test_fail_everywhere),
		cmocka_unit_test(test_fail_at_start),
		cmocka_unit_test(test_disk_full),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power loss before every operation of the disk, and every operation failing once, while peers
 * push: what was said to be durable is there and good, the rest is whole or absent, nothing is left
 * over.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "crypto/digest.h"
#include "crypto/tree.h"
#include "store/pushed.h"

#define FILES 6

static const uint64_t sizes[FILES] = {3000, 100, 1024, 2500, 9000, 4000};

enum fate { ABSENT, PRESENT, EITHER };

/* The transfer, whole and committed; 0 when it was refused. */
static uint32_t push_begin(struct pushed *p, uint64_t n)
{
	uint32_t transfer;

	if (push_open(p, n, sizes[n]) != ASSAY_R_NONE)
		return 0;
	transfer = p->job.status.transfer;
	for (uint32_t c = 0; c < tree_chunks(sizes[n]); c++)
		push_chunk(p, transfer, n, sizes[n], c);
	push_commit(p, transfer);
	return transfer;
}

static enum fate push_end(struct pushed *p, uint32_t transfer)
{
	return transfer != 0 && push_commit(p, transfer) == ASSAY_R_NONE &&
			       p->job.status.state == WRITE_DURABLE
		       ? PRESENT
		       : EITHER;
}

/* Two by themselves, three together, and one that the operator stores among them. */
static void run(struct world *w, enum fate fate[FILES])
{
	struct pushed p = {.world = w, .account = 1, .session = 1};
	uint32_t transfer[FILES];
	uint8_t key[32];
	int err;

	for (uint64_t n = 0; n < 2; n++) {
		transfer[n] = push_begin(&p, n);
		store_commit(w->store);
		fate[n] = push_end(&p, transfer[n]);
	}
	for (uint64_t n = 2; n < 5; n++)
		transfer[n] = push_begin(&p, n);
	err = put_file(w, 5, sizes[5], key);
	fate[5] = err == 0 || err == ASSAY_E_EXISTS ? PRESENT : EITHER;
	store_commit(w->store);
	for (uint64_t n = 2; n < 5; n++)
		fate[n] = push_end(&p, transfer[n]);
}

static void check(struct world *w, const enum fate fate[FILES])
{
	unsigned files = 0, artifacts = 0;
	struct store_stats stats;
	uint8_t key[32];

	for (uint64_t n = 0; n < FILES; n++) {
		file_key(n, sizes[n], key);
		if (fate[n] == PRESENT)
			assert_int_equal(store_verify(w->store, key, NULL), 0);
	}
	assert_false(world_logged(w, "built again")); /* durable with its outboard */
	for (uint64_t n = 0; n < FILES; n++) {
		file_key(n, sizes[n], key);
		int err = store_verify(w->store, key, NULL);

		assert_int_equal(get_file(w, n, sizes[n]), err);

		if (fate[n] == PRESENT)
			assert_int_equal(err, 0);
		else
			assert_true(err == 0 || (err == ASSAY_E_NOTFOUND));
		artifacts += err == 0;
		files += err == 0 ? 1 + (sizes[n] > 1024) : 0;
	}
	store_stats(w->store, &stats);
	assert_int_equal(stats.artifacts, artifacts);
	assert_int_equal(stats.rot, 0);
	assert_int_equal(files_on_disk(w), files);
}

/* All of it can be pushed again, and then it is there. */
static void check_goes_on(struct world *w)
{
	struct pushed p = {.world = w, .account = 2, .session = 2};

	for (uint64_t n = 0; n < FILES; n++) {
		assert_int_equal(push_file(&p, n, sizes[n]), WRITE_DURABLE);
		assert_int_equal(get_file(w, n, sizes[n]), 0);
	}
}

static int open_world(struct world *w, uint64_t seed)
{
	world_sim(w, seed);
	w->config.staging_bytes = 1 << 20;
	return 0;
}

static void test_crash_everywhere(void **state)
{
	uint64_t ops = 1;

	for (uint64_t seed = 0; seed < 4; seed++) {
		for (uint64_t at = 0; at <= ops + 1; at++) {
			enum fate fate[FILES] = {ABSENT};
			struct world w;

			open_world(&w, seed * 1000 + at);
			sim_disk_stop_at(w.sim, (unsigned)at);
			if (world_open(&w) == 0)
				run(&w, fate);
			if (at == 0)
				ops = sim_disk_ops(w.sim);
			world_close(&w);
			sim_disk_crash(w.sim);
			memset(&w.lines, 0, sizeof(w.lines));
			assert_int_equal(world_open(&w), 0);
			check(&w, fate);
			check_goes_on(&w);
			world_free(&w);
		}
	}
	assert_in_range(ops, 80, 1000);
}

/* The process is killed, the page cache lives: nothing half is shown, nothing is left over. */
static void test_kill_everywhere(void **state)
{
	for (uint64_t at = 1; at < 150; at++) {
		enum fate fate[FILES] = {ABSENT};
		struct world w;

		open_world(&w, at);
		sim_disk_stop_at(w.sim, (unsigned)at);
		if (world_open(&w) == 0)
			run(&w, fate);
		world_close(&w);
		sim_disk_stop_at(w.sim, 0);
		assert_int_equal(world_open(&w), 0);
		check(&w, fate);
		world_free(&w);
	}
}

static bool fail_at(unsigned n, unsigned mask, int code)
{
	enum fate fate[FILES] = {ABSENT};
	bool felt = false;
	struct world w;

	open_world(&w, n);
	assert_int_equal(world_open(&w), 0);
	sim_disk_fail(w.sim, n, mask, code);
	run(&w, fate);
	for (unsigned i = 0; i < FILES; i++)
		felt |= fate[i] != PRESENT;
	sim_disk_fail(w.sim, 0, 0, 0);
	if (mask == SIM_SYNC || mask == SIM_SYNC_DIR)
		assert_int_equal(w.fatal, felt);
	else
		assert_int_equal(w.fatal, 0);
	if (w.fatal == 0 && mask != SIM_REMOVE) {
		check(&w, fate);
		check_goes_on(&w);
	}
	world_close(&w);
	if (w.fatal > 0)
		sim_disk_crash(w.sim);
	assert_int_equal(world_open(&w), 0);
	check(&w, fate);
	world_free(&w);
	return felt;
}

static void test_fail_everywhere(void **state)
{
	static const unsigned masks[] = {SIM_OPEN,     SIM_READ,     SIM_WRITE,
					 SIM_SYNC,     SIM_RENAME,   SIM_REMOVE,
					 SIM_SYNC_DIR, SIM_MAKE_DIR, SIM_STAT};

	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		unsigned felt = 0;

		for (unsigned n = 1; n < felt + 20; n++)
			if (fail_at(n, masks[i], ASSAY_E_IO) + fail_at(n, masks[i], ASSAY_E_NOSPC) >
			    0)
				felt = n;
		assert_true(felt > 0 || masks[i] == SIM_REMOVE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash_everywhere),
		cmocka_unit_test(test_kill_everywhere),
		cmocka_unit_test(test_fail_everywhere),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

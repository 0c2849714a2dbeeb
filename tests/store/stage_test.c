/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What heals have staged: readable by grant and nothing else, over starts, kills and power loss; a
 * put or a push of the same bytes makes an artifact of it, and that stays one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "proof/serve_int.h"
#include "store/pushed.h"

#define FILES 4
static uint64_t sizes[FILES] = {1024, 3000, 5000, 9000};
#define LARGE ((1 << 20) + 5000) /* more than a piece */

static const char *source(uint64_t n)
{
	static char path[40];

	snprintf(path, sizeof(path), "heal/%llu", (unsigned long long)n);
	return path;
}

/* The file as a heal leaves it: durable, under a name of its own. */
static void write_source(struct world *w, uint64_t n, uint64_t size)
{
	const struct disk *d = &w->disk;
	uint8_t *data = malloc(size);
	int file;

	assert_non_null(data);
	file_bytes(n, 0, data, size);
	assert_int_equal(d->make_dir(d->ctx, "heal"), 0);
	d->remove(d->ctx, source(n));
	file = d->open(d->ctx, source(n), DISK_CREATE);
	assert_true(file >= 0);
	assert_int_equal(d->write(d->ctx, file, data, size, 0), 0);
	assert_int_equal(d->sync(d->ctx, file), 0);
	d->close(d->ctx, file);
	assert_int_equal(d->sync_dir(d->ctx, "heal"), 0);
	assert_int_equal(d->sync_dir(d->ctx, "."), 0);
	free(data);
}

static int stage(struct world *w, uint64_t n, uint64_t size)
{
	uint8_t key[32];

	file_key(n, size, key);
	return store_stage(w->store, key, source(n), NULL);
}

static int unstage(struct world *w, uint64_t n, uint64_t size)
{
	uint8_t key[32];

	file_key(n, size, key);
	return store_unstage(w->store, key);
}

/* The state as workers see it, -1 when there is none; all views of the store agree with it. */
static int state_of(struct world *w, uint64_t n, uint64_t size)
{
	struct artifact_info info, page[8];
	uint8_t key[32], keys[8][32];
	bool listed = false, staged = false;
	const struct artifact *a;
	unsigned count;

	file_key(n, size, key);
	a = find(w, key);
	count = store_list(w->store, NULL, page, 8);
	for (unsigned i = 0; i < count; i++)
		listed |= memcmp(page[i].key, key, 32) == 0;
	count = store_staged(w->store, NULL, keys, 8);
	for (unsigned i = 0; i < count; i++)
		staged |= memcmp(keys[i], key, 32) == 0;
	assert_int_equal(store_stat(w->store, key, &info), a != NULL ? 0 : ASSAY_E_NOTFOUND);
	if (a == NULL) {
		assert_false(listed || staged);
		return -1;
	}
	assert_int_equal(info.state, a->state);
	assert_true(listed != staged);
	if (staged) {
		assert_int_equal(get_file(w, n, size), ASSAY_E_NOTFOUND);
		assert_int_equal(store_remove(w->store, key), ASSAY_E_NOTFOUND);
		assert_int_equal(store_verify(w->store, key, NULL), ASSAY_E_NOTFOUND);
	}
	return a->state;
}

static void check_counts(struct world *w, uint64_t artifacts, uint64_t staged, uint64_t bytes)
{
	struct store_stats stats;

	store_stats(w->store, &stats);
	assert_int_equal(stats.artifacts, artifacts);
	assert_int_equal(stats.staged, staged);
	assert_int_equal(stats.staged_bytes, bytes);
	assert_int_equal(stats.rot, 0);
}

static void reopen(struct world *w)
{
	world_close(w);
	assert_int_equal(world_open(w), 0);
}

/* Every chunk, as the fetch thread reads it for a worker. */
static enum assay_reason read_all(struct world *w, uint64_t n, uint64_t size)
{
	struct fetch_job *job;
	struct job_room room;
	struct store_reader *reader;
	uint8_t key[32], wanted[1024];
	enum assay_reason reason = ASSAY_R_NONE;

	file_key(n, size, key);
	assert_int_equal(store_reader_new(&reader, w->store), 0);
	for (uint32_t c = 0; reason == ASSAY_R_NONE && c < tree_chunks(size); c++) {
		job_of(&room, find(w, key), &c, 1);
		job = &room.job;
		store_read_cold(reader, &job, 1);
		reason = (enum assay_reason)job->reason;
		file_bytes(n, c * 1024ull, wanted, tree_chunk_len(size, c));
		if (reason == ASSAY_R_NONE)
			assert_memory_equal(room.data, wanted, tree_chunk_len(size, c));
	}
	store_reader_free(reader);
	return reason;
}

static int no_link(void *ctx, const char *from, const char *to)
{
	return ASSAY_E_UNSUPPORTED;
}

static void check_life(struct world *w)
{
	uint64_t bytes = 0;
	uint8_t key[32];

	assert_int_equal(world_open(w), 0);
	for (uint64_t n = 0; n < FILES; n++) {
		write_source(w, n, sizes[n]);
		assert_int_equal(stage(w, n, sizes[n]), 0);
		assert_int_equal(stage(w, n, sizes[n]), 0); /* again */
		bytes += sizes[n];
		assert_int_equal(state_of(w, n, sizes[n]), ARTIFACT_PRIVATE);
		assert_int_equal(read_all(w, n, sizes[n]), ASSAY_R_NONE);
	}
	check_counts(w, 0, FILES, bytes);
	reopen(w);
	check_counts(w, 0, FILES, bytes);
	assert_false(world_logged(w, "built again"));
	w->time.mono_ns += 1000;
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(store_scrub_one(w->store, 999), 1);
	assert_int_equal(store_scrub_one(w->store, 999), 0);
	for (uint64_t n = 0; n < FILES; n++) {
		assert_int_equal(state_of(w, n, sizes[n]), ARTIFACT_PRIVATE);
		file_key(n, sizes[n], key);
		assert_int_equal(admit_artifact(find(w, key), false), ASSAY_R_ARTIFACT_PRIVATE);
		assert_int_equal(admit_artifact(find(w, key), true), ASSAY_R_NONE);
		assert_int_equal(unstage(w, n, sizes[n]), 0);
		assert_int_equal(unstage(w, n, sizes[n]), 0);
		assert_int_equal(state_of(w, n, sizes[n]), -1);
		assert_int_equal(w->disk.size_of(w->disk.ctx, source(n)), sizes[n]);
	}
	check_counts(w, 0, 0, 0);
	assert_int_equal(files_on_disk(w), 0);
}

static void test_life_on_a_simulated_disk(void **state)
{
	struct world w;

	world_sim(&w, 1);
	sizes[2] = LARGE;
	check_life(&w);
	sizes[2] = 5000;
	world_free(&w);
}

static void test_life_on_a_real_disk(void **state)
{
	struct world w;

	world_real(&w);
	check_life(&w);
	world_free(&w);
}

static void test_life_without_links(void **state)
{
	struct world w;

	world_real(&w);
	w.disk.link = no_link;
	sizes[2] = LARGE;
	check_life(&w);
	sizes[2] = 5000;
	world_free(&w);
}

static void test_what_is_refused(void **state)
{
	struct world w;
	uint8_t key[32];

	for (unsigned copies = 0; copies < 2; copies++) {
		world_sim(&w, 1);
		if (copies)
			w.disk.link = no_link;
		assert_int_equal(world_open(&w), 0);
		assert_int_equal(stage(&w, 0, 3000), ASSAY_E_NOTFOUND);
		write_source(&w, 0, 3000);
		file_key(1, 3000, key);
		assert_int_equal(store_stage(w.store, key, source(0), NULL), ASSAY_E_CORRUPT);
		file_key(0, 2000, key);
		assert_int_equal(store_stage(w.store, key, source(0), NULL), ASSAY_E_CORRUPT);
		write_source(&w, 1, 0);
		file_key(0, 0, key);
		assert_int_equal(store_stage(w.store, key, source(1), NULL), ASSAY_E_INVAL);
		file_key(0, 3000, key);
		assert_int_equal(store_stage(w.store, key, "heal", NULL),
				 ASSAY_E_INVAL); /* a folder */
		w.config.reserve_bytes = 1;
		world_close(&w);
		assert_int_equal(world_open(&w), 0);
		sim_disk_limit(w.sim, 3000);
		assert_int_equal(stage(&w, 0, 3000), ASSAY_E_NOSPC);
		assert_int_equal(files_on_disk(&w), 0);
		check_counts(&w, 0, 0, 0);
		world_free(&w);
	}
}

/* What is an artifact is not staged, and unstaging does not touch it. */
static void test_artifacts_stay(void **state)
{
	struct world w;
	uint8_t key[32];

	world_sim(&w, 1);
	assert_int_equal(world_open(&w), 0);
	write_source(&w, 0, 3000);
	assert_int_equal(put_file(&w, 0, 3000, key), 0);
	assert_int_equal(stage(&w, 0, 3000), ASSAY_E_EXISTS);
	assert_int_equal(unstage(&w, 0, 3000), 0);
	assert_int_equal(state_of(&w, 0, 3000), ARTIFACT_STORED);
	reopen(&w);
	assert_int_equal(state_of(&w, 0, 3000), ARTIFACT_STORED);
	check_counts(&w, 1, 0, 0);
	world_free(&w);
}

/* A put or a push of what is staged makes an artifact of it, now and for ever. */
static void test_promotion(void **state)
{
	for (unsigned push = 0; push < 2; push++) {
		struct world w;
		struct pushed p = {.world = &w, .account = 1, .session = 1};
		uint8_t key[32];

		world_sim(&w, 1);
		w.config.staging_bytes = 1 << 20;
		assert_int_equal(world_open(&w), 0);
		write_source(&w, 0, 3000);
		assert_int_equal(stage(&w, 0, 3000), 0);
		if (push)
			assert_int_equal(push_file(&p, 0, 3000), WRITE_DURABLE);
		else
			assert_int_equal(put_file(&w, 0, 3000, key), 0);
		assert_int_equal(state_of(&w, 0, 3000), ARTIFACT_STORED);
		check_counts(&w, 1, 0, 0);
		assert_int_equal(unstage(&w, 0, 3000), 0);
		assert_int_equal(files_on_disk(&w), 2);
		sim_disk_crash(w.sim);
		reopen(&w);
		assert_int_equal(state_of(&w, 0, 3000), ARTIFACT_STORED);
		assert_int_equal(get_file(&w, 0, 3000), 0);
		world_free(&w);
	}
}

static enum store_claim claimed_by_nobody(void *ctx, const uint8_t key[32])
{
	return STORE_UNCLAIMED;
}

/* What a process leaves that dies in the middle of a push. */
static void leave_mark(struct world *w)
{
	uint8_t key[32];
	char path[100] = "artifacts/pushed/";

	file_key(0, 3000, key);
	hex_encode(path + strlen(path), key, 32);
	w->disk.close(w->disk.ctx, w->disk.open(w->disk.ctx, path, DISK_CREATE));
}

/* A push that comes to nothing leaves what was staged as it was: it waits for nobody's claim, also
 * behind the next start. */
static void test_failed_promotion(void **state)
{
	/* The name of the outboard fails, that of the bytes; or the process dies. */
	for (unsigned n = 1; n <= 3; n++) {
		struct world w;
		struct pushed p = {.world = &w, .account = 1, .session = 1};

		world_sim(&w, n);
		w.config.staging_bytes = 1 << 20;
		assert_int_equal(world_open(&w), 0);
		write_source(&w, 0, 3000);
		assert_int_equal(stage(&w, 0, 3000), 0);
		if (n < 3) {
			sim_disk_fail(w.sim, n, SIM_RENAME, ASSAY_E_NOSPC);
			assert_int_equal(push_file(&p, 0, 3000), WRITE_FAILED);
			sim_disk_fail(w.sim, 0, 0, 0);
		} else {
			leave_mark(&w);
		}
		assert_int_equal(state_of(&w, 0, 3000), ARTIFACT_PRIVATE);
		reopen(&w);
		store_claims_set(w.store, &(struct store_claims){claimed_by_nobody, NULL});
		w.time.mono_ns += 2 * 3600 * 1000000000ull;
		while (store_claims_sweep(w.store))
			;
		assert_int_equal(state_of(&w, 0, 3000), ARTIFACT_PRIVATE);
		assert_int_equal(read_all(&w, 0, 3000), ASSAY_R_NONE);
		world_free(&w);
	}
}

/* Rot is rot, and good bytes make it staged again, never an artifact. */
static void test_rot(void **state)
{
	struct world w;
	uint8_t key[32];
	char path[100], hex[65];

	world_sim(&w, 1);
	w.disk.link = no_link; /* so that the source stays good */
	assert_int_equal(world_open(&w), 0);
	write_source(&w, 1, 3000);
	assert_int_equal(stage(&w, 1, 3000), 0);
	file_key(1, 3000, key);
	hex_encode(hex, key, 32);
	snprintf(path, sizeof(path), "artifacts/%.2s/%s", hex, hex);
	for (unsigned flips = 0; flips < 2; flips++) {
		assert_int_equal(sim_disk_flip(w.sim, path, 77), 0);
		w.time.mono_ns += 1000;
		assert_int_equal(store_scrub_one(w.store, 1), 1);
		assert_int_equal(find(&w, key)->state,
				 flips == 0 ? ARTIFACT_ROT : ARTIFACT_PRIVATE);
	}
	assert_int_equal(sim_disk_flip(w.sim, path, 77), 0);
	w.time.mono_ns += 1000;
	assert_int_equal(store_scrub_one(w.store, 1), 1);
	assert_int_equal(stage(&w, 1, 3000), 0); /* replaces it */
	assert_int_equal(state_of(&w, 1, 3000), ARTIFACT_PRIVATE);
	assert_int_equal(read_all(&w, 1, 3000), ASSAY_R_NONE);
	check_counts(&w, 0, 1, 3000);
	assert_int_equal(unstage(&w, 1, 3000), 0);
	assert_int_equal(files_on_disk(&w), 0);
	world_free(&w);
}

/* --- crashes --- */

enum fate { GONE, STAGED, STORED, IN_DOUBT };

/* 0 staged; 1 staged and unstaged; 2 staged, then put; 3 put, then staged, then unstaged. */
static void run(struct world *w, enum fate fate[FILES])
{
	uint8_t key[32];
	int err;

	for (uint64_t n = 0; n < 3; n++)
		fate[n] = stage(w, n, sizes[n]) == 0 ? STAGED : IN_DOUBT;
	if (fate[1] == STAGED)
		fate[1] = unstage(w, 1, sizes[1]) == 0 ? GONE : IN_DOUBT;
	if (fate[2] == STAGED)
		fate[2] = put_file(w, 2, sizes[2], key) == 0 ? STORED : IN_DOUBT;
	fate[3] = put_file(w, 3, sizes[3], key) == 0 ? STORED : IN_DOUBT;
	if (fate[3] == STORED) {
		err = stage(w, 3, sizes[3]);
		assert_true(err != 0);
		unstage(w, 3, sizes[3]);
	}
}

static void check(struct world *w, const enum fate fate[FILES])
{
	unsigned files = 0;

	for (uint64_t n = 0; n < FILES; n++) {
		int found = state_of(w, n, sizes[n]);

		if (fate[n] == STAGED)
			assert_int_equal(found, ARTIFACT_PRIVATE);
		else if (fate[n] == STORED)
			assert_int_equal(found, ARTIFACT_STORED);
		else if (fate[n] == GONE)
			assert_int_equal(found, -1);
		if (n < 2) /* nobody stored these */
			assert_int_not_equal(found, ARTIFACT_STORED);
		if (n == 3)
			assert_int_not_equal(found, ARTIFACT_PRIVATE);
		if (found >= 0)
			files += (sizes[n] > 1024 ? 2 : 1) + (found == ARTIFACT_PRIVATE);
		if (fate[n] != IN_DOUBT && found >= 0)
			assert_int_equal(read_all(w, n, sizes[n]), ASSAY_R_NONE);
	}
	assert_false(world_logged(w, "built again"));
	w->time.mono_ns += 1000;
	while (store_scrub_one(w->store, 999) == 1)
		; /* an outboard of what was on its way out */
	for (uint64_t n = 0; n < FILES; n++)
		if (state_of(w, n, sizes[n]) >= 0)
			assert_int_equal(read_all(w, n, sizes[n]), ASSAY_R_NONE);
	assert_int_equal(files_on_disk(w), files);
}

/* After any crash all goes on, and what is put then is there after the next one. */
static void check_goes_on(struct world *w)
{
	enum fate fate[FILES];

	run(w, fate);
	assert_int_not_equal(fate[0], IN_DOUBT);
	for (uint64_t n = 0; n < FILES; n++) {
		uint8_t key[32];

		assert_int_equal(unstage(w, n, sizes[n]), 0);
		int err = put_file(w, n, sizes[n], key);

		assert_true(err == 0 || err == ASSAY_E_EXISTS);
	}
	world_close(w);
	sim_disk_crash(w->sim);
	assert_int_equal(world_open(w), 0);
	for (uint64_t n = 0; n < FILES; n++)
		assert_int_equal(state_of(w, n, sizes[n]), ARTIFACT_STORED);
}

static void begin(struct world *w, uint64_t seed, bool copies)
{
	world_sim(w, seed);
	for (uint64_t n = 0; n < FILES; n++)
		write_source(w, n, sizes[n]);
	if (copies)
		w->disk.link = no_link;
}

static void crash_at(unsigned at, uint64_t seed, bool copies, bool power, uint64_t *ops)
{
	enum fate fate[FILES] = {IN_DOUBT, IN_DOUBT, IN_DOUBT, IN_DOUBT};
	struct world w;
	uint64_t before;

	begin(&w, seed, copies);
	before = sim_disk_ops(w.sim);
	sim_disk_stop_at(w.sim, at);
	if (world_open(&w) == 0)
		run(&w, fate);
	if (at == 0)
		*ops = sim_disk_ops(w.sim) - before;
	world_close(&w);
	memset(&w.lines, 0, sizeof(w.lines));
	if (power)
		sim_disk_crash(w.sim);
	sim_disk_stop_at(w.sim, 0);
	assert_int_equal(world_open(&w), 0);
	check(&w, fate);
	check_goes_on(&w);
	world_free(&w);
}

static void test_crash_everywhere(void **state)
{
	for (unsigned how = 0; how < 4; how++) {
		uint64_t ops = 1;

		for (unsigned at = 0; at <= ops + 1; at++)
			crash_at(at, how * 1000 + at, how % 2 == 0, how / 2 == 0, &ops);
		assert_in_range(ops, 60, 1000);
	}
}

/* One operation fails and the machine goes on; true when a step felt it. */
static bool fail_at(unsigned n, unsigned mask, bool copies)
{
	static const enum fate well[FILES] = {STAGED, GONE, STORED, STORED};
	enum fate fate[FILES];
	struct world w;

	begin(&w, n, copies);
	assert_int_equal(world_open(&w), 0);
	sim_disk_fail(w.sim, n, mask, ASSAY_E_IO);
	run(&w, fate);
	sim_disk_fail(w.sim, 0, 0, 0);
	bool felt = memcmp(fate, well, sizeof(well)) != 0;

	if (w.fatal > 0) {
		assert_true(mask == SIM_SYNC || mask == SIM_SYNC_DIR);
		sim_disk_crash(w.sim);
	}
	world_close(&w);
	memset(&w.lines, 0, sizeof(w.lines));
	w.fatal = 0;
	assert_int_equal(world_open(&w), 0);
	check(&w, fate);
	check_goes_on(&w);
	world_free(&w);
	return felt;
}

static void test_fail_everywhere(void **state)
{
	static const unsigned masks[] = {SIM_OPEN,   SIM_READ,	   SIM_WRITE, SIM_SYNC, SIM_RENAME,
					 SIM_REMOVE, SIM_SYNC_DIR, SIM_STAT,  SIM_LINK};

	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		unsigned felt = 0;

		for (unsigned n = 1; n < felt + 6; n++)
			if (fail_at(n, masks[i], false) + fail_at(n, masks[i], true) > 0)
				felt = n;
		assert_true(felt > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_on_a_simulated_disk),
		cmocka_unit_test(test_life_on_a_real_disk),
		cmocka_unit_test(test_life_without_links),
		cmocka_unit_test(test_what_is_refused),
		cmocka_unit_test(test_artifacts_stay),
		cmocka_unit_test(test_promotion),
		cmocka_unit_test(test_failed_promotion),
		cmocka_unit_test(test_rot),
		cmocka_unit_test(test_crash_everywhere),
		cmocka_unit_test(test_fail_everywhere),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

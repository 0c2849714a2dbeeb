/* SPDX-License-Identifier: Apache-2.0 */
/* Every byte and every length of a small artifact and of its outboard, and cold reads of any shape:
 * nothing wrong is given out, and all of it is noticed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/sim_random.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "store/world.h"

#define SIZE 2500u /* three chunks, the last one short */

static struct job_room room;

static void path_in(char out[128], const uint8_t key[32], const char *suffix)
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, 128, "artifacts/%.2s/%s%s", hex, hex, suffix);
}

static enum artifact_state state_of(struct world *w, const uint8_t key[32])
{
	return atomic_load(&find(w, key)->state);
}

/* A cold read; when it says NONE the bytes are right. */
static unsigned read_cold(struct world *w, struct store_reader *reader, uint64_t n, uint64_t size,
			  const uint8_t key[32], const uint32_t *chunks, unsigned count)
{
	struct artifact *a = find(w, key);
	struct fetch_job *job = &room.job;
	uint8_t wanted[1024];

	assert_non_null(a);
	job_of(&room, a, chunks, count);
	store_read_cold(reader, &job, 1);
	if (job->reason != ASSAY_R_NONE)
		return job->reason;
	for (unsigned i = 0; i < count; i++) {
		uint32_t len = tree_chunk_len(size, chunks[i]);

		file_bytes(n, (uint64_t)chunks[i] * 1024, wanted, len);
		assert_memory_equal(job->data + 1024 * i, wanted, len);
	}
	assert_true(tree_verify(key, a->chunks, chunks, count, job->values, job->hashes,
				job->node_count));
	return ASSAY_R_NONE;
}

static void flip(struct world *w, const char *path, uint64_t byte, uint64_t bit)
{
	assert_int_equal(sim_disk_flip(w->sim, path, 8 * byte + bit), 0);
}

static void test_flip_every_byte(void **state)
{
	static const uint32_t all[] = {0, 1, 2};
	struct world w;
	struct store_reader *reader;
	struct store_stats stats;
	uint8_t key[32];
	char path[128];

	world_sim(&w, 1);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	assert_int_equal(store_reader_new(&reader, w.store), 0);
	path_in(path, key, "");
	for (uint64_t byte = 0; byte < SIZE; byte++) {
		unsigned how = byte % 4;

		flip(&w, path, byte, byte * 7 % 8);
		if (how == 0)
			assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT);
		else if (how == 1)
			assert_int_equal(get_file(&w, 1, SIZE), ASSAY_E_CORRUPT);
		else if (how == 2)
			assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3),
					 ASSAY_R_ARTIFACT_ROT);
		else
			assert_int_equal(store_scrub_one(w.store, 0), 1);
		assert_int_equal(state_of(&w, key), ARTIFACT_ROT);
		store_stats(w.store, &stats);
		assert_int_equal(stats.rot, 1);
		assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3), ASSAY_R_ARTIFACT_ROT);
		flip(&w, path, byte, byte * 7 % 8);
		assert_int_equal(store_verify(w.store, key, NULL), 0);
		assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3), ASSAY_R_NONE);
		sim_clock_advance(&w.time, 1000);
	}
	store_reader_free(reader);
	world_free(&w);
}

/* The outboard follows from the bytes: a check builds it again, a cold read refuses until then. */
static void test_flip_every_byte_of_outboard(void **state)
{
	static const uint32_t one[] = {1};
	uint64_t len = tree_outboard_len(tree_chunks(SIZE));
	unsigned used = 0;
	struct world w;
	struct store_reader *reader;
	uint8_t key[32];
	char path[128];

	world_sim(&w, 1);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	assert_int_equal(store_reader_new(&reader, w.store), 0);
	path_in(path, key, ".tree");
	for (uint64_t byte = 0; byte < len; byte++) {
		flip(&w, path, byte, byte % 8);
		unsigned reason = read_cold(&w, reader, 1, SIZE, key, one, 1);

		assert_true(reason == ASSAY_R_NONE || reason == ASSAY_R_ARTIFACT_ROT);
		assert_int_equal(state_of(&w, key) == ARTIFACT_ROT, reason != ASSAY_R_NONE);
		used += reason == ASSAY_R_ARTIFACT_ROT;
		memset(&w.lines, 0, sizeof(w.lines));
		sim_clock_advance(&w.time, 1000);
		assert_int_equal(store_scrub_one(w.store, 0), 1);
		assert_true(world_logged(&w, "built again"));
		assert_int_equal(state_of(&w, key), ARTIFACT_STORED);
		assert_int_equal(read_cold(&w, reader, 1, SIZE, key, one, 1), ASSAY_R_NONE);
	}
	assert_int_equal(used, 2 * 32); /* the sibling and the last chunk */
	assert_int_equal(files_on_disk(&w), 2);
	store_reader_free(reader);
	world_free(&w);
}

/* A file on the disk in place of what a put wrote. */
static void overwrite(struct world *w, const char *path, const uint8_t *data, size_t len)
{
	const struct disk *d = &w->disk;

	assert_int_equal(d->remove(d->ctx, path), 0);
	int file = d->open(d->ctx, path, DISK_CREATE);

	assert_true(file >= 0);
	assert_int_equal(d->write(d->ctx, file, data, len, 0), 0);
	d->close(d->ctx, file);
}

static void test_truncate_everywhere(void **state)
{
	static const uint32_t all[] = {0, 1, 2};
	uint8_t data[SIZE], key[32];
	char path[128];

	file_bytes(1, 0, data, SIZE);
	for (uint64_t len = 0; len < SIZE; len++) {
		struct world w;
		struct store_reader *reader;
		uint32_t chunks = tree_chunks(len);

		world_sim(&w, 1);
		assert_int_equal(world_open(&w), 0);
		assert_int_equal(put_file(&w, 1, SIZE, key), 0);
		path_in(path, key, "");
		overwrite(&w, path, data, len);
		if (len % 16 == 0) { /* while it is open */
			assert_int_equal(store_reader_new(&reader, w.store), 0);
			assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3),
					 ASSAY_R_ARTIFACT_ROT);
			store_reader_free(reader);
		}
		world_close(&w);
		assert_int_equal(world_open(&w), 0);
		assert_int_equal(find(&w, key)->size, len);
		assert_int_equal(store_reader_new(&reader, w.store), 0);
		unsigned reason = read_cold(&w, reader, 1, SIZE, key, all, chunks);

		assert_true(reason == ASSAY_R_ARTIFACT_ROT || reason == ASSAY_R_BUSY);
		assert_int_equal(get_file(&w, 1, SIZE), ASSAY_E_CORRUPT);
		assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT);
		assert_int_equal(state_of(&w, key), ARTIFACT_ROT);
		assert_int_equal(put_file(&w, 1, SIZE, key), 0);
		assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3), ASSAY_R_NONE);
		store_reader_free(reader);
		world_free(&w);
	}
}

/* --- cold reads of any shape --- */
static unsigned pick_chunks(uint64_t *seed, uint32_t *out, uint32_t chunks)
{
	unsigned wanted = 1 + sim_next(seed) % FETCH_CHUNKS_MAX, n = 0;
	uint32_t chunk = (uint32_t)(sim_next(seed) % chunks);

	while (n < wanted && chunk < chunks) {
		out[n++] = chunk;
		chunk += 1 + (sim_chance(seed, 50) ? 0 : sim_next(seed) % (chunks / 8 + 1));
	}
	return n;
}

static void check_shapes(struct world *w)
{
	static const uint64_t sizes[] = {1, 1024, 1025, 65532, 65536, 300000, (2 << 20) + 77};
	enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };
	struct store_reader *reader;
	uint32_t chunks[FETCH_CHUNKS_MAX];
	uint8_t key[SIZES][32];
	uint64_t seed = 11;

	assert_int_equal(world_open(w), 0);
	for (unsigned i = 0; i < SIZES; i++)
		assert_int_equal(put_file(w, i, sizes[i], key[i]), 0);
	assert_int_equal(store_reader_new(&reader, w->store), 0);
	for (unsigned round = 0; round < 400; round++) {
		unsigned i = round % SIZES;
		unsigned n = pick_chunks(&seed, chunks, tree_chunks(sizes[i]));

		assert_int_equal(read_cold(w, reader, i, sizes[i], key[i], chunks, n),
				 ASSAY_R_NONE);
	}
	store_reader_free(reader);
}

static void test_shapes(void **state)
{
	struct world w;

	world_sim(&w, 1);
	check_shapes(&w);
	world_free(&w);
	world_real(&w); /* by io_uring, where this machine has it */
	check_shapes(&w);
	world_free(&w);
}

/* More files than are kept open, more jobs than go together; good and bad ones in one call. */
static void test_many_jobs(void **state)
{
	enum { N = 90 };
	static struct job_room rooms[N];
	struct fetch_job *jobs[N];
	struct world w;
	struct store_reader *reader;
	uint8_t key[N][32], wanted[1024];

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(store_reader_new(&reader, w.store), 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(put_file(&w, i, 3000 + i, key[i]), 0);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < N; i++) {
			uint32_t chunks[] = {0, 2};

			job_of(&rooms[i], find(&w, key[i]), chunks, 2);
			jobs[i] = &rooms[i].job;
		}
		if (round == 1) { /* one is cut */
			char path[128];

			path_in(path, key[5], "");
			overwrite(&w, path, (const uint8_t *)"short", 5);
			assert_int_equal(store_verify(w.store, key[5], NULL), ASSAY_E_CORRUPT);
		}
		store_read_cold(reader, jobs, N);
		for (unsigned i = 0; i < N; i++) {
			if (round >= 1 && i == 5) {
				assert_int_equal(jobs[i]->reason, ASSAY_R_ARTIFACT_ROT);
				continue;
			}
			assert_int_equal(jobs[i]->reason, ASSAY_R_NONE);
			file_bytes(i, 0, wanted, 1024);
			assert_memory_equal(jobs[i]->data, wanted, 1024);
			uint32_t len = tree_chunk_len(3000 + i, 2);

			file_bytes(i, 2048, wanted, len);
			assert_memory_equal(jobs[i]->data + 1024, wanted, len);
		}
	}
	store_reader_free(reader);
	world_free(&w);
}

/* Removed while a job holds it; the disk fails; the outboard is still to be built. */
static void test_no_answer(void **state)
{
	static const uint32_t all[] = {0, 1, 2};
	struct world w;
	struct held held;
	struct store_reader *reader;
	struct fetch_job *job = &room.job;
	uint8_t key[32];
	char path[128];

	world_sim(&w, 1);
	w.config.grace = grace_held(&held);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(put_file(&w, 1, SIZE, key), 0);
	assert_int_equal(store_reader_new(&reader, w.store), 0);
	for (unsigned n = 1; n <= 2; n++) {
		sim_disk_fail(w.sim, n, SIM_READ, ASSAY_E_IO);
		assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, n), ASSAY_R_BUSY);
	}
	assert_int_equal(state_of(&w, key), ARTIFACT_STORED);
	assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3), ASSAY_R_NONE);
	store_reader_free(reader);
	world_close(&w);

	path_in(path, key, ".tree");
	assert_int_equal(w.disk.remove(w.disk.ctx, path), 0);
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(store_reader_new(&reader, w.store), 0);
	assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3), ASSAY_R_BUSY);
	assert_int_equal(store_scrub_one(w.store, 0), 1);
	assert_int_equal(read_cold(&w, reader, 1, SIZE, key, all, 3), ASSAY_R_NONE);

	struct artifact *a = find(&w, key);

	atomic_fetch_add(&a->pins, 1);
	job_of(&room, a, all, 3);
	assert_int_equal(store_remove(w.store, key), 0);
	assert_null(find(&w, key));
	held_release(&held);
	assert_int_equal(put_file(&w, 2, SIZE, key), 0); /* would free what nobody holds */
	store_read_cold(reader, &job, 1);
	assert_int_equal(job->reason, ASSAY_R_ARTIFACT_UNKNOWN);
	atomic_fetch_sub(&a->pins, 1);
	assert_int_equal(put_file(&w, 3, SIZE, key), 0); /* ASan would see a leak */
	held_release(&held);
	store_reader_free(reader);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flip_every_byte),
		cmocka_unit_test(test_flip_every_byte_of_outboard),
		cmocka_unit_test(test_truncate_everywhere),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_many_jobs),
		cmocka_unit_test(test_no_answer),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

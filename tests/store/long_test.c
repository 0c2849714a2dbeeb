/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes that take a while: a file of 1 GiB in little memory, and the start with many artifacts. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "store/world.h"

#define GIB	  (1ull << 30)
#define ARTIFACTS 50000u

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void test_gigabyte(void **state)
{
	static struct job_room room;
	struct world w;
	struct fetch_job *job = &room.job;
	struct store_reader *reader;
	uint8_t key[32], wanted[1024];
	uint32_t chunks[] = {0, 1, 77777, (uint32_t)(GIB / 1024) - 1};
	double start;

	world_real(&w);
	assert_int_equal(world_open(&w), 0);
	start = seconds();
	assert_int_equal(put_file(&w, 1, GIB, key), 0);
	print_message("put of 1 GiB: %.1f s\n", seconds() - start);
	start = seconds();
	assert_int_equal(store_verify(w.store, key, NULL), 0);
	print_message("verify: %.1f s\n", seconds() - start);
	assert_int_equal(store_reader_new(&reader, w.store), 0);
	job_of(&room, find(&w, key), chunks, 4);
	store_read_cold(reader, &job, 1);
	assert_int_equal(job->reason, ASSAY_R_NONE);
	for (unsigned i = 0; i < 4; i++) {
		file_bytes(1, (uint64_t)chunks[i] * 1024, wanted, 1024);
		assert_memory_equal(job->data + (size_t)i * 1024, wanted, 1024);
	}
	store_reader_free(reader);
	print_message("peak memory: %ld KiB\n", peak_kib());
	assert_true(peak_kib() < 64 * 1024);
	assert_int_equal(get_file(&w, 1, GIB), 0); /* needs the whole file in memory for its key */
	world_free(&w);
}

/* Names and sizes are all that the start looks at, so any bytes will do. */
static void make_artifacts(const struct world *w)
{
	char path[256], hex[65];
	uint8_t key[32];

	snprintf(path, sizeof(path), "%s/artifacts", w->dir);
	mkdir(path, 0755);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/artifacts/%02x", w->dir, i);
		mkdir(path, 0755);
	}
	for (uint32_t i = 0; i < ARTIFACTS; i++) {
		digest_one(key, NULL, &i, sizeof(i));
		hex_encode(hex, key, 32);
		snprintf(path, sizeof(path), "%s/artifacts/%.2s/%s", w->dir, hex, hex);
		int fd = open(path, O_CREAT | O_WRONLY, 0644);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
	}
}

static void test_many(void **state)
{
	struct world w;
	struct store_stats stats;
	uint8_t key[32];
	uint32_t number = 4711;
	double start;

	world_real(&w);
	make_artifacts(&w);
	start = seconds();
	assert_int_equal(world_open(&w), 0);
	print_message("start with %u artifacts: %.2f s\n", ARTIFACTS, seconds() - start);
	store_stats(w.store, &stats);
	assert_int_equal(stats.artifacts, ARTIFACTS);
	digest_one(key, NULL, &number, sizeof(number));
	assert_int_equal(find(&w, key)->size, 1);
	assert_int_equal(store_verify(w.store, key, NULL), ASSAY_E_CORRUPT); /* it is a lie */
	for (uint32_t i = 0; i < ARTIFACTS; i++) {
		digest_one(key, NULL, &i, sizeof(i));
		assert_non_null(find(&w, key));
	}
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gigabyte),
		cmocka_unit_test(test_many),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

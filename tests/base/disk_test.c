/* SPDX-License-Identifier: Apache-2.0 */
/* The real and the simulated disk behave alike; the simulated one also crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/sim.h"

static int count_names(void *arg, const char *name)
{
	(*(unsigned *)arg)++;
	return 0;
}

static int stop_at_first(void *arg, const char *name)
{
	(*(unsigned *)arg)++;
	return 1;
}

static unsigned entries(const struct disk *d, const char *path)
{
	unsigned n = 0;

	assert_int_equal(d->list(d->ctx, path, count_names, &n), 0);
	return n;
}

static void put_file(const struct disk *d, const char *path, const char *text, bool sync)
{
	int file = d->open(d->ctx, path, DISK_CREATE);

	assert_true(file >= 0);
	assert_int_equal(d->write(d->ctx, file, text, strlen(text), 0), 0);
	if (sync)
		assert_int_equal(d->sync(d->ctx, file), 0);
	d->close(d->ctx, file);
}

/* Content as text; "-" when it is not there. */
static const char *content(const struct disk *d, const char *path)
{
	static char text[4096];
	int file = d->open(d->ctx, path, DISK_READ);

	if (file < 0)
		return "-";
	int64_t len = d->read(d->ctx, file, text, sizeof(text) - 1, 0);

	assert_true(len >= 0);
	assert_int_equal(d->size(d->ctx, file), len);
	text[len] = '\0';
	d->close(d->ctx, file);
	return text;
}

static void check_contract(const struct disk *d)
{
	char room[8];
	uint64_t bytes;
	unsigned n = 0;

	assert_int_equal(d->open(d->ctx, "none", DISK_READ), ASSAY_E_NOTFOUND);
	assert_int_equal(d->open(d->ctx, "dir/none", DISK_CREATE), ASSAY_E_NOTFOUND);
	assert_int_equal(d->make_dir(d->ctx, "dir"), 0);
	assert_int_equal(d->make_dir(d->ctx, "dir"), 0);
	assert_int_equal(d->open(d->ctx, "dir", DISK_READ), ASSAY_E_INVAL);
	put_file(d, "dir/a", "hello world", true);
	assert_int_equal(d->open(d->ctx, "dir/a", DISK_CREATE), ASSAY_E_EXISTS);
	assert_int_equal(d->make_dir(d->ctx, "dir/a"), ASSAY_E_EXISTS);
	assert_int_equal(d->sync_dir(d->ctx, "dir"), 0);
	assert_int_equal(d->sync_dir(d->ctx, "."), 0);
	assert_int_equal(d->sync_dir(d->ctx, "none"), ASSAY_E_NOTFOUND);
	assert_int_equal(d->sync_all(d->ctx, "none"), ASSAY_E_NOTFOUND);
	assert_int_equal(d->sync_all(d->ctx, "dir"), 0);
	assert_int_equal(d->sync_all(d->ctx, "dir"), 0);

	int file = d->open(d->ctx, "dir/a", DISK_READ);

	assert_int_equal(d->size(d->ctx, file), 11);
	assert_int_equal(d->size_of(d->ctx, "dir/a"), 11);
	assert_int_equal(d->size_of(d->ctx, "dir"), ASSAY_E_INVAL);
	assert_int_equal(d->size_of(d->ctx, "none"), ASSAY_E_NOTFOUND);
	d->forget(d->ctx, file);
	assert_int_equal(d->read(d->ctx, file, room, 8, 6), 5);
	assert_memory_equal(room, "world", 5);
	assert_int_equal(d->read(d->ctx, file, room, 8, 11), 0);
	assert_int_equal(d->read(d->ctx, file, room, 8, 1000), 0);
	d->close(d->ctx, file);

	put_file(d, "dir/b", "second", false);
	assert_int_equal(entries(d, "dir"), 2);
	assert_int_equal(d->list(d->ctx, "dir", stop_at_first, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(d->list(d->ctx, "none", count_names, &n), ASSAY_E_NOTFOUND);
	assert_int_equal(d->rename(d->ctx, "dir/none", "dir/c"), ASSAY_E_NOTFOUND);
	assert_int_equal(d->rename(d->ctx, "dir/b", "dir/a"), 0);
	assert_int_equal(d->link(d->ctx, "dir/none", "dir/l"), ASSAY_E_NOTFOUND);
	assert_int_equal(d->link(d->ctx, "dir", "dir/l"), ASSAY_E_INVAL);
	assert_int_equal(d->link(d->ctx, "dir/a", "none/l"), ASSAY_E_NOTFOUND);
	assert_int_equal(d->link(d->ctx, "dir/a", "dir/a"), ASSAY_E_EXISTS);
	assert_int_equal(d->link(d->ctx, "dir/a", "dir/l"), 0);
	assert_string_equal(content(d, "dir/l"), content(d, "dir/a"));
	assert_int_equal(d->remove(d->ctx, "dir/l"), 0);
	assert_string_equal(content(d, "dir/a"), "second");
	assert_string_equal(content(d, "dir/b"), "-");
	assert_int_equal(d->remove(d->ctx, "dir/a"), 0);
	assert_int_equal(d->remove(d->ctx, "dir/a"), ASSAY_E_NOTFOUND);
	assert_int_equal(entries(d, "dir"), 0);
	assert_int_equal(d->free_bytes(d->ctx, &bytes), 0);
	assert_true(bytes > 0);
}

static void test_contract(void **state)
{
	char dir[] = "/tmp/assay-disk-XXXXXX", path[64];
	struct sim_disk *sim = sim_disk_new(1);
	struct disk d = disk_sim(sim);

	check_contract(&d);
	sim_disk_free(sim);

	assert_non_null(mkdtemp(dir));
	assert_int_equal(disk_real_open(&d, dir), 0);
	check_contract(&d);
	/* A pipe in the place of a file does not stop the node, a link does not lead out. */
	snprintf(path, sizeof(path), "%s/pipe", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(d.open(d.ctx, "pipe", DISK_READ), ASSAY_E_INVAL);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(d.open(d.ctx, "pipe", DISK_READ), ASSAY_E_INVAL);
	unlink(path);
	disk_real_close(&d);
	snprintf(path, sizeof(path), "%s/dir", dir);
	rmdir(path);
	rmdir(dir);
	assert_int_equal(disk_real_open(&d, dir), ASSAY_E_NOTFOUND);
}

/* Over many seeds a crash shows every outcome that it may, and never touches what was synced. */
static void test_crash(void **state)
{
	unsigned whole = 0, gone = 0, torn = 0, unnamed = 0, old = 0, new = 0;

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct sim_disk *sim = sim_disk_new(seed);
		struct disk d = disk_sim(sim);

		put_file(&d, "kept", "durable", true);
		put_file(&d, "renamed", "old", true);
		put_file(&d, "tmp", "new", true);
		put_file(&d, "dirty", "", true);
		assert_int_equal(d.sync_dir(d.ctx, "."), 0);
		put_file(&d, "lazy", "synced bytes, unsynced name", true);
		assert_int_equal(d.rename(d.ctx, "tmp", "renamed"), 0);
		d.remove(d.ctx, "dirty");
		put_file(&d, "torn", "0123456789", false);
		assert_int_equal(d.sync_dir(d.ctx, "."), 0);
		put_file(&d, "lazy2", "synced bytes, unsynced name", true);
		assert_int_equal(d.rename(d.ctx, "kept", "renamed2"), 0);

		int open_file = d.open(d.ctx, "torn", DISK_READ);
		char room[4];

		sim_disk_crash(sim);
		assert_int_equal(d.read(d.ctx, open_file, room, 4, 0), ASSAY_E_IO);
		assert_string_equal(content(&d, "renamed"), "new");
		assert_string_equal(content(&d, "dirty"), "-");
		assert_string_equal(content(&d, "lazy"), "synced bytes, unsynced name");

		const char *text = content(&d, "lazy2");

		unnamed += text[0] == '-';
		if (text[0] != '-')
			assert_string_equal(text, "synced bytes, unsynced name");
		old += content(&d, "kept")[0] != '-';
		new += content(&d, "renamed2")[0] != '-';
		text = content(&d, "torn");
		whole += strcmp(text, "0123456789") == 0;
		gone += text[0] == '\0';
		torn += text[0] != '\0' && strlen(text) < 10;
		sim_disk_free(sim);
	}
	assert_true(whole > 20 && gone > 20 && torn > 20);
	assert_in_range(unnamed, 50, 150);
	assert_in_range(old, 50, 150);
	assert_in_range(new, 50, 150);
}

static void test_unsynced_folder(void **state)
{
	unsigned lost = 0;

	for (uint64_t seed = 0; seed < 50; seed++) {
		struct sim_disk *sim = sim_disk_new(seed);
		struct disk d = disk_sim(sim);

		assert_int_equal(d.make_dir(d.ctx, "a"), 0);
		assert_int_equal(d.make_dir(d.ctx, "a/b"), 0);
		put_file(&d, "a/b/file", "x", true);
		assert_int_equal(d.sync_dir(d.ctx, "a/b"), 0);
		assert_int_equal(d.sync_dir(d.ctx, "a"), 0);
		sim_disk_crash(sim); /* the name of a itself was never synced */
		lost += content(&d, "a/b/file")[0] == '-';
		sim_disk_free(sim);
	}
	assert_in_range(lost, 10, 40);
}

/* Contents, names and folders; what comes later is not in it, nor what a failed one has lost. */
static void test_sync_all(void **state)
{
	unsigned later = 0;

	for (uint64_t seed = 0; seed < 50; seed++) {
		struct sim_disk *sim = sim_disk_new(seed);
		struct disk d = disk_sim(sim);

		assert_int_equal(d.make_dir(d.ctx, "a"), 0);
		put_file(&d, "a/tmp", "first", false);
		assert_int_equal(d.rename(d.ctx, "a/tmp", "a/file"), 0);
		assert_int_equal(d.sync_all(d.ctx, "a"), 0);
		put_file(&d, "later", "second", false);
		put_file(&d, "lost", "third", false);
		sim_disk_fail(sim, 1, SIM_SYNC, ASSAY_E_IO);
		assert_int_equal(d.sync_all(d.ctx, "."), ASSAY_E_IO);
		assert_int_equal(d.sync_dir(d.ctx, "."), 0);
		put_file(&d, "unnamed", "fourth", false);
		sim_disk_crash(sim);
		assert_string_equal(content(&d, "a/file"), "first");
		assert_string_equal(content(&d, "a/tmp"), "-");
		assert_string_equal(content(&d, "lost"), "");
		later += content(&d, "unnamed")[0] != '-';
		sim_disk_free(sim);
	}
	assert_in_range(later, 10, 40);
}

static void test_faults(void **state)
{
	struct sim_disk *sim = sim_disk_new(1);
	struct disk d = disk_sim(sim);
	uint64_t bytes;

	put_file(&d, "a", "text", true);
	sim_disk_fail(sim, 2, SIM_OPEN, ASSAY_E_IO);
	assert_string_equal(content(&d, "a"), "text");
	assert_int_equal(d.open(d.ctx, "a", DISK_READ), ASSAY_E_IO);
	assert_string_equal(content(&d, "a"), "text");

	assert_int_equal(sim_disk_flip(sim, "a", 1), 0);
	assert_string_equal(content(&d, "a"), "vext");
	assert_int_equal(sim_disk_flip(sim, "a", 32), ASSAY_E_RANGE);
	assert_int_equal(sim_disk_flip(sim, "b", 0), ASSAY_E_NOTFOUND);

	sim_disk_limit(sim, 10);
	assert_int_equal(d.free_bytes(d.ctx, &bytes), 0);
	assert_int_equal(bytes, 6);
	int file = d.open(d.ctx, "b", DISK_CREATE);

	assert_int_equal(d.write(d.ctx, file, "0123456789", 10, 0), ASSAY_E_NOSPC);
	assert_string_equal(content(&d, "b"), "012345");

	/* A failed sync forgets the bytes: the next one succeeds and saves nothing. */
	sim_disk_fail(sim, 1, SIM_SYNC, ASSAY_E_IO);
	assert_int_equal(d.sync(d.ctx, file), ASSAY_E_IO);
	assert_int_equal(d.sync(d.ctx, file), 0);
	assert_int_equal(d.sync_dir(d.ctx, "."), 0);

	uint64_t ops = sim_disk_ops(sim);

	sim_disk_stop_at(sim, 2);
	assert_int_equal(d.size(d.ctx, file), 6);
	assert_int_equal(d.size(d.ctx, file), ASSAY_E_CLOSED);
	assert_int_equal(d.remove(d.ctx, "a"), ASSAY_E_CLOSED);
	assert_int_equal(sim_disk_ops(sim), ops + 1);
	sim_disk_crash(sim);
	assert_string_equal(content(&d, "a"), "vext");
	assert_string_equal(content(&d, "b"), "");
	sim_disk_free(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract),	cmocka_unit_test(test_crash),
		cmocka_unit_test(test_unsynced_folder), cmocka_unit_test(test_sync_all),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

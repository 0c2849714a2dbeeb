/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file rebuilt from what its holders have: all of it comes back octet by octet, and whatever goes
 * wrong leaves nothing and says why.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "control/heal_site.h"
#include "ledger/rules.h"

static struct heal_site site;

static void expect_file(const char *name, const void *data, size_t len)
{
	char path[300];
	uint8_t *got = malloc(len + 1);
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	assert_int_equal(st.st_mode & 07737, 0600); /* an own symbol is the store's file: 0640 */
	assert_int_equal(read(fd, got, len + 1), len);
	assert_memory_equal(got, data, len);
	close(fd);
	free(got);
}

static void expect_staged(void)
{
	char name[96], hash[HEAL_HASH_ROOM], path[300];
	const struct made_file *f = &site.file;
	struct stat st;

	expect_file("reconstructed.bin", f->data, SITE_SIZE);
	for (uint32_t i = 0; i < f->counts[2]; i++) {
		site_symbol_name(&site, name, i);
		expect_file(name, f->artifact[2][i].data, f->artifact[2][i].len);
	}
	for (uint32_t i = 0; i < f->counts[1]; i++) {
		snprintf(name, sizeof(name), "id_files/idfile_%05u.bin", i);
		expect_file(name, f->artifact[1][i].data, f->artifact[1][i].len);
	}
	assert_true(site_staged(&site, "symbols/block_0/layout.json") < 0);
	snprintf(path, sizeof(path), "%s/%d", site.root, SITE_OP);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), 0);
	assert_string_equal(hash, site.hash);
}

static struct heal_done build(void)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);

	return site_do(&site, &order);
}

static void expect_failure(const struct heal_done *done, enum heal_end end, const char *part)
{
	char hash[HEAL_HASH_ROOM];

	if (done->end != end || strstr(done->why, part) == NULL)
		fail_msg("%d, want %d: %s, want %s", done->end, end, done->why, part);
	assert_false(site_has_folder(&site));
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_NOTFOUND);
}

static void test_build(void **state)
{
	struct artifact_info info;
	struct heal_done done = build();
	uint8_t key[32];

	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	assert_string_equal(done.hash, site.hash);
	expect_staged();
	assert_int_equal(site.passed[FAIL_HEAL_MKDIR], 1);
	assert_int_equal(site.passed[FAIL_HEAL_STAGED], 1);
	/* Verifiers can be let at it, and nobody else. */
	assert_true(base64_read(key, 32, site.hash, 44));
	assert_int_equal(store_stat(site.app.store, key, &info), 0);
	assert_int_equal(info.state, ARTIFACT_PRIVATE);
	/* Again, over what is there. */
	done = build();
	assert_int_equal(done.end, HEAL_END_DONE);
	expect_staged();
}

static struct stat stat_staged(uint32_t symbol)
{
	char name[96], path[300];
	struct stat st;

	site_symbol_name(&site, name, symbol);
	snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

static struct stat stat_stored(uint32_t symbol)
{
	char hex[65], path[300];
	struct stat st;

	hex_encode(hex, site.file.artifact[2][symbol].id, 32);
	snprintf(path, sizeof(path), "%s/artifacts/%.2s/%s", site.dir, hex, hex);
	assert_int_equal(stat(path, &st), 0);
	return st;
}

/* The node's own symbols are not written once more, and those that are made are not the store's. */
static void test_own_linked(void **state)
{
	uint32_t stored = 0, linked = 0;

	assert_int_equal(build().end, HEAL_END_DONE);
	for (uint32_t i = 0; i < site.file.counts[2]; i++) {
		struct stat st = stat_staged(i);
		bool own = site_stores(&site, 0, 2, i);

		stored += own;
		linked += own && st.st_ino == stat_stored(i).st_ino;
		assert_int_equal(st.st_nlink, own && st.st_ino == stat_stored(i).st_ino ? 2 : 1);
	}
	assert_true(stored > 0);
	assert_int_equal(linked, stored < site.file.source ? stored : site.file.source);
	/* And stay where they are when the staging folder goes. */
	struct heal_order order = site_order(&site, HEAL_CLEAN);

	assert_int_equal(site_do(&site, &order).end, HEAL_END_DONE);
	for (uint32_t i = 0; i < site.file.counts[2]; i++)
		if (site_stores(&site, 0, 2, i))
			assert_int_equal(stat_stored(i).st_nlink, 1);
}

/* The store is on another file system (here: nowhere at all). */
static void test_own_copied(void **state)
{
	strcpy(site.app.config.state_dir, "/nowhere");
	assert_int_equal(build().end, HEAL_END_DONE);
	expect_staged();
	for (uint32_t i = 0; i < site.file.counts[2]; i++)
		assert_int_equal(stat_staged(i).st_nlink, 1);
}

/* What has rotted in the store is neither linked nor used, and the store's file stays as it is. */
static void test_own_rotten(void **state)
{
	uint32_t i = 0;
	char hex[65], path[300];
	struct stat was, is;
	int fd;

	while (!site_stores(&site, 0, 2, i))
		i++;
	hex_encode(hex, site.file.artifact[2][i].id, 32);
	snprintf(path, sizeof(path), "%s/artifacts/%.2s/%s", site.dir, hex, hex);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0 && pwrite(fd, "damaged", 7, 100) == 7);
	close(fd);
	was = stat_stored(i);
	assert_int_equal(build().end, HEAL_END_DONE);
	expect_staged();
	is = stat_stored(i);
	assert_int_not_equal(stat_staged(i).st_ino, was.st_ino);
	assert_memory_equal(&is.st_mtim, &was.st_mtim, sizeof(was.st_mtim));
}

/* As many symbols as are needed and not one more are anywhere, at most of the holders; one index
 * file is all that leads to them. */
static void test_scarce(void **state)
{
	uint32_t left = site.file.source + 1;

	for (uint32_t i = site.file.counts[2]; i-- > left;)
		for (unsigned n = 0; n < SITE_NODES; n++)
			site_remove(&site, n, 2, i);
	for (uint32_t i = 0; i < site.file.counts[1]; i++)
		for (unsigned n = 0; n < SITE_NODES && i != 2; n++)
			site_remove(&site, n, 1, i);
	struct heal_done done = build();

	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	expect_staged();
}

/*
 * What was claimed is rebuilt from what is left of it, whatever has become of all that the others
 * had; what is good stays the file that it is, and a failure takes nothing away.
 */
static void test_again(void **state)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);
	char name[96], path[300], part[64];
	struct heal_done done = site_do(&site, &order);
	uint32_t left = 0;
	struct stat was[64], is;

	assert_int_equal(done.end, HEAL_END_DONE);
	assert_true(site.file.counts[2] <= 64);
	for (unsigned node = 0; node < SITE_NODES; node++)
		for (unsigned class = 1; class <= 2; class ++)
			for (uint32_t i = 0; i < site.file.counts[class]; i++)
				site_remove(&site, node, class, i);
	/* One layout file is left. */
	for (uint32_t i = 0; i < site.file.counts[1]; i++) {
		snprintf(path, sizeof(path), "%s/%d/id_files/idfile_%05u.bin", site.root, SITE_OP,
			 i);
		if (i != 1)
			assert_int_equal(unlink(path), 0);
	}
	/* One in two is gone, one in four has other bytes. */
	for (uint32_t i = 0; i < site.file.counts[2]; i++) {
		site_symbol_name(&site, name, i);
		snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
		if (i % 2 == 0)
			assert_int_equal(unlink(path), 0);
		else if (i % 4 == 1)
			assert_int_equal(truncate(path, 100), 0);
		else
			left++;
		if (i % 4 == 3)
			assert_int_equal(stat(path, &was[i]), 0);
	}
	assert_true(left > site.file.source);
	strcpy(order.hash, site.hash);
	done = site_do(&site, &order);
	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	expect_staged();
	for (uint32_t i = 3; i < site.file.counts[2]; i += 4) {
		site_symbol_name(&site, name, i);
		snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
		assert_int_equal(stat(path, &is), 0);
		assert_int_equal(is.st_ino, was[i].st_ino);
		assert_memory_equal(&is.st_ctim, &was[i].st_ctim, sizeof(is.st_ctim));
	}

	for (uint32_t i = 1; i < site.file.counts[2]; i++) {
		site_symbol_name(&site, name, i);
		snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
		assert_int_equal(unlink(path), 0);
	}
	for (unsigned again = 0; again < 2; again++) {
		done = site_do(&site, &order);
		assert_int_equal(done.end, HEAL_END_REMOTE);
		snprintf(part, sizeof(part), "1 of %u symbols collected", site.file.counts[2]);
		assert_non_null(strstr(done.why, part));
		assert_int_equal(site_look(&site, path, SITE_OP), ASSAY_E_NOTFOUND);
		site_symbol_name(&site, name, 0);
		expect_file(name, site.file.artifact[2][0].data, site.file.artifact[2][0].len);
		assert_true(site_staged(&site, "reconstructed.bin") < 0);
	}
	/* Nothing was claimed: nothing stays. */
	done = build();
	expect_failure(&done, HEAL_END_REMOTE, "no layout");
}

/* Nothing is removed that somebody may still want to look at, so people have to. */
static void test_again_without_folders(void **state)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);
	struct heal_done done;
	char path[300];

	strcpy(order.hash, site.hash);
	mkdir(site.root, 0700);
	snprintf(path, sizeof(path), "%s/%d", site.root, SITE_OP);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%d/symbols", site.root, SITE_OP);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	done = site_do(&site, &order);
	assert_int_equal(done.end, HEAL_END_OURS);
	assert_non_null(strstr(done.why, "/1: the staging folder cannot be made"));
	assert_non_null(strstr(done.why, "remove it if it is damaged"));
	assert_int_equal(unlink(path), 0);
	done = site_do(&site, &order);
	assert_int_equal(done.end, HEAL_END_DONE);
	expect_staged();
}

static void test_too_few(void **state)
{
	char part[64];

	for (uint32_t i = 1; i < site.file.counts[2]; i++)
		for (unsigned n = 0; n < SITE_NODES && i != 5; n++)
			site_remove(&site, n, 2, i);
	struct heal_done done = build();

	snprintf(part, sizeof(part), "2 of %u symbols collected, %u are needed",
		 site.file.counts[2], site.file.source);
	expect_failure(&done, HEAL_END_REMOTE, part);
	assert_non_null(strstr(done.why, "lack or refuse symbols"));
	/* Nothing of the work stays in the store either. */
	uint8_t key[32];
	struct artifact_info info;

	assert_true(base64_read(key, 32, site.hash, 44));
	assert_int_equal(store_stat(site.app.store, key, &info), ASSAY_E_NOTFOUND);
}

static void test_silent(void **state)
{
	char part[64];
	unsigned silent[2], n = 0;

	for (unsigned p = 0; p < SITE_WIDTH && n < 2; p++)
		if (site_holder(&site, p) != 0)
			silent[n++] = site_holder(&site, p);
	for (unsigned i = 0; i < 2; i++)
		site.node[silent[i]].silent = true;
	for (unsigned node = 0; node < SITE_NODES; node++)
		for (uint32_t i = 0;
		     i < site.file.counts[2] && node != silent[0] && node != silent[1]; i++)
			site_remove(&site, node, 2, i);
	struct heal_done done = build();

	snprintf(part, sizeof(part), "%s, %s do not answer", site.node[silent[0]].account,
		 site.node[silent[1]].account);
	expect_failure(&done, HEAL_END_REMOTE, part);
}

/* --- lies --- */

static void other_bytes(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned n)
{
	struct world_artifact *a = &((struct world *)ctx)->artifact[0];

	/* Under whatever key they are wanted. */
	for (unsigned i = 0; i < n; i++) {
		memcpy(a->record.key, keys[i], 32);
		out[i] = &a->record;
	}
}

static void lies(unsigned node)
{
	struct world *w = &site.node[node].world;

	pthread_mutex_lock(&site.hold);
	world_artifact(w, 65532, 3, 1);
	w->source = (struct artifact_source){other_bytes, w};
	pthread_mutex_unlock(&site.hold);
}

static void test_wrong_bytes(void **state)
{
	char part[64];
	unsigned liar = 0;

	for (unsigned p = 0; p < SITE_WIDTH && liar == 0; p++)
		liar = site_holder(&site, p);
	lies(liar);
	struct heal_done done = build();

	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	expect_staged();
	for (unsigned node = 0; node < SITE_NODES; node++)
		for (uint32_t i = 1; i < site.file.counts[2]; i++)
			site_remove(&site, node, 2, i);
	done = build();
	snprintf(part, sizeof(part), "%s sent wrong bytes", site.node[liar].account);
	expect_failure(&done, HEAL_END_REMOTE, part);
}

/* What the ledger says of the ids is not what the file gives. */
static void test_other_ids(void **state)
{
	struct ticket *t = ticket_find(site.net.state, site.ticket);
	char *id = t->rq_ids_ids.at[3];

	memcpy(id, t->rq_ids_ids.at[2], strlen(id));
	struct heal_done done = build();

	expect_failure(&done, HEAL_END_WRONG, "not the ticket's");
}

/* A layout is signed by its creator for that file alone. */
static void test_other_file(void **state)
{
	struct ticket *t = ticket_find(site.net.state, site.ticket);

	t->data_hash[0] = t->data_hash[0] == 'A' ? 'B' : 'A';
	struct heal_done done = build();

	expect_failure(&done, HEAL_END_REMOTE, "the data hash differs from the ticket");
}

static void test_unknown(void **state)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);
	struct heal_done done;

	strcpy(order.ticket, "another");
	done = site_do(&site, &order);
	expect_failure(&done, HEAL_END_OURS, "no open ticket");
}

/* --- ends --- */

static void silence(void)
{
	for (unsigned i = 0; i < SITE_NODES; i++)
		site.node[i].silent = true;
	for (unsigned c = 1; c <= 2; c++)
		for (uint32_t i = 0; i < site.file.counts[c]; i++)
			site_remove(&site, 0, c, i);
}

static void test_late(void **state)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);
	struct heal_done done;

	silence();
	done = site_do_late(&site, &order, 300);
	expect_failure(&done, HEAL_END_LATE, "");
	order.deadline_ns = 1; /* no thread was free: nobody is to blame for that */
	done = site_do(&site, &order);
	expect_failure(&done, HEAL_END_OURS, "before the work began");
}

static void test_cancel(void **state)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);
	uint64_t cookie, n, total;
	struct heal_done done;

	silence();
	cookie = site_begin(&site, &order);
	assert_true(site.port.progress(site.port.ctx, &n, &total, cookie));
	site.port.cancel(site.port.ctx, cookie);
	done = site_wait(&site, cookie);
	expect_failure(&done, HEAL_END_CLOSED, "");
	assert_false(site.port.progress(site.port.ctx, &n, &total, cookie));
}

/* The node stops: what runs ends, and nothing begins any more. */
static void test_stop(void **state)
{
	struct heal_order order = site_order(&site, HEAL_BUILD);
	uint64_t cookie;
	struct heal_done done;

	silence();
	cookie = site_begin(&site, &order);
	heals_stop(site.heals);
	done = site_wait(&site, cookie);
	expect_failure(&done, HEAL_END_CLOSED, "");
	done = site_do(&site, &order);
	expect_failure(&done, HEAL_END_CLOSED, "");
}

int main(void)
{
#define T(name) SITE_TEST(name, site_setup, site)
	const struct CMUnitTest tests[] = {
		T(test_build),
		T(test_scarce),
		T(test_own_linked),
		T(test_own_copied),
		T(test_own_rotten),
		T(test_again),
		T(test_again_without_folders),
		T(test_too_few),
		SITE_TEST(test_silent, site_setup_brief, site),
		T(test_wrong_bytes),
		T(test_other_ids),
		T(test_other_file),
		T(test_unknown),
		T(test_late),
		T(test_cancel),
		T(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

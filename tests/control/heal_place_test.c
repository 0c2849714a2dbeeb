/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staged artifacts brought to the holders that the ledger names now: the entry that comes out is
 * one that it takes, and everybody has his share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "control/deliver.h"
#include "control/heal_site.h"
#include "ledger/heal.h"

static struct heal_site site;

static int open_with(uint32_t answer_ms)
{
	struct heal_order order;
	struct heal_done done;

	heal_site_open(&site, answer_ms);
	order = site_order(&site, HEAL_BUILD);
	done = site_do(&site, &order);
	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	heal_op_set_status(site.net.state, heal_op_find(site.net.state, SITE_OP), HEAL_VERIFIED);
	return 0;
}

static int setup(void **state)
{
	return open_with(SITE_PATIENT);
}

static int setup_brief(void **state)
{
	return open_with(SITE_BRIEF);
}

/* A holder that is not the healer, the n-th; it leaves before the next epoch. */
static unsigned other_holder(unsigned n)
{
	for (unsigned p = 0; p < SITE_WIDTH; p++)
		if (site_holder(&site, p) != 0 && n-- == 0)
			return site_holder(&site, p);
	return 0;
}

static void leave(unsigned node)
{
	net_accept(&site.net, site.node[node].account, "node_state",
		   json_pack("{sssi}", "account", site.node[node].account, "state", NODE_STOPPED));
	site_tick(&site, 1);
}

static struct heal_done place(void)
{
	struct heal_order order = site_order(&site, HEAL_PLACE);

	return site_do(&site, &order);
}

/* The ledger takes it, and every holder that it then has holds all that it is to. */
static void expect_placed(struct heal_done *done, unsigned receipts)
{
	const struct ticket *t;
	json_t *entry;

	if (done->end != HEAL_END_DONE)
		fail_msg("%d: %s", done->end, done->why);
	assert_string_equal(done->hash, site.hash);
	entry = json_loads(done->entry, 0, NULL);
	free(done->entry);
	assert_int_equal(json_array_size(json_object_get(entry, "receipts")), receipts);
	net_accept(&site.net, site.net.nodes[0].account, "heal_published", entry);
	t = ticket_find(site.net.state, site.ticket);
	for (unsigned c = 1; c <= 2; c++)
		for (uint32_t i = 0; i < site.file.counts[c]; i++)
			for (int p = 0; p < (int)t->holders.n; p++)
				if (ticket_places(t, c, i, p))
					assert_true(site_stores(
						&site, site_holder(&site, (unsigned)p), c, i));
	/* What is staged stays until it is told to go. */
	assert_true(site_staged(&site, "manifest.json") > 0);
	assert_int_equal(site.passed[FAIL_HEAL_PUBLISH_PARTIAL], 1);
}

static void expect_end(const struct heal_done *done, enum heal_end end, const char *part)
{
	if (done->end != end || strstr(done->why, part) == NULL)
		fail_msg("%d, want %d: %s, want %s", done->end, end, done->why, part);
	assert_null(done->entry);
}

/* All holders stay: they get back what they lost, and no receipt is due. */
static void test_same_holders(void **state)
{
	unsigned node = other_holder(0);
	struct heal_done done;

	for (uint32_t i = 0; i < site.file.counts[2]; i++) {
		site_remove(&site, node, 2, i);
		site_remove(&site, 0, 2, i); /* the healer's own share, several batches of it */
	}
	done = place();
	expect_placed(&done, 0);
}

static void test_replaced(void **state)
{
	unsigned gone = other_holder(1);
	struct heal_done done;

	leave(gone);
	done = place();
	expect_placed(&done, 1);
	for (unsigned p = 0; p < SITE_WIDTH; p++)
		assert_int_not_equal(site_holder(&site, p), gone);
}

/* Drawn afresh, everybody signs; a holder that refuses at first is asked again. */
static void test_afresh(void **state)
{
	struct heal_done done;

	net_accept(&site.net, site.net.nodes[1].account, "rehome",
		   json_pack("{ss}", "ticket", site.ticket));
	site.node[other_holder(0)].refusals = 1;
	done = place();
	expect_placed(&done, SITE_WIDTH);
}

/* The best new holder does not answer: the next one takes its place. */
static void test_new_silent(void **state)
{
	struct heal_order order = site_order(&site, HEAL_PLACE);
	json_t *data;
	struct texts holders;
	struct heal_done done;
	unsigned silent = 0;

	leave(other_holder(0));
	/* Who it would be. */
	data = json_pack("{sisIs[]s[]}", "heal_op_id", SITE_OP, "placement_epoch",
			 (json_int_t)state_epoch(site.net.state), "skip", "receipts");
	assert_true(ticket_holders(site.net.state, &holders, site.ticket, data, true));
	json_decref(data);
	for (unsigned i = 1; i < SITE_NODES; i++)
		if (texts_have(&holders, site.node[i].account) &&
		    ticket_position(ticket_find(site.net.state, site.ticket),
				    site.node[i].account) < 0)
			silent = i;
	texts_free(&holders);
	/* When the healer is the new holder itself, there is nobody to be silent. */
	if (silent == 0)
		skip();
	site.node[silent].silent = true;
	done = site_do(&site, &order);
	expect_placed(&done, 1);
	for (unsigned p = 0; p < SITE_WIDTH; p++)
		assert_int_not_equal(site_holder(&site, p), silent);
}

/* One that keeps its place and is silent: later again, as often as it takes. */
static void test_old_silent(void **state)
{
	unsigned node = other_holder(0);
	struct heal_done done;

	site.node[node].silent = true;
	done = place();
	expect_end(&done, HEAL_END_REMOTE, site.node[node].account);
	assert_true(site_staged(&site, "manifest.json") > 0);
	site.node[node].silent = false;
	site.passed[FAIL_HEAL_PUBLISH_PARTIAL] = 0;
	done = place();
	expect_placed(&done, 0);
}

static void unlink_staged(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
	assert_int_equal(unlink(path), 0);
}

static void test_missing(void **state)
{
	char name[96], hash[HEAL_HASH_ROOM];
	struct heal_done done;

	site_symbol_name(&site, name, 3);
	unlink_staged(name);
	done = place();
	expect_end(&done, HEAL_END_LOST, "symbol file is missing");
	unlink_staged("manifest.json");
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_NOTFOUND);
	done = place();
	expect_end(&done, HEAL_END_LOST, "no manifest");
}

static void damage(const char *name)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%d/%s", site.root, SITE_OP, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0 && pwrite(fd, "damaged", 7, 100) == 7);
	close(fd);
}

/* What lies with the healer alone is stored here, and its damage is seen here. */
static void test_damaged_own(void **state)
{
	const struct ticket *t = ticket_find(site.net.state, site.ticket);
	struct heal_done done;
	char name[96];
	uint32_t i = 0;
	int own = 0;

	while (own < SITE_WIDTH && site_holder(&site, (unsigned)own) != 0)
		own++;
	assert_in_range(own, 0, SITE_WIDTH - 1);
	while (!ticket_places(t, 2, i, own))
		i++;
	site_remove(&site, 0, 2, i);
	site_symbol_name(&site, name, i);
	damage(name);
	done = place();
	expect_end(&done, HEAL_END_LOST, "missing or damaged");
}

/* Without a free descriptor nothing can be read, and nothing is lost: it is not rebuilt. */
static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	struct heal_done done;
	int lowest = dup(0);

	assert_true(lowest >= 0 && close(lowest) == 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){(rlim_t)lowest, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	done = place();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	expect_end(&done, HEAL_END_OURS, "cannot be read");
	assert_false(delivery_lost(EMFILE) || delivery_lost(ENFILE) || delivery_lost(ENOMEM));
	assert_true(delivery_lost(ENOENT) && delivery_lost(EIO) && delivery_lost(0));
	done = place();
	expect_placed(&done, 0);
}

static uint64_t stored(void)
{
	struct store_stats stats;

	store_stats(site.app.store, &stats);
	return stats.artifacts;
}

/* One symbol that somebody still needs, for each place where it can be noticed. */
static void test_damaged(void **state)
{
	const struct ticket *t = ticket_find(site.net.state, site.ticket);

	for (int p = 0; p < SITE_WIDTH; p++) {
		uint64_t before;
		unsigned node = site_holder(&site, (unsigned)p);
		uint32_t i = 0;
		char name[96];
		struct heal_done done;

		while (!ticket_places(t, 2, i, p))
			i++;
		site_remove(&site, node, 2, i);
		before = stored();
		site_symbol_name(&site, name, i);
		damage(name);
		done = place();
		expect_end(&done, HEAL_END_LOST, "missing or damaged");
		assert_false(site_stores(&site, node, 2, i));
		/* And nothing else instead. */
		assert_int_equal(stored(), before);
	}
}

static void test_damaged_ids(void **state)
{
	struct heal_done done;

	damage("id_files/idfile_00000.bin");
	done = place();
	expect_end(&done, HEAL_END_LOST, "no layout file of this ticket");
}

/* What was staged for another claim is not published. */
static void test_other_hash(void **state)
{
	struct heal_order order = site_order(&site, HEAL_PLACE);
	struct heal_done done;

	order.hash[3] = order.hash[3] == 'a' ? 'b' : 'a';
	done = site_do(&site, &order);
	expect_end(&done, HEAL_END_LOST, "another ticket or file");
}

static void test_late(void **state)
{
	struct heal_order order = site_order(&site, HEAL_PLACE);
	struct heal_done done;

	site.node[other_holder(0)].silent = true;
	done = site_do_late(&site, &order, 500);
	expect_end(&done, HEAL_END_LATE, "");
	assert_true(site_staged(&site, "manifest.json") > 0);
}

static void test_clean(void **state)
{
	struct heal_order order = site_order(&site, HEAL_CLEAN);
	struct artifact_info info;
	struct heal_done done;
	uint8_t key[32];

	assert_true(base64_read(key, 32, site.hash, 44));
	assert_int_equal(store_stat(site.app.store, key, &info), 0);
	for (unsigned i = 1; i <= 2; i++) {
		done = site_do(&site, &order);
		assert_int_equal(done.end, HEAL_END_DONE);
		assert_false(site_has_folder(&site));
		assert_int_equal(store_stat(site.app.store, key, &info), ASSAY_E_NOTFOUND);
		assert_int_equal(site.passed[FAIL_HEAL_CLEAN_REMOVED], i);
	}
}

/* Two ops staged the same file: it is readable until both are gone. */
static void test_clean_shared(void **state)
{
	struct heal_order build = site_order(&site, HEAL_BUILD),
			  clean = site_order(&site, HEAL_CLEAN);
	struct artifact_info info;
	uint8_t key[32];

	assert_true(base64_read(key, 32, site.hash, 44));
	build.op = SITE_OP + 1;
	assert_int_equal(site_do(&site, &build).end, HEAL_END_DONE);
	assert_int_equal(site_do(&site, &clean).end, HEAL_END_DONE);
	assert_int_equal(store_stat(site.app.store, key, &info), 0);
	clean.op = SITE_OP + 1;
	assert_int_equal(site_do(&site, &clean).end, HEAL_END_DONE);
	assert_int_equal(store_stat(site.app.store, key, &info), ASSAY_E_NOTFOUND);
}

/* --- a new process --- */

static bool keep(void *arg, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	strcpy(hash, site.hash);
	return op == SITE_OP;
}

/* The rows cannot be read. */
static bool keep_all(void *arg, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	return true;
}

static bool keep_none(void *arg, char hash[HEAL_HASH_ROOM], uint64_t op)
{
	return false;
}

static bool is_readable(const uint8_t key[32])
{
	struct artifact_info info;

	return store_stat(site.app.store, key, &info) == 0 && info.state == ARTIFACT_PRIVATE;
}

static void wait_readable(const uint8_t key[32], bool want)
{
	for (unsigned ms = 0; ms < 60000 && is_readable(key) != want; ms++) {
		site_pump(&site);
		usleep(1000);
	}
	assert_int_equal(is_readable(key), want);
}

static void nothing(struct store *store, const void *arg)
{
}

/* The healer begins anew, and what it has staged is staged as before. */
static void restart_staged(heal_keep keeps)
{
	char hash[HEAL_HASH_ROOM];

	assert_int_equal(site_restart(&site, keeps), 1);
	assert_int_equal(site_look(&site, hash, SITE_OP), 0);
	assert_string_equal(hash, site.hash);
}

static void unstage(struct store *store, const void *arg)
{
	assert_int_equal(store_unstage(store, arg), 0);
}

/* What a row names stays and is readable, even if the store lost it; what none names goes there
 * too. */
static void test_restart(void **state)
{
	struct heal_order build = site_order(&site, HEAL_BUILD);
	char hash[HEAL_HASH_ROOM];
	struct heal_done done;
	uint8_t key[32];

	assert_true(base64_read(key, 32, site.hash, 44));
	build.op = SITE_OP + 1;
	assert_int_equal(site_do(&site, &build).end, HEAL_END_DONE);
	site_store(&site, 0, unstage, key);
	restart_staged(keep);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP + 1), ASSAY_E_NOTFOUND);
	wait_readable(key, true);
	done = place();
	expect_placed(&done, 0);
	assert_int_equal(site_restart(&site, keep_none), 0);
	assert_false(site_has_folder(&site));
	wait_readable(key, false);
}

/* Whose folder it is nobody knows: then nothing that is staged goes. */
static void test_restart_without_rows(void **state)
{
	uint8_t key[32];

	assert_true(base64_read(key, 32, site.hash, 44));
	restart_staged(keep_all);
	site_store(&site, 0, nothing, NULL); /* behind what the start has ordered */
	assert_true(is_readable(key));
}

/* The manifest is well, and the file that it names is not: it has to be built anew. */
static void test_restart_with_a_damaged_file(void **state)
{
	char hash[HEAL_HASH_ROOM];
	int error;

	damage("reconstructed.bin");
	assert_int_equal(site_restart(&site, keep), 1);
	for (unsigned ms = 0; ms < 60000; ms++) {
		site_pump(&site);
		error = site_look(&site, hash, SITE_OP);
		if (error == ASSAY_E_NOTFOUND)
			break;
		usleep(1000);
	}
	assert_int_equal(error, ASSAY_E_NOTFOUND);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_NOTFOUND);
}

static int64_t read_file(void *ctx, void *out, size_t len)
{
	size_t *at = ctx, n = len < SITE_SIZE - *at ? len : SITE_SIZE - *at;

	memcpy(out, site.file.data + *at, n);
	*at += n;
	return (int64_t)n;
}

static void put(struct store *store, const void *arg)
{
	size_t at = 0;
	uint8_t key[32];

	assert_int_equal(
		store_put(store, key, &(struct store_input){read_file, &at, SITE_SIZE}, NULL), 0);
}

static void take_away(struct store *store, const void *arg)
{
	assert_int_equal(store_remove(store, arg), 0);
}

static void scrub(struct store *store, const void *arg)
{
	struct store_stats stats;

	store_stats(store, &stats);
	for (uint64_t i = 0; i < stats.artifacts + stats.staged; i++)
		assert_int_equal(store_scrub_one(store, 0), 1);
}

static void expect_rebuilt(const uint8_t key[32])
{
	struct heal_order build = site_order(&site, HEAL_BUILD);
	char hash[HEAL_HASH_ROOM];
	struct heal_done done;

	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_NOTFOUND);
	strcpy(build.hash, site.hash);
	done = site_do(&site, &build);
	if (done.end != HEAL_END_DONE)
		fail_msg("%s", done.why);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), 0);
	assert_true(is_readable(key));
}

/* What no verifier could read is not staged, however whole its folder is: no vote is lost by it. */
static void test_gone_from_the_store(void **state)
{
	char hash[HEAL_HASH_ROOM];
	uint8_t key[32];

	assert_true(base64_read(key, 32, site.hash, 44));
	restart_staged(keep);
	site_store(&site, 0, put, NULL); /* behind what the start has ordered */
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), 0);
	site_store(&site, 0, take_away, key);
	expect_rebuilt(key);
	damage("reconstructed.bin"); /* the store has a link to it */
	site_store(&site, 0, scrub, NULL);
	assert_false(is_readable(key));
	expect_rebuilt(key);
}

/* A thread reads the manifest, once; who asks meanwhile is told that it is not known yet. */
static void test_manifest_is_read_aside(void **state)
{
	char hash[HEAL_HASH_ROOM], path[300];
	int fd;

	site_restart(&site, keep);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_AGAIN);
	assert_int_equal(site_look(&site, hash, SITE_OP), 0);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), 0);
	snprintf(path, sizeof(path), "%s/%d/manifest.json", site.root, SITE_OP);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "{}", 2), 2);
	close(fd);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_AGAIN);
	assert_int_equal(site_look(&site, hash, SITE_OP), ASSAY_E_NOTFOUND);
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_NOTFOUND);
}

/* What cannot be looked at is not missing: nothing may follow from it. */
static void test_folder_that_cannot_be_reached(void **state)
{
	char hash[HEAL_HASH_ROOM], away[300];

	snprintf(away, sizeof(away), "%s.away", site.root);
	assert_int_equal(rename(site.root, away), 0);
	assert_int_equal(symlink(site.root, site.root), 0); /* a loop */
	assert_int_equal(site.port.staged(site.port.ctx, hash, SITE_OP), ASSAY_E_IO);
	assert_int_equal(unlink(site.root), 0);
	assert_int_equal(rename(away, site.root), 0);
	assert_int_equal(site_look(&site, hash, SITE_OP), 0);
}

int main(void)
{
#define T(name)	    SITE_TEST(name, setup, site)
#define BRIEF(name) SITE_TEST(name, setup_brief, site)
	const struct CMUnitTest tests[] = {
		T(test_same_holders),
		T(test_replaced),
		T(test_afresh),
		BRIEF(test_new_silent),
		BRIEF(test_old_silent),
		T(test_missing),
		T(test_damaged),
		T(test_damaged_ids),
		T(test_other_hash),
		T(test_late),
		T(test_clean),
		T(test_clean_shared),
		T(test_no_descriptors),
		T(test_damaged_own),
		T(test_restart),
		T(test_restart_without_rows),
		T(test_gone_from_the_store),
		T(test_restart_with_a_damaged_file),
		T(test_manifest_is_read_aside),
		T(test_folder_that_cannot_be_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

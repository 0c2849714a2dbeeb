/* SPDX-License-Identifier: Apache-2.0 */
/* The local tables: migration, keys, what survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "node/local.h"

static sqlite3 *db;
static struct local *local;
static char why[256];

static void open_memory(void)
{
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
}

static void run(const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void close_all(void)
{
	local_close(local);
	local = NULL;
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int first_number(void *arg, int n, char **values, char **names)
{
	*(int *)arg = atoi(values[0]);
	return 0;
}

static int number(const char *sql)
{
	int n = -1;

	assert_int_equal(sqlite3_exec(db, sql, first_number, &n, NULL), SQLITE_OK);
	return n;
}

static const struct recheck_row row = {
	.key = {.epoch = 9, .ticket = "k", .target = "t"},
	.challenged = "old",
	.recheck = "new",
	.result = 1,
};

static void test_last_epoch(void **state)
{
	uint64_t epoch;

	open_memory();
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	assert_int_equal(local_last_epoch(local, &epoch), ASSAY_E_NOTFOUND);
	assert_int_equal(local_set_last_epoch(local, 7, 1), 0);
	assert_int_equal(local_set_last_epoch(local, 8, 2), 0);
	assert_int_equal(local_last_epoch(local, &epoch), 0);
	assert_int_equal(epoch, 8);
	assert_int_equal(number("select count(*) from storage_challenge_state where "
				"state_key = 'lep6.last_submitted_epoch'"),
			 1);
	close_all();
}

static void test_recheck_rows(void **state)
{
	struct recheck_store s;
	struct recheck_row other = row;
	enum recheck_status status;

	open_memory();
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	s = local_rechecks(local);
	assert_int_equal(s.find(s.ctx, &status, &row.key), ASSAY_E_NOTFOUND);
	assert_int_equal(s.stage(s.ctx, &status, &row, 1), 0);
	assert_int_equal(s.stage(s.ctx, &status, &row, 2), ASSAY_E_EXISTS);
	assert_int_equal(status, RECHECK_PENDING);

	/* Another target, another epoch: rows of their own. */
	strcpy(other.key.target, "u");
	assert_int_equal(s.stage(s.ctx, &status, &other, 3), 0);
	other.key.epoch = 10;
	assert_int_equal(s.stage(s.ctx, &status, &other, 3), 0);
	assert_int_equal(number("select count(*) from storage_recheck_submissions"), 3);

	other = row;
	strcpy(other.recheck, "newer");
	assert_int_equal(s.renew(s.ctx, &other, 4), 0);
	assert_int_equal(number("select count(*) from storage_recheck_submissions where "
				"recheck_transcript_hash = 'newer'"),
			 1);
	assert_int_equal(s.mark(s.ctx, &row.key, RECHECK_DONE), 0);
	assert_int_equal(s.drop(s.ctx, &row.key), 0); /* not pending: stays */
	assert_int_equal(s.find(s.ctx, &status, &row.key), 0);
	assert_int_equal(status, RECHECK_DONE);
	assert_int_equal(s.renew(s.ctx, &row, 5), 0); /* nor is it changed */
	assert_int_equal(number("select count(*) from storage_recheck_submissions where "
				"recheck_transcript_hash = 'newer'"),
			 1);
	other.key.epoch = 0;
	assert_int_equal(s.stage(s.ctx, &status, &other, 5), ASSAY_E_INVAL);
	other.key = (struct recheck_key){.epoch = 9};
	assert_int_equal(s.stage(s.ctx, &status, &other, 5), ASSAY_E_INVAL);
	close_all();
}

static void test_failures(void **state)
{
	struct recheck_store s;
	unsigned n;

	open_memory();
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	s = local_rechecks(local);
	assert_int_equal(s.failures(s.ctx, &n, &row.key, 0), 0);
	assert_int_equal(n, 0);
	assert_int_equal(s.failed(s.ctx, &row.key, "a", 100), 0);
	assert_int_equal(s.failed(s.ctx, &row.key, "b", 150), 0);
	assert_int_equal(s.failures(s.ctx, &n, &row.key, 149), 0);
	assert_int_equal(n, 2);
	assert_int_equal(s.failures(s.ctx, &n, &row.key, 150), 0);
	assert_int_equal(n, 0);
	assert_int_equal(s.purge(s.ctx, 150), 0);
	assert_int_equal(number("select count(*) from recheck_attempt_failures"), 0);
	close_all();
}

/* Tables with the narrow key get the wide one, with every row; a second start changes nothing. */
static void test_m8_old_keys_are_widened(void **state)
{
	struct recheck_store s;
	struct recheck_row other = row;
	enum recheck_status status;
	int changes;

	open_memory();
	run("create table storage_recheck_submissions (epoch_id integer not null, ticket_id text "
	    "not null, target_account text not null default '', challenged_transcript_hash text "
	    "not null, recheck_transcript_hash text not null, result_class integer not null, "
	    "submitted_at integer not null, primary key (epoch_id, ticket_id))");
	run("insert into storage_recheck_submissions values (9, 'k', 't', 'o', 'n', 1, 5), "
	    "(9, 'l', '', 'o', 'n', 1, 5)");
	run("create table recheck_attempt_failures (epoch_id integer, ticket_id text, attempts "
	    "integer, last_error text, expires_at integer, primary key (epoch_id, ticket_id))");
	run("insert into recheck_attempt_failures values (9, 'k', 2, 'x', 99)");
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	s = local_rechecks(local);
	assert_int_equal(s.find(s.ctx, &status, &row.key), 0);
	assert_int_equal(status, RECHECK_DONE); /* without a status they were sent */
	strcpy(other.key.target, "u");
	assert_int_equal(s.find(s.ctx, &status, &other.key), ASSAY_E_NOTFOUND);
	assert_int_equal(s.stage(s.ctx, &status, &other, 6), 0);
	/* A row without a target is there for every target. */
	strcpy(other.key.ticket, "l");
	assert_int_equal(s.find(s.ctx, &status, &other.key), 0);
	assert_int_equal(number("select attempts from recheck_attempt_failures"), 2);

	local_close(local);
	changes = sqlite3_total_changes(db);
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	assert_int_equal(sqlite3_total_changes(db), changes);
	assert_int_equal(number("select count(*) from storage_recheck_submissions"), 3);
	close_all();
}

/* Tables of before the status column gain it once; what is in them was sent. */
static void test_m8_heal_tables_gain_their_status_once(void **state)
{
	struct heal_claim_row claim;
	struct heal_vote_row vote;
	struct heal_store s;
	int changes;

	open_memory();
	run("create table heal_claims_submitted (heal_op_id integer primary key, ticket_id text "
	    "not null, manifest_hash text not null, staging_dir text not null, submitted_at "
	    "integer not null)");
	run("insert into heal_claims_submitted values (7, 'k', 'h', '/old/7', 5)");
	run("create table heal_verifications_submitted (heal_op_id integer not null, "
	    "verifier_account text not null, verified integer not null, verification_hash text "
	    "not null, submitted_at integer not null, primary key (heal_op_id, "
	    "verifier_account))");
	run("insert into heal_verifications_submitted values (8, 'v', 1, 'h', 5)");
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	s = local_heals(local);
	assert_int_equal(s.claim_find(s.ctx, &claim, 7), 0);
	assert_string_equal(claim.ticket, "k");
	assert_string_equal(claim.hash, "h");
	assert_int_equal(claim.status, HEAL_ROW_SUBMITTED);
	assert_int_equal(s.vote_find(s.ctx, "v", &vote, 8), 0);
	assert_true(vote.verified);
	assert_int_equal(vote.status, HEAL_ROW_SUBMITTED);
	assert_int_equal(s.vote_find(s.ctx, "another", &vote, 8), ASSAY_E_NOTFOUND);
	local_close(local);
	changes = sqlite3_total_changes(db);
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	assert_int_equal(sqlite3_total_changes(db), changes);
	assert_int_equal(number("select count(*) from pragma_table_info('heal_claims_submitted') "
				"where name = 'status'"),
			 1);
	close_all();
}

/* Rows by pages, in the order of their ops; what cannot be a row is an error and not skipped. */
static void test_heal_rows(void **state)
{
	struct heal_claim_row claim = {.ticket = "k", .hash = "h"}, page[3];
	struct heal_vote_row vote = {.hash = "h"}, votes[3];
	struct heal_store s;
	uint64_t count;
	size_t n;

	open_memory();
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	s = local_heals(local);
	for (uint64_t op = 5; op > 0; op--) {
		claim.op = vote.op = op;
		assert_int_equal(s.claim_put(s.ctx, &claim, 1), 0);
		assert_int_equal(s.vote_put(s.ctx, "v", &vote, 1), 0);
	}
	assert_int_equal(s.claims(s.ctx, page, &n, 3, 0), 0);
	assert_int_equal(n, 3);
	assert_int_equal(page[2].op, 3);
	assert_int_equal(s.claims(s.ctx, page, &n, 3, 3), 0);
	assert_int_equal(n, 2);
	assert_int_equal(page[1].op, 5);
	assert_int_equal(s.votes(s.ctx, "v", votes, &n, 3, 4), 0);
	assert_int_equal(n, 1);
	assert_int_equal(s.votes(s.ctx, "u", votes, &n, 3, 0), 0);
	assert_int_equal(n, 0);
	assert_int_equal(local_heal_claims(local, &count), 0);
	assert_int_equal(count, 5);
	assert_int_equal(s.vote_mark(s.ctx, "v", 5), 0);
	assert_int_equal(s.vote_drop(s.ctx, "v", 5, true), 0); /* not pending: stays */
	assert_int_equal(s.vote_find(s.ctx, "v", &vote, 5), 0);
	assert_int_equal(vote.status, HEAL_ROW_SUBMITTED);
	assert_int_equal(s.vote_drop(s.ctx, "v", 5, false), 0);
	assert_int_equal(s.vote_find(s.ctx, "v", &vote, 5), ASSAY_E_NOTFOUND);
	assert_int_equal(s.vote_find(s.ctx, "v", &vote, 4), 0);
	run("update heal_claims_submitted set status = 'strange' where heal_op_id = 4");
	assert_int_equal(s.claim_find(s.ctx, &claim, 4), ASSAY_E_CORRUPT);
	assert_int_equal(s.claims(s.ctx, page, &n, 3, 3), ASSAY_E_CORRUPT);
	run("drop table heal_claims_submitted");
	assert_int_equal(s.claim_find(s.ctx, &claim, 1), ASSAY_E_IO);
	close_all();
}

/* A store that cannot be written says so, and is as it was. */
static void test_m8_read_only_store_fails_loudly(void **state)
{
	char path[] = "/tmp/assay-local-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	run("create table recheck_attempt_failures (epoch_id integer, ticket_id text, attempts "
	    "integer, last_error text, expires_at integer, primary key (epoch_id, ticket_id))");
	sqlite3_close(db);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(local_open(&local, db, why, sizeof(why)), ASSAY_E_PERM);
	assert_non_null(strstr(why, "readonly"));
	assert_null(local);
	assert_int_equal(number("select count(*) from pragma_table_info("
				"'recheck_attempt_failures')"),
			 5);
	sqlite3_close(db);
	unlink(path);
}

/* Claims of before the column, which another process holds, or for whose column there is no room.
 */
static void open_old(const char *path)
{
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	run("create table heal_claims_submitted (heal_op_id integer primary key, ticket_id text "
	    "not null, manifest_hash text not null, staging_dir text not null, submitted_at "
	    "integer not null default 0)");
	run("insert into heal_claims_submitted values (7, 't', 'h', '7', 1)");
}

static void check_refused(int code, const char *part)
{
	assert_int_equal(local_open(&local, db, why, sizeof(why)), code);
	if (strstr(why, part) == NULL)
		fail_msg("%s", why);
	assert_null(local);
	assert_int_equal(number("select count(*) from heal_claims_submitted"), 1);
	assert_int_equal(number("select count(*) from pragma_table_info('heal_claims_submitted') "
				"where name = 'status'"),
			 0);
}

static void test_m8_locked_store_fails_loudly(void **state)
{
	char path[] = "/tmp/assay-local-XXXXXX";
	int fd = mkstemp(path);
	sqlite3 *other;

	assert_true(fd >= 0);
	close(fd);
	open_old(path);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "begin immediate", NULL, NULL, NULL), SQLITE_OK);
	check_refused(ASSAY_E_IO, "locked");
	sqlite3_close(other);
	assert_int_equal(local_open(&local, db, why, sizeof(why)), 0);
	assert_int_equal(number("select count(*) from heal_claims_submitted where status = "
				"'submitted'"),
			 1);
	close_all();
	unlink(path);
}

static void test_m8_full_disk_fails_loudly(void **state)
{
	char sql[64];

	open_old(":memory:");
	snprintf(sql, sizeof(sql), "pragma max_page_count = %d", number("pragma page_count"));
	run(sql);
	check_refused(ASSAY_E_NOSPC, "full");
	sqlite3_close(db);
}

/* An error half way leaves nothing behind: a view stands where the last table should be. */
static void test_m8_all_or_nothing(void **state)
{
	open_memory();
	run("create view recheck_attempt_failures as select 1 as epoch_id");
	assert_int_not_equal(local_open(&local, db, why, sizeof(why)), 0);
	assert_int_not_equal(why[0], '\0');
	assert_int_equal(number("select count(*) from sqlite_master where type = 'table'"), 0);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_epoch),
		cmocka_unit_test(test_recheck_rows),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_m8_old_keys_are_widened),
		cmocka_unit_test(test_m8_heal_tables_gain_their_status_once),
		cmocka_unit_test(test_heal_rows),
		cmocka_unit_test(test_m8_read_only_store_fails_loudly),
		cmocka_unit_test(test_m8_locked_store_fails_loudly),
		cmocka_unit_test(test_m8_full_disk_fails_loudly),
		cmocka_unit_test(test_m8_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

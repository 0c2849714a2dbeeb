/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine among processes, under kill -9, on a failing disk, and what it refuses. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/sim_random.h"
#include "crypto/digest.h"
#include "log/faulty_vfs.h"
#include "log/local_fs.h"
#include "log/member.h"

#define PROCESSES 4
#define OWN	  60 /* entries of each */
#define KILLS	  25
#define PATIENCE  60

static char dir[64], path[96];
static const uint8_t net[32] = {7};

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/assay-log-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log.db", dir);
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void open_engine(struct log_engine *out)
{
	char why[300] = "";

	if (engine_sqlite_open(out, why, sizeof(why), path, net) != 0)
		fprintf(stderr, "%s\n", why);
	must(why[0] == '\0');
}

/* --- processes --- */

/* What a process says at its end. */
struct word {
	uint8_t chain[32];
};

/* Never returns: appends its entries, and goes on until it has those of all. */
static void live(unsigned number, int out)
{
	time_t until = time(NULL) + PATIENCE;
	struct log_engine e;
	struct member *m;
	struct word word;

	open_engine(&e);
	m = member_new(&e, number, 0);
	while (atomic_load(&m->acked) < OWN || atomic_load(&m->seen) < PROCESSES * OWN) {
		must(time(NULL) < until);
		member_turn(m, atomic_load(&m->acked) < OWN);
	}
	member_check(m);
	member_chain(m, PROCESSES * OWN, word.chain);
	must(write(out, &word, sizeof(word)) == sizeof(word));
	member_free(m);
	_exit(0);
}

static void test_processes(void **state)
{
	struct word word[PROCESSES];
	int pipes[2], status;
	pid_t pid[PROCESSES];

	assert_int_equal(pipe(pipes), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0)
			live(i, pipes[1]);
	}
	close(pipes[1]);
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(read(pipes[0], &word[i], sizeof(word[i])), sizeof(word[i]));
		assert_memory_equal(&word[i], &word[0], sizeof(word[0]));
	}
	close(pipes[0]);
}

/* --- kill -9 --- */

struct note {
	unsigned n;
	uint64_t seq;
};

/* Never returns: appends from entry `first` on and says what was acknowledged. */
static void append_on(unsigned first, int out)
{
	struct log_engine e;
	char text[64];
	uint64_t seq;

	open_engine(&e);
	for (unsigned n = first; n < ENTRIES_MAX; n++) {
		size_t len = (size_t)snprintf(text, sizeof(text), "member 0 entry %u", n);
		enum log_result result = e.append(e.ctx, &seq, (const uint8_t *)text, len);
		struct note note = {n, seq};

		must(result == LOG_APPENDED || (result == LOG_DUPLICATE && n == first));
		must(write(out, &note, sizeof(note)) == sizeof(note));
	}
	_exit(0);
}

/* A thread may have held a lock of SQLite's at the fork, so the child begins anew. */
static void become_appender(unsigned first, int out)
{
	char number[16], fd[16];

	snprintf(number, sizeof(number), "%u", first);
	snprintf(fd, sizeof(fd), "%d", out);
	execl("/proc/self/exe", "log-sqlite", "--append", path, number, fd, (char *)NULL);
	_exit(1);
}

/* The next own entry. Another process follows all the time. */
static unsigned run_and_kill(unsigned first, uint64_t *seed, struct member *follower)
{
	unsigned wanted = (unsigned)(sim_next(seed) % 8), next = first;
	struct note note;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		become_appender(first, pipes[1]);
	close(pipes[1]);
	for (unsigned i = 0; i < wanted && read(pipes[0], &note, sizeof(note)) == sizeof(note); i++)
		next = note.n + 1;
	usleep((useconds_t)(sim_next(seed) % 4000));
	kill(pid, SIGKILL);
	while (read(pipes[0], &note, sizeof(note)) == sizeof(note))
		next = note.n + 1;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	member_turn(follower, false);
	return next;
}

static void test_kill(void **state)
{
	time_t until = time(NULL) + PATIENCE;
	uint64_t seed = (uint64_t)getpid(), floor, head;
	struct member *follower;
	struct log_engine e;
	unsigned acked = 0;

	print_message("seed %llu\n", (unsigned long long)seed);
	open_engine(&e);
	follower = member_new(&e, 1, 0);
	for (unsigned i = 0; i < KILLS; i++)
		acked = run_and_kill(acked, &seed, follower);
	open_engine(&e);
	assert_int_equal(e.head(e.ctx, &floor, &head), 0);
	e.close(e.ctx);
	/* Perhaps one more than was acknowledged, and none less. */
	assert_true(head == acked || head == acked + 1);
	while (atomic_load(&follower->seen) < head) {
		assert_true(time(NULL) < until);
		member_turn(follower, false);
	}
	for (unsigned n = 0; n < acked; n++)
		assert_int_equal(follower->found[0][n], n + 1);
	print_message("%u entries\n", acked);
	assert_true(acked > KILLS);
	member_free(follower);
}

/* --- a failing disk --- */

static void count_entry(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	unsigned *present = arg, n;
	char text[64];

	assert_true(len < sizeof(text));
	memcpy(text, entry, len);
	text[len] = '\0';
	assert_int_equal(sscanf(text, "try %u", &n), 1);
	present[n]++;
}

static enum log_result append_try(struct log_engine *e, unsigned n)
{
	char text[64];
	size_t len = (size_t)snprintf(text, sizeof(text), "try %u", n);
	uint64_t seq;

	return e->append(e->ctx, &seq, (const uint8_t *)text, len);
}

/* Each operation of an append fails once, or from then on: what it says is true. */
static void test_disk(void **state)
{
	enum log_result said[200];
	unsigned present[200] = {0}, n = 0, unknown = 0, unavailable = 0;
	struct log_engine e;

	open_engine(&e);
	must(append_try(&e, n) == LOG_APPENDED);
	said[n++] = LOG_APPENDED;
	for (unsigned at = 1; at < 40; at++, n++) {
		faulty_vfs_fail(1 + at % 5, at % 2);
		said[n] = append_try(&e, n);
		faulty_vfs_fail(0, 0);
		unknown += said[n] == LOG_UNKNOWN;
		unavailable += said[n] == LOG_UNAVAILABLE;
		/* The same bytes again settle it. */
		if (at % 3 == 0 && said[n] != LOG_APPENDED) {
			enum log_result again = append_try(&e, n);

			assert_true(again == LOG_APPENDED ||
				    (again == LOG_DUPLICATE && said[n] == LOG_UNKNOWN));
			said[n] = LOG_APPENDED;
		}
	}
	e.close(e.ctx);
	print_message("%u unknown, %u unavailable\n", unknown, unavailable);
	assert_true(unknown > 0 && n < LOG_PAGE_MAX);
	open_engine(&e);
	assert_true(e.read(e.ctx, 1, LOG_PAGE_MAX, count_entry, present) > 0);
	e.close(e.ctx);
	for (unsigned i = 0; i < n; i++) {
		assert_true(present[i] <= 1);
		if (said[i] == LOG_APPENDED)
			assert_int_equal(present[i], 1);
		if (said[i] == LOG_UNAVAILABLE)
			assert_int_equal(present[i], 0);
	}
}

/* --- what it refuses --- */

static void test_refuses(void **state)
{
	static const uint8_t other[32] = {8};
	struct log_engine e;
	char why[300];
	FILE *file;

	open_engine(&e);
	e.close(e.ctx);
	assert_int_equal(engine_sqlite_open(&e, why, sizeof(why), path, other), ASSAY_E_PERM);
	assert_non_null(strstr(why, "another network"));
	file = fopen(path, "w");
	assert_non_null(file);
	for (unsigned i = 0; i < 5000; i++)
		fputc("no database"[i % 11], file);
	fclose(file);
	assert_true(engine_sqlite_open(&e, why, sizeof(why), path, net) != 0);
	snprintf(path, sizeof(path), "%s/missing/log.db", dir);
	assert_true(engine_sqlite_open(&e, why, sizeof(why), path, net) != 0);
	assert_string_equal(network_fs_name(0x6969), "NFS");
	assert_string_equal(network_fs_name((long)0xff534d42), "CIFS");
	assert_null(network_fs_name(0xef53)); /* ext4 */
	assert_null(network_fs_of(dir));
}

/* An older copy is put in its place while it is open. */
static void test_replaced(void **state)
{
	struct log_engine e, old;
	unsigned present[200] = {0};
	uint64_t floor, head;
	char command[500];

	open_engine(&old);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(append_try(&old, i), LOG_APPENDED);
	old.close(old.ctx); /* the last one to leave moves all into the file */
	snprintf(command, sizeof(command), "cp %s %s.old", path, path);
	assert_int_equal(system(command), 0);
	open_engine(&e);
	for (unsigned i = 3; i < 6; i++)
		assert_int_equal(append_try(&e, i), LOG_APPENDED);
	assert_int_equal(e.read(e.ctx, 1, 100, count_entry, present), 6);
	snprintf(command, sizeof(command), "rm -f %s-wal %s-shm; mv %s.old %s", path, path, path,
		 path);
	assert_int_equal(system(command), 0);
	assert_int_equal(e.wait(e.ctx, 1000, false), ASSAY_E_CHANGED);
	assert_int_equal(e.read(e.ctx, 7, 100, count_entry, present), ASSAY_E_CHANGED);
	assert_int_equal(append_try(&e, 7), LOG_UNAVAILABLE);
	assert_int_equal(e.head(e.ctx, &floor, &head), 0);
	assert_int_equal(head, 3);
	e.close(e.ctx);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_processes), CASE(test_kill),	   CASE(test_disk),
		CASE(test_refuses),   CASE(test_replaced),
	};

	digest_init();
	if (argc == 5 && strcmp(argv[1], "--append") == 0) {
		snprintf(path, sizeof(path), "%s", argv[2]);
		append_on((unsigned)strtoul(argv[3], NULL, 10), atoi(argv[4]));
	}
	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of a process that applies a log and puts entries of its own, at any moment, again and
 * again on one database: what is there is always the state of some place in the log, never of one
 * before a place that was reported, and the end is the oracle's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/must.h"
#include "base/sim_random.h"
#include "base/text.h"
#include "node/replica_world.h"

#define ENTRIES	 400
#define DELAY_US 6000

struct note {
	uint64_t seq; /* committed */
	size_t put;   /* own entries written down */
};

static struct replica_world *w;

static void say(int out, size_t put)
{
	struct note note;

	memset(&note, 0, sizeof(note));
	note.seq = replica_seq(w->replica);
	note.put = put;
	must(write(out, &note, sizeof(note)) == sizeof(note));
}

/* Never returns: applies in small steps, and puts an entry now and then. */
static void live(uint64_t seed, int out, size_t put)
{
	world_open(w);
	for (;;) {
		engine_sim_set_faults(w->sim, (struct engine_sim_faults){.lag = 60});
		feed_step(w->feed);
		replica_turn(w->replica, world_now(w));
		if (sim_chance(&seed, 10)) {
			char boot[33];

			snprintf(boot, sizeof(boot), "%032x", (unsigned)put);
			net_sign(&w->story.net, "n00000", "start", json_pack("{ss}", "boot", boot));
			must(replica_put(w->replica, put, ENTRY_OTHER,
					 (const uint8_t *)w->story.net.entry.at,
					 w->story.net.entry.len, world_now(w)) == 0);
			put++;
		}
		say(out, put);
	}
}

static void run_and_kill(uint64_t *seed, struct note *least)
{
	struct note note;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		live(sim_next(seed), pipes[1], least->put);
	sim_next(seed);
	close(pipes[1]);
	/* It has to begin. */
	if (read(pipes[0], &note, sizeof(note)) == sizeof(note))
		*least = note;
	usleep((useconds_t)(sim_next(seed) % DELAY_US));
	kill(pid, SIGKILL);
	while (read(pipes[0], &note, sizeof(note)) == sizeof(note))
		*least = note;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static int64_t rows(const char *table)
{
	char sql[64];
	sqlite3_stmt *s;
	int64_t n;

	snprintf(sql, sizeof(sql), "select count(*) from %s", table);
	assert_int_equal(sqlite3_prepare_v2(w->db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return n;
}

static void test_kill(void **state)
{
	uint64_t seed = (uint64_t)getpid();
	struct note least = {0};
	unsigned kills = 0;

	print_message("seed %llu\n", (unsigned long long)seed);
	w = calloc(1, sizeof(*w));
	world_new(w, 11, ENTRIES);
	world_write(w, ENTRIES);
	while (least.seq < ENTRIES) {
		char why[512];
		uint64_t seq;

		run_and_kill(&seed, &least);
		kills++;
		assert_int_equal(world_open_replica(w, why, sizeof(why)), 0);
		seq = replica_seq(w->replica);
		assert_true(seq >= least.seq);
		world_check(w, seq);
		assert_int_equal(rows("entries"), seq);
		/* Nothing put is forgotten; the log they are for is another process' memory. */
		assert_true(rows("outbox") >= (int64_t)least.put);
		least.seq = seq;
		least.put = (size_t)rows("outbox");
		world_close(w);
	}
	print_message("%u kills, %zu entries put\n", kills, least.put);
	assert_true(kills > 3 && least.put > 0);
	world_free(w);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

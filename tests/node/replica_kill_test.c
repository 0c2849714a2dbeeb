/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of a process that applies a log and puts entries of its own, at any moment, again and
 * again on one database and one SQLite log: what is there is always the state of some place in the
 * log, never of one before a place that was reported; every own entry that was taken gets into the
 * log, once; and the end is the oracle's.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/real.h"
#include "base/sim_random.h"
#include "node/replica_world.h"

#define ENTRIES	   200 /* there from the start */
#define LIVES	   40
#define STEPS_MAX  30
#define DELAY_US   3000
#define PLACES_MAX 8192
#define PATIENCE   60

struct note {
	uint64_t seq; /* committed */
	unsigned put; /* own entries taken */
};

static struct replica_world *w;
static struct log_engine reader; /* the parent's */
static uint8_t hashes[PLACES_MAX][32], logs[PLACES_MAX][32];
static unsigned own[PLACES_MAX]; /* how often each own entry is in the log */
static struct state *oracle;

static void open_engine(struct log_engine *out)
{
	char path[128], why[256];

	snprintf(path, sizeof(path), "%s/log.db", w->dir);
	must(engine_sqlite_open(out, why, sizeof(why), path, w->story.net.net) == 0);
}

/* Those of the story that an engine takes: no bytes twice. */
static void write_story(void)
{
	uint64_t seq;

	for (unsigned i = 1; i <= ENTRIES; i++) {
		enum log_result result =
			reader.append(reader.ctx, &seq, w->at[i].bytes, w->at[i].len);

		assert_true(result == LOG_APPENDED || result == LOG_DUPLICATE);
	}
}

static void sign_own(unsigned n)
{
	char text[32];

	snprintf(text, sizeof(text), "own %u.", n);
	w->story.net.next_n = 1000000 + n; /* the same bytes in every life */
	net_sign(&w->story.net, "authority", "node_update",
		 json_pack("{ssss}", "account", "n00001", "operator", text));
}

static struct moment now_real(void)
{
	const struct clock c = clock_real();

	return (struct moment){clock_mono(&c), clock_wall(&c) / NS_PER_MS};
}

static void open_all(void)
{
	struct log_engine e;
	char why[512];

	open_engine(&e);
	must(world_open_replica(w, why, sizeof(why)) == 0);
	w->feed = feed_new(&e, replica_seq(w->replica) + 1);
	feed_start(w->feed);
	replica_attach(w->replica, w->feed);
}

static void turn(void)
{
	struct pollfd fd = {.fd = feed_fd(w->feed), .events = POLLIN};

	poll(&fd, 1, 2);
	replica_turn(w->replica, now_real());
}

/* Never returns. */
static void live(uint64_t seed, int out, unsigned put)
{
	open_all();
	for (;;) {
		struct note note;

		turn();
		if (sim_chance(&seed, 50)) {
			int err;

			sign_own(put);
			err = replica_put(w->replica, put, ENTRY_OTHER,
					  (const uint8_t *)w->story.net.entry.at,
					  w->story.net.entry.len, now_real());
			/* Taken in an earlier life that did not come to say so. */
			must(err == 0 || err == ASSAY_E_EXISTS);
			put++;
		}
		memset(&note, 0, sizeof(note));
		note.seq = replica_seq(w->replica);
		note.put = put;
		must(write(out, &note, sizeof(note)) == sizeof(note));
	}
}

static void run_and_kill(uint64_t *seed, struct note *least)
{
	unsigned wanted = (unsigned)(sim_next(seed) % STEPS_MAX);
	struct note note;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		live(*seed, pipes[1], least->put);
	close(pipes[1]);
	for (unsigned i = 0; i < wanted && read(pipes[0], &note, sizeof(note)) == sizeof(note); i++)
		*least = note;
	usleep((useconds_t)(sim_next(seed) % DELAY_US));
	kill(pid, SIGKILL);
	while (read(pipes[0], &note, sizeof(note)) == sizeof(note))
		*least = note;
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it did not end by itself */
}

static void on_entry(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	struct entry_result result;
	const char *text = memmem(entry, len, "\"own ", 5);
	unsigned n;

	must(seq < PLACES_MAX && seq == state_seq(oracle) + 1);
	state_apply(oracle, &result, entry, len);
	state_hash(oracle, hashes[seq]);
	state_log(oracle, logs[seq]);
	if (text != NULL) {
		must(sscanf(text, "\"own %u.", &n) == 1 && n < PLACES_MAX);
		own[n]++;
	}
}

/* The oracle applies what is in the log now. */
static void follow(void)
{
	while (reader.read(reader.ctx, state_seq(oracle) + 1, LOG_PAGE_MAX, on_entry, NULL) > 0)
		;
}

static void check(uint64_t seq)
{
	uint8_t log[32], hash[32];

	follow();
	assert_true(seq <= state_seq(oracle));
	state_log(replica_state(w->replica), log);
	state_hash(replica_state(w->replica), hash);
	assert_memory_equal(log, logs[seq], sizeof(log));
	assert_memory_equal(hash, hashes[seq], sizeof(hash));
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

static void begin(void)
{
	char why[256];
	uint64_t floor, head;

	w = calloc(1, sizeof(*w));
	world_new(w, 11, ENTRIES);
	open_engine(&reader);
	assert_int_equal(reader.head(reader.ctx, &floor, &head), 0);
	write_story();
	oracle = state_new(&(struct state_config){0});
	assert_int_equal(state_genesis(oracle, why, sizeof(why), w->story.net.document.at,
				       w->story.net.document.len),
			 0);
	state_hash(oracle, hashes[0]);
	state_log(oracle, logs[0]);
}

static void test_kill(void **state)
{
	uint64_t seed = (uint64_t)getpid();
	time_t until = time(NULL) + PATIENCE;
	struct note least = {0};
	char why[512];

	print_message("seed %llu\n", (unsigned long long)seed);
	begin();
	for (unsigned i = 0; i < LIVES; i++) {
		run_and_kill(&seed, &least);
		assert_int_equal(world_open_replica(w, why, sizeof(why)), 0);
		assert_true(replica_seq(w->replica) >= least.seq);
		check(replica_seq(w->replica));
		assert_int_equal(rows("entries"), replica_seq(w->replica));
		world_close(w);
	}
	open_all();
	while (rows("outbox") > 0 || replica_seq(w->replica) < state_seq(oracle)) {
		assert_true(time(NULL) < until);
		turn();
		follow();
	}
	check(replica_seq(w->replica));
	for (unsigned n = 0; n < least.put; n++)
		assert_int_equal(own[n], 1);
	print_message("%u own entries, %llu in the log\n", least.put,
		      (unsigned long long)state_seq(oracle));
	assert_true(least.put > LIVES);
	state_free(oracle);
	reader.close(reader.ctx);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The node's copy against the state that made the log: following, restarts, a failing disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/sim_random.h"
#include "base/text.h"
#include "log/faulty_vfs.h"
#include "node/replica_world.h"

#define ENTRIES	     400
#define DISK_ENTRIES 120

static struct replica_world *world_of(void **state, uint64_t seed)
{
	*state = calloc(1, sizeof(struct replica_world));
	assert_non_null(*state);
	world_new(*state, seed, ENTRIES);
	return *state;
}

static int teardown(void **state)
{
	faulty_vfs_fail(0, 0);
	world_free(*state);
	free(*state);
	return 0;
}

static void test_follow(void **state)
{
	struct replica_world *w = world_of(state, 1);
	struct replica_status status;

	world_write(w, 200);
	world_open(w);
	world_check(w, 0);
	assert_int_equal(world_condition(w), REPLICA_OFFLINE);
	world_run(w);
	world_check(w, 200);
	for (uint64_t seq = 201; seq <= ENTRIES; seq++) {
		world_write(w, seq);
		world_run(w);
		world_check(w, seq);
	}
	replica_status(w->replica, &status);
	assert_int_equal(status.condition, REPLICA_CURRENT);
	assert_int_equal(status.voids, w->story.kinds[ENTRY_VOID]);
	assert_int_equal(status.duplicates, w->story.kinds[ENTRY_DUPLICATE]);
	assert_int_equal(w->applied, ENTRIES);
	assert_true(w->events > 0 && w->ends > 0 && w->edges >= w->ends);
}

/* What is on disk at each place is enough to go on from there. */
static void test_reopen(void **state)
{
	struct replica_world *w = world_of(state, 2);
	uint64_t seed = 3, seq = 0;
	const uint8_t *bytes;
	uint8_t log[32];
	size_t len;

	while (seq < ENTRIES) {
		seq += 1 + sim_next(&seed) % 60;
		seq = seq < ENTRIES ? seq : ENTRIES;
		world_write(w, seq);
		world_open(w);
		world_run(w);
		world_check(w, seq);
		world_close(w);
	}
	world_open(w);
	world_check(w, ENTRIES);
	for (seq = 1; seq <= ENTRIES; seq++) {
		assert_int_equal(replica_entry(w->replica, seq, &bytes, &len, log), 0);
		assert_int_equal(len, w->at[seq].len);
		assert_memory_equal(bytes, w->at[seq].bytes, len);
		assert_memory_equal(log, w->at[seq].log, sizeof(log));
	}
	assert_int_equal(replica_entry(w->replica, ENTRIES + 1, &bytes, &len, log),
			 ASSAY_E_NOTFOUND);
}

/* The hash of every height is that of the state after its tick. */
static void test_heights(void **state)
{
	struct replica_world *w = world_of(state, 4);
	struct state *s = state_new(&(struct state_config){0});
	uint8_t hash[32];
	char why[256];
	unsigned compared = 0;

	world_write(w, ENTRIES);
	world_open(w);
	world_run(w);
	assert_int_equal(state_genesis(s, why, sizeof(why), w->story.net.document.at,
				       w->story.net.document.len),
			 0);
	for (unsigned i = 1; i <= ENTRIES; i++) {
		uint64_t height = state_height(s);
		struct entry_result result;

		state_apply(s, &result, w->at[i].bytes, w->at[i].len);
		if (state_height(s) == height)
			continue;
		assert_int_equal(replica_height_hash(w->replica, state_height(s), hash), 0);
		assert_memory_equal(hash, w->at[i].state, sizeof(hash));
		compared++;
	}
	assert_true(compared > 10);
	assert_int_equal(replica_height_hash(w->replica, state_height(s) + 1, hash),
			 ASSAY_E_NOTFOUND);
	state_free(s);
}

/* Through an engine with all its honest faults. */
static void test_faults(void **state)
{
	struct replica_world *w = world_of(state, 5);

	world_open(w);
	for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
		engine_sim_set_faults(w->sim, (struct engine_sim_faults){0});
		world_write(w, seq);
		engine_sim_set_faults(w->sim,
				      (struct engine_sim_faults){.unavailable = 20, .lag = 50});
		for (unsigned i = 0; i < 3; i++) {
			feed_step(w->feed);
			replica_turn(w->replica, world_now(w));
		}
	}
	engine_sim_set_faults(w->sim, (struct engine_sim_faults){0});
	for (unsigned i = 0; i < 3; i++)
		world_run(w);
	world_check(w, ENTRIES);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
}

/* Each operation of the disk fails once: the replica stops, and a new start goes on. */
static void test_disk(void **state)
{
	struct replica_world *w = world_of(state, 6);
	unsigned failures = 0, at = 1;
	char why[512];

	world_write(w, DISK_ENTRIES);
	for (; at < 1500; at += 1 + at / 3) {
		int err;

		unlink(w->path);
		faulty_vfs_fail(at, at % 2);
		err = world_open_replica(w, why, sizeof(why));
		if (err == 0) {
			world_close(w);
			faulty_vfs_fail(0, 0);
			world_open(w);
			faulty_vfs_fail(at, at % 2);
			for (unsigned i = 0; i < 50; i++) {
				feed_step(w->feed);
				replica_turn(w->replica, world_now(w));
			}
			failures += world_condition(w) == REPLICA_FAILED;
		} else {
			failures++;
			replica_close(w->replica);
		}
		faulty_vfs_fail(0, 0);
		world_close(w);
		world_open(w);
		world_check(w, replica_seq(w->replica));
		world_run(w);
		world_check(w, DISK_ENTRIES);
		world_close(w);
	}
	print_message("%u of the disk's failures stopped it\n", failures);
	assert_true(failures > 5);
}

static void test_refuses(void **state)
{
	struct replica_world *w = world_of(state, 7);
	struct story other;
	struct replica_config config;
	char why[512];

	world_open(w);
	world_close(w);
	/* Another network's genesis. */
	assert_int_equal(node_db_open(&w->db, why, sizeof(why), w->path), 0);
	story_new(&other, 7);
	config = world_config(w);
	other.net.document.at[other.net.document.len - 2] = '3'; /* "v":1 */
	config.genesis = other.net.document.at;
	config.genesis_len = other.net.document.len;
	assert_int_equal(replica_open(&w->replica, why, sizeof(why), &config), ASSAY_E_INVAL);
	story_free(&other);
	/* A database of a later version. */
	assert_int_equal(node_db_exec(w->db, "pragma user_version = 99"), 0);
	world_close(w);
	assert_int_equal(node_db_open(&w->db, why, sizeof(why), w->path), ASSAY_E_UNSUPPORTED);
	assert_non_null(strstr(why, "newer version"));
}

/* A state from elsewhere takes the copy's place; the log goes on behind it. */
static void load_line(void *arg, const char *text, size_t len)
{
	const char *space = memchr(text, ' ', len), *tab = memchr(text, '\t', len);
	char key[KEY_ROOM];

	snprintf(key, sizeof(key), "%.*s", (int)(tab - space - 1), space + 1);
	assert_int_equal(state_load(arg, table_by_name(text, (size_t)(space - text)), key, tab + 1,
				    len - (size_t)(tab - text) - 2),
			 0);
}

static void test_behind(void **state)
{
	struct replica_world *w = world_of(state, 8);
	struct replica_world *ahead = calloc(1, sizeof(*ahead));
	struct state_config config;
	struct state_origin origin;
	struct state *s;

	world_new(ahead, 8, ENTRIES);
	world_write(ahead, 200);
	world_open(ahead);
	world_run(ahead);
	world_write(w, ENTRIES);
	assert_int_equal(w->writer.trim(w->writer.ctx, 150), 0);
	world_open(w);
	world_run(w);
	assert_int_equal(world_condition(w), REPLICA_BEHIND);
	world_check(w, 0);
	config = replica_state_config(w->replica);
	s = state_new(&config);
	state_dump(replica_state(ahead->replica), load_line, s);
	state_origin(replica_state(ahead->replica), &origin);
	assert_int_equal(state_loaded(s, &origin), 0);
	assert_int_equal(replica_load(w->replica, s), 0);
	assert_int_equal(w->replaced, 1);
	world_check(w, 200);
	world_run(w);
	world_check(w, ENTRIES);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
	world_close(w);
	world_open(w);
	world_check(w, ENTRIES);
	world_run(w);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
	world_free(ahead);
	free(ahead);
}

#define CASE(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_follow), CASE(test_reopen),  CASE(test_heights), CASE(test_faults),
		CASE(test_disk),   CASE(test_refuses), CASE(test_behind),
	};

	digest_init();
	faulty_vfs_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

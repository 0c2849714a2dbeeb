/* SPDX-License-Identifier: Apache-2.0 */
/* State files: written while entries go on, whole or not there, and enough to begin with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/sim_random.h"
#include "base/text.h"
#include "ledger/state_impl.h"
#include "ledger/statefile.h"
#include "node/replica_world.h"

#define ENTRIES 400

static struct replica_world *world_of(void **state, uint64_t seed, unsigned entries)
{
	struct replica_world *w = calloc(1, sizeof(*w));

	world_new(w, seed, entries);
	*state = w;
	return w;
}

static int teardown(void **state)
{
	struct replica_world *w = *state;

	statewriter_free(w->states);
	world_free(w);
	free(w);
	return 0;
}

static struct statewriter *writer_on(struct replica_world *w, struct disk disk)
{
	struct statewriter_config config = {.db = w->db, .disk = disk, .log = log_sim(&w->log)};
	struct statewriter *states;

	return statewriter_new(&states, &config) == 0 ? states : NULL;
}

/* roots[epoch] of the ledger. */
static bool root_of(struct replica_world *w, uint64_t epoch, uint8_t out[32])
{
	struct epoch_root *root;
	char key[KEY_ROOM];

	root = table_find(state_tables(replica_state(w->replica)), T_ROOTS, key_epoch(key, epoch));
	return root != NULL && hex_decode(out, 32, text_of(root->root)) == 0;
}

/* The file of that epoch, if it is there: a state for `whom` that has the root, or NULL. */
static struct state *load(struct replica_world *w, struct replica_world *whom,
			  const struct disk *disk, uint64_t epoch)
{
	struct state_config config = replica_state_config(whom->replica);
	struct state *s = state_new(&config);
	struct state_origin origin;
	char path[STATE_PATH_ROOM];
	uint8_t root[32];
	int err;

	state_origin(replica_state(w->replica), &origin);
	state_path(path, epoch);
	err = ASSAY_E_NOTFOUND; /* nobody knows the root of one that long ago */
	if (root_of(w, epoch, root))
		err = state_file_load(s, disk, path, root, &origin);
	if (err == 0)
		return s;
	assert_int_equal(err, ASSAY_E_NOTFOUND);
	state_free(s);
	return NULL;
}

static unsigned files(struct replica_world *w, const struct disk *disk)
{
	unsigned n = 0;

	for (uint64_t e = 0; e < state_epoch(replica_state(w->replica)); e++) {
		struct state *s = load(w, w, disk, e);
		uint8_t hash[32], log[32];

		if (s == NULL)
			continue;
		state_hash(s, hash);
		state_log(s, log);
		assert_memory_equal(hash, w->at[state_seq(s)].state, sizeof(hash));
		assert_memory_equal(log, w->at[state_seq(s)].log, sizeof(log));
		state_free(s);
		n++;
	}
	return n;
}

/* Slices of writing between entries. */
static void test_written(void **state)
{
	struct replica_world *w = world_of(state, 41, ENTRIES);
	struct disk disk;

	assert_int_equal(disk_real_open(&disk, w->dir), 0);
	world_open(w);
	w->states = writer_on(w, disk);
	for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
		world_write(w, seq);
		world_run(w);
		statewriter_turn(w->states, replica_state(w->replica));
	}
	while (statewriter_turn(w->states, replica_state(w->replica)))
		;
	world_check(w, ENTRIES);
	assert_true(w->ends > 4);
	assert_int_equal(files(w, &disk), 2); /* no key: the two newest */
	disk_real_close(&disk);
}

/* A copy that begins with a file and goes on with the log. */
static void test_begin(void **state)
{
	struct replica_world *w = world_of(state, 42, ENTRIES), *late;
	struct state *s = NULL;
	struct disk disk;
	uint64_t seq;

	assert_int_equal(disk_real_open(&disk, w->dir), 0);
	world_open(w);
	w->states = writer_on(w, disk);
	world_write(w, ENTRIES);
	world_run(w);
	while (statewriter_turn(w->states, replica_state(w->replica)))
		;
	world_of((void **)&late, 42, ENTRIES);
	world_write(late, ENTRIES);
	assert_int_equal(late->writer.trim(late->writer.ctx, 20), 0);
	world_open(late);
	world_run(late);
	assert_int_equal(world_condition(late), REPLICA_BEHIND);
	for (uint64_t e = state_epoch(replica_state(w->replica)); s == NULL && e-- > 0;)
		s = load(w, late, &disk, e);
	assert_non_null(s);
	seq = state_seq(s);
	assert_int_equal(replica_load(late->replica, s), 0);
	world_check(late, seq);
	world_run(late);
	world_check(late, ENTRIES);
	disk_real_close(&disk);
	teardown((void **)&late);
}

/* Each operation of the disk fails once, a sync excepted: no file that is not whole. */
static void test_disk(void **state)
{
	struct replica_world *w = world_of(state, 44, 150);
	unsigned without = 0, with = 0;

	world_open(w);
	world_write(w, 150);
	for (unsigned at = 1; at < 26; at++) {
		struct sim_disk *sim = sim_disk_new(at);
		struct disk disk = disk_sim(sim);

		w->states = writer_on(w, disk);
		sim_disk_fail(sim, at, ~0u & ~SIM_SYNC, at % 2 ? ASSAY_E_NOSPC : ASSAY_E_IO);
		assert_int_equal(replica_accept_engine(w->replica), 0); /* from the start */
		world_run(w);
		while (statewriter_turn(w->states, replica_state(w->replica)))
			;
		sim_disk_fail(sim, 0, 0, 0);
		sim_disk_crash(sim);
		world_check(w, 150);
		if (files(w, &disk) > 0)
			with++;
		else
			without++;
		statewriter_free(w->states);
		w->states = NULL;
		sim_disk_free(sim);
	}
	print_message("%u with a file, %u without, %u ends\n", with, without, w->ends);
	assert_true(with > 0 && without > 0);
}

/* Every byte of a file counts. */
static void test_rot(void **state)
{
	struct replica_world *w = world_of(state, 44, 150);
	struct sim_disk *sim = sim_disk_new(1);
	struct disk disk = disk_sim(sim);
	struct state_config config;
	struct state_origin origin;
	char path[STATE_PATH_ROOM];
	uint8_t root[32];
	uint64_t seed = 9, epoch;
	int64_t size = -1;

	world_open(w);
	w->states = writer_on(w, disk);
	world_write(w, 150);
	world_run(w);
	while (statewriter_turn(w->states, replica_state(w->replica)))
		;
	for (epoch = state_epoch(replica_state(w->replica)); size < 0 && epoch-- > 0;) {
		state_path(path, epoch);
		size = disk.size_of(disk.ctx, path);
	}
	assert_true(size > STATEFILE_HEADER_LEN);
	assert_true(root_of(w, epoch, root));
	config = replica_state_config(w->replica);
	state_origin(replica_state(w->replica), &origin);
	for (unsigned i = 0; i < 60; i++) {
		/* Header, digests and lines alike. */
		uint64_t from = i % 3 == 0 ? 0 : i % 3 == 1 ? 88 : STATEFILE_HEADER_LEN;
		uint64_t below = i % 3 == 0 ? 88 : (uint64_t)size;
		uint64_t bit = 8 * (from + sim_next(&seed) % (below - from)) + i % 8;
		struct state *s = state_new(&config);

		/* The epoch in the header says nothing: the root is that of the one asked for. */
		bool told = bit / 8 >= 8 && bit / 8 < 24;

		assert_int_equal(sim_disk_flip(sim, path, bit), 0);
		if (!told)
			assert_int_equal(state_file_load(s, &disk, path, root, &origin),
					 ASSAY_E_CORRUPT);
		assert_int_equal(sim_disk_flip(sim, path, bit), 0);
		state_free(s);
	}
	sim_disk_free(sim);
}

/* What the network's helper makes goes into the log as it verifies it. */
static bool tap(void *ctx, const uint8_t sig[64], const uint8_t message[32], const uint8_t key[32])
{
	struct replica_world *w = ctx;
	const struct buf *entry = &w->story.net.entry;
	uint64_t seq;

	/* Seals carry a second signature: the bytes are there already. */
	w->writer.append(w->writer.ctx, &seq, (const uint8_t *)entry->at, entry->len);
	return verify_message(sig, key, message, 32);
}

/* Whoever seals drops what has been sealed for long. */
static void test_trim(void **state)
{
	struct replica_world *w = world_of(state, 45, 0);
	struct ledger_net *net = &w->story.net;
	uint64_t floor, head;
	struct epoch_root *root;
	char key[KEY_ROOM];

	net_free(net);
	net_new(net,
		&(struct net_config){.nodes = 3, .members = 3, .epoch_length = 4, .keyed = true});
	net->state->config.verifier = (struct state_verifier){tap, w};
	w->self = net->nodes[0].account;
	world_open(w);
	for (uint64_t epoch = 1; epoch <= TRIM_EPOCHS + 2; epoch++) {
		net_to_epoch(net, epoch + 1);
		net_seal(net, epoch);
		world_run(w);
		assert_int_equal(replica_seq(w->replica), state_seq(net->state));
		assert_int_equal(w->writer.head(w->writer.ctx, &floor, &head), 0);
		if (epoch <= TRIM_EPOCHS) { /* epoch 0 has no seal of its own */
			assert_int_equal(floor, 1);
			continue;
		}
		root = table_find(state_tables(net->state), T_ROOTS,
				  key_epoch(key, epoch - TRIM_EPOCHS));
		assert_int_equal(floor, root->seq + 1);
	}
	/* What is trimmed there is still here. */
	world_close(w);
	world_open(w);
	world_run(w);
	assert_int_equal(world_condition(w), REPLICA_CURRENT);
	/* Another one's seals are no business of this one. */
	world_close(w);
	w->self = "somebody";
	world_open(w);
	net_to_epoch(net, TRIM_EPOCHS + 4);
	net_seal(net, TRIM_EPOCHS + 3);
	world_run(w);
	assert_int_equal(w->writer.head(w->writer.ctx, &floor, &head), 0);
	assert_int_equal(floor, root->seq + 1);
}

#define CASE(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_written), CASE(test_begin), CASE(test_disk),
		CASE(test_rot),	    CASE(test_trim),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

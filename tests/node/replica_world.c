/* SPDX-License-Identifier: Apache-2.0 */
#include "node/replica_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void remember(struct replica_world *w, const void *bytes, size_t len)
{
	struct oracle *o = &w->at[w->n];

	o->bytes = malloc(len > 0 ? len : 1);
	assert_non_null(o->bytes);
	if (len > 0)
		memcpy(o->bytes, bytes, len);
	o->len = len;
	state_log(w->story.net.state, o->log);
	state_hash(w->story.net.state, o->state);
}

void world_new(struct replica_world *w, uint64_t seed, unsigned n)
{
	uint64_t floor, head;

	memset(w, 0, sizeof(*w));
	story_new(&w->story, seed);
	w->at = calloc(n + 1, sizeof(*w->at));
	assert_non_null(w->at);
	remember(w, "", 0);
	for (; w->n < n;) {
		story_step(&w->story);
		w->n++;
		remember(w, w->story.net.entry.at, w->story.net.entry.len);
	}
	w->sim = engine_sim_new(seed);
	engine_sim_open(&w->writer, w->sim);
	w->writer.head(w->writer.ctx, &floor, &head);
	/* In memory, where there is such a folder: nothing here cuts the power. */
	snprintf(w->dir, sizeof(w->dir), "%s/assay-replica-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/node.db", w->dir);
}

void world_free(struct replica_world *w)
{
	char command[96];

	world_close(w);
	w->writer.close(w->writer.ctx);
	engine_sim_free(w->sim);
	for (unsigned i = 0; i <= w->n; i++)
		free(w->at[i].bytes);
	free(w->at);
	story_free(&w->story);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
}

void world_write(struct replica_world *w, uint64_t upto)
{
	assert_true(upto <= w->n);
	while (w->written < upto) {
		const struct oracle *o = &w->at[++w->written];

		engine_sim_put(w->sim, o->bytes, o->len);
	}
}

/* --- what the replica tells --- */

static void on_event(void *ctx, const struct state_event *event)
{
	struct replica_world *w = ctx;

	assert_true(sqlite3_get_autocommit(w->db)); /* it is committed */
	w->events++;
}

static void on_applied(void *ctx, uint64_t seq, const struct entry_result *result)
{
	struct replica_world *w = ctx;

	assert_true(sqlite3_get_autocommit(w->db));
	w->applied++;
}

static void on_edge(void *ctx, uint64_t epoch)
{
	struct replica_world *w = ctx;

	assert_true(sqlite3_get_autocommit(w->db));
	w->edges++;
	if (w->states != NULL)
		statewriter_edge(w->states, replica_state(w->replica), epoch);
}

static void on_edge_over(void *ctx, uint64_t epoch, bool ended)
{
	struct replica_world *w = ctx;

	w->ends += ended;
	if (w->states != NULL)
		statewriter_edge_over(w->states, replica_state(w->replica), ended);
}

static void on_outcome(void *ctx, uint64_t cookie, const uint8_t id[32],
		       const struct entry_outcome *outcome)
{
	struct replica_world *w = ctx;
	struct outcome *o = &w->outcome[w->outcomes++];

	assert_true(w->outcomes <= OUTCOMES);
	assert_true(sqlite3_get_autocommit(w->db));
	o->cookie = cookie;
	memcpy(o->id, id, sizeof(o->id));
	o->outcome = *outcome;
	o->outcome.reason = "";
}

static void on_replaced(void *ctx, struct state *state)
{
	((struct replica_world *)ctx)->replaced++;
}

struct replica_config world_config(struct replica_world *w)
{
	static uint64_t random = 5;

	return (struct replica_config){
		.db = w->db,
		.genesis = w->story.net.document.at,
		.genesis_len = w->story.net.document.len,
		.self = w->self,
		.log = log_sim(&w->log),
		.random = random_sim(&random),
		.failpoints = w->failpoints,
		.event = on_event,
		.applied = on_applied,
		.epoch_edge = on_edge,
		.epoch_edge_over = on_edge_over,
		.outcome = on_outcome,
		.replaced = on_replaced,
		.ctx = w,
	};
}

int world_open_replica(struct replica_world *w, char *why, size_t why_room)
{
	struct replica_config config;
	int err = node_db_open(&w->db, why, why_room, w->path);

	if (err != 0)
		return err;
	config = world_config(w);
	return replica_open(&w->replica, why, why_room, &config);
}

void world_open(struct replica_world *w)
{
	struct log_engine e;
	char why[512] = "";

	if (world_open_replica(w, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	engine_sim_open(&e, w->sim);
	w->feed = feed_new(&e, replica_seq(w->replica) + 1);
	replica_attach(w->replica, w->feed);
}

void world_close(struct replica_world *w)
{
	replica_close(w->replica);
	feed_free(w->feed);
	node_db_close(w->db);
	w->replica = NULL;
	w->feed = NULL;
	w->db = NULL;
}

struct moment world_now(struct replica_world *w)
{
	return (struct moment){w->clock.mono_ns, w->clock.wall_ns / 1000000};
}

void world_run(struct replica_world *w)
{
	/* Twice quiet: what the replica hands to the feed in one turn moves in the next. */
	for (unsigned i = 0, quiet = 0; i < 100000; i++) {
		unsigned ms = feed_step(w->feed);

		quiet = replica_turn(w->replica, world_now(w)) || ms == 0 ? 0 : quiet + 1;
		if (quiet == 2)
			return;
	}
	fail_msg("it never rests");
}

enum replica_condition world_condition(struct replica_world *w)
{
	struct replica_status status;

	replica_status(w->replica, &status);
	return status.condition;
}

void world_check(struct replica_world *w, uint64_t seq)
{
	struct state *s = replica_state(w->replica);
	uint8_t log[32], hash[32];

	assert_int_equal(state_seq(s), seq);
	state_log(s, log);
	state_hash(s, hash);
	assert_memory_equal(log, w->at[seq].log, sizeof(log));
	assert_memory_equal(hash, w->at[seq].state, sizeof(hash));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica between a log of random entries (tests/ledger/story.h), whose state is the oracle, and
 * a database in a temporary folder.
 */
#ifndef TESTS_NODE_REPLICA_WORLD_H
#define TESTS_NODE_REPLICA_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sim.h"
#include "ledger/story.h"
#include "log/feed.h"
#include "node/node_db.h"
#include "node/replica.h"
#include "node/statewriter.h"

#define OUTCOMES 4096

struct oracle { /* after an entry */
	uint8_t *bytes;
	size_t len;
	uint8_t log[32], state[32];
};

struct outcome {
	uint64_t cookie;
	uint8_t id[32];
	struct entry_outcome outcome;
};

struct replica_world {
	struct story story;
	struct oracle *at; /* [seq]; [0] is genesis */
	unsigned n;	   /* entries made */
	struct engine_sim *sim;
	struct log_engine writer;
	uint64_t written; /* entries that the writer put into the log */
	char dir[64], path[96];
	sqlite3 *db;
	struct feed *feed;
	struct replica *replica;
	struct statewriter *states; /* the test's; NULL: no state files */
	const char *self;
	struct failpoints failpoints;
	struct sim_clock clock;
	struct sim_log log;
	struct outcome outcome[OUTCOMES];
	unsigned outcomes, events, applied, replaced, edges, ends;
};

/* A story of n entries, and an empty simulated log. */
void world_new(struct replica_world *w, uint64_t seed, unsigned n);
void world_free(struct replica_world *w);
/* Entries up to that one are in the log. */
void world_write(struct replica_world *w, uint64_t upto);
/* Opens the database and a replica that follows the simulated log; asserts. */
void world_open(struct replica_world *w);
void world_close(struct replica_world *w);
/* The same without a feed. */
int world_open_replica(struct replica_world *w, char *why, size_t why_room);
struct replica_config world_config(struct replica_world *w);
/* Turns until there is nothing to do at once. */
void world_run(struct replica_world *w);
enum replica_condition world_condition(struct replica_world *w);
/* The copy is what the oracle was after that entry. */
void world_check(struct replica_world *w, uint64_t seq);
struct moment world_now(struct replica_world *w);

#endif

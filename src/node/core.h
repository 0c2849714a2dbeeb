/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's part in its network as one thing to be driven: the copy of the ledger with its outbox,
 * the runner of the epochs, and the sessions with other nodes. The daemon turns it from its event
 * loop, the simulator from its queue of moments; what it decides is the same code.
 *
 * One thread. Nothing blocks: feed, sockets and clock are given.
 */
#ifndef NODE_CORE_H
#define NODE_CORE_H

#include "crypto/sign.h"
#include "node/heal.h"
#include "node/peers.h"
#include "node/replica.h"
#include "node/runner.h"

/* What becomes of entries that were put with core_put, and of the others' that change something. */
struct core_listener {
	/* After the commit that it belongs to. NULL: not wanted. */
	void (*event)(void *ctx, const struct state_event *event);
	void (*applied)(void *ctx, uint64_t seq, const struct entry_result *result);
	/* Of core_put; cookie as given there. */
	void (*outcome)(void *ctx, uint64_t cookie, const uint8_t id[32],
			const struct entry_outcome *outcome);
	void *ctx;
};

struct core_config {
	const struct sign_key *identity; /* outlives it */
	sqlite3 *db;			 /* of node_db_open; the caller's */
	const char *genesis;
	size_t genesis_len;
	struct settings settings;
	struct reveal *reveal; /* NULL: this node never ticks; the caller's */
	struct disk states;    /* of the run directory; zero: no state files are written */
	/* account, secrets, seams; its book may be empty: then the ledger's registry is used. */
	struct peers_config peers;
	struct heal_port heal; /* begin NULL: healing is off */
	struct failpoints failpoints;
	struct core_listener listener;
};

struct core;

/* Codes with why in words. */
int core_new(struct core **out, char *why, size_t why_room, const struct core_config *config);
void core_free(struct core *c);
/* The log to follow from now on; made with core_seq + 1. Stays the caller's. */
void core_attach(struct core *c, struct feed *feed);

/* Does what is due; the monotonic time at which it wants to be turned again. */
uint64_t core_turn(struct core *c, struct moment now);
/* Says goodbye to the network: turn on until core_stopped. */
void core_stop(struct core *c, struct moment now);
bool core_stopped(const struct core *c, struct moment now);

/*
 * An entry of this node: signed now, sent when it can be. n tells equal contents apart; CORE_FRESH:
 * any that was not there before. data stays the caller's. Cookies are the caller's, below
 * CORE_COOKIES. 0; FULL, REFUSED (the copy contradicts the engine), RANGE (too long), IO.
 */
#define CORE_FRESH   ENTRY_FRESH
#define CORE_COOKIES (UINT64_C(1) << 56)
int core_put(struct core *c, uint64_t cookie, enum entry_class class, const char *type,
	     const json_t *data, uint64_t n, struct moment now);

struct replica *core_replica(struct core *c);
struct state *core_state(struct core *c);
struct runner *core_runner(struct core *c);
struct peers *core_peers(struct core *c);
uint64_t core_seq(const struct core *c);

/*
 * Who may read what this node has staged (heal_grants); the generation is another one whenever that
 * may have changed. Without healing there is nothing.
 */
unsigned core_heal_grants(const struct core *c, struct heal_grant *out, unsigned room);
uint64_t core_heal_generation(const struct core *c);
/* The ops in which this node has a part (heal_list). */
size_t core_heal_list(const struct core *c, struct heal_standing *out, size_t room);
/* Likewise of an op that is over (heal_past). */
size_t core_heal_past(const struct core *c, struct heal_standing *out, size_t room, uint64_t op);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's own copy of the ledger (docs/ledger.md, "The node's copy"): takes the log's entries in
 * order from a feed, applies them to the state machine, and commits entries, running hash, records
 * and place together. What came of it leaves only after the commit. It never believes the engine:
 * what does not agree with the copy ends in a mismatch that survives restarts.
 *
 * Step functions on one thread, without a clock: the moment comes with each turn.
 */
#ifndef NODE_REPLICA_H
#define NODE_REPLICA_H

#include "base/failpoint.h"
#include "base/log.h"
#include "node/ahead.h"
#include "node/outbox.h"

enum replica_condition {
	REPLICA_OFFLINE,  /* the engine is out of reach */
	REPLICA_CATCHING, /* has not applied yet what was there when it connected */
	REPLICA_CURRENT,
	REPLICA_BEHIND,	  /* the log was trimmed: a state file is needed */
	REPLICA_MISMATCH, /* the engine contradicts the copy */
	REPLICA_FAILED,	  /* the database failed; only a new start helps */
};
const char *replica_condition_name(enum replica_condition condition);

struct replica_config {
	sqlite3 *db; /* of node_db_open; the caller's */
	const char *genesis;
	size_t genesis_len;
	const char *self; /* account; its own seals trim the log. NULL: never */
	struct log log;
	struct random random;
	struct failpoints failpoints;
	/* After the commit; all of one commit in their order. NULL: not wanted. */
	void (*event)(void *ctx, const struct state_event *event);
	void (*applied)(void *ctx, uint64_t seq, const struct entry_result *result);
	/*
	 * Just before an entry that may end an epoch, with everything so far committed; and
	 * whether it did. NULL: not wanted.
	 */
	void (*epoch_edge)(void *ctx, uint64_t epoch);
	void (*epoch_edge_over)(void *ctx, uint64_t epoch, bool ended);
	/* Of own entries. */
	outbox_tell outcome;
	/* The state is another one now: pointers into the old one are void. */
	void (*replaced)(void *ctx, struct state *state);
	void *ctx;
};

struct replica_status {
	enum replica_condition condition;
	uint64_t seq, head; /* applied; known to be there */
	uint64_t floor;	    /* of the engine, when it last connected */
	uint64_t voids, duplicates, refused;
	char mismatch[512]; /* what it saw; empty when there is none */
};

struct replica;

/* Loads the copy, or founds it from the genesis document. Codes with why in words. */
int replica_open(struct replica **out, char *why, size_t why_room,
		 const struct replica_config *config);
void replica_close(struct replica *r);
/* To be followed from now on; made with replica_seq + 1. Stays the caller's. */
void replica_attach(struct replica *r, struct feed *feed);

/*
 * Takes what the feed has, up to one commit, and sends what waits. True when there may be more to
 * do at once.
 */
bool replica_turn(struct replica *r, struct moment now);
/* Monotonic time at which it wants to be turned, whatever the feed has; UINT64_MAX: never. */
uint64_t replica_due(const struct replica *r);
/* As outbox_races. */
void replica_races(struct replica *r, unsigned max);
/* An entry of this node. Codes of outbox_put; REFUSED while there is a mismatch or a failure. */
int replica_put(struct replica *r, uint64_t cookie, enum entry_class class, const uint8_t *bytes,
		size_t len, struct moment now);

struct state *replica_state(struct replica *r);
uint64_t replica_seq(const struct replica *r);
void replica_status(const struct replica *r, struct replica_status *out);
/* An entry of the copy: 0, NOTFOUND, IO. Bytes are valid until the next call of the replica. */
int replica_entry(struct replica *r, uint64_t seq, const uint8_t **bytes, size_t *len,
		  uint8_t log[32]);
/* State hash after the tick to that height; NOTFOUND beyond the last COPY_HEIGHTS. */
int replica_height_hash(struct replica *r, uint64_t height, uint8_t hash[32]);

/*
 * Something contradicts the copy (also raised by who checks trailers): hashes are what the copy has
 * and what the other side has; theirs NULL: nothing.
 */
void replica_mismatch(struct replica *r, const char *what, uint64_t seq, const uint8_t ours[32],
		      const uint8_t *theirs);
/*
 * The operator takes the engine's log for the true one: the copy is founded anew and follows from
 * the first entry. What waits in the outbox stays. 0, NOSPC, IO.
 */
int replica_accept_engine(struct replica *r);
/*
 * A state from elsewhere, complete and checked by the caller, takes the place of the copy; entries
 * follow from behind it. The replica owns it then. 0, NOSPC, IO: the copy is as before.
 */
int replica_load(struct replica *r, struct state *state);
/* What a state that replica_load takes has to be made with. */
struct state_config replica_state_config(struct replica *r);

/*
 * Up to where the log may be trimmed when that epoch is sealed: to what the seal TRIM_EPOCHS before
 * it covers; 0: nothing.
 */
#define TRIM_EPOCHS 16
uint64_t trim_upto(struct state *s, uint64_t epoch);

#endif

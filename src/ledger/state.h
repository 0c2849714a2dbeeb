/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's state machine (docs/ledger.md): signed entries in, tables out. Deterministic: no
 * clock, randomness, floating point or I/O. An entry is one transaction: it changes everything that
 * its rules say, or nothing but its verdict.
 */
#ifndef LEDGER_STATE_H
#define LEDGER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/entry.h"
#include "ledger/record.h"

/*
 * Checks BIP-340 signatures; verify NULL stands for one at a time by libsecp256k1. The replica
 * gives one that knows the results of batches verified ahead.
 */
struct state_verifier {
	bool (*verify)(void *ctx, const uint8_t sig[64], const uint8_t message[32],
		       const uint8_t key[32]);
	void *ctx;
};

/* What an entry did, beyond the tables; for logs, metrics and the node's step functions. */
enum state_event_kind {
	STATE_EPOCH_STARTED,  /* number = epoch */
	STATE_EPOCH_ENDED,    /* number = epoch; roots[epoch] is there */
	STATE_NODE_CHANGED,   /* account: added, updated or another state */
	STATE_TICKET_CHANGED, /* ticket: recorded, placed anew, closed */
	STATE_HEAL_CHANGED,   /* number = op id */
	STATE_REPORT,	      /* number = epoch, account */
	STATE_BODY_FIXED,     /* number = epoch */
	STATE_SEALED,	      /* number = epoch */
	STATE_COMMITTEE_CHANGED,
	STATE_PARAMS_CHANGED,
	STATE_NAMED, /* name: an event of the score rules, as in the vectors */
};
struct state_event {
	enum state_event_kind kind;
	uint64_t number;
	const char *name, *account, *ticket; /* valid during the call */
};

struct state_config {
	struct state_verifier verifier;
	void (*event)(void *ctx, const struct state_event *event);
	void *event_ctx;
};

struct state;

struct state *state_new(const struct state_config *config);
void state_free(struct state *s);

/*
 * Seq 0 from a genesis document; net becomes its L_0. On error INVAL, and why says what is wrong
 * and where, in words for an operator.
 */
int state_genesis(struct state *s, char *why, size_t why_room, const char *document, size_t len);

/* What a node keeps beside the tables to go on from a seq, at a start or behind a snapshot. */
struct state_origin {
	uint8_t net[32];
	uint64_t seq;
	uint8_t log[32];	/* L after seq */
	uint8_t trailer_0[192]; /* the genesis' body; zero in a network without keys */
};
/*
 * One record as tables_changes gave it, into a new state; INVAL when it is none of that table.
 * state_loaded when all are in; INVAL when they make no state. Nothing counts as changed then.
 */
int state_load(struct state *s, enum table_id table, const char *key, const char *line, size_t len);
int state_loaded(struct state *s, const struct state_origin *origin);
void state_origin(const struct state *s, struct state_origin *out);

enum entry_kind { ENTRY_VOID = 1, ENTRY_DUPLICATE, ENTRY_VERDICT };
struct entry_result {
	enum entry_kind kind;
	uint8_t id[32];	    /* message id; zero for a void entry */
	unsigned code;	    /* 0 accepted; docs/ledger.md, "Verdicts" */
	const char *reason; /* a fixed word or "" */
	char author[65], type[24];
};
/* Applies the entry with the next sequence number. */
void state_apply(struct state *s, struct entry_result *out, const uint8_t *entry, size_t len);

/* The identity key of an account or of "authority", as hex; NULL when there is no such author. */
const char *state_author_key(struct state *s, const char *author);

struct tables *state_tables(struct state *s);
uint64_t state_seq(const struct state *s);
uint64_t state_height(const struct state *s);
uint64_t state_epoch(const struct state *s);		/* of the height */
void state_log(const struct state *s, uint8_t out[32]); /* L after state_seq */
void state_hash(struct state *s, uint8_t out[32]);	/* S */
void state_root(struct state *s, uint8_t out[32]);	/* BLAKE3(L ‖ S) */
/* All lines of the dump, in order. */
void state_dump(struct state *s, void (*line)(void *arg, const char *text, size_t len), void *arg);

#endif

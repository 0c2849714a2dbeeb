/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of an epoch's work stand on in a test: a ledger made by hand, a key that fails
 * when told to, a store in memory, and answers to what they ask for.
 */
#ifndef TESTS_NODE_DESK_H
#define TESTS_NODE_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sim.h"
#include "node/challenge.h"
#include "node/local.h"
#include "node/recheck.h"

#define DESK_SELF    "self"
#define DESK_TICKETS 320
#define DESK_ROWS    32

struct desk_row {
	uint64_t epoch;
	struct reported row;
	enum recheck_taken taken;
};

struct desk {
	struct node_ctx ctx;
	struct epoch_facts facts; /* of the current epoch; earlier ones differ in number and seed */
	const char *targets[8];
	unsigned target_count;
	bool targets_fail, tickets_fail, no_anchor, reported;
	struct ticket ticket[DESK_TICKETS];
	char *holder[DESK_TICKETS];
	unsigned ticket_count;
	struct node node[16];
	unsigned node_count;
	struct desk_row row[DESK_ROWS];
	unsigned row_count;
	struct tick_facts tick;
	bool sign_fails;
	unsigned sign_fails_at, signs; /* the n-th one only */
	struct sim_log log;
	sqlite3 *db;
	struct local *local;
	struct recheck_store store;
	struct effects out;
	struct moment now;
};

/* Epoch 20 of 100 heights, in its middle; SHADOW. */
void desk_init(struct desk *d);
void desk_free(struct desk *d);

/* An open ticket of ten artifacts a class with one holder, as old as RECENT or OLD ones are. */
struct ticket *desk_ticket(struct desk *d, const char *id, const char *holder, unsigned bucket);
void desk_target(struct desk *d, const char *account);
struct node *desk_node(struct desk *d, const char *account);
/* A failed row in a report of that epoch. */
struct desk_row *desk_row(struct desk *d, uint64_t epoch, const char *ticket, const char *target,
			  const char *reporter, unsigned result);

/* The first effect of a kind, taken out of the list; asserts that there is one. */
struct effect desk_take(struct desk *d, enum effect_kind kind);
unsigned desk_count(const struct desk *d, enum effect_kind kind);
/* Takes the first RESOLVE and answers it. */
void desk_resolve(struct desk *d, struct challenge *c, enum resolve_end end);
/* Takes the first ASK and answers it; what: any outcome. */
void desk_answer(struct desk *d, struct challenge *c, enum ask_outcome what, const char *why);
/* Does a line of the log have this text? */
bool desk_logged(const struct desk *d, const char *text);

#endif

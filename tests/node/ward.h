/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One node that heals, on a real ledger, with real rows: its work, its staging folders and the wire
 * to the log are a script. A process that dies leaves its database and its folders as they are.
 */
#ifndef TESTS_NODE_WARD_H
#define TESTS_NODE_WARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sim.h"
#include "ledger/net.h"
#include "node/heal.h"
#include "node/local.h"

#define WARD_NODES  7
#define WARD_EPOCH  10 /* heights */
#define WARD_ORDERS 512
#define WARD_LIST   64

struct ward_order {
	uint64_t cookie;
	struct heal_order order;
	bool cancelled;
};
struct ward_entry {
	uint64_t cookie, n;
	char type[24];
	json_t *data;
};
struct ward_folder {
	uint64_t op;
	char hash[HEAL_HASH_ROOM];
};

struct ward {
	struct ledger_net net;
	char ticket[TICKET_ROOM], hash[HEAL_HASH_ROOM]; /* of the one file */
	const char *self, *other[3];			/* three more nodes */

	/* The process. */
	struct node_ctx ctx;
	struct heal_settings settings;
	struct local *local;
	struct heal heal;
	struct ward_order order[WARD_ORDERS];
	unsigned orders;
	struct ward_entry entry[WARD_LIST];
	unsigned entries;

	/* What it leaves. */
	sqlite3 *db;
	struct ward_folder folder[WARD_LIST];
	unsigned folders;

	struct moment now;
	struct sim_log log;
	/* Faults. */
	int op_error, ops_error, terms_error, vote_error, staged_error;	   /* of reads */
	int claim_read_error, vote_read_error;				   /* of rows */
	int claim_put_error, claim_drop_error, vote_put_error, mark_error; /* of rows */
	bool endless;							   /* listings */
	enum failpoint armed;
	unsigned armed_in; /* 0: none */
	sqlite3 *left;	   /* the database as it was when the process died */
	bool dead;
	struct ledger_view real; /* of the ledger */
	struct heal_store rows;	 /* of the database */
	struct heal_store store; /* of the process: rows with faults */
	unsigned begun[HEAL_WORKS];
	unsigned changes; /* of heal ops, as the ledger told them */
};

/* self is the number of the node. */
void ward_init(struct ward *w, unsigned self);
void ward_free(struct ward *w);
/* A test with the ward of node 0, made anew for it. */
int ward_setup(void **state);
int ward_teardown(void **state);
#define WARD_TEST(name, ward) \
	cmocka_unit_test_prestate_setup_teardown(name, ward_setup, ward_teardown, &(ward))

/* A SCHEDULED op of this epoch. NULL: no second verifier. */
uint64_t ward_op(struct ward *w, const char *healer, const char *first, const char *second);
const struct heal_op *ward_find(struct ward *w, uint64_t op);
void ward_to_epoch(struct ward *w, uint64_t epoch);
/* Entries of other nodes; asserts that they are taken. */
void ward_claim(struct ward *w, uint64_t op);
void ward_vote(struct ward *w, uint64_t op, const char *verifier, bool verified);
/* By all its verifiers. */
void ward_votes(struct ward *w, uint64_t op, bool verified);

/* An op that another node healed and this one verifies; one that this node has healed. */
uint64_t ward_reported(struct ward *w);
uint64_t ward_claimed(struct ward *w);
enum heal_status ward_status(struct ward *w, uint64_t op);
/* A member of the one entry that was sent. */
const json_t *ward_sent(struct ward *w, const char *member);

/* A tick now. */
void ward_tick(struct ward *w);
/* Time passes, without ticks of the ledger; turns when due. */
void ward_pass(struct ward *w, uint64_t ms);
/* The n-th order under way; asserts that there is one. */
struct ward_order *ward_order(struct ward *w, unsigned n);
/* Ends the first order. hash "": that of the file. */
void ward_end(struct ward *w, enum heal_end end, const char *hash, const char *why);
/* The same, done as it should be: folders come and go. PLACE is LOST without one. */
void ward_done(struct ward *w);
/* Applies what was sent and tells the verdicts. */
void ward_apply(struct ward *w);
/* Tells this instead for the first entry, which never comes. */
void ward_say(struct ward *w, enum entry_end end, unsigned code, const char *reason);
/* Everything, until nothing is under way. */
void ward_run(struct ward *w);

void ward_arm(struct ward *w, enum failpoint which);
/* The process ends, here and now or where it died, and another one starts. */
void ward_restart(struct ward *w);
void ward_kill(struct ward *w);
void ward_start(struct ward *w);
/* The process sees its ledger and its rows through the faults. */
void ward_faults(struct ward *w);

void ward_stage(struct ward *w, uint64_t op, const char *hash);
struct ward_folder *ward_folder(struct ward *w, uint64_t op);
/* "": none */
const char *ward_claim_row(struct ward *w, uint64_t op);
const char *ward_vote_row(struct ward *w, uint64_t op);
bool ward_logged(const struct ward *w, const char *text);

#endif

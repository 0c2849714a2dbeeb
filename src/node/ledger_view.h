/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node reads in its own copy of the ledger: a table of questions, answered by the state
 * (ledger_view_of) or by a test. Nothing here leaves the machine. What is pointed to lives until
 * the next entry is applied.
 */
#ifndef NODE_LEDGER_VIEW_H
#define NODE_LEDGER_VIEW_H

#include "ledger/heal.h"
#include "node/effect.h"

#define PORTS_ROOM 64

/* An epoch: its anchor, and today's parameters. */
struct epoch_facts {
	uint64_t epoch, start, end;
	uint64_t height; /* applied; what bounds the age of a ticket when end is 0 */
	uint8_t seed[SEED_ROOM];
	size_t seed_len;
	unsigned mode; /* of enforcement; 0: no challenges */
	bool enabled;
	uint64_t recent_max, old_min; /* blocks */
	uint64_t tick_interval_ms;
	unsigned k, range_length;   /* 0: the standard ones */
	uint16_t ports[PORTS_ROOM]; /* that every node has open */
	size_t port_count;
	size_t nodes; /* active ones */
};

/* A row of somebody's report. */
struct reported {
	const char *challenger, *target, *ticket, *transcript;
	unsigned result;
};

#define COMMITTEE_ROOM 32

/* The last tick, and who may make the next one. */
struct tick_facts {
	uint64_t height, time_ms, interval_ms;
	uint64_t seq; /* applied, and the running hash behind it */
	uint8_t log[32];
	unsigned member_count;	       /* of the committee in force, in order of ids */
	int self;		       /* which of them asks; -1: none */
	bool excluded[COMMITTEE_ROOM]; /* made one of the last ticks */
	char tip[65];		       /* of `self` */
};

enum recheck_taken {
	TAKEN_NONE,
	TAKEN_OURS,    /* this node's */
	TAKEN_ANOTHER, /* somebody else's: no other will be taken */
};

/* What bounds the work of heal ops: today's parameters, and where the network stands. */
struct heal_terms {
	unsigned mode; /* 0: nothing is begun */
	uint64_t epoch, height;
	uint64_t epoch_zero, epoch_length; /* heights */
	uint64_t tick_interval_ms;
};

struct ledger_view {
	/* The epoch under way; false while there is none. */
	bool (*current)(void *ctx, struct epoch_facts *out);
	/* False when its anchor is not there (any more). */
	bool (*epoch)(void *ctx, struct epoch_facts *out, uint64_t epoch);
	/* The accounts that `self` has to examine in that epoch, each once; 0 or a code. */
	int (*targets)(void *ctx, uint64_t epoch, const char *self,
		       void (*each)(void *arg, const char *target), void *arg);
	/* The tickets of a target that the epoch may challenge; 0 or a code. */
	int (*tickets)(void *ctx, uint64_t epoch, const char *target,
		       void (*each)(void *arg, const char *ticket, uint64_t height), void *arg);
	/* NULL when there is none. */
	const struct ticket *(*ticket)(void *ctx, const char *id);
	const struct node *(*node)(void *ctx, const char *account);
	/* Is the account's report of that epoch on the ledger? */
	bool (*has_report)(void *ctx, uint64_t epoch, const char *account);
	/* The failed rows of all reports of an epoch; 0 or a code. */
	int (*failed_rows)(void *ctx, uint64_t epoch,
			   void (*each)(void *arg, const struct reported *row), void *arg);
	/* What the ledger has of rechecks of that row. */
	enum recheck_taken (*rechecked)(void *ctx, const struct reported *row, uint64_t epoch,
					const char *self);
	/* False while there is no tick to follow. */
	bool (*tick)(void *ctx, struct tick_facts *out, const char *self);
	/*
	 * Heal ops. 0 or more is an answer, and so is NOTFOUND: there is none. Every other code is
	 * a read that failed and says nothing about the ledger.
	 */
	int (*heal_op)(void *ctx, const struct heal_op **out, uint64_t id);
	/* A page, as heal_ops_by_status: out has room for HEAL_PAGE_MAX; their number, or a code.
	 */
	int (*heal_ops)(void *ctx, const struct heal_op **out, uint64_t *cursor,
			enum heal_status status);
	int (*heal_vote)(void *ctx, bool *verified, uint64_t op, const char *verifier);
	int (*heal_terms)(void *ctx, struct heal_terms *out);
	void *ctx;
};

/* Over a state, which must outlive it. */
struct ledger_view ledger_view_of(struct state *state);

#endif

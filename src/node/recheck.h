/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rechecks: failed challenges of others, repeated. The finder reads the reports in the node's own
 * copy of the ledger; each recheck runs beside the epoch's challenges with a buffer of its own, so
 * neither waits for the other and nothing of it gets into the report (docs/epochs.md, "Rechecks").
 */
#ifndef NODE_RECHECK_H
#define NODE_RECHECK_H

#include "node/ctx.h"
#include "node/exam.h"
#include "node/recheck_store.h"

struct recheck_settings {	  /* 0: the standard value */
	uint64_t lookback;	  /* epochs: 7 */
	unsigned per_turn_max;	  /* candidates: 5 */
	uint64_t interval_ms;	  /* 60000 */
	unsigned failures_max;	  /* of one candidate: 3 */
	uint64_t failures_ttl_ms; /* since the last one: 900000 */
	unsigned timeout_ms;	  /* of one call: 30000 */
};
void recheck_settings_standard(struct recheck_settings *s);

struct recheck_candidate {
	struct recheck_key key;
	char challenged[65]; /* its transcript hash */
	char reporter[ACCOUNT_ROOM];
	unsigned result;
};

/* --- finding
 * ---------------------------------------------------------------------------------------------------
 */

/* Usable: everything there, a class that may be rechecked, neither against nor by ourselves. */
bool recheck_usable(const struct recheck_candidate *c, const char *self);

struct recheck_cache; /* usable rows by epoch; those of epochs that are over do not change */
struct recheck_search {
	struct node_ctx *ctx;
	struct recheck_cache *cache;
	const struct recheck_store *store;
	uint64_t epoch_now, lookback;
	size_t nodes; /* of the network; 0: unknown */
	/* What is under way already; may be NULL. */
	bool (*busy)(const void *arg, const struct recheck_key *key);
	const void *arg;
};
/*
 * Candidates, newest epoch first, at most max: those that neither the store nor the ledger knows a
 * recheck of, and whose turn of this node has come. 0 or a code.
 */
int recheck_find(struct recheck_candidate *out, size_t *n, size_t max,
		 const struct recheck_search *search);
/*
 * The ledger takes one recheck of a row, so not all nodes go at once: each draws a number, a few
 * may go in the search that finds the row first, and twice as many in each one after it.
 */
bool recheck_turn_came(const char *self, const char *transcript, size_t nodes, uint64_t searches);
struct recheck_cache *recheck_cache_new(void);
void recheck_cache_free(struct recheck_cache *cache);

/*
 * Does the ledger know a recheck that makes another one useless? A row that this node has of it is
 * brought up to date.
 */
bool recheck_known(struct node_ctx *ctx, const struct recheck_store *store,
		   const struct recheck_candidate *c);

/* --- submitting
 * ------------------------------------------------------------------------------------------------
 */

/* What was found out. */
struct recheck_result {
	char transcript[65];
	unsigned result;
};
/*
 * Judges, writes the intent down, and sends. 0 with *says SUBMITTED: the entry is on its way; 0
 * with another *says: that is the end, and a good one. A code otherwise; *says is RECHECK_SAYS when
 * not even the store was asked.
 */
int recheck_submit(enum recheck_says *says, const struct node_ctx *ctx,
		   const struct recheck_store *store, const struct recheck_candidate *candidate,
		   const struct recheck_result *result, uint64_t epoch_now, uint64_t lookback,
		   uint64_t cookie, uint64_t now_ms, struct effects *out);
/* The entry's outcome into the store. 0 or a code that counts as a failed attempt. */
int recheck_settle(enum recheck_says *says, const struct recheck_store *store,
		   const struct recheck_key *key, const struct entry_outcome *outcome);

/* --- the part
 * --------------------------------------------------------------------------------------------------
 */

struct recheck_job;
struct recheck {
	struct node_ctx *ctx;
	struct recheck_settings settings;
	struct recheck_store store;
	struct recheck_cache *cache;
	struct recheck_job *jobs;
	size_t n, room;
	uint64_t due_ns;
};

void recheck_init(struct recheck *r, struct node_ctx *ctx, const struct recheck_store *store,
		  const struct recheck_settings *settings);
void recheck_free(struct recheck *r);

/* When due: finds candidates and begins them. facts are those of the epoch under way. */
void recheck_turn(struct recheck *r, const struct epoch_facts *facts, struct moment now,
		  struct effects *out);
void recheck_resolved(struct recheck *r, uint64_t cookie, enum resolve_end end,
		      const struct resolved *artifact, struct moment now, struct effects *out);
void recheck_asked(struct recheck *r, uint64_t cookie, const struct ask_result *result,
		   struct moment now, struct effects *out);
/* Gives up what is being executed; what was sent still gets its verdict. */
void recheck_stop(struct recheck *r);
void recheck_verdict(struct recheck *r, uint64_t cookie, const struct entry_outcome *outcome,
		     struct moment now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a node remembers of its rechecks: a table of calls over its database, or over a test's. */
#ifndef NODE_RECHECK_STORE_H
#define NODE_RECHECK_STORE_H

#include "node/effect.h"

enum recheck_status {
	RECHECK_PENDING = 1, /* about to be sent, outcome unknown */
	RECHECK_DONE,	     /* on the ledger: "submitted" */
	RECHECK_CLOSED,	     /* somebody else's was first */
};

/* One recheck of this node. */
struct recheck_key {
	uint64_t epoch;
	char ticket[TICKET_ROOM], target[ACCOUNT_ROOM];
};
struct recheck_row {
	struct recheck_key key;
	char challenged[65], recheck[65]; /* transcript hashes */
	unsigned result;
};

/* All return 0 or a code. */
struct recheck_store {
	/* A new pending row. EXISTS: *there is its status, and nothing was changed. */
	int (*stage)(void *ctx, enum recheck_status *there, const struct recheck_row *row,
		     uint64_t now_ms);
	/* Hashes and class of a pending row. */
	int (*renew)(void *ctx, const struct recheck_row *row, uint64_t now_ms);
	int (*mark)(void *ctx, const struct recheck_key *key, enum recheck_status status);
	/* Only a pending row goes. */
	int (*drop)(void *ctx, const struct recheck_key *key);
	/* NOTFOUND. A row without a target is there for every target of the ticket. */
	int (*find)(void *ctx, enum recheck_status *status, const struct recheck_key *key);

	/* Failed attempts that are not forgotten yet; 0 without any. */
	int (*failures)(void *ctx, unsigned *count, const struct recheck_key *key, uint64_t now_ms);
	int (*failed)(void *ctx, const struct recheck_key *key, const char *error,
		      uint64_t expires_ms);
	int (*purge)(void *ctx, uint64_t now_ms);
	void *ctx;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a node remembers of its claims and votes: a table of calls over its database. */
#ifndef NODE_HEAL_STORE_H
#define NODE_HEAL_STORE_H

#include "ledger/heal.h"
#include "node/effect.h"

enum heal_row_status {
	HEAL_ROW_PENDING = 1, /* about to be sent, outcome unknown */
	HEAL_ROW_SUBMITTED,   /* the ledger took it */
};
struct heal_claim_row {
	uint64_t op;
	char ticket[TICKET_ROOM];
	char hash[HEAL_HASH_ROOM]; /* of the manifest: of the file */
	enum heal_row_status status;
};
struct heal_vote_row {
	uint64_t op;
	bool verified;
	char hash[HEAL_HASH_ROOM];
	enum heal_row_status status;
};

/* All return 0 or a code. Each is one transaction. Votes are those of this node. */
struct heal_store {
	/* A new pending row. EXISTS: there is one of that op, and nothing was changed. */
	int (*claim_put)(void *ctx, const struct heal_claim_row *row, uint64_t now_ms);
	int (*claim_find)(void *ctx, struct heal_claim_row *out, uint64_t op); /* NOTFOUND */
	/* At most room rows, those of the ops behind `after`, by op. */
	int (*claims)(void *ctx, struct heal_claim_row *out, size_t *n, size_t room,
		      uint64_t after);
	int (*claim_mark)(void *ctx, uint64_t op); /* submitted */
	int (*claim_drop)(void *ctx, uint64_t op, bool pending_only);

	int (*vote_put)(void *ctx, const char *self, const struct heal_vote_row *row,
			uint64_t now_ms);
	int (*vote_find)(void *ctx, const char *self, struct heal_vote_row *out, uint64_t op);
	int (*votes)(void *ctx, const char *self, struct heal_vote_row *out, size_t *n, size_t room,
		     uint64_t after);
	int (*vote_mark)(void *ctx, const char *self, uint64_t op);
	int (*vote_drop)(void *ctx, const char *self, uint64_t op, bool pending_only);
	void *ctx;
};

#endif

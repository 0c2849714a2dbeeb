/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the epoch's work share: who we are, the ledger's copy, the key, the counters.
 */
#ifndef NODE_CTX_H
#define NODE_CTX_H

#include "base/log.h"
#include "node/counters.h"
#include "node/ledger_view.h"
#include "node/row.h"

/* Who asked: the first byte of a cookie, so that an outcome finds its way back. */
enum node_part {
	PART_CHALLENGE = 1,
	PART_RECHECK,
	PART_REPORT,
	PART_RESOLVE,
	PART_TICKER,
	PART_PRESENCE,
	PART_HEAL,
};

struct node_ctx {
	char self[ACCOUNT_ROOM];
	struct ledger_view ledger;
	struct signer signer;
	struct log log;
	struct counters counters;
	uint64_t cookies; /* given so far */
};

static inline uint64_t ctx_cookie(struct node_ctx *ctx, enum node_part part)
{
	return (uint64_t)part << 56 | ++ctx->cookies;
}

static inline enum node_part cookie_part(uint64_t cookie)
{
	return (enum node_part)(cookie >> 56);
}

#endif

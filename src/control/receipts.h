/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The method that asks a holder for its receipt (docs/protocol.md, "Receipt"): the description of
 * the ticket is read from the store, the ledger says who its holders will be, the artifacts are
 * looked up, and only then this node signs. Reading is the store thread's, the rest control's.
 */
#ifndef CONTROL_RECEIPTS_H
#define CONTROL_RECEIPTS_H

#include "control/control.h"
#include "ledger/state.h"
#include "node/holder.h"

#define CALL_RECEIPT	    1	  /* number of the method */
#define RECEIPT_ANSWER	    96	  /* digest, signature */
#define RECEIPT_DESCRIPTION 65536 /* bytes at most */

struct receipts;
/* Registers the method. NULL when out of memory. */
struct receipts *receipts_new(struct control *c);
void receipts_free(struct receipts *r);

/* Bytes of an artifact as holder_bytes.read has them; ctx is the store. [store's owner] */
int receipt_read(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32], uint64_t size_max);

/* --- receipt_plan.c: what the description and the ledger say together */
struct receipt_plan {
	struct holder_ticket told; /* points into the rest */
	char *ticket;
	uint64_t placement_epoch;
	char *data_hash, *signatures;
	struct texts index_ids, holders;
};
/* HOLDER_SIGNS when it is there; else why not. */
enum holder_reason receipt_plan_make(struct receipt_plan *out, struct state *s, const char *text,
				     size_t len);
/* What the ledger says of a ticket that it has placed. */
enum holder_reason receipt_plan_placed(struct receipt_plan *out, struct state *s,
				       const struct ticket *t);
void receipt_plan_free(struct receipt_plan *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ticket as threads are told of it, which see no ledger: what is recorded of its coding, and who
 * holds which of its artifacts. The control thread fills it in from the node's copy of the ledger.
 */
#ifndef CONTROL_HOLDERS_H
#define CONTROL_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/client.h"
#include "node/own_artifacts.h"

#define HOLDERS_MAX 64
#define SELF	    UINT32_MAX /* in place of a node's number: this node */

/* Another node that holds artifacts. */
struct ticket_node {
	char account[ASSAY_ACCOUNT_MAX + 1];
	char address[128];
	uint8_t session_key[33], identity[32];
};

/* How the artifacts of a ticket are dealt. */
struct ticket_deal {
	uint32_t holders;	       /* positions */
	uint32_t node[HOLDERS_MAX];    /* number in other, or SELF */
	uint32_t copies[3], counts[3]; /* by class: 1 INDEX, 2 SYMBOL */
	struct ticket_node other[HOLDERS_MAX];
	uint32_t others;
};

/* What the ledger records of the coding. */
struct ticket_facts {
	uint64_t size;
	uint32_t ic, max, ratio;
	char data_hash[45];
	char (*index_ids)[45];
	char *signatures;
	uint8_t creator[32]; /* key */
};
void ticket_facts_free(struct ticket_facts *f);

/* The copy-th holder of an artifact. */
static inline uint32_t deal_holder(const struct ticket_deal *d, unsigned class, uint32_t ordinal,
				   uint32_t copy)
{
	return d->node[((uint64_t)ordinal * d->copies[class] + copy) % d->holders];
}
/* This node's position, or d->holders. */
uint32_t deal_own(const struct ticket_deal *d);
/* The node as sessions want it; the texts stay the node's. */
void deal_peer(struct assay_peer *out, const struct ticket_node *node);

/* --- holders_take.c: of the control thread, from the node's copy of the ledger */
struct node;
struct state;
struct texts;
struct ticket;
/* False when the ledger's record of the node has no keys or no address. */
bool deal_node(struct ticket_node *out, const struct node *node);
/* The holders in order, and which of them is this node. */
bool deal_fill(struct ticket_deal *d, struct state *s, const char *self,
	       const struct texts *holders, uint64_t index_copies, uint64_t symbol_copies);
/* A recorded ticket, with its holders. False when the record names no file that can be got. */
bool ticket_take(struct ticket_facts *f, struct ticket_deal *d, struct state *s, const char *self,
		 const struct ticket *t);

#endif

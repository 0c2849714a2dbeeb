/* SPDX-License-Identifier: Apache-2.0 */
/* The state behind ledger/state.h: tables, pointers into them, indexes. */
#ifndef LEDGER_STATE_IMPL_H
#define LEDGER_STATE_IMPL_H

#include <sys/queue.h>

#include "ledger/names.h"
#include "ledger/rules.h"

#define VERDICT_SLOTS 256 /* more than verdict_keep_epochs can be */

RB_HEAD(rehome_order, ticket);
LIST_HEAD(closed_tickets, ticket);

struct state {
	struct state_config config;
	struct tables *tables;
	struct state_origin origin; /* seq and log go on with every entry */
	char net_hex[65];
	struct scores *scores;

	/* Into the tables, for speed; state_index sets them. */
	struct meta *meta;
	struct params *params;
	struct committee *committee; /* in force */
	struct committee *pending;   /* proposed or acknowledged, or NULL */

	/* Indexes. */
	struct names keys;	    /* identity and session keys: struct node */
	struct names holders;	    /* accounts: struct holder of ticket_index.c */
	struct rehome_order rehome; /* open tickets with holders gone or the flag */
	struct closed_tickets closed;
	struct verdict *verdicts[VERDICT_SLOTS]; /* lists by epoch modulo VERDICT_SLOTS */
};

/* BIP-340 over 32 bytes, by a key in hex. */
bool state_verify(struct state *s, const uint8_t sig[64], const uint8_t message[32],
		  const char *key_hex);
/* Sets pointers and indexes anew after records were loaded. */
void state_index(struct state *s);
/* A message's verdict becomes a record. */
void verdict_record(struct state *s, const char *id, uint64_t epoch, unsigned code,
		    const char *reason);
void verdict_index(struct state *s, struct verdict *v);
void prune_verdicts(struct state *s, uint64_t epoch);

/* --- nodes --- */
void node_index(struct state *s, struct node *node);
/* ACTIVE or STORAGE_FULL. */
bool node_working(const struct node *node);
/* Accounts of the nodes that are so, sorted. */
void accounts_that(struct state *s, struct texts *out, bool (*so)(const struct node *node));

/* --- committees --- */
bool committee_keyless(const struct committee *c);
struct committee_member *committee_member(const struct committee *c, const char *account);
/* In force in that epoch; NULL before the first. */
struct committee *committee_of_epoch(struct state *s, uint64_t epoch);
/* What is wrong with the data of a proposal or of genesis, in words; NULL: nothing. */
const char *committee_fault(struct state *s, const json_t *data);
/* The first committee. */
void committee_found(struct state *s, const json_t *data);
/* Lists of member ids, ascending. */
bool ids_have(const uint64_t *ids, size_t n, uint64_t id);
void ids_add(uint64_t **ids, size_t *n, uint64_t id);
/* The tick that ends an epoch was applied: the acknowledged one takes over. */
void committee_rotate(struct state *s, uint64_t epoch);

/* --- epochs --- */
uint64_t state_epoch_at(const struct state *s, uint64_t height);
/* The last height of the epoch. */
uint64_t state_epoch_last(const struct state *s, uint64_t epoch);
void epoch_end(struct state *s, uint64_t epoch);
void epoch_start(struct state *s, uint64_t epoch);

/* --- presence --- */
void presence_first_seen(struct state *s, const char *account);
/* Online since before the epoch began, and no report of it. */
void presence_missing(struct state *s, uint64_t epoch);

/* --- seals --- */
void prune_seals(struct state *s, uint64_t epoch);
void trailer_genesis(struct state *s);

/* --- tickets --- */
/* Into and out of the index; holders, flag and state change only in between. */
void ticket_index(struct state *s, struct ticket *t);
void ticket_unindex(struct state *s, struct ticket *t);
/* The account came, or its state changed: tickets count how many of their holders are gone. */
void holder_update(struct state *s, const char *account);
void ticket_indexes_clear(struct state *s);
/*
 * Counts, ratio, copies and holders of a genesis ticket, as far as they are absent; NULL, or what
 * is wrong with it.
 */
const char *ticket_complete(struct state *s, struct ticket *t, const struct texts *active);
void prune_tickets(struct state *s, uint64_t epoch);

#endif

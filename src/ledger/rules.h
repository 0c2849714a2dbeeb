/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the entries, one function per type, called by the dispatch (rules.c) after the
 * checks (a) to (e) of docs/ledger.md, "Entries". Each checks everything first, then changes the
 * tables, and returns the verdict's code; *reason is set to a fixed word when the code has one.
 */
#ifndef LEDGER_RULES_H
#define LEDGER_RULES_H

#include <jansson.h>

#include "crypto/digest.h"
#include "ledger/params.h"
#include "ledger/placement.h"
#include "ledger/state.h"
#include "ledger/text.h"

enum verdict_code {
	VERDICT_OK = 0,
	VERDICT_BAD_SIGNER = 1,
	VERDICT_BAD_EPOCH = 2,
	VERDICT_DUPLICATE_REPORT = 4,
	VERDICT_BAD_OBSERVATIONS = 5,
	VERDICT_PORT_LIST = 6,
	VERDICT_REPORTER_UNKNOWN = 7,
	VERDICT_REPORTER_STATE = 8,
	VERDICT_BAD_PROOFS = 9,
	VERDICT_BAD_RECHECK = 10,
	VERDICT_HEAL_OP_UNKNOWN = 11,
	VERDICT_HEAL_OP_UNAUTHORIZED = 12,
	VERDICT_HEAL_OP_STATE = 13,
	VERDICT_HEAL_OP_TICKET = 14,
	VERDICT_HEAL_VOTE_EXISTS = 15,
	VERDICT_ARTIFACT_COUNT = 16,
	VERDICT_HEAL_VOTE_INVALID = 17,
	VERDICT_HOST_METRIC = 18,
	VERDICT_MALFORMED = 19,
	VERDICT_UNAUTHORIZED = 20,
	VERDICT_TICK = 21,
	VERDICT_EPOCH = 22,
	VERDICT_REGISTRY = 23,
	VERDICT_TICKET = 24,
	VERDICT_SEAL = 25,
	VERDICT_PARAMS = 26,
	VERDICT_COMMITTEE = 27,
};

/* The entry whose rules run. */
struct entry_ctx {
	const char *author; /* an account, or "authority" */
	uint64_t n;	    /* the entry's n */
};

/* Refuses with a code and a reason. */
static inline unsigned refuse(const char **reason, unsigned code, const char *word)
{
	*reason = word;
	return code;
}

typedef unsigned rule_fn(struct state *s, const struct entry_ctx *ctx, const json_t *data,
			 const char **reason);

rule_fn apply_tick, apply_node_add, apply_node_update, apply_node_state, apply_authority,
	apply_params, apply_committee, apply_committee_ack, apply_start, apply_stop, apply_attest,
	apply_seal, apply_ticket, apply_ticket_close, apply_rehome;
/* The score rules (docs/scores.md). */
rule_fn apply_report, apply_recheck, apply_heal_claim, apply_heal_vote, apply_heal_published;

/*
 * Epoch-end work of epoch E in the order of docs/ledger.md; height and time are still those of the
 * last tick. score_epoch_end: enforcement, ordinary rules, divergence, clean epochs, expiry and
 * scheduling of heal ops, in that order. prune_scores: facts, anchors, reports, transcripts,
 * rechecks, failed heals, final ops, ticket records of scores.
 */
void score_epoch_end(struct state *s, uint64_t epoch);
void prune_scores(struct state *s, uint64_t epoch);
/*
 * What the score rules keep beside the tables: second orders and the epoch's assignment. Made and
 * freed with the state; scores_load once all records of a genesis document or a snapshot are in.
 */
struct scores;
struct scores *scores_new(void);
void scores_free(struct scores *scores);
void scores_load(struct state *s);
struct scores *state_scores(struct state *s);

/* --- what the rules use of the state --- */
struct tables *state_tables(struct state *s);
struct meta *state_meta(struct state *s); /* never NULL after genesis */
/* params_current(state_tables(s)). */
struct params *state_params(struct state *s);
/* Members of `data` after the shape check: never fail for members that must be there. */
const char *data_text(const json_t *data, const char *name); /* "" when absent */
uint64_t data_number(const json_t *data, const char *name);  /* 0 when absent */
bool data_flag(const json_t *data, const char *name);
/* BIP-340 over T(tag, message parts) by a key or signature given as hex text; false for bad hex. */
bool state_verify_tagged(struct state *s, const char *sig_hex, const char *key_hex, const char *tag,
			 const struct sha256_part *parts, size_t n);
void state_event(struct state *s, const struct state_event *event);
/* An event of the score rules by name; texts may be NULL. */
void state_event_named(struct state *s, const char *name, const char *account, const char *ticket);

struct node *node_find(struct state *s, const char *account);
/*
 * The only way to change a node's state: keeps the indexes (holders that left, per ticket) and the
 * event. The caller has checked that the change is allowed.
 */
void node_set_state(struct state *s, struct node *node, enum node_state state);
/* True for ACTIVE, STORAGE_FULL, POSTPONED: nodes that are challenged. */
bool node_challengeable(const struct node *node);

/* --- presence --- */
enum presence_kind {
	PRESENCE_FIRST_SEEN = 1,
	PRESENCE_RESTART,
	PRESENCE_ONLINE,
	PRESENCE_OFFLINE,
	PRESENCE_MISSING,
};
/* The account is in that status (one of the last three) from now on; an accepted report: ONLINE. */
void presence_status(struct state *s, const char *account, enum presence_kind kind);

/* --- tickets --- */
struct ticket *ticket_find(struct state *s, const char *id);
/* Open and ready before this epoch: may be challenged in it. */
bool ticket_challengeable(const struct ticket *t, uint64_t epoch);
/* Position of the account in the ticket's list of holders, -1 when it is none. */
int ticket_position(const struct ticket *t, const char *account);
/* The ordinal of a class lies on that position (docs/ledger.md, "Placement"). */
bool ticket_places(const struct ticket *t, unsigned artifact_class, uint64_t ordinal, int position);
/* Total of a class; 0 for a class that does not exist. */
uint64_t ticket_count(const struct ticket *t, unsigned artifact_class);
uint64_t ticket_copies(const struct ticket *t, unsigned artifact_class);
/*
 * The holders that the ticket would have after an entry with this data, which is of type ticket or,
 * `published`, heal_published. False when its placement would be refused. Changes nothing.
 */
bool ticket_holders(struct state *s, struct texts *out, const char *ticket, const json_t *data,
		    bool published);
/*
 * The ticket's part of heal_published: UNKNOWN, CLOSED, PLACEMENT, RECEIPT, and when none of these
 * the new holders. Checks everything before it changes anything.
 */
unsigned ticket_publish(struct state *s, const char *ticket, const json_t *data,
			const char **reason);
/*
 * Open tickets of a holder, by the holder index, in order of ids: each returns false to stop.
 */
void tickets_of_holder(struct state *s, const char *account,
		       bool (*each)(void *arg, struct ticket *ticket), void *arg);
/*
 * Open tickets whose holders left or that are flagged: those with rehome or gone > 0, most holders
 * gone first, then id. The scheduler takes from its head (docs/ledger.md, "Holders that leave").
 */
void tickets_to_rehome(struct state *s, bool (*each)(void *arg, struct ticket *ticket), void *arg);

#endif

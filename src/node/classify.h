/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an outcome counts as: the class of a result that goes into a row, and the kind of a verdict
 * of the ledger. Both are decided here and nowhere else (docs/epochs.md, "Classes").
 */
#ifndef NODE_CLASSIFY_H
#define NODE_CLASSIFY_H

#include "ledger/score.h"
#include "node/effect.h"

#define RESULT_NONE    0 /* beside the classes of ledger/score.h */
#define RESULT_CLASSES 8

/* "storage_proof_result_class_pass": the labels of metrics. */
const char *result_label(unsigned class);
/* "PASS", "HASH_MISMATCH", ...: for people. */
const char *result_name(unsigned class);

/* Class of a challenge that was asked; NONE for ASK_OURS. */
unsigned classify_ask(const struct ask_result *result);
/* What a recheck says about the row that it repeats. */
unsigned classify_recheck(unsigned outcome);

/* What the ledger, or its absence, said to an entry. */
enum ledger_says {
	SAYS_ACCEPTED,
	SAYS_TRANSIENT,	      /* undecided: the same entry may still be accepted */
	SAYS_REPORT_THERE,    /* this epoch's report is on the ledger */
	SAYS_TOO_LATE,	      /* the report's epoch is over */
	SAYS_RECHECK_THERE,   /* this node's recheck is on the ledger */
	SAYS_RECHECK_FOREIGN, /* somebody else's was first; no other is ever taken */
	SAYS_REFUSED,
};
enum ledger_says classify_verdict(const struct entry_outcome *outcome);

/* The same of a claim or a vote of a heal op (docs/healing.md, "Outcomes"). */
enum heal_says {
	HEAL_SAYS_ACCEPTED,
	HEAL_SAYS_TRANSIENT, /* not on the ledger, or not known to be: may be sent again */
	HEAL_SAYS_PAST_DEADLINE,
	HEAL_SAYS_EXISTS, /* this node's vote is on the ledger */
	HEAL_SAYS_STATE,  /* the op is not where the message belongs */
	HEAL_SAYS_REJECTED,
	HEAL_SAYS_KEPT, /* rejected for something that is no fault of the op or the staged files */
	HEAL_SAYS_INDETERMINATE,
	HEAL_SAYS
};
enum heal_says classify_heal(const struct entry_outcome *outcome);

#endif

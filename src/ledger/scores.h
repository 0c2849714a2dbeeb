/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scores of nodes, reporters and tickets, and the facts they rest on (docs/scores.md). Inside
 * the ledger module: entries come in through ledger/rules.h.
 */
#ifndef LEDGER_SCORES_H
#define LEDGER_SCORES_H

#include "ledger/assign.h"
#include "ledger/index.h"
#include "ledger/rules.h"
#include "ledger/score.h"

struct scores {
	struct index index;
	struct assignment assignment;
};

/* A row of a report, or what a recheck makes of one. Texts are never NULL. */
struct result {
	const char *target, *ticket, *key, *derivation, *transcript, *sig;
	uint64_t bucket, artifact_class, ordinal, count;
	uint64_t class; /* enum result_class */
};

/* Records the transcripts, then applies the results in their order (nothing in mode 0). */
void results_apply(struct state *s, const char *reporter, uint64_t epoch,
		   const struct result *results, size_t n);
/* Applies the results alone. */
void scores_apply(struct state *s, const char *reporter, uint64_t epoch,
		  const struct result *results, size_t n);

/* Decayed to the epoch; 0 without a record. */
int64_t node_suspicion_at(struct state *s, const char *account, uint64_t epoch);
int64_t reporter_reliability_at(struct state *s, const char *account, uint64_t epoch);

void reporter_update(struct state *s, const char *account, uint64_t epoch, int64_t delta,
		     uint64_t contradictions);
/* A prober left out observations that it was assigned. */
void reporter_incomplete(struct state *s, const char *account, uint64_t epoch);
/* By these parameters, may the account not challenge in this epoch? Never so in mode 0. */
bool reporter_ineligible(struct state *s, const struct params *p, const char *account,
			 uint64_t epoch);
/* Epoch end: reporters far above the median share of failures; those with clean epochs. */
void reporters_diverge(struct state *s, uint64_t epoch);
void reporters_recover(struct state *s, uint64_t epoch);

#endif

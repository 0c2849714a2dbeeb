/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of scores (docs/scores.md): integers only, additions saturate, divisions truncate
 * toward zero. No state is touched here.
 */
#ifndef LEDGER_SCORE_H
#define LEDGER_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/wire.h"
#include "ledger/params.h"

enum result_class {
	RESULT_PASS = 1,
	RESULT_HASH_MISMATCH,
	RESULT_TIMEOUT, /* or no response */
	RESULT_OBSERVER_QUORUM_FAIL,
	RESULT_NO_ELIGIBLE_TICKET,
	RESULT_INVALID_TRANSCRIPT,
	RESULT_RECHECK_CONFIRMED_FAIL,
};

/* Everything that says the target did not prove what it was asked for. */
bool result_failure(uint64_t class);
bool result_class_a(uint64_t class); /* wrong bytes */
bool result_class_b(uint64_t class); /* no answer */
/* May others repeat the challenge? */
bool result_recheckable(uint64_t class);

int64_t score_add(int64_t a, int64_t b);
/* What is left of a score after n epochs at so many per mille an epoch. */
int64_t score_decay(int64_t score, uint64_t per_mille, uint64_t epochs);
/* value * num / den; unchanged from num = den on, 0 from num = 0 down. */
int64_t score_scale(int64_t value, int64_t num, int64_t den);
/* Per cent of a mismatch's deltas that a reporter of this (decayed) reliability score is worth. */
int64_t score_trust_percent(int64_t reliability);
/* First epoch of the window that ends at epoch; 0 epochs long means all. */
uint64_t score_window_start(uint64_t epoch, uint64_t window);
/* How far a is above b; 0 when it is not. */
static inline uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

struct score_deltas {
	int64_t node, reporter, ticket;
};
struct score_deltas score_base(uint64_t class, uint64_t bucket, uint64_t artifact_class);

enum trust_band { /* numbers as recorded, not in order of severity */
		  TRUST_NORMAL = 1,
		  TRUST_LOW,
		  TRUST_INELIGIBLE,
		  TRUST_DEGRADED,
};
enum trust_band score_trust_band(const struct params *p, int64_t reliability);

enum node_band { BAND_NONE, BAND_WATCH, BAND_PROBATION, BAND_POSTPONE, BAND_STRONG };
enum node_band score_node_band(const struct params *p, int64_t suspicion);

#define HEAL_VERIFIERS_MAX 32
/*
 * Who heals a ticket: positions among n eligible accounts, n >= 1, the healer's first, then those
 * of at most `verifiers` others behind it, around the end. Returns their number.
 */
size_t score_heal_pick(size_t out[1 + HEAL_VERIFIERS_MAX], const char *ticket, uint64_t epoch,
		       size_t n, uint64_t verifiers);

#endif

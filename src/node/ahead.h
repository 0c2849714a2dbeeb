/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of many entries verified in one batch before the entries are applied: those of the
 * entries, and of the rows in reports. What the state machine then asks about is looked up; what
 * was not foreseen (a key that changed within the burst, receipts) is verified singly.
 */
#ifndef NODE_AHEAD_H
#define NODE_AHEAD_H

#include "base/seam.h"
#include "ledger/state.h"

struct ahead;

struct ahead_counters {
	uint64_t batched, found, singles;
};

struct ahead *ahead_new(const struct random *random);
void ahead_free(struct ahead *a);
/* For state_config; valid as long as a is. */
struct state_verifier ahead_verifier(struct ahead *a);
/* Forgets the last burst. */
void ahead_begin(struct ahead *a);
/* The entry and its author's keys as they are now. False when there is no more room: run first. */
bool ahead_add(struct ahead *a, struct state *s, const struct entry *e);
void ahead_run(struct ahead *a);
void ahead_counters(const struct ahead *a, struct ahead_counters *out);

#endif

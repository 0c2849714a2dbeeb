/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an epoch's end (docs/scores.md), in their order; score_epoch_end runs them. */
#ifndef LEDGER_EPOCH_END_H
#define LEDGER_EPOCH_END_H

#include "ledger/rules.h"

enum { MODE_OFF, MODE_SHADOW, MODE_SOFT, MODE_FULL };

/* Postpones nodes and lets them come back. */
void enforce(struct state *s, uint64_t epoch);
/* reporters_diverge, reporters_recover: ledger/scores.h. */
void heal_expire(struct state *s, uint64_t epoch);
void heal_schedule(struct state *s, uint64_t epoch);

/* The report tells more of its disk used than the network allows. */
bool report_disk_full(struct state *s, const struct report *report);

#endif

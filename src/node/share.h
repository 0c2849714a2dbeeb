/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A holder's share of a ticket: which ordinals of a class lie on it (docs/ledger.md, "Placement").
 * Artifacts are dealt over the ordered list of holders, each with its copies, round after round.
 */
#ifndef NODE_SHARE_H
#define NODE_SHARE_H

#include "ledger/record.h"

/*
 * Artifacts of a class, all holders together: 0, or INVAL with *count 0 when one of the classes
 * has none.
 */
int share_total(uint32_t *count, const struct ticket *t, unsigned class);
/* How many ordinals of the class lie on that position of the list. */
uint32_t share_size(const struct ticket *t, unsigned class, unsigned position);
/* The n-th of them in ascending order, n < share_size. */
uint32_t share_ordinal(const struct ticket *t, unsigned class, unsigned position, uint32_t n);

#endif

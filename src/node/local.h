/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node remembers of its own work across a restart, in the node's database
 * (docs/epochs.md, "Local tables"; docs/healing.md, "Rows"). Writes are durable when the
 * transaction that the caller may have open is.
 */
#ifndef NODE_LOCAL_H
#define NODE_LOCAL_H

#include <sqlite3.h>

#include "node/heal_store.h"
#include "node/recheck_store.h"

struct local;

/*
 * Makes the tables, or brings old ones to their present keys, in one transaction. On error why has
 * a sentence for the operator and nothing was changed.
 */
int local_open(struct local **out, sqlite3 *db, char *why, size_t why_room);
void local_close(struct local *l); /* not the database */

/* The newest epoch whose report is known to be on the ledger. NOTFOUND: none yet. */
int local_last_epoch(struct local *l, uint64_t *epoch);
int local_set_last_epoch(struct local *l, uint64_t epoch, uint64_t now_ms);

struct recheck_store local_rechecks(struct local *l);
struct heal_store local_heals(struct local *l);
int local_heal_claims(struct local *l, uint64_t *count);

#endif

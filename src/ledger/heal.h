/* SPDX-License-Identifier: Apache-2.0 */
/* Heal ops: what their rules share, and what others ask about them (docs/scores.md). */
#ifndef LEDGER_HEAL_H
#define LEDGER_HEAL_H

#include "ledger/rules.h"

bool heal_op_final(const struct heal_op *op);
struct heal_op *heal_op_find(struct state *s, uint64_t id);
/* The op of the ticket that is still going on; NULL when there is none. */
struct heal_op *heal_op_open(struct state *s, const char *ticket);
/* The only way to change a status: keeps the order by status, the height and the event. */
void heal_op_set_status(struct state *s, struct heal_op *op, enum heal_status status);
/* A new op, SCHEDULED now, with the next id. */
struct heal_op *heal_op_new(struct state *s, const char *ticket, const char *healer,
			    uint64_t epoch);
/* What the failure of an op, by votes or by its deadline, costs its ticket and its healer. */
void heal_op_charge(struct state *s, struct heal_op *op, uint64_t epoch);

/* base64 of a BLAKE3: how hashes of files are written, and the stand-in of a negative vote. */
#define HEAL_HASH_ROOM 45
void heal_hash_text(char out[HEAL_HASH_ROOM], const uint8_t hash[32]);
/* reason: reason_fetch_failed, reason_hash_compute_failed, reason_hash_mismatch or reason_other,
 * which "" stands for too. */
void heal_negative_hash(char out[HEAL_HASH_ROOM], const char *reason);

#define HEAL_PAGE_MAX 100
/*
 * At most limit ops (0 or more than HEAL_PAGE_MAX: HEAL_PAGE_MAX) from *cursor on, by ascending id.
 * A cursor starts as 0 and ends as 0. Returns their number; INVAL for a status that does not exist.
 */
int heal_ops_by_status(struct state *s, struct heal_op **out, uint64_t *cursor,
		       enum heal_status status, size_t limit);
int heal_ops_by_ticket(struct state *s, struct heal_op **out, uint64_t *cursor, const char *ticket,
		       size_t limit);

#endif

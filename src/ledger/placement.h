/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds what of a ticket (docs/ledger.md, "Tickets and placement"): pure functions, also for
 * the node that puts, serves, challenges or heals.
 */
#ifndef LEDGER_PLACEMENT_H
#define LEDGER_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ledger/table.h"

#define TICKET_ID_LEN	 32
#define TICKET_SIZE_MAX	 UINT64_C(1342177280)
#define PLACEMENT_INDEX	 1 /* classes of artifacts, as in ledger/score.h and on the wire */
#define PLACEMENT_SYMBOL 2

/* Id of a ticket that the creator records in an entry with this n. */
void ticket_id(char out[TICKET_ID_LEN + 1], const char *creator, const char *data_hash, uint64_t n);
/* Symbols of a file: source and repair. */
uint64_t ticket_symbols(uint64_t size, uint64_t ratio);

/* The first `width` of active without skip, in the ticket's order. */
void placement_new(struct texts *out, const char *ticket, const struct texts *active,
		   const struct texts *skip, uint64_t width);
/*
 * The old list with holders that are not active replaced in place. False when there is nobody left
 * to take their place; then out is empty and the list is to be drawn anew.
 */
bool placement_replace(struct texts *out, const char *ticket, const struct texts *old,
		       const struct texts *active, const struct texts *skip);
/* The width that a new list has at most. */
uint64_t placement_width_of(uint64_t placement_width, uint64_t index_count, uint64_t symbol_count);

/*
 * Artifact i of a class lies on the positions (i * c + j) mod holders, j < c, where c =
 * min(copies, holders).
 */
bool placement_on(uint64_t ordinal, uint64_t copies, uint64_t holders, uint64_t position);
/* Ordinals of a class on a position: how many, and the k-th of them, ascending. */
uint64_t placement_share(uint64_t count, uint64_t copies, uint64_t holders, uint64_t position);
uint64_t placement_ordinal(uint64_t k, uint64_t copies, uint64_t holders, uint64_t position);

/*
 * What a holder signs: that it has these artifacts of the ticket. keys_digest is BLAKE3 of its
 * artifacts' 32-byte keys, INDEX then SYMBOL, ordinals ascending.
 */
#define RECEIPT_ROOM 256
size_t receipt_message(uint8_t out[RECEIPT_ROOM], const char *ticket, uint64_t placement_epoch,
		       const char *account, const uint8_t keys_digest[32]);

#endif

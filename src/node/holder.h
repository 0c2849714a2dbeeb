/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a holder does before it signs a receipt (docs/ledger.md, "Receipts"): nobody can be made
 * answerable for what it never had, so it resolves index and layout itself, from bytes that it has,
 * matches every key with its ordinal, and demands all of them durable. Pure but for the bytes that
 * it is given.
 */
#ifndef NODE_HOLDER_H
#define NODE_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/coded.h"

/* A ticket that is to be recorded, or placed anew. */
struct holder_ticket {
	struct coded_record record; /* with the creator's key */
	uint64_t index_count, symbol_count;
	const char *const *holders; /* in placement order, as the ledger will have them */
	size_t holder_count;
	uint64_t index_copies, symbol_copies;
};

/* The node's own store. */
struct holder_bytes {
	/* malloc'd bytes of an artifact, checked against its key: 0, NOTFOUND (not here, not
	 * durable, or rotten), RANGE (more than size_max), NOMEM or IO. */
	int (*read)(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max);
	/* True when the artifact is durable here and stays for the next hour; its size. */
	bool (*hold)(void *ctx, const uint8_t key[32], uint64_t *size);
	void *ctx;
};

/* Why a holder does not sign; numbers go out (docs/protocol.md, "Receipt"). */
#define HOLDER_REASONS(X)                                                                     \
	X(1, NO_LEDGER, "no_ledger", "this node has no ledger that places tickets")           \
	X(2, DESCRIPTION, "description", "the description is not stored here, or not sound")  \
	X(3, PLACEMENT, "placement", "the ledger does not place such a ticket")               \
	X(4, NOT_HOLDER, "not_holder", "this node is none of its holders")                    \
	X(5, COUNTS, "counts", "numbers of artifacts do not follow from size, ratio and max") \
	X(6, INDEX, "index", "the index is not sound, or not signed by the creator")          \
	X(7, LAYOUT_MISSING, "layout_missing", "no layout file of the ticket is stored here") \
	X(8, LAYOUT, "layout", "the layout is not sound, or not signed by the creator")       \
	X(9, MISSING, "missing", "artifacts are not stored here durably")                     \
	X(10, SIZE, "size", "a symbol file has a wrong size")                                 \
	X(11, TROUBLE, "trouble", "the node could not read its disk, or has no memory; try again")

enum holder_reason {
	HOLDER_SIGNS,
#define X(number, constant, name, text) HOLDER_##constant = number,
	HOLDER_REASONS(X)
#undef X
};
/* "missing", ... */
const char *holder_reason_name(unsigned reason);
const char *holder_reason_text(unsigned reason);

struct holder_answer {
	enum holder_reason reason;
	uint8_t digest[32]; /* HOLDER_SIGNS: of the keys, as it goes into the receipt */
	/* HOLDER_MISSING and HOLDER_SIZE: the first such artifact, and how many there are. */
	uint8_t class; /* 1 INDEX, 2 SYMBOL */
	uint32_t ordinal, count;
};

void holder_digest(struct holder_answer *out, const struct holder_ticket *t, const char *account,
		   const struct holder_bytes *bytes);

/*
 * The keys of what lies with that account, whether it is there or not; malloc'd. HOLDER_SIGNS, or
 * why they are not known. Only `read` is asked.
 */
enum holder_reason holder_keys(uint8_t (**keys)[32], size_t *n, const struct holder_ticket *t,
			       const char *account, const struct holder_bytes *bytes);

#endif

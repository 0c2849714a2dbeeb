/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of a ticket's artifacts, from what its record says and one of its layout files. The
 * index is in the record itself, signed by the creator; the layout comes from a node and is taken
 * only when it is the one that the creator signed. (codec/ticket.h calls its part of a record a
 * ticket, as the ledger calls all of it; so the two meet here only.)
 */
#ifndef NODE_CODED_H
#define NODE_CODED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODED_SYMBOL_SIZE 65532 /* octets of every symbol file */

struct coded;

/* Fields of the record, decoded; copied. */
struct coded_record {
	const char *data_hash;	      /* base64 */
	const char *const *index_ids; /* base58, max of them */
	const char *signatures;
	uint64_t size;
	uint32_t ic, max, ratio, symbols;
	uint8_t creator[32]; /* identity key */
};

/* 0, CRYPTO (the index is not the creator's), CORRUPT or NOMEM. */
int coded_new(struct coded **out, const struct coded_record *record);
void coded_free(struct coded *c);

/* Layout files, then index files. NULL past the end. */
const uint8_t *coded_index_key(const struct coded *c, uint32_t ordinal);
/* The proved size of such a file; 0: not known yet. */
uint64_t coded_index_size(const struct coded *c, uint32_t ordinal);
void coded_set_index_size(struct coded *c, uint32_t ordinal, uint64_t size);

bool coded_has_layout(const struct coded *c);
/* Bytes that a layout file may have at most. */
uint64_t coded_layout_size_max(const struct coded *c);
/* Takes a layout file; on an error why says what is wrong with it. */
int coded_take_layout(struct coded *c, const char **why, const uint8_t *data, size_t len);
/* Of the layout; NULL without it or past the end. */
const uint8_t *coded_symbol_key(const struct coded *c, uint32_t ordinal);

/* Memory that it holds. */
size_t coded_bytes(const struct coded *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One row of an epoch report: made, signed, written as JSON (docs/ledger.md, "Reports"). */
#ifndef NODE_ROW_H
#define NODE_ROW_H

#include <jansson.h>

#include "crypto/digest.h"
#include "crypto/sign.h"
#include "node/classify.h"

#define ROW_DETAILS_MAX 256

struct row {
	uint64_t epoch, arrival; /* arrival: of the buffer */
	char target[ACCOUNT_ROOM], challenger[ACCOUNT_ROOM], ticket[TICKET_ROOM];
	unsigned bucket, class, result;
	uint32_t ordinal, count;
	char key[KEY_TEXT_ROOM];
	char derivation[65], transcript[65]; /* hex */
	char signature[129];		     /* hex; a row is nowhere without one */
	char details[ROW_DETAILS_MAX + 1];
};

/* Signs T(tag, parts) with the node's identity key: 0 or an error code. */
struct signer {
	int (*sign)(void *ctx, uint8_t signature[64], const char *tag,
		    const struct sha256_part *parts, size_t n);
	void *ctx;
};

/* For a bucket without anything to challenge; names no ticket. Not signed yet. */
void row_no_eligible(struct row *row, uint64_t epoch, const char *challenger, const char *target,
		     unsigned bucket, const char *details);
/* Fills transcript; compound is NULL for all but PASS. 0 or INVAL. */
int row_transcript(struct row *row, const uint8_t *compound);
/* Fills signature. 0 or what the signer said. */
int row_sign(struct row *row, const struct signer *signer);
/* Copies as many whole characters as fit. */
void row_details(struct row *row, const char *text);
/* A new reference. */
json_t *row_json(const struct row *row);

#endif

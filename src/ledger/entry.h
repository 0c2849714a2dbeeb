/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries as they are stored (docs/ledger.md, "Entry"): canonical JSON with the author's BIP-340
 * signature, and the running hash of the log.
 */
#ifndef LEDGER_ENTRY_H
#define LEDGER_ENTRY_H

#include <jansson.h>
#include <stdbool.h>

#include "crypto/sign.h"
#include "ledger/buf.h"

#define ENTRY_MAX	65536
#define ENTRY_AUTHORITY "authority"

struct entry {
	json_t *document;
	const json_t *data; /* of any shape */
	const char *author, *type, *net;
	uint64_t epoch, n;
	uint8_t id[32]; /* of the body; what is signed */
	uint8_t sig[64];
};

/*
 * False when the bytes are no entry: not canonical, too long, or of other members. The signature
 * is not looked at. entry_free in any case.
 */
bool entry_parse(struct entry *e, const uint8_t *bytes, size_t len);
void entry_free(struct entry *e);

/* What an author says. The same body signed again is the same entry; n tells equal ones apart. */
struct entry_body {
	const char *author, *type;
	const char *net; /* hex of L_0 */
	uint64_t epoch, n;
	const json_t *data;
};
/*
 * Appends the bytes to be stored and gives the message id. ASSAY_E_RANGE when they are longer than
 * ENTRY_MAX; then nothing was appended.
 */
int entry_sign(struct buf *out, uint8_t id[32], const struct sign_key *key,
	       const struct entry_body *body, const uint8_t aux[32]);

/* The engine's duplicate key: BLAKE3 of the stored bytes. */
void entry_hash(uint8_t out[32], const uint8_t *bytes, size_t len);
/* L_seq = BLAKE3(L_(seq-1) ‖ BE64(seq) ‖ entry hash). */
void log_hash(uint8_t out[32], const uint8_t previous[32], uint64_t seq, const uint8_t hash[32]);
/* L_0 of a genesis document. */
void log_hash_genesis(uint8_t out[32], const json_t *document);

#endif

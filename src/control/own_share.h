/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's own share of a ticket's artifacts: out of files into its store, and its receipt
 * beside those of the others.
 */
#ifndef CONTROL_OWN_SHARE_H
#define CONTROL_OWN_SHARE_H

#include <jansson.h>

#include "base/seam.h"
#include "control/deliver.h"
#include "crypto/sign.h"
#include "store/store.h"

struct own_share {
	const struct ticket_deal *deal;
	const uint8_t (*keys[3])[32]; /* by class and ordinal */
	void (*path)(void *ctx, char out[DELIVERY_PATH_ROOM], unsigned class, uint32_t ordinal);
	void *ctx;
	/* How far it is: zero at first. */
	unsigned class;
	uint32_t ordinal;
};
/*
 * Stores the next n artifacts at most. 0 when all of them are there, AGAIN when there are more;
 * CORRUPT when a file is missing or has other bytes than its key says, and then nothing of it is
 * stored; IO when it could not be looked at; or what the store says. On the store's thread.
 */
int own_share_store(struct own_share *s, struct store *store, unsigned n);

struct receipt_signer {
	const char *account;
	const struct sign_key *identity;
	const struct random *random;
};
/*
 * The receipts of an entry: of the positions that sign (NULL: all), in their order, this node's own
 * among them.
 */
json_t *share_receipts(const struct own_share *s, const struct delivered *delivered,
		       const bool *sign, const struct receipt_signer *signer, const char *ticket,
		       uint64_t placement_epoch);
/* {"author", "data", "type"} in canonical form, malloc'd: what holders read before they sign. */
char *share_description(size_t *len, uint8_t key[32], const char *type, const char *author,
			json_t *data);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts out of files to the other holders of a ticket, each its share, and the receipts of
 * those that are to sign one. An artifact that a holder has already is told at once, so doing it
 * again costs little.
 */
#ifndef CONTROL_DELIVER_H
#define CONTROL_DELIVER_H

#include "control/holders.h"

#define DELIVERY_PATH_ROOM 512

/* What became of one of the other nodes. */
struct delivered {
	int error; /* 0: it has its share, and its receipt is here if it was to sign */
	char why[160];
	uint8_t digest[32], signature[64];
};

struct delivery {
	const struct assay_client_config *client; /* with the account */
	const struct ticket_deal *deal;
	const uint8_t (*keys[3])[32]; /* by class and ordinal */
	void (*path)(void *ctx, char out[DELIVERY_PATH_ROOM], unsigned class, uint32_t ordinal);
	/* Octets that holders have, of all; true ends it. Artifacts that one has are counted. */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total, uint64_t stored);
	void *ctx;
	/* By position: who is to sign; NULL: everybody. What they read before is the description.
	 */
	const bool *sign;
	const char *description;
	size_t description_len;
	uint8_t description_key[32];
	/* Out, by number of the other nodes. */
	struct delivered *delivered;
	/* Out: a file is missing, or its bytes are not those of its key. */
	bool lost;
	int ours; /* a code: this node could not read a file that may well be good */
};
/* 0 when all of it was tried, whatever became of each node; CLOSED; or a code of this node's. */
int deliver(struct delivery *d);

/*
 * By the errno of a file of an artifact that cannot be opened or read: it is as good as gone. Not
 * when the process only lacks what it takes.
 */
bool delivery_lost(int error);

#endif

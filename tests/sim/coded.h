/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A coded file as the codec signs it, over symbols of made-up bytes: all of it real artifacts.
 * (Apart from everything else because the codec's part of a ticket is called a ticket, too.)
 */
#ifndef TESTS_SIM_CODED_H
#define TESTS_SIM_CODED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/sign.h"

#define CODED_TICKET_MAX 6 /* layout files, and index files */

struct coded_ticket {
	char data_hash[45]; /* base64 */
	char index_id[CODED_TICKET_MAX][45];
	char *signatures;
	unsigned max, symbols;
};

/* Gives all INDEX artifacts, then all SYMBOLs, each kind in its order. */
void coded_ticket_make(struct coded_ticket *t, const struct sign_key *creator, uint64_t size,
		       void (*take)(void *ctx, bool symbol, unsigned ordinal, const uint8_t key[32],
				    const uint8_t *data, size_t len),
		       void *ctx);
void coded_ticket_free(struct coded_ticket *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Six nodes of known assignment, three tickets, and a report of sn-a that is in order. */
#ifndef TESTS_LEDGER_REPORT_WORLD_H
#define TESTS_LEDGER_REPORT_WORLD_H

#include "ledger/bare.h"

#define EPOCH 40 /* heights 16001..16400; RECENT from 15200 on, OLD up to 4400 */

struct world {
	struct bare bare;
	struct state *s;
	json_t *data;		/* the report of sn-a */
	bool sign_wrongly;	/* the last row */
	const char *transcript; /* of all rows, if not NULL */
};

void world_new(struct world *w);
void world_free(struct world *w);
void world_set(struct world *w, const char *name, uint64_t value);
/* The epoch begins: what is set up so far is its snapshot. */
void world_begin(struct world *w, uint64_t epoch);
/* "rows.0.ticket" of the report becomes the value, JSON in single quotes. */
void world_edit(struct world *w, const char *path, const char *value);
/* Each row gets a transcript of its own, and sn-a's signature. */
void world_sign(struct world *w);
/* The verdict's code. */
unsigned world_submit(struct world *w);
unsigned world_submit_signed(struct world *w);

#endif

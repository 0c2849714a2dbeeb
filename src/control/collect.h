/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols of a ticket into a folder: a layout file from anybody who has one, then symbol files from
 * this node's store and from their holders, as many as are asked for. Everything is checked against
 * its key when it arrives. A node that does not answer, or sends wrong bytes, is not asked again.
 */
#ifndef CONTROL_COLLECT_H
#define CONTROL_COLLECT_H

#include "codec/files.h"
#include "control/holders.h"

struct collect_config {
	const struct assay_client_config *client; /* with the account */
	const struct ticket_facts *facts;
	const struct ticket_deal *deal;
	/* read may say EXISTS: the folder has that symbol, well. */
	struct own_artifacts own;
	/* Whatever is here is taken first, also what the ticket does not place here; without it
	 * source symbols come first. */
	bool own_first;
	struct pipeline *p; /* its progress is told octets, and ends the work */
	int folder;	    /* gets layout.json and the symbol files */
};

struct collect;
/* 0 or a code with collect_message; to be closed in any case. */
int collect_open(struct collect **out, const struct collect_config *config);
void collect_close(struct collect *c);
int collect_layout(struct collect *c);
/*
 * Until so many are there, or nobody has more: 0, or NOTFOUND when these are fewer than the source
 * symbols. CLOSED when the progress said so; what cannot be written ends it too.
 */
int collect_symbols(struct collect *c, uint32_t enough);

const char *collect_message(const struct collect *c);
/* "n4, n5 do not answer; n6 sent wrong bytes", "" when there is nothing to say. */
void collect_faults(const struct collect *c, char *out, size_t room);
uint32_t collect_have(const struct collect *c);
/* What was read so far: the ticket, its index and (after collect_layout) its layout. */
const struct ticket *collect_ticket(const struct collect *c);
const struct ticket_index *collect_index(const struct collect *c);
const struct layout *collect_the_layout(const struct collect *c);

/* The codec's part of a ticket; freed by ticket_free. 0, CORRUPT or NOMEM. */
int facts_ticket(struct ticket *out, const struct ticket_facts *facts);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ties a file's symbols to its creator: the layout is signed, copies of it (layout files) are
 * listed in an index, which is signed too, and copies of that (index files) are named by the
 * ticket. A ticket here is what the ledger records about the coding of a file. From it and any
 * layout file the symbols can be found, and after a heal every layout and index file is made again,
 * octet by octet.
 */
#ifndef CODEC_TICKET_H
#define CODEC_TICKET_H

#include "codec/artifact.h"
#include "codec/layout.h"
#include "crypto/sign.h"

#define TICKET_IC_MAX	  100  /* first counter */
#define TICKET_COPIES_MAX 1024 /* of layout and of index: the ledger's parameter is below this */
#define TICKET_TEXT_MAX	  (192u << 20) /* of an unpacked layout or index file */

enum artifact_class { ARTIFACT_SYMBOL, ARTIFACT_INDEX };

/* Takes finished artifacts: symbols by number; of INDEX first the layout files, then the index
 * files, by counter. Nothing of the data is kept. 0, or an error that ends the work. */
struct artifact_sink {
	int (*take)(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		    const void *data, size_t len);
	void *ctx;
};

struct ticket_terms {
	const struct sign_key *creator;
	const struct random *random; /* for the signatures */
	uint32_t ic, max, ratio;
};

struct ticket {
	uint8_t data_hash[32]; /* BLAKE3 of the file */
	uint64_t size;
	uint32_t ic, max, ratio;
	uint32_t symbols; /* number of SYMBOL artifacts; of INDEX there are 2 * max */
	uint8_t (*index_ids)[32];
	char *signatures; /* base64 of the index "." base64 of its signature */
};

void ticket_free(struct ticket *t);

/* Signs a finished layout, makes all layout and index files and the ticket. */
int ticket_make(struct ticket *t, const struct layout *l, const struct ticket_terms *terms,
		const struct artifact_sink *sink);

/* What the signatures of a ticket say: the ids of the layout files, and the layout's signature. */
struct ticket_index {
	uint8_t (*layout_ids)[32]; /* max of them */
	char *layout_signature;	   /* base64 */
};
void ticket_index_free(struct ticket_index *index);
/* The index out of ticket->signatures when it is the creator's; ASSAY_E_CRYPTO, ASSAY_E_CORRUPT. */
int ticket_index_read(struct ticket_index *index, const struct ticket *t,
		      const uint8_t creator[32]);
/* The layout out of a layout file, when it is one of the index, signed by the creator, and fits the
 * ticket. *why says what is wrong with it. */
int ticket_layout_read(struct layout *l, const char **why, const struct ticket *t,
		       const struct ticket_index *index, const uint8_t creator[32],
		       const uint8_t *data, size_t len);
/*
 * After a heal: every layout and index file of a layout whose ids were rebuilt from the symbols.
 * ASSAY_E_CORRUPT when the creator's signatures are of another layout, or an id differs from the
 * index or the ticket.
 */
int ticket_remake(const struct ticket *t, const struct ticket_index *index,
		  const uint8_t creator[32], const struct layout *l,
		  const struct artifact_sink *sink);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a coded file: its RaptorQ parameters, the id of every symbol file, the hash of the
 * bytes. The text is canonical, since its author signs it (docs/raptorq.md, "Artifacts").
 */
#ifndef CODEC_LAYOUT_H
#define CODEC_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "assay/raptorq.h"

#define LAYOUT_PACKET	 65535		 /* requested payload; symbols get 65528 */
#define LAYOUT_MEMORY	 (10u << 20)	 /* decoder memory that sets the sub-blocks */
#define LAYOUT_FILE_MAX	 (1280ull << 20) /* one block only */
#define LAYOUT_TEXT_MAX	 (64u << 20)
#define LAYOUT_RATIO	 5 /* repair symbols for each source symbol */
#define LAYOUT_RATIO_MAX 64

struct layout {
	struct assay_rq_params params;
	struct assay_rq_block block;
	uint8_t hash[32]; /* BLAKE3 of the file */
	uint32_t symbols; /* source and repair: ESI 0.. in order */
	uint8_t (*ids)[32];
};

/* Repair symbols of a file: ratio + 1 up to LAYOUT_PACKET octets, then length * ratio /
 * LAYOUT_PACKET, rounded up. */
uint64_t layout_repair(uint64_t length, uint32_t ratio);
/* Parameters and number of symbols of a file; ids are allocated, not filled. Reason in *why. */
int layout_init(struct layout *l, const char **why, uint64_t length, uint32_t ratio);
void layout_free(struct layout *l);
/* Octets of a symbol file: payload id and symbol. */
size_t layout_symbol_file(const struct layout *l);

/* More than the canonical text of so many symbols takes. */
size_t layout_text_max(uint64_t symbols);
/* Canonical text in malloc'd memory, terminated. */
int layout_write(char **text, size_t *len, const struct layout *l);
/* Reads what layout_write writes, in any JSON form; refuses what no file of one block can have. */
int layout_read(struct layout *l, const char **why, const char *text, size_t len);

#endif

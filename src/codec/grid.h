/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols in a file, in the order of an object: sub-block by sub-block, and in a sub-block by
 * number. Symbols come whole and leave as windows, or the other way round. Neither end needs memory
 * for all of them, and a file that somebody cuts short is an error, not a signal.
 */
#ifndef CODEC_GRID_H
#define CODEC_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "assay/raptorq.h"

#define GRID_GROUP 64 /* symbols that are written at once */

struct grid {
	int fd;
	uint64_t base;	  /* of the first octet in the file */
	uint64_t len;	  /* octets; what lies behind is not written and reads as zero */
	uint32_t symbols; /* of the grid */
	struct assay_rq_params params;
};

/* n symbols from number `first` on; symbol i at data + i * stride. 0 or ASSAY_E_IO with errno. */
int grid_put(const struct grid *g, uint32_t first, uint32_t n, const uint8_t *data, size_t stride);
/* Rows [first, first + n) of a sub-block. ASSAY_E_CHANGED: the file is shorter than it was. */
int grid_read(const struct grid *g, uint32_t sub_block, uint32_t first, uint32_t n, uint8_t *rows);
int grid_write(const struct grid *g, uint32_t sub_block, uint32_t first, uint32_t n,
	       const uint8_t *rows);

#endif

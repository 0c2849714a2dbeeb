/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that encoding and decoding of files share. */
#ifndef CODEC_WORK_H
#define CODEC_WORK_H

#include <stdarg.h>

#include "codec/pipeline.h"

#define WORK_SLICE 2000000 /* budget between two looks at the caller: some milliseconds */

struct mapping {
	uint8_t *data;
	size_t len;
};

/* Keeps the message; returns e. */
__attribute__((format(printf, 3, 4))) int work_fail(struct pipeline *p, int e, const char *format,
						    ...);
/* ASSAY_E_NOSPC for a full disk, else ASSAY_E_IO. */
int work_errno(struct pipeline *p, const char *what, const char *path);
int work_progress(struct pipeline *p, const char *what, uint64_t done, uint64_t total);

int work_map(struct pipeline *p, struct mapping *m, const char *path);
/* A new file of len octets, with disk space set aside, mapped for writing. */
int work_map_new(struct pipeline *p, struct mapping *m, const char *path, size_t len);
void work_unmap(struct mapping *m);
/* Writes a whole file under a temporary name and renames it. */
int work_write(struct pipeline *p, const char *directory, const char *name, const void *data,
	       size_t len);
int work_read_layout(struct pipeline *p, struct layout *l, const char *directory);

/* The codec of one block with its memory; zero-initialised, freed by work_codec_free. */
struct work_codec {
	void *plan_memory, *wanted_memory, *solve_memory;
	struct assay_rq_plan *plan;
	struct assay_rq_wanted *wanted;
	struct assay_rq_solve *solve;
};
/* 0, ASSAY_E_NOTFOUND (too few symbols) or another error. */
int work_plan(struct pipeline *p, struct work_codec *c, uint32_t symbols, const uint32_t *known,
	      size_t known_len);
/* Computes the wanted symbols; progress counts from `base` of `total` symbols. */
int work_solve(struct pipeline *p, struct work_codec *c, const uint32_t *ids, size_t len,
	       const struct assay_rq_io *io, const char *what, uint64_t base, uint64_t total);
void work_codec_free(struct work_codec *c);

#endif

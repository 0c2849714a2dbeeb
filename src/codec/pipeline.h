/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file into symbol files, layout and index files, and back. Files and folders come as
 * descriptors. Memory holds the codec's rows, two windows of symbols and a bounded number of
 * symbols being made; files are read and written on the calling thread, numbers are left to a pool
 * of workers. A folder of symbol files has them under their ids, and `layout.json` says which
 * belong to the file. When a call returns 0, what it wrote is on the disk.
 */
#ifndef CODEC_PIPELINE_H
#define CODEC_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/task.h"
#include "codec/layout.h"
#include "codec/memory.h"
#include "codec/ticket.h"

#define PIPELINE_LAYOUT "layout.json"
#define PIPELINE_MEMORY ((size_t)512 << 20)

struct pipeline {
	const struct task_pool *pool; /* NULL: the calling thread computes */
	uint32_t ratio;		      /* repair symbols per source symbol; 0: LAYOUT_RATIO */
	size_t memory_max;	      /* for symbols being made; 0: PIPELINE_MEMORY */
	struct buffer *memory;	      /* for them, the caller's (pipeline_reserve); NULL: own */
	const uid_t *owner;	      /* gets the files that are made; NULL: stay the process' */
	mode_t mode;		      /* of files that are made, before the umask; 0: 0666 */
	/* Called often; true stops the work with ASSAY_E_CLOSED and leaves no half files. */
	bool (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	/* A file that is skipped, and why. */
	void (*skipped)(void *ctx, const char *name, const char *why);
	void *ctx;
	char message[256]; /* what went wrong, for people */
};

/*
 * Takes p->memory for all symbols of the layout that may be made at a time, before they are: fresh
 * memory takes its time, and there may be something to wait for meanwhile. 0 or ASSAY_E_NOMEM.
 */
int pipeline_reserve(struct pipeline *p, const struct layout *l);
/* The file's symbol files and layout into a folder. */
int pipeline_encode(struct pipeline *p, int file, int folder);
/*
 * All artifacts of a file for a ticket into a sink: symbols by number, then layout and index files;
 * the ticket's fields. terms->ratio replaces p->ratio. The ticket is freed by ticket_free.
 */
int pipeline_put(struct pipeline *p, int file, const struct ticket_terms *terms,
		 const struct artifact_sink *sink, struct ticket *ticket);
/*
 * The file out of a folder with its layout and enough symbol files, into an empty regular file open
 * for reading and writing. Symbol files that are truncated or changed and files that are not of the
 * layout are named and skipped. Too few: ASSAY_E_NOTFOUND, the message says how many more. On any
 * error the file's contents mean nothing.
 */
int pipeline_decode(struct pipeline *p, int folder, int file);
/* The same, and every symbol file that is missing is made again in the folder, out of one plan. */
int pipeline_heal(struct pipeline *p, int folder, int file);

struct pipeline_facts {
	uint64_t length;
	uint32_t source, repair; /* symbols of the layout */
	uint32_t present, damaged, foreign;
	uint8_t hash[32];
	uint32_t sub_blocks, symbol_size;
};
/* Looks at a folder without decoding; damaged counts files whose bytes do not match their name. */
int pipeline_inspect(struct pipeline *p, struct pipeline_facts *facts, int folder);

#endif

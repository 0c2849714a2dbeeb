/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file into a directory of symbol files and back. Symbol files are named by their id;
 * `layout.json` says which belong to the file. Memory holds the codec's rows and a bounded number
 * of symbols being made; the file itself and received symbols are mapped.
 */
#ifndef CODEC_PIPELINE_H
#define CODEC_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/layout.h"

#define PIPELINE_LAYOUT "layout.json"

struct pipeline {
	uint32_t ratio;	   /* repair symbols per source symbol; 0: LAYOUT_RATIO */
	size_t memory_max; /* for symbols being made; 0: 256 MiB */
	/* Called often; true stops the work with ASSAY_E_CLOSED and leaves no half files. */
	bool (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	/* A file that is skipped, and why. */
	void (*skipped)(void *ctx, const char *name, const char *why);
	void *ctx;
	char message[256]; /* what went wrong, for people */
};

/* Writes symbol files and layout of the file at path into the directory, which must exist. */
int pipeline_encode(struct pipeline *p, const char *path, const char *directory);
/*
 * Rebuilds the file from a directory with its layout and enough symbol files. Symbol files that are
 * truncated or changed and files that are not of the layout are named and skipped. Too few:
 * ASSAY_E_NOTFOUND, the message says how many more. The file appears only when its hash is right.
 */
int pipeline_decode(struct pipeline *p, const char *directory, const char *path);

struct pipeline_facts {
	uint64_t length;
	uint32_t source, repair; /* symbols of the layout */
	uint32_t present, damaged, foreign;
	uint8_t hash[32];
	uint32_t sub_blocks, symbol_size;
};
/* Looks at a directory without decoding; damaged counts files whose bytes do not match their name.
 */
int pipeline_inspect(struct pipeline *p, struct pipeline_facts *facts, const char *directory);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The staging folder of a heal op (docs/healing.md, "Staging"):
 *
 *   symbols/block_0/<id>         all symbol files
 *   id_files/idfile_%05u.bin     all layout files in the order of their counters, then index files
 *   reconstructed.bin	          the file
 *   manifest.json                written last: a folder without one that can be read is not staged
 */
#ifndef CONTROL_HEAL_STAGE_H
#define CONTROL_HEAL_STAGE_H

#include <stdbool.h>

#include "codec/layout.h"

#define STAGE_SYMBOLS  "symbols/block_0"
#define STAGE_IDS      "id_files"
#define STAGE_FILE     "reconstructed.bin"
#define STAGE_MANIFEST "manifest.json"

/* root/op and a name in it; name "": the folder itself. */
void stage_path(char *out, size_t room, const char *root, uint64_t op, const char *name);
void stage_symbol_path(char *out, size_t room, const char *root, uint64_t op, const uint8_t id[32]);
/* A new, empty one, with its folders; root is made if it is missing. 0 or a code by errno. */
int stage_make(const char *root, uint64_t op);
/* It is not staged any more, the rebuilt file is gone, and the rest is as it was; folders that are
 * missing are made. */
int stage_again(const char *root, uint64_t op);
/*
 * All of it, the manifest first, so that what a crash leaves is not staged. stop (or NULL) ends it
 * with CLOSED. 0 also when there is none.
 */
int stage_remove(const char *root, uint64_t op, bool (*stop)(const void *ctx), const void *ctx);

/* A regular file as a whole, malloc'd; NULL with errno, or when it is longer than len_max. */
char *stage_read(size_t *len, const char *path, size_t len_max);

struct pipeline;

struct manifest {
	char ticket[65];
	char hash[45];	   /* base64, of the file */
	uint32_t id_files; /* layout and index files */
	struct layout layout;
};
/*
 * Bounded, of bytes that nobody vouches for. CORRUPT with why when it is no manifest, NOMEM.
 * manifest_free afterwards, if 0.
 */
int manifest_parse(struct manifest *m, const char **why, const char *text, size_t len);
void manifest_free(struct manifest *m);
/* Its text, malloc'd. */
int manifest_text(char **text, size_t *len, const struct manifest *m);

/* Of an op's folder. NOTFOUND: not staged; IO. */
int manifest_read(struct manifest *m, const char **why, const char *root, uint64_t op);
/* Everything in the folder must be on the disk before. 0 or a code after work_fail. */
int manifest_write(struct pipeline *p, const struct manifest *m, const char *root, uint64_t op);

/*
 * Removes the folders of ops that are not kept: those whose name is a number, and nothing else. 0
 * also without a root; IO.
 */
int stage_sweep(const char *root, bool (*keep)(void *arg, uint64_t op), void *arg);

#endif

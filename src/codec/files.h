/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a folder that comes as a descriptor. No symbolic link is followed: whoever owns the
 * folder must not lead a daemon elsewhere. */
#ifndef CODEC_FILES_H
#define CODEC_FILES_H

#include "codec/pipeline.h"

/* Keeps the message; returns e. */
__attribute__((format(printf, 3, 4))) int work_fail(struct pipeline *p, int e, const char *format,
						    ...);
/* By errno: ASSAY_E_NOSPC for a full disk, NOTFOUND, PERM, else ASSAY_E_IO. */
int work_errno(struct pipeline *p, const char *what, const char *name);
int work_progress(struct pipeline *p, const char *what, uint64_t done, uint64_t total);

/* Length of a regular file, or an error. */
int64_t file_length(struct pipeline *p, int file);

/* Opens a regular file and says how long it is; -1 with the reason. */
int coded_open(int folder, const char *name, uint64_t *len, const char **why);
/* Writes a whole file under a temporary name and renames it; on the disk after coded_sync. */
int coded_write(struct pipeline *p, int folder, const char *name, const void *data, size_t len);
/* All files of the folder and their names are on the disk when it returns 0. */
int coded_sync(struct pipeline *p, int folder);
int coded_layout(struct pipeline *p, struct layout *l, int folder);

/* Artifacts under their ids. */
struct coded_sink {
	struct pipeline *p;
	int folder;
};
int coded_take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
	       const void *data, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The registry file under a lock, so that two assayctl do not lose each other's changes. */
#ifndef CTL_FILES_H
#define CTL_FILES_H

#include "base/seam.h"
#include "control/registry.h"
#include "ctl/ctl.h"

struct files {
	struct disk disk; /* state directory */
	int lock;
	struct registry registry; /* empty, of the configured network, when there is no file */
};

/* All return an exit code after a message. */
int files_open(struct ctl *ctl, struct files *out);
int files_save(struct files *f);
void files_close(struct files *f);

#endif

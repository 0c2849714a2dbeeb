/* SPDX-License-Identifier: Apache-2.0 */
/* A file that a command makes: it grows under another name and gets its own when it is whole. */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include "ctl/ctl.h"

struct output {
	char path[4096], temporary[4096 + 16];
	int fd; /* for reading and writing */
};

/* In a folder it is called `name`, which may be NULL where a folder will not do. --force replaces
 * what is there. An exit code after a message. */
int output_open(struct ctl *ctl, struct output *o, const char *path, const char *name);
/* Good: on the disk and under its name; else it is removed. */
int output_finish(struct output *o, bool good);

#endif

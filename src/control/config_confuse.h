/* SPDX-License-Identifier: Apache-2.0 */
/* Text to libconfuse's tree, every value checked against the table; inside of the configuration. */
#ifndef CONTROL_CONFIG_CONFUSE_H
#define CONTROL_CONFIG_CONFUSE_H

#include <confuse.h>

#include "control/config.h"

struct confuse_notes {
	unsigned port_line[CONFIG_PORTS_MAX];		     /* of the device keys */
	char run_dir[sizeof(((struct config *)0)->run_dir)]; /* of a text that is not right */
};

/* NULL with a message in error, which is "" before; text has no zero bytes. Freed by cfg_free. */
cfg_t *confuse_parse(struct confuse_notes *notes, char *error, const char *name, const char *text,
		     size_t len);

#endif

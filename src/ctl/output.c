/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int output_open(struct ctl *ctl, struct output *o, const char *path, const char *name)
{
	struct stat st;

	snprintf(o->path, sizeof(o->path), "%s", path);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (name == NULL)
			return ctl_fail(CTL_FAILED, "%s is a folder, not a file", path);
		snprintf(o->path, sizeof(o->path), "%.4000s/%.64s", path, name);
	}
	if (access(o->path, F_OK) == 0 && ctl->option[OPT_FORCE] == NULL)
		return ctl_fail(CTL_FAILED, "%s is there already; --force replaces it", o->path);
	snprintf(o->temporary, sizeof(o->temporary), "%s.XXXXXX", o->path);
	o->fd = mkostemp(o->temporary, O_CLOEXEC);
	if (o->fd < 0)
		return ctl_fail(CTL_FAILED, "%s: %s", o->path, strerror(errno));
	return CTL_OK;
}

/* The name is on the disk only when the folder is. */
static bool sync_folder(const char *path)
{
	char copy[4096];
	int fd;
	bool good;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return good;
}

int output_finish(struct output *o, bool good)
{
	mode_t mask = umask(0);

	umask(mask);
	if (good && (fchmod(o->fd, 0666 & ~mask) != 0 || fsync(o->fd) != 0 ||
		     rename(o->temporary, o->path) != 0 || !sync_folder(o->path))) {
		ctl_fail(CTL_FAILED, "%s: %s", o->path, strerror(errno));
		good = false;
	}
	if (!good)
		unlink(o->temporary);
	close(o->fd);
	return good ? CTL_OK : CTL_FAILED;
}

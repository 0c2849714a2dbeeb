/* SPDX-License-Identifier: Apache-2.0 */
#include "base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_make_spread(const char *path, mode_t mode)
{
	int folder, flags; /* the kernel's are ints, whatever the names of the calls say */

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return -1;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	if (ioctl(folder, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_TOPDIR_FL) == 0) {
		flags |= FS_TOPDIR_FL;
		(void)ioctl(folder, FS_IOC_SETFLAGS, &flags); /* a hint */
	}
	close(folder);
	return 0;
}

int folder_make_apart(const char *path)
{
	char before[PATH_MAX];
	int error;

	if (snprintf(before, sizeof(before), "%s.XXXXXX", path) >= (int)sizeof(before)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdtemp(before) == NULL)
		return -1;
	if (rename(before, path) == 0)
		return 0;
	error = errno;
	rmdir(before);
	errno = error;
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Folders whose folders come and go, with thousands of files each. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <sys/types.h>

/*
 * A folder whose folders are to lie apart on the disk: on ext4 (EXT4_TOPDIR_FL, `chattr +T`) each
 * gets a block group by its name, where it would else get its siblings'. There whoever creates
 * files would look, for each of them, through all inodes that were deleted in the last minutes:
 * 0.05 s for 772 files became 0.8 s after a few folders. Other file systems need no such word and
 * get none. 0, also if it is there already, or -1 with errno.
 */
int folder_make_spread(const char *path, mode_t mode);
/*
 * A folder in one of those, with mode 0700. It gets its name only after its place: numbers that
 * count up are the names of others before, who may just have been deleted. There must be none of
 * that name but an empty one. 0 or -1 with errno.
 */
int folder_make_apart(const char *path);

#endif

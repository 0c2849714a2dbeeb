/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite on a disk that fails: a layer over the real file system, for the whole process. */
#ifndef TESTS_LOG_FAULTY_VFS_H
#define TESTS_LOG_FAULTY_VFS_H

/* Becomes the default of every database opened from now on. */
void faulty_vfs_install(void);
/* The n-th next write, sync or truncation fails (1: the next), and with `stays` all that follow. 0:
 * none. */
void faulty_vfs_fail(unsigned n, int stays);
/* Operations of these kinds so far. */
unsigned faulty_vfs_count(void);

#endif

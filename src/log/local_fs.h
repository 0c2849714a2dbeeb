/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite's write-ahead log needs memory shared by all its users: it must not lie on a network file
 * system. */
#ifndef LOG_LOCAL_FS_H
#define LOG_LOCAL_FS_H

/* The name of the network file system with that statfs type, or NULL. */
const char *network_fs_name(long type);
/* The name of the one that the folder of `path` lies on, or NULL: local, or nobody can tell. */
const char *network_fs_of(const char *path);

#endif

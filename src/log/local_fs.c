/* SPDX-License-Identifier: Apache-2.0 */
#include <libgen.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "log/local_fs.h"

/* FUSE is among them: behind it may be sshfs or GlusterFS, and nothing tells. */
static const struct {
	unsigned type;
	const char *name;
} network_fs[] = {
	{0x6969, "NFS"},       {0x517b, "SMB"},	       {0xff534d42, "CIFS"}, {0xfe534d42, "SMB2"},
	{0x01021997, "9P"},    {0x00c36400, "Ceph"},   {0x65735546, "FUSE"}, {0x5346414f, "AFS"},
	{0x6b414653, "kAFS"},  {0x73757245, "Coda"},   {0x564c, "NCP"},	     {0x0bd00bd0, "Lustre"},
	{0x47504653, "GPFS"},  {0x7461636f, "OCFS2"},  {0x01161970, "GFS2"}, {0x786f4256, "vboxsf"},
	{0xaad7aaea, "PanFS"}, {0x19830326, "BeeGFS"},
};

const char *network_fs_name(long type)
{
	for (unsigned i = 0; i < sizeof(network_fs) / sizeof(network_fs[0]); i++)
		if (network_fs[i].type == (unsigned)type)
			return network_fs[i].name;
	return NULL;
}

const char *network_fs_of(const char *path)
{
	char copy[4096];
	struct statfs fs;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return NULL;
	return statfs(dirname(copy), &fs) == 0 ? network_fs_name((long)fs.f_type) : NULL;
}

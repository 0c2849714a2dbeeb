/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the simulated disk, shared by its operations and its faults. */
#ifndef BASE_SIM_DISK_H
#define BASE_SIM_DISK_H

#include "base/sim.h"

/* A write that no sync has made durable yet. */
struct sim_write {
	struct sim_write *next; /* younger */
	uint64_t offset;
	size_t len;
	uint8_t bytes[];
};

struct sim_content {
	uint8_t *bytes;
	uint64_t size;
};

struct sim_inode {
	struct sim_inode *next; /* of all */
	bool dir;
	uint64_t counted; /* the count of used bytes that it was in last */
	struct sim_content now, durable;
	struct sim_write *pending, **pending_end;
};

/* A name in the tree: what it means now, and what it means after a crash. NULL: there is none. */
struct sim_name {
	char path[128];
	struct sim_inode *now, *durable;
};

struct sim_disk {
	uint64_t seed;
	struct sim_inode *inodes;
	struct sim_name *names;
	unsigned name_count;
	struct sim_inode **handles; /* never used twice; NULL once closed or lost in a crash */
	unsigned handle_count;
	uint64_t ops, limit, counts;
	unsigned fail_in, fail_mask;
	int fail_code;
	unsigned stop_in;
	bool stopped;
};

/* Counts one operation of a kind; 0 or the code it is to fail with. */
int sim_disk_gate(struct sim_disk *d, unsigned kind);
/* NULL when there was never such a name. */
struct sim_name *sim_disk_name(struct sim_disk *d, const char *path);
/* The folder that holds path, "." for the root. */
void sim_disk_parent(char out[128], const char *path);
/* Puts bytes at offset, filling a hole with zeros. */
void sim_content_put(struct sim_content *c, const void *data, size_t len, uint64_t offset);
void sim_inode_forget_pending(struct sim_inode *inode);
/* Bytes of all files that have a name. */
uint64_t sim_disk_used(struct sim_disk *d);

#endif

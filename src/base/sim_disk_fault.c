/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/sim_disk.h"
#include "base/sim_random.h"

#define SECTOR	      512u
#define LIMIT_DEFAULT ((uint64_t)1 << 40)

struct sim_disk *sim_disk_new(uint64_t seed)
{
	struct sim_disk *d = calloc(1, sizeof(*d));

	if (d != NULL) {
		d->seed = seed;
		d->limit = LIMIT_DEFAULT;
	}
	return d;
}

void sim_disk_free(struct sim_disk *d)
{
	if (d == NULL)
		return;
	while (d->inodes != NULL) {
		struct sim_inode *inode = d->inodes;

		d->inodes = inode->next;
		sim_inode_forget_pending(inode);
		free(inode->now.bytes);
		free(inode->durable.bytes);
		free(inode);
	}
	free(d->names);
	free(d->handles);
	free(d);
}

int sim_disk_gate(struct sim_disk *d, unsigned kind)
{
	if (d->stopped)
		return ASSAY_E_CLOSED;
	if (d->stop_in > 0 && --d->stop_in == 0) {
		d->stopped = true;
		return ASSAY_E_CLOSED;
	}
	d->ops++;
	if ((d->fail_mask & kind) != 0 && d->fail_in > 0 && --d->fail_in == 0)
		return d->fail_code;
	return 0;
}

void sim_disk_fail(struct sim_disk *d, unsigned n, unsigned mask, int code)
{
	d->fail_in = n;
	d->fail_mask = mask;
	d->fail_code = code;
}

void sim_disk_stop_at(struct sim_disk *d, unsigned n)
{
	d->stop_in = n;
	if (n == 0)
		d->stopped = false;
}

uint64_t sim_disk_ops(const struct sim_disk *d)
{
	return d->ops;
}

void sim_disk_limit(struct sim_disk *d, uint64_t bytes)
{
	d->limit = bytes;
}

static void flip(struct sim_content *c, uint64_t bit)
{
	if (bit / 8 < c->size)
		c->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

int sim_disk_flip(struct sim_disk *d, const char *path, uint64_t bit)
{
	const struct sim_name *name = sim_disk_name(d, path);

	if (name == NULL || name->now == NULL)
		return ASSAY_E_NOTFOUND;
	if (bit / 8 >= name->now->now.size)
		return ASSAY_E_RANGE;
	flip(&name->now->now, bit);
	flip(&name->now->durable, bit);
	return 0;
}

/* What reaches the platter of a write that was not synced: nothing, all, a start, or some sectors.
 */
static void land(struct sim_disk *d, struct sim_content *c, const struct sim_write *w)
{
	switch (sim_next(&d->seed) % 4) {
	case 0:
		return;
	case 1:
		sim_content_put(c, w->bytes, w->len, w->offset);
		return;
	case 2:
		sim_content_put(c, w->bytes, sim_next(&d->seed) % w->len, w->offset);
		return;
	default:
		for (size_t at = 0; at < w->len; at += SECTOR) {
			size_t len = w->len - at < SECTOR ? w->len - at : SECTOR;

			if (sim_chance(&d->seed, 50))
				sim_content_put(c, w->bytes + at, len, w->offset + at);
		}
	}
}

static void crash_inode(struct sim_disk *d, struct sim_inode *inode)
{
	for (const struct sim_write *w = inode->pending; w != NULL; w = w->next)
		land(d, &inode->durable, w);
	/* File systems may save the new size without the bytes: a tail of zeros. */
	if (inode->pending != NULL && sim_chance(&d->seed, 25))
		sim_content_put(&inode->durable, NULL, 0, inode->now.size);
	sim_inode_forget_pending(inode);
	inode->now.size = 0;
	if (inode->durable.size > 0)
		sim_content_put(&inode->now, inode->durable.bytes, inode->durable.size, 0);
}

/* True when every folder above path is there. */
static bool reachable(struct sim_disk *d, const char *path)
{
	char parent[128], at[128];

	strcpy(at, path);
	for (;;) {
		sim_disk_parent(parent, at);
		if (strcmp(parent, ".") == 0)
			return true;
		const struct sim_name *name = sim_disk_name(d, parent);

		if (name == NULL || name->now == NULL || !name->now->dir)
			return false;
		strcpy(at, parent);
	}
}

void sim_disk_crash(struct sim_disk *d)
{
	for (struct sim_inode *inode = d->inodes; inode != NULL; inode = inode->next)
		crash_inode(d, inode);
	for (unsigned i = 0; i < d->name_count; i++) {
		struct sim_name *name = &d->names[i];

		if (name->now != name->durable && sim_chance(&d->seed, 50))
			name->durable = name->now;
		name->now = name->durable;
	}
	for (unsigned i = 0; i < d->name_count; i++)
		if (!reachable(d, d->names[i].path))
			d->names[i].now = d->names[i].durable = NULL;
	for (unsigned i = 0; i < d->handle_count; i++)
		d->handles[i] = NULL;
	d->stopped = false;
	d->stop_in = 0;
	d->fail_in = 0;
}

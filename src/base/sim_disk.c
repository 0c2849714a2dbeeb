/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sim_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

struct sim_name *sim_disk_name(struct sim_disk *d, const char *path)
{
	for (unsigned i = 0; i < d->name_count; i++)
		if (strcmp(d->names[i].path, path) == 0)
			return &d->names[i];
	return NULL;
}

void sim_disk_parent(char out[128], const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		strcpy(out, ".");
	else
		snprintf(out, 128, "%.*s", (int)(slash - path), path);
}

void sim_content_put(struct sim_content *c, const void *data, size_t len, uint64_t offset)
{
	uint64_t end = offset + len;

	if (end > c->size) {
		c->bytes = realloc(c->bytes, end);
		must(c->bytes != NULL);
		memset(c->bytes + c->size, 0, end - c->size);
		c->size = end;
	}
	if (len > 0)
		memcpy(c->bytes + offset, data, len);
}

void sim_inode_forget_pending(struct sim_inode *inode)
{
	while (inode->pending != NULL) {
		struct sim_write *w = inode->pending;

		inode->pending = w->next;
		free(w);
	}
	inode->pending_end = &inode->pending;
}

uint64_t sim_disk_used(struct sim_disk *d)
{
	uint64_t used = 0;

	d->counts++;
	for (unsigned i = 0; i < d->name_count; i++) {
		struct sim_inode *inode = d->names[i].now;

		if (inode == NULL || inode->counted == d->counts)
			continue;
		inode->counted = d->counts;
		used += inode->now.size;
	}
	return used;
}

static bool is_dir(struct sim_disk *d, const char *path)
{
	const struct sim_name *name = sim_disk_name(d, path);

	return strcmp(path, ".") == 0 || (name != NULL && name->now != NULL && name->now->dir);
}

static bool parent_exists(struct sim_disk *d, const char *path)
{
	char parent[128];

	sim_disk_parent(parent, path);
	return is_dir(d, parent);
}

static struct sim_inode *file_of(struct sim_disk *d, int file)
{
	must(file >= 0 && (unsigned)file < d->handle_count);
	return d->handles[file];
}

static struct sim_inode *new_inode(struct sim_disk *d, bool dir)
{
	struct sim_inode *inode = calloc(1, sizeof(*inode));

	must(inode != NULL);
	inode->dir = dir;
	inode->pending_end = &inode->pending;
	inode->next = d->inodes;
	d->inodes = inode;
	return inode;
}

/* Makes path mean inode from now on. */
static void bind_name(struct sim_disk *d, const char *path, struct sim_inode *inode)
{
	struct sim_name *name = sim_disk_name(d, path);

	if (name == NULL) {
		must(strlen(path) < sizeof(name->path));
		d->names = realloc(d->names, (d->name_count + 1) * sizeof(*d->names));
		must(d->names != NULL);
		name = &d->names[d->name_count++];
		memset(name, 0, sizeof(*name));
		strcpy(name->path, path);
	}
	name->now = inode;
}

static int sim_open(void *ctx, const char *path, int mode)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_OPEN);

	if (err != 0)
		return err;
	const struct sim_name *name = sim_disk_name(d, path);
	struct sim_inode *inode = name != NULL ? name->now : NULL;

	if (mode != DISK_READ) {
		if (inode != NULL)
			return ASSAY_E_EXISTS;
		if (!parent_exists(d, path))
			return ASSAY_E_NOTFOUND;
		inode = new_inode(d, false);
		bind_name(d, path, inode);
	}
	if (inode == NULL)
		return ASSAY_E_NOTFOUND;
	if (inode->dir)
		return ASSAY_E_INVAL;
	d->handles = realloc(d->handles, (d->handle_count + 1) * sizeof(*d->handles));
	must(d->handles != NULL);
	d->handles[d->handle_count] = inode;
	return (int)d->handle_count++;
}

static void sim_close(void *ctx, int file)
{
	struct sim_disk *d = ctx;

	must(file >= 0 && (unsigned)file < d->handle_count);
	d->handles[file] = NULL;
}

static int64_t sim_read(void *ctx, int file, void *out, size_t len, uint64_t offset)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_READ);
	const struct sim_inode *inode = file_of(d, file);

	if (err != 0)
		return err;
	if (inode == NULL)
		return ASSAY_E_IO;
	if (offset >= inode->now.size)
		return 0;
	if (len > inode->now.size - offset)
		len = inode->now.size - offset;
	memcpy(out, inode->now.bytes + offset, len);
	return (int64_t)len;
}

static int sim_write(void *ctx, int file, const void *data, size_t len, uint64_t offset)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_WRITE);
	struct sim_inode *inode = file_of(d, file);

	if (err == ASSAY_E_CLOSED)
		return err;
	if (inode == NULL)
		return ASSAY_E_IO;
	if (err != 0)
		len /= 2; /* a failed write may have written a part */
	uint64_t end = offset + len, used = sim_disk_used(d);
	uint64_t room = d->limit > used ? d->limit - used : 0;

	if (end > inode->now.size && end - inode->now.size > room) {
		uint64_t most = inode->now.size + room;

		len = most > offset ? most - offset : 0;
		err = ASSAY_E_NOSPC;
	}
	if (len == 0)
		return err;
	struct sim_write *w = malloc(sizeof(*w) + len);

	must(w != NULL);
	w->next = NULL;
	w->offset = offset;
	w->len = len;
	memcpy(w->bytes, data, len);
	*inode->pending_end = w;
	inode->pending_end = &w->next;
	sim_content_put(&inode->now, data, len, offset);
	return err;
}

static int64_t sim_size(void *ctx, int file)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_STAT);
	const struct sim_inode *inode = file_of(d, file);

	if (err != 0)
		return err;
	return inode != NULL ? (int64_t)inode->now.size : ASSAY_E_IO;
}

static int64_t sim_size_of(void *ctx, const char *path)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_STAT);
	const struct sim_name *name = sim_disk_name(d, path);

	if (err != 0)
		return err;
	if (name == NULL || name->now == NULL)
		return ASSAY_E_NOTFOUND;
	return name->now->dir ? ASSAY_E_INVAL : (int64_t)name->now->now.size;
}

static void sim_forget(void *ctx, int file)
{
}

/* After a failed sync the kernel forgets that the bytes were dirty: the next sync saves nothing. */
static void sync_inode(struct sim_inode *inode, int err)
{
	for (struct sim_write *w = inode->pending; err == 0 && w != NULL; w = w->next)
		sim_content_put(&inode->durable, w->bytes, w->len, w->offset);
	sim_inode_forget_pending(inode);
}

static int sim_sync(void *ctx, int file)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_SYNC);
	struct sim_inode *inode = file_of(d, file);

	if (err == ASSAY_E_CLOSED)
		return err;
	if (inode == NULL)
		return ASSAY_E_IO;
	sync_inode(inode, err);
	return err;
}

static int sim_rename(void *ctx, const char *from, const char *to)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_RENAME);
	struct sim_name *name = sim_disk_name(d, from);

	if (err != 0)
		return err;
	if (name == NULL || name->now == NULL || !parent_exists(d, to))
		return ASSAY_E_NOTFOUND;
	if (name->now->dir || is_dir(d, to))
		return ASSAY_E_INVAL;
	struct sim_inode *inode = name->now;

	name->now = NULL;
	bind_name(d, to, inode);
	return 0;
}

static int sim_link(void *ctx, const char *from, const char *to)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_LINK);
	const struct sim_name *name = sim_disk_name(d, from), *other = sim_disk_name(d, to);

	if (err != 0)
		return err;
	if (name == NULL || name->now == NULL || !parent_exists(d, to))
		return ASSAY_E_NOTFOUND;
	if (name->now->dir)
		return ASSAY_E_INVAL;
	if (other != NULL && other->now != NULL)
		return ASSAY_E_EXISTS;
	bind_name(d, to, name->now);
	return 0;
}

static int sim_remove(void *ctx, const char *path)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_REMOVE);
	struct sim_name *name = sim_disk_name(d, path);

	if (err != 0)
		return err;
	if (name == NULL || name->now == NULL)
		return ASSAY_E_NOTFOUND;
	if (name->now->dir)
		return ASSAY_E_INVAL;
	name->now = NULL;
	return 0;
}

static int sim_sync_dir(void *ctx, const char *path)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_SYNC_DIR);
	char parent[128];

	if (err != 0)
		return err;
	if (!is_dir(d, path))
		return ASSAY_E_NOTFOUND;
	for (unsigned i = 0; i < d->name_count; i++) {
		sim_disk_parent(parent, d->names[i].path);
		if (strcmp(parent, path) == 0)
			d->names[i].durable = d->names[i].now;
	}
	return 0;
}

static int sim_sync_all(void *ctx, const char *path)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_SYNC);

	if (err == ASSAY_E_CLOSED)
		return err;
	if (!is_dir(d, path))
		return ASSAY_E_NOTFOUND;
	for (struct sim_inode *inode = d->inodes; inode != NULL; inode = inode->next)
		if (!inode->dir)
			sync_inode(inode, err);
	for (unsigned i = 0; err == 0 && i < d->name_count; i++)
		d->names[i].durable = d->names[i].now;
	return err;
}

static int sim_make_dir(void *ctx, const char *path)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_MAKE_DIR);
	const struct sim_name *name = sim_disk_name(d, path);

	if (err != 0)
		return err;
	if (name != NULL && name->now != NULL)
		return name->now->dir ? 0 : ASSAY_E_EXISTS;
	if (!parent_exists(d, path))
		return ASSAY_E_NOTFOUND;
	bind_name(d, path, new_inode(d, true));
	return 0;
}

/* The names are taken first: each() may add and remove some. */
static int sim_list(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		    void *arg)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_LIST);
	char parent[128];

	if (err != 0)
		return err;
	if (!is_dir(d, path))
		return ASSAY_E_NOTFOUND;
	unsigned count = d->name_count;
	char(*found)[128] = calloc(count + 1, sizeof(*found));
	unsigned n = 0;

	must(found != NULL);
	for (unsigned i = 0; i < count; i++) {
		const char *full = d->names[i].path, *slash = strrchr(full, '/');

		sim_disk_parent(parent, full);
		if (d->names[i].now != NULL && strcmp(parent, path) == 0)
			strcpy(found[n++], slash != NULL ? slash + 1 : full);
	}
	for (unsigned i = 0; i < n && each(arg, found[i]) == 0; i++)
		;
	free(found);
	return 0;
}

static int sim_free_bytes(void *ctx, uint64_t *out)
{
	struct sim_disk *d = ctx;
	int err = sim_disk_gate(d, SIM_STAT);
	uint64_t used = sim_disk_used(d);

	if (err != 0)
		return err;
	*out = d->limit > used ? d->limit - used : 0;
	return 0;
}

static int sim_raw_fd(void *ctx, int file)
{
	return -1;
}

struct disk disk_sim(struct sim_disk *d)
{
	return (struct disk){
		.open = sim_open,
		.close = sim_close,
		.read = sim_read,
		.write = sim_write,
		.size = sim_size,
		.size_of = sim_size_of,
		.forget = sim_forget,
		.sync = sim_sync,
		.rename = sim_rename,
		.link = sim_link,
		.remove = sim_remove,
		.sync_dir = sim_sync_dir,
		.sync_all = sim_sync_all,
		.make_dir = sim_make_dir,
		.list = sim_list,
		.free_bytes = sim_free_bytes,
		.raw_fd = sim_raw_fd,
		.ctx = d,
	};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"

struct real_disk {
	int root;
	/* The directory of sync_all stays open: what failed since the last one is told to it,
	 * whoever else has heard of it. */
	pthread_mutex_t lock;
	int all;
	char all_path[64];
};

static int code_of(int error)
{
	switch (error) {
	case ENOENT:
		return ASSAY_E_NOTFOUND;
	case EEXIST:
		return ASSAY_E_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ASSAY_E_PERM;
	case ENOSPC:
	case EDQUOT:
		return ASSAY_E_NOSPC;
	case EMFILE:
	case ENFILE:
		return ASSAY_E_FULL;
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
		return ASSAY_E_INVAL;
	default:
		return ASSAY_E_IO;
	}
}

static int root_of(void *ctx)
{
	return ((struct real_disk *)ctx)->root;
}

/* Only regular files: O_NONBLOCK keeps a pipe that somebody put there from stopping the node. */
static int real_open(void *ctx, const char *path, int mode)
{
	int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat st;

	flags |= mode != DISK_READ ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY;
	int fd = openat(root_of(ctx), path, flags, mode == DISK_CREATE_SECRET ? 0600 : 0640);

	if (fd < 0)
		return code_of(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return ASSAY_E_INVAL;
	}
	return fd;
}

static void real_close(void *ctx, int file)
{
	close(file);
}

static int64_t real_read(void *ctx, int file, void *out, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(file, (char *)out + done, len - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return code_of(errno);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}

static int real_write(void *ctx, int file, const void *data, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t put =
			pwrite(file, (const char *)data + done, len - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return code_of(errno);
		done += (size_t)put;
	}
	return 0;
}

static int64_t real_size(void *ctx, int file)
{
	struct stat st;

	return fstat(file, &st) == 0 ? (int64_t)st.st_size : (int64_t)code_of(errno);
}

static int64_t real_size_of(void *ctx, const char *path)
{
	struct stat st;

	if (fstatat(root_of(ctx), path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return code_of(errno);
	return S_ISREG(st.st_mode) ? (int64_t)st.st_size : ASSAY_E_INVAL;
}

static void real_forget(void *ctx, int file)
{
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

static int real_sync(void *ctx, int file)
{
	return fdatasync(file) == 0 ? 0 : code_of(errno);
}

static int real_rename(void *ctx, const char *from, const char *to)
{
	return renameat(root_of(ctx), from, root_of(ctx), to) == 0 ? 0 : code_of(errno);
}

static int real_link(void *ctx, const char *from, const char *to)
{
	int64_t size = real_size_of(ctx, from);

	if (size < 0)
		return (int)size;
	if (linkat(root_of(ctx), from, root_of(ctx), to, 0) == 0)
		return 0;
	switch (errno) {
	case EXDEV:
	case EMLINK:
	case EPERM: /* also of a file system without links */
	case EOPNOTSUPP:
		return ASSAY_E_UNSUPPORTED;
	default:
		return code_of(errno);
	}
}

static int real_remove(void *ctx, const char *path)
{
	return unlinkat(root_of(ctx), path, 0) == 0 ? 0 : code_of(errno);
}

static int open_dir(void *ctx, const char *path)
{
	int fd = openat(root_of(ctx), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : code_of(errno);
}

static int real_sync_dir(void *ctx, const char *path)
{
	int fd = open_dir(ctx, path);

	if (fd < 0)
		return fd;
	int err = fsync(fd) == 0 ? 0 : code_of(errno);

	close(fd);
	return err;
}

/* With the lock held. */
static int open_all(struct real_disk *d, const char *path)
{
	if (d->all >= 0 && strcmp(d->all_path, path) == 0)
		return d->all;
	if (d->all >= 0)
		close(d->all);
	d->all = open_dir(d, path);
	snprintf(d->all_path, sizeof(d->all_path), "%s", path);
	return d->all;
}

static int real_sync_all(void *ctx, const char *path)
{
	struct real_disk *d = ctx;
	int fd, err;

	pthread_mutex_lock(&d->lock);
	fd = open_all(d, path);
	err = fd < 0 ? fd : syncfs(fd) == 0 ? 0 : code_of(errno);
	pthread_mutex_unlock(&d->lock);
	return err;
}

static int real_make_dir(void *ctx, const char *path)
{
	struct stat st;

	if (mkdirat(root_of(ctx), path, 0750) == 0)
		return 0;
	if (errno != EEXIST)
		return code_of(errno);
	if (fstatat(root_of(ctx), path, &st, 0) != 0)
		return code_of(errno);
	return S_ISDIR(st.st_mode) ? 0 : ASSAY_E_EXISTS;
}

static int real_list(void *ctx, const char *path, int (*each)(void *arg, const char *name),
		     void *arg)
{
	int fd = open_dir(ctx, path), err = 0;

	if (fd < 0)
		return fd;
	DIR *dir = fdopendir(fd);

	if (dir == NULL) {
		err = code_of(errno);
		close(fd);
		return err;
	}
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(dir);

		if (entry == NULL) {
			err = errno == 0 ? 0 : code_of(errno);
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (each(arg, entry->d_name) != 0)
			break;
	}
	closedir(dir);
	return err;
}

static int real_free_bytes(void *ctx, uint64_t *out)
{
	struct statvfs st;

	if (fstatvfs(root_of(ctx), &st) != 0)
		return code_of(errno);
	*out = (uint64_t)st.f_bavail * st.f_frsize;
	return 0;
}

static int real_raw_fd(void *ctx, int file)
{
	return file;
}

int disk_real_open(struct disk *out, const char *dir)
{
	struct real_disk *d = malloc(sizeof(*d));

	if (d == NULL)
		return ASSAY_E_NOMEM;
	d->root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->root < 0) {
		free(d);
		return code_of(errno);
	}
	pthread_mutex_init(&d->lock, NULL);
	d->all = -1;
	*out = (struct disk){
		.open = real_open,
		.close = real_close,
		.read = real_read,
		.write = real_write,
		.size = real_size,
		.size_of = real_size_of,
		.forget = real_forget,
		.sync = real_sync,
		.rename = real_rename,
		.link = real_link,
		.remove = real_remove,
		.sync_dir = real_sync_dir,
		.sync_all = real_sync_all,
		.make_dir = real_make_dir,
		.list = real_list,
		.free_bytes = real_free_bytes,
		.raw_fd = real_raw_fd,
		.ctx = d,
	};
	return 0;
}

void disk_real_close(struct disk *disk)
{
	struct real_disk *d = disk->ctx;

	if (d->all >= 0)
		close(d->all);
	pthread_mutex_destroy(&d->lock);
	close(d->root);
	free(d);
	disk->ctx = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"

#define NAME_ROOM 64 /* ids and layout.json, with a suffix */

int work_fail(struct pipeline *p, int e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->message, sizeof(p->message), format, args);
	va_end(args);
	return e;
}

int work_errno(struct pipeline *p, const char *what, const char *name)
{
	int e = errno == ENOSPC || errno == EDQUOT  ? ASSAY_E_NOSPC
		: errno == ENOENT		    ? ASSAY_E_NOTFOUND
		: errno == EACCES || errno == EPERM ? ASSAY_E_PERM
						    : ASSAY_E_IO;

	return work_fail(p, e, "%s %s: %s", what, name, strerror(errno));
}

int work_progress(struct pipeline *p, const char *what, uint64_t done, uint64_t total)
{
	if (p->progress != NULL && p->progress(p->ctx, what, done, total))
		return work_fail(p, ASSAY_E_CLOSED, "stopped while %s", what);
	return 0;
}

int64_t file_length(struct pipeline *p, int file)
{
	struct stat st;

	if (fstat(file, &st) != 0)
		return work_errno(p, "cannot look at", "the file");
	if (!S_ISREG(st.st_mode))
		return work_fail(p, ASSAY_E_INVAL, "it is not a regular file");
	return st.st_size;
}

int coded_open(int folder, const char *name, uint64_t *len, const char **why)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	*why = "cannot be read";
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*len = st.st_size;
		return fd;
	}
	*why = "is not a regular file";
	close(fd);
	return -1;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= n;
	}
	return 0;
}

int coded_write(struct pipeline *p, int folder, const char *name, const void *data, size_t len)
{
	static const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	char part[NAME_ROOM + 8];
	int fd, e = 0;

	snprintf(part, sizeof(part), "%s.part", name);
	fd = openat(folder, part, flags, p->mode != 0 ? p->mode : 0666);
	if (fd < 0)
		return work_errno(p, "cannot create", part);
	if (write_all(fd, data, len) != 0 || (p->owner != NULL && fchown(fd, *p->owner, -1) != 0))
		e = work_errno(p, "cannot write", part);
	if (close(fd) != 0 && e == 0)
		e = work_errno(p, "cannot write", part);
	if (e == 0 && renameat(folder, part, folder, name) != 0)
		e = work_errno(p, "cannot rename", part);
	if (e != 0)
		unlinkat(folder, part, 0);
	return e;
}

/* One call for thousands of files: the whole file system, names included. */
int coded_sync(struct pipeline *p, int folder)
{
	return syncfs(folder) == 0 ? 0 : work_errno(p, "cannot write", "the folder to the disk");
}

static int read_all(int fd, char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ASSAY_E_CHANGED;
		to += n;
		len -= n;
	}
	return 0;
}

int coded_layout(struct pipeline *p, struct layout *l, int folder)
{
	const char *why;
	uint64_t len;
	int fd = coded_open(folder, PIPELINE_LAYOUT, &len, &why), e;
	char *text;

	if (fd < 0)
		return errno == ENOENT ? work_fail(p, ASSAY_E_NOTFOUND,
						   "the folder has no " PIPELINE_LAYOUT)
				       : work_fail(p, ASSAY_E_IO, PIPELINE_LAYOUT " %s", why);
	text = len <= LAYOUT_TEXT_MAX ? malloc(len + 1) : NULL;
	if (text == NULL)
		e = work_fail(p, ASSAY_E_INVAL, PIPELINE_LAYOUT " is too large");
	else if ((e = read_all(fd, text, len)) != 0)
		work_fail(p, e, PIPELINE_LAYOUT " changed while it was read");
	else if ((e = layout_read(l, &why, text, len)) != 0)
		work_fail(p, e, PIPELINE_LAYOUT ": %s", why);
	free(text);
	close(fd);
	return e;
}

int coded_take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
	       const void *data, size_t len)
{
	struct coded_sink *sink = ctx;
	char name[BASE58_KEY_MAX];

	base58_encode(name, sizeof(name), id, 32);
	return coded_write(sink->p, sink->folder, name, data, len);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bus between processes of one machine: every member has a Unix datagram socket in a common
 * directory, and a frame goes to all that are there. The kernel's queue of a socket is the member's
 * inbox; what does not fit is lost for that member alone, so nobody waits for anybody.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/real.h"

#define SUFFIX ".bus"

struct real_bus {
	int fd;
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct sockaddr_un self;
};

/* False when the path is too long for a socket. */
static bool member_address(struct sockaddr_un *out, const char *dir, const char *file)
{
	int n = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s", dir, file);

	out->sun_family = AF_UNIX;
	return n > 0 && (size_t)n < sizeof(out->sun_path);
}

static bool is_member(const char *file)
{
	size_t len = strlen(file);

	return len > strlen(SUFFIX) && strcmp(file + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Full, gone, not ours to write to: lost for him. A socket of its own, because what waits in his
 * queue is charged to the sender's, and others would pay for it. */
static void deliver(const struct sockaddr_un *to, const void *frame, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)!sendto(fd, frame, len, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof(*to));
	close(fd);
}

static int real_send(void *ctx, const void *frame, size_t len)
{
	const struct real_bus *b = ctx;
	struct sockaddr_un to;
	DIR *dir;

	if (len == 0 || len > BUS_FRAME_MAX)
		return ASSAY_E_RANGE;
	dir = opendir(b->dir);
	if (dir == NULL)
		return ASSAY_E_IO;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (is_member(entry->d_name) && member_address(&to, b->dir, entry->d_name) &&
		    strcmp(to.sun_path, b->self.sun_path) != 0)
			deliver(&to, frame, len);
	closedir(dir);
	return 0;
}

static int real_receive(void *ctx, void *out, size_t room)
{
	const struct real_bus *b = ctx;

	for (;;) {
		ssize_t got = recv(b->fd, out, room, MSG_DONTWAIT | MSG_TRUNC);

		if (got > 0 && (size_t)got <= room)
			return (int)got;
		if (got < 0 && errno != EINTR)
			return errno == EAGAIN || errno == EWOULDBLOCK ? ASSAY_E_AGAIN : ASSAY_E_IO;
	}
}

/* A name that is taken by nobody alive was left by a crash. */
static int take_name(const struct real_bus *b)
{
	const struct sockaddr *self = (const struct sockaddr *)&b->self;

	if (bind(b->fd, self, sizeof(b->self)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return ASSAY_E_IO;
	if (connect(b->fd, self, sizeof(b->self)) == 0 || errno != ECONNREFUSED)
		return ASSAY_E_BUSY;
	unlink(b->self.sun_path);
	return bind(b->fd, self, sizeof(b->self)) == 0 ? 0 : ASSAY_E_IO;
}

int bus_real_open(struct bus *out, const char *dir, const char *name)
{
	struct real_bus *b = calloc(1, sizeof(*b));
	int err = ASSAY_E_RANGE;
	char file[128];

	if (b == NULL)
		return ASSAY_E_NOMEM;
	snprintf(file, sizeof(file), "%s" SUFFIX, name);
	b->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!member_address(&b->self, dir, file))
		goto fail;
	snprintf(b->dir, sizeof(b->dir), "%s", dir);
	err = ASSAY_E_IO;
	if (b->fd < 0)
		goto fail;
	err = take_name(b);
	if (err != 0)
		goto fail;
	*out = (struct bus){real_send, real_receive, b};
	return 0;
fail:
	if (b->fd >= 0)
		close(b->fd);
	free(b);
	return err;
}

void bus_real_close(struct bus *bus)
{
	struct real_bus *b = bus->ctx;

	unlink(b->self.sun_path);
	close(b->fd);
	free(b);
	bus->ctx = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded before the libraries of a daemon (LD_PRELOAD): kill -9 right before its n-th call that
 * changes the disk. n stands in the file that ASSAY_KILL_AT names; calls are counted from when that
 * file is there, so that a test chooses the moment.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void step(void)
{
	static _Atomic unsigned steps;
	const char *path = getenv("ASSAY_KILL_AT");
	FILE *in = path != NULL ? fopen(path, "r") : NULL;
	unsigned n = 0;

	if (in == NULL)
		return;
	if (fscanf(in, "%u", &n) == 1 && atomic_fetch_add(&steps, 1) + 1 == n)
		kill(getpid(), SIGKILL);
	fclose(in);
}

/* The function of that name in the library that this one hides. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list more;

	if (flags & O_CREAT) {
		va_start(more, flags);
		mode = va_arg(more, mode_t);
		va_end(more);
		step();
	}
	return NEXT(openat)(folder, path, flags, mode);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	step();
	return NEXT(pwrite)(fd, data, len, offset);
}

int fdatasync(int fd)
{
	step();
	return NEXT(fdatasync)(fd);
}

int fsync(int fd)
{
	step();
	return NEXT(fsync)(fd);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	step();
	return NEXT(renameat)(from_folder, from, to_folder, to);
}

int mkdirat(int folder, const char *path, mode_t mode)
{
	step();
	return NEXT(mkdirat)(folder, path, mode);
}

int unlinkat(int folder, const char *path, int flags)
{
	step();
	return NEXT(unlinkat)(folder, path, flags);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "log/faulty_vfs.h"

#include <sqlite3.h>
#include <string.h>

#include "base/must.h"

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs faulty, *real_vfs;
static sqlite3_io_methods methods;
static unsigned fail_at, ops;
static int keeps_failing;

void faulty_vfs_fail(unsigned n, int stays)
{
	fail_at = n;
	keeps_failing = stays;
}

unsigned faulty_vfs_count(void)
{
	return ops;
}

static int fails(void)
{
	ops++;
	if (fail_at == 0)
		return 0;
	if (fail_at > 1) {
		fail_at--;
		return 0;
	}
	fail_at = keeps_failing ? 1 : 0;
	return 1;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct faulty_file *)f)->real;
}

#define PASS(name, ...)                                                 \
	{                                                               \
		sqlite3_file *r = real_of(f);                           \
		return r->pMethods->name(r __VA_OPT__(, ) __VA_ARGS__); \
	}

static int on_close(sqlite3_file *f) PASS(xClose) static int on_read(
	sqlite3_file *f, void *out, int n,
	sqlite3_int64 at) PASS(xRead, out, n, at) static int on_size(sqlite3_file *f,
								     sqlite3_int64 *out)
	PASS(xFileSize, out) static int on_lock(sqlite3_file *f, int level) PASS(
		xLock, level) static int on_unlock(sqlite3_file *f, int level)
		PASS(xUnlock, level) static int on_reserved(sqlite3_file *f, int *out) PASS(
			xCheckReservedLock, out) static int on_control(sqlite3_file *f, int op,
								       void *arg)
			PASS(xFileControl, op, arg) static int on_sector(sqlite3_file *f) PASS(
				xSectorSize) static int on_traits(sqlite3_file *f)
				PASS(xDeviceCharacteristics) static int on_map(sqlite3_file *f,
									       int page, int size,
									       int extend,
									       void volatile **out)
					PASS(xShmMap, page, size, extend,
					     out) static int on_shm_lock(sqlite3_file *f, int at,
									 int n, int flags)
						PASS(xShmLock, at, n,
						     flags) static void on_barrier(sqlite3_file *f)
							PASS(xShmBarrier) static int on_unmap(
								sqlite3_file *f,
								int remove) PASS(xShmUnmap, remove)

								static int on_write(
									sqlite3_file *f,
									const void *data, int n,
									sqlite3_int64 at)
{
	sqlite3_file *r = real_of(f);

	if (!fails())
		return r->pMethods->xWrite(r, data, n, at);
	r->pMethods->xWrite(r, data, n / 2, at); /* torn */
	return SQLITE_IOERR_WRITE;
}

static int on_sync(sqlite3_file *f, int flags)
{
	sqlite3_file *r = real_of(f);

	return fails() ? SQLITE_IOERR_FSYNC : r->pMethods->xSync(r, flags);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	sqlite3_file *r = real_of(f);

	return fails() ? SQLITE_IOERR_TRUNCATE : r->pMethods->xTruncate(r, size);
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct faulty_file *file = (struct faulty_file *)f;
	int rc;

	file->real = (sqlite3_file *)(file + 1);
	file->base.pMethods = NULL;
	rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out_flags);
	if (rc == SQLITE_OK)
		file->base.pMethods = &methods;
	return rc;
}

void faulty_vfs_install(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	must(real_vfs != NULL);
	methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = on_close,
		.xRead = on_read,
		.xWrite = on_write,
		.xTruncate = on_truncate,
		.xSync = on_sync,
		.xFileSize = on_size,
		.xLock = on_lock,
		.xUnlock = on_unlock,
		.xCheckReservedLock = on_reserved,
		.xFileControl = on_control,
		.xSectorSize = on_sector,
		.xDeviceCharacteristics = on_traits,
		.xShmMap = on_map,
		.xShmLock = on_shm_lock,
		.xShmBarrier = on_barrier,
		.xShmUnmap = on_unmap,
	};
	faulty = *real_vfs;
	faulty.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
	faulty.zName = "faulty";
	faulty.xOpen = on_open;
	must(sqlite3_vfs_register(&faulty, 1) == SQLITE_OK);
}

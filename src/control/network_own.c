/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts of this node, for what it wants to know of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/network_impl.h"
#include "crypto/digest.h"

#define PATH_ROOM 96

static int own_size(void *ctx, uint64_t *size, const uint8_t key[32])
{
	struct app *app = ctx;
	struct artifact_info info;

	if (app->store == NULL || store_stat(app->store, key, &info) != 0 ||
	    info.state != ARTIFACT_STORED)
		return ASSAY_E_NOTFOUND;
	*size = info.size;
	return 0;
}

/* Below the state folder. */
static void path_of(char out[PATH_ROOM], const uint8_t key[32])
{
	char hex[65];

	hex_encode(hex, key, 32);
	snprintf(out, PATH_ROOM, "artifacts/%.2s/%s", hex, hex);
}

/* From the disk, checked: layout and index files are small. */
static int own_read(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max)
{
	struct app *app = ctx;
	char path[PATH_ROOM];
	uint8_t digest[32];
	uint64_t size;
	int file, error = own_size(app, &size, key);

	if (error != 0 || size > size_max)
		return error != 0 ? error : ASSAY_E_RANGE;
	path_of(path, key);
	file = app->disk.open(app->disk.ctx, path, DISK_READ);
	if (file < 0)
		return file;
	*data = malloc(size + 1);
	*len = (size_t)size;
	error = *data == NULL ? ASSAY_E_NOMEM : 0;
	if (error == 0 && app->disk.read(app->disk.ctx, file, *data, *len, 0) != (int64_t)size)
		error = ASSAY_E_IO;
	if (error == 0) {
		digest_one(digest, NULL, *data, *len);
		error = memcmp(digest, key, 32) == 0 ? 0 : ASSAY_E_CORRUPT;
	}
	app->disk.close(app->disk.ctx, file);
	if (error != 0) {
		free(*data);
		*data = NULL;
	}
	return error;
}

static int own_link(void *ctx, int folder, const char *name, const uint8_t key[32])
{
	const struct app *app = ctx;
	char below[PATH_ROOM], path[sizeof(app->config.state_dir) + PATH_ROOM];

	path_of(below, key);
	snprintf(path, sizeof(path), "%s/%s", app->config.state_dir, below);
	return linkat(AT_FDCWD, path, folder, name, 0) == 0 ? 0 : ASSAY_E_IO;
}

struct own_artifacts network_own(struct app *app)
{
	return (struct own_artifacts){own_read, own_size, own_link, app};
}

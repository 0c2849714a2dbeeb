/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts of this node, for what it wants to know of its own. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/network_impl.h"
#include "crypto/digest.h"

int network_own_size(void *ctx, uint64_t *size, const uint8_t key[32])
{
	struct app *app = ctx;
	struct artifact_info info;

	if (app->store == NULL || store_stat(app->store, key, &info) != 0 ||
	    info.state != ARTIFACT_STORED)
		return ASSAY_E_NOTFOUND;
	*size = info.size;
	return 0;
}

/* From the disk, checked: layout and index files are small. */
int network_own_read(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		     uint64_t size_max)
{
	struct app *app = ctx;
	char path[96], hex[65];
	uint8_t digest[32];
	uint64_t size;
	int file, error = network_own_size(app, &size, key);

	if (error != 0 || size > size_max)
		return error != 0 ? error : ASSAY_E_RANGE;
	hex_encode(hex, key, 32);
	snprintf(path, sizeof(path), "artifacts/%.2s/%s", hex, hex);
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

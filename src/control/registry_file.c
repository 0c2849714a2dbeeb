/* SPDX-License-Identifier: Apache-2.0 */
/* registry.json under the state directory: bounded reading, atomic replacing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/registry.h"

#define TEMPORARY "registry.json.new"

static int read_file(char **text, size_t *len, const struct disk *disk, char *why)
{
	int file = disk->open(disk->ctx, REGISTRY_NAME, DISK_READ);
	int64_t size = file >= 0 ? disk->size(disk->ctx, file) : file;
	int64_t got = size;

	*text = NULL;
	if (size > REGISTRY_FILE_MAX)
		got = ASSAY_E_RANGE;
	else if (size >= 0 && (*text = malloc((size_t)size + 1)) == NULL)
		got = ASSAY_E_NOMEM;
	else if (size >= 0)
		got = disk->read(disk->ctx, file, *text, (size_t)size, 0);
	if (file >= 0)
		disk->close(disk->ctx, file);
	if (got >= 0) {
		*len = (size_t)got;
		return 0;
	}
	free(*text);
	*text = NULL;
	snprintf(why, REGISTRY_WHY_MAX, "%s: %s", REGISTRY_NAME, assay_error_text((int)got));
	return (int)got;
}

int registry_load(struct registry *r, const struct disk *disk, char *why)
{
	char *text, reason[REGISTRY_WHY_MAX];
	size_t len = 0;
	int result;

	registry_init(r, "");
	result = read_file(&text, &len, disk, why);
	if (result != 0)
		return result;
	result = registry_parse(r, text, len, reason);
	free(text);
	if (result != 0)
		snprintf(why, REGISTRY_WHY_MAX, "%s: %.480s", REGISTRY_NAME, reason);
	return result;
}

static char *registry_text(const struct registry *r)
{
	json_t *root = json_object(), *nodes = json_array(), *clients = json_array();
	char *text;

	json_object_set_new(root, "v", json_integer(1));
	json_object_set_new(root, "network", json_string(r->network));
	for (unsigned i = 0; i < r->count; i++)
		json_array_append_new(r->entries[i].node ? nodes : clients,
				      registry_entry_json(&r->entries[i]));
	json_object_set_new(root, "nodes", nodes);
	json_object_set_new(root, "clients", clients);
	text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

static int write_file(const struct disk *disk, const char *text)
{
	int file, result;

	disk->remove(disk->ctx, TEMPORARY); /* of a writer that died */
	file = disk->open(disk->ctx, TEMPORARY, DISK_CREATE);
	if (file < 0)
		return file;
	result = disk->write(disk->ctx, file, text, strlen(text), 0);
	if (result == 0)
		result = disk->sync(disk->ctx, file);
	disk->close(disk->ctx, file);
	if (result == 0)
		result = disk->rename(disk->ctx, TEMPORARY, REGISTRY_NAME);
	if (result == 0)
		return disk->sync_dir(disk->ctx, ".");
	disk->remove(disk->ctx, TEMPORARY);
	return result;
}

int registry_save(const struct registry *r, const struct disk *disk, char *why)
{
	char *text = registry_text(r);
	int result = text != NULL ? write_file(disk, text) : ASSAY_E_NOMEM;

	free(text);
	if (result != 0)
		snprintf(why, REGISTRY_WHY_MAX, "%s: %s; nothing was changed", REGISTRY_NAME,
			 assay_error_text(result));
	return result;
}

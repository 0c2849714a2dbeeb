/* SPDX-License-Identifier: Apache-2.0 */
/* A claimed file that is rebuilt: what is still good in its staging folder is used again. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/heal_building.h"
#include "control/heal_stage.h"
#include "crypto/digest.h"

/* Where the key's file is staged; true: it is a layout file. */
static bool path_left(char out[DELIVERY_PATH_ROOM], const struct building *b, const uint8_t key[32])
{
	const struct ticket_index *index = collect_index(b->c);

	for (uint32_t i = 0; i < b->t->facts.max; i++)
		if (memcmp(index->layout_ids[i], key, 32) == 0) {
			heal_path(b->t, out, 1, i);
			return true;
		}
	stage_symbol_path(out, DELIVERY_PATH_ROOM, b->t->root, b->t->order.op, key);
	return false;
}

/* A file that was staged before, if it is still what its key says. */
static bool take_left(uint8_t **data, size_t *len, const char *path, const uint8_t key[32],
		      size_t len_max)
{
	uint8_t digest[32];

	*data = (uint8_t *)stage_read(len, path, len_max);
	if (*data == NULL)
		return false;
	digest_one(digest, NULL, *data, *len);
	if (memcmp(digest, key, 32) == 0)
		return true;
	free(*data);
	return false;
}

static int take_own(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max)
{
	const struct building *b = ctx;
	char path[DELIVERY_PATH_ROOM];
	bool is_layout = path_left(path, b, key);

	if (!take_left(data, len, path, key, size_max))
		return b->t->own.read(b->t->own.ctx, data, len, key, size_max);
	if (is_layout)
		return 0;
	/* A symbol stays the file that it is, which a crash does not touch. */
	free(*data);
	return ASSAY_E_EXISTS;
}

static int link_own(void *ctx, int folder, const char *name, const uint8_t key[32])
{
	const struct own_artifacts *own = &((const struct building *)ctx)->t->own;

	return own->link(own->ctx, folder, name, key);
}

struct own_artifacts left_artifacts(struct building *b)
{
	return (struct own_artifacts){.read = take_own, .link = link_own, .ctx = b};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/view.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

/* Hints are keyed digests, so their first bytes are as good as a hash. */
static uint64_t hint_hash(const uint8_t hint[16])
{
	uint64_t h;

	memcpy(&h, hint, sizeof(h));
	return h;
}

const struct view_peer *view_find(const struct view *view, const uint8_t hint[16])
{
	uint32_t at = (uint32_t)hint_hash(hint) & view->hint_mask;

	/* The table is at most half full, so there is always an empty place to stop at. */
	for (uint32_t i; (i = view->hint_table[at]) != 0; at = (at + 1) & view->hint_mask)
		if (memcmp(view->peers[i - 1].noise.hint, hint, 16) == 0)
			return &view->peers[i - 1];
	return NULL;
}

const struct view_peer *view_peer_at(const struct view *view, uint32_t slot)
{
	uint32_t i = slot < VIEW_PEERS_MAX && view->slot_table != NULL ? view->slot_table[slot] : 0;

	return i == 0 ? NULL : &view->peers[i - 1];
}

struct view *view_build(const struct view *settings, const struct view_peer *peers, uint32_t count)
{
	uint32_t size = 2;
	struct view *view = malloc(sizeof(*view));
	uint32_t *hints, *slots;

	must(count <= VIEW_PEERS_MAX);
	while (size < 2 * count)
		size *= 2;
	hints = calloc(size, sizeof(*hints));
	slots = calloc(VIEW_PEERS_MAX, sizeof(*slots));
	if (view == NULL || hints == NULL || slots == NULL) {
		free(view);
		free(hints);
		free(slots);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = (uint32_t)hint_hash(peers[i].noise.hint) & (size - 1);

		while (hints[at] != 0)
			at = (at + 1) & (size - 1);
		hints[at] = i + 1;
		must(peers[i].slot < VIEW_PEERS_MAX && slots[peers[i].slot] == 0);
		slots[peers[i].slot] = i + 1;
	}
	*view = *settings;
	view->peers = peers;
	view->peer_count = count;
	view->hint_table = hints;
	view->hint_mask = size - 1;
	view->slot_table = slots;
	return view;
}

void view_free(struct view *view)
{
	if (view == NULL)
		return;
	free((void *)view->peers);
	free((void *)view->hint_table);
	free((void *)view->slot_table);
	free(view);
}

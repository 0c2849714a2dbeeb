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

/* Keys are digests; ops are small numbers. */
static uint64_t grant_hash(uint64_t op, const uint8_t key[32])
{
	uint64_t h;

	memcpy(&h, key, sizeof(h));
	return h ^ op;
}

static bool epoch_in(const struct view *view, uint64_t until)
{
	return view->any_epoch || view->epoch[0] <= until;
}

bool view_granted(const struct view *view, uint64_t op, const char *account, const uint8_t key[32],
		  uint32_t may)
{
	uint32_t at = (uint32_t)grant_hash(op, key) & view->grant_mask;

	if (view->grant_count == 0)
		return false;
	for (uint32_t i; (i = view->grant_table[at]) != 0; at = (at + 1) & view->grant_mask) {
		const struct view_grant *g = &view->grants[i - 1];

		if (g->op == op && memcmp(g->key, key, 32) == 0 && (g->may & may) == may &&
		    strcmp(g->account, account) == 0 && epoch_in(view, g->until_epoch))
			return true;
	}
	return false;
}

static uint32_t table_size(uint32_t count)
{
	uint32_t size = 2;

	while (size < 2 * count)
		size *= 2;
	return size;
}

static void fill_grants(struct view *view, uint32_t *table)
{
	view->grant_table = table;
	view->grant_mask = table_size(view->grant_count) - 1;
	for (uint32_t i = 0; i < view->grant_count; i++) {
		const struct view_grant *g = &view->grants[i];
		uint32_t at = (uint32_t)grant_hash(g->op, g->key) & view->grant_mask;

		while (table[at] != 0)
			at = (at + 1) & view->grant_mask;
		table[at] = i + 1;
	}
}

/*
 * Who asks is told by the session's account alone: a grant without one would be anybody's, one
 * without an op would open what is staged to requests that name none.
 */
static bool grants_name_somebody(const struct view *settings)
{
	for (uint32_t i = 0; i < settings->grant_count; i++)
		if (settings->grants[i].account[0] == '\0' || settings->grants[i].op == 0)
			return false;
	return true;
}

struct view *view_build(const struct view *settings, const struct view_peer *peers, uint32_t count)
{
	uint32_t size = table_size(count);
	struct view *view = malloc(sizeof(*view));
	uint32_t *hints, *slots, *grants;

	must(count <= VIEW_PEERS_MAX);
	if (!grants_name_somebody(settings)) {
		free(view);
		return NULL;
	}
	hints = calloc(size, sizeof(*hints));
	slots = calloc(VIEW_PEERS_MAX, sizeof(*slots));
	grants = calloc(table_size(settings->grant_count), sizeof(*grants));
	if (view == NULL || hints == NULL || slots == NULL || grants == NULL) {
		free(view);
		free(hints);
		free(slots);
		free(grants);
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
	fill_grants(view, grants);
	return view;
}

void view_free(struct view *view)
{
	if (view == NULL)
		return;
	free((void *)view->peers);
	free((void *)view->hint_table);
	free((void *)view->slot_table);
	free((void *)view->grants);
	free((void *)view->grant_table);
	free(view);
}

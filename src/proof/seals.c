/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts of seals. A slot is chosen by D, which binds root, time, count and signature. */
#include <stdlib.h>
#include <string.h>

#include "proof/check_impl.h"
#include "proof/message.h"

struct seal_slot {
	bool used, good;
	uint8_t d[32], identity[32], network_id[32];
};

struct assay_seals {
	struct assay_seals_stats stats;
	unsigned entries;
	struct seal_slot slot[];
};

struct assay_seals *assay_seals_new(unsigned entries)
{
	struct assay_seals *seals;

	if (entries == 0)
		entries = 1;
	seals = calloc(1, sizeof(*seals) + (size_t)entries * sizeof(seals->slot[0]));
	if (seals != NULL)
		seals->entries = entries;
	return seals;
}

void assay_seals_free(struct assay_seals *seals)
{
	free(seals);
}

struct assay_seals_stats assay_seals_stats(const struct assay_seals *seals)
{
	return seals->stats;
}

bool sealed_shape(const struct sealed *s)
{
	return s->seal.count >= 1 && s->seal.count <= ASSAY_BATCH_MAX &&
	       s->seal.index < s->seal.count && s->depth == seal_depth(s->seal.count);
}

bool sealed_verify(const struct sealed *s, struct assay_seals *seals, bool *cached,
		   const uint8_t identity[32], const uint8_t network_id[32])
{
	struct seal_slot *slot, fresh = {.used = true};
	uint32_t at;

	*cached = false;
	if (seals == NULL)
		return seal_verify(s->seal.signature, identity, network_id, s->root,
				   s->seal.time_ms, s->seal.count);
	seal_digest(fresh.d, s->root, s->seal.time_ms, s->seal.count, s->seal.signature);
	memcpy(fresh.identity, identity, 32);
	memcpy(fresh.network_id, network_id, 32);
	memcpy(&at, fresh.d, sizeof(at));
	slot = &seals->slot[at % seals->entries];
	*cached = slot->used && memcmp(slot->d, fresh.d, 32) == 0 &&
		  memcmp(slot->identity, identity, 32) == 0 &&
		  memcmp(slot->network_id, network_id, 32) == 0;
	if (*cached) {
		seals->stats.hits++;
		return slot->good;
	}
	seals->stats.misses++;
	fresh.good = seal_verify(s->seal.signature, identity, network_id, s->root, s->seal.time_ms,
				 s->seal.count);
	*slot = fresh;
	return fresh.good;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys that outlive batches: the point and its image under the endomorphism, so that a known key
 * costs no square root. Bounded; the one used longest ago makes room. Slot 0 is the head of the
 * ring by last use: its newer is the oldest key, its older the newest.
 */
#include <string.h>

#include "crypto/schnorr/batch_impl.h"

#define GENERATION_SHIFT 32

uint32_t cache_slot(const struct assay_schnorr *b, uint64_t handle)
{
	uint32_t slot = (uint32_t)handle;

	if (slot == 0 || slot > b->cache_count ||
	    b->cache[slot].generation != handle >> GENERATION_SHIFT)
		return 0;
	return slot;
}

static void ring_remove(struct assay_schnorr *b, uint32_t slot)
{
	struct cached_key *k = &b->cache[slot];

	b->cache[k->older].newer = k->newer;
	b->cache[k->newer].older = k->older;
}

static void ring_append(struct assay_schnorr *b, uint32_t slot)
{
	struct cached_key *k = &b->cache[slot];

	k->older = b->cache[0].older;
	k->newer = 0;
	b->cache[k->older].newer = slot;
	b->cache[0].older = slot;
}

void cache_touch(struct assay_schnorr *b, uint32_t slot)
{
	ring_remove(b, slot);
	ring_append(b, slot);
}

static uint32_t *bucket_of(struct assay_schnorr *b, const uint8_t key[32])
{
	return &b->cache_table[key_hash(b, key) & b->cache_mask];
}

static void forget(struct assay_schnorr *b, uint32_t slot)
{
	uint32_t *at = bucket_of(b, b->cache[slot].bytes);

	while (*at != slot)
		at = &b->cache[*at].next;
	*at = b->cache[slot].next;
	ring_remove(b, slot);
}

/* A slot that is free now. */
static uint32_t take(struct assay_schnorr *b)
{
	uint32_t slot;

	if (b->cache_count < b->config.keys_max)
		return ++b->cache_count;
	slot = b->cache[0].newer;
	forget(b, slot);
	return slot;
}

uint32_t cache_find(struct assay_schnorr *b, const uint8_t key[32])
{
	uint32_t slot = *bucket_of(b, key);

	while (slot != 0 && memcmp(b->cache[slot].bytes, key, 32) != 0)
		slot = b->cache[slot].next;
	if (slot != 0)
		cache_touch(b, slot);
	return slot;
}

uint32_t cache_insert(struct assay_schnorr *b, const uint8_t key[32], const struct point *p,
		      const struct point *image)
{
	uint32_t slot = take(b), *bucket = bucket_of(b, key);
	struct cached_key *k = &b->cache[slot];

	memcpy(k->bytes, key, 32);
	k->p = *p;
	k->lambda_p = *image;
	k->generation++;
	k->next = *bucket;
	*bucket = slot;
	ring_append(b, slot);
	return slot;
}

int assay_schnorr_key(struct assay_schnorr *b, uint64_t *handle, const uint8_t key[32])
{
	uint32_t slot;
	struct point p, image;

	if (b->config.keys_max == 0)
		return ASSAY_E_FULL;
	slot = cache_find(b, key);
	if (slot == 0) {
		if (!key_in_range(key) || b->kernels->lift(&p, &image, &key, 1) != 1)
			return ASSAY_E_CRYPTO;
		slot = cache_insert(b, key, &p, &image);
	}
	*handle = (uint64_t)b->cache[slot].generation << GENERATION_SHIFT | slot;
	return 0;
}

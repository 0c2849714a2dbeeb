/* SPDX-License-Identifier: Apache-2.0 */
/* Items and their keys: each key of a batch once, however many signatures it made. */
#include <string.h>

#include "crypto/schnorr/batch_impl.h"

uint64_t key_hash(const struct assay_schnorr *b, const uint8_t key[32])
{
	unsigned __int128 sum = 0;
	uint64_t w[4];

	memcpy(w, key, 32);
	for (int i = 0; i < 4; i += 2)
		sum += (unsigned __int128)(w[i] ^ b->hash_key[i]) * (w[i + 1] ^ b->hash_key[i + 1]);
	return (uint64_t)(sum >> 64) ^ (uint64_t)sum;
}

/* Index of the key in this batch, which it joins when it is new. */
static uint32_t key_find(struct assay_schnorr *b, const uint8_t bytes[32])
{
	uint64_t at = key_hash(b, bytes);
	struct batch_key *key;
	uint32_t i;

	for (; (i = b->key_table[at & b->key_table_mask]) != 0; at++)
		if (memcmp(b->keys[i - 1].bytes, bytes, 32) == 0)
			return i - 1;
	key = &b->keys[b->keys_count];
	*key = (struct batch_key){.used_in = 0};
	memcpy(key->bytes, bytes, 32);
	b->key_table[at & b->key_table_mask] = ++b->keys_count;
	return b->keys_count - 1;
}

static int item_add(struct assay_schnorr *b, const void *message, size_t len, uint32_t key,
		    const uint8_t signature[64])
{
	struct item *item = &b->items[b->items_count++];

	*item = (struct item){.message = message, .len = len, .key = key};
	memcpy(item->signature, signature, 64);
	return 0;
}

static int room(const struct assay_schnorr *b)
{
	if (b->phase != PHASE_OPEN)
		return ASSAY_E_BUSY;
	return b->items_count == b->config.items_max ? ASSAY_E_FULL : 0;
}

int assay_schnorr_add(struct assay_schnorr *b, const void *message, size_t len,
		      const uint8_t key[32], const uint8_t signature[64])
{
	int error = room(b);

	if (error != 0)
		return error;
	return item_add(b, message, len, key_find(b, key), signature);
}

/*
 * Adds with a key of the cache. The points are copied, so that the cache may give up the key in the
 * middle of the batch.
 */
static int add_from(struct assay_schnorr *b, const void *message, size_t len, uint32_t slot,
		    const uint8_t signature[64])
{
	uint32_t index = key_find(b, b->cache[slot].bytes);

	if (!b->keys[index].lifted) {
		b->pool[pool_key(b, index)] = b->cache[slot].p;
		b->pool[pool_key(b, index) + 1] = b->cache[slot].lambda_p;
		b->keys[index].lifted = b->keys[index].good = true;
	}
	return item_add(b, message, len, index, signature);
}

int assay_schnorr_add_cached(struct assay_schnorr *b, const void *message, size_t len,
			     uint64_t handle, const uint8_t signature[64])
{
	uint32_t slot = cache_slot(b, handle);
	int error = room(b);

	if (error != 0)
		return error;
	if (slot == 0)
		return ASSAY_E_NOTFOUND;
	cache_touch(b, slot);
	return add_from(b, message, len, slot, signature);
}

int assay_schnorr_add_known(struct assay_schnorr *b, const void *message, size_t len,
			    const uint8_t key[32], const uint8_t signature[64])
{
	uint32_t slot = cache_find(b, key), index;
	int error = room(b);

	if (error != 0)
		return error;
	if (slot != 0)
		return add_from(b, message, len, slot, signature);
	index = key_find(b, key);
	b->keys[index].keep = b->config.keys_max > 0;
	return item_add(b, message, len, index, signature);
}

uint32_t assay_schnorr_items(const struct assay_schnorr *b)
{
	return b->items_count;
}

bool assay_schnorr_valid(const struct assay_schnorr *b, uint32_t item)
{
	return item < b->items_count && (b->verdicts[item / 8] >> (item % 8) & 1) != 0;
}

const uint8_t *assay_schnorr_verdicts(const struct assay_schnorr *b)
{
	return b->verdicts;
}

void assay_schnorr_reset(struct assay_schnorr *b)
{
	/* For few keys in a large table only what was used: a key lies no further than the probes.
	 */
	if (b->keys_count < b->key_table_mask / 16)
		for (uint32_t i = b->keys_count; i-- > 0;) {
			uint64_t at = key_hash(b, b->keys[i].bytes);

			while (b->key_table[at & b->key_table_mask] != i + 1)
				at++;
			b->key_table[at & b->key_table_mask] = 0;
		}
	else
		memset(b->key_table, 0, (b->key_table_mask + 1) * sizeof(b->key_table[0]));
	memset(b->verdicts, 0, (b->items_count + 7) / 8);
	b->items_count = b->keys_count = 0;
	b->phase = PHASE_OPEN;
	b->judging = false;
	b->hashed = 0;
	b->at = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a batch, and the choice of its code. */
#include <string.h>

#include "base/must.h"
#include "crypto/schnorr/batch_impl.h"
#include "crypto/schnorr/dispatch.h"

/* Hands out pieces of one memory; with no memory it only counts. */
struct cutter {
	uint8_t *memory;
	size_t used;
};

static void *cut(struct cutter *c, size_t count, size_t size)
{
	void *p = c->memory == NULL ? NULL : c->memory + c->used;

	c->used += (count * size + ASSAY_SCHNORR_ALIGN - 1) / ASSAY_SCHNORR_ALIGN *
		   ASSAY_SCHNORR_ALIGN;
	return p;
}

static uint32_t power_of_two(uint32_t least)
{
	uint32_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

static bool config_good(const struct assay_schnorr_config *config)
{
	return config->items_max >= 1 && config->items_max <= ASSAY_SCHNORR_ITEMS_MAX &&
	       config->keys_max <= ASSAY_SCHNORR_KEYS_MAX;
}

/* The most that any width takes which a check of so many items can choose. */
static void msm_room(uint32_t items_max, uint32_t *slots, uint32_t *keys)
{
	unsigned most = msm_width(3 * items_max + 2);

	*slots = *keys = 0;
	for (unsigned width = 4; width <= most; width++) {
		*slots = msm_slots(width) > *slots ? msm_slots(width) : *slots;
		*keys = msm_keys(width) > *keys ? msm_keys(width) : *keys;
	}
}

static void lay_out(struct assay_schnorr *b, struct cutter *c,
		    const struct assay_schnorr_config *config)
{
	uint32_t n = config->items_max, slots, keys;

	msm_room(n, &slots, &keys);
	b->key_table_mask = power_of_two(2 * n) - 1;
	b->cache_mask = power_of_two(config->keys_max) - 1;
	b->items = cut(c, n, sizeof(b->items[0]));
	b->transcripts = cut(c, n, sizeof(b->transcripts[0]));
	b->keys = cut(c, n, sizeof(b->keys[0]));
	b->key_table = cut(c, b->key_table_mask + 1, sizeof(b->key_table[0]));
	b->pool = cut(c, POOL_ITEMS + 3 * (size_t)n + slots, sizeof(b->pool[0]));
	b->verdicts = cut(c, (n + 7) / 8, 1);
	b->cache = cut(c, config->keys_max + 1, sizeof(b->cache[0]));
	b->cache_table = cut(c, b->cache_mask + 1, sizeof(b->cache_table[0]));
	b->order = cut(c, n, sizeof(b->order[0]));
	b->used_keys = cut(c, n, sizeof(b->used_keys[0]));
	for (int i = 0; i < 3; i++)
		b->msm.word[i] = cut(c, MSM_WORDS(3 * (size_t)n + 2), sizeof(uint64_t));
	b->msm.ref = cut(c, 3 * (size_t)n + 2, sizeof(b->msm.ref[0]));
	b->msm.adder.sum = cut(c, keys, sizeof(b->msm.adder.sum[0]));
	b->msm.adder.slot = cut(c, slots, sizeof(b->msm.adder.slot[0]));
	b->msm.first_slot = POOL_ITEMS + 3 * n;
	b->msm.slot_count = slots;
}

size_t assay_schnorr_size(const struct assay_schnorr_config *config)
{
	struct assay_schnorr unused;
	struct cutter c = {NULL, 0};

	if (!config_good(config))
		return 0;
	cut(&c, 1, sizeof(unused));
	lay_out(&unused, &c, config);
	return c.used;
}

/* BIP-340: SHA-256 begun with the tag's digest twice. */
static void challenge_start(SHA256_CTX *c)
{
	static const char tag[] = "BIP0340/challenge";
	uint8_t twice[64];

	sha256_parts(twice, &(struct sha256_part){tag, sizeof(tag) - 1}, 1);
	memcpy(twice + 32, twice, 32);
	SHA256_Init(c);
	SHA256_Update(c, twice, sizeof(twice));
}

/* A point that comes of the secret: the first of its digests that is an x-coordinate. */
static void judge_start(struct assay_schnorr *b)
{
	uint8_t x[33] = "judge";
	const uint8_t *in = x;
	struct point p;

	do {
		x[32]++;
		digest_one(x, b->secret, x, sizeof(x));
	} while (!key_in_range(x) || b->kernels->lift(&p, NULL, &in, 1) != 1);
	judge_init(&b->judge, b->kernels, &p);
}

int assay_schnorr_init(struct assay_schnorr **out, void *memory, size_t len,
		       const struct assay_schnorr_config *config, const uint8_t secret[32])
{
	struct cutter c = {memory, 0};
	const struct kernels *kernels = dispatch_kernels(config->code);
	struct assay_schnorr *b;

	if (!config_good(config) || (uintptr_t)memory % ASSAY_SCHNORR_ALIGN != 0)
		return ASSAY_E_INVAL;
	if (len < assay_schnorr_size(config))
		return ASSAY_E_NOMEM;
	if (kernels == NULL)
		return ASSAY_E_UNSUPPORTED;
	b = cut(&c, 1, sizeof(*b));
	memset(b, 0, sizeof(*b));
	b->config = *config;
	b->kernels = kernels;
	lay_out(b, &c, config);
	memcpy(b->secret, secret, 32);
	digest_one((uint8_t *)b->hash_key, secret, "key tables", 10);
	challenge_start(&b->challenge);
	memset(b->key_table, 0, (b->key_table_mask + 1) * sizeof(b->key_table[0]));
	memset(b->cache_table, 0, (b->cache_mask + 1) * sizeof(b->cache_table[0]));
	memset(b->cache, 0, (config->keys_max + 1) * sizeof(b->cache[0]));
	memset(b->verdicts, 0, (config->items_max + 7) / 8);
	b->pool[POOL_G] = point_g;
	b->pool[POOL_LAMBDA_G] = point_endomorphism(&point_g);
	b->msm.adder.kernels = kernels;
	b->msm.adder.pool = b->pool;
	b->msm.adder.unused = POOL_UNUSED;
	b->msm.adder.pads[0] = POOL_G;
	b->msm.adder.pads[1] = POOL_LAMBDA_G;
	b->msm.stats = &b->stats;
	judge_start(b);
	assay_schnorr_reset(b);
	*out = b;
	return 0;
}

const char *assay_schnorr_best(void)
{
	return dispatch_kernels(ASSAY_SCHNORR_BEST)->name;
}

const char *assay_schnorr_code_name(const struct assay_schnorr *b)
{
	return b->kernels->name;
}

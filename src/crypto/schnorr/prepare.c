/* SPDX-License-Identifier: Apache-2.0 */
/* What is done once for each item, whatever is checked afterwards: challenge, points, coefficient.
 */
#include <string.h>

#include "crypto/schnorr/batch_impl.h"

#define HASH_SLICE	 32    /* items */
#define HASH_SLICE_BYTES 16384 /* of messages */
#define HASH_SHORT	 55    /* bytes that leave room for the end in one block */
#define SEED_SLICE	 256   /* items: 16 KiB */

/* e of the message at hand is this digest. */
static void challenge_end(struct assay_schnorr *b, const uint8_t digest[32])
{
	struct item *item = &b->items[b->at];
	struct transcript *t = &b->transcripts[b->at];

	scalar_read(&t->e, digest);
	item->failed = !scalar_read(&t->s, item->signature + 32) || !key_in_range(item->signature);
	b->hashed = 0;
	b->at++;
}

/* A message that ends in the second block after the tag's: no buffers, no lengths. */
static void hash_short(struct assay_schnorr *b, const struct item *item)
{
	uint64_t bits = __builtin_bswap64(8 * (128 + (uint64_t)item->len));
	SHA256_CTX c = b->challenge;
	uint8_t block[128] = {0};
	uint32_t digest[8];

	memcpy(block, item->signature, 32);
	memcpy(block + 32, b->keys[item->key].bytes, 32);
	if (item->len > 0)
		memcpy(block + 64, item->message, item->len);
	block[64 + item->len] = 0x80;
	memcpy(block + 120, &bits, 8);
	SHA256_Transform(&c, block);
	SHA256_Transform(&c, block + 64);
	for (int i = 0; i < 8; i++)
		digest[i] = __builtin_bswap32(c.h[i]);
	challenge_end(b, (const uint8_t *)digest);
}

void hash_step(struct assay_schnorr *b)
{
	uint64_t left = HASH_SLICE_BYTES;

	for (int i = 0; i < HASH_SLICE && left > 0 && b->at < b->items_count; i++) {
		struct item *item = &b->items[b->at];
		uint64_t some = item->len - b->hashed;
		uint8_t digest[32];

		if (item->len <= HASH_SHORT) {
			hash_short(b, item);
			continue;
		}
		if (b->hashed == 0) {
			b->running = b->challenge;
			SHA256_Update(&b->running, item->signature, 32);
			SHA256_Update(&b->running, b->keys[item->key].bytes, 32);
		}
		some = some < left ? some : left;
		if (some > 0)
			SHA256_Update(&b->running, item->message + b->hashed, some);
		b->hashed += some;
		left -= some;
		if (b->hashed == item->len) {
			SHA256_Final(digest, &b->running);
			challenge_end(b, digest);
		}
	}
	if (b->at == b->items_count)
		phase_next(b, PHASE_LIFT);
}

/* The x-coordinates that are lifted, R of each item and then each key; NULL: not this one. */
static const uint8_t *lift_from(const struct assay_schnorr *b, uint32_t at)
{
	const struct batch_key *key;

	if (at < b->items_count)
		return b->items[at].failed ? NULL : b->items[at].signature;
	key = &b->keys[at - b->items_count];
	return key->lifted || !key_in_range(key->bytes) ? NULL : key->bytes;
}

/* p, if there is one, is the point of x-coordinate number `at`, and image its endomorphism's. */
static void lift_to(struct assay_schnorr *b, uint32_t at, const struct point *p,
		    const struct point *image)
{
	struct batch_key *key;
	struct point *to;

	if (at < b->items_count) {
		b->items[at].failed = p == NULL;
		if (p != NULL)
			b->pool[pool_item(at)] = *p;
		return;
	}
	at -= b->items_count;
	key = &b->keys[at];
	key->good = p != NULL;
	if (p == NULL)
		return;
	to = &b->pool[pool_key(b, at)];
	to[0] = *p;
	to[1] = *image;
	if (key->keep && cache_find(b, key->bytes) == 0)
		cache_insert(b, key->bytes, p, image);
}

void lift_step(struct assay_schnorr *b)
{
	uint32_t all = b->items_count + b->keys_count, n = 0, at[LIFT_MAX], good;
	struct point lifted[LIFT_MAX], image[LIFT_MAX];
	const uint8_t *in[LIFT_MAX];

	if (b->at == 0 && b->judge_all)
		b->at = b->items_count; /* judging needs no R */
	for (; b->at < all && n < b->kernels->lift_slice; b->at++) {
		in[n] = lift_from(b, b->at);
		at[n] = b->at;
		n += in[n] != NULL;
	}
	good = n > 0 ? b->kernels->lift(lifted, image, in, n) : 0;
	b->stats.lifts += n;
	for (uint32_t i = 0; i < n; i++)
		lift_to(b, at[i], good >> i & 1 ? &lifted[i] : NULL, &image[i]);
	if (b->at == all)
		phase_next(b, PHASE_SETTLE);
}

/* Items that cannot be valid are out; the others are what is checked. */
void settle_step(struct assay_schnorr *b)
{
	uint32_t to = b->at + 1024;

	if (b->at == 0)
		b->order_count = 0;
	for (; b->at < b->items_count && b->at < to; b->at++) {
		struct item *item = &b->items[b->at];

		item->failed |= !b->keys[item->key].good;
		if (!item->failed)
			b->order[b->order_count++] = b->at;
	}
	if (b->at < b->items_count)
		return;
	b->depth = 0;
	if (b->order_count > 0)
		b->stack[b->depth++] =
			(struct segment){.from = 0, .to = b->order_count, .judge = b->judge_all};
	phase_next(b, b->judge_all ? PHASE_SEGMENT : PHASE_SEED);
}

/*
 * The seed binds all of the batch: e is a digest of r, key and message. The secret and the counter
 * are there so that nobody can try batches against coefficients at home. Many at once, for BLAKE3
 * works on pieces of 1 KiB side by side.
 */
void seed_step(struct assay_schnorr *b)
{
	uint32_t left = b->items_count - b->at, n = left < SEED_SLICE ? left : SEED_SLICE;

	uint64_t tail[2] = {b->counter, b->items_count};

	if (b->at == 0) {
		tail[0] = ++b->counter;
		digest_stream_init(&b->transcript_hash, b->secret);
	}
	digest_stream_add(&b->transcript_hash, &b->transcripts[b->at],
			  n * sizeof(struct transcript));
	b->at += n;
	if (b->at < b->items_count)
		return;
	digest_stream_add(&b->transcript_hash, tail, sizeof(tail));
	digest_stream_end(&b->transcript_hash, b->seed);
	phase_next(b, PHASE_COEFFICIENTS);
}

/* Two coefficients from each digest of a number under the seed. */
static void draw(const struct assay_schnorr *b, uint64_t a[SCALARS_MAX][2], uint32_t first)
{
	uint8_t blocks[SCALARS_MAX / 2][64] = {{0}};
	const uint8_t *in[SCALARS_MAX / 2];

	for (uint32_t i = 0; i < SCALARS_MAX / 2; i++) {
		uint32_t number = first / 2 + i;

		memcpy(blocks[i], &number, sizeof(number));
		in[i] = blocks[i];
	}
	digest_many((uint8_t *)a, b->seed, in, SCALARS_MAX / 2, 1);
}

void coefficients_step(struct assay_schnorr *b)
{
	uint64_t a[SCALARS_MAX][2];

	draw(b, a, b->at);
	for (uint32_t i = 0; i < SCALARS_MAX && b->at < b->order_count; i++, b->at++) {
		struct scalar *out = &b->items[b->order[b->at]].a;

		/* Zero would check nothing. */
		*out = (struct scalar){{a[i][0] | ((a[i][0] | a[i][1]) == 0), a[i][1], 0, 0}};
	}
	if (b->at == b->order_count)
		phase_next(b, PHASE_PRODUCTS);
}

void products_step(struct assay_schnorr *b)
{
	struct scalar a[SCALARS_MAX] = {{{0}}}, s[SCALARS_MAX] = {{{0}}}, e[SCALARS_MAX] = {{{0}}};
	uint32_t left = b->order_count - b->at, n = left < SCALARS_MAX ? left : SCALARS_MAX;
	const uint32_t *order = &b->order[b->at];

	for (uint32_t i = 0; i < n; i++) {
		a[i] = b->items[order[i]].a;
		s[i] = b->transcripts[order[i]].s;
		e[i] = b->transcripts[order[i]].e;
	}
	b->kernels->scalar_mul(s, a, s, n);
	b->kernels->scalar_mul(e, a, e, n);
	for (uint32_t i = 0; i < n; i++) {
		b->items[order[i]].as = s[i];
		b->items[order[i]].ae = e[i];
	}
	b->at += n;
	if (b->at == b->order_count)
		phase_next(b, PHASE_SEGMENT);
}

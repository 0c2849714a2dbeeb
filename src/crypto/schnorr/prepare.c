/* SPDX-License-Identifier: Apache-2.0 */
/* What is done once for each item, whatever is checked afterwards: challenge, points, coefficient.
 */
#include <string.h>

#include "crypto/schnorr/batch_impl.h"

#define HASH_SLICE	 32    /* items */
#define HASH_SLICE_BYTES 16384 /* of messages */
#define SCALAR_SLICE	 64

static struct transcript *transcript_of(struct assay_schnorr *b, uint32_t item)
{
	return &b->transcripts[item];
}

/* e of the message at hand is complete. */
static void challenge_end(struct assay_schnorr *b)
{
	struct item *item = &b->items[b->at];
	struct transcript *t = transcript_of(b, b->at);
	uint8_t digest[32];

	SHA256_Final(digest, &b->running);
	scalar_read(&t->e, digest);
	item->failed = !scalar_read(&t->s, item->signature + 32) || !key_in_range(item->signature);
	b->hashed = 0;
	b->at++;
}

void hash_step(struct assay_schnorr *b)
{
	uint64_t left = HASH_SLICE_BYTES;

	for (int i = 0; i < HASH_SLICE && left > 0 && b->at < b->items_count; i++) {
		struct item *item = &b->items[b->at];
		uint64_t some = item->len - b->hashed;

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
		if (b->hashed == item->len)
			challenge_end(b);
	}
	if (b->at == b->items_count)
		phase_next(b, b->judge_all ? PHASE_LIFT_KEYS : PHASE_LIFT_R);
}

/* Lifts the points of n x-coordinates in range to where out says; bit i: there is one. */
static uint32_t lift_to(struct assay_schnorr *b, struct point *const *out, const uint8_t *const *in,
			size_t n)
{
	struct point lifted[LIFT_MAX];
	uint32_t good = n > 0 ? b->kernels->lift(lifted, in, n) : 0;

	for (size_t i = 0; i < n; i++)
		if (good >> i & 1)
			*out[i] = lifted[i];
	b->stats.lifts += n;
	return good;
}

void lift_r_step(struct assay_schnorr *b)
{
	const uint8_t *in[LIFT_MAX] = {NULL};
	struct point *out[LIFT_MAX] = {NULL};
	struct item *of[LIFT_MAX];
	uint32_t n = 0, good;

	for (; b->at < b->items_count && n < LIFT_MAX; b->at++) {
		struct item *item = &b->items[b->at];

		if (item->failed)
			continue;
		of[n] = item;
		in[n] = item->signature;
		out[n++] = &b->pool[pool_item(b->at)];
	}
	good = lift_to(b, out, in, n);
	for (uint32_t i = 0; i < n; i++)
		of[i]->failed = (good >> i & 1) == 0;
	if (b->at == b->items_count)
		phase_next(b, PHASE_LIFT_KEYS);
}

void lift_keys_step(struct assay_schnorr *b)
{
	const uint8_t *in[LIFT_MAX] = {NULL};
	struct point *out[LIFT_MAX] = {NULL};
	struct batch_key *of[LIFT_MAX];
	uint32_t n = 0, good;

	for (; b->at < b->keys_count && n < LIFT_MAX; b->at++) {
		struct batch_key *key = &b->keys[b->at];

		if (key->lifted || !key_in_range(key->bytes))
			continue;
		of[n] = key;
		in[n] = key->bytes;
		out[n++] = &b->pool[pool_key(b, b->at)];
	}
	good = lift_to(b, out, in, n);
	for (uint32_t i = 0; i < n; i++) {
		of[i]->good = (good >> i & 1) != 0;
		if (!of[i]->good)
			continue;
		out[i][1] = point_endomorphism(out[i]);
		if (of[i]->keep && cache_find(b, of[i]->bytes) == 0)
			cache_insert(b, of[i]->bytes, out[i]);
	}
	if (b->at == b->keys_count)
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
 * are there so that nobody can try batches against coefficients at home.
 */
void seed_step(struct assay_schnorr *b)
{
	uint32_t to = b->at + SCALAR_SLICE;

	if (b->at == 0) {
		uint64_t head[2] = {++b->counter, b->order_count};

		digest_stream_init(&b->transcript_hash, b->secret);
		digest_stream_add(&b->transcript_hash, head, sizeof(head));
	}
	for (; b->at < b->order_count && b->at < to; b->at++)
		digest_stream_add(&b->transcript_hash, transcript_of(b, b->order[b->at]),
				  sizeof(struct transcript));
	if (b->at < b->order_count)
		return;
	digest_stream_end(&b->transcript_hash, b->seed);
	phase_next(b, PHASE_COEFFICIENTS);
}

/* Two coefficients from each digest of a number under the seed. */
static void draw(const struct assay_schnorr *b, uint64_t a[SCALAR_SLICE][2], uint32_t first)
{
	uint8_t blocks[SCALAR_SLICE / 2][64] = {{0}};
	const uint8_t *in[SCALAR_SLICE / 2];

	for (uint32_t i = 0; i < SCALAR_SLICE / 2; i++) {
		uint32_t number = first / 2 + i;

		memcpy(blocks[i], &number, sizeof(number));
		in[i] = blocks[i];
	}
	digest_many((uint8_t *)a, b->seed, in, SCALAR_SLICE / 2, 1);
}

void coefficients_step(struct assay_schnorr *b)
{
	uint64_t a[SCALAR_SLICE][2];

	draw(b, a, b->at);
	for (uint32_t i = 0; i < SCALAR_SLICE && b->at < b->order_count; i++, b->at++) {
		uint32_t index = b->order[b->at];
		struct item *item = &b->items[index];
		const struct transcript *t = transcript_of(b, index);

		/* Zero would check nothing. */
		item->a[0] = a[i][0] | ((a[i][0] | a[i][1]) == 0);
		item->a[1] = a[i][1];
		item->as = scalar_mul_128(item->a, t->s);
		item->ae = scalar_mul_128(item->a, t->e);
	}
	if (b->at == b->order_count)
		phase_next(b, PHASE_SEGMENT);
}

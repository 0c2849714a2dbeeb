/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one check of all to a verdict for each: a range whose check fails is halved, and the first
 * half is summed. Points, digests and coefficients stay. The sum of the other half is the
 * difference, so that a range of n costs one sum of n / 2, wherever the bad items are; a half whose
 * sum is infinity is good.
 */
#include <string.h>

#include "base/must.h"
#include "crypto/schnorr/batch_impl.h"
#include "crypto/schnorr/thresholds.h"

#define TERMS_SLICE 128

static void push(struct assay_schnorr *b, const struct segment *s)
{
	must(b->depth < SEGMENTS_MAX);
	if (s->from < s->to)
		b->stack[b->depth++] = *s;
}

/* Moves SAMPLE items, spread from a place that the seed chose, to the front of the order. */
static void pick_sample(struct assay_schnorr *b)
{
	uint32_t n = b->order_count, stride = n / SAMPLE, from;

	memcpy(&from, b->seed, sizeof(from));
	for (uint32_t i = 0; i < SAMPLE; i++) {
		uint32_t at = i * stride + from % stride, item = b->order[at];

		b->order[at] = b->order[i];
		b->order[i] = item;
	}
}

static void halve(struct assay_schnorr *b, const struct segment *s)
{
	uint32_t middle = s->from + (s->to - s->from + 1) / 2;

	push(b, &(struct segment){.from = middle, .to = s->to});
	push(b, &(struct segment){.from = s->from, .to = middle, .sum = s->sum, .has_twin = true});
}

void segment_step(struct assay_schnorr *b)
{
	struct segment s;
	uint32_t few = b->kernels->judge_max > 0 ? FEW_LANES : FEW_PLAIN;
	bool whole;

	if (b->depth == 0) {
		phase_next(b, PHASE_DONE);
		return;
	}
	s = b->now = b->stack[--b->depth];
	whole = s.to - s.from == b->order_count;
	if (s.judge || (s.to - s.from <= few && (s.bad || !whole))) {
		phase_next(b, PHASE_JUDGE);
	} else if (!s.bad) {
		b->check_number++;
		b->used_count = 0;
		b->g_sum = (struct scalar){{0}};
		b->stats.checks++;
		phase_next(b, PHASE_COLLECT);
	} else if (whole && b->order_count >= SAMPLE_FROM) {
		pick_sample(b);
		push(b, &(struct segment){.from = SAMPLE, .to = s.to, .bad = true, .sum = s.sum});
		push(b, &(struct segment){.from = 0, .to = SAMPLE, .judge = true, .sample = true});
	} else {
		halve(b, &s);
	}
}

/* The sums that all items of a key, and all items, have together. */
static void collect(struct assay_schnorr *b, const struct item *item)
{
	struct batch_key *key = &b->keys[item->key];

	b->g_sum = scalar_add(b->g_sum, item->as);
	if (key->used_in == b->check_number) {
		key->sum = scalar_add(key->sum, item->ae);
		return;
	}
	key->used_in = b->check_number;
	key->sum = item->ae;
	b->used_keys[b->used_count++] = item->key;
}

void collect_step(struct assay_schnorr *b)
{
	uint32_t n = b->now.to - b->now.from, to = b->at + TERMS_SLICE;

	for (; b->at < to && b->at < n; b->at++)
		collect(b, &b->items[b->order[b->now.from + b->at]]);
	if (b->at < n)
		return;
	msm_start(&b->msm, n + 2 * b->used_count + 2);
	phase_next(b, PHASE_NONCE_TERMS);
}

/* sum a s G - sum a R - sum (a e) P: a term for each R, two for each key, two for G. */
void nonce_terms_step(struct assay_schnorr *b)
{
	uint32_t n = b->now.to - b->now.from, to = b->at + TERMS_SLICE;

	for (; b->at < to && b->at < n; b->at++) {
		uint32_t index = b->order[b->now.from + b->at];
		const struct scalar *a = &b->items[index].a;

		msm_term(&b->msm, b->at, pool_item(index), a->w, true);
	}
	if (b->at == n)
		phase_next(b, PHASE_KEY_TERMS);
}

/* The keys' sums, and as the last one that of G, in halves. */
void key_terms_step(struct assay_schnorr *b)
{
	uint32_t first = b->now.to - b->now.from, all = b->used_count + 1, n = all - b->at;
	struct half_scalar half[2 * SCALARS_MAX];
	struct scalar k[SCALARS_MAX] = {{{0}}};

	n = n < SCALARS_MAX ? n : SCALARS_MAX;
	for (uint32_t i = 0; i < n; i++)
		k[i] = b->at + i < b->used_count ? b->keys[b->used_keys[b->at + i]].sum : b->g_sum;
	b->kernels->scalar_split(half, k, n);
	for (uint32_t i = 0; i < 2 * n; i++, first++) {
		uint32_t key = b->at + i / 2;
		bool is_key = key < b->used_count;
		uint32_t index = is_key ? pool_key(b, b->used_keys[key]) : POOL_G;

		msm_term(&b->msm, first + 2 * b->at, index + i % 2, half[i].w,
			 is_key != (half[i].negative != 0));
	}
	b->at += n;
	if (b->at == all)
		phase_next(b, PHASE_MSM);
}

/* Pushes a range with its sum when that is not infinity; else all of it is good. */
static void settle(struct assay_schnorr *b, struct segment *s)
{
	s->bad = (s->sum.x[0] | s->sum.x[1] | s->sum.x[2] | s->sum.x[3]) != 0;
	s->has_twin = false;
	if (s->bad) {
		push(b, s);
		return;
	}
	for (uint32_t i = s->from; i < s->to; i++)
		verdict_good(b, b->order[i]);
}

void msm_phase_step(struct assay_schnorr *b)
{
	struct segment s = b->now, twin;
	struct point_sum rest = {.none = true};

	if (!msm_step(&b->msm))
		return;
	phase_next(b, PHASE_SEGMENT);
	msm_sum(&b->msm, &s.sum);
	if (b->now.has_twin) {
		struct point minus = s.sum;

		twin = b->stack[--b->depth];
		point_negate(&minus);
		point_add(&rest, &b->now.sum);
		point_add(&rest, &minus);
		point_affine(&twin.sum, &rest);
		settle(b, &twin);
	}
	settle(b, &s);
}

/* A sample with bad items: much is bad, so the rest is not worth halving. */
static void judged(struct assay_schnorr *b)
{
	bool bad = false;

	for (uint32_t i = b->now.from; i < b->now.to; i++)
		bad |= !assay_schnorr_valid(b, b->order[i]);
	if (b->now.sample && bad)
		b->stack[b->depth - 1].judge = true;
	phase_next(b, PHASE_SEGMENT);
}

/* The next items, one a lane. */
static void judge_begin(struct assay_schnorr *b)
{
	uint32_t left = b->now.to - b->now.from - b->at;

	judge_clear(&b->judge);
	for (uint32_t i = 0; i < left && i < JUDGE_LANES; i++) {
		uint32_t index = b->order[b->now.from + b->at + i];
		const struct item *item = &b->items[index];
		const struct transcript *t = &b->transcripts[index];

		judge_lane(&b->judge, &b->pool[pool_key(b, item->key)], item->signature, t->s,
			   t->e);
	}
	b->judging = true;
	b->stats.judged += b->judge.lanes;
}

/* Without lanes: the next item by libsecp256k1. */
static void judge_single(struct assay_schnorr *b)
{
	uint32_t index = b->order[b->now.from + b->at++];

	b->stats.singles++;
	if (single_valid(b, index))
		verdict_good(b, index);
	if (b->at == b->now.to - b->now.from)
		judged(b);
}

void judge_step(struct assay_schnorr *b)
{
	struct judge *j = &b->judge;

	if (b->kernels->judge_max == 0) {
		judge_single(b);
		return;
	}
	if (!b->judging)
		judge_begin(b);
	if (!judge_run(j))
		return;
	b->judging = false;
	for (unsigned i = 0; i < j->lanes; i++) {
		uint32_t index = b->order[b->now.from + b->at + i];

		/* Points that met their equals on the way say nothing about the signature. */
		b->stats.singles += j->lost >> i & 1;
		if ((j->same >> i & 1) || ((j->lost >> i & 1) && single_valid(b, index)))
			verdict_good(b, index);
	}
	b->at += j->lanes;
	if (b->at == b->now.to - b->now.from)
		judged(b);
}

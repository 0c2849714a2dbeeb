/* SPDX-License-Identifier: Apache-2.0 */
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "base/must.h"
#include "crypto/schnorr/batch_impl.h"
#include "crypto/schnorr/thresholds.h"

bool key_in_range(const uint8_t bytes[32])
{
	static const uint8_t p[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				      0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f};

	return memcmp(bytes, p, 32) < 0;
}

bool single_valid(const struct assay_schnorr *b, uint32_t item)
{
	const struct item *i = &b->items[item];
	secp256k1_xonly_pubkey key;

	return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &key,
					    b->keys[i->key].bytes) &&
	       secp256k1_schnorrsig_verify(secp256k1_context_static, i->signature, i->message,
					   i->len, &key);
}

void singles_step(struct assay_schnorr *b)
{
	if (single_valid(b, b->at))
		verdict_good(b, b->at);
	b->stats.singles++;
	if (++b->at == b->items_count)
		phase_next(b, PHASE_DONE);
}

/* How a batch begins. */
static enum phase begin(struct assay_schnorr *b)
{
	bool suspect = !b->config.forgets && b->bad_lately * SUSPECT_SHARE > b->items_lately;
	enum assay_schnorr_method method = b->config.method;

	if (method == ASSAY_SCHNORR_FASTEST)
		method = b->items_count <= b->kernels->singles_max ? ASSAY_SCHNORR_SINGLES
			 : suspect || b->items_count <= b->kernels->judge_max ? ASSAY_SCHNORR_JUDGE
									      : ASSAY_SCHNORR_SUM;
	if (method == ASSAY_SCHNORR_JUDGE && b->kernels->judge_max == 0)
		method = suspect ? ASSAY_SCHNORR_SINGLES : ASSAY_SCHNORR_SUM;
	b->judge_all = method == ASSAY_SCHNORR_JUDGE;
	if (b->items_count == 0)
		return PHASE_DONE;
	if (method != ASSAY_SCHNORR_SINGLES)
		return PHASE_HASH;
	for (uint32_t i = 0; i < b->items_count; i++)
		if (b->items[i].len > MESSAGE_SINGLE_MAX)
			return PHASE_HASH;
	return PHASE_SINGLES;
}

static void remember(struct assay_schnorr *b)
{
	uint32_t good = 0;

	for (uint32_t i = 0; i < (b->items_count + 7) / 8; i++)
		good += (uint32_t)__builtin_popcount(b->verdicts[i]);
	b->items_lately = b->items_lately / 2 + b->items_count;
	b->bad_lately = b->bad_lately / 2 + b->items_count - good;
}

static void step(struct assay_schnorr *b)
{
	switch (b->phase) {
	case PHASE_SINGLES:
		singles_step(b);
		break;
	case PHASE_HASH:
		hash_step(b);
		break;
	case PHASE_LIFT:
		lift_step(b);
		break;
	case PHASE_SETTLE:
		settle_step(b);
		break;
	case PHASE_SEED:
		seed_step(b);
		break;
	case PHASE_COEFFICIENTS:
		coefficients_step(b);
		break;
	case PHASE_PRODUCTS:
		products_step(b);
		break;
	case PHASE_SEGMENT:
		segment_step(b);
		break;
	case PHASE_COLLECT:
		collect_step(b);
		break;
	case PHASE_NONCE_TERMS:
		nonce_terms_step(b);
		break;
	case PHASE_KEY_TERMS:
		key_terms_step(b);
		break;
	case PHASE_MSM:
		msm_phase_step(b);
		break;
	case PHASE_JUDGE:
		judge_step(b);
		break;
	case PHASE_OPEN:
	case PHASE_DONE:
		break;
	}
}

/* Which figure the time of a phase goes to; the sums of points account for themselves. */
static uint64_t *ticks_of(struct assay_schnorr *b)
{
	switch (b->phase) {
	case PHASE_HASH:
		return &b->stats.hash_ticks;
	case PHASE_LIFT:
		return &b->stats.lift_ticks;
	case PHASE_SEED:
	case PHASE_COEFFICIENTS:
		return &b->stats.randomizer_ticks;
	case PHASE_PRODUCTS:
	case PHASE_COLLECT:
	case PHASE_KEY_TERMS:
		return &b->stats.scalar_ticks;
	case PHASE_NONCE_TERMS:
		return &b->stats.digit_ticks;
	case PHASE_SINGLES:
	case PHASE_JUDGE:
		return &b->stats.judge_ticks;
	default:
		return NULL;
	}
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int assay_schnorr_run(struct assay_schnorr *b, uint64_t budget_ns)
{
	uint64_t before = budget_ns > 0 ? now_ns() : 0, end = before + budget_ns, longest = 0, now;

	if (b->phase == PHASE_OPEN) {
		b->stats.items += b->items_count;
		phase_next(b, begin(b));
	}
	while (b->phase != PHASE_DONE) {
		uint64_t *ticks = ticks_of(b), start = __rdtsc();

		step(b);
		if (ticks != NULL)
			*ticks += __rdtsc() - start;
		if (b->phase == PHASE_DONE)
			remember(b);
		if (budget_ns == 0 || b->phase == PHASE_DONE)
			continue;
		/* Steps are much alike: another would be late. */
		now = now_ns();
		longest = now - before > longest ? now - before : longest;
		if (now + longest > end)
			return ASSAY_E_AGAIN;
		before = now;
	}
	return 0;
}

void assay_schnorr_stats(const struct assay_schnorr *b, struct assay_schnorr_stats *out)
{
	*out = b->stats;
	out->additions = b->msm.adder.additions;
	out->addition_calls = b->msm.adder.calls;
}

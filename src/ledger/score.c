/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/score.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"

#define DECAY_STEPS_MAX 50
#define PER_MILLE	1000

bool result_failure(uint64_t class)
{
	return class == RESULT_HASH_MISMATCH || class == RESULT_TIMEOUT ||
	       class == RESULT_OBSERVER_QUORUM_FAIL || class == RESULT_INVALID_TRANSCRIPT ||
	       class == RESULT_RECHECK_CONFIRMED_FAIL;
}

bool result_class_a(uint64_t class)
{
	return class == RESULT_HASH_MISMATCH || class == RESULT_RECHECK_CONFIRMED_FAIL;
}

bool result_class_b(uint64_t class)
{
	return class == RESULT_TIMEOUT;
}

bool result_recheckable(uint64_t class)
{
	return result_failure(class) && class != RESULT_RECHECK_CONFIRMED_FAIL;
}

int64_t score_add(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b > 0 ? INT64_MAX : INT64_MIN;
}

/* Both divisors are above the factor, so the quotient fits. */
static int64_t portion(int64_t value, int64_t num, int64_t den)
{
	return (int64_t)((__int128)value * num / den);
}

int64_t score_decay(int64_t score, uint64_t per_mille, uint64_t epochs)
{
	if (per_mille == 0 || per_mille >= PER_MILLE)
		return score;
	if (epochs > DECAY_STEPS_MAX)
		epochs = DECAY_STEPS_MAX;
	while (epochs-- > 0 && score != 0)
		score = portion(score, (int64_t)per_mille, PER_MILLE);
	return score;
}

int64_t score_scale(int64_t value, int64_t num, int64_t den)
{
	if (num >= den)
		return value;
	return num <= 0 ? 0 : portion(value, num, den);
}

int64_t score_trust_percent(int64_t reliability)
{
	if (reliability <= 0)
		return 100;
	return reliability >= 50 ? 50 : 100 - reliability;
}

uint64_t score_window_start(uint64_t epoch, uint64_t window)
{
	return window == 0 || window > epoch ? 0 : epoch - window + 1;
}

static struct score_deltas base_pass(uint64_t bucket)
{
	if (bucket == ASSAY_BUCKET_RECENT)
		return (struct score_deltas){.node = -3, .ticket = -2};
	if (bucket == ASSAY_BUCKET_OLD)
		return (struct score_deltas){.node = -2, .ticket = -3};
	return (struct score_deltas){.node = -2, .ticket = -2};
}

struct score_deltas score_base(uint64_t class, uint64_t bucket, uint64_t artifact_class)
{
	switch (class) {
	case RESULT_PASS:
		return base_pass(bucket);
	case RESULT_HASH_MISMATCH:
		if (artifact_class == ASSAY_CLASS_INDEX)
			return (struct score_deltas){.node = 26, .reporter = 1, .ticket = 12};
		return (struct score_deltas){.node = 18, .reporter = 1, .ticket = 5};
	case RESULT_TIMEOUT:
		return (struct score_deltas){.node = 7, .ticket = 3};
	case RESULT_OBSERVER_QUORUM_FAIL:
		return (struct score_deltas){.node = 4};
	case RESULT_RECHECK_CONFIRMED_FAIL:
		return (struct score_deltas){.node = 15, .reporter = 3, .ticket = 8};
	default:
		return (struct score_deltas){0};
	}
}

enum trust_band score_trust_band(const struct params *p, int64_t reliability)
{
	if (reliability >= (int64_t)p->storage_truth_reporter_reliability_ineligible_threshold)
		return TRUST_INELIGIBLE;
	if (reliability >= (int64_t)p->storage_truth_reporter_reliability_degraded_threshold)
		return TRUST_DEGRADED;
	if (reliability >= (int64_t)p->storage_truth_reporter_reliability_low_trust_threshold)
		return TRUST_LOW;
	return TRUST_NORMAL;
}

enum node_band score_node_band(const struct params *p, int64_t suspicion)
{
	if (suspicion >= (int64_t)p->storage_truth_node_suspicion_threshold_strong_postpone)
		return BAND_STRONG;
	if (suspicion >= (int64_t)p->storage_truth_node_suspicion_threshold_postpone)
		return BAND_POSTPONE;
	if (suspicion >= (int64_t)p->storage_truth_node_suspicion_threshold_probation)
		return BAND_PROBATION;
	if (suspicion >= (int64_t)p->storage_truth_node_suspicion_threshold_watch)
		return BAND_WATCH;
	return BAND_NONE;
}

/* FNV-1a, 64 bits. */
static uint64_t fnv(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
	return hash;
}

size_t score_heal_pick(size_t out[1 + HEAL_VERIFIERS_MAX], const char *ticket, uint64_t epoch,
		       size_t n, uint64_t verifiers)
{
	uint64_t hash = fnv(UINT64_C(14695981039346656037), ticket);
	size_t count, first;
	char number[24];

	must(n > 0 && verifiers <= HEAL_VERIFIERS_MAX);
	count = n <= verifiers ? n : 1 + (size_t)verifiers;
	snprintf(number, sizeof(number), "%" PRIu64, epoch);
	hash *= UINT64_C(1099511628211); /* the zero byte between the two */
	first = (size_t)(fnv(hash, number) % n);
	for (size_t i = 0; i < count; i++)
		out[i] = (first + i) % n;
	return count;
}

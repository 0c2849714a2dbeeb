/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/schnorr/msm.h"

#include <string.h>
#include <x86intrin.h>

#include "base/must.h"

static unsigned windows_of(unsigned width)
{
	return (MSM_BITS + width - 1) / width;
}

unsigned msm_width(uint32_t terms)
{
	unsigned best = 4;
	uint64_t least = UINT64_MAX;

	for (unsigned width = 4; width <= MSM_WIDTH_MAX; width++) {
		uint64_t cost = (uint64_t)windows_of(width) * (terms + ((uint64_t)1 << width));

		if (cost < least) {
			least = cost;
			best = width;
		}
	}
	return best;
}

/* Keys: the buckets of all levels, M + M/2 + ... + 1 a window, then the odd sums, one a bit. */
static uint32_t level_key(const struct msm *m, unsigned level)
{
	return m->windows * (2 * m->buckets - (2 * m->buckets >> level));
}

static uint32_t odd_key(const struct msm *m)
{
	return m->windows * 2 * m->buckets;
}

uint32_t msm_keys(unsigned width)
{
	return windows_of(width) * ((1u << width) + width);
}

/*
 * A bucket keeps at most one sum. Halving lets half of those lie where they are and takes at most
 * one new slot for each pair of them, as do the odd sums: no more than the buckets again. On top
 * what one batch has in flight, and the one that adder_put looks at.
 */
uint32_t msm_slots(unsigned width)
{
	return windows_of(width) * (1u << width) + 2 * ADDER_BATCH + 1;
}

void msm_start(struct msm *m, uint32_t terms)
{
	struct adder *a = &m->adder;

	m->width = msm_width(terms);
	m->windows = windows_of(m->width);
	m->buckets = 1u << (m->width - 1);
	m->terms_count = terms;
	m->stage = MSM_CLEAR;
	m->window = m->level = 0;
	m->bit = m->windows * m->width;
	m->at = 0;
	m->sum.none = true;
	memset(m->half, 0, sizeof(m->half));
	for (unsigned w = 0; w < m->windows; w++) {
		unsigned bit = w * m->width + m->width - 1;

		m->half[bit / 64] |= (uint64_t)1 << (bit % 64);
	}
	must(msm_slots(m->width) <= m->slot_count);
	a->slots = msm_slots(m->width);
	a->any = false;
	a->jobs = a->freed = 0;
}

void msm_term(struct msm *m, uint32_t i, uint32_t index, const uint64_t k[2], bool negative)
{
	unsigned __int128 c = (unsigned __int128)m->half[0] + k[0];

	m->word[0][i] = (uint64_t)c;
	c = (c >> 64) + m->half[1] + k[1];
	m->word[1][i] = (uint64_t)c;
	m->word[2][i] = (uint64_t)(c >> 64) + m->half[2];
	m->ref[i] = index | (negative ? REF_NEGATIVE : 0);
}

/* Empties the sums and stacks the slots, 64 KiB at a time. */
static void clear(struct msm *m)
{
	uint32_t keys = msm_keys(m->width), slots = m->adder.slots, i = m->at;
	uint32_t to = i + 16384, most = keys > slots ? keys : slots;

	for (; i < to && i < most; i++) {
		if (i < keys)
			m->adder.sum[i] = REF_EMPTY;
		if (i < slots)
			m->adder.slot[i] = m->first_slot + slots - 1 - i;
	}
	m->at = i;
	if (i == most) {
		m->at = 0;
		m->stage = MSM_FILL;
	}
}

/* Puts in the terms of one window from i to `to`, by their digits, or until a batch is full. */
static uint32_t put_digits(struct adder *a, uint32_t base, const uint64_t *digit,
			   const uint32_t *ref, uint32_t i, uint32_t to)
{
	struct adder_cursor c = adder_begin(a);

	for (; i < to && !cursor_full(&c); i++) {
		uint32_t minus = digit[i] & REF_NEGATIVE, size = digit[i] & ~REF_NEGATIVE;

		if (size != 0)
			cursor_put(&c, base + size - 1, ref[i] ^ minus);
	}
	adder_end(a, &c);
	return i;
}

/* Cuts digits of some terms and puts these in. */
static void fill(struct msm *m)
{
	_Alignas(64) uint64_t digit[DIGITS];
	unsigned bit = m->window * m->width, word = bit / 64, above = word < 2 ? word + 1 : word;
	uint32_t from = m->at / DIGITS * DIGITS, left = m->terms_count - from;

	m->adder.kernels->digits(digit, m->word[word] + from, m->word[above] + from, bit % 64,
				 m->width);
	m->at = from + put_digits(&m->adder, m->window * m->buckets, digit, m->ref + from,
				  m->at - from, left < DIGITS ? left : DIGITS);
	if (m->at == m->terms_count) {
		m->at = 0;
		m->window++;
	}
}

/*
 * One level of halving: sum of h B[h] = 2 sum of h (B[2h] + B[2h+1]) + sum of odd B. The odd ones
 * count twice and so are nobody's to write over.
 */
static void halve(struct msm *m)
{
	struct adder *a = &m->adder;
	uint32_t count = m->buckets >> m->level, from = level_key(m, m->level) + m->window * count;
	uint32_t to = level_key(m, m->level + 1) + m->window * (count / 2), h = m->at + 1;
	uint32_t odd = odd_key(m) + m->window * m->width + m->level;

	for (; h <= count && a->jobs + 2 <= a->kernels->add_slice; h++) {
		uint32_t ref = a->sum[from + h - 1];

		if (ref == REF_EMPTY)
			continue;
		if (h % 2 == 0) {
			adder_put(a, to + h / 2 - 1, ref);
			continue;
		}
		ref &= ~REF_OWNED;
		adder_put(a, odd, ref);
		if (h > 1)
			adder_put(a, to + h / 2 - 1, ref);
	}
	m->at = h - 1;
	if (h > count) {
		m->at = 0;
		m->window++;
	}
}

/*
 * Runs what there is; then what comes next. Between levels once is enough: two points at most meet
 * at a key of the next level, and the odd sums, which nobody waits for, go on with its jobs.
 */
static void drain(struct msm *m)
{
	if (m->adder.jobs > 0)
		adder_run(&m->adder);
	if (m->adder.jobs == 0 || (m->level > 0 && m->next == MSM_PYRAMID))
		m->stage = m->next;
}

static void after(struct msm *m, enum msm_stage next)
{
	m->window = 0;
	m->stage = MSM_DRAIN;
	m->next = next;
}

/* The sums of single bits, from the highest down. */
static void finish(struct msm *m)
{
	for (int i = 0; i < 32 && m->bit > 0; i++) {
		uint32_t ref = m->adder.sum[odd_key(m) + --m->bit];
		struct point p;

		point_double(&m->sum);
		if (ref == REF_EMPTY)
			continue;
		p = m->adder.pool[ref & REF_INDEX];
		if (ref & REF_NEGATIVE)
			point_negate(&p);
		point_add(&m->sum, &p);
	}
	if (m->bit == 0)
		m->stage = MSM_DONE;
}

static void step(struct msm *m, uint64_t start)
{
	struct adder *a = &m->adder;

	switch (m->stage) {
	case MSM_CLEAR:
		clear(m);
		break;
	case MSM_FILL:
		while (m->window < m->windows && !adder_full(a))
			fill(m);
		m->stats->digit_ticks += __rdtsc() - start;
		m->stats->add_ticks -= __rdtsc() - start;
		if (m->window == m->windows)
			after(m, MSM_PYRAMID);
		else
			adder_run(a);
		break;
	case MSM_PYRAMID:
		while (m->window < m->windows && a->jobs + 2 <= a->kernels->add_slice)
			halve(m);
		if (m->window < m->windows)
			adder_run(a);
		else
			after(m, ++m->level < m->width ? MSM_PYRAMID : MSM_FINAL);
		break;
	case MSM_DRAIN:
		drain(m);
		break;
	case MSM_FINAL:
		finish(m);
		break;
	case MSM_DONE:
		break;
	}
}

bool msm_step(struct msm *m)
{
	bool early = m->level == 0 && m->stage != MSM_FINAL, final = m->stage == MSM_FINAL;
	uint64_t start = __rdtsc(), ticks;

	step(m, start);
	ticks = __rdtsc() - start;
	*(final	  ? &m->stats->final_ticks
	  : early ? &m->stats->add_ticks
		  : &m->stats->pyramid_ticks) += ticks;
	return m->stage == MSM_DONE;
}

void msm_sum(const struct msm *m, struct point *out)
{
	point_affine(out, &m->sum);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The matrix of a direct product, found from the outputs' side: every row that a solve would work
 * on has a weight for each output, and the phases of a solve are gone through in reverse, each
 * handing the weights of what it makes on to what it makes it from. The weights that the known
 * symbols end up with are the matrix. That is a solve on rows as wide as there are outputs.
 */
#include <string.h>

#include "assay/status.h"
#include "raptorq/gf.h"
#include "raptorq/wanted.h"

enum { CHUNK = 64, WORD = 64 };

static uint8_t *weights(const struct assay_rq_wanted *w, uint32_t row)
{
	return w->weights + row * w->stride;
}

/* Row `from` into row `to` if the bit is set. */
static void add_if(struct assay_rq_wanted *w, uint32_t to, uint32_t from, const uint8_t *bits,
		   uint32_t bit)
{
	rq_add_masked(weights(w, to), weights(w, from), w->stride,
		      -(uint64_t)(bits[bit / 8] >> bit % 8 & 1));
}

/* Outputs as the short way has them: sums of peeled columns of the forward pass and of inactive
 * columns. */
int rq_direct_outputs(struct assay_rq_wanted *w, uint64_t *budget)
{
	const struct assay_rq_plan *p = w->plan;
	size_t rows = p->code.l + 1 + p->pivots;

	if (!w->direct)
		return 0;
	memset(w->weights, 0, rows * w->stride);
	for (uint32_t i = 0; i < w->len; i++) {
		const struct rq_step *s = &w->steps[i];
		const uint8_t *bits = w->bits + i * p->wide;

		for (unsigned j = 0; j < s->n; j++)
			weights(w, w->list[s->start + j])[s->place] = 1;
		for (uint32_t at = 0; at < p->inactive_len; at += WORD) {
			uint64_t word;

			memcpy(&word, bits + at / 8, 8);
			for (; word != 0; word &= word - 1)
				weights(w, p->inactive[at + __builtin_ctzll(word)])[s->place] = 1;
		}
	}
	rq_spend(budget, rows + w->len * p->inactive_len);
	return 0;
}

/* The weights of the HDPC rows, from there those of the pivots, and each running sum's own: that of
 * its bucket, which is part of two rows; the last one's is part of all, times 2^h. */
static void hdpc_weights(struct assay_rq_wanted *w)
{
	const struct assay_rq_plan *p = w->plan;
	uint32_t h = p->code.h;
	const uint8_t *free[RQ_HDPC_MAX], *rows[RQ_HDPC_MAX];
	uint8_t power[RQ_HDPC_MAX], factor = 1, *bucket = w->buckets;

	for (uint32_t q = 0; q < p->pivots; q++)
		for (uint32_t f = 0; f < p->free_len; f++)
			add_if(w, p->free_columns[f], p->pivot_columns[q], p->free_bits + 8 * q, f);
	for (uint32_t f = 0; f < p->free_len; f++)
		free[f] = weights(w, p->free_columns[f]);
	memset(w->hdpc, 0, h * w->stride);
	for (uint32_t r = 0; r < h; r++, factor = rq_gf_twice(factor)) {
		rows[r] = w->hdpc + r * w->stride;
		power[r] = factor;
		rq_kernel()->dot(w->hdpc + r * w->stride, 1, free, p->free_len,
				 p->hdpc_solve + r * RQ_HDPC_MAX, 1, w->stride);
	}
	for (uint32_t q = 0; q < p->pivots; q++)
		rq_kernel()->dot(weights(w, p->pivot_columns[q]), 1, rows, h,
				 p->hdpc_pivot + q * RQ_HDPC_MAX, 1, w->stride);
	for (uint32_t high = 1; high < h; high++)
		for (uint32_t low = 0; low < high; low++, bucket += w->stride) {
			memcpy(bucket, rows[low], w->stride);
			rq_add_masked(bucket, rows[high], w->stride, -1);
		}
	memset(bucket, 0, 2 * w->stride); /* the last sum's, and the sum of weights itself */
	rq_kernel()->dot(bucket, 1, rows, h, power, 1, w->stride);
}

/* From inactive columns to left rows. */
int rq_direct_dense(struct assay_rq_wanted *w, uint64_t *budget)
{
	const struct assay_rq_plan *p = w->plan;

	if (!w->direct)
		return 0;
	if (w->at == 0 && p->free_len > 0)
		hdpc_weights(w);
	while (w->at < p->pivots) {
		const uint8_t *row = p->matrix + w->at * 2 * p->wide + p->wide;
		uint32_t column = p->pivot_columns[w->at++];

		for (uint32_t l = 0; l < p->pivots; l++)
			add_if(w, p->left_rows[l], column, row, l);
		if (rq_spend(budget, 2 * p->pivots))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* From running sums to columns, the last first. */
int rq_direct_sums(struct assay_rq_wanted *w, uint64_t *budget)
{
	const struct assay_rq_plan *p = w->plan;
	size_t len = w->direct && p->free_len > 0 ? p->code.kp + p->code.s : 0;
	uint8_t *running = w->buckets + (RQ_PAIR_DUMP(&p->code) + 1) * w->stride;

	while (w->at < len) {
		size_t left = len - w->at, n = left < CHUNK ? left : CHUNK, from = left - n;

		rq_kernel()->hdpc_back(running, w->buckets, weights(w, from), p->hdpc_map + from, n,
				       w->stride);
		w->at += n;
		if (rq_spend(budget, 2 * n))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* From left rows and peeled columns to the columns they are sums of. */
int rq_direct_columns(struct assay_rq_wanted *w, uint64_t *budget)
{
	const struct assay_rq_plan *p = w->plan;

	if (!w->direct)
		return 0;
	if (w->at == 0)
		rq_kernel()->scatter(w->weights, p->list, p->left_steps, p->pivots, w->stride);
	while (w->at < p->steps_len) {
		size_t left = p->steps_len - w->at, n = left < CHUNK ? left : CHUNK;

		rq_kernel()->scatter(w->weights, p->list, p->steps + left - n, n, w->stride);
		w->at += n;
		if (rq_spend(budget, 4 * n))
			return ASSAY_E_AGAIN;
	}
	return 0;
}

/* The known symbols in use in the caller's order, in which they most likely lie in memory, each
 * with its weights. */
int rq_direct_from(struct assay_rq_wanted *w, uint64_t *budget)
{
	const struct assay_rq_plan *p = w->plan;
	size_t steps = p->steps_len;

	if (!w->direct)
		return 0;
	memset(w->step_of, 0xff, p->known_len * sizeof(*w->step_of));
	for (size_t i = 0; i < steps + p->pivots; i++) {
		const struct rq_step *s = i < steps ? &p->steps[i] : &p->left_steps[i - steps];

		if (s->place != RQ_NONE)
			w->step_of[s->place] = i;
	}
	for (size_t place = 0; place < p->known_len; place++) {
		uint16_t i = w->step_of[place];
		const struct rq_step *s = i < steps ? &p->steps[i] : &p->left_steps[i - steps];

		if (i == UINT16_MAX)
			continue;
		memcpy(w->coef + w->from_len * w->stride, weights(w, s->dst), w->stride);
		w->from[w->from_len] =
			(struct rq_step){.place = place, .esi = s->esi, .dst = w->from_len};
		w->from_len++;
	}
	for (size_t i = 0; i < RQ_AHEAD; i++)
		w->from[w->from_len + i].place = RQ_NONE;
	rq_spend(budget, 4 * p->known_len);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage PROVE: the bytes of the ranges into the PROOFs, compound digests, leaves. In groups of 16:
 * while one group is copied and digested, the memory of the next is on its way, the lines of a
 * slice together. The prefetches are spread over the copying: a processor has room for a few dozen
 * lines under way, not for the hundreds of a whole group.
 */
#include "proof/serve_int.h"

static void prefetch_ranges(const struct work *w)
{
	if (w->hashes != NULL)
		return;
	for (unsigned r = 0; r < w->k; r++) {
		const uint8_t *p = w->data + w->offset[r];

		for (uint32_t at = 0; at < w->length; at += 64)
			prefetch_line(p + at);
		prefetch_line(p + w->length - 1);
	}
}

static unsigned prove_parts(const struct work *w)
{
	if (w->tree)
		return 1 + chunks_parts(w);
	return w->total <= ASSAY_INLINE_MAX
		       ? 1
		       : 1 + (w->total + ASSAY_INLINE_MAX - 1) / ASSAY_INLINE_MAX;
}

/* Buffers and counters for the answers of the group: the whole answer or nothing. */
static bool prove_alloc(struct serve *s, struct work *work, unsigned n)
{
	struct dgram *out = s->out;
	unsigned parts = 0;

	for (unsigned i = 0; i < n; i++)
		parts += work[i].parts;
	if (!out_alloc(s, work[0].path->port, out, parts))
		return false;
	for (unsigned i = 0; i < n; i++) {
		work[i].out = out;
		out += work[i].parts;
		work[i].counter = work[i].session->sent + 1;
		work[i].session->sent += work[i].parts;
	}
	return true;
}

/* Puts the ranges where their digest is taken from, in their PROOF when it has room for them. */
static const uint8_t *prove_ranges(struct serve *s, struct work *w)
{
	bool in_place = !w->tree && w->total <= ASSAY_INLINE_MAX;
	uint8_t *bytes = in_place ? w->out[0].data + sizeof(struct assay_proof)
				  : arena_take(&s->arena, w->total);

	for (unsigned r = 0; r < w->k; r++)
		work_copy(bytes + (size_t)r * w->length, w, w->offset[r], w->length);
	return bytes;
}

static void prove_leaves(struct serve *s, struct work *work, unsigned n,
			 const uint8_t *const *compound)
{
	uint8_t input[PROVE_GROUP][DIGEST_BLOCK], leaf[PROVE_GROUP][DIGEST_LEN];
	const uint8_t *in[PROVE_GROUP];

	for (unsigned i = 0; i < n; i++) {
		memcpy(input[i], compound[i], 32);
		memcpy(input[i] + 32, work[i].digest, 32);
		in[i] = input[i];
	}
	digest_many(leaf[0], digest_label_key(DIGEST_LEAF), in, n, 1);
	for (unsigned i = 0; i < n; i++)
		batch_add(s, &work[i], compound[i], leaf[i]);
}

/* Proves work[0..n) and prefetches for the next works behind it. */
static void prove_group(struct serve *s, struct work *work, unsigned n, unsigned next)
{
	uint8_t alone[PROVE_GROUP][DIGEST_LEN];
	const uint8_t *compound[PROVE_GROUP] = {0};
	uint8_t lane[PROVE_GROUP];

	s->arena.used = 0;
	for (unsigned i = 0; i < n; i++) {
		struct work *w = &work[i];
		const uint8_t *bytes;

		if (w->tree)
			chunks_write(s, w, 1);
		bytes = prove_ranges(s, w);
		if (i < next)
			prefetch_ranges(&work[n + i]);
		if (w->total <= ASSAY_INLINE_MAX && w->total % DIGEST_BLOCK == 0) {
			lane[i] = (uint8_t)lanes_add(&s->lanes, bytes, w->total / DIGEST_BLOCK);
			continue;
		}
		digest_one(alone[i], NULL, bytes, w->total);
		compound[i] = alone[i];
		if (!w->tree && w->parts > 1)
			ranges_write(s, w, bytes);
	}
	lanes_run(&s->lanes, NULL);
	for (unsigned i = 0; i < n; i++)
		if (compound[i] == NULL)
			compound[i] = lanes_digest(&s->lanes, lane[i]);
	prove_leaves(s, work, n, compound);
}

/* The first of n works that go into one group: same port, 16 at most. */
static unsigned group_size(const struct work *work, unsigned n)
{
	unsigned size = n > 0;

	while (size < n && size < PROVE_GROUP && work[size].path->port == work[0].path->port)
		size++;
	return size;
}

static void prove_alone(struct serve *s, struct work *w)
{
	if (prove_alloc(s, w, 1))
		prove_group(s, w, 1, 0);
	else
		work_refuse(s, w, ASSAY_R_TX_FULL, 0);
}

/* Cycles of the stages that run inside of this one. */
static uint64_t inner_cycles(const struct serve *s)
{
	return s->counters.stage_cycles[STAGE_CHUNKS] + s->counters.stage_cycles[STAGE_SEAL];
}

void prove_run(struct serve *s, struct work *work, unsigned n)
{
	uint64_t begin = stage_begin() - inner_cycles(s);
	unsigned all = n;

	if (n == 0)
		return;
	for (unsigned i = 0, first = group_size(work, n); i < first; i++)
		prefetch_ranges(&work[i]);
	for (unsigned size; n > 0; work += size, n -= size) {
		struct tree_node *node = s->node;

		size = group_size(work, n);
		for (unsigned i = 0; i < size; i++) {
			if (work[i].tree && work[i].hashes == NULL) {
				work_plan(&work[i], node);
				node += work[i].node_count;
			}
			work[i].parts = prove_parts(&work[i]);
		}
		if (prove_alloc(s, work, size)) {
			prove_group(s, work, size, group_size(work + size, n - size));
			continue;
		}
		for (unsigned i = 0; i < size; i++)
			prove_alone(s, &work[i]);
	}
	chunks_flush(s);
	stage_end(s, STAGE_PROVE, begin + inner_cycles(s), all);
}

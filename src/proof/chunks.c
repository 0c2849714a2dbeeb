/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage CHUNKS: chunks with the hashes up to the root, and ranges that have no room in their PROOF.
 * The bytes are copied once, from the artifact into the datagram; tags are made 64 at a time.
 */
#include "proof/serve_int.h"

static const uint8_t *work_value(const struct work *w, unsigned i)
{
	return w->values + (size_t)DIGEST_LEN * (w->hashes != NULL ? i : w->touched[i]);
}

static const uint8_t *work_hash(const struct work *w, unsigned i)
{
	return w->hashes != NULL ? w->hashes + (size_t)DIGEST_LEN * i
				 : tree_value(w->values, w->chunks, w->node[i]);
}

unsigned chunks_parts(const struct work *w)
{
	unsigned beside = w->touched_count * ASSAY_CHUNK_HASHES;
	unsigned rest = w->node_count > beside ? w->node_count - beside : 0;

	return w->touched_count + (rest + ASSAY_CHUNK_HASHES_ONLY - 1) / ASSAY_CHUNK_HASHES_ONLY;
}

static void chunk_queue_send(struct serve *s)
{
	struct chunk_queue *q = &s->chunk_queue;

	lanes_run(&q->lanes, NULL);
	for (unsigned i = 0; i < q->n; i++)
		memcpy(q->out[i].data + 16, lanes_digest(&q->lanes, i), 16);
	out_send(s, q->out, q->n);
	q->n = 0;
}

/* The datagram is whole but for its tag; value is NULL when it has no chunk. */
static void chunk_queue_add(struct serve *s, const struct work *w, const struct dgram *out,
			    const uint8_t *value)
{
	struct chunk_queue *q = &s->chunk_queue;
	const struct assay_chunk *c = (const void *)out->data;
	uint8_t *input = q->input[q->n];

	lanes_add(&q->lanes, input,
		  tag_input_chunk(input, w->session->keys.k_r, out->data, 40, value,
				  out->data + sizeof(*c) + c->length, c->answer.n));
	q->out[q->n++] = *out;
	if (q->n == LANES_MAX)
		chunk_queue_send(s);
}

void chunks_flush(struct serve *s)
{
	uint64_t begin = stage_begin();

	if (s->chunk_queue.n == 0)
		return;
	chunk_queue_send(s);
	stage_end(s, STAGE_CHUNKS, begin, 0);
}

/* Part i of the chunks with the hashes [hash, hash + n). */
static void chunk_write(struct serve *s, struct work *w, unsigned i, unsigned first, unsigned hash,
			unsigned n)
{
	struct dgram *out = &w->out[first + i];
	bool has_chunk = i < w->touched_count;
	uint32_t length = has_chunk ? tree_chunk_len(w->size, w->touched[i]) : 0;
	uint16_t len = (uint16_t)(sizeof(struct assay_chunk) + length + DIGEST_LEN * n);
	struct assay_chunk *c = (void *)out->data;
	uint8_t *p = out->data + sizeof(*c);

	message_head(c, ASSAY_CHUNK_MSG, len, w->session->initiator, w->counter + first + i);
	c->answer = (struct assay_answer_head){.request = w->request,
					       .part = (uint16_t)(first + i),
					       .parts = (uint16_t)w->parts,
					       .n = (uint16_t)n};
	c->chunk = has_chunk ? w->touched[i] : ASSAY_NO_CHUNK;
	c->length = (uint16_t)length;
	c->zero = 0;
	c->size = w->size;
	c->hash_first = hash;
	c->hash_total = w->node_count;
	if (has_chunk)
		memcpy(p, work_chunk(w, i), length);
	p += length;
	for (unsigned j = 0; j < n; j++)
		memcpy(p + (size_t)DIGEST_LEN * j, work_hash(w, hash + j), DIGEST_LEN);
	out_fill(out, w->path, len);
	chunk_queue_add(s, w, out, has_chunk ? work_value(w, i) : NULL);
}

static void prefetch_chunk(const struct work *w, unsigned i)
{
	const uint8_t *p;

	if (i >= w->touched_count)
		return;
	p = work_chunk(w, i);
	for (unsigned at = 0, len = tree_chunk_len(w->size, w->touched[i]); at < len; at += 64)
		prefetch_line(p + at);
}

void chunks_write(struct serve *s, struct work *w, unsigned first)
{
	uint64_t begin = stage_begin();
	unsigned parts = chunks_parts(w), hash = 0;

	prefetch_chunk(w, 0);
	for (unsigned i = 0; i < parts; i++) {
		unsigned room = i < w->touched_count ? ASSAY_CHUNK_HASHES : ASSAY_CHUNK_HASHES_ONLY;
		unsigned left = w->node_count - hash;
		unsigned n = left < room ? left : room;

		prefetch_chunk(w, i + 1);
		chunk_write(s, w, i, first, hash, n);
		hash += n;
	}
	must(hash == w->node_count);
	count(&s->counters.chunks, parts);
	stage_end(s, STAGE_CHUNKS, begin, parts);
}

void ranges_write(struct serve *s, struct work *w, const uint8_t *bytes)
{
	for (unsigned part = 1; part < w->parts; part++) {
		struct dgram *out = &w->out[part];
		struct assay_ranges *r = (void *)out->data;
		uint32_t from = (part - 1) * ASSAY_INLINE_MAX;
		uint32_t n =
			w->total - from < ASSAY_INLINE_MAX ? w->total - from : ASSAY_INLINE_MAX;
		uint16_t len = (uint16_t)(sizeof(*r) + n);

		message_head(r, ASSAY_RANGES, len, w->session->initiator, w->counter + part);
		r->answer = (struct assay_answer_head){.request = w->request,
						       .part = (uint16_t)part,
						       .parts = (uint16_t)w->parts,
						       .n = (uint16_t)n};
		memcpy(out->data + sizeof(*r), bytes + from, n);
		message_tag_general(out->data, len, w->session->keys.k_r);
		out_fill(out, w->path, len);
	}
	out_send(s, w->out + 1, w->parts - 1);
}

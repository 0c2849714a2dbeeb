/* SPDX-License-Identifier: Apache-2.0 */
/* From admitted requests to work: artifacts found, request digests made, cold ones parked. */
#include "proof/serve_int.h"

void work_resident(struct work *w, const struct artifact *a, const struct artifact_bytes *bytes)
{
	w->size = a->size;
	w->chunks = a->chunks;
	w->data = bytes->data;
	w->values = bytes->outboard;
	w->hashes = NULL;
}

void work_plan(struct work *w, struct tree_node *node)
{
	w->touched_count = tree_touched(w->touched, w->offset, w->k, w->length);
	w->node_count =
		tree_hash_list(node, TREE_HASHES_MAX, w->chunks, w->touched, w->touched_count);
	w->node = node;
}

/* Fetched bytes are whole chunks, one after the other in the order of touched. */
static void work_copy_fetched(uint8_t *out, const struct work *w, uint64_t offset, uint32_t len)
{
	unsigned i = 0;

	while (w->touched[i] != offset / TREE_CHUNK)
		must(++i < w->touched_count);
	for (uint32_t at = offset % TREE_CHUNK; len > 0; at = 0, i++) {
		uint32_t take = len < TREE_CHUNK - at ? len : TREE_CHUNK - at;

		must(i < w->touched_count);
		memcpy(out, work_chunk(w, i) + at, take);
		out += take;
		len -= take;
	}
}

void work_copy(uint8_t *out, const struct work *w, uint64_t offset, uint32_t len)
{
	if (w->hashes != NULL)
		work_copy_fetched(out, w, offset, len);
	else
		memcpy(out, w->data + offset, len);
}

void work_refuse(struct serve *s, const struct work *w, enum assay_reason code, uint32_t parameter)
{
	w->session->in_flight--;
	reply_refuse(s, w->session, w->path, w->request, code, 0, parameter);
}

static void work_of_prove(struct work *w, struct session *session, const struct dgram *d)
{
	const struct assay_prove *p = (const void *)d->data;

	w->session = session;
	w->path = &d->path;
	w->request = p->head.counter;
	w->length = p->range_length;
	w->k = p->k;
	w->total = (uint32_t)p->k * p->range_length;
	w->tree = (p->flags & ASSAY_PROVE_TREE) != 0;
	memcpy(w->offset, p->offsets, p->k * sizeof(w->offset[0]));
}

/* Those of the admitted PROVEs whose artifact may be proved; the rest is refused. */
static unsigned work_select(struct serve *s, struct artifact **artifact, const struct dgram **from)
{
	unsigned n = 0;

	for (unsigned j = 0; j < s->prove_count; j++) {
		unsigned i = s->prove[j];
		const struct assay_prove *p = (const void *)s->in[i].data;
		struct work *w = &s->work[n];
		enum assay_reason reason = admit_artifact(artifact[j], false);
		uint32_t parameter = 0;

		work_of_prove(w, s->session[i], &s->in[i]);
		if (reason == ASSAY_R_NONE && artifact[j]->size != p->size) {
			reason = ASSAY_R_ARTIFACT_SIZE;
			parameter = artifact[j]->size < UINT32_MAX ? (uint32_t)artifact[j]->size
								   : UINT32_MAX;
		}
		if (reason != ASSAY_R_NONE) {
			work_refuse(s, w, reason, parameter);
			continue;
		}
		artifact[n] = artifact[j];
		from[n++] = &s->in[i];
	}
	return n;
}

static void work_digests(struct serve *s, const struct dgram *const *from, unsigned n)
{
	s->arena.used = 0;
	for (unsigned i = 0; i < n; i++) {
		size_t body = from[i]->len - sizeof(struct assay_session_head);
		size_t len = (sizeof(s->work[i].session->pair) + body + 63) & ~(size_t)63;
		uint8_t *input = arena_take(&s->arena, len);

		memset(input + len - 64, 0, 64);
		memcpy(input, s->work[i].session->pair, 32);
		memcpy(input + 32, from[i]->data + sizeof(struct assay_session_head), body);
		lanes_add(&s->lanes, input, (unsigned)(len / DIGEST_BLOCK));
	}
	lanes_run(&s->lanes, digest_label_key(DIGEST_REQUEST));
	for (unsigned i = 0; i < n; i++)
		memcpy(s->work[i].digest, lanes_digest(&s->lanes, i), DIGEST_LEN);
}

/* Written once a second at most: all workers share the line. */
void artifact_used(struct serve *s, struct artifact *a)
{
	uint32_t now_s = (uint32_t)(s->now / NS_PER_S);

	if (atomic_load_explicit(&a->used_s, memory_order_relaxed) != now_s)
		atomic_store_explicit(&a->used_s, now_s, memory_order_relaxed);
}

void work_burst(struct serve *s)
{
	const uint8_t *key[SERVE_BURST_MAX];
	struct artifact *artifact[SERVE_BURST_MAX];
	const struct dgram *from[SERVE_BURST_MAX];
	const struct artifact_bytes *bytes[SERVE_BURST_MAX];
	unsigned n;

	s->work_count = 0;
	if (s->prove_count == 0)
		return;
	for (unsigned j = 0; j < s->prove_count; j++)
		key[j] = ((const struct assay_prove *)s->in[s->prove[j]].data)->key;
	s->config.artifacts->find_many(s->config.artifacts->ctx, artifact, key, s->prove_count);
	n = work_select(s, artifact, from);
	for (unsigned i = 0; i < n; i++) {
		bytes[i] = atomic_load_explicit(&artifact[i]->bytes, memory_order_acquire);
		if (bytes[i] != NULL)
			prefetch_line(bytes[i]);
	}
	work_digests(s, from, n);
	for (unsigned i = 0; i < n; i++) {
		struct work *w = &s->work[i];

		artifact_used(s, artifact[i]);
		if (bytes[i] != NULL) {
			work_resident(w, artifact[i], bytes[i]);
			if (i != s->work_count)
				s->work[s->work_count] = *w;
			s->work_count++;
			continue;
		}
		w->size = artifact[i]->size;
		w->chunks = artifact[i]->chunks;
		enum assay_reason reason = park(s, w, artifact[i], false);

		if (reason != ASSAY_R_NONE)
			work_refuse(s, w, reason, 0);
	}
}

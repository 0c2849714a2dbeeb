/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage SEAL: one signature over the Merkle root of up to 256 answers. The PROOFs wait here, whole
 * but for seal, path and tag; what they need of their session was copied when they came in.
 */
#include "proof/serve_int.h"

void batch_add(struct serve *s, const struct work *w, const uint8_t compound[32],
	       const uint8_t leaf[32])
{
	struct batch *b = &s->batch;
	struct dgram *out = &w->out[0];
	struct assay_proof *p = (void *)out->data;
	unsigned i = b->count++;
	uint16_t n = w->tree || w->total > ASSAY_INLINE_MAX ? 0 : (uint16_t)w->total;

	if (i == 0)
		b->first_ns = s->now;
	/* The length follows at closing. */
	message_head(p, ASSAY_PROOF, 0, w->session->initiator, w->counter);
	p->answer = (struct assay_answer_head){
		.request = w->request, .parts = (uint16_t)w->parts, .n = n};
	memcpy(p->compound, compound, sizeof(p->compound));
	memcpy(b->node[i], leaf, DIGEST_LEN);
	b->at[i] = (uint16_t)(sizeof(*p) + n);
	b->index[i] = w->session->index;
	out_fill(out, w->path, 0);
	b->out[i] = *out;
	memcpy(b->input[i], w->session->keys.k_r, 32);
	if (b->count == ASSAY_BATCH_MAX)
		batch_close(s);
}

/* Seal, path and the rest of the tag's input. */
static void batch_finish(struct serve *s, unsigned i, const struct assay_seal *seal,
			 const uint8_t sealed[32])
{
	struct batch *b = &s->batch;
	uint8_t *payload = b->out[i].data, *p = payload + b->at[i];
	unsigned depth = seal_depth(b->count);
	uint16_t len = (uint16_t)(b->at[i] + sizeof(*seal) + depth * DIGEST_LEN);
	struct session *session = session_find(s, b->index[i]);

	memcpy(p, seal, sizeof(*seal));
	((struct assay_seal *)p)->index = (uint16_t)i;
	seal_path(p + sizeof(*seal), b->node, b->count, i);
	((struct assay_head *)payload)->length = len;
	b->out[i].len = len;
	memcpy(b->input[i] + 32, payload, 16);
	memcpy(b->input[i] + 48, payload + 32, 48);
	memcpy(b->input[i] + 96, sealed, 32);
	if (session == NULL)
		return;
	session->in_flight--;
	session->answered++;
}

void batch_close(struct serve *s)
{
	struct batch *b = &s->batch;
	uint64_t begin = stage_begin();
	struct assay_seal seal = {.time_ms = s->wall / NS_PER_MS, .count = (uint16_t)b->count};
	const uint8_t *input[ASSAY_BATCH_MAX], *root;
	uint8_t aux[32], sealed[32];

	if (b->count == 0)
		return;
	root = seal_tree(b->node, b->count);
	random_fill(s->config.random, aux, sizeof(aux));
	seal_sign(seal.signature, &s->config.self->identity, s->config.self->network_id, root,
		  seal.time_ms, seal.count, aux);
	seal_digest(sealed, root, seal.time_ms, seal.count, seal.signature);
	for (unsigned i = 0; i < b->count; i++) {
		batch_finish(s, i, &seal, sealed);
		input[i] = b->input[i];
	}
	digest_many(b->tag[0], NULL, input, b->count, 2);
	for (unsigned i = 0; i < b->count; i++)
		memcpy(b->out[i].data + 16, b->tag[i], 16);
	out_send(s, b->out, b->count);
	count(&s->counters.answered, b->count);
	count(&s->counters.proofs, b->count);
	count(&s->counters.seals, 1);
	stage_end(s, STAGE_SEAL, begin, b->count);
	b->count = 0;
}

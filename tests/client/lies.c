/* SPDX-License-Identifier: Apache-2.0 */
/* The lies, each with what must come of it. */
#include "client/liar.h"

static bool is(const struct answer *a, uint8_t type)
{
	return ((const struct assay_head *)a->data)->type == type;
}

static struct assay_proof *proof(struct answer *a)
{
	return (void *)a->data;
}

static struct assay_seal *seal(struct answer *a)
{
	return (void *)(a->data + sizeof(struct assay_proof) + proof(a)->answer.n);
}

static struct assay_chunk *chunk(struct answer *a)
{
	return (void *)a->data;
}

/* The first byte of the first range. */
static bool data(struct liar *l, struct answer *a)
{
	const struct assay_prove *q = (const void *)a->asked->data;
	uint64_t offset;

	if (!is(a, ASSAY_CHUNK_MSG))
		return false;
	memcpy(&offset, q + 1, sizeof(offset));
	if (chunk(a)->chunk != offset / 1024)
		return false;
	a->data[sizeof(struct assay_chunk) + offset % 1024] ^= 1;
	return true;
}

/* The first byte of the first part with bytes. */
static bool first_byte(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_CHUNK_MSG) || chunk(a)->hash_first != 0 || chunk(a)->length == 0)
		return false;
	a->data[sizeof(struct assay_chunk)] ^= 1;
	return true;
}

static bool hash(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_CHUNK_MSG) || chunk(a)->answer.n == 0)
		return false;
	a->data[sizeof(struct assay_chunk) + chunk(a)->length + 31] ^= 0x80;
	return true;
}

static bool path(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	a->data[a->len - 1] ^= 1;
	return true;
}

static bool signature(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	seal(a)->signature[40] ^= 4;
	return true;
}

static bool seal_time(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	seal(a)->time_ms++;
	return true;
}

static bool seal_index(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	seal(a)->index = 3;
	return true;
}

/* A bit that the path does not reach. */
static bool seal_index_high(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	seal(a)->index |= 4;
	return true;
}

static bool path_long(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	memset(a->data + a->len, 0, 32);
	a->len += 32;
	proof(a)->head.head.length += 32;
	return true;
}

static bool compound(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	proof(a)->compound[0] ^= 1;
	liar_seal(l, a, &l->world.self.identity, l->world.self.network_id);
	return true;
}

static bool stranger(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF))
		return false;
	liar_seal(l, a, &l->stranger, l->world.self.network_id);
	return true;
}

static bool network(struct liar *l, struct answer *a)
{
	uint8_t other[32] = "another network";

	if (!is(a, ASSAY_PROOF))
		return false;
	liar_seal(l, a, &l->world.self.identity, other);
	return true;
}

/* The responder was asked for the other artifact; its seal already covers the true request. */
static bool other(struct liar *l, struct answer *a)
{
	return is(a, ASSAY_PROOF) || is(a, ASSAY_CHUNK_MSG);
}

static bool counter(struct liar *l, struct answer *a)
{
	proof(a)->answer.request += 1000;
	return true;
}

/* The first answer in place of the later ones, part by part. */
static bool replay(struct liar *l, struct answer *a)
{
	const struct assay_proof m = *proof(a);
	struct assay_proof *p;

	if (l->saved_request == 0)
		l->saved_request = m.answer.request;
	if (m.answer.request == l->saved_request) {
		if (l->saved_count < LIAR_SAVED_MAX)
			l->saved[l->saved_count++] = *a;
		return false;
	}
	for (unsigned i = 0; i < l->saved_count; i++) {
		p = proof(&l->saved[i]);
		if (p->answer.part != m.answer.part)
			continue;
		memcpy(a->data, l->saved[i].data, l->saved[i].len);
		a->len = l->saved[i].len;
		if (l->lie->retag) {
			proof(a)->answer.request = m.answer.request;
			proof(a)->head.counter = m.head.counter;
		}
		return true;
	}
	a->withheld = true;
	return true;
}

static bool last_part(struct liar *l, struct answer *a)
{
	a->withheld = proof(a)->answer.part == proof(a)->answer.parts - 1;
	return a->withheld;
}

static bool shorter(struct liar *l, struct answer *a)
{
	struct assay_chunk *m = chunk(a);
	uint8_t *end;

	if (!is(a, ASSAY_CHUNK_MSG) || m->length == 0)
		return false;
	end = a->data + sizeof(*m) + m->length;
	memmove(end - 1, end, (size_t)(a->data + a->len - end));
	a->len--;
	m->length--;
	m->head.head.length--;
	return true;
}

static bool size(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_CHUNK_MSG))
		return false;
	chunk(a)->size++;
	return true;
}

static bool parts(struct liar *l, struct answer *a)
{
	proof(a)->answer.parts++;
	return true;
}

/* A part of that number, with the hashes that would follow from it: they lie outside of the list.
 */
static bool outside(struct answer *a, unsigned part)
{
	struct assay_chunk *m = chunk(a);

	if (!is(a, ASSAY_CHUNK_MSG))
		return false;
	m->answer.part = (uint16_t)part;
	m->answer.n = ASSAY_CHUNK_HASHES_ONLY;
	m->chunk = ASSAY_NO_CHUNK;
	m->length = 0;
	m->hash_first = m->hash_total + ASSAY_CHUNK_HASHES_ONLY * (part - m->answer.parts);
	a->len = sizeof(*m) + 32 * ASSAY_CHUNK_HASHES_ONLY;
	m->head.head.length = (uint16_t)a->len;
	memset(m + 1, 0x5a, 32 * ASSAY_CHUNK_HASHES_ONLY);
	return true;
}

static bool beyond(struct liar *l, struct answer *a)
{
	return outside(a, chunk(a)->answer.parts + 1u);
}

static bool before(struct liar *l, struct answer *a)
{
	return outside(a, 0);
}

static bool place(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_CHUNK_MSG))
		return false;
	chunk(a)->chunk ^= 1;
	return true;
}

static bool no_hashes(struct liar *l, struct answer *a)
{
	struct assay_chunk *m = chunk(a);

	if (!is(a, ASSAY_CHUNK_MSG) || m->answer.n == 0)
		return false;
	a->len -= 32u * m->answer.n;
	m->head.head.length = (uint16_t)a->len;
	m->answer.n = 0;
	m->hash_total = 0;
	return true;
}

/* Inline bytes of a plain PROOF. */
static bool inline_byte(struct liar *l, struct answer *a)
{
	if (!is(a, ASSAY_PROOF) || proof(a)->answer.n == 0)
		return false;
	a->data[sizeof(struct assay_proof)] ^= 1;
	return true;
}

#define WAY false /* changed on the way: the tag shows it */
#define LIE true  /* told by somebody who has the key */

const struct lie lies_tree[] = {
	{"way-data", data, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"way-hash", hash, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"way-path", path, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"way-signature", signature, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"way-index", seal_index_high, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"way-size", size, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"data", data, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_TREE},
	{"hash", hash, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_TREE},
	{"path", path, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"signature", signature, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"time", seal_time, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"index", seal_index, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_PATH},
	{"path-long", path_long, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_PATH},
	{"compound", compound, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_COMPOUND},
	{"stranger", stranger, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"network", network, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"other-artifact", other, LIE, true, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_TREE},
	{"counter", counter, LIE, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"replay", replay, WAY, 0, true, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"replay-tagged", replay, LIE, 0, true, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"last-part", last_part, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"shorter", shorter, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{"size", size, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{"parts", parts, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{"beyond", beyond, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{"before", before, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{"place", place, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{"no-hashes", no_hashes, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SHAPE},
	{0},
};

const struct lie lies_plain[] = {
	{"way-inline", inline_byte, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"inline", inline_byte, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_COMPOUND},
	{"signature", signature, LIE, 0, 0, ASSAY_INVALID_TRANSCRIPT, ASSAY_STEP_SIGNATURE},
	{"compound", compound, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_COMPOUND},
	{0},
};

/* verdict: INCOMPLETE stands for no answer in time, HASH_MISMATCH for bytes that are not the
 * artifact's. */
const struct lie lies_read[] = {
	{"way-data", first_byte, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"way-hash", hash, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{"data", first_byte, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_TREE},
	{"hash", hash, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_TREE},
	{"size", size, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_SHAPE},
	{"parts", parts, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_SHAPE},
	{"beyond", beyond, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_SHAPE},
	{"place", place, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_SHAPE},
	{"shorter", shorter, LIE, 0, 0, ASSAY_HASH_MISMATCH, ASSAY_STEP_SHAPE},
	{"last-part", last_part, WAY, 0, 0, ASSAY_INCOMPLETE, ASSAY_STEP_TAG},
	{0},
};

const struct lie *lie_find(const struct lie *list, const char *name)
{
	for (; list->name != NULL; list++)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

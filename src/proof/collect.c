/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/collect.h"

#include <string.h>

#include "crypto/sign.h"
#include "proof/message.h"

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

bool collect_plan(struct collect *c)
{
	unsigned beside;

	if (c->size > TREE_SIZE_MAX)
		return false;
	c->chunks = tree_chunks(c->size);
	c->hashes = tree_hash_list(NULL, 0, c->chunks, c->touched, c->count);
	beside = min_of(c->hashes, c->count * ASSAY_CHUNK_HASHES);
	c->parts = c->first + c->count +
		   (c->hashes - beside + ASSAY_CHUNK_HASHES_ONLY - 1) / ASSAY_CHUNK_HASHES_ONLY;
	c->have = 0;
	return true;
}

bool collect_tag(uint8_t value[32], const uint8_t key[32], const struct assay_chunk *m, bool only)
{
	const uint8_t *bytes = (const uint8_t *)(m + 1);
	uint8_t input[48 + 40 + 32 + 32 * ASSAY_CHUNK_HASHES_ONLY + DIGEST_BLOCK];
	uint8_t tag[16];
	unsigned blocks;

	if (m->chunk != ASSAY_NO_CHUNK)
		tree_chunk_value(value, bytes, m->length, m->chunk, only && m->chunk == 0);
	else
		memset(value, 0, 32);
	blocks = tag_input_chunk(input, key, (const uint8_t *)m, 40, value, bytes + m->length,
				 m->answer.n);
	tag_of(tag, input, blocks);
	return equal_ct(tag, m->head.tag, sizeof(tag));
}

/* What the part with number at from the first one must state. */
struct expected {
	uint32_t chunk, length;
	unsigned hash_first, hash_count;
};

static struct expected expect(const struct collect *c, unsigned at)
{
	unsigned beside = min_of(c->hashes, c->count * ASSAY_CHUNK_HASHES);
	struct expected e;

	if (at < c->count) {
		e.chunk = c->touched[at];
		e.length = tree_chunk_len(c->size, e.chunk);
		e.hash_first = min_of(c->hashes, at * ASSAY_CHUNK_HASHES);
		e.hash_count = min_of(c->hashes - e.hash_first, ASSAY_CHUNK_HASHES);
		return e;
	}
	e.chunk = ASSAY_NO_CHUNK;
	e.length = 0;
	e.hash_first = beside + (at - c->count) * ASSAY_CHUNK_HASHES_ONLY;
	e.hash_count = min_of(c->hashes - e.hash_first, ASSAY_CHUNK_HASHES_ONLY);
	return e;
}

bool collect_part(struct collect *c, const struct assay_chunk *m, const uint8_t value[32])
{
	const uint8_t *bytes = (const uint8_t *)(m + 1);
	struct expected e;
	unsigned at;

	if (m->answer.status != 0 || m->answer.parts != c->parts || m->size != c->size ||
	    m->answer.part < c->first || m->answer.part >= c->parts)
		return false;
	at = m->answer.part - c->first;
	e = expect(c, at);
	if (m->chunk != e.chunk || m->length != e.length || m->hash_total != c->hashes ||
	    m->hash_first != e.hash_first || m->answer.n != e.hash_count)
		return false;
	if (c->have >> at & 1)
		return true;
	if (at < c->count) {
		memcpy(c->data + (size_t)at * TREE_CHUNK, bytes, m->length);
		memcpy(c->values + (size_t)at * 32, value, 32);
	}
	memcpy(c->list + (size_t)e.hash_first * 32, bytes + m->length, (size_t)e.hash_count * 32);
	c->have |= 1ull << at;
	return true;
}

bool collect_verify(const struct collect *c, const uint8_t key[32])
{
	return collect_done(c) &&
	       tree_verify(key, c->chunks, c->touched, c->count, c->values, c->list, c->hashes);
}

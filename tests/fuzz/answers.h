/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs of the checkers' fuzz targets: first a byte of settings, then datagrams as u16 length and
 * bytes. The head of most is put right and the tag computed with the right key, since behind a
 * wrong one nothing is looked at.
 */
#ifndef TESTS_FUZZ_ANSWERS_H
#define TESTS_FUZZ_ANSWERS_H

#include <string.h>

#include "assay/check.h"
#include "base/bytes.h"
#include "crypto/tree.h"
#include "proof/message.h"

#define ANSWERS_INDEX	0x01020304u
#define ANSWERS_REQUEST 5

static const uint8_t answers_key[32] = {'k', 'e', 'y'};

static inline void answers_tag_proof(struct assay_proof *m, size_t len, const uint8_t digest[32])
{
	const uint8_t *bytes = (const uint8_t *)(m + 1), *path;
	uint8_t leaf[32], root[32], d[32], compound[32], input[128];
	struct assay_seal seal;

	if (len < sizeof(*m) + m->answer.n + sizeof(seal))
		return;
	memcpy(&seal, bytes + m->answer.n, sizeof(seal));
	path = bytes + m->answer.n + sizeof(seal);
	seal_leaf(leaf, m->compound, digest);
	seal_climb(root, leaf, seal.index, path,
		   (unsigned)((size_t)((const uint8_t *)m + len - path) / 32));
	seal_digest(d, root, seal.time_ms, seal.count, seal.signature);
	if (m->answer.n > 0)
		digest_one(compound, NULL, bytes, m->answer.n);
	else
		memcpy(compound, m->compound, 32);
	tag_of(m->head.tag, input,
	       tag_input_seal(input, answers_key, (const uint8_t *)m, compound, d));
}

static inline void answers_tag_chunk(struct assay_chunk *m, size_t len, bool only)
{
	const uint8_t *bytes = (const uint8_t *)(m + 1);
	uint8_t value[32], input[2048];

	if (m->length > 1024 || m->answer.n > ASSAY_CHUNK_HASHES_ONLY ||
	    len != sizeof(*m) + m->length + 32u * m->answer.n)
		return;
	tree_chunk_value(value, bytes, m->length, m->chunk, only && m->chunk == 0);
	tag_of(m->head.tag, input,
	       tag_input_chunk(input, answers_key, (const uint8_t *)m, 40,
			       m->chunk == ASSAY_NO_CHUNK ? NULL : value, bytes + m->length,
			       m->answer.n));
}

/* The next datagram in out; its length, or 0 at the end. */
static inline size_t answers_next(struct reader *r, uint8_t out[ASSAY_PAYLOAD_DEFAULT],
				  uint64_t counter)
{
	uint16_t stated = read_u16le(r);
	size_t len = (stated & 0x7ff) % (ASSAY_PAYLOAD_DEFAULT + 1);
	struct assay_ranges *m = (void *)out;
	const uint8_t *data;

	if (len > r->left)
		len = r->left;
	data = read_bytes(r, len);
	if (data == NULL || len == 0)
		return 0;
	memcpy(out, data, len);
	if (len < sizeof(*m) || (stated & 0x8000) != 0)
		return len;
	m->head.head.version = ASSAY_VERSION_WIRE;
	m->head.head.length = (uint16_t)len;
	m->head.index = ANSWERS_INDEX;
	m->head.counter = counter;
	m->answer.request = ANSWERS_REQUEST;
	return len;
}

#endif

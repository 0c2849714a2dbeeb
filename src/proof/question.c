/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a PROVE on the challenger's side: reading it, and what must follow from what. */
#include <string.h>

#include "base/bytes.h"
#include "base/text.h"
#include "proof/check_impl.h"
#include "proof/derive.h"

int question_read(struct question *out, const void *body, size_t len)
{
	struct reader r = reader_of(body, len);
	const uint8_t *nonce, *key, *derivation;
	uint16_t zero;

	out->epoch = read_u64le(&r);
	nonce = read_bytes(&r, 16);
	key = read_bytes(&r, 32);
	derivation = read_bytes(&r, 32);
	out->size = read_u64le(&r);
	out->ordinal = read_u32le(&r);
	out->class = read_u8(&r);
	out->bucket = read_u8(&r);
	out->k = read_u8(&r);
	out->flags = read_u8(&r);
	out->range_length = read_u16le(&r);
	zero = read_u16le(&r);
	if (out->k > ASSAY_RANGES_MAX || nonce == NULL || key == NULL || derivation == NULL)
		return ASSAY_E_INVAL;
	for (unsigned i = 0; i < out->k; i++)
		out->offsets[i] = read_u64le(&r);
	if (!read_done(&r) || zero != 0 || out->k == 0 || (out->flags & ~ASSAY_PROVE_TREE) != 0 ||
	    out->range_length == 0 || out->range_length > ASSAY_RANGE_LENGTH_MAX)
		return ASSAY_E_INVAL;
	for (unsigned i = 0; i < out->k; i++)
		if (out->range_length > out->size ||
		    out->offsets[i] > out->size - out->range_length)
			return ASSAY_E_RANGE;
	memcpy(out->key, key, 32);
	memcpy(out->derivation, derivation, 32);
	return 0;
}

int question_follows(const struct question *q, const char *target, const struct assay_draw *draw)
{
	struct derive_seed seed = {draw->seed, draw->seed_len};
	uint64_t offsets[ASSAY_RANGES_MAX];
	uint8_t hash[32];

	if (derive_offsets(offsets, seed, target, draw->ticket, q->class, q->ordinal, q->size,
			   q->range_length, q->k) != 0 ||
	    memcmp(offsets, q->offsets, q->k * sizeof(offsets[0])) != 0)
		return ASSAY_E_CORRUPT;
	if (derivation_hash(hash, seed, target, draw->ticket, q->class, q->ordinal, offsets, q->k,
			    q->range_length) != 0 ||
	    memcmp(hash, q->derivation, 32) != 0)
		return ASSAY_E_CORRUPT;
	return 0;
}

int question_transcript(uint8_t out[32], const struct question *q, const char *challenger,
			const char *target, const char *ticket, const uint8_t *compound)
{
	char key[BASE58_KEY_MAX], derivation_hex[65], compound_hex[65] = "";
	struct transcript t = {
		.epoch = q->epoch,
		.challenger = challenger,
		.target = target,
		.ticket = ticket,
		.artifact_key = key,
		.derivation_hex = derivation_hex,
		.compound_hex = compound_hex,
		.bucket = q->bucket,
		.class = q->class,
		.ordinal = q->ordinal,
	};

	if (base58_encode(key, sizeof(key), q->key, 32) < 0)
		return ASSAY_E_INVAL;
	hex_encode(derivation_hex, q->derivation, 32);
	if (compound != NULL)
		hex_encode(compound_hex, compound, 32);
	return transcript_hash(out, &t);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The record by which a third party judges an answer. */
#include <string.h>

#include "base/bytes.h"
#include "crypto/noise.h"
#include "proof/check_impl.h"
#include "proof/message.h"

int assay_check_evidence(const struct assay_check *check, uint8_t out[ASSAY_EVIDENCE_MAX])
{
	struct writer w = writer_of(out, ASSAY_EVIDENCE_MAX);

	if (!check->proof)
		return ASSAY_E_AGAIN;
	write_bytes(&w, check->body, check->body_len);
	write_bytes(&w, &check->sealed.seal, sizeof(check->sealed.seal));
	write_bytes(&w, check->sealed.path, (size_t)check->sealed.depth * 32);
	return (int)w.len;
}

struct record {
	struct question q;
	const uint8_t *body;
	size_t body_len;
	struct sealed sealed;
};

static bool record_read(struct record *out, const void *data, size_t len)
{
	const uint8_t *p = data, *seal, *path;
	struct reader r;

	if (len < PROVE_BODY + sizeof(struct assay_seal) || len > ASSAY_EVIDENCE_MAX)
		return false;
	*out = (struct record){.body = p};
	out->body_len = PROVE_BODY +
			8u * p[offsetof(struct assay_prove, k) - sizeof(struct assay_session_head)];
	r = reader_of(p, len);
	read_bytes(&r, out->body_len);
	seal = read_bytes(&r, sizeof(struct assay_seal));
	out->sealed.depth = (unsigned)(r.left / 32);
	if (r.left % 32 != 0 || out->sealed.depth > ASSAY_PATH_MAX)
		return false;
	path = read_bytes(&r, r.left);
	if (!read_done(&r) || question_read(&out->q, p, out->body_len) != 0)
		return false;
	memcpy(&out->sealed.seal, seal, sizeof(out->sealed.seal));
	memcpy(out->sealed.path, path, (size_t)out->sealed.depth * 32);
	return out->sealed.seal.zero == 0 && sealed_shape(&out->sealed);
}

static bool account_fits(const char *account)
{
	return account[0] != '\0' && strnlen(account, ASSAY_ACCOUNT_MAX + 1) <= ASSAY_ACCOUNT_MAX;
}

static bool record_signed(struct record *record, const uint8_t compound[32],
			  const uint8_t network_id[32], const char *challenger, const char *target,
			  const uint8_t identity[32])
{
	uint8_t pair[32], digest[32], leaf[32];
	bool cached;

	if (!account_fits(challenger) || !account_fits(target))
		return false;
	noise_pair(pair, network_id, challenger, target);
	request_digest(digest, pair, record->body, record->body_len);
	seal_leaf(leaf, compound, digest);
	seal_climb(record->sealed.root, leaf, record->sealed.seal.index, record->sealed.path,
		   record->sealed.depth);
	return sealed_verify(&record->sealed, NULL, &cached, identity, network_id);
}

bool assay_evidence_valid(const void *data, size_t len, const uint8_t compound[32],
			  const uint8_t network_id[32], const char *challenger, const char *target,
			  const uint8_t identity[32])
{
	struct record record;

	return record_read(&record, data, len) &&
	       record_signed(&record, compound, network_id, challenger, target, identity);
}

static bool fields_equal(const struct question *q, const struct assay_claim *claim)
{
	return q->epoch == claim->epoch && q->size == claim->size && q->ordinal == claim->ordinal &&
	       q->class == claim->class && q->bucket == claim->bucket && q->k == claim->k &&
	       q->range_length == claim->range_length && memcmp(q->key, claim->key, 32) == 0;
}

bool assay_evidence_check(enum assay_outcome step[ASSAY_STEP_COUNT], const void *data, size_t len,
			  const struct assay_claim *claim)
{
	struct record record;
	uint8_t transcript[32];
	bool shape, derivation, sealed, same;

	for (unsigned i = 0; i < ASSAY_STEP_COUNT; i++)
		step[i] = ASSAY_NOT_CHECKED;
	shape = record_read(&record, data, len) && fields_equal(&record.q, claim);
	step[ASSAY_STEP_SHAPE] = shape ? ASSAY_GOOD : ASSAY_BAD;
	if (!shape)
		return false;
	derivation = question_follows(&record.q, claim->target, &claim->draw) == 0;
	step[ASSAY_STEP_DERIVATION] = derivation ? ASSAY_GOOD : ASSAY_BAD;
	sealed = record_signed(&record, claim->compound, claim->network_id, claim->challenger,
			       claim->target, claim->identity);
	step[ASSAY_STEP_PATH] = step[ASSAY_STEP_SIGNATURE] = sealed ? ASSAY_GOOD : ASSAY_BAD;
	same = question_transcript(transcript, &record.q, claim->challenger, claim->target,
				   claim->draw.ticket, claim->compound) == 0 &&
	       memcmp(transcript, claim->transcript, 32) == 0;
	step[ASSAY_STEP_TRANSCRIPT] = same ? ASSAY_GOOD : ASSAY_BAD;
	return derivation && sealed && same;
}

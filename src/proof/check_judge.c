/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of one PROVE: what the answer is worth. Shape first, seal last. */
#include <string.h>

#include "crypto/digest.h"
#include "proof/check_impl.h"

const char *assay_verdict_name(enum assay_verdict verdict)
{
	static const char *const names[] = {
		"INCOMPLETE", "PASS", "PLAIN", "HASH_MISMATCH", "INVALID_TRANSCRIPT", "REFUSED"};

	return (unsigned)verdict < 6 ? names[verdict] : "unknown";
}

const char *assay_step_name(enum assay_step step)
{
	static const char *const names[ASSAY_STEP_COUNT] = {"tag",	 "derivation", "shape",
							    "tree",	 "compound",   "path",
							    "signature", "transcript"};

	return (unsigned)step < ASSAY_STEP_COUNT ? names[step] : "unknown";
}

/* The chunk that has the byte at offset is there. */
static const uint8_t *chunk_at(const struct collect *c, uint64_t offset)
{
	uint32_t chunk = (uint32_t)(offset / TREE_CHUNK);

	for (unsigned i = 0; i < c->count; i++)
		if (c->touched[i] == chunk)
			return c->data + (size_t)i * TREE_CHUNK;
	return NULL;
}

static void copy_range(const struct assay_check *check, unsigned i, uint8_t *out)
{
	uint32_t length = check->q.range_length, done = 0;
	uint64_t offset = check->q.offsets[i];

	if (!check->tree) {
		memcpy(out, check->plain + (size_t)i * length, length);
		return;
	}
	while (done < length) {
		const uint8_t *chunk = chunk_at(&check->chunks, offset + done);
		uint32_t start = (offset + done) % TREE_CHUNK, n = TREE_CHUNK - start;

		if (n > length - done)
			n = length - done;
		memcpy(out + done, chunk + start, n);
		done += n;
	}
}

static void recompute_compound(const struct assay_check *check, uint8_t out[32])
{
	uint8_t range[ASSAY_RANGE_LENGTH_MAX];
	struct digest_stream s;

	digest_stream_init(&s, NULL);
	for (unsigned i = 0; i < check->q.k; i++) {
		copy_range(check, i, range);
		digest_stream_add(&s, range, check->q.range_length);
	}
	digest_stream_end(&s, out);
}

static enum assay_outcome outcome(bool good)
{
	return good ? ASSAY_GOOD : ASSAY_BAD;
}

/* Everything that needs all parts; returns the verdict. */
static enum assay_verdict judge_complete(struct assay_check *check, struct assay_report *r)
{
	bool path = sealed_shape(&check->sealed), sealed = false;

	r->step[ASSAY_STEP_TAG] = ASSAY_GOOD;
	r->step[ASSAY_STEP_SHAPE] = ASSAY_GOOD;
	if (check->tree)
		r->step[ASSAY_STEP_TREE] = outcome(collect_verify(&check->chunks, check->q.key));
	recompute_compound(check, r->compound);
	r->step[ASSAY_STEP_COMPOUND] = outcome(memcmp(r->compound, check->stated, 32) == 0);
	if (path) {
		sealed = sealed_verify(&check->sealed, check->seals, &r->seal_cached,
				       check->identity, check->network_id);
		r->step[ASSAY_STEP_SIGNATURE] = outcome(sealed);
	}
	r->step[ASSAY_STEP_PATH] = outcome(sealed);

	if (r->step[ASSAY_STEP_TREE] == ASSAY_BAD) {
		r->why = "chunks and hashes do not give the artifact key";
		return ASSAY_HASH_MISMATCH;
	}
	if (r->step[ASSAY_STEP_COMPOUND] == ASSAY_BAD) {
		r->why = "the ranges' bytes do not give the compound hash of the PROOF";
		return ASSAY_HASH_MISMATCH;
	}
	if (!sealed) {
		r->why =
			path ? "the root that the path gives is not signed by the target's identity"
			     : "index, count and path of the seal do not fit together";
		return ASSAY_INVALID_TRANSCRIPT;
	}
	if (!check->tree)
		r->why = "no tree was asked for: the bytes are not tied to the artifact key";
	return check->tree ? ASSAY_PASS : ASSAY_PLAIN;
}

static void judge_transcript(struct assay_check *check, struct assay_report *r)
{
	bool proved = r->verdict == ASSAY_PASS || r->verdict == ASSAY_PLAIN;

	if (check->ticket == NULL || r->verdict == ASSAY_INCOMPLETE)
		return;
	if (question_transcript(r->transcript, &check->q, check->challenger, check->target,
				check->ticket, proved ? r->compound : NULL) == 0)
		r->step[ASSAY_STEP_TRANSCRIPT] = ASSAY_GOOD;
}

static enum assay_verdict judge(struct assay_check *check, struct assay_report *r)
{
	if (check->bad_parts > 0 && r->parts + check->bad_parts >= r->parts_want) {
		r->step[ASSAY_STEP_TAG] = ASSAY_GOOD;
		r->step[ASSAY_STEP_SHAPE] = ASSAY_BAD;
		r->why = check->bad_shape;
		return ASSAY_INVALID_TRANSCRIPT;
	}
	if (r->parts == r->parts_want)
		return judge_complete(check, r);
	if (check->refused) {
		r->step[ASSAY_STEP_TAG] = ASSAY_GOOD;
		r->refused = check->refusal.answer.status;
		r->wait_ms = check->refusal.wait_ms;
		r->parameter = check->refusal.parameter;
		r->why = "the target refused";
		return ASSAY_REFUSED_VERDICT;
	}
	if (check->tags_bad > 0)
		r->step[ASSAY_STEP_TAG] = ASSAY_BAD;
	r->why = check->tags_bad > 0 ? "parts came with a wrong tag and were dropped"
				     : "parts of the answer did not arrive";
	return ASSAY_INCOMPLETE;
}

void assay_check_report(struct assay_check *check, struct assay_report *out)
{
	struct assay_report *r = &check->report;

	if (!check->judged) {
		*r = (struct assay_report){.tags_bad = check->tags_bad};
		assay_check_progress(check, &r->parts, &r->parts_want);
		memcpy(r->digest, check->digest, 32);
		if (check->proof) {
			memcpy(r->root, check->sealed.root, 32);
			r->time_ms = check->sealed.seal.time_ms;
			r->index = check->sealed.seal.index;
			r->count = check->sealed.seal.count;
		}
		if (check->ticket != NULL)
			r->step[ASSAY_STEP_DERIVATION] = ASSAY_GOOD;
		r->verdict = judge(check, r);
		judge_transcript(check, r);
		check->judged = true;
	}
	*out = *r;
}

enum assay_verdict assay_check_verdict(struct assay_check *check)
{
	struct assay_report report;

	assay_check_report(check, &report);
	return report.verdict;
}

bool assay_check_range(const struct assay_check *check, unsigned i, void *out)
{
	enum assay_verdict verdict = check->report.verdict;

	if (!check->judged || (verdict != ASSAY_PASS && verdict != ASSAY_PLAIN) || i >= check->q.k)
		return false;
	copy_range(check, i, out);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The checker of one PROVE, shared by check.c (what arrives) and check_judge.c (what it is worth).
 */
#ifndef PROOF_CHECK_IMPL_H
#define PROOF_CHECK_IMPL_H

#include "proof/collect.h"

#define PROVE_BODY     sizeof(struct assay_prove) - sizeof(struct assay_session_head)
#define PROVE_BODY_MAX (PROVE_BODY + 8 * ASSAY_RANGES_MAX)
#define RANGES_PART    1024 /* bytes of all but the last RANGES */

/* The body of a PROVE, taken apart. */
struct question {
	uint64_t epoch, size;
	uint8_t key[32], derivation[32];
	uint32_t ordinal;
	uint8_t class, bucket, k, flags;
	uint16_t range_length;
	uint64_t offsets[ASSAY_RANGES_MAX];
};
/* 0, INVAL or RANGE. */
int question_read(struct question *out, const void *body, size_t len);
/* 0, or CORRUPT when offsets or derivation hash do not follow from draw. */
int question_follows(const struct question *q, const char *target, const struct assay_draw *draw);
/* compound NULL: of a failure row. */
int question_transcript(uint8_t out[32], const struct question *q, const char *challenger,
			const char *target, const char *ticket, const uint8_t *compound);

/* The end of a PROOF. */
struct sealed {
	struct assay_seal seal;
	uint8_t path[32 * ASSAY_PATH_MAX];
	unsigned depth;
	uint8_t root[32]; /* that the path gives */
};
/* Count, index and length of the path fit together. */
bool sealed_shape(const struct sealed *s);
/* Verifies the signature, through the table when there is one. */
bool sealed_verify(const struct sealed *s, struct assay_seals *seals, bool *cached,
		   const uint8_t identity[32], const uint8_t network_id[32]);

struct assay_check {
	uint8_t network_id[32], identity[32], digest[32];
	char challenger[ASSAY_ACCOUNT_MAX + 1], target[ASSAY_ACCOUNT_MAX + 1];
	uint8_t body[PROVE_BODY_MAX];
	size_t body_len;
	struct question q;
	char *ticket; /* NULL without a draw */
	struct assay_seals *seals;
	struct counters counters;

	bool tree;
	struct collect chunks; /* with tree */
	uint8_t *plain;	       /* without tree: total bytes */
	uint32_t plain_have;   /* bit i: part 1 + i of RANGES is there */
	unsigned parts;	       /* as every part states them */

	bool proof; /* the PROOF is there */
	uint8_t stated[32];
	struct sealed sealed;
	unsigned bad_parts;    /* of wrong shape under a good tag ... */
	const char *bad_shape; /* ... and what was wrong with the first */
	bool refused;
	struct assay_refused refusal;
	unsigned tags_bad;

	bool judged;
	struct assay_report report;
};

static inline uint32_t check_total(const struct assay_check *check)
{
	return (uint32_t)check->q.k * check->q.range_length;
}
/* True when the PROOF itself carries the bytes. */
static inline bool check_inline(const struct assay_check *check)
{
	return !check->tree && check_total(check) <= ASSAY_INLINE_MAX;
}

#endif

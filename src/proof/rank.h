/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing by the smallest rank, shared by the derivations. */
#ifndef PROOF_RANK_H
#define PROOF_RANK_H

#include <string.h>

#include "proof/derive.h"

#define RANK_FEW 8 /* parts that rank_few takes */

static inline struct derive_part part_text(const char *text)
{
	return (struct derive_part){text, strlen(text)};
}

static inline bool text_among(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

/* derive_rank of at most RANK_FEW parts, which cannot fail. */
void rank_few(uint8_t out[32], struct derive_seed seed, const struct derive_part *parts, size_t n);

/* The smallest rank so far; equal ranks are decided by the smaller id. Starts as {.at = -1}. */
struct rank_best {
	uint8_t rank[32];
	const char *id;
	int64_t at;
};

static inline int rank_compare(const uint8_t a[32], const char *a_id, const uint8_t b[32],
			       const char *b_id)
{
	int order = memcmp(a, b, 32);

	return order != 0 ? order : strcmp(a_id, b_id);
}

static inline void rank_offer(struct rank_best *best, int64_t at, const char *id,
			      struct derive_seed seed, const struct derive_part *parts, size_t n)
{
	uint8_t rank[32];

	rank_few(rank, seed, parts, n);
	if (best->at >= 0 && rank_compare(rank, id, best->rank, best->id) >= 0)
		return;
	memcpy(best->rank, rank, sizeof(rank));
	best->id = id;
	best->at = at;
}

#endif

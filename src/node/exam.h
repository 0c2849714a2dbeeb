/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One challenge of one ticket, from the draw to the row (docs/epochs.md, "One challenge"). What
 * fails before the derivation hash exists gives no row: the challenger could not ask, which says
 * nothing about the target. From then on every outcome gives one.
 */
#ifndef NODE_EXAM_H
#define NODE_EXAM_H

#include "client/challenge.h"
#include "node/ledger_view.h"
#include "node/row.h"
#include "node/stage.h"

/* Under which conditions is challenged. */
struct exam_terms {
	uint64_t epoch;
	const uint8_t *seed;
	size_t seed_len;
	const char *self;
	unsigned k, range_length; /* 0: the standard ones */
};

struct exam {
	struct row row; /* grows with each step; no transcript and signature yet */
	struct question question;
	uint8_t challenge_id[32];
};

/*
 * Draws class and ordinal; the artifact then has to be resolved. *empty: the rolled class has no
 * artifacts, so there is nothing to challenge.
 */
enum exam_stage exam_draw(struct exam *x, bool *empty, const struct exam_terms *terms,
			  const struct ticket *ticket, const char *ticket_id, const char *target,
			  unsigned bucket);
/* Key and size are known: the question can be asked. */
enum exam_stage exam_derive(struct exam *x, const struct exam_terms *terms,
			    const struct resolved *artifact);
/* The outcome as a row to be signed. NOT_ASKED for an outcome that blames nobody. */
enum exam_stage exam_judge(struct row *row, const struct exam *x, const struct ask_result *result);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Why a challenge gave no row; the names are labels of a metric. */
#ifndef NODE_STAGE_H
#define NODE_STAGE_H

/* NOT_ASKED: our own network or node failed. */
#define EXAM_STAGES(X)                        \
	X(CASCADE_META, "cascade_meta")       \
	X(SELECT_ORDINAL, "select_ordinal")   \
	X(RESOLVE_KEY, "resolve_key")         \
	X(RESOLVE_SIZE, "resolve_size")       \
	X(COMPUTE_OFFSETS, "compute_offsets") \
	X(TRANSCRIPT_HASH, "transcript_hash") \
	X(TICKET_LISTING, "ticket_listing")   \
	X(NOT_ASKED, "not_asked")             \
	X(SUPPRESSED, "no_eligible_consistency_suppressed")

enum exam_stage {
	EXAM_OK,
#define X(constant, name) EXAM_##constant,
	EXAM_STAGES(X)
#undef X
		EXAM_STAGE_COUNT
};
const char *exam_stage_name(enum exam_stage stage);

#endif

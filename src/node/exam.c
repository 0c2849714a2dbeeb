/* SPDX-License-Identifier: Apache-2.0 */
#include "node/exam.h"

#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/rules.h"
#include "node/share.h"
#include "proof/derive.h"

const char *exam_stage_name(enum exam_stage stage)
{
	static const char *const names[] = {"",
#define X(constant, name) name,
					    EXAM_STAGES(X)
#undef X
	};

	return names[stage];
}

static struct derive_seed seed_of(const struct exam_terms *terms)
{
	return (struct derive_seed){terms->seed, terms->seed_len};
}

/* The class, and the draw among the ordinals that lie on the target. */
static int draw_ordinal(struct row *row, const struct exam_terms *terms,
			const struct ticket *ticket)
{
	int position = ticket_position(ticket, row->target), error;
	uint32_t n;

	if (position < 0)
		return ASSAY_E_NOTFOUND;
	error = derive_ordinal(&n, seed_of(terms), row->target, row->ticket, row->class,
			       share_size(ticket, row->class, (unsigned)position));
	if (error == 0)
		row->ordinal = share_ordinal(ticket, row->class, (unsigned)position, n);
	return error;
}

enum exam_stage exam_draw(struct exam *x, bool *empty, const struct exam_terms *terms,
			  const struct ticket *ticket, const char *ticket_id, const char *target,
			  unsigned bucket)
{
	struct row *row = &x->row;
	uint32_t index_count, symbol_count;
	unsigned roll;

	*x = (struct exam){.row = {.epoch = terms->epoch, .bucket = bucket}};
	*empty = false;
	if (ticket == NULL || strlen(ticket_id) >= sizeof(row->ticket))
		return EXAM_CASCADE_META;
	strcpy(row->target, target);
	strcpy(row->challenger, terms->self);
	strcpy(row->ticket, ticket_id);
	if (share_total(&index_count, ticket, ASSAY_CLASS_INDEX) != 0 ||
	    share_total(&symbol_count, ticket, ASSAY_CLASS_SYMBOL) != 0)
		index_count = symbol_count = 0;
	row->class =
		derive_class(&roll, seed_of(terms), target, ticket_id, index_count, symbol_count);
	*empty = row->class == 0;
	if (*empty)
		return EXAM_OK;
	row->count = row->class == ASSAY_CLASS_INDEX ? index_count : symbol_count;
	return draw_ordinal(row, terms, ticket) == 0 ? EXAM_OK : EXAM_SELECT_ORDINAL;
}

enum exam_stage exam_derive(struct exam *x, const struct exam_terms *terms,
			    const struct resolved *artifact)
{
	struct row *row = &x->row;
	struct challenge_answer derived;
	struct challenge_question q = {
		.epoch = terms->epoch,
		.seed = terms->seed,
		.seed_len = terms->seed_len,
		.ticket = row->ticket,
		.class = (uint8_t)row->class,
		.bucket = (uint8_t)row->bucket,
		.ordinal = row->ordinal,
		.size = artifact->size,
		.k = (uint8_t)terms->k,
		.range_length = (uint16_t)terms->range_length,
		.tree = true,
	};
	char why[128];

	if (artifact->size == 0)
		return EXAM_RESOLVE_SIZE;
	memcpy(q.key, artifact->key, 32);
	if (terms->k > ASSAY_RANGES_MAX || terms->range_length > ASSAY_RANGE_LENGTH_MAX ||
	    challenge_derive(&derived, &q, row->target, why, sizeof(why)) != 0)
		return EXAM_COMPUTE_OFFSETS;
	must(terms->seed_len <= sizeof(x->question.seed));
	strcpy(row->key, artifact->text);
	hex_encode(row->derivation, derived.request.derivation, 32);
	memcpy(x->challenge_id, derived.challenge_id, 32);
	x->question.request = derived.request;
	x->question.request.draw = NULL;
	memcpy(x->question.seed, terms->seed, terms->seed_len);
	x->question.seed_len = terms->seed_len;
	strcpy(x->question.ticket, row->ticket);
	return EXAM_OK;
}

enum exam_stage exam_judge(struct row *row, const struct exam *x, const struct ask_result *result)
{
	const char *why = result->why;

	*row = x->row;
	row->result = classify_ask(result);
	if (row->result == RESULT_NONE)
		return EXAM_NOT_ASKED;
	if (row->result != RESULT_PASS)
		row_details(row, why != NULL && *why != '\0' ? why : "no response");
	return row_transcript(row, row->result == RESULT_PASS ? result->compound : NULL) == 0
		       ? EXAM_OK
		       : EXAM_TRANSCRIPT_HASH;
}

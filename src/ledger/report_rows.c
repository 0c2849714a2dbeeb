/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/report.h"

#include <string.h>

#include "ledger/score.h"

static bool empty(const char *text)
{
	return *text == '\0';
}

static bool assigned(const struct report_duty *duty, const char *target)
{
	for (size_t i = 0; i < duty->target_count; i++)
		if (strcmp(duty->targets[i], target) == 0)
			return true;
	return false;
}

static const char *head_fault(const struct report_duty *duty, const struct report_row *r)
{
	if (empty(r->target))
		return "target_empty";
	if (empty(r->challenger))
		return "challenger_empty";
	if (strcmp(r->challenger, duty->reporter) != 0)
		return "challenger_not_reporter";
	if (strcmp(r->target, duty->reporter) == 0)
		return "self_target";
	if (!assigned(duty, r->target))
		return "target_not_assigned";
	if (empty(r->transcript))
		return "transcript_empty";
	if (r->bucket < ASSAY_BUCKET_RECENT || r->bucket > ASSAY_BUCKET_RECHECK)
		return "bucket_invalid";
	if (r->result < RESULT_PASS || r->result > RESULT_RECHECK_CONFIRMED_FAIL)
		return "result_invalid";
	return NULL;
}

/* A row that says there was nothing to ask for. */
static const char *no_eligible_fault(const struct report_row *r)
{
	if (r->bucket != ASSAY_BUCKET_RECENT && r->bucket != ASSAY_BUCKET_OLD)
		return "noelig_bucket";
	if (!empty(r->ticket))
		return "noelig_ticket";
	if (r->class != 0)
		return "noelig_class";
	if (r->ordinal != 0)
		return "noelig_ordinal";
	return empty(r->key) ? NULL : "noelig_key";
}

static const char *challenge_fault(const struct report_row *r)
{
	if (empty(r->ticket))
		return "ticket_empty";
	if (r->count == 0)
		return "count_zero";
	if (r->ordinal >= r->count)
		return "ordinal_range";
	if (empty(r->derivation))
		return "derivation_empty";
	if (empty(r->sig))
		return "signature_empty";
	if (r->class != ASSAY_CLASS_INDEX && r->class != ASSAY_CLASS_SYMBOL)
		return "class_invalid";
	return empty(r->key) ? "key_empty" : NULL;
}

/* The key's text does not tell rows apart. */
static bool same_challenge(const struct report_row *a, const struct report_row *b)
{
	return a->bucket == b->bucket && a->class == b->class && a->ordinal == b->ordinal &&
	       strcmp(a->target, b->target) == 0 && strcmp(a->ticket, b->ticket) == 0;
}

static const char *row_fault(const struct report_duty *duty, const struct report_row *rows,
			     size_t at)
{
	const struct report_row *r = &rows[at];
	const char *fault = head_fault(duty, r);

	if (fault == NULL)
		fault = r->result == RESULT_NO_ELIGIBLE_TICKET ? no_eligible_fault(r)
							       : challenge_fault(r);
	if (fault == NULL && r->result == RESULT_RECHECK_CONFIRMED_FAIL &&
	    r->bucket != ASSAY_BUCKET_RECHECK)
		fault = "confirmed_needs_recheck_bucket";
	for (size_t i = 0; i < at && fault == NULL; i++)
		if (same_challenge(&rows[i], r))
			fault = "duplicate_descriptor";
	return fault;
}

/* Number of rows of a target and bucket; *second is the second one's place. */
static size_t covered(int *second, const struct report_row *rows, size_t n, const char *target,
		      uint64_t bucket)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i].bucket == bucket && strcmp(rows[i].target, target) == 0 && ++count == 2)
			*second = (int)i;
	return count;
}

/* The first row that fills a slot again, if any; else a slot that stays empty. */
static const char *coverage_fault(int *row, const struct report_duty *duty,
				  const struct report_row *rows, size_t n)
{
	const char *fault = NULL;

	for (size_t i = 0; i < duty->target_count; i++)
		for (uint64_t bucket = ASSAY_BUCKET_RECENT; bucket <= ASSAY_BUCKET_OLD; bucket++) {
			int second = -1;
			size_t count = covered(&second, rows, n, duty->targets[i], bucket);

			if (count > 1 && (*row < 0 || second < *row)) {
				*row = second;
				fault = "coverage_twice";
			} else if (count == 0 && fault == NULL) {
				fault = "coverage_missing";
			}
		}
	return fault;
}

unsigned report_rows_check(const char **rule, int *row, const struct report_duty *duty,
			   const struct report_row *rows, size_t n)
{
	*row = -1;
	*rule = NULL;
	if (n > 0 && !duty->prober) {
		*rule = "not_prober";
		return VERDICT_REPORTER_STATE;
	}
	for (size_t i = 0; i < n; i++) {
		*rule = row_fault(duty, rows, i);
		if (*rule != NULL) {
			*row = (int)i;
			return VERDICT_BAD_PROOFS;
		}
	}
	if (duty->full && duty->prober)
		*rule = coverage_fault(row, duty, rows, n);
	return *rule != NULL ? VERDICT_BAD_PROOFS : VERDICT_OK;
}

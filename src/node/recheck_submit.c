/* SPDX-License-Identifier: Apache-2.0 */
/* From a finished recheck to the ledger's word on it. */
#include <jansson.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/recheck.h"
#include "node/trim.h"

static bool result_may_go(unsigned result)
{
	return result >= RESULT_PASS && result <= RESULT_RECHECK_CONFIRMED_FAIL &&
	       result != RESULT_NO_ELIGIBLE_TICKET;
}

static char *entry_text(const struct recheck_row *row, const struct recheck_candidate *c)
{
	json_t *json = json_pack("{s:I, s:s, s:s, s:s, s:s, s:i, s:s}", "epoch",
				 (json_int_t)row->key.epoch, "challenged", row->key.target,
				 "ticket", row->key.ticket, "challenged_transcript",
				 row->challenged, "recheck_transcript", row->recheck, "class",
				 (int)row->result, "details", result_name(c->result));
	char *text;

	must(json != NULL);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	must(text != NULL);
	json_decref(json);
	return text;
}

int recheck_submit(enum recheck_says *says, const struct node_ctx *ctx,
		   const struct recheck_store *store, const struct recheck_candidate *candidate,
		   const struct recheck_result *result, uint64_t epoch_now, uint64_t lookback,
		   uint64_t cookie, uint64_t now_ms, struct effects *out)
{
	struct recheck_row row = {.key = candidate->key, .result = result->result};
	enum recheck_status there;
	int error;

	*says = RECHECK_SAYS;
	if (!recheck_usable(candidate, ctx->self) || is_blank(result->transcript) ||
	    !result_may_go(result->result))
		return ASSAY_E_INVAL;
	if (row.key.epoch + lookback < epoch_now)
		return ASSAY_E_RANGE;
	strcpy(row.challenged, candidate->challenged);
	strcpy(row.recheck, result->transcript);
	error = store->stage(store->ctx, &there, &row, now_ms);
	if (error == ASSAY_E_EXISTS && there != RECHECK_PENDING) {
		*says = RECHECK_STAGE_DEDUP;
		return 0;
	}
	if (error == ASSAY_E_EXISTS)
		error = store->renew(store->ctx, &row, now_ms);
	if (error != 0) {
		*says = RECHECK_STAGE_ERROR;
		return error;
	}
	*says = RECHECK_SUBMITTED;
	effects_entry(out, cookie, ENTRY_RECHECK, "recheck", entry_text(&row, candidate));
	return 0;
}

static int mark(enum recheck_says *says, const struct recheck_store *store,
		const struct recheck_key *key, enum recheck_status status,
		enum recheck_says when_marked)
{
	int error = store->mark(store->ctx, key, status);

	*says = error == 0 ? when_marked : RECHECK_MARK_ERROR;
	return error;
}

int recheck_settle(enum recheck_says *says, const struct recheck_store *store,
		   const struct recheck_key *key, const struct entry_outcome *outcome)
{
	switch (classify_verdict(outcome)) {
	case SAYS_ACCEPTED:
		return mark(says, store, key, RECHECK_DONE, RECHECK_SUBMITTED);
	case SAYS_RECHECK_THERE:
		return mark(says, store, key, RECHECK_DONE, RECHECK_ALREADY_SUBMITTED);
	case SAYS_RECHECK_FOREIGN:
		return mark(says, store, key, RECHECK_CLOSED, RECHECK_FOREIGN);
	case SAYS_TRANSIENT:
		*says = RECHECK_SUBMIT_TRANSIENT;
		return ASSAY_E_AGAIN;
	default:
		*says = RECHECK_SUBMIT_ERROR;
		store->drop(store->ctx, key);
		return ASSAY_E_REFUSED;
	}
}

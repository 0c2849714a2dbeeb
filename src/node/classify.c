/* SPDX-License-Identifier: Apache-2.0 */
#include "node/classify.h"

#include <string.h>

#include "assay/status.h"
#include "ledger/rules.h"
#include "node/trim.h"

static const char *const names[RESULT_CLASSES] = {
	"UNSPECIFIED",		"PASS",	       "HASH_MISMATCH",	     "TIMEOUT_OR_NO_RESPONSE",
	"OBSERVER_QUORUM_FAIL", "NO_ELIGIBLE", "INVALID_TRANSCRIPT", "RECHECK_CONFIRMED_FAIL",
};
static const char *const labels[RESULT_CLASSES] = {
	"storage_proof_result_class_unspecified",
	"storage_proof_result_class_pass",
	"storage_proof_result_class_hash_mismatch",
	"storage_proof_result_class_timeout_or_no_response",
	"storage_proof_result_class_observer_quorum_fail",
	"storage_proof_result_class_no_eligible_ticket",
	"storage_proof_result_class_invalid_transcript",
	"storage_proof_result_class_recheck_confirmed_fail",
};

const char *result_label(unsigned class)
{
	return class < RESULT_CLASSES ? labels[class] : "unknown";
}

const char *result_name(unsigned class)
{
	return class < RESULT_CLASSES ? names[class] : "UNKNOWN";
}

/* A target that says "not now" did not answer; one that says no did. */
static unsigned classify_refusal(unsigned refused, const char *why)
{
	switch (refused) {
	case ASSAY_R_BUSY:
	case ASSAY_R_LATE:
	case ASSAY_R_RATE:
	case ASSAY_R_DRAINING:
		return RESULT_TIMEOUT;
	default:
		break;
	}
	if (why == NULL || is_blank(why) || strcasestr(why, "timeout") != NULL ||
	    strcasestr(why, "no response") != NULL)
		return RESULT_TIMEOUT;
	return RESULT_INVALID_TRANSCRIPT;
}

unsigned classify_ask(const struct ask_result *result)
{
	switch (result->outcome) {
	case ASK_PASS:
		return RESULT_PASS;
	case ASK_HASH_MISMATCH:
		return RESULT_HASH_MISMATCH;
	case ASK_INVALID:
		return RESULT_INVALID_TRANSCRIPT;
	case ASK_REFUSED:
		return classify_refusal(result->refused, result->why);
	case ASK_TIMEOUT:
		return RESULT_TIMEOUT;
	case ASK_OURS:
		break;
	}
	return RESULT_NONE;
}

unsigned classify_recheck(unsigned outcome)
{
	switch (outcome) {
	case RESULT_HASH_MISMATCH:
		return RESULT_RECHECK_CONFIRMED_FAIL;
	case RESULT_PASS:
	case RESULT_TIMEOUT:
	case RESULT_OBSERVER_QUORUM_FAIL:
		return outcome;
	default:
		return RESULT_INVALID_TRANSCRIPT;
	}
}

static enum ledger_says classify_recheck_refusal(const char *reason)
{
	if (strcmp(reason, "ALREADY_SUBMITTED") == 0)
		return SAYS_RECHECK_THERE;
	return strcmp(reason, "LINK_CONFLICT") == 0 ? SAYS_RECHECK_FOREIGN : SAYS_REFUSED;
}

enum ledger_says classify_verdict(const struct entry_outcome *outcome)
{
	if (outcome->end == ENTRY_OPEN)
		return SAYS_TRANSIENT;
	if (outcome->end == ENTRY_EXPIRED)
		return SAYS_REFUSED;
	switch (outcome->code) {
	case VERDICT_OK:
		return SAYS_ACCEPTED;
	case VERDICT_DUPLICATE_REPORT:
		return SAYS_REPORT_THERE;
	case VERDICT_BAD_EPOCH:
		return SAYS_TOO_LATE;
	case VERDICT_BAD_RECHECK:
		return classify_recheck_refusal(outcome->reason);
	default:
		return SAYS_REFUSED;
	}
}

enum heal_says classify_heal(const struct entry_outcome *outcome)
{
	if (outcome->end != ENTRY_VERDICT_CAME)
		return HEAL_SAYS_TRANSIENT;
	switch (outcome->code) {
	case VERDICT_OK:
		return HEAL_SAYS_ACCEPTED;
	case VERDICT_HEAL_OP_STATE:
		return strcmp(outcome->reason, "PAST_DEADLINE") == 0 ? HEAL_SAYS_PAST_DEADLINE
								     : HEAL_SAYS_STATE;
	case VERDICT_HEAL_VOTE_EXISTS:
		return HEAL_SAYS_EXISTS;
	case VERDICT_HEAL_OP_UNKNOWN:
	case VERDICT_HEAL_OP_UNAUTHORIZED:
	case VERDICT_HEAL_OP_TICKET:
	case VERDICT_HEAL_VOTE_INVALID:
		return HEAL_SAYS_REJECTED;
	case VERDICT_BAD_SIGNER:
	case VERDICT_MALFORMED:
	case VERDICT_UNAUTHORIZED:
	case VERDICT_EPOCH:
		return HEAL_SAYS_KEPT;
	default:
		return HEAL_SAYS_INDETERMINATE;
	}
}

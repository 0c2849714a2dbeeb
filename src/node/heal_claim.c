/* SPDX-License-Identifier: Apache-2.0 */
/* The healer: rebuilds, writes the intent down, claims; and what its pending rows come to. */
#include <jansson.h>
#include <string.h>

#include "assay/status.h"
#include "node/heal_impl.h"

void heal_claim_dispatch(void *heal, const struct heal_op *op)
{
	struct heal *h = heal;
	struct heal_claim_row row;
	struct heal_job *job;
	int error;

	if (strcmp(text_of(op->healer), h->ctx->self) != 0 || heal_folder_busy(h, op->id))
		return;
	/* A pending row was reconciled before, a submitted one is the finalizer's. */
	error = h->store.claim_find(h->store.ctx, &row, op->id);
	if (error != ASSAY_E_NOTFOUND) {
		if (error != 0)
			heal_row_error(h, op->id, "the claim's row cannot be read", error);
		return;
	}
	job = heal_job_get(h, op->id, HEAL_ROLE_HEALER);
	heal_job_fill(job, op);
	if (heal_late(h, op->deadline_epoch))
		heal_job_refrain(h, job, "it is too late to claim");
	else
		heal_job_order(job, HEAL_BUILD);
}

/* --- claiming */

static char *claim_data(const struct heal_job *job)
{
	return heal_text(json_pack("{s:I, s:s, s:s, s:s}", "heal_op_id", (json_int_t)job->op,
				   "ticket", job->ticket, "heal_manifest_hash", job->hash,
				   "details", ""));
}

/* The row is pending. Sent again in the same epoch it is the same message. */
static void claim(struct heal *h, struct heal_job *job, struct effects *out)
{
	if (heal_late(h, job->deadline_epoch)) {
		heal_job_failed(h, job, "the deadline epoch has begun");
		heal_finish_clean(h, job->op);
	} else if (failpoint(&h->failpoints, FAIL_HEAL_UNSENT)) {
		h->ctx->counters.heal_messages[HEAL_CLAIM][HEAL_SAYS_TRANSIENT]++;
		heal_job_failed(h, job, "the claim was not sent");
	} else {
		heal_job_send(h, job, "heal_claim", claim_data(job), 0, out);
	}
}

static void built(struct heal *h, struct heal_job *job, const char *hash, struct moment now,
		  struct effects *out)
{
	const struct ticket *ticket = heal_ticket(h, job->ticket);
	struct heal_claim_row row = {.op = job->op, .status = HEAL_ROW_PENDING};
	int error;

	if (ticket == NULL || *hash == '\0' || strcmp(text_of(ticket->data_hash), hash) != 0) {
		heal_job_failed(h, job, "what was rebuilt is not the ticket's file");
		heal_finish_clean(h, job->op);
		return;
	}
	strcpy(job->hash, hash);
	strcpy(row.ticket, job->ticket);
	strcpy(row.hash, hash);
	error = h->store.claim_put(h->store.ctx, &row, now.wall_ms);
	if (error == ASSAY_E_EXISTS) {
		heal_job_failed(h, job, "there is a claim of this op already");
		return;
	}
	if (error != 0) {
		heal_row_error(h, job->op, "the claim's row cannot be written", error);
		heal_job_failed(h, job, "the claim's row cannot be written");
		heal_finish_clean(h, job->op);
		return;
	}
	failpoint(&h->failpoints, FAIL_HEAL_PENDING);
	claim(h, job, out);
}

void heal_claim_healed(struct heal *h, struct heal_job *job, const struct heal_done *done,
		       enum heal_end end, struct moment now, struct effects *out)
{
	if (end == HEAL_END_DONE)
		built(h, job, done->hash, now, out);
	else
		heal_job_failed(h, job, "%s", done->why);
}

/* --- the verdict */

static void mark(struct heal *h, uint64_t op)
{
	int error = h->store.claim_mark(h->store.ctx, op);

	if (error != 0)
		heal_row_error(h, op, "the claim's row cannot be marked", error);
}

static void reject(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome,
		   bool typed)
{
	struct heal_claim_row row;
	bool promoted;

	heal_job_failed(h, job, "the claim was refused: %u %s", outcome->code, outcome->reason);
	if (h->store.claim_find(h->store.ctx, &row, job->op) != 0)
		return;
	promoted = heal_claim_reconcile(h, &row, NULL);
	if (typed && !promoted)
		heal_finish_clean(h, job->op);
}

void heal_claim_verdict(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome)
{
	failpoint(&h->failpoints, FAIL_HEAL_SUBMITTED);
	switch (heal_says_of(h, job, HEAL_CLAIM, outcome, FAIL_HEAL_ACK_LOST, FAIL_HEAL_GARBLED)) {
	case HEAL_SAYS_ACCEPTED:
		mark(h, job->op);
		failpoint(&h->failpoints, FAIL_HEAL_MARKED);
		heal_job_rest(job);
		break;
	case HEAL_SAYS_TRANSIENT:
		heal_job_failed(h, job, "the claim has no verdict");
		break;
	case HEAL_SAYS_PAST_DEADLINE:
		heal_job_failed(h, job, "the claim came after the deadline");
		heal_finish_clean(h, job->op);
		break;
	case HEAL_SAYS_REJECTED:
		reject(h, job, outcome, true);
		break;
	default:
		reject(h, job, outcome, false);
		break;
	}
}

/* --- pending rows */

/* Nothing is rebuilt and nothing deleted as long as the claim may still be accepted. */
static void resume(struct heal *h, const struct heal_claim_row *row, const struct heal_op *op,
		   struct effects *out)
{
	struct heal_job *job = heal_job_get(h, row->op, HEAL_ROLE_HEALER);
	int error;

	heal_job_fill(job, op);
	if (heal_late(h, op->deadline_epoch))
		return;
	error = heal_staged(h, row->op, row->hash);
	if (error == ASSAY_E_NOTFOUND) {
		heal_finish_clean(h, row->op);
	} else if (error == 0 && out != NULL) {
		strcpy(job->hash, row->hash);
		claim(h, job, out);
	}
}

bool heal_claim_reconcile(struct heal *h, const struct heal_claim_row *row, struct effects *out)
{
	const struct heal_op *op;
	int error;

	if (heal_folder_busy(h, row->op))
		return false;
	error = heal_op_read(h, &op, row->op);
	if (error == ASSAY_E_NOTFOUND)
		heal_finish_clean(h, row->op);
	if (error != 0)
		return false;
	if (heal_claimable(op)) {
		resume(h, row, op, out);
		return false;
	}
	if ((op->status == HEAL_HEALER_REPORTED || op->status == HEAL_VERIFIED) &&
	    strcmp(text_of(op->result_hash), row->hash) == 0) {
		mark(h, row->op);
		return true;
	}
	heal_finish_clean(h, row->op);
	return false;
}

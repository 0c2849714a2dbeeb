/* SPDX-License-Identifier: Apache-2.0 */
/* The finalizer: what was claimed is served, published or removed, as the ledger says. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/rules.h"
#include "node/heal_impl.h"

#define PLACE_TRIES    4
#define PLACE_DELAY_MS 2000 /* times the number of the try */

void heal_finish_clean(struct heal *h, uint64_t op)
{
	if (heal_folder_busy(h, op))
		return;
	heal_job_order(heal_job_get(h, op, HEAL_ROLE_FINALIZER), HEAL_CLEAN);
}

static void cleaned(struct heal *h, struct heal_job *job)
{
	struct heal_job *healer = heal_job_find(h, job->op, HEAL_ROLE_HEALER);
	int error = h->store.claim_drop(h->store.ctx, job->op, false);

	if (healer != NULL)
		healer->untidy = false;
	if (error == 0) {
		heal_job_end(h, job);
		return;
	}
	heal_row_error(h, job->op, "the claim's row cannot be deleted", error);
	heal_job_failed(h, job, "the claim's row cannot be deleted");
}

/* The holders have everything and the ledger knows: nothing here is needed any more. */
static void finish(struct heal *h, struct heal_job *job)
{
	int error = h->store.claim_drop(h->store.ctx, job->op, false);

	if (error != 0) {
		heal_row_error(h, job->op, "the claim's row cannot be deleted", error);
		heal_job_failed(h, job, "the claim's row cannot be deleted");
		return;
	}
	failpoint(&h->failpoints, FAIL_HEAL_ROW_DELETED);
	heal_job_order(job, HEAL_CLEAN);
}

/* --- rows */

static struct heal_job *job_for(struct heal *h, const struct heal_claim_row *row,
				const struct heal_op *op)
{
	struct heal_job *job = heal_job_get(h, row->op, HEAL_ROLE_FINALIZER);

	heal_job_fill(job, op);
	strcpy(job->hash, row->hash);
	return job;
}

/* The verifiers read what is staged; damaged, it is rebuilt as long as they may. */
static void serve(struct heal *h, const struct heal_claim_row *row, const struct heal_op *op)
{
	struct heal_job *job = job_for(h, row, op);

	if (strcmp(text_of(op->result_hash), row->hash) != 0 ||
	    heal_staged(h, row->op, row->hash) != ASSAY_E_NOTFOUND)
		return;
	if (heal_late(h, op->deadline_epoch))
		heal_job_refrain(h, job, "it is too late to rebuild what was staged");
	else
		heal_job_order(job, HEAL_BUILD);
}

static void publish(struct heal *h, const struct heal_claim_row *row, const struct heal_op *op)
{
	struct heal_job *job = job_for(h, row, op);
	const struct ticket *ticket = heal_ticket(h, job->ticket);
	int error;

	job->rebuilt = false;
	if (op->published || ticket == NULL || ticket->state == TICKET_CLOSED) {
		finish(h, job);
		return;
	}
	error = heal_staged(h, row->op, row->hash);
	if (error == 0)
		heal_job_order(job, HEAL_PLACE);
	else if (error == ASSAY_E_NOTFOUND)
		heal_job_order(job, HEAL_BUILD);
	else if (error != ASSAY_E_AGAIN)
		heal_job_failed(h, job, "the staging folder cannot be read: %s",
				assay_error_text(error));
}

void heal_finish_row(struct heal *h, const struct heal_claim_row *row)
{
	const struct heal_op *op;
	int error;

	if (heal_folder_busy(h, row->op))
		return;
	error = heal_op_read(h, &op, row->op);
	if (error == ASSAY_E_NOTFOUND)
		heal_finish_clean(h, row->op);
	if (error != 0 || heal_claimable(op))
		return;
	if (op->status == HEAL_HEALER_REPORTED)
		serve(h, row, op);
	else if (op->status == HEAL_VERIFIED && strcmp(text_of(op->result_hash), row->hash) == 0)
		publish(h, row, op);
	else
		heal_finish_clean(h, row->op);
}

/* --- work */

static void rebuilt(struct heal *h, struct heal_job *job, const char *hash)
{
	if (strcmp(hash, job->hash) != 0) {
		heal_job_failed(h, job, "what was rebuilt is not what was claimed");
		return;
	}
	job->rebuilt = true;
	heal_job_order(job, HEAL_PLACE); /* rests when the op is not verified yet */
}

static void placed(struct heal *h, struct heal_job *job, const char *entry, struct effects *out)
{
	char *data;

	must(entry != NULL);
	data = strdup(entry);
	must(data != NULL);
	failpoint(&h->failpoints, FAIL_HEAL_PLACED);
	heal_job_send(h, job, "heal_published", data, ENTRY_FRESH, out);
}

static void place_failed(struct heal *h, struct heal_job *job, const struct heal_done *done,
			 enum heal_end end, struct moment now)
{
	heal_job_failed(h, job, "%s", done->why);
	if (end == HEAL_END_LOST && !job->rebuilt)
		heal_job_order(job, HEAL_BUILD);
	else if ((end == HEAL_END_REMOTE || end == HEAL_END_OURS) && ++job->tries < PLACE_TRIES)
		heal_job_pause(job, PLACE_DELAY_MS * job->tries, now);
}

void heal_finish_healed(struct heal *h, struct heal_job *job, const struct heal_done *done,
			enum heal_end end, struct moment now, struct effects *out)
{
	if (job->work == HEAL_PLACE && end == HEAL_END_DONE)
		placed(h, job, done->entry, out);
	else if (job->work == HEAL_PLACE)
		place_failed(h, job, done, end, now);
	else if (end != HEAL_END_DONE)
		heal_job_failed(h, job, "%s", done->why);
	else if (job->work == HEAL_BUILD)
		rebuilt(h, job, done->hash);
	else
		cleaned(h, job);
}

/* Accepted, or it was before, or there is no ticket to publish to. */
static bool settled(const struct entry_outcome *outcome)
{
	if (outcome->end != ENTRY_VERDICT_CAME)
		return false;
	return outcome->code == VERDICT_OK || outcome->code == VERDICT_HEAL_VOTE_EXISTS ||
	       (outcome->code == VERDICT_TICKET && (strcmp(outcome->reason, "CLOSED") == 0 ||
						    strcmp(outcome->reason, "UNKNOWN") == 0));
}

/* Refused for another reason, most often since its epoch is over: all is placed again. */
void heal_finish_verdict(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome)
{
	heal_job_heard(h, job, HEAL_PUBLISHED, classify_heal(outcome), outcome);
	if (settled(outcome)) {
		failpoint(&h->failpoints, FAIL_HEAL_PUBLISHED);
		finish(h, job);
	} else {
		heal_job_failed(h, job, "the publication was refused: %u %s", outcome->code,
				outcome->reason);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One tick: pending rows, then what the ledger asks for, then all rows (docs/healing.md, "Ticks").
 */
#include <inttypes.h>

#include "assay/status.h"
#include "node/heal_impl.h"

#define ROWS_PAGE 64

/* --- jobs, before anything else */

/* An entry that has no verdict for long: the ledger's state may know what became of it. */
static bool entry_settled(const struct heal *h, const struct heal_job *job)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	const struct heal_op *op;
	bool verified;
	int error = heal_op_read(h, &op, job->op);

	if (error != 0)
		return error == ASSAY_E_NOTFOUND;
	switch (job->role) {
	case HEAL_ROLE_HEALER:
		return !heal_claimable(op);
	case HEAL_ROLE_VERIFIER:
		return op->status != HEAL_HEALER_REPORTED ||
		       ledger->heal_vote(ledger->ctx, &verified, job->op, h->ctx->self) == 0;
	case HEAL_ROLE_FINALIZER:
		return op->published;
	}
	return false;
}

static bool has_row(const struct heal *h, uint64_t op)
{
	struct heal_claim_row row;

	return h->store.claim_find(h->store.ctx, &row, op) != ASSAY_E_NOTFOUND;
}

/* Nothing to remember: the op went on to where this role has no part. */
static bool is_over(const struct heal *h, const struct heal_job *job)
{
	const struct heal_op *op;
	int error;

	if (job->role == HEAL_ROLE_FINALIZER)
		return !has_row(h, job->op);
	error = heal_op_read(h, &op, job->op);
	if (error != 0)
		return error == ASSAY_E_NOTFOUND;
	return job->role == HEAL_ROLE_HEALER ? !heal_claimable(op)
					     : op->status != HEAL_HEALER_REPORTED;
}

/* Nobody looks at an op again that is over and has no row, so its folder goes here, in the end. */
static void end_job(struct heal *h, struct heal_job *job)
{
	bool left = job->role == HEAL_ROLE_HEALER && job->untidy && !has_row(h, job->op);
	uint64_t op = job->op;

	if (job->role == HEAL_ROLE_FINALIZER && job->work == HEAL_CLEAN) {
		heal_job_order(job, HEAL_CLEAN);
		return;
	}
	heal_remember(h, job);
	heal_job_end(h, job);
	if (left)
		heal_finish_clean(h, op);
}

static void look_at_jobs(struct heal *h, struct effects *out)
{
	struct heal_job *job, *next;

	for (job = TAILQ_FIRST(&h->jobs); job != NULL; job = next) {
		next = TAILQ_NEXT(job, next);
		if (job->phase == JOB_SENT && job->open && entry_settled(h, job))
			heal_job_rest(job);
		if (job->phase == JOB_WORKING && job->work != HEAL_CLEAN && !job->moved &&
		    heal_fits(h, job) == 0) {
			job->moved = true;
			effects_add(out, EFFECT_HEAL_CANCEL, job->cookie, "");
		}
		if (job->phase == JOB_IDLE && is_over(h, job))
			end_job(h, job);
	}
}

/* --- rows */

static void each_claim(struct heal *h, struct effects *out,
		       void (*each)(struct heal *h, const struct heal_claim_row *row,
				    struct effects *out))
{
	struct heal_claim_row rows[ROWS_PAGE];
	uint64_t after = 0;
	size_t n;

	do {
		int error = h->store.claims(h->store.ctx, rows, &n, ROWS_PAGE, after);

		if (error != 0) {
			heal_row_error(h, after, "the rows of claims cannot be read", error);
			return;
		}
		for (size_t i = 0; i < n; i++)
			each(h, &rows[i], out);
		after = n > 0 ? rows[n - 1].op : 0;
	} while (n == ROWS_PAGE);
}

static void reconcile(struct heal *h, const struct heal_claim_row *row, struct effects *out)
{
	if (row->status == HEAL_ROW_PENDING)
		heal_claim_reconcile(h, row, out);
}

static void finalize(struct heal *h, const struct heal_claim_row *row, struct effects *out)
{
	(void)out;
	h->ctx->counters.heal_claims++;
	heal_finish_row(h, row);
}

static void forget_votes(struct heal *h)
{
	struct heal_vote_row rows[ROWS_PAGE];
	uint64_t after = 0;
	size_t n;

	do {
		int error = h->store.votes(h->store.ctx, h->ctx->self, rows, &n, ROWS_PAGE, after);

		if (error != 0) {
			heal_row_error(h, after, "the rows of votes cannot be read", error);
			return;
		}
		for (size_t i = 0; i < n; i++)
			heal_verify_forget(h, &rows[i]);
		after = n > 0 ? rows[n - 1].op : 0;
	} while (n == ROWS_PAGE);
}

/* --- ops */

static void dispatch(struct heal *h)
{
	if (!heal_is_on(h))
		return;
	heal_each_op(h, HEAL_SCHEDULED, heal_claim_dispatch, h);
	heal_each_op(h, HEAL_IN_PROGRESS, heal_claim_dispatch, h);
	heal_each_op(h, HEAL_HEALER_REPORTED, heal_verify_dispatch, h);
}

void heal_tick(struct heal *h, struct moment now, struct effects *out)
{
	struct heal_job *job;

	(void)now;
	look_at_jobs(h, out);
	each_claim(h, out, reconcile);
	dispatch(h);
	h->ctx->counters.heal_claims = 0;
	each_claim(h, out, finalize);
	forget_votes(h);
	h->ctx->counters.heal_open = 0;
	TAILQ_FOREACH(job, &h->jobs, next)
	h->ctx->counters.heal_open += job->phase != JOB_IDLE;
}

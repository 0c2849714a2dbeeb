/* SPDX-License-Identifier: Apache-2.0 */
/* Heal ops, as this node's copy of the ledger has them now. */
#include <string.h>

#include "assay/status.h"
#include "node/heal_impl.h"

#define PAGES_MAX 100

int heal_op_read(const struct heal *h, const struct heal_op **out, uint64_t id)
{
	const struct ledger_view *ledger = &h->ctx->ledger;

	return ledger->heal_op(ledger->ctx, out, id);
}

void heal_each_op(const struct heal *h, enum heal_status status,
		  void (*each)(void *arg, const struct heal_op *op), void *arg)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	const struct heal_op *page[HEAL_PAGE_MAX];
	uint64_t cursor = 0;
	unsigned seen = 0;

	for (unsigned i = 0; i < PAGES_MAX; i++) {
		int n = ledger->heal_ops(ledger->ctx, page, &cursor, status);

		if (n < 0) {
			log_warning(&h->ctx->log, "heal", "the heal ops cannot be listed",
				    "status=%d seen=%u error=\"%s\"", (int)status, seen,
				    assay_error_text(n));
			return;
		}
		for (int k = 0; k < n; k++)
			each(arg, page[k]);
		seen += (unsigned)n;
		if (cursor == 0)
			return;
	}
	log_warning(&h->ctx->log, "heal", "too many heal ops: the rest waits", "status=%d seen=%u",
		    (int)status, seen);
}

const struct ticket *heal_ticket(const struct heal *h, const char *id)
{
	const struct ledger_view *ledger = &h->ctx->ledger;

	return ledger->ticket(ledger->ctx, id);
}

bool heal_claimable(const struct heal_op *op)
{
	return op->status == HEAL_SCHEDULED || op->status == HEAL_IN_PROGRESS;
}

bool heal_is_on(const struct heal *h)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	struct heal_terms terms;

	return ledger->heal_terms(ledger->ctx, &terms) == 0 && terms.mode != 0;
}

bool heal_late(const struct heal *h, uint64_t deadline_epoch)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	struct heal_terms terms;

	return deadline_epoch != 0 && ledger->heal_terms(ledger->ctx, &terms) == 0 &&
	       terms.epoch >= deadline_epoch;
}

int heal_fits(const struct heal *h, const struct heal_job *job)
{
	const struct heal_op *op;
	bool late = heal_late(h, job->deadline_epoch);
	int error = heal_op_read(h, &op, job->op);

	if (error != 0)
		return error == ASSAY_E_NOTFOUND ? 0 : error;
	if (job->role == HEAL_ROLE_HEALER)
		return heal_claimable(op) && !late;
	if (job->role == HEAL_ROLE_VERIFIER)
		return op->status == HEAL_HEALER_REPORTED && !late;
	if (strcmp(text_of(op->result_hash), job->hash) != 0)
		return 0;
	if (op->status == HEAL_VERIFIED)
		return !op->published;
	return job->work == HEAL_BUILD && op->status == HEAL_HEALER_REPORTED && !late;
}

/* The deadline epoch's anchor is not there yet: its beginning is estimated from the heights. */
static uint64_t until_deadline_ns(const struct heal *h, uint64_t deadline_epoch)
{
	const struct ledger_view *ledger = &h->ctx->ledger;
	struct heal_terms t;
	uint64_t start, ns;

	if (deadline_epoch == 0 || ledger->heal_terms(ledger->ctx, &t) != 0)
		return UINT64_MAX;
	if (__builtin_mul_overflow(deadline_epoch, t.epoch_length, &start) ||
	    __builtin_add_overflow(start, t.epoch_zero, &start))
		return UINT64_MAX;
	if (start <= t.height)
		return 0;
	if (__builtin_mul_overflow(start - t.height, t.tick_interval_ms * NS_PER_MS, &ns))
		return UINT64_MAX;
	return ns;
}

uint64_t heal_end_ns(const struct heal *h, const struct heal_job *job, struct moment now)
{
	uint64_t ns = h->settings.op_timeout_ms * NS_PER_MS, left = UINT64_MAX;
	const struct heal_op *op;

	/* What was verified is published without a deadline, and cleaning has none either. */
	if (job->work != HEAL_CLEAN && heal_op_read(h, &op, job->op) == 0 && !heal_op_final(op))
		left = until_deadline_ns(h, job->deadline_epoch);
	return now.mono_ns + (ns < left ? ns : left);
}

int heal_staged(const struct heal *h, uint64_t op, const char *hash)
{
	char staged[HEAL_HASH_ROOM];
	int error = h->port.staged(h->port.ctx, staged, op);

	if (error != 0)
		return error;
	return strcmp(staged, hash) == 0 ? 0 : ASSAY_E_NOTFOUND;
}

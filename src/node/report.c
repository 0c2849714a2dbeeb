/* SPDX-License-Identifier: Apache-2.0 */
#include "node/report.h"

#include <inttypes.h>
#include <string.h>

#include "assay/status.h"
#include "ledger/rules.h"
#include "node/report_impl.h"
#include "proof/derive.h"

#define MODE_FULL 3

void report_init(struct reporting *r, struct node_ctx *ctx, struct challenge *challenge,
		 struct local *local)
{
	*r = (struct reporting){.ctx = ctx, .challenge = challenge, .local = local};
}

void report_free(struct reporting *r)
{
	report_probes_free(r);
}

uint64_t report_moment(const struct epoch_facts *facts, const char *account, uint64_t ready)
{
	const struct derive_part parts[] = {{account, strlen(account)}, {"report", 6}};
	uint64_t length = facts->end + 1 - facts->start, last = facts->end - length / 10;
	uint64_t spread = length / 4, moment = ready, u = 0;
	uint8_t hash[32];

	derive_rank(hash, (struct derive_seed){facts->seed, facts->seed_len}, parts, 2);
	for (unsigned i = 0; i < 8; i++)
		u = u << 8 | hash[i];
	if (spread > 0)
		moment += u % spread;
	/* Before the last tenth; what is ready later than that goes out at once. */
	if (moment > last)
		moment = ready > last ? ready : last;
	return moment < facts->end ? moment : facts->end;
}

/* Nothing more is to be done in this epoch. */
static void finish(struct reporting *r)
{
	report_probes_free(r);
	r->state = REPORT_OVER;
	r->n = 0;
	row_buffer_epoch(r->challenge->buffer, r->epoch + 1);
}

static void remember(struct reporting *r, struct moment now)
{
	if (r->local != NULL && local_set_last_epoch(r->local, r->epoch, now.wall_ms) != 0)
		log_error(&r->ctx->log, "report", "the reported epoch could not be written down",
			  "epoch=%" PRIu64, r->epoch);
}

static void enter_epoch(struct reporting *r, uint64_t epoch)
{
	if (r->any_epoch && r->epoch == epoch)
		return;
	report_probes_free(r);
	r->any_epoch = true;
	r->epoch = epoch;
	r->state = REPORT_WAITING;
	r->due_known = r->told = false;
	r->cookie = 0;
	r->n = 0;
}

bool report_is_over(struct reporting *r, const struct epoch_facts *facts, struct moment now)
{
	const struct ledger_view *ledger = &r->ctx->ledger;
	uint64_t last;
	int error = ASSAY_E_NOTFOUND;

	enter_epoch(r, facts->epoch);
	if (r->state == REPORT_OVER)
		return true;
	if (ledger->has_report(ledger->ctx, facts->epoch, r->ctx->self)) {
		remember(r, now);
		finish(r);
		return true;
	}
	if (r->local != NULL && r->state == REPORT_WAITING)
		error = local_last_epoch(r->local, &last);
	if (error == 0 && last >= facts->epoch) {
		finish(r);
		return true;
	}
	if (error != 0 && error != ASSAY_E_NOTFOUND && !r->told) {
		r->told = true;
		log_error(&r->ctx->log, "report", "the last reported epoch could not be read",
			  "epoch=%" PRIu64, facts->epoch);
	}
	return false;
}

/* --- sending
 * -------------------------------------------------------------------------------------------------
 */

/* Slots that stay open hold a report up to half the epoch, in FULL for ever. */
static bool rows_ready(const struct reporting *r, const struct epoch_facts *facts)
{
	return !r->challenges || facts->mode == 0 || challenge_complete(r->challenge);
}

static bool moment_came(struct reporting *r, const struct epoch_facts *facts)
{
	uint64_t half = facts->start + (facts->end + 1 - facts->start) / 2;

	if (!r->due_known && (rows_ready(r, facts) || facts->height >= half)) {
		r->due_known = true;
		r->due = report_moment(facts, r->ctx->self, facts->height);
	}
	return r->due_known && facts->height >= r->due;
}

/* In FULL every target needs its two rows; without them the ledger takes no report. */
static bool covered(struct reporting *r, const struct epoch_facts *facts, const struct row *rows,
		    size_t n)
{
	for (size_t i = 0; facts->mode == MODE_FULL && i < r->challenge->n; i++) {
		const char *target = challenge_target(r->challenge, i);

		if (row_buffer_covers(rows, n, &target, 1))
			continue;
		if (!r->told)
			log_warning(&r->ctx->log, "report",
				    "no report before both slots of every target are filled",
				    "epoch=%" PRIu64 " target=%s", facts->epoch, target);
		r->told = true;
		return false;
	}
	return true;
}

static void send(struct reporting *r, const struct epoch_facts *facts, struct effects *out)
{
	struct row_buffer *buffer = r->challenge->buffer;

	r->ctx->counters.throttled += row_buffer_collect(buffer, r->rows, &r->n, facts->epoch);
	if (!covered(r, facts, r->rows, r->n)) {
		row_buffer_requeue(buffer, r->rows, r->n);
		r->n = 0;
		r->state = REPORT_WAITING;
		return;
	}
	r->state = REPORT_SENT;
	r->cookie = ctx_cookie(r->ctx, PART_REPORT);
	r->ctx->counters.reports_sent++;
	effects_entry(out, r->cookie, ENTRY_REPORT, "report", report_text(r, facts));
	log_info(&r->ctx->log, "report", "report on its way",
		 "epoch=%" PRIu64 " rows=%zu height=%" PRIu64, facts->epoch, r->n, facts->height);
}

/* The ledger takes reports of nodes in these states only. */
static bool may_report(const struct reporting *r)
{
	const struct ledger_view *ledger = &r->ctx->ledger;
	const struct node *self = ledger->node(ledger->ctx, r->ctx->self);

	return self != NULL && node_challengeable(self);
}

void report_turn(struct reporting *r, const struct epoch_facts *facts, struct moment now,
		 struct effects *out)
{
	const struct challenge *c = r->challenge;

	if (report_is_over(r, facts, now) || !c->running || c->facts.epoch != facts->epoch ||
	    !may_report(r))
		return;
	if (r->state == REPORT_WAITING && moment_came(r, facts)) {
		if (challenge_review(r->challenge) != 0 ||
		    !covered(r, facts, c->buffer->rows, c->buffer->n))
			return;
		report_probes_make(r, facts);
		r->probe_end_ns = now.mono_ns + PROBES_MS * NS_PER_MS;
		r->state = REPORT_PROBING;
		report_probes_start(r, now, out);
	}
	if (r->state == REPORT_PROBING && report_probes_done(r, now))
		send(r, facts, out);
}

void report_probed(struct reporting *r, uint64_t cookie, enum port_state state, struct moment now,
		   struct effects *out)
{
	for (size_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].cookie == cookie && r->probes[i].state == PROBE_RUNNING) {
			r->probes[i].state = PROBE_DONE;
			r->probes[i].result = state;
		}
	report_probes_start(r, now, out);
}

/* --- the verdict
 * ---------------------------------------------------------------------------------------------
 */

/* Judged and rejected: the rows are judged anew, later, and sent once more. */
static void refused(struct reporting *r, const struct entry_outcome *outcome, uint64_t height)
{
	const struct epoch_facts *f = &r->challenge->facts;
	uint64_t wait = (f->end + 1 - f->start) / 10;

	r->ctx->counters.reports_refused++;
	log_error(&r->ctx->log, "report", "the ledger refused the report",
		  "epoch=%" PRIu64 " code=%u reason=%s", r->epoch, outcome->code, outcome->reason);
	row_buffer_requeue(r->challenge->buffer, r->rows, r->n);
	r->n = 0;
	r->state = REPORT_WAITING;
	r->due = height + (wait > 0 ? wait : 1);
}

void report_verdict(struct reporting *r, uint64_t cookie, const struct entry_outcome *outcome,
		    uint64_t height, struct moment now)
{
	if (r->state != REPORT_SENT || cookie != r->cookie)
		return;
	switch (classify_verdict(outcome)) {
	case SAYS_TRANSIENT:
		return;
	case SAYS_ACCEPTED:
		r->ctx->counters.reports_accepted++;
		remember(r, now);
		finish(r);
		return;
	case SAYS_REPORT_THERE:
		remember(r, now);
		finish(r);
		return;
	case SAYS_TOO_LATE:
		r->ctx->counters.reports_late++;
		log_warning(&r->ctx->log, "report", "the epoch was over: its rows are lost",
			    "epoch=%" PRIu64 " rows=%zu", r->epoch, r->n);
		finish(r);
		return;
	case SAYS_RECHECK_THERE:
	case SAYS_RECHECK_FOREIGN:
	case SAYS_REFUSED:
		refused(r, outcome, height);
		return;
	}
}

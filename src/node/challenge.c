/* SPDX-License-Identifier: Apache-2.0 */
#include "node/challenge.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "node/challenge_impl.h"

#define AT_ONCE	   4
#define TIMEOUT_MS 30000

void challenge_init(struct challenge *c, struct node_ctx *ctx, struct row_buffer *buffer,
		    const struct challenge_settings *settings)
{
	*c = (struct challenge){.ctx = ctx, .buffer = buffer, .settings = *settings};
	if (c->settings.targets_at_once == 0)
		c->settings.targets_at_once = AT_ONCE;
	if (c->settings.timeout_ms == 0)
		c->settings.timeout_ms = TIMEOUT_MS;
}

void challenge_free(struct challenge *c)
{
	challenge_end(c);
}

void challenge_end(struct challenge *c)
{
	free(c->list);
	c->list = NULL;
	c->n = 0;
	c->running = c->done = false;
}

int challenge_begin(struct challenge *c, const struct epoch_facts *facts, struct moment now)
{
	int error;

	challenge_end(c);
	c->facts = *facts;
	c->begun_ns = now.mono_ns;
	c->ctx->counters.no_ticket = false;
	row_buffer_epoch(c->buffer, facts->epoch);
	error = challenge_assignment(c, &c->list, &c->n);
	c->running = error == 0;
	return error;
}

const char *challenge_target(const struct challenge *c, size_t i)
{
	return i < c->n ? c->list[i].account : NULL;
}

uint64_t challenge_call_ns(unsigned timeout_ms, uint64_t epoch_ms)
{
	uint64_t ms = timeout_ms;

	if (epoch_ms > 0 && ms > epoch_ms / 4)
		ms = epoch_ms / 4;
	return (ms > 0 ? ms : 1) * NS_PER_MS;
}

static struct exam_terms terms_of(const struct challenge *c)
{
	const struct epoch_facts *f = &c->facts;

	return (struct exam_terms){f->epoch,	 f->seed, f->seed_len,
				   c->ctx->self, f->k,	  f->range_length};
}

/* --- what becomes of a slot
 * ----------------------------------------------------------------------------------
 */

static void slot_failed(struct challenge *c, const struct examinee *e, struct slot *slot,
			enum exam_stage stage)
{
	slot->state = SLOT_OPEN;
	c->ctx->counters.internal_failures[stage]++;
	log_warning(&c->ctx->log, "challenge", "no row this time; the slot stays open",
		    "epoch=%" PRIu64 " target=%s bucket=%u ticket=%s stage=%s", c->facts.epoch,
		    e->account, slot_bucket((unsigned)(slot - e->slot)), slot->exam.row.ticket,
		    exam_stage_name(stage));
}

static void slot_row(struct challenge *c, struct slot *slot, struct row *row)
{
	struct node_ctx *ctx = c->ctx;
	char id[65];

	if (row_sign(row, &ctx->signer) != 0) {
		ctx->counters.sign_failures[row->result]++;
		slot->state = SLOT_OPEN;
		log_error(&ctx->log, "challenge", "the row could not be signed and is dropped",
			  "epoch=%" PRIu64 " target=%s bucket=%u", row->epoch, row->target,
			  row->bucket);
		return;
	}
	row_buffer_append(c->buffer, row);
	ctx->counters.results[row->result]++;
	slot->state = SLOT_FILLED;
	hex_encode(id, slot->exam.challenge_id, 32);
	log_info(&ctx->log, "challenge", "result",
		 "epoch=%" PRIu64 " target=%s bucket=%u ticket=%s class=%u ordinal=%" PRIu32
		 " result=%s details=\"%s\" challenge=%s",
		 row->epoch, row->target, row->bucket, row->ticket, row->class, row->ordinal,
		 result_name(row->result), row->details, id);
}

/* The ticket, if one was chosen, is named in the log only. */
static void slot_empty(struct challenge *c, struct examinee *e, struct slot *slot,
		       const char *ticket)
{
	unsigned bucket = slot_bucket((unsigned)(slot - e->slot));
	const char *details = *ticket != '\0' ? "no artifact of the drawn class"
					      : "no eligible ticket for bucket";
	struct row row;

	log_info(&c->ctx->log, "challenge", details,
		 "epoch=%" PRIu64 " target=%s bucket=%u ticket=%s", c->facts.epoch, e->account,
		 bucket, ticket);
	if (row_buffer_has_eligible(c->buffer, c->facts.epoch, e->account, bucket)) {
		c->ctx->counters.internal_failures[EXAM_SUPPRESSED]++;
		slot->state = SLOT_FILLED;
		return;
	}
	row_no_eligible(&row, c->facts.epoch, c->ctx->self, e->account, bucket, details);
	if (row_transcript(&row, NULL) != 0)
		slot_failed(c, e, slot, EXAM_TRANSCRIPT_HASH);
	else
		slot_row(c, slot, &row);
}

/* --- the steps of a slot
 * -------------------------------------------------------------------------------------
 */

static bool slot_busy(const struct slot *slot)
{
	return slot->state == SLOT_RESOLVING || slot->state == SLOT_ASKING;
}

static void slot_start(struct challenge *c, struct examinee *e, struct slot *slot,
		       struct effects *out)
{
	const struct ledger_view *ledger = &c->ctx->ledger;
	const struct exam_terms terms = terms_of(c);
	unsigned bucket = slot_bucket((unsigned)(slot - e->slot));
	char ticket[TICKET_ROOM];
	struct effect *resolve;
	enum exam_stage stage;
	bool empty;

	slot->tried = true;
	slot->exam = (struct exam){0};
	if (challenge_pick(c, ticket, e->account, bucket) != 0) {
		c->ctx->counters.no_ticket = true;
		slot_failed(c, e, slot, EXAM_TICKET_LISTING);
		return;
	}
	if (*ticket == '\0') {
		c->ctx->counters.no_ticket = true;
		c->ctx->counters.tickets_ineligible++;
		slot_empty(c, e, slot, "");
		return;
	}
	c->ctx->counters.tickets_eligible++;
	stage = exam_draw(&slot->exam, &empty, &terms, ledger->ticket(ledger->ctx, ticket), ticket,
			  e->account, bucket);
	if (stage != EXAM_OK) {
		slot_failed(c, e, slot, stage);
		return;
	}
	if (empty) {
		slot_empty(c, e, slot, ticket);
		return;
	}
	slot->state = SLOT_RESOLVING;
	slot->cookie = ctx_cookie(c->ctx, PART_CHALLENGE);
	resolve = effects_add(out, EFFECT_RESOLVE, slot->cookie, e->account);
	strcpy(resolve->artifact.ticket, ticket);
	resolve->artifact.class = slot->exam.row.class;
	resolve->artifact.ordinal = slot->exam.row.ordinal;
}

/* One slot of a target after the other, and only so many targets at once. */
static void advance(struct challenge *c, struct effects *out)
{
	unsigned busy = 0;

	for (size_t i = 0; i < c->n; i++)
		busy += slot_busy(&c->list[i].slot[0]) || slot_busy(&c->list[i].slot[1]);
	for (size_t i = 0; i < c->n && busy < c->settings.targets_at_once; i++) {
		struct examinee *e = &c->list[i];

		if (slot_busy(&e->slot[0]) || slot_busy(&e->slot[1]))
			continue;
		for (unsigned s = 0; s < SLOTS; s++) {
			if (e->slot[s].state != SLOT_OPEN || e->slot[s].tried)
				continue;
			slot_start(c, e, &e->slot[s], out);
			if (slot_busy(&e->slot[s])) {
				busy++;
				break;
			}
		}
	}
}

static void note_complete(struct challenge *c, struct moment now)
{
	struct counters *n = &c->ctx->counters;
	uint64_t ms = (now.mono_ns - c->begun_ns) / NS_PER_MS;

	if (c->done || c->n == 0 || !challenge_complete(c))
		return;
	c->done = true;
	n->epochs++;
	n->epoch_ms_total += ms;
	if (ms > n->epoch_ms_max)
		n->epoch_ms_max = ms;
}

void challenge_round(struct challenge *c, struct moment now, struct effects *out)
{
	if (!c->running || c->facts.mode == 0 || !c->facts.enabled)
		return;
	for (size_t i = 0; i < c->n; i++)
		for (unsigned s = 0; s < SLOTS; s++)
			c->list[i].slot[s].tried = false;
	advance(c, out);
	note_complete(c, now);
}

/* The slot that waits for this outcome; NULL when none does any more. */
static struct slot *slot_of(struct challenge *c, struct examinee **e, uint64_t cookie,
			    enum slot_state state)
{
	for (size_t i = 0; i < c->n; i++)
		for (unsigned s = 0; s < SLOTS; s++) {
			struct slot *slot = &c->list[i].slot[s];

			if (slot->state == state && slot->cookie == cookie) {
				*e = &c->list[i];
				return slot;
			}
		}
	return NULL;
}

static void slot_ask(struct challenge *c, const struct examinee *e, struct slot *slot,
		     struct moment now, struct effects *out)
{
	const struct epoch_facts *f = &c->facts;
	uint64_t epoch_ms = (f->end + 1 - f->start) * f->tick_interval_ms;
	struct effect *ask;

	slot->state = SLOT_ASKING;
	slot->cookie = ctx_cookie(c->ctx, PART_CHALLENGE);
	ask = effects_add(out, EFFECT_ASK, slot->cookie, e->account);
	ask->question = slot->exam.question;
	ask->deadline_ns = now.mono_ns + challenge_call_ns(c->settings.timeout_ms, epoch_ms);
}

void challenge_resolved(struct challenge *c, uint64_t cookie, enum resolve_end end,
			const struct resolved *artifact, struct moment now, struct effects *out)
{
	const struct exam_terms terms = terms_of(c);
	struct examinee *e;
	struct slot *slot = slot_of(c, &e, cookie, SLOT_RESOLVING);
	enum exam_stage stage;

	if (slot == NULL)
		return;
	if (end == RESOLVE_DONE)
		stage = exam_derive(&slot->exam, &terms, artifact);
	else
		stage = end == RESOLVE_NO_KEY ? EXAM_RESOLVE_KEY : EXAM_RESOLVE_SIZE;
	if (stage == EXAM_OK)
		slot_ask(c, e, slot, now, out);
	else
		slot_failed(c, e, slot, stage);
	advance(c, out);
	note_complete(c, now);
}

void challenge_asked(struct challenge *c, uint64_t cookie, const struct ask_result *result,
		     struct moment now, struct effects *out)
{
	struct examinee *e;
	struct slot *slot = slot_of(c, &e, cookie, SLOT_ASKING);
	enum exam_stage stage;
	struct row row;

	if (slot == NULL)
		return;
	stage = exam_judge(&row, &slot->exam, result);
	if (stage == EXAM_OK)
		slot_row(c, slot, &row);
	else
		slot_failed(c, e, slot, stage);
	advance(c, out);
	note_complete(c, now);
}

size_t challenge_filled(const struct challenge *c)
{
	size_t filled = 0;

	for (size_t i = 0; i < c->n; i++)
		for (unsigned s = 0; s < SLOTS; s++)
			filled += c->list[i].slot[s].state == SLOT_FILLED;
	return filled;
}

bool challenge_complete(const struct challenge *c)
{
	return c->running && challenge_filled(c) == SLOTS * c->n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row that the ledger refuses costs the whole report, and between a challenge and the report
 * the ledger goes on: tickets are closed or placed anew, reporters lose their standing. So rows are
 * judged once more by the ledger's own rules right before they go out.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/rules.h"
#include "node/challenge_impl.h"

static bool row_of_ticket_stands(const struct challenge *c, const struct row *row)
{
	const struct ledger_view *ledger = &c->ctx->ledger;
	const struct ticket *t = ledger->ticket(ledger->ctx, row->ticket);
	int position = t != NULL ? ticket_position(t, row->target) : -1;

	return position >= 0 && ticket_challengeable(t, row->epoch) &&
	       ticket_places(t, row->class, row->ordinal, position);
}

/* Nothing to challenge then; is there nothing now? */
static bool row_of_nothing_stands(const struct challenge *c, const struct row *row)
{
	char ticket[TICKET_ROOM];

	return challenge_pick(c, ticket, row->target, row->bucket) == 0 && *ticket == '\0';
}

static bool row_stands(const struct challenge *c, const struct row *row)
{
	if (challenge_find(c, row->target) == NULL)
		return false;
	return row->result == RESULT_NO_ELIGIBLE_TICKET ? row_of_nothing_stands(c, row)
							: row_of_ticket_stands(c, row);
}

/* The slots of targets that stay keep their state. */
static int review_assignment(struct challenge *c)
{
	struct examinee *list;
	size_t n;
	int error = challenge_assignment(c, &list, &n);

	if (error != 0)
		return error;
	for (size_t i = 0; i < n; i++) {
		const struct examinee *old = challenge_find(c, list[i].account);

		if (old != NULL)
			list[i] = *old;
	}
	free(c->list);
	c->list = list;
	c->n = n;
	return 0;
}

int challenge_review(struct challenge *c)
{
	struct row_buffer *b = c->buffer;
	size_t kept = 0;
	int error;

	if (!c->running)
		return 0;
	error = review_assignment(c);
	if (error != 0)
		return error;
	for (size_t i = 0; i < b->n; i++) {
		const struct row *row = &b->rows[i];
		struct examinee *e = challenge_find(c, row->target);

		if (row->epoch != c->facts.epoch || row_stands(c, row)) {
			b->rows[kept++] = *row;
			continue;
		}
		log_info(&c->ctx->log, "challenge", "the ledger moved on: row taken back",
			 "epoch=%" PRIu64 " target=%s bucket=%u ticket=%s", row->epoch, row->target,
			 row->bucket, row->ticket);
		if (e != NULL)
			e->slot[row->bucket == ASSAY_BUCKET_RECENT ? 0 : 1] =
				(struct slot){.state = SLOT_OPEN};
	}
	b->n = kept;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a placement goes on between the steps of its thread: this node's own share, then the others',
 * then the entry. A new holder that does not answer is left out and the list drawn anew, as long as
 * no more than a third is; one that is to keep its place is asked again when the placement is
 * ordered again.
 */
#include <string.h>

#include "assay/status.h"
#include "control/heals_impl.h"

#define ATTEMPTS 4

/* Drawn afresh, a list is never as long as one whose holders were replaced: somebody was lacking.
 */
static bool is_afresh(const struct ticket *t, const struct texts *holders)
{
	return t->rehome || holders->n != t->holders.n;
}

/* A position whose holder is a new one: that signs. */
static void mark_signers(struct heal_task *t, const struct ticket *ticket,
			 const struct texts *holders)
{
	bool afresh = is_afresh(ticket, holders);

	for (size_t i = 0; i < holders->n && i < HOLDERS_MAX; i++)
		t->sign[i] = afresh || strcmp(ticket->holders.at[i], holders->at[i]) != 0;
}

/* The ledger's copy as it is now says where it goes. */
static bool draw(struct heals_job *j)
{
	struct heal_task *t = &j->task;
	struct state *s = heals_state(j);
	const struct ticket *ticket = ticket_find(s, t->order.ticket);
	struct texts holders = {0};
	bool drawn;

	json_decref(j->data);
	j->data = json_pack("{s:I,s:I,s:o,s:[]}", "heal_op_id", (json_int_t)t->order.op,
			    "placement_epoch", (json_int_t)state_epoch(s), "skip",
			    texts_json(&j->skip), "receipts");
	drawn = ticket != NULL && ticket_holders(s, &holders, t->order.ticket, j->data, true) &&
		deal_fill(&t->deal, s, t->account, &holders, ticket->index_copies,
			  ticket->symbol_copies);
	if (drawn)
		mark_signers(t, ticket, &holders);
	texts_free(&holders);
	return drawn;
}

/* --- the own share --- */

static void store_own(struct store_task *task, struct store *store)
{
	struct heals_job *j = heals_job_of(task);

	task->result = own_share_store(&j->share, store, j->heals->config.share_batch);
	if (deal_own(&j->task.deal) < j->task.deal.holders &&
	    (task->result == 0 || task->result == ASSAY_E_AGAIN))
		heal_stored_one(&j->task);
}

static void on_stored(struct store_task *task)
{
	struct heals_job *j = heals_job_of(task);

	if (heal_stopped(&j->task))
		heals_job_fail(j, HEAL_END_LATE, "the deadline came while storing");
	else if (task->result == ASSAY_E_AGAIN)
		heals_job_store(j, store_own, on_stored);
	else if (task->result == 0)
		heals_job_submit(j, HEAL_STEP_PUSH);
	else if (task->result == ASSAY_E_CORRUPT || task->result == ASSAY_E_NOTFOUND)
		heals_job_fail(j, HEAL_END_LOST, "a staged file is missing or damaged");
	else
		heals_job_fail(j, HEAL_END_OURS, "this node's own share cannot be stored: %s",
			       assay_error_text(task->result));
}

/* --- the entry --- */

static void record(struct heals_job *j)
{
	const struct app *app = j->heals->config.app;
	struct heal_task *t = &j->task;
	struct receipt_signer signer = {app->self.account, &app->self.identity, &app->random};
	uint64_t epoch = (uint64_t)json_integer_value(json_object_get(j->data, "placement_epoch"));

	json_object_set_new(
		j->data, "receipts",
		share_receipts(&j->share, t->delivered, t->sign, &signer, t->order.ticket, epoch));
	j->entry_text = json_dumps(j->data, JSON_COMPACT);
	if (j->entry_text == NULL) {
		heals_job_fail(j, HEAL_END_OURS, "out of memory");
		return;
	}
	memcpy(t->hash, t->order.hash, sizeof(t->hash));
	heal_finish(t, HEAL_END_DONE, "%s", "");
	heals_job_end(j);
}

/* --- attempts --- */

static void place(struct heals_job *j)
{
	struct heal_task *t = &j->task;

	if (!draw(j)) {
		heals_job_fail(j, HEAL_END_REMOTE,
			       "the ledger places it nowhere now: %u nodes do not answer%s%.90s",
			       (unsigned)j->skip.n, t->why[0] != '\0' ? "; " : "", t->why);
		return;
	}
	free(t->description);
	t->description = share_description(&t->description_len, t->description_key,
					   "heal_published", t->account, j->data);
	t->pause_ns = j->heals->config.pause_ms * NS_PER_MS * j->attempts;
	j->attempts++;
	j->share = (struct own_share){
		.deal = &t->deal,
		.keys = {NULL, (const uint8_t(*)[32])t->keys[1], (const uint8_t(*)[32])t->keys[2]},
		.path = heal_path,
		.ctx = t,
	};
	heals_job_store(j, store_own, on_stored);
}

static bool signs(const struct heal_task *t, uint32_t node)
{
	for (uint32_t i = 0; i < t->deal.holders; i++)
		if (t->deal.node[i] == node)
			return t->sign[i];
	return false;
}

struct failures {
	unsigned all, new_holders;
};

/* Who failed; new holders among them are left out next time, unless they may only be behind. */
static struct failures look_back(struct heals_job *j)
{
	struct heal_task *t = &j->task;
	struct failures n = {0, 0};

	for (uint32_t i = 0; i < t->deal.others; i++) {
		const struct delivered *d = &t->delivered[i];
		const char *account = t->deal.other[i].account;

		if (d->error == 0)
			continue;
		n.all++;
		n.new_holders += signs(t, i);
		if (signs(t, i) && (d->error != ASSAY_E_REFUSED || j->attempts > 2))
			texts_add(&j->skip, account);
		snprintf(t->why, sizeof(t->why), "%s: %.100s", account, d->why);
	}
	return n;
}

void place_continue(struct heals_job *j)
{
	struct failures n;

	if (j->task.step == HEAL_STEP_READ) {
		place(j);
		return;
	}
	n = look_back(j);
	if (n.all == 0) {
		record(j);
	} else if (n.new_holders > 0 && j->attempts < ATTEMPTS) {
		place(j);
	} else {
		j->task.end = HEAL_END_REMOTE; /* why names the last one */
		heals_job_end(j);
	}
}

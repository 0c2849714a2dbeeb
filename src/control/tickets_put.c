/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a put goes on between the steps of the thread: encode, place, push, store the own share,
 * record. A node that fails is left out and the placement drawn anew, as long as no more than a
 * third is left out; an epoch that ends meanwhile only means new receipts.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "control/own_share.h"
#include "control/tickets_impl.h"

static struct state *state_of(struct ticket_job *j)
{
	return core_state(network_core(j->tickets->control->app->network));
}

/* --- where it goes --- */

/* The id for this file; true when the ledger has it as an open ticket of this node's already. */
static bool find_id(struct ticket_job *j, struct state *s)
{
	const char *self = j->tickets->control->app->self.account;
	const struct ticket *t;

	for (j->n = 0;; j->n++) {
		ticket_id(j->ticket, self, j->work.facts.data_hash, j->n);
		t = ticket_find(s, j->ticket);
		if (t == NULL || t->state == TICKET_OPEN)
			return t != NULL;
	}
}

static json_t *ticket_data(const struct ticket_job *j, uint64_t epoch)
{
	const struct ticket_work *w = &j->work;
	const struct ticket_facts *f = &w->facts;
	json_t *ids = json_array();

	for (uint32_t i = 0; i < f->max; i++)
		json_array_append_new(ids, json_string(f->index_ids[i]));
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:s,s:b,s:I,s:I,s:I,s:o,s:[]}", "ticket",
			 j->ticket, "data_hash", f->data_hash, "size", (json_int_t)f->size, "ic",
			 (json_int_t)f->ic, "max", (json_int_t)f->max, "ratio",
			 (json_int_t)f->ratio, "rq_ids_ids", ids, "signatures", f->signatures,
			 "public", 1, "index_artifact_count", (json_int_t)w->deal.counts[1],
			 "symbol_artifact_count", (json_int_t)w->deal.counts[2], "placement_epoch",
			 (json_int_t)epoch, "skip", texts_json(&j->skip), "receipts");
}

/* What the holders are asked to sign for. */
static void describe(struct ticket_job *j)
{
	struct ticket_work *w = &j->work;

	free(w->description);
	w->description = share_description(&w->description_len, w->description_key, "ticket",
					   j->tickets->control->app->self.account, j->data);
}

/* Without one there is nobody to place a ticket on. */
static bool any_anchor(struct state *s)
{
	return table_first(state_tables(s), T_ANCHORS) != NULL;
}

static void place(struct ticket_job *j)
{
	struct state *s = state_of(j);
	const struct params *p = params_current(state_tables(s));
	struct texts holders = {0};
	bool placed;

	if (++j->attempts > TICKET_ATTEMPTS) {
		ticket_job_end(j, ASSAY_E_TIMEOUT, "%s",
			       j->message[0] != '\0' ? j->message
						     : "no placement held until it was recorded");
		return;
	}
	if (find_id(j, s)) {
		j->existed = true;
		ticket_job_end(j, 0, "%s", "");
		return;
	}
	json_decref(j->data);
	j->data = ticket_data(j, state_epoch(s));
	placed = ticket_holders(s, &holders, j->ticket, j->data, false) &&
		 deal_fill(&j->work.deal, s, j->tickets->control->app->self.account, &holders,
			   p->index_copies, p->symbol_copies);
	texts_free(&holders);
	if (!placed && !any_anchor(s)) {
		ticket_job_end(
			j, ASSAY_E_REFUSED,
			"the ledger's first epoch has not begun, and it places tickets on the "
			"nodes that were active when an epoch began: assayctl epoch");
		return;
	}
	if (!placed) {
		ticket_job_end(j, ASSAY_E_REFUSED,
			       "the ledger places no ticket now: %u nodes do not answer%s%.120s, "
			       "and at most a third of the active ones may be left out",
			       (unsigned)j->skip.n, j->message[0] != '\0' ? " (" : "", j->message);
		return;
	}
	describe(j);
	ticket_phase(&j->work, PHASE_PUSH);
	j->work.step = STEP_PUSH;
	ticket_thread_submit(j->tickets->thread, &j->work);
}

/* --- this node's own share --- */

static void store_own(struct store_task *task, struct store *store)
{
	struct ticket_job *j =
		(struct ticket_job *)((char *)task - offsetof(struct ticket_job, storing));
	struct own_share share;

	ticket_share(&share, &j->work);
	task->result = own_share_store(&share, store, UINT_MAX);
	j->result = task->result;
}

/* --- the entry --- */

static void record(struct ticket_job *j)
{
	const struct app *app = j->tickets->control->app;
	struct receipt_signer signer = {app->self.account, &app->self.identity, &app->random};
	json_t *data = json_deep_copy(j->data);
	struct own_share share;

	ticket_phase(&j->work, PHASE_RECORD);
	ticket_share(&share, &j->work);
	json_object_set_new(data, "receipts",
			    share_receipts(&share, j->work.delivered, NULL, &signer, j->ticket,
					   (uint64_t)json_integer_value(
						   json_object_get(j->data, "placement_epoch"))));
	entry_send(j, ENTRY_TICKET, "ticket", data, j->n);
}

/* Of the verdicts that an operator can meet. */
static const char *meaning(const struct entry_outcome *outcome)
{
	if (outcome->end == ENTRY_EXPIRED)
		return "it came too late";
	if (outcome->code == VERDICT_UNAUTHORIZED)
		return "only the node that put it, or the authority, may do that";
	if (strcmp(outcome->reason, "CLOSED") == 0)
		return "the ticket is closed already";
	if (strcmp(outcome->reason, "BUSY") == 0)
		return "the ticket is being healed; try again later";
	return outcome->reason;
}

static void on_outcome(void *ctx, const uint8_t id[32], const struct entry_outcome *outcome)
{
	struct ticket_job *j = ctx;

	if (outcome->end == ENTRY_OPEN)
		return; /* it may still come; who does not want to wait cancels */
	j->recording = false;
	if (outcome->end == ENTRY_VERDICT_CAME && outcome->code == 0)
		ticket_job_end(j, 0, "%s", "");
	else if (j->kind == TICKET_PUT && outcome->end == ENTRY_VERDICT_CAME &&
		 outcome->code == VERDICT_TICKET && strcmp(outcome->reason, "PLACEMENT") == 0)
		place(j); /* the epoch of its placement is over */
	else
		ticket_job_end(j, ASSAY_E_REFUSED, "the ledger refuses it: %s (code %u)",
			       meaning(outcome), outcome->code);
}

void entry_send(struct ticket_job *j, enum entry_class class, const char *type, json_t *data,
		uint64_t n)
{
	int error =
		network_put(j->tickets->control->app->network, class, type, data, n, on_outcome, j);

	json_decref(data);
	j->recording = error == 0;
	if (error == ASSAY_E_REFUSED)
		ticket_job_end(j, error,
			       "this node's copy of the ledger contradicts the engine: "
			       "assayctl ledger status");
	else if (error != 0)
		ticket_job_end(j, error, "the entry cannot be sent: %s", assay_error_text(error));
}

/* --- steps --- */

static void on_stored(struct store_task *task)
{
	struct ticket_job *j =
		(struct ticket_job *)((char *)task - offsetof(struct ticket_job, storing));

	if (j->tickets == NULL) {
		ticket_job_free(j);
		return;
	}
	j->storing_out = false;
	if (atomic_load(&j->work.cancel))
		ticket_job_end(j, ASSAY_E_CLOSED, "cancelled");
	else if (j->result == 0)
		record(j);
	else
		ticket_job_end(j, j->result, "this node's own share cannot be stored: %s",
			       assay_error_text(j->result));
}

static void on_dropped(struct store_task *task)
{
	ticket_job_free((struct ticket_job *)((char *)task - offsetof(struct ticket_job, storing)));
}

static void after_push(struct ticket_job *j)
{
	struct ticket_work *w = &j->work;
	bool again = false;

	for (uint32_t i = 0; i < w->deal.others; i++) {
		const struct delivered *d = &w->delivered[i];
		const char *account = w->deal.other[i].account;

		if (d->error == 0)
			continue;
		again = true;
		/* A node that does not know the epoch yet, or is not done looking, is no failure
		 * of the node. */
		if (d->error != ASSAY_E_REFUSED || j->attempts > 2)
			texts_add(&j->skip, account);
		snprintf(j->message, sizeof(j->message), "%s: %.160s", account, d->why);
	}
	if (again) {
		place(j);
		return;
	}
	j->storing = (struct store_task){.kind = STORE_ERRAND,
					 .fd = -1,
					 .errand = store_own,
					 .finished = on_stored,
					 .dropped = on_dropped};
	j->storing_out = true;
	ticket_phase(&j->work, PHASE_STORE);
	store_thread_submit(j->tickets->control->app->store_thread, &j->storing);
}

void put_continue(struct ticket_job *j)
{
	if (j->work.step == STEP_ENCODE)
		place(j);
	else
		after_push(j);
}

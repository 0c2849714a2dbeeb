/* SPDX-License-Identifier: Apache-2.0 */
#include "control/receipts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"
#include "control/calls.h"
#include "control/network.h"
#include "ledger/placement.h"
#include "ledger/text.h"

/* One receipt that is asked for. */
struct receipt {
	struct store_task task; /* first: it leads back here */
	LIST_ENTRY(receipt) entry;
	struct receipts *owner; /* NULL: control has ended */
	struct call *call;
	uint8_t key[32];     /* of the description */
	const char *account; /* this node's */
	uint8_t *text;
	size_t len;
	int error;
	struct receipt_plan plan;
	struct holder_answer answer;
};

struct receipts {
	struct control *control;
	LIST_HEAD(, receipt) list;
};

static void receipt_free(struct receipt *r)
{
	if (r->owner != NULL)
		LIST_REMOVE(r, entry);
	receipt_plan_free(&r->plan);
	free(r->text);
	free(r);
}

static void on_dropped(struct store_task *task)
{
	receipt_free((struct receipt *)task);
}

static void refuse_call(struct call *call, const struct holder_answer *answer)
{
	const char *text = holder_reason_text(answer->reason);
	uint8_t body[256];
	struct writer w = writer_of(body, sizeof(body));

	write_u16le(&w, (uint16_t)answer->reason);
	write_u8(&w, answer->class);
	write_u8(&w, 0);
	write_u32le(&w, answer->ordinal);
	write_u32le(&w, answer->count);
	write_bytes(&w, text, strlen(text));
	/* What may be different in a moment is not kept as the answer. */
	call_answer(call, answer->reason == HOLDER_TROUBLE ? CALL_FAILED : CALL_REFUSED, body,
		    w.len);
}

static void refuse_with(struct call *call, enum holder_reason reason)
{
	refuse_call(call, &(struct holder_answer){.reason = reason});
}

/* --- the store thread's --- */

struct reading {
	uint8_t *data;
	size_t len, room;
};

static int take_bytes(void *ctx, const void *data, size_t len)
{
	struct reading *r = ctx;

	if (len > r->room - r->len)
		return ASSAY_E_CHANGED;
	memcpy(r->data + r->len, data, len);
	r->len += len;
	return 0;
}

int receipt_read(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32], uint64_t size_max)
{
	struct store *store = ctx;
	struct reading r = {NULL, 0, 0};
	struct store_output output = {take_bytes, &r};
	struct artifact_info info;
	int error = store_stat(store, key, &info);

	if (error != 0 || info.state != ARTIFACT_STORED)
		return ASSAY_E_NOTFOUND;
	if (info.size > size_max)
		return ASSAY_E_RANGE;
	r.room = info.size;
	r.data = malloc(r.room > 0 ? r.room : 1);
	if (r.data == NULL)
		return ASSAY_E_NOMEM;
	error = store_get(store, key, &output, NULL);
	if (error != 0) {
		free(r.data);
		return error == ASSAY_E_CORRUPT ? ASSAY_E_NOTFOUND : error;
	}
	*data = r.data;
	*len = r.len;
	return 0;
}

static bool hold_artifact(void *ctx, const uint8_t key[32], uint64_t *size)
{
	struct artifact_info info;

	if (!store_hold(ctx, key) || store_stat(ctx, key, &info) != 0 ||
	    info.state != ARTIFACT_STORED)
		return false;
	*size = info.size;
	return true;
}

static void read_description(struct store_task *task, struct store *store)
{
	struct receipt *r = (struct receipt *)task;

	r->error = receipt_read(store, &r->text, &r->len, r->key, RECEIPT_DESCRIPTION);
}

static void look_up(struct store_task *task, struct store *store)
{
	struct receipt *r = (struct receipt *)task;
	const struct holder_bytes bytes = {receipt_read, hold_artifact, store};

	holder_digest(&r->answer, &r->plan.told, r->account, &bytes);
}

/* --- control's --- */

static void sign(struct receipt *r)
{
	const struct app *app = r->owner->control->app;
	uint8_t message[RECEIPT_ROOM], body[RECEIPT_ANSWER], aux[32];
	struct sha256_part part = {message, 0};

	part.len = receipt_message(message, r->plan.ticket, r->plan.placement_epoch,
				   app->self.account, r->answer.digest);
	random_fill(&app->random, aux, sizeof(aux));
	memcpy(body, r->answer.digest, 32);
	sign_tagged(body + 32, &app->self.identity, TAG_RECEIPT, &part, 1, aux);
	log_info(&app->log, "receipts", "signed that this node holds its share of a ticket",
		 "ticket=%s epoch=%llu", r->plan.ticket,
		 (unsigned long long)r->plan.placement_epoch);
	call_answer(r->call, CALL_DONE, body, sizeof(body));
}

static void on_looked_up(struct store_task *task)
{
	struct receipt *r = (struct receipt *)task;

	if (r->owner != NULL && r->answer.reason == HOLDER_SIGNS)
		sign(r);
	else if (r->owner != NULL)
		refuse_call(r->call, &r->answer);
	receipt_free(r);
}

static void on_description(struct store_task *task)
{
	struct receipt *r = (struct receipt *)task;
	enum holder_reason reason = HOLDER_TROUBLE;
	struct app *app;

	if (r->owner == NULL) {
		receipt_free(r);
		return;
	}
	app = r->owner->control->app;
	if (r->error == ASSAY_E_NOTFOUND || r->error == ASSAY_E_RANGE)
		reason = HOLDER_DESCRIPTION;
	else if (r->error == 0)
		reason = receipt_plan_make(&r->plan, core_state(network_core(app->network)),
					   (const char *)r->text, r->len);
	if (reason != HOLDER_SIGNS) {
		refuse_with(r->call, reason);
		receipt_free(r);
		return;
	}
	task->errand = look_up;
	task->finished = on_looked_up;
	store_thread_submit(app->store_thread, task);
}

static void on_call(void *ctx, struct call *call)
{
	struct receipts *receipts = ctx;
	const struct app *app = receipts->control->app;
	struct receipt *r;
	size_t len;
	const uint8_t *body = call_body(call, &len);

	if (len != 32) {
		call_answer(call, CALL_BODY, NULL, 0);
		return;
	}
	if (app->network == NULL || app->store_thread == NULL) {
		refuse_with(call, HOLDER_NO_LEDGER);
		return;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		refuse_with(call, HOLDER_TROUBLE);
		return;
	}
	r->task = (struct store_task){.kind = STORE_ERRAND,
				      .fd = -1,
				      .errand = read_description,
				      .finished = on_description,
				      .dropped = on_dropped};
	r->owner = receipts;
	r->call = call;
	r->account = app->self.account;
	memcpy(r->key, body, 32);
	LIST_INSERT_HEAD(&receipts->list, r, entry);
	store_thread_submit(app->store_thread, &r->task);
}

struct receipts *receipts_new(struct control *c)
{
	struct receipts *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->control = c;
	LIST_INIT(&r->list);
	must(calls_add(c->calls, CALL_RECEIPT, on_call, r) == 0);
	return r;
}

/* The store thread may still be at work on some. */
void receipts_free(struct receipts *receipts)
{
	struct receipt *r;

	if (receipts == NULL)
		return;
	while ((r = LIST_FIRST(&receipts->list)) != NULL) {
		LIST_REMOVE(r, entry);
		r->owner = NULL;
	}
	free(receipts);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control/calls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/control.h"

#define SECOND_NS   1000000000ull
#define WAIT_NS	    (30 * SECOND_NS)
#define KEEP_NS	    (300 * SECOND_NS)
#define WAITERS_MAX 16 /* repeats of one call: two of a session, eight sessions of a key */
#define BUSY_MS	    50

struct waiter {
	struct call_job *job;
	uint64_t since_ns;
};

struct call {
	TAILQ_ENTRY(call) entry; /* of pending, or of kept, oldest first */
	struct calls *calls;
	char account[ASSAY_ACCOUNT_MAX + 1];
	uint8_t nonce[16];
	uint16_t method;
	bool done;
	enum call_status status;
	uint64_t done_ns;
	struct waiter waiter[WAITERS_MAX];
	unsigned waiters;
	size_t len, answer_len;
	uint8_t body[CALL_BODY_MAX];
	uint8_t answer[CALL_BODY_MAX];
};
TAILQ_HEAD(call_list, call);

struct calls {
	struct control *control;
	struct event *event;
	struct {
		uint16_t number;
		call_method method;
		void *ctx;
	} method[CALLS_METHODS_MAX];
	unsigned methods;
	struct call_list pending, kept;
	unsigned pending_count, kept_count;
};

static uint64_t now(const struct calls *calls)
{
	return clock_mono(&calls->control->app->clock);
}

static void send_back(struct calls *calls, struct call_job *job, enum assay_reason reason)
{
	const struct plane *plane = &calls->control->app->plane;

	job->reason = (uint16_t)reason;
	job->wait_ms = reason == ASSAY_R_BUSY || reason == ASSAY_R_LATE ? BUSY_MS : 0;
	plane->call_answer(plane->ctx, job);
}

static void send_answer(struct call *call, struct call_job *job)
{
	job->status = (uint16_t)call->status;
	job->answer_len = (uint16_t)call->answer_len;
	memcpy(job->answer, call->answer, call->answer_len);
	send_back(call->calls, job, ASSAY_R_NONE);
}

static void answer_status(struct calls *calls, struct call_job *job, enum call_status status)
{
	job->status = (uint16_t)status;
	job->answer_len = 0;
	send_back(calls, job, ASSAY_R_NONE);
}

static void forget_oldest(struct calls *calls)
{
	struct call *call = TAILQ_FIRST(&calls->kept);

	TAILQ_REMOVE(&calls->kept, call, entry);
	calls->kept_count--;
	free(call);
}

void call_answer(struct call *call, enum call_status status, const void *body, size_t len)
{
	struct calls *calls = call->calls;

	must(!call->done && len <= CALL_BODY_MAX);
	call->done = true;
	call->status = status;
	call->answer_len = len;
	if (len > 0)
		memcpy(call->answer, body, len);
	for (unsigned i = 0; i < call->waiters; i++)
		send_answer(call, call->waiter[i].job);
	call->waiters = 0;
	call->done_ns = now(calls);
	TAILQ_REMOVE(&calls->pending, call, entry);
	calls->pending_count--;
	if (status == CALL_FAILED) { /* the same call may go well the next time */
		free(call);
		return;
	}
	TAILQ_INSERT_TAIL(&calls->kept, call, entry);
	if (++calls->kept_count > CALLS_KEPT_MAX)
		forget_oldest(calls);
}

const char *call_account(const struct call *call)
{
	return call->account;
}

const uint8_t *call_body(const struct call *call, size_t *len)
{
	*len = call->len;
	return call->body;
}

/* --- what comes in --- */

static struct call *find_in(const struct call_list *list, const struct call_job *job)
{
	struct call *call;

	TAILQ_FOREACH(call, list, entry)
	if (memcmp(call->nonce, job->nonce, 16) == 0 && strcmp(call->account, job->account) == 0)
		return call;
	return NULL;
}

static bool same_question(const struct call *call, const struct call_job *job)
{
	return call->method == job->method && call->len == job->len &&
	       memcmp(call->body, job->body, job->len) == 0;
}

/* A call that came before: its answer, or it waits with the others. */
static void repeat(struct call *call, struct call_job *job)
{
	struct calls *calls = call->calls;

	if (!same_question(call, job)) {
		answer_status(calls, job, CALL_BODY);
	} else if (call->done) {
		send_answer(call, job);
	} else if (call->waiters == WAITERS_MAX) {
		send_back(calls, job, ASSAY_R_BUSY);
	} else {
		call->waiter[call->waiters++] = (struct waiter){job, now(calls)};
	}
}

static void begin(struct calls *calls, struct call_job *job, unsigned method)
{
	struct call *call =
		calls->pending_count < CALLS_PENDING_MAX ? calloc(1, sizeof(*call)) : NULL;

	if (call == NULL) {
		send_back(calls, job, ASSAY_R_BUSY);
		return;
	}
	call->calls = calls;
	memcpy(call->account, job->account, sizeof(call->account));
	memcpy(call->nonce, job->nonce, sizeof(call->nonce));
	call->method = job->method;
	call->len = job->len;
	memcpy(call->body, job->body, job->len);
	call->waiter[call->waiters++] = (struct waiter){job, now(calls)};
	TAILQ_INSERT_TAIL(&calls->pending, call, entry);
	calls->pending_count++;
	calls->method[method].method(calls->method[method].ctx, call);
}

static void take(struct calls *calls, struct call_job *job)
{
	struct call *call = find_in(&calls->pending, job);

	if (call == NULL)
		call = find_in(&calls->kept, job);
	if (call != NULL) {
		repeat(call, job);
		return;
	}
	for (unsigned i = 0; i < calls->methods; i++)
		if (calls->method[i].number == job->method) {
			begin(calls, job, i);
			return;
		}
	answer_status(calls, job, CALL_METHOD);
}

static void on_calls(evutil_socket_t fd, short what, void *arg)
{
	struct calls *calls = arg;
	const struct plane *plane = &calls->control->app->plane;
	struct call_job *job;

	while ((job = plane->call_take(plane->ctx)) != NULL)
		take(calls, job);
}

void calls_sweep(struct calls *calls)
{
	uint64_t at = now(calls);
	struct call *call;

	TAILQ_FOREACH(call, &calls->pending, entry)
	{
		unsigned stay = 0;

		for (unsigned i = 0; i < call->waiters; i++)
			if (at - call->waiter[i].since_ns >= WAIT_NS)
				send_back(calls, call->waiter[i].job, ASSAY_R_LATE);
			else
				call->waiter[stay++] = call->waiter[i];
		call->waiters = stay;
	}
	while ((call = TAILQ_FIRST(&calls->kept)) != NULL && at - call->done_ns >= KEEP_NS)
		forget_oldest(calls);
}

bool calls_idle(const struct calls *calls)
{
	return calls->pending_count == 0;
}

int calls_add(struct calls *calls, uint16_t number, call_method method, void *ctx)
{
	for (unsigned i = 0; i < calls->methods; i++)
		if (calls->method[i].number == number)
			return ASSAY_E_EXISTS;
	if (calls->methods == CALLS_METHODS_MAX)
		return ASSAY_E_FULL;
	calls->method[calls->methods].number = number;
	calls->method[calls->methods].method = method;
	calls->method[calls->methods++].ctx = ctx;
	return 0;
}

struct calls *calls_new(struct control *c)
{
	const struct plane *plane = &c->app->plane;
	struct calls *calls = calloc(1, sizeof(*calls));

	if (calls == NULL)
		return NULL;
	calls->control = c;
	TAILQ_INIT(&calls->pending);
	TAILQ_INIT(&calls->kept);
	calls->event = event_new(c->base, plane->calls_fd(plane->ctx), EV_READ | EV_PERSIST,
				 on_calls, calls);
	if (calls->event == NULL || event_add(calls->event, NULL) != 0) {
		calls_free(calls);
		return NULL;
	}
	return calls;
}

static void free_list(struct call_list *list)
{
	struct call *call;

	while ((call = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, call, entry);
		free(call);
	}
}

void calls_free(struct calls *calls)
{
	if (calls == NULL)
		return;
	if (calls->event != NULL)
		event_free(calls->event);
	free_list(&calls->pending);
	free_list(&calls->kept);
	free(calls);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of peers: dispatch, answers now and later, repeats, limits; and receipts without a ledger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "control/calls.h"
#include "control/receipts.h"
#include "control/world.h"

#define METHOD	  77
#define SECOND_NS 1000000000ull

static struct world w;
static struct call *waiting[80];
static unsigned begun;
static bool at_once;

static void method(void *ctx, struct call *call)
{
	size_t len;
	const uint8_t *body = call_body(call, &len);

	assert_ptr_equal(ctx, &w);
	assert_true(begun < 80);
	waiting[begun++] = call;
	if (at_once)
		call_answer(call, CALL_DONE, body, len);
}

static int setup(void **state)
{
	world_open(&w);
	begun = 0;
	at_once = false;
	assert_int_equal(calls_add(w.app.control->calls, METHOD, method, &w), 0);
	return 0;
}

static int teardown(void **state)
{
	world_close(&w);
	return 0;
}

static struct call_job *ask(const char *account, unsigned nonce, uint16_t number, const char *text)
{
	struct call_job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	snprintf(job->account, sizeof(job->account), "%s", account);
	memcpy(job->nonce, &nonce, sizeof(nonce));
	job->method = number;
	job->len = (uint16_t)strlen(text);
	memcpy(job->body, text, job->len);
	job->status = 0xffff;
	world_ask(&w, job);
	world_pump(&w);
	return job;
}

/* The i-th answer so far is to that job. */
static void expect(unsigned i, struct call_job *job, enum assay_reason reason,
		   enum call_status status, const char *text)
{
	assert_true(i < w.called_count);
	assert_ptr_equal(w.called[i], job);
	assert_int_equal(job->reason, reason);
	if (reason == ASSAY_R_NONE) {
		assert_int_equal(job->status, status);
		assert_int_equal(job->answer_len, strlen(text));
		assert_memory_equal(job->answer, text, strlen(text));
	}
	free(job);
}

static void test_at_once(void **state)
{
	struct call_job *job;

	at_once = true;
	job = ask("alice", 1, METHOD, "hello");
	expect(0, job, ASSAY_R_NONE, CALL_DONE, "hello");
	job = ask("alice", 2, METHOD, "");
	expect(1, job, ASSAY_R_NONE, CALL_DONE, "");
	job = ask("alice", 3, 999, "hello");
	expect(2, job, ASSAY_R_NONE, CALL_METHOD, "");
	assert_true(calls_idle(w.app.control->calls));
}

static void test_later(void **state)
{
	struct call_job *a = ask("alice", 1, METHOD, "a"), *b = ask("bob", 1, METHOD, "b");

	assert_int_equal(begun, 2);
	assert_int_equal(w.called_count, 0);
	assert_false(calls_idle(w.app.control->calls));
	assert_string_equal(call_account(waiting[0]), "alice");
	call_answer(waiting[1], CALL_REFUSED, "no", 2);
	call_answer(waiting[0], CALL_DONE, "yes", 3);
	expect(0, b, ASSAY_R_NONE, CALL_REFUSED, "no");
	expect(1, a, ASSAY_R_NONE, CALL_DONE, "yes");
}

/* The same nonce is the same call: done once, answered as often as it is asked. */
static void test_repeats(void **state)
{
	struct call_job *a = ask("alice", 1, METHOD, "a"), *b = ask("alice", 1, METHOD, "a"), *c;

	assert_int_equal(begun, 1);
	call_answer(waiting[0], CALL_DONE, "x", 1);
	expect(0, a, ASSAY_R_NONE, CALL_DONE, "x");
	expect(1, b, ASSAY_R_NONE, CALL_DONE, "x");
	c = ask("alice", 1, METHOD, "a");
	expect(2, c, ASSAY_R_NONE, CALL_DONE, "x");
	assert_int_equal(begun, 1);
	/* ... but not with another question, and not from somebody else. */
	c = ask("alice", 1, METHOD, "b");
	expect(3, c, ASSAY_R_NONE, CALL_BODY, "");
	c = ask("bob", 1, METHOD, "a");
	assert_int_equal(begun, 2);
	/* Own trouble is not kept: the same call tries again. */
	call_answer(waiting[1], CALL_FAILED, "", 0);
	expect(4, c, ASSAY_R_NONE, CALL_FAILED, "");
	c = ask("bob", 1, METHOD, "a");
	assert_int_equal(begun, 3);
	call_answer(waiting[2], CALL_DONE, "z", 1);
	expect(5, c, ASSAY_R_NONE, CALL_DONE, "z");
}

static void test_late(void **state)
{
	struct call_job *a = ask("alice", 1, METHOD, "a");

	world_advance(&w, 20 * SECOND_NS);
	struct call_job *b = ask("alice", 1, METHOD, "a");

	world_advance(&w, 11 * SECOND_NS);
	calls_sweep(w.app.control->calls);
	assert_int_equal(w.called_count, 1);
	expect(0, a, ASSAY_R_LATE, 0, "");
	call_answer(waiting[0], CALL_DONE, "now", 3);
	expect(1, b, ASSAY_R_NONE, CALL_DONE, "now");
	a = ask("alice", 1, METHOD, "a");
	expect(2, a, ASSAY_R_NONE, CALL_DONE, "now");
	/* After five minutes nobody remembers. */
	world_advance(&w, 301 * SECOND_NS);
	calls_sweep(w.app.control->calls);
	a = ask("alice", 1, METHOD, "a");
	assert_int_equal(begun, 2);
	call_answer(waiting[1], CALL_DONE, "", 0);
	expect(3, a, ASSAY_R_NONE, CALL_DONE, "");
}

static void test_limits(void **state)
{
	struct call_job *job[CALLS_PENDING_MAX], *more, *repeat[20];

	for (unsigned i = 0; i < CALLS_PENDING_MAX; i++)
		job[i] = ask("alice", i, METHOD, "a");
	assert_int_equal(begun, CALLS_PENDING_MAX);
	more = ask("alice", 1000, METHOD, "a");
	assert_true(more->wait_ms > 0);
	expect(0, more, ASSAY_R_BUSY, 0, "");
	for (unsigned i = 0; i < 20; i++)
		repeat[i] = ask("alice", 0, METHOD, "a");
	assert_int_equal(w.called_count, 1 + 5); /* 16 may wait for one call */
	for (unsigned i = 0; i < 5; i++)
		expect(1 + i, repeat[15 + i], ASSAY_R_BUSY, 0, "");
	for (unsigned i = 0; i < CALLS_PENDING_MAX; i++)
		call_answer(waiting[i], CALL_DONE, "", 0);
	for (unsigned i = 0; i < 15; i++)
		free(repeat[i]);
	for (unsigned i = 0; i < CALLS_PENDING_MAX; i++)
		free(job[i]);
	/* Answers that are kept are bounded, too: the oldest go first. */
	at_once = true;
	begun = 0;
	for (unsigned i = 0; i < CALLS_KEPT_MAX; i++) {
		begun = w.called_count = 0;
		free(ask("carol", i, METHOD, "a"));
	}
	begun = 0;
	free(ask("carol", CALLS_KEPT_MAX - 1, METHOD, "a"));
	assert_int_equal(begun, 0);
	free(ask("carol", 5000, METHOD, "a"));
	assert_int_equal(begun, 1);
	free(ask("carol", 0, METHOD, "a"));
	assert_int_equal(begun, 2);
}

static void test_methods(void **state)
{
	struct calls *calls = w.app.control->calls;

	assert_int_equal(calls_add(calls, METHOD, method, &w), ASSAY_E_EXISTS);
	assert_int_equal(calls_add(calls, CALL_RECEIPT, method, &w), ASSAY_E_EXISTS);
	for (uint16_t i = 2; i < CALLS_METHODS_MAX; i++)
		assert_int_equal(calls_add(calls, (uint16_t)(1000 + i), method, &w), 0);
	assert_int_equal(calls_add(calls, 5000, method, &w), ASSAY_E_FULL);
}

/* A node that follows no ledger signs nothing, and says so. */
static void test_no_ledger(void **state)
{
	struct call_job *job = ask("alice", 1, CALL_RECEIPT, "short");

	expect(0, job, ASSAY_R_NONE, CALL_BODY, "");
	job = ask("alice", 2, CALL_RECEIPT, "0123456789abcdef0123456789abcdef");
	assert_int_equal(job->status, CALL_REFUSED);
	assert_int_equal(job->answer[0], HOLDER_NO_LEDGER);
	assert_true(job->answer_len > 12);
	free(job);
}

/* Those that wait when control ends are dropped. */
static void test_end_with_calls(void **state)
{
	struct call_job *a = ask("alice", 1, METHOD, "a"), *b = ask("bob", 1, METHOD, "b");

	world_close(&w);
	free(a);
	free(b);
	world_open(&w);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_at_once), T(test_later),	  T(test_repeats),   T(test_late),
		T(test_limits),	 T(test_methods), T(test_no_ledger), T(test_end_with_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

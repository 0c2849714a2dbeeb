/* SPDX-License-Identifier: Apache-2.0 */
#include "control/heal_work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "control/heal_stage.h"

void heal_task_free(struct heal_task *t)
{
	ticket_facts_free(&t->facts);
	free(t->keys[1]);
	free(t->keys[2]);
	free(t->description);
}

static bool is_late(const struct heal_task *t)
{
	return t->order.deadline_ns != 0 && clock_mono(&t->clock) >= t->order.deadline_ns;
}

bool heal_stopped(const struct heal_task *t)
{
	return atomic_load_explicit(&t->cancel, memory_order_relaxed) || is_late(t);
}

bool heal_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct heal_task *t = ctx;

	if (total > 0) {
		atomic_store_explicit(&t->total, total, memory_order_relaxed);
		atomic_store_explicit(&t->done, done, memory_order_relaxed);
	}
	return heal_stopped(t);
}

void heal_finish(struct heal_task *t, enum heal_end end, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->why, sizeof(t->why), format, args);
	va_end(args);
	t->end = end;
	if (end == HEAL_END_DONE)
		return;
	if (atomic_load(&t->cancel)) {
		t->end = HEAL_END_CLOSED;
		snprintf(t->why, sizeof(t->why), "cancelled");
	} else if (is_late(t)) {
		t->end = HEAL_END_LATE;
	}
}

void heal_path(void *ctx, char out[DELIVERY_PATH_ROOM], unsigned class, uint32_t ordinal)
{
	const struct heal_task *t = ctx;
	char name[32];

	if (class == 2) {
		stage_symbol_path(out, DELIVERY_PATH_ROOM, t->root, t->order.op,
				  t->keys[class][ordinal]);
		return;
	}
	snprintf(name, sizeof(name), STAGE_IDS "/idfile_%05u.bin", ordinal);
	stage_path(out, DELIVERY_PATH_ROOM, t->root, t->order.op, name);
}

void heal_stored_one(struct heal_task *t)
{
	if (t->stored_any)
		return;
	t->stored_any = true;
	failpoint(&t->failpoints, FAIL_HEAL_PUBLISH_PARTIAL);
}

static bool is_cancelled(const void *ctx)
{
	return atomic_load(&((const struct heal_task *)ctx)->cancel);
}

void heal_remove(struct heal_task *t)
{
	int error = stage_remove(t->root, t->order.op, is_cancelled, t);

	if (error == 0) {
		failpoint(&t->failpoints, FAIL_HEAL_CLEAN_REMOVED);
		heal_finish(t, HEAL_END_DONE, "%s", "");
	} else {
		heal_finish(t, HEAL_END_OURS, "the staging folder cannot be removed: %s",
			    assay_error_text(error));
	}
}

void heal_task_run(struct heal_task *t)
{
	static void (*const steps[])(struct heal_task * t) = {
		[HEAL_STEP_BUILD] = heal_build, [HEAL_STEP_HASH] = heal_hash,
		[HEAL_STEP_LOOK] = heal_look,	[HEAL_STEP_READ] = heal_read,
		[HEAL_STEP_PUSH] = heal_push,	[HEAL_STEP_REMOVE] = heal_remove,
	};

	t->client.account = t->account;
	t->why[0] = '\0';
	if (t->step == HEAL_STEP_REMOVE || !heal_stopped(t)) {
		steps[t->step](t);
		return;
	}
	heal_finish(t, HEAL_END_LATE, "the deadline came before the work began");
	/* A first step has waited for a thread of ours: nobody else was too slow. */
	if (t->end == HEAL_END_LATE && t->step != HEAL_STEP_PUSH)
		t->end = HEAL_END_OURS;
}

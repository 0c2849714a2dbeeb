/* SPDX-License-Identifier: Apache-2.0 */
#include "base/task.h"

#include <string.h>

#include "assay/status.h"

enum { CHUNK = 1500 /* between looks at the clock */, INLINE_CHUNK = 1000000 };

static bool cancelled(const struct task *t)
{
	return t->cancel != NULL && atomic_load_explicit(t->cancel, memory_order_relaxed);
}

/* True when it is finished. */
static bool run(struct task *t, uint64_t budget)
{
	t->result = cancelled(t) ? ASSAY_E_CLOSED : t->run(t->ctx, budget);
	return t->result != ASSAY_E_AGAIN;
}

bool task_slice(struct task *t, const struct clock *clock, uint64_t budget_ns)
{
	uint64_t end = clock_mono(clock) + budget_ns - budget_ns / 8;

	do {
		if (run(t, CHUNK))
			return true;
	} while (clock_mono(clock) < end);
	return false;
}

static bool inline_submit(void *ctx, struct task *t)
{
	struct task_inline *s = ctx;

	if (s->count == TASK_INLINE_SLOTS)
		return false;
	s->task[(s->first + s->count++) % TASK_INLINE_SLOTS] = t;
	return true;
}

/* A part of the work, so that the caller can look after other things. */
static struct task *inline_take(void *ctx, bool wait)
{
	struct task_inline *s = ctx;
	struct task *t = s->task[s->first];

	if (s->count == 0 || !run(t, INLINE_CHUNK))
		return NULL;
	s->first = (s->first + 1) % TASK_INLINE_SLOTS;
	s->count--;
	return t;
}

struct task_pool task_pool_inline(struct task_inline *state)
{
	memset(state, 0, sizeof(*state));
	return (struct task_pool){
		.submit = inline_submit, .take = inline_take, .workers = 1, .ctx = state};
}

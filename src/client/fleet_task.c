/* SPDX-License-Identifier: Apache-2.0 */
#include "client/fleet.h"

static int pull_start(struct fleet_node *n, struct task *t)
{
	const struct assay_pull *p = &t->pull;
	int error;

	if (p->size == ASSAY_SIZE_UNKNOWN) {
		t->sizing = sizing_start_granted(n->client, p->key, p->grant);
		return t->sizing != NULL ? 0 : ASSAY_E_NOMEM;
	}
	error = reading_start(&t->reading, n->client, p->key, p->size, p->sink, p->arg);
	if (error != 0)
		return error;
	reading_grant(t->reading, p->grant);
	if (p->unchecked)
		reading_unchecked(t->reading);
	return 0;
}

int task_start(struct fleet_node *n, struct task *t)
{
	switch (t->kind) {
	case TASK_PUSH:
		return push_new(&t->push, n->sender, &t->params);
	case TASK_PULL:
		return pull_start(n, t);
	default:
		return calling_start(&t->calling, n->client, &t->question);
	}
}

static int pull_step(struct fleet_node *n, struct task *t)
{
	int error;

	if (t->sizing != NULL) {
		error = sizing_result(t->sizing, &t->pull.size);
		if (error == ASSAY_E_AGAIN)
			return error;
		sizing_end(t->sizing);
		t->sizing = NULL;
		if (error == 0)
			error = pull_start(n, t);
		if (error != 0)
			return error;
	}
	return reading_step(t->reading);
}

int task_step(struct fleet_node *n, struct task *t, uint64_t *due_ns)
{
	*due_ns = UINT64_MAX;
	switch (t->kind) {
	case TASK_PUSH:
		return push_step(t->push, due_ns);
	case TASK_PULL:
		return pull_step(n, t);
	default:
		return calling_result(t->calling, t->reply);
	}
}

void task_stop(struct task *t)
{
	switch (t->kind) {
	case TASK_PUSH:
		push_free(t->push);
		break;
	case TASK_PULL:
		if (t->sizing != NULL)
			sizing_end(t->sizing);
		if (t->reading != NULL)
			reading_end(t->reading);
		break;
	default:
		if (t->calling != NULL)
			calling_end(t->calling);
	}
}

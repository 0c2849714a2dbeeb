/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work: a job is a task of another thread and the connection that wants to hear of it. What a
 * kind of task is, a table of functions says; its thread tells the end by a descriptor, progress is
 * looked at a few times a second. All of it belongs to the control thread.
 */
#ifndef CONTROL_JOBS_H
#define CONTROL_JOBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/rpc.h"

struct app;
struct control;
struct connection;

struct job_kind {
	const char *(*name)(const void *task);
	/* Takes the task over until it is finished. */
	void (*submit)(struct app *app, void *task);
	void (*cancel)(void *task);
	void (*progress)(const void *task, uint64_t *done, uint64_t *total);
	/* Of a finished task: the result, or NULL after rpc_fail. title: of the job, or "". */
	json_t *(*result)(const void *task, const char *title, struct rpc_error *error);
	/* What the log says of a task that went well. */
	void (*log)(const struct app *app, uint64_t job, const void *task);
	void (*free)(void *task);
	/* The thread's side: readable when tasks are finished, and the next of these or NULL. */
	int (*fd)(const struct app *app); /* -1: there is no such thread */
	void *(*take)(struct app *app);
	const char *component; /* in the log */
};
extern const struct job_kind job_store, job_codec, job_ticket;

struct jobs *jobs_new(struct control *c);
void jobs_free(struct jobs *j);
/* Takes the task over; the result of the call, or NULL after rpc_fail (the task is then freed). */
json_t *jobs_start(struct jobs *j, struct connection *owner, const struct job_kind *kind,
		   void *task, const char *title, struct rpc_error *error);
bool jobs_cancel(struct jobs *j, uint64_t id);
/* The connection is gone: its jobs are cancelled. */
void jobs_forget(struct jobs *j, const struct connection *owner);
/* Jobs that only take workers' time are not waited for when the node ends. */
void jobs_drain(struct jobs *j);
unsigned jobs_count(const struct jobs *j, const struct connection *owner);
json_t *jobs_list(const struct jobs *j);

#endif

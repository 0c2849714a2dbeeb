/* SPDX-License-Identifier: Apache-2.0 */
#include "control/jobs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/control.h"
#include "control/socket.h"

#define JOBS_MAX	    64
#define JOBS_PER_CONNECTION 16

static const struct timeval progress_every = {0, 200000};

static const struct job_kind *const kinds[] = {&job_store, &job_codec, &job_ticket};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct job {
	LIST_ENTRY(job) entry;
	uint64_t id;
	struct connection *owner; /* NULL when it went away */
	const struct job_kind *kind;
	void *task;
	uint64_t told; /* done, when it was last reported */
	char title[256];
};

struct end { /* the event of a kind's thread */
	struct jobs *jobs;
	const struct job_kind *kind;
	struct event *event;
};

struct jobs {
	struct control *control;
	uint64_t last_id;
	unsigned count;
	LIST_HEAD(, job) list;
	struct end end[KINDS];
	struct event *progress;
};

static void end_job(struct jobs *j, struct job *job)
{
	const struct app *app = j->control->app;
	struct rpc_error error = {0};
	json_t *result = job->kind->result(job->task, job->title, &error), *params;
	bool ok = result != NULL;

	if (ok)
		job->kind->log(app, job->id, job->task);
	else
		log_warning(&app->log, job->kind->component, error.message, "job=%lu kind=%s",
			    job->id, job->kind->name(job->task));
	params = json_pack("{s:I,s:b,s:o}", "job", (json_int_t)job->id, "ok", (int)ok,
			   ok ? "result" : "error", ok ? result : rpc_error_object(&error));
	if (job->owner != NULL)
		connection_send(job->owner, rpc_event("job.done", params), false);
	else
		json_decref(params);
	LIST_REMOVE(job, entry);
	j->count--;
	job->kind->free(job->task);
	free(job);
}

static struct job *job_of(struct jobs *j, const void *task)
{
	struct job *job;

	LIST_FOREACH (job, &j->list, entry)
		if (job->task == task)
			return job;
	return NULL;
}

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct end *end = arg;
	struct jobs *j = end->jobs;
	uint64_t count;
	void *task;

	(void)!read(fd, &count, sizeof(count));
	while ((task = end->kind->take(j->control->app)) != NULL) {
		struct job *job = job_of(j, task);

		must(job != NULL);
		end_job(j, job);
	}
	if (j->count == 0)
		event_del(j->progress);
}

static void on_progress(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *j = arg;
	struct job *job;

	LIST_FOREACH (job, &j->list, entry) {
		uint64_t done, total;

		job->kind->progress(job->task, &done, &total);
		if (job->owner == NULL || done == job->told)
			continue;
		job->told = done;
		connection_send(
			job->owner,
			rpc_event("job.progress",
				  json_pack("{s:I,s:I,s:I}", "job", (json_int_t)job->id, "done",
					    (json_int_t)done, "total", (json_int_t)total)),
			true);
	}
}

static bool listen_to(struct jobs *j, struct end *end, const struct job_kind *kind)
{
	int fd = kind->fd(j->control->app);

	*end = (struct end){j, kind, NULL};
	if (fd < 0)
		return true;
	end->event = event_new(j->control->base, fd, EV_READ | EV_PERSIST, on_finished, end);
	return end->event != NULL && event_add(end->event, NULL) == 0;
}

struct jobs *jobs_new(struct control *c)
{
	struct jobs *j = calloc(1, sizeof(*j));
	bool good;

	if (j == NULL)
		return NULL;
	j->control = c;
	LIST_INIT(&j->list);
	j->progress = event_new(c->base, -1, EV_PERSIST, on_progress, j);
	good = j->progress != NULL;
	for (unsigned i = 0; good && i < KINDS; i++)
		good = listen_to(j, &j->end[i], kinds[i]);
	if (good)
		return j;
	jobs_free(j);
	return NULL;
}

/* The tasks are their threads'; these free them when they stop. */
void jobs_free(struct jobs *j)
{
	struct job *job;

	if (j == NULL)
		return;
	while ((job = LIST_FIRST(&j->list)) != NULL) {
		job->kind->cancel(job->task);
		LIST_REMOVE(job, entry);
		free(job);
	}
	for (unsigned i = 0; i < KINDS; i++)
		if (j->end[i].event != NULL)
			event_free(j->end[i].event);
	if (j->progress != NULL)
		event_free(j->progress);
	free(j);
}

json_t *jobs_start(struct jobs *j, struct connection *owner, const struct job_kind *kind,
		   void *task, const char *title, struct rpc_error *error)
{
	bool full = j->count >= JOBS_MAX || jobs_count(j, owner) >= JOBS_PER_CONNECTION;
	struct job *job = full ? NULL : calloc(1, sizeof(*job));

	if (job == NULL) {
		kind->free(task);
		return rpc_fail(error, full ? ASSAY_E_BUSY : ASSAY_E_NOMEM, NULL,
				"wait until some are done; assayctl job list shows them",
				full ? "too many jobs wait already" : "out of memory");
	}
	job->id = ++j->last_id;
	job->owner = owner;
	job->kind = kind;
	job->task = task;
	snprintf(job->title, sizeof(job->title), "%s", title != NULL ? title : "");
	LIST_INSERT_HEAD(&j->list, job, entry);
	if (j->count++ == 0)
		event_add(j->progress, &progress_every);
	kind->submit(j->control->app, task);
	return json_pack("{s:I}", "job", (json_int_t)job->id);
}

bool jobs_cancel(struct jobs *j, uint64_t id)
{
	struct job *job;

	LIST_FOREACH (job, &j->list, entry)
		if (job->id == id) {
			job->kind->cancel(job->task);
			return true;
		}
	return false;
}

void jobs_forget(struct jobs *j, const struct connection *owner)
{
	struct job *job;

	LIST_FOREACH (job, &j->list, entry)
		if (job->owner == owner) {
			job->owner = NULL;
			job->kind->cancel(job->task);
		}
}

void jobs_drain(struct jobs *j)
{
	struct job *job;

	LIST_FOREACH (job, &j->list, entry)
		if (job->kind != &job_store)
			job->kind->cancel(job->task);
}

unsigned jobs_count(const struct jobs *j, const struct connection *owner)
{
	const struct job *job;
	unsigned n = 0;

	if (owner == NULL)
		return j->count;
	LIST_FOREACH (job, &j->list, entry)
		n += job->owner == owner;
	return n;
}

json_t *jobs_list(const struct jobs *j)
{
	const struct job *job;
	json_t *list = json_array();

	LIST_FOREACH (job, &j->list, entry) {
		uint64_t done, total;

		job->kind->progress(job->task, &done, &total);
		json_array_append_new(
			list, json_pack("{s:I,s:s,s:s,s:I,s:I}", "job", (json_int_t)job->id, "kind",
					job->kind->name(job->task), "name", job->title, "done",
					(json_int_t)done, "total", (json_int_t)total));
	}
	return list;
}

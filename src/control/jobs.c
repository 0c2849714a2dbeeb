/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work: a job is a task of the store thread and the connection that wants to hear of it. The
 * thread's results come by its eventfd, progress is looked at a few times a second.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "control/control.h"
#include "control/socket.h"

#define JOBS_MAX	    64
#define JOBS_PER_CONNECTION 16

static const struct timeval progress_every = {0, 200000};
static const char *const kind_names[] = {"put", "get", "verify", "remove", "scrub"};

struct job {
	LIST_ENTRY(job) entry;
	uint64_t id;
	struct connection *owner; /* NULL when it went away */
	struct store_task *task;
	uint64_t told; /* done, when it was last reported */
	char name[256];
};

struct jobs {
	struct control *control;
	uint64_t last_id;
	unsigned count;
	LIST_HEAD(, job) list;
	struct event *finished, *progress;
};

static json_t *key_json(const uint8_t key[32])
{
	char hex[65];

	hex_encode(hex, key, 32);
	return json_string(hex);
}

static json_t *result_json(const struct job *job)
{
	const struct store_task *t = job->task;

	if (t->kind == STORE_SCRUB)
		return json_pack("{s:I,s:I}", "checked", (json_int_t)t->checked, "rot",
				 (json_int_t)t->rotten);
	if (t->kind == STORE_REMOVE)
		return json_pack("{s:o}", "key", key_json(t->key));
	if (t->kind == STORE_PUT)
		return json_pack("{s:o,s:I,s:b}", "key", key_json(t->key), "size",
				 (json_int_t)t->size, "existed", t->result == ASSAY_E_EXISTS);
	return json_pack("{s:o,s:I}", "key", key_json(t->key), "size",
			 (json_int_t)atomic_load(&t->total));
}

static void fail_put(struct rpc_error *error, const struct job *job)
{
	const struct store_task *t = job->task;
	const char *name = job->name[0] != 0 ? job->name : "the file";

	if (t->fd_errno != 0)
		rpc_fail(error, t->result, NULL, NULL, "cannot read %s: %s", name,
			 strerror(t->fd_errno));
	else if (t->result == ASSAY_E_NOSPC)
		rpc_fail(error, t->result, NULL,
			 "make room on the node's disk, or lower store.reserve_mib",
			 "no space on the node to store %s", name);
	else if (t->result == ASSAY_E_CHANGED)
		rpc_fail(error, t->result, NULL, "store it again when nobody writes to it",
			 "%s changed while it was read", name);
	else
		rpc_fail(error, t->result, NULL, NULL, "cannot store %s: %s", name,
			 assay_error_text(t->result));
}

static void fail_job(struct rpc_error *error, const struct job *job)
{
	const struct store_task *t = job->task;
	const char *kind = kind_names[t->kind];

	if (t->result == ASSAY_E_CLOSED)
		rpc_fail(error, t->result, NULL, NULL, "%s was cancelled", kind);
	else if (t->kind == STORE_PUT)
		fail_put(error, job);
	else if (t->fd_errno != 0)
		rpc_fail(error, t->result, NULL, NULL, "cannot write the output: %s",
			 strerror(t->fd_errno));
	else if (t->result == ASSAY_E_NOTFOUND)
		rpc_fail(error, t->result, "key", "assayctl artifact list shows what is stored",
			 "no such artifact is stored here");
	else if (t->result == ASSAY_E_CORRUPT)
		rpc_fail(error, t->result, "key", "store a good copy again: assayctl artifact put",
			 "the stored bytes do not match the key any more (rot); they are not "
			 "served");
	else if (t->result == ASSAY_E_BUSY && t->kind == STORE_SCRUB)
		rpc_fail(error, t->result, NULL, "assayctl job list shows it",
			 "a scrub is running already");
	else
		rpc_fail(error, t->result, NULL, NULL, "%s failed: %s", kind,
			 assay_error_text(t->result));
}

static void free_task(struct store_task *task)
{
	if (task->fd >= 0)
		close(task->fd);
	free(task);
}

static void log_job(struct jobs *j, const struct job *job, const struct rpc_error *error)
{
	const struct log *log = &j->control->app->log;
	char key[65];

	hex_encode(key, job->task->key, 32);
	if (error->code != 0)
		log_warning(log, "store", error->message, "job=%lu kind=%s", job->id,
			    kind_names[job->task->kind]);
	else if (job->task->kind == STORE_SCRUB)
		log_info(log, "store", "scrub done", "job=%lu checked=%lu rot=%lu", job->id,
			 job->task->checked, job->task->rotten);
	else
		log_info(log, "store", kind_names[job->task->kind], "job=%lu key=%s", job->id, key);
}

static void end_job(struct jobs *j, struct job *job)
{
	struct rpc_error error = {0};
	bool ok = job->task->result == 0 ||
		  (job->task->kind == STORE_PUT && job->task->result == ASSAY_E_EXISTS);
	json_t *params;

	if (!ok)
		fail_job(&error, job);
	log_job(j, job, &error);
	params = json_pack("{s:I,s:b,s:o}", "job", (json_int_t)job->id, "ok", (int)ok,
			   ok ? "result" : "error",
			   ok ? result_json(job) : rpc_error_object(&error));
	if (job->owner != NULL)
		connection_send(job->owner, rpc_event("job.done", params), false);
	else
		json_decref(params);
	LIST_REMOVE(job, entry);
	j->count--;
	free_task(job->task);
	free(job);
}

static struct job *job_of(struct jobs *j, const struct store_task *task)
{
	struct job *job;

	LIST_FOREACH (job, &j->list, entry)
		if (job->task == task)
			return job;
	return NULL;
}

static void on_finished(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *j = arg;
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
	for (struct store_task *t;
	     (t = store_thread_take(j->control->app->store_thread)) != NULL;) {
		struct job *job = job_of(j, t);

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
		uint64_t done = atomic_load(&job->task->done);

		if (job->owner == NULL || done == job->told)
			continue;
		job->told = done;
		connection_send(job->owner,
				rpc_event("job.progress",
					  json_pack("{s:I,s:I,s:I}", "job", (json_int_t)job->id,
						    "done", (json_int_t)done, "total",
						    (json_int_t)atomic_load(&job->task->total))),
				true);
	}
}

struct jobs *jobs_new(struct control *c)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->control = c;
	LIST_INIT(&j->list);
	j->progress = event_new(c->base, -1, EV_PERSIST, on_progress, j);
	if (c->app->store_thread != NULL)
		j->finished = event_new(c->base, store_thread_fd(c->app->store_thread),
					EV_READ | EV_PERSIST, on_finished, j);
	if (j->progress == NULL || (c->app->store_thread != NULL && j->finished == NULL)) {
		jobs_free(j);
		return NULL;
	}
	if (j->finished != NULL)
		event_add(j->finished, NULL);
	return j;
}

/* The tasks are the store thread's; it frees them when it stops. */
void jobs_free(struct jobs *j)
{
	struct job *job;

	if (j == NULL)
		return;
	while ((job = LIST_FIRST(&j->list)) != NULL) {
		atomic_store(&job->task->cancel, true);
		LIST_REMOVE(job, entry);
		free(job);
	}
	if (j->finished != NULL)
		event_free(j->finished);
	if (j->progress != NULL)
		event_free(j->progress);
	free(j);
}

json_t *jobs_start(struct jobs *j, struct connection *owner, struct store_task *task,
		   const char *name, struct rpc_error *error)
{
	bool full = j->count >= JOBS_MAX || jobs_count(j, owner) >= JOBS_PER_CONNECTION;
	struct job *job = full ? NULL : calloc(1, sizeof(*job));

	if (job == NULL) {
		free_task(task);
		return rpc_fail(error, full ? ASSAY_E_BUSY : ASSAY_E_NOMEM, NULL,
				"wait until some are done; assayctl job list shows them",
				full ? "too many jobs wait already" : "out of memory");
	}
	job->id = ++j->last_id;
	job->owner = owner;
	job->task = task;
	snprintf(job->name, sizeof(job->name), "%s", name != NULL ? name : "");
	LIST_INSERT_HEAD(&j->list, job, entry);
	if (j->count++ == 0)
		event_add(j->progress, &progress_every);
	store_thread_submit(j->control->app->store_thread, task);
	return json_pack("{s:I}", "job", (json_int_t)job->id);
}

bool jobs_cancel(struct jobs *j, uint64_t id)
{
	struct job *job;

	LIST_FOREACH (job, &j->list, entry)
		if (job->id == id) {
			atomic_store(&job->task->cancel, true);
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
			atomic_store(&job->task->cancel, true);
		}
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

	LIST_FOREACH (job, &j->list, entry)
		json_array_append_new(
			list, json_pack("{s:I,s:s,s:s,s:I,s:I}", "job", (json_int_t)job->id, "kind",
					kind_names[job->task->kind], "name", job->name, "done",
					(json_int_t)atomic_load(&job->task->done), "total",
					(json_int_t)atomic_load(&job->task->total)));
	return list;
}

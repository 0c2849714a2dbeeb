/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of the store thread. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/control.h"

static const char *const kind_names[] = {"put", "get", "verify", "remove", "scrub"};

static json_t *key_json(const uint8_t key[32])
{
	char hex[65];

	hex_encode(hex, key, 32);
	return json_string(hex);
}

static json_t *result_json(const struct store_task *t)
{
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

static json_t *fail_put(struct rpc_error *error, const struct store_task *t, const char *name)
{
	name = name[0] != 0 ? name : "the file";
	if (t->fd_errno != 0)
		return rpc_fail(error, t->result, NULL, NULL, "cannot read %s: %s", name,
				strerror(t->fd_errno));
	if (t->result == ASSAY_E_NOSPC)
		return rpc_fail(error, t->result, NULL,
				"make room on the node's disk, or lower store.reserve_mib",
				"no space on the node to store %s", name);
	if (t->result == ASSAY_E_CHANGED)
		return rpc_fail(error, t->result, NULL, "store it again when nobody writes to it",
				"%s changed while it was read", name);
	return rpc_fail(error, t->result, NULL, NULL, "cannot store %s: %s", name,
			assay_error_text(t->result));
}

static json_t *fail_job(struct rpc_error *error, const struct store_task *t, const char *title)
{
	const char *kind = kind_names[t->kind];

	if (t->result == ASSAY_E_CLOSED)
		return rpc_fail(error, t->result, NULL, NULL, "%s was cancelled", kind);
	if (t->kind == STORE_PUT)
		return fail_put(error, t, title);
	if (t->fd_errno != 0)
		return rpc_fail(error, t->result, NULL, NULL, "cannot write the output: %s",
				strerror(t->fd_errno));
	if (t->result == ASSAY_E_NOTFOUND)
		return rpc_fail(error, t->result, "key",
				"assayctl artifact list shows what is stored",
				"no such artifact is stored here");
	if (t->result == ASSAY_E_CORRUPT)
		return rpc_fail(error, t->result, "key",
				"store a good copy again: assayctl artifact put",
				"the stored bytes do not match the key any more (rot); they are "
				"not served");
	if (t->result == ASSAY_E_BUSY && t->kind == STORE_SCRUB)
		return rpc_fail(error, t->result, NULL, "assayctl job list shows it",
				"a scrub is running already");
	return rpc_fail(error, t->result, NULL, NULL, "%s failed: %s", kind,
			assay_error_text(t->result));
}

static json_t *result(const void *task, const char *title, struct rpc_error *error)
{
	const struct store_task *t = task;

	if (t->result == 0 || (t->kind == STORE_PUT && t->result == ASSAY_E_EXISTS))
		return result_json(t);
	return fail_job(error, t, title);
}

static const char *name(const void *task)
{
	const struct store_task *t = task;

	return kind_names[t->kind];
}

static void submit(struct app *app, void *task)
{
	store_thread_submit(app->store_thread, task);
}

static void cancel(void *task)
{
	struct store_task *t = task;

	atomic_store(&t->cancel, true);
}

static void progress(const void *task, uint64_t *done, uint64_t *total)
{
	const struct store_task *t = task;

	*done = atomic_load(&t->done);
	*total = atomic_load(&t->total);
}

static void log_end(const struct app *app, uint64_t job, const void *task)
{
	const struct store_task *t = task;
	char key[65];

	hex_encode(key, t->key, 32);
	if (t->kind == STORE_SCRUB)
		log_info(&app->log, "store", "scrub done", "job=%lu checked=%lu rot=%lu", job,
			 t->checked, t->rotten);
	else
		log_info(&app->log, "store", kind_names[t->kind], "job=%lu key=%s", job, key);
}

static void free_task(void *task)
{
	struct store_task *t = task;

	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static int fd(const struct app *app)
{
	return app->store_thread != NULL ? store_thread_fd(app->store_thread) : -1;
}

static void *take(struct app *app)
{
	struct store_task *task;

	while ((task = store_thread_take(app->store_thread)) != NULL && task->kind == STORE_ERRAND)
		task->finished(task);
	return task;
}

const struct job_kind job_store = {
	.name = name,
	.submit = submit,
	.cancel = cancel,
	.progress = progress,
	.result = result,
	.log = log_end,
	.free = free_task,
	.fd = fd,
	.take = take,
	.component = "store",
};

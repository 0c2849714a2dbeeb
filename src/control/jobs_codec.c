/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of the codec thread, and the methods that start them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/status.h"
#include "codec/layout.h"
#include "control/codec_thread.h"
#include "control/methods.h"

static_assert(RPC_RATIO_MAX == LAYOUT_RATIO_MAX, "one limit");

static const char *const kind_names[] = {"encode", "decode", "heal"};

static const char *name(const void *task)
{
	const struct codec_task *t = task;

	return kind_names[t->kind];
}

static void submit(struct app *app, void *task)
{
	codec_thread_submit(app->codec_thread, task);
}

static void cancel(void *task)
{
	struct codec_task *t = task;

	atomic_store(&t->cancel, true);
}

static void progress(const void *task, uint64_t *done, uint64_t *total)
{
	const struct codec_task *t = task;

	*done = atomic_load(&t->done);
	*total = atomic_load(&t->total);
}

static json_t *result(const void *task, const char *title, struct rpc_error *error)
{
	const struct codec_task *t = task;
	json_t *list;

	if (t->result == ASSAY_E_CLOSED)
		return rpc_fail(error, t->result, NULL, NULL, "%s was cancelled",
				kind_names[t->kind]);
	if (t->result != 0)
		return rpc_fail(error, t->result, NULL,
				t->result == ASSAY_E_PERM
					? "let the daemon's user write to the folder, or leave "
					  "the daemon out"
					: NULL,
				"%s%s%s", title, title[0] != 0 ? ": " : "", t->message);
	list = json_array();
	for (unsigned i = 0; i < t->skipped_count && i < CODEC_SKIPPED_MAX; i++)
		json_array_append_new(list, json_pack("{s:s+,s:s}", "name", t->skipped[i].name, "",
						      "why", t->skipped[i].why));
	return json_pack("{s:o,s:i}", "skipped", list, "skipped_count", (int)t->skipped_count);
}

static void log_end(const struct app *app, uint64_t job, const void *task)
{
	const struct codec_task *t = task;

	log_info(&app->log, "codec", kind_names[t->kind], "job=%lu skipped=%u", job,
		 t->skipped_count);
}

static void free_task(void *task)
{
	codec_task_free(task);
}

static int fd(const struct app *app)
{
	return app->codec_thread != NULL ? codec_thread_fd(app->codec_thread) : -1;
}

static void *take(struct app *app)
{
	return codec_thread_take(app->codec_thread);
}

const struct job_kind job_codec = {
	.name = name,
	.submit = submit,
	.cancel = cancel,
	.progress = progress,
	.result = result,
	.log = log_end,
	.free = free_task,
	.fd = fd,
	.take = take,
	.component = "codec",
};

/* --- methods -------------------------------------------------------------------------------- */

/* A regular file, for reading, or empty and for both. */
static const char *file_wrong(int file, bool writing)
{
	int mode = fcntl(file, F_GETFL) & O_ACCMODE;
	struct stat st;

	if (fstat(file, &st) != 0 || !S_ISREG(st.st_mode))
		return "the first descriptor is not a regular file";
	if (writing && (mode != O_RDWR || st.st_size != 0))
		return "the first descriptor is not an empty file open for reading and writing";
	if (!writing && mode == O_WRONLY)
		return "the first descriptor is not open for reading";
	return NULL;
}

/* The daemon may be root: what it reads and writes there must be the caller's own. */
static const char *folder_wrong(int folder, long uid)
{
	struct stat st;

	if (fstat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
		return "the second descriptor is not a folder";
	if (uid != 0 && st.st_uid != (uid_t)uid)
		return "the folder belongs to somebody else";
	return NULL;
}

static json_t *start(struct rpc_context *ctx, enum codec_kind kind, json_t *params,
		     struct rpc_error *error)
{
	const char *wrong = file_wrong(ctx->fd, kind != CODEC_ENCODE);
	uint64_t ratio = rpc_number(params, "ratio", LAYOUT_RATIO);
	struct codec_task *task;

	if (wrong == NULL)
		wrong = folder_wrong(ctx->folder, ctx->uid);
	if (wrong != NULL)
		return rpc_fail(error, ASSAY_E_INVAL, NULL, NULL, "%s", wrong);
	if (ratio == 0)
		return rpc_fail(error, RPC_E_PARAMS, "ratio", NULL, "the ratio is 1 to %d",
				LAYOUT_RATIO_MAX);
	task = calloc(1, sizeof(*task));
	if (task == NULL)
		return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
	task->kind = kind;
	task->file = ctx->fd;
	task->folder = ctx->folder;
	ctx->fd = ctx->folder = -1;
	task->ratio = (uint32_t)ratio;
	task->give = geteuid() == 0;
	task->owner = (uid_t)ctx->uid;
	return jobs_start(ctx->control->jobs, ctx->connection, &job_codec, task,
			  rpc_text(params, "name"), error);
}

METHOD(method_codec_encode)
{
	return start(ctx, CODEC_ENCODE, params, error);
}

METHOD(method_codec_decode)
{
	return start(ctx, CODEC_DECODE, params, error);
}

METHOD(method_codec_heal)
{
	return start(ctx, CODEC_HEAL, params, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts. Whatever reads or writes bytes is a job of the store thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/text.h"
#include "control/methods.h"

#define PAGE_MAX 1000

static json_t *start(struct rpc_context *ctx, enum store_kind kind, int fd, uint64_t size,
		     json_t *params, struct rpc_error *error)
{
	struct store_task *task = calloc(1, sizeof(*task));

	if (task == NULL) {
		if (fd >= 0)
			close(fd);
		return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
	}
	task->kind = kind;
	task->fd = fd;
	task->size = size;
	atomic_init(&task->total, size);
	rpc_key(task->key, params, "key");
	return jobs_start(ctx->control->jobs, ctx->connection, &job_store, task,
			  rpc_text(params, "name"), error);
}

/*
 * A descriptor fit for a job: a regular file, so that no pipe or terminal can hold the store thread
 * up, open for what is wanted. Taken out of the context, from its start on; -1 after rpc_fail.
 */
static int take_file(struct rpc_context *ctx, bool writing, uint64_t *size, struct rpc_error *error)
{
	int fd = ctx->fd, mode = fcntl(fd, F_GETFL) & O_ACCMODE;
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		rpc_fail(error, ASSAY_E_INVAL, NULL, "copy it to a file first",
			 "the descriptor is not a regular file");
		return -1;
	}
	if (mode != O_RDWR && mode != (writing ? O_WRONLY : O_RDONLY)) {
		rpc_fail(error, ASSAY_E_INVAL, NULL, NULL, "the descriptor is not open for %s",
			 writing ? "writing" : "reading");
		return -1;
	}
	if (lseek(fd, 0, SEEK_SET) != 0) {
		rpc_fail(error, ASSAY_E_IO, NULL, NULL, "the descriptor cannot seek: %s",
			 strerror(errno));
		return -1;
	}
	*size = (uint64_t)st.st_size;
	ctx->fd = -1;
	return fd;
}

METHOD(method_artifact_put)
{
	uint64_t size;
	int fd = take_file(ctx, false, &size, error);

	if (fd < 0)
		return NULL;
	return start(ctx, STORE_PUT, fd, size, params, error);
}

METHOD(method_artifact_get)
{
	uint64_t size;
	int fd = take_file(ctx, true, &size, error);

	if (fd < 0)
		return NULL;
	return start(ctx, STORE_GET, fd, 0, params, error);
}

METHOD(method_artifact_verify)
{
	return start(ctx, STORE_VERIFY, -1, 0, params, error);
}

METHOD(method_artifact_remove)
{
	return start(ctx, STORE_REMOVE, -1, 0, params, error);
}

METHOD(method_artifact_scrub)
{
	return start(ctx, STORE_SCRUB, -1, 0, params, error);
}

static json_t *time_json(uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000u);
	char text[32];
	struct tm tm;

	if (wall_ns == 0)
		return json_null();
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *info_json(const struct artifact_info *info)
{
	static const char *const states[] = {"stored", "private", "rot"};
	static const char *const origins[] = {"operator", "pushed", "ticket"};
	char key[65];

	hex_encode(key, info->key, 32);
	return json_pack("{s:s,s:I,s:s,s:s,s:b,s:o}", "key", key, "size", (json_int_t)info->size,
			 "state", states[info->state], "origin", origins[info->origin], "resident",
			 (int)info->resident, "checked", time_json(info->checked_wall_ns));
}

METHOD(method_artifact_list)
{
	unsigned limit = (unsigned)rpc_number(params, "limit", PAGE_MAX), n;
	struct artifact_info *page = calloc(limit + 1u, sizeof(*page));
	uint8_t after[32];
	bool have_after = rpc_key(after, params, "after");
	json_t *list;

	if (page == NULL)
		return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
	list = json_array();
	n = store_list(ctx->control->app->store, have_after ? after : NULL, page, limit + 1);
	for (unsigned i = 0; i < n && i < limit; i++)
		json_array_append_new(list, info_json(&page[i]));
	free(page);
	return json_pack("{s:o,s:b}", "artifacts", list, "more", (int)(n > limit));
}

METHOD(method_artifact_stat)
{
	struct artifact_info info;
	uint8_t key[32];

	rpc_key(key, params, "key");
	if (store_stat(ctx->control->app->store, key, &info) != 0)
		return rpc_fail(error, ASSAY_E_NOTFOUND, "key",
				"assayctl artifact list shows what is stored",
				"no such artifact is stored here");
	return info_json(&info);
}

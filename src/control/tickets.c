/* SPDX-License-Identifier: Apache-2.0 */
#include "control/tickets.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/folder.h"
#include "base/must.h"
#include "control/tickets_impl.h"

struct ticket_job *ticket_job_new(struct tickets *t, enum ticket_kind kind)
{
	struct app *app = t->control->app;
	struct ticket_job *j = calloc(1, sizeof(*j));
	struct ticket_work *w;

	if (j == NULL)
		return NULL;
	w = &j->work;
	j->tickets = t;
	j->kind = kind;
	w->file = -1;
	w->creator = &app->self.identity;
	w->random = &app->random;
	w->clock = &app->clock;
	w->phase = PHASE_NONE;
	w->own = network_own(app);
	memcpy(w->client.session_secret, app->self.session_secret, 32);
	memcpy(w->client.network_id, app->self.network_id, 32);
	snprintf(w->account, sizeof(w->account), "%s", app->self.account);
	if (kind == TICKET_PUT || kind == TICKET_GET)
		snprintf(w->folder, sizeof(w->folder), "%s/staging/%lu", app->config.state_dir,
			 ++t->folders);
	LIST_INSERT_HEAD(&t->list, j, entry);
	return j;
}

void ticket_job_free(struct ticket_job *j)
{
	if (j->tickets != NULL) {
		network_forget(j->tickets->control->app->network, j);
		LIST_REMOVE(j, entry);
	}
	wipe(j->work.client.session_secret, 32);
	if (j->work.folder[0] != '\0')
		staging_remove(j->work.folder);
	if (j->work.file >= 0)
		close(j->work.file);
	ticket_work_clear(&j->work);
	texts_free(&j->skip);
	json_decref(j->data);
	free(j);
}

void ticket_job_end(struct ticket_job *j, int result, const char *format, ...)
{
	struct tickets *t = j->tickets;
	uint64_t one = 1;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(j->message, text, sizeof(text));
	ticket_phase(&j->work, PHASE_NONE);
	j->result = result;
	j->next_done = t->done;
	t->done = j;
	must(write(t->done_fd, &one, sizeof(one)) == sizeof(one));
}

/* Steps that came back from the thread. */
static void on_work(evutil_socket_t fd, short what, void *arg)
{
	struct tickets *t = arg;
	struct ticket_work *w;
	uint64_t count;

	while (read((int)fd, &count, sizeof(count)) == sizeof(count))
		;
	while ((w = ticket_thread_take(t->thread)) != NULL) {
		struct ticket_job *j = (struct ticket_job *)w;

		if (w->result == ASSAY_E_CLOSED || atomic_load(&w->cancel))
			ticket_job_end(j, ASSAY_E_CLOSED, "cancelled");
		else if (w->result != 0)
			ticket_job_end(j, w->result, "%s",
				       w->message[0] != '\0' ? w->message
							     : assay_error_text(w->result));
		else if (j->kind == TICKET_PUT)
			put_continue(j);
		else
			ticket_job_end(j, 0, "%s", "");
	}
}

/* What was being put or got when an earlier run ended. */
static void sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[600];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		staging_remove(path);
	}
	if (dir != NULL)
		closedir(dir);
}

struct tickets *tickets_new(struct control *c)
{
	struct tickets *t = calloc(1, sizeof(*t));
	char folder[300];

	if (t == NULL)
		return NULL;
	t->control = c;
	t->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	snprintf(folder, sizeof(folder), "%s/staging", c->app->config.state_dir);
	if (folder_make_spread(folder, 0700) == 0)
		sweep(folder);
	if (t->done_fd < 0 || ticket_thread_start(&t->thread, &c->app->plane.codec) != 0) {
		free(t);
		return NULL;
	}
	t->from_thread =
		event_new(c->base, ticket_thread_fd(t->thread), EV_READ | EV_PERSIST, on_work, t);
	if (t->from_thread != NULL)
		event_add(t->from_thread, NULL);
	return t;
}

void tickets_free(struct tickets *t)
{
	struct ticket_job *j;

	if (t == NULL)
		return;
	ticket_thread_stop(t->thread);
	if (t->from_thread != NULL)
		event_free(t->from_thread);
	while ((j = LIST_FIRST(&t->list)) != NULL) {
		bool out = j->storing_out; /* the store thread frees it */

		if (!out) {
			ticket_job_free(j);
			continue;
		}
		network_forget(t->control->app->network, j);
		LIST_REMOVE(j, entry);
		j->tickets = NULL;
	}
	close(t->done_fd);
	free(t);
}

/* --- as a job --- */

static const char *name(const void *task)
{
	static const char *const names[] = {"put", "get", "close", "rebalance"};

	return names[((const struct ticket_job *)task)->kind];
}

static void submit(struct app *app, void *task)
{
	static const char *const types[] = {"", "", "ticket_close", "rehome"};
	struct ticket_job *j = task;

	ticket_phase(&j->work, j->kind == TICKET_PUT   ? PHASE_ENCODE
			       : j->kind == TICKET_GET ? PHASE_FETCH
						       : PHASE_RECORD);
	if (j->kind == TICKET_PUT || j->kind == TICKET_GET)
		ticket_thread_submit(j->tickets->thread, &j->work);
	else
		entry_send(j, ENTRY_TICKET, types[j->kind], json_pack("{s:s}", "ticket", j->ticket),
			   CORE_FRESH);
}

static void cancel(void *task)
{
	struct ticket_job *j = task;

	atomic_store(&j->work.cancel, true);
	if (!j->recording)
		return;
	/* The entry stays in the outbox: whether it is recorded, the ledger will tell. */
	j->recording = false;
	network_forget(j->tickets->control->app->network, j);
	ticket_job_end(j, ASSAY_E_CLOSED, "cancelled while its entry was on its way");
}

static void progress(const void *task, uint64_t *done, uint64_t *total)
{
	const struct ticket_job *j = task;

	*done = atomic_load(&j->work.done);
	*total = atomic_load(&j->work.total);
}

static json_t *took_json(const struct ticket_work *w)
{
	json_t *out = json_object();

	for (unsigned i = 0; i < PHASE_NONE; i++)
		if (w->took_ns[i] > 0)
			json_object_set_new(out, ticket_phase_names[i],
					    json_integer((json_int_t)(w->took_ns[i] / NS_PER_MS)));
	return out;
}

static json_t *result(const void *task, const char *title, struct rpc_error *error)
{
	const struct ticket_job *j = task;

	if (j->result != 0)
		return rpc_fail(error, j->result, NULL, NULL, "%s%s%s", title,
				title[0] != 0 ? ": " : "", j->message);
	return json_pack("{s:s,s:I,s:o,s:b}", "ticket", j->ticket, "size",
			 (json_int_t)j->work.facts.size, "took_ms", took_json(&j->work), "existed",
			 (int)j->existed);
}

static void log_end(const struct app *app, uint64_t id, const void *task)
{
	const struct ticket_job *j = task;

	log_info(&app->log, "tickets", name(task), "job=%lu ticket=%s", id, j->ticket);
}

static void free_task(void *task)
{
	ticket_job_free(task);
}

static int fd(const struct app *app)
{
	return app->tickets != NULL ? app->tickets->done_fd : -1;
}

static void *take(struct app *app)
{
	struct tickets *t = app->tickets;
	struct ticket_job *j = t->done;

	if (j != NULL)
		t->done = j->next_done;
	return j;
}

const struct job_kind job_ticket = {
	.name = name,
	.submit = submit,
	.cancel = cancel,
	.progress = progress,
	.result = result,
	.log = log_end,
	.free = free_task,
	.fd = fd,
	.take = take,
	.component = "tickets",
};

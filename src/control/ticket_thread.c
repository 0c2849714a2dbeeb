/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay/status.h"
#include "control/ticket_work.h"

struct ticket_thread {
	struct task_pool pool;
	struct work_thread *thread;
};

int ticket_fail(struct ticket_work *w, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(w->message, sizeof(w->message), format, args);
	va_end(args);
	return error;
}

bool ticket_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct ticket_work *w = ctx;

	atomic_store_explicit(&w->total, total, memory_order_relaxed);
	atomic_store_explicit(&w->done, done, memory_order_relaxed);
	return atomic_load_explicit(&w->cancel, memory_order_relaxed);
}

const char *const ticket_phase_names[] = {
#define X(constant, name) name,
	TICKET_PHASES(X)
#undef X
};

void ticket_phase(struct ticket_work *w, enum ticket_phase phase)
{
	uint64_t now = clock_mono(w->clock);

	w->took_ns[w->phase] += now - w->since_ns;
	w->since_ns = now;
	w->phase = phase;
}

void ticket_work_clear(struct ticket_work *w)
{
	ticket_facts_free(&w->facts);
	free(w->keys[1]);
	free(w->keys[2]);
	free(w->description);
	w->description = NULL;
	w->keys[1] = w->keys[2] = NULL;
}

void staging_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(folder);
}

static int do_step(struct ticket_thread *t, struct ticket_work *w)
{
	if (atomic_load(&w->cancel))
		return ASSAY_E_CLOSED;
	switch (w->step) {
	case STEP_ENCODE:
		return ticket_encode(w, &t->pool);
	case STEP_PUSH:
		return ticket_push(w);
	case STEP_GET:
		return ticket_fetch(w, &t->pool);
	}
	return ASSAY_E_INVAL;
}

static void run(void *ctx, struct work *work)
{
	struct ticket_work *w = (struct ticket_work *)work;

	w->message[0] = '\0';
	w->result = do_step(ctx, w);
}

static void cancel(struct work *work)
{
	atomic_store(&((struct ticket_work *)work)->cancel, true);
}

/* All jobs are freed by tickets_free. */
static void drop(struct work *work)
{
}

int ticket_thread_start(struct ticket_thread **out, const struct task_pool *pool)
{
	static const struct work_kind kind = {"assay-tickets", 1, run, cancel};
	struct ticket_thread *t = calloc(1, sizeof(*t));
	int error;

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->pool = *pool;
	error = work_thread_start(&t->thread, &kind, t);
	if (error != 0)
		free(t);
	else
		*out = t;
	return error;
}

void ticket_thread_stop(struct ticket_thread *t)
{
	work_thread_stop(t->thread, drop);
	free(t);
}

void ticket_thread_submit(struct ticket_thread *t, struct ticket_work *w)
{
	work_thread_submit(t->thread, &w->work);
}

int ticket_thread_fd(const struct ticket_thread *t)
{
	return work_thread_fd(t->thread);
}

struct ticket_work *ticket_thread_take(struct ticket_thread *t)
{
	return (struct ticket_work *)work_thread_take(t->thread);
}

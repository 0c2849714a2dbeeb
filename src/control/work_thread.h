/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that does tasks, one after another, or a few threads that share them: the control thread
 * gives them to it and gets them back finished. What a task is belongs to who makes it; it begins
 * with a struct work.
 */
#ifndef CONTROL_WORK_THREAD_H
#define CONTROL_WORK_THREAD_H

#include <sys/queue.h>

struct work {
	STAILQ_ENTRY(work) entry;
};

struct work_kind {
	const char *name; /* of the thread, at most 15 characters */
	unsigned threads; /* at most, the second and more when they are needed; 0: one */
	/* On the thread. */
	void (*run)(void *ctx, struct work *w);
	/* On another one, while it runs: it is to end soon. */
	void (*cancel)(struct work *w);
};

struct work_thread;
int work_thread_start(struct work_thread **out, const struct work_kind *kind, void *ctx);
/* Threads that began before the calling one got its CPUs run on the same ones from here on. */
void work_thread_beside(struct work_thread *t);
/* Cancels what runs and joins; what was not taken back is given to drop. */
void work_thread_stop(struct work_thread *t, void (*drop)(struct work *w));
/*
 * The first half of it: nothing runs any more, and nothing that is given from here on. What had not
 * run yet is taken back as if it had.
 */
void work_thread_join(struct work_thread *t);
void work_thread_submit(struct work_thread *t, struct work *w);
/* Readable when work came back, or after a poke. */
void work_thread_poke(struct work_thread *t);
int work_thread_fd(const struct work_thread *t);
/* The next finished one, or NULL. */
struct work *work_thread_take(struct work_thread *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that codes files: it reads and writes them, one task after another, and leaves the
 * numbers to the workers with the role codec (to itself when there are none). The control thread
 * gives it tasks and gets them back finished.
 */
#ifndef CONTROL_CODEC_THREAD_H
#define CONTROL_CODEC_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/task.h"
#include "control/work_thread.h"

#define CODEC_SKIPPED_MAX 64

enum codec_kind { CODEC_ENCODE, CODEC_DECODE, CODEC_HEAL };

struct codec_skipped {
	char name[64];
	char why[64];
};

struct codec_task {
	struct work work; /* first */
	/* Set by control before it submits; the thread owns the task until it is back. */
	enum codec_kind kind;
	int file, folder; /* closed by whoever frees the task */
	uint32_t ratio;	  /* ENCODE */
	bool give;	  /* what is made is given to the owner */
	uid_t owner;
	/* Written by control at any time. */
	_Atomic bool cancel;
	/* Written by the thread, read by control at any time: octets. */
	_Atomic uint64_t done, total;
	/* Set by the thread before the task goes back. */
	int result; /* 0 or ASSAY_E_*; CLOSED when cancelled */
	char message[256];
	struct codec_skipped skipped[CODEC_SKIPPED_MAX];
	unsigned skipped_count; /* all of them */
};

struct codec_thread;
struct app;
struct pipeline;

/* pool: workers, or one without any. */
int codec_thread_start(struct codec_thread **out, const struct task_pool *pool);
/* Cancels what runs, drops what waits, joins; tasks not taken are freed. */
void codec_thread_stop(struct codec_thread *t);
void codec_thread_submit(struct codec_thread *t, struct codec_task *task);
/* Readable when a task came back. */
int codec_thread_fd(const struct codec_thread *t);
/* The next finished task, or NULL. */
struct codec_task *codec_thread_take(struct codec_thread *t);
void codec_task_free(struct codec_task *task);
/*
 * The workers' pool is one thread's at a time: whoever codes holds it meanwhile. 0, or CLOSED when
 * the pipeline's progress does not want to wait any longer.
 */
int codec_pool_hold(struct pipeline *p);
void codec_pool_release(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that owns the store's writing functions. The control thread gives it tasks and
 * gets them back finished; between tasks the thread makes durable what peers have pushed, and
 * scrubs.
 */
#ifndef CONTROL_STORE_THREAD_H
#define CONTROL_STORE_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

enum store_kind { STORE_PUT, STORE_GET, STORE_VERIFY, STORE_REMOVE, STORE_SCRUB, STORE_ERRAND };

struct store_task {
	/* Set by control before it submits; the thread owns the task until it is back. */
	enum store_kind kind;
	uint8_t key[32]; /* PUT: out */
	int fd;		 /* PUT, GET: a regular file, or -1; closed by whoever frees the task */
	uint64_t size;	 /* PUT: of the file */
	/* Written by control at any time. */
	_Atomic bool cancel;
	/* Written by the thread, read by control at any time: bytes. */
	_Atomic uint64_t done, total;
	/* Set by the thread before the task goes back. */
	int result;		  /* 0 or ASSAY_E_*; CLOSED when cancelled */
	int fd_errno;		  /* what reading or writing fd failed with, or 0 */
	uint64_t checked, rotten; /* SCRUB */
	/* ERRAND: what the thread does, with its result; what control does when the task is back,
	 * and what becomes of one that the thread's end has overtaken; each of the last two frees
	 * the task. */
	void (*errand)(struct store_task *task, struct store *store);
	void (*finished)(struct store_task *task);
	void (*dropped)(struct store_task *task);
	struct store_task *next;
};

struct store_thread;

/* When the background scrub checks again; may change at any time. */
struct store_scrub {
	bool on; /* off: every artifact once after the start, to load it */
	uint64_t age_ns;
};

int store_thread_start(struct store_thread **out, struct store *store, const struct clock *clock,
		       const struct store_scrub *scrub);
/* Cancels what runs, drops what waits, joins; tasks not taken are freed with their descriptors. */
void store_thread_stop(struct store_thread *t);
void store_thread_scrub(struct store_thread *t, const struct store_scrub *scrub);

void store_thread_submit(struct store_thread *t, struct store_task *task);
/* Readable when a task came back. */
int store_thread_fd(const struct store_thread *t);
/* The next finished task, or NULL. */
struct store_task *store_thread_take(struct store_thread *t);

#endif

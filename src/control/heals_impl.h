/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the heals' part of control. */
#ifndef CONTROL_HEALS_IMPL_H
#define CONTROL_HEALS_IMPL_H

#include <sys/queue.h>
#include <sys/stat.h>

#include "control/heal_work.h"
#include "control/heals.h"
#include "control/own_share.h"
#include "control/store_thread.h"
#include "ledger/rules.h"

/* An order. It is with a thread, with the store's thread, or among what is done. */
struct heals_job {
	struct heal_task task;	   /* first: the thread's side */
	struct store_task storing; /* the store's */
	TAILQ_ENTRY(heals_job) entry;
	struct heals *heals;
	uint64_t cookie;
	uint8_t key[32]; /* what is staged or unstaged */
	/* PLACE */
	struct own_share share;
	struct texts skip; /* new holders that do not answer */
	json_t *data;	   /* of the entry, without receipts */
	unsigned attempts;
	char *entry_text;
};
TAILQ_HEAD(heals_job_list, heals_job);

/* A folder whose manifest was read, and the file that it was read from. */
struct staged_op {
	TAILQ_ENTRY(staged_op) entry;
	uint64_t op;
	char hash[45];
	struct stat manifest;
};

struct heals {
	struct heals_config config;
	char root[320];
	struct work_thread *thread;
	struct heals_job_list jobs, done; /* under way; to be told */
	TAILQ_HEAD(, staged_op) staged;
	bool stopped;
};

void heals_job_submit(struct heals_job *j, enum heal_step step);
/* The store's thread does that, then control. */
void heals_job_store(struct heals_job *j, void (*errand)(struct store_task *task, struct store *s),
		     void (*finished)(struct store_task *task));
struct heals_job *heals_job_of(struct store_task *task);
/* Its outcome is there. */
void heals_job_end(struct heals_job *j);
/* The same after heal_finish. */
__attribute__((format(printf, 3, 4))) void heals_job_fail(struct heals_job *j, enum heal_end end,
							  const char *format, ...);
struct state *heals_state(struct heals_job *j);

/* heals_place.c: what comes after READ, after PUSH. */
void place_continue(struct heals_job *j);

/* heals_staged.c: which ops have a manifest, and what the store lets verifiers read. */
/* NULL: it has none that can be read; *error is NOTFOUND or IO then. */
const struct staged_op *staged_find(struct heals *h, uint64_t op, int *error);
void staged_forget(struct heals *h, uint64_t op);
/* After BUILD; before CLEAN. */
void staged_open(struct heals_job *j);
void staged_close(struct heals_job *j);

#endif

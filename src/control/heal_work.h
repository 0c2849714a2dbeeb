/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long work of healing, on threads of its own (node/heal_port.h): what a thread is told, and
 * what it does. The thread sees no ledger; control (heals.c) prepares each step from the node's
 * copy and goes on from there.
 */
#ifndef CONTROL_HEAL_WORK_H
#define CONTROL_HEAL_WORK_H

#include <stdatomic.h>

#include "base/failpoint.h"
#include "base/task.h"
#include "control/deliver.h"
#include "control/work_thread.h"
#include "node/effect.h"

/* Of symbols being made at once, beside the codec's own rows (docs/healing.md, "Memory and the
 * codec"). */
#define HEAL_SYMBOLS_MEMORY ((size_t)256 << 20)

enum heal_step {
	HEAL_STEP_BUILD,
	HEAL_STEP_HASH,
	HEAL_STEP_LOOK,	  /* is the folder staged? No order but the op */
	HEAL_STEP_READ,	  /* PLACE: what is staged */
	HEAL_STEP_PUSH,	  /* PLACE: to the other holders */
	HEAL_STEP_REMOVE, /* CLEAN */
};

struct heal_task {
	struct work work; /* first */
	/* Set by control before it submits; the thread owns it until it is back. */
	enum heal_step step;
	struct heal_order order;
	char root[320]; /* of all staging folders */
	struct clock clock;
	struct failpoints failpoints;
	const struct task_pool *pool;
	struct assay_client_config client;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct own_artifacts own;
	uint64_t size_max; /* HASH: of a file */
	/* BUILD, READ, PUSH: the ticket. HASH: deal.other[0] is the healer. */
	struct ticket_facts facts;
	struct ticket_deal deal;
	/* Written by control at any time. */
	_Atomic bool cancel;
	/* Written by the thread, read by control at any time: octets. */
	_Atomic uint64_t done, total;
	/* Set by the thread before it goes back. */
	enum heal_end end;
	char why[160];
	char hash[45];

	/* PLACE: keys by class and ordinal, out of READ; the rest is for PUSH. */
	uint8_t (*keys[3])[32];
	bool sign[HOLDERS_MAX]; /* positions that give a receipt */
	char *description;
	size_t description_len;
	uint8_t description_key[32];
	uint64_t pause_ns; /* before PUSH */
	struct delivered delivered[HOLDERS_MAX];
	bool stored_any; /* the failpoint was passed */
};
void heal_task_free(struct heal_task *t); /* what it points to */

/* On a thread: does its step. */
void heal_task_run(struct heal_task *t);

/* --- of this part's files */
/* True when it is to end: cancelled, or past its deadline. */
bool heal_stopped(const struct heal_task *t);
/* For pipelines: ctx is the task; keeps octets, says whether it is stopped. */
bool heal_progress(void *ctx, const char *what, uint64_t done, uint64_t total);
/* Keeps end and sentence, unless it was stopped: that is the reason then. */
__attribute__((format(printf, 3, 4))) void heal_finish(struct heal_task *t, enum heal_end end,
						       const char *format, ...);

void heal_build(struct heal_task *t);
/* What a BUILD that failed leaves: of a claimed file all that may be good, of another nothing. */
void heal_build_failed(const struct heal_task *t);
void heal_hash(struct heal_task *t);
void heal_look(struct heal_task *t);
void heal_read(struct heal_task *t);
void heal_push(struct heal_task *t);
void heal_remove(struct heal_task *t);
/* The file of an artifact of the staging folder; ctx is the task. */
void heal_path(void *ctx, char out[DELIVERY_PATH_ROOM], unsigned class, uint32_t ordinal);
/* One artifact of a PLACE is stored. */
void heal_stored_one(struct heal_task *t);

#endif

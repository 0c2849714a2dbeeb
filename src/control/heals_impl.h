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

enum staged_state {
	STAGED_SEEN,   /* there is a folder */
	STAGED_WANTED, /* its manifest is to be read, or is being read */
	STAGED_WELL,
	STAGED_NOT, /* what it has is no manifest */
};
struct staged_op {
	TAILQ_ENTRY(staged_op) entry;
	uint64_t op;
	enum staged_state state;
	char hash[45];		  /* of the manifest; before it was read of the row, or "" */
	struct stat manifest;	  /* the file that it was read from; not of SEEN */
	struct heals_job *reader; /* or NULL */
};

struct heals {
	struct heals_config config;
	char root[320];
	struct work_kind kind;
	struct work_thread *thread;
	struct heals_job_list jobs, done; /* under way; to be told */
	TAILQ_HEAD(, staged_op) staged;
	bool reading;  /* a manifest */
	bool changed;  /* what is known of folders, to be told */
	bool followed; /* what was kept at the start is in the store again */
	bool stopped;
};

struct heals_job *heals_job_new(struct heals *h, uint64_t cookie, const struct heal_order *order);
void heals_job_submit(struct heals_job *j, enum heal_step step);
/* The store's thread does that, then control. */
void heals_job_store(struct heals_job *j, void (*errand)(struct store_task *task, struct store *s),
		     void (*finished)(struct store_task *task));
struct heals_job *heals_job_of(struct store_task *task);
/* It ends, and nobody is told. */
void heals_job_drop(struct heals_job *j);
/* Its outcome is there. */
void heals_job_end(struct heals_job *j);
/* The same after heal_finish. */
__attribute__((format(printf, 3, 4))) void heals_job_fail(struct heals_job *j, enum heal_end end,
							  const char *format, ...);
struct state *heals_state(struct heals_job *j);

/* heals_place.c: what comes after READ, after PUSH. */
void place_continue(struct heals_job *j);

/* heals_manifest.c: which folders are staged. */
/*
 * 0, NOTFOUND: it has no manifest that can be parsed, or nobody could read its file; IO; AGAIN: it
 * is being read, and an outcome without a cookie will tell that it was, or it is being built.
 */
int staged_hash(struct heals *h, char hash[HEAL_HASH_ROOM], uint64_t op);
/* At start: the folder stays; hash: of its row, or "". False: no memory. */
bool staged_keep(struct heals *h, uint64_t op, const char *hash);
/* Its file is not what the manifest says. */
void staged_spoil(struct heals *h, uint64_t op);
/* BUILD is done. */
void staged_built(struct heals_job *j);
/* A reader comes back. */
void staged_read(struct heals_job *j);
/* What is known of it without a look, or NULL. */
struct staged_op *staged_known(const struct heals *h, uint64_t op);
void staged_forget(struct heals *h, uint64_t op);

/* heals_staged.c: what the store lets verifiers read. */
/* After BUILD; before CLEAN. */
void staged_open(struct heals_job *j);
void staged_close(struct heals_job *j);

#endif

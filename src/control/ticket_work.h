/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long work of tickets, on a thread of its own: coding a file into artifacts, pushing them to
 * their holders and asking for receipts, collecting symbols and decoding. What it is about is
 * decided by control (tickets.c) before; the thread sees no ledger.
 */
#ifndef CONTROL_TICKET_WORK_H
#define CONTROL_TICKET_WORK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/task.h"
#include "control/deliver.h"
#include "control/holders.h"
#include "control/work_thread.h"
#include "crypto/sign.h"

enum ticket_step { STEP_ENCODE, STEP_PUSH, STEP_GET };

/* Where the time goes: constant, name. */
#define TICKET_PHASES(X)        \
	X(ENCODE, "encode")     \
	X(PUSH, "push")         \
	X(RECEIPTS, "receipts") \
	X(STORE, "store")       \
	X(RECORD, "record")     \
	X(FETCH, "fetch")       \
	X(DECODE, "decode")
enum ticket_phase {
#define X(constant, name) PHASE_##constant,
	TICKET_PHASES(X)
#undef X
		PHASE_NONE
};
extern const char *const ticket_phase_names[PHASE_NONE];

struct ticket_work {
	struct work work; /* first */
	/* Set by control before it submits; the thread owns it until it is back. */
	enum ticket_step step;
	int file;	  /* ENCODE: from; GET: into, empty */
	char folder[320]; /* staging */
	struct assay_client_config client;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct ticket_deal deal;
	struct ticket_facts facts; /* out of ENCODE, in for GET; the terms go in */
	/* Written by control at any time. */
	_Atomic bool cancel;
	/* Written by the thread, read by control at any time: octets. */
	_Atomic uint64_t done, total;
	/* Whose it is at the moment; see ticket_phase. */
	const struct clock *clock;
	uint64_t took_ns[PHASE_NONE + 1], since_ns;
	enum ticket_phase phase;
	/* Set by the thread before it goes back. */
	int result; /* 0 or ASSAY_E_*; CLOSED when cancelled */
	char message[256];

	/* ENCODE in. */
	const struct sign_key *creator;
	const struct random *random;
	/* ENCODE out, PUSH in: keys by ordinal. */
	uint8_t (*keys[3])[32];
	/* PUSH in: what holders read before they sign; malloc'd. */
	char *description;
	size_t description_len;
	uint8_t description_key[32];
	/* PUSH out, by number of the other nodes. */
	struct delivered delivered[HOLDERS_MAX];
	/* GET in. */
	struct own_artifacts own;
};

void ticket_work_clear(struct ticket_work *w);
/* Time counts for that phase from now on. */
void ticket_phase(struct ticket_work *w, enum ticket_phase phase);
/* Removes a staging folder and what is in it. */
void staging_remove(const char *folder);

struct ticket_thread;
/* pool: workers, or one without any. */
int ticket_thread_start(struct ticket_thread **out, const struct task_pool *pool);
/* Cancels what runs and joins. The work stays who made it. */
void ticket_thread_stop(struct ticket_thread *t);
void ticket_thread_submit(struct ticket_thread *t, struct ticket_work *w);
int ticket_thread_fd(const struct ticket_thread *t); /* readable when work came back */
struct ticket_work *ticket_thread_take(struct ticket_thread *t);

/* ticket_encode.c, ticket_push.c, ticket_fetch.c: the steps. */
int ticket_encode(struct ticket_work *w, const struct task_pool *pool);
int ticket_push(struct ticket_work *w);
int ticket_fetch(struct ticket_work *w, const struct task_pool *pool);
/* What lies on this node's position; points into the work. */
struct own_share;
void ticket_share(struct own_share *out, struct ticket_work *w);

/* Of this file's parts: keeps the message; returns error. */
__attribute__((format(printf, 3, 4))) int ticket_fail(struct ticket_work *w, int error,
						      const char *format, ...);
/* For pipelines: ctx is the work. */
bool ticket_progress(void *ctx, const char *what, uint64_t done, uint64_t total);

#endif

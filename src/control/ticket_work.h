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

#include "assay/client.h"
#include "base/task.h"
#include "control/work_thread.h"
#include "crypto/sign.h"

#define HOLDERS_MAX 64
#define SELF	    UINT32_MAX /* in place of a node's number: this node */

/* Another node that holds artifacts. */
struct ticket_node {
	char account[ASSAY_ACCOUNT_MAX + 1];
	char address[128];
	uint8_t session_key[33], identity[32];
	/* Out of PUSH. */
	int error; /* 0: receipt is there */
	char why[160];
	uint8_t digest[32], signature[64];
};

/* How the artifacts of a ticket are dealt. */
struct ticket_deal {
	uint32_t holders;	       /* positions */
	uint32_t node[HOLDERS_MAX];    /* number in nodes, or SELF */
	uint32_t copies[3], counts[3]; /* by class: 1 INDEX, 2 SYMBOL */
};

enum ticket_step { STEP_ENCODE, STEP_PUSH, STEP_GET };

struct ticket_work {
	struct work work; /* first */
	/* Set by control before it submits; the thread owns it until it is back. */
	enum ticket_step step;
	int file;	  /* ENCODE: from; GET: into, empty */
	char folder[320]; /* staging */
	struct assay_client_config client;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct ticket_deal deal;
	struct ticket_node node[HOLDERS_MAX];
	uint32_t nodes;
	/* Written by control at any time. */
	_Atomic bool cancel;
	/* Written by the thread, read by control at any time: octets. */
	_Atomic uint64_t done, total;
	/* Set by the thread before it goes back. */
	int result; /* 0 or ASSAY_E_*; CLOSED when cancelled */
	char message[256];

	/* ENCODE in. */
	const struct sign_key *creator;
	const struct random *random;
	/* ENCODE out, GET in: what the ledger records of the coding. */
	uint32_t ic, max, ratio;
	uint64_t size;
	char data_hash[45];
	char (*index_ids)[45];
	char *signatures;
	/* ENCODE out, PUSH in: keys by ordinal. */
	uint8_t (*keys[3])[32];
	/* PUSH in: what holders read before they sign; malloc'd. */
	char *description;
	size_t description_len;
	uint8_t description_key[32];
	/* GET in. */
	uint8_t creator_key[32];
	int (*own)(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		   uint64_t size_max);
	void *own_ctx;
};

void ticket_work_clear(struct ticket_work *w);
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

/* Of this file's parts: keeps the message; returns error. */
__attribute__((format(printf, 3, 4))) int ticket_fail(struct ticket_work *w, int error,
						      const char *format, ...);
/* For pipelines: ctx is the work. */
bool ticket_progress(void *ctx, const char *what, uint64_t done, uint64_t total);

#endif

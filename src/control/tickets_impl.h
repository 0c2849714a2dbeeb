/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the tickets' part of control. */
#ifndef CONTROL_TICKETS_IMPL_H
#define CONTROL_TICKETS_IMPL_H

#include <sys/queue.h>

#include "control/jobs.h"
#include "control/network.h"
#include "control/ticket_work.h"
#include "control/tickets.h"
#include "ledger/rules.h"

#define TICKET_ATTEMPTS 8 /* placements of one put */

enum ticket_kind { TICKET_PUT, TICKET_GET, TICKET_CLOSE, TICKET_REHOME };

struct ticket_job {
	struct ticket_work work;   /* first: the thread's side */
	struct store_task storing; /* PUT: this node's own share */
	enum ticket_kind kind;
	struct tickets *tickets; /* NULL: control has ended */
	char ticket[65];
	uint64_t n;	   /* of the entry */
	struct texts skip; /* nodes that do not answer */
	json_t *data;	   /* of the entry, without receipts */
	unsigned attempts;
	bool recording; /* its entry is on its way */
	bool existed;
	bool storing_out; /* the store thread has it */
	int result;
	char message[256];
	struct ticket_job *next_done;
	LIST_ENTRY(ticket_job) entry;
};

struct tickets {
	struct control *control;
	struct ticket_thread *thread;
	struct event *from_thread;
	LIST_HEAD(, ticket_job) list;
	struct ticket_job *done; /* newest first */
	int done_fd;
	uint64_t folders; /* staging folders made so far */
};

extern const struct job_kind job_ticket;

/* A new job of that kind, with what the thread needs of this node; NULL when out of memory. */
struct ticket_job *ticket_job_new(struct tickets *t, enum ticket_kind kind);
void ticket_job_free(struct ticket_job *j);
/* Ends the job with that result; its connection hears of it. */
void ticket_job_end(struct ticket_job *j, int result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* tickets_put.c: what comes after a step of the thread; and the entry alone. */
void put_continue(struct ticket_job *j);
void entry_send(struct ticket_job *j, enum entry_class class, const char *type, json_t *data,
		uint64_t n);

#endif

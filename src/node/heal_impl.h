/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of healing share: the parts that this node has in ops, and what they go through.
 */
#ifndef NODE_HEAL_IMPL_H
#define NODE_HEAL_IMPL_H

#include <jansson.h>
#include <limits.h>

#include "node/heal.h"

enum job_phase {
	JOB_IDLE,    /* nothing is under way; it remembers what went wrong */
	JOB_QUEUED,  /* work waits for a permit */
	JOB_WORKING, /* ordered */
	JOB_PAUSED,  /* the same work again at retry_ns */
	JOB_SENT,    /* an entry waits for its verdict */
};
/* A role in an op. What has to survive a restart is in rows, not here. */
struct heal_job {
	TAILQ_ENTRY(heal_job) next;
	uint64_t op;
	enum heal_role role;
	enum job_phase phase;
	enum heal_work work; /* of QUEUED, WORKING, PAUSED */
	uint64_t cookie;     /* of WORKING, SENT */
	char ticket[TICKET_ROOM], healer[ACCOUNT_ROOM];
	char hash[HEAL_HASH_ROOM]; /* as claimed */
	uint64_t size;		   /* HASH: of the file */
	uint64_t deadline_epoch;   /* 0: none */
	uint64_t end_ns;	   /* of all tries of this work */
	uint64_t order_ns;	   /* of the try under way */
	uint64_t retry_ns;
	unsigned tries;	   /* of this work that failed */
	unsigned attempts; /* that failed since the job is there */
	bool cut;	   /* end_ns left the try under way less than its full time */
	bool overdue;	   /* cancelled since it did not end by itself */
	bool moved;	   /* cancelled since it does not fit the op any more */
	bool untidy;	   /* HEALER: its folder may have files */
	bool open;	   /* SENT: no verdict in time */
	bool rebuilt;	   /* FINALIZER: since it began to publish */
	bool verified;	   /* VERIFIER: what it votes */
	char why[160];
};

/* --- heal_job.c --- */
/* NULL when there is none. */
struct heal_job *heal_job_find(const struct heal *h, uint64_t op, enum heal_role role);
struct heal_job *heal_job_get(struct heal *h, uint64_t op, enum heal_role role);
void heal_job_end(struct heal *h, struct heal_job *job);
/* As healer or finalizer: its folder is in use. */
bool heal_folder_busy(const struct heal *h, uint64_t op);
/* The job is about this op, as the ledger has it now. */
void heal_job_fill(struct heal_job *job, const struct heal_op *op);
/* New work, as soon as there is a permit; ends of a try are told by heal_healed. */
void heal_job_order(struct heal_job *job, enum heal_work work);
/* The same work again after a while. */
void heal_job_pause(struct heal_job *job, uint64_t delay_ms, struct moment now);
void heal_job_rest(struct heal_job *job);
/* The same, and the log says why. */
void heal_job_drop(struct heal *h, struct heal_job *job, const char *why);
/* It does nothing now; false when the log has said so before. */
bool heal_job_refrain(struct heal *h, struct heal_job *job, const char *why);
/* A line of the log: what happened to the job, with op and role. */
__attribute__((format(printf, 4, 5))) void heal_job_log(const struct heal *h,
							const struct heal_job *job,
							const char *what, const char *format, ...);
__attribute__((format(printf, 3, 4))) void heal_job_failed(struct heal *h, struct heal_job *job,
							   const char *format, ...);
/* data is malloc'd JSON and is given away; n as in core_put. */
void heal_job_send(struct heal *h, struct heal_job *job, const char *type, char *data, uint64_t n,
		   struct effects *out);
/* The ledger's answer, or none, is counted and logged. */
void heal_job_heard(struct heal *h, const struct heal_job *job, enum heal_message message,
		    enum heal_says says, const struct entry_outcome *outcome);
/* The same; returns what the answer counts as, the lies of a test applied. */
enum heal_says heal_says_of(struct heal *h, const struct heal_job *job, enum heal_message message,
			    const struct entry_outcome *outcome, enum failpoint ack_lost,
			    enum failpoint garbled);
/* A row that could not be read or written: the ledger's state decides at a later tick. */
void heal_row_error(struct heal *h, uint64_t op, const char *what, int error);
/* JSON text of an object that is given away. */
char *heal_text(json_t *object);

/* --- heal_op.c: what the ledger says of an op --- */
int heal_op_read(const struct heal *h, const struct heal_op **out, uint64_t id);
/* All pages of 100, up to 100 of them; one that fails ends the listing. The log says of both. */
void heal_each_op(const struct heal *h, enum heal_status status,
		  void (*each)(void *arg, const struct heal_op *op), void *arg);
bool heal_claimable(const struct heal_op *op);
/* The network is in that epoch, or behind it; false too when that cannot be read, and for 0. */
bool heal_late(const struct heal *h, uint64_t deadline_epoch);
/* Does the work fit the op, as the ledger has it now? 1, 0, or a code when that cannot be read. */
int heal_fits(const struct heal *h, const struct heal_job *job);
/* Healer and verifier may begin something: the mode is known, and not 0. */
bool heal_is_on(const struct heal *h);
/* When work on the op has to be over: now + op_timeout, or sooner. */
uint64_t heal_end_ns(const struct heal *h, const struct heal_job *job, struct moment now);
const struct ticket *heal_ticket(const struct heal *h, const char *id);
/* 0 when this op's staged files are those of the hash; NOTFOUND when they are not; AGAIN, IO when
 * that is not known. */
int heal_staged(const struct heal *h, uint64_t op, const char *hash);

/* --- heal_standing.c --- */
/* The job ends: why it did not succeed stays to be asked for. */
void heal_remember(struct heal *h, const struct heal_job *job);

/* --- heal_tick.c --- */
void heal_tick(struct heal *h, struct moment now, struct effects *out);

/* --- heal_claim.c: the healer, and its pending rows (docs/healing.md, "Pending rows") --- */
void heal_claim_dispatch(void *heal, const struct heal_op *op); /* for heal_each_op */
void heal_claim_healed(struct heal *h, struct heal_job *job, const struct heal_done *done,
		       enum heal_end end, struct moment now, struct effects *out);
void heal_claim_verdict(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome);
/* Without out nothing is sent. True: the ledger has the claim, and the row says so now. */
bool heal_claim_reconcile(struct heal *h, const struct heal_claim_row *row, struct effects *out);

/* --- heal_verify.c --- */
void heal_verify_dispatch(void *heal, const struct heal_op *op);
/* The time that one attempt gets. */
uint64_t heal_verify_limit_ns(const struct heal *h, const struct heal_job *job);
void heal_verify_healed(struct heal *h, struct heal_job *job, const struct heal_done *done,
			enum heal_end end, struct moment now, struct effects *out);
void heal_verify_verdict(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome);
/* Rows of ops that are over go. */
void heal_verify_forget(struct heal *h, const struct heal_vote_row *row);

/* --- heal_finish.c: the finalizer --- */
void heal_finish_row(struct heal *h, const struct heal_claim_row *row);
void heal_finish_healed(struct heal *h, struct heal_job *job, const struct heal_done *done,
			enum heal_end end, struct moment now, struct effects *out);
void heal_finish_verdict(struct heal *h, struct heal_job *job, const struct entry_outcome *outcome);
/* Staging goes, then the row. */
void heal_finish_clean(struct heal *h, uint64_t op);

#endif

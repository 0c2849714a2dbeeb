/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second orders over records, for the questions that the keys of their tables do not answer. They
 * are no state: whoever fills a record adds it here, whoever removes it (or changes what it is
 * ordered by) takes it out before, and after a state was loaded all are added.
 */
#ifndef LEDGER_INDEX_H
#define LEDGER_INDEX_H

#include "ledger/record.h"

RB_HEAD(index_transcripts, transcript_record);
RB_HEAD(index_results, reporter_result);
RB_HEAD(index_status, heal_op);
RB_HEAD(index_ticket, heal_op);

struct index {
	struct index_transcripts transcripts; /* target, bucket, epoch, hash */
	struct index_results results;	      /* target, ticket, epoch, reporter */
	struct index_status by_status;	      /* status, id */
	struct index_ticket by_ticket;	      /* ticket, id */
};

void index_init(struct index *x);

void index_add_transcript(struct index *x, struct transcript_record *r);
void index_take_transcript(struct index *x, struct transcript_record *r);
/* The first one of this or a later place in the order; NULL at the end. */
struct transcript_record *index_transcript_from(struct index *x, const char *target,
						uint64_t bucket, uint64_t epoch);
struct transcript_record *index_transcript_next(struct transcript_record *r);

void index_add_result(struct index *x, struct reporter_result *r);
void index_take_result(struct index *x, struct reporter_result *r);
struct reporter_result *index_result_from(struct index *x, const char *target, const char *ticket,
					  uint64_t epoch);
struct reporter_result *index_result_next(struct reporter_result *r);

void index_add_op(struct index *x, struct heal_op *op);
void index_take_op(struct index *x, struct heal_op *op);
struct heal_op *index_op_of_status(struct index *x, uint64_t status, uint64_t id_from);
struct heal_op *index_op_of_status_next(struct heal_op *op);
struct heal_op *index_op_of_ticket(struct index *x, const char *ticket, uint64_t id_from);
struct heal_op *index_op_of_ticket_next(struct heal_op *op);

#endif

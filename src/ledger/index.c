/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/index.h"

#include <string.h>

static int numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int texts(const char *a, const char *b)
{
	return strcmp(text_of(a), text_of(b));
}

static int transcripts(const struct transcript_record *a, const struct transcript_record *b)
{
	int order = texts(a->target, b->target);

	if (order == 0)
		order = numbers(a->bucket, b->bucket);
	if (order == 0)
		order = numbers(a->epoch, b->epoch);
	return order != 0 ? order : texts(a->record.key, b->record.key);
}

static int results(const struct reporter_result *a, const struct reporter_result *b)
{
	int order = texts(a->target, b->target);

	if (order == 0)
		order = texts(a->ticket, b->ticket);
	if (order == 0)
		order = numbers(a->epoch, b->epoch);
	return order != 0 ? order : texts(a->reporter, b->reporter);
}

static int ops_by_status(const struct heal_op *a, const struct heal_op *b)
{
	int order = numbers(a->status, b->status);

	return order != 0 ? order : numbers(a->id, b->id);
}

static int ops_by_ticket(const struct heal_op *a, const struct heal_op *b)
{
	int order = texts(a->ticket, b->ticket);

	return order != 0 ? order : numbers(a->id, b->id);
}

RB_PROTOTYPE(index_transcripts, transcript_record, by_target, transcripts)
RB_PROTOTYPE(index_results, reporter_result, by_ticket, results)
RB_PROTOTYPE(index_status, heal_op, by_status, ops_by_status)
RB_PROTOTYPE(index_ticket, heal_op, by_ticket, ops_by_ticket)
RB_GENERATE(index_transcripts, transcript_record, by_target, transcripts)
RB_GENERATE(index_results, reporter_result, by_ticket, results)
RB_GENERATE(index_status, heal_op, by_status, ops_by_status)
RB_GENERATE(index_ticket, heal_op, by_ticket, ops_by_ticket)

void index_init(struct index *x)
{
	RB_INIT(&x->transcripts);
	RB_INIT(&x->results);
	RB_INIT(&x->by_status);
	RB_INIT(&x->by_ticket);
}

void index_add_transcript(struct index *x, struct transcript_record *r)
{
	RB_INSERT(index_transcripts, &x->transcripts, r);
}

void index_take_transcript(struct index *x, struct transcript_record *r)
{
	RB_REMOVE(index_transcripts, &x->transcripts, r);
}

struct transcript_record *index_transcript_from(struct index *x, const char *target,
						uint64_t bucket, uint64_t epoch)
{
	struct transcript_record from = {
		.target = (char *)target, .bucket = bucket, .epoch = epoch};

	return RB_NFIND(index_transcripts, &x->transcripts, &from);
}

struct transcript_record *index_transcript_next(struct transcript_record *r)
{
	return RB_NEXT(index_transcripts, NULL, r);
}

void index_add_result(struct index *x, struct reporter_result *r)
{
	RB_INSERT(index_results, &x->results, r);
}

void index_take_result(struct index *x, struct reporter_result *r)
{
	RB_REMOVE(index_results, &x->results, r);
}

struct reporter_result *index_result_from(struct index *x, const char *target, const char *ticket,
					  uint64_t epoch)
{
	struct reporter_result from = {
		.target = (char *)target, .ticket = (char *)ticket, .epoch = epoch};

	return RB_NFIND(index_results, &x->results, &from);
}

struct reporter_result *index_result_next(struct reporter_result *r)
{
	return RB_NEXT(index_results, NULL, r);
}

void index_add_op(struct index *x, struct heal_op *op)
{
	RB_INSERT(index_status, &x->by_status, op);
	RB_INSERT(index_ticket, &x->by_ticket, op);
}

void index_take_op(struct index *x, struct heal_op *op)
{
	RB_REMOVE(index_status, &x->by_status, op);
	RB_REMOVE(index_ticket, &x->by_ticket, op);
}

struct heal_op *index_op_of_status(struct index *x, uint64_t status, uint64_t id_from)
{
	struct heal_op from = {.status = status, .id = id_from};

	return RB_NFIND(index_status, &x->by_status, &from);
}

struct heal_op *index_op_of_status_next(struct heal_op *op)
{
	return RB_NEXT(index_status, NULL, op);
}

struct heal_op *index_op_of_ticket(struct index *x, const char *ticket, uint64_t id_from)
{
	struct heal_op from = {.ticket = (char *)ticket, .id = id_from};

	return RB_NFIND(index_ticket, &x->by_ticket, &from);
}

struct heal_op *index_op_of_ticket_next(struct heal_op *op)
{
	return RB_NEXT(index_ticket, NULL, op);
}

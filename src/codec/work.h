/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols being made: what encoding and healing share. */
#ifndef CODEC_WORK_H
#define CODEC_WORK_H

#include "codec/files.h"
#include "codec/job.h"

/* Brings the job's plan or solve to its end; progress counts octets from base to base + share. */
int work_job(struct pipeline *p, struct codec_job *j, const char *what, uint64_t base,
	     uint64_t share, uint64_t total);
/* The pool of the pipeline, or the calling thread. */
struct task_pool work_pool(const struct pipeline *p, struct task_inline *own);

/* A number of symbol files in memory. */
struct work_batch {
	struct buffer own, *data; /* data: own, or the pipeline's */
	size_t stride;		  /* of symbol files */
	uint32_t max, n;	  /* room, in use */
	uint32_t *ids;		  /* ESIs */
	uint8_t **to;		  /* their symbols */
};
int work_batch_open(struct pipeline *p, struct work_batch *b, const struct layout *l);
void work_batch_close(struct work_batch *b);
uint8_t *work_batch_file(const struct work_batch *b, uint32_t i);
/* One more symbol file: its payload id, and where its symbol goes. */
void work_batch_add(struct work_batch *b, uint32_t esi);

#endif

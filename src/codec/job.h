/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work with one block, done by a pool of workers and streamed from and to wherever the symbols are.
 *
 *   plan    how to solve for these known symbols; kept for any number of solves
 *   solve   the wanted symbols: lists, then windows one after another. A window is what a sub-block
 *           holds of all symbols. The job's thread reads it by a callback, workers share it by
 *           ranges of octets, the callback takes what came out. Two windows are in memory, so
 *           workers compute while the thread reads.
 *
 * A heal wants missing source symbols and repair symbols in one solve. Workers see memory only; the
 * callbacks run on the thread that steps the job. Nothing is decided by time: a test can hand tasks
 * back in any order.
 */
#ifndef CODEC_JOB_H
#define CODEC_JOB_H

#include "assay/raptorq.h"
#include "base/task.h"
#include "codec/memory.h"

#define CODEC_WINDOWS	2  /* in memory */
#define CODEC_PARTS_MAX 16 /* tasks of a window */

struct codec_window {
	uint32_t number;   /* of the sub-block */
	uint32_t from, to; /* octets of every symbol */
	/* Rows of to - from octets: the K source symbols, as the sub-block lies in the object, with
	 * zeros behind its end; then the known repair symbols in the order of the known list. */
	uint8_t *source, *repair;
};

struct codec_io {
	/* Fills the rows of known symbols. 0 or an error, which ends the job. */
	int (*read)(void *ctx, const struct codec_window *w);
	/* The window is solved: wanted source symbols are in its rows now. May be NULL. */
	int (*solved)(void *ctx, const struct codec_window *w);
	void *ctx;
};

struct codec_part {
	struct task task;
	struct buffer scratch;
	struct assay_rq_solve *solve;
};

struct codec_slot {
	struct codec_window window;
	struct buffer rows, pointers;
	struct assay_rq_io io;
	bool full;	       /* read, and not yet through */
	unsigned given, parts; /* parts submitted, of how many */
	unsigned finished;
	struct codec_part part[CODEC_PARTS_MAX];
};

enum codec_phase { CODEC_IDLE, CODEC_PLAN, CODEC_LISTS, CODEC_SOLVE };

struct codec_job {
	const struct task_pool *pool;
	struct assay_rq_params params;
	struct assay_rq_block block;
	_Atomic bool cancel; /* anybody sets it; the job then ends with ASSAY_E_CLOSED */
	enum codec_phase phase;
	int error;
	unsigned out; /* tasks in the pool */

	const uint32_t *known; /* NULL: all source symbols */
	size_t known_len, repair_len;
	struct task prepare; /* plan or lists */
	bool prepare_out;
	struct buffer plan_memory, wanted_memory;
	struct assay_rq_plan *plan;

	const uint32_t *ids;
	uint8_t *const *to;
	size_t ids_len;
	const struct codec_io *io;
	struct assay_rq_wanted *wanted;
	uint32_t windows_read, windows_done;
	uint32_t columns_done; /* octets of every symbol, of windows that are through */
	struct codec_slot slot[CODEC_WINDOWS];
};

/* One source block (docs/raptorq.md, "Artifacts"). The job is zero-filled by init and freed by
 * codec_job_free, at rest. */
void codec_job_init(struct codec_job *j, const struct task_pool *pool,
		    const struct assay_rq_params *params, const struct assay_rq_block *block);
void codec_job_free(struct codec_job *j);

/* Both begin work that codec_job_step brings to its end; lists belong to the caller until then (the
 * known ones as long as the plan is used). 0 or an error, and nothing has begun. */
int codec_job_plan(struct codec_job *j, const uint32_t *known, size_t known_len);
/* to[i]: where symbol ids[i] goes, symbol_size octets; NULL: a missing source symbol, whose place
 * is in the window's rows. */
int codec_job_solve(struct codec_job *j, const uint32_t *ids, uint8_t *const *to, size_t len,
		    const struct codec_io *io);
/*
 * Does what can be done now: gives out tasks, reads and takes windows. 0 when plan or solve is
 * through; ASSAY_E_AGAIN: call it again when a task has come back (or a slot of the pool may be
 * free); else an error, and no task is out any more. ASSAY_E_NOTFOUND: the known symbols do not
 * determine the block, see codec_job_missing.
 */
int codec_job_step(struct codec_job *j);
/* A task came out of the pool. */
void codec_job_back(struct codec_job *j, struct task *task);
uint32_t codec_job_missing(const struct codec_job *j);
/* Octets of source worked through, of K times the symbol size. */
uint64_t codec_job_done(const struct codec_job *j);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/job.h"

#include <string.h>

#include "assay/status.h"
#include "base/must.h"

#define CUT 256 /* parts are multiples of the widest stripe */

void codec_job_init(struct codec_job *j, const struct task_pool *pool,
		    const struct assay_rq_params *params, const struct assay_rq_block *block)
{
	memset(j, 0, sizeof(*j));
	j->pool = pool;
	j->params = *params;
	j->block = *block;
}

static void free_slot(struct codec_slot *s)
{
	buffer_free(&s->rows);
	buffer_free(&s->pointers);
	for (unsigned i = 0; i < CODEC_PARTS_MAX; i++)
		buffer_free(&s->part[i].scratch);
}

void codec_job_free(struct codec_job *j)
{
	must(j->out == 0);
	buffer_free(&j->plan_memory);
	buffer_free(&j->wanted_memory);
	for (unsigned i = 0; i < CODEC_WINDOWS; i++)
		free_slot(&j->slot[i]);
}

uint32_t codec_job_missing(const struct codec_job *j)
{
	return assay_rq_plan_missing(j->plan);
}

uint64_t codec_job_done(const struct codec_job *j)
{
	uint64_t columns = j->columns_done;

	if (j->phase != CODEC_SOLVE)
		return 0;
	for (unsigned i = 0; i < CODEC_WINDOWS; i++) {
		const struct codec_slot *s = &j->slot[i];

		if (s->full)
			columns +=
				(uint64_t)(s->window.to - s->window.from) * s->finished / s->parts;
	}
	return j->block.symbols * columns;
}

static bool give(struct codec_job *j, struct task *t)
{
	t->cancel = &j->cancel;
	if (!j->pool->submit(j->pool->ctx, t))
		return false;
	j->out++;
	return true;
}

/* --- plan and lists: one task each ---------------------------------------------------------- */

static int run_plan(void *ctx, uint64_t budget)
{
	return assay_rq_plan_run(ctx, budget);
}

static int run_lists(void *ctx, uint64_t budget)
{
	return assay_rq_wanted_run(ctx, budget);
}

static int start_plan(struct codec_job *j, size_t size)
{
	int e = buffer_reserve(&j->plan_memory, size);

	if (e == 0)
		e = assay_rq_plan_init(&j->plan, j->plan_memory.data, j->plan_memory.room,
				       j->block.symbols, j->known, j->known_len);
	j->prepare = (struct task){.run = run_plan, .ctx = j->plan};
	j->prepare_out = false;
	return e;
}

int codec_job_plan(struct codec_job *j, const uint32_t *known, size_t known_len)
{
	must(j->phase == CODEC_IDLE && j->out == 0);
	j->known = known;
	j->known_len = known != NULL ? known_len : j->block.symbols;
	j->repair_len = 0;
	for (size_t i = 0; known != NULL && i < known_len; i++)
		j->repair_len += known[i] >= j->block.symbols;
	j->phase = CODEC_PLAN;
	j->error = start_plan(j, assay_rq_plan_size(j->block.symbols, j->known_len));
	if (j->error != 0)
		j->phase = CODEC_IDLE;
	return j->error;
}

static int prepare_ended(struct codec_job *j)
{
	size_t need;
	int e;

	if (j->phase != CODEC_PLAN || j->prepare.result != ASSAY_E_NOMEM)
		return j->prepare.result;
	/* a set that needs more than random ones do: what the plan asks for then is exact soon */
	need = assay_rq_plan_need(j->plan);
	if (need <= j->plan_memory.room)
		return ASSAY_E_NOMEM;
	e = start_plan(j, need);
	return e != 0 ? e : ASSAY_E_AGAIN;
}

/* --- windows -------------------------------------------------------------------------------- */

static uint32_t widest(const struct codec_job *j)
{
	struct assay_rq_piece piece;

	must(assay_rq_piece(&piece, &j->params, &j->block, 0) == 0);
	return piece.size;
}

/* Rows for the largest window; pointers to known repair symbols and to what is wanted. */
static int reserve_slot(struct codec_job *j, struct codec_slot *s)
{
	size_t rows = (j->block.symbols + j->repair_len) * (size_t)widest(j);
	int e = buffer_reserve(&s->rows, rows);

	if (e == 0)
		e = buffer_reserve(&s->pointers, (j->known_len + j->ids_len) * sizeof(void *));
	s->full = false;
	return e;
}

int codec_job_solve(struct codec_job *j, const uint32_t *ids, uint8_t *const *to, size_t len,
		    const struct codec_io *io)
{
	int e;

	must(j->phase == CODEC_IDLE && j->out == 0);
	j->ids = ids;
	j->to = to;
	j->ids_len = len;
	j->io = io;
	j->windows_read = j->windows_done = j->columns_done = 0;
	e = buffer_reserve(&j->wanted_memory, assay_rq_wanted_size(j->plan, len));
	if (e == 0)
		e = assay_rq_wanted_init(&j->wanted, j->wanted_memory.data, j->wanted_memory.room,
					 j->plan, ids, len, j->params.symbol_size, ASSAY_RQ_BEST);
	for (unsigned i = 0; e == 0 && i < CODEC_WINDOWS && i < j->params.sub_blocks; i++)
		e = reserve_slot(j, &j->slot[i]);
	if (e != 0)
		return e;
	j->prepare = (struct task){.run = run_lists, .ctx = j->wanted};
	j->prepare_out = false;
	j->error = 0;
	j->phase = CODEC_LISTS;
	return 0;
}

/* Known repair symbols by their rows, wanted ones by their own memory from the window's octets on.
 */
static void point(struct codec_job *j, struct codec_slot *s)
{
	uint32_t size = s->window.to - s->window.from, row = 0;
	uint8_t **known = (uint8_t **)s->pointers.data, **wanted = known + j->known_len;

	for (size_t i = 0; i < j->known_len; i++)
		known[i] = j->known != NULL && j->known[i] >= j->block.symbols
				   ? s->window.repair + (size_t)row++ * size
				   : NULL;
	for (size_t i = 0; i < j->ids_len; i++)
		wanted[i] = j->to[i] != NULL ? j->to[i] + s->window.from : NULL;
	s->io = (struct assay_rq_io){
		.source = s->window.source,
		.source_len = (uint64_t)j->block.symbols * size,
		.known = j->repair_len > 0 ? (const uint8_t *const *)known : NULL,
		.sink = s->window.source,
		.sink_len = (uint64_t)j->block.symbols * size,
		.wanted = wanted,
		.symbol_size = size,
		.sub_blocks = 1,
		.alignment = 1,
	};
}

static int run_part(void *ctx, uint64_t budget)
{
	return assay_rq_solve_run(ctx, budget);
}

/* Parts of about the same size, more than there are workers, for one may have to serve meanwhile.
 */
static int cut(struct codec_job *j, struct codec_slot *s)
{
	uint32_t size = s->window.to - s->window.from, units = (size + CUT - 1) / CUT;
	unsigned parts = j->pool->workers > 1 ? 2 * j->pool->workers : 1;
	int e = 0;

	parts = parts < CODEC_PARTS_MAX ? parts : CODEC_PARTS_MAX;
	s->parts = parts < units ? parts : units;
	s->given = s->finished = 0;
	for (unsigned i = 0; e == 0 && i < s->parts; i++) {
		struct codec_part *p = &s->part[i];
		uint32_t from = units * i / s->parts * CUT, to = units * (i + 1) / s->parts * CUT;

		e = buffer_reserve(&p->scratch, assay_rq_solve_size(j->plan, j->wanted, size, 0));
		if (e == 0)
			e = assay_rq_solve_init(&p->solve, p->scratch.data, p->scratch.room,
						j->plan, j->wanted, &s->io, from,
						to < size ? to : size, 0);
		p->task = (struct task){.run = run_part, .ctx = p->solve};
	}
	return e;
}

static int fill(struct codec_job *j, struct codec_slot *s)
{
	struct codec_window *w = &s->window;
	struct assay_rq_piece piece;
	int e;

	must(assay_rq_piece(&piece, &j->params, &j->block, j->windows_read) == 0);
	*w = (struct codec_window){.number = j->windows_read,
				   .from = piece.offset,
				   .to = piece.offset + piece.size,
				   .source = s->rows.data};
	w->repair = w->source + (size_t)j->block.symbols * piece.size;
	e = j->io->read(j->io->ctx, w);
	if (e != 0)
		return e;
	j->windows_read++;
	point(j, s);
	e = cut(j, s);
	s->full = e == 0;
	return e;
}

static int step_slot(struct codec_job *j, struct codec_slot *s)
{
	int e = 0;

	if (s->full && s->finished == s->parts) {
		if (j->io->solved != NULL)
			e = j->io->solved(j->io->ctx, &s->window);
		s->full = false;
		j->windows_done++;
		j->columns_done += s->window.to - s->window.from;
	}
	if (e == 0 && !s->full && j->windows_read < j->params.sub_blocks)
		e = fill(j, s);
	while (e == 0 && s->full && s->given < s->parts && give(j, &s->part[s->given].task))
		s->given++;
	return e;
}

/* The older window first, so that its parts are given out first. */
static int step_windows(struct codec_job *j)
{
	unsigned older = j->slot[1].full && j->slot[1].window.number < j->slot[0].window.number;
	int e = 0;

	for (unsigned i = 0; e == 0 && i < CODEC_WINDOWS; i++)
		e = step_slot(j, &j->slot[(older + i) % CODEC_WINDOWS]);
	if (e == 0 && j->windows_done < j->params.sub_blocks)
		return ASSAY_E_AGAIN;
	return e;
}

/* --- the job -------------------------------------------------------------------------------- */

void codec_job_back(struct codec_job *j, struct task *task)
{
	j->out--;
	if (task == &j->prepare) {
		int e = prepare_ended(j);

		j->prepare_out = false;
		if (e == 0)
			j->phase = j->phase == CODEC_PLAN ? CODEC_IDLE : CODEC_SOLVE;
		else if (e != ASSAY_E_AGAIN && j->error == 0)
			j->error = e;
		return;
	}
	if (task->result != 0 && j->error == 0)
		j->error = task->result;
	for (unsigned i = 0; i < CODEC_WINDOWS; i++)
		if (task >= &j->slot[i].part[0].task &&
		    task <= &j->slot[i].part[CODEC_PARTS_MAX - 1].task)
			j->slot[i].finished++;
}

static int end(struct codec_job *j, int e)
{
	j->phase = CODEC_IDLE;
	for (unsigned i = 0; i < CODEC_WINDOWS; i++)
		j->slot[i].full = false;
	return e;
}

int codec_job_step(struct codec_job *j)
{
	if (j->error == 0 && j->phase != CODEC_IDLE && atomic_load(&j->cancel))
		j->error = ASSAY_E_CLOSED;
	if (j->error == 0 && j->phase == CODEC_SOLVE) {
		int e = step_windows(j);

		if (e == 0)
			return end(j, 0);
		if (e != ASSAY_E_AGAIN)
			j->error = e;
	}
	if (j->error == 0 && j->phase == CODEC_IDLE)
		return 0;
	if (j->error != 0 && j->out == 0)
		return end(j, j->error);
	if (j->error == 0 && j->phase != CODEC_SOLVE && !j->prepare_out)
		j->prepare_out = give(j, &j->prepare);
	return ASSAY_E_AGAIN;
}

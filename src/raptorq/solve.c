/* SPDX-License-Identifier: Apache-2.0 */
#include "raptorq/solve.h"

#include <string.h>

#include "assay/status.h"

/* Outputs that no cache can hold until somebody reads them. */
#define STREAM_MIN ((uint64_t)4 << 20)

static bool stream_pays(const struct assay_rq_wanted *wanted, uint32_t symbol_size)
{
	return wanted->len * (uint64_t)symbol_size >= STREAM_MIN && symbol_size >= 1024;
}

/* Measured on Zen 3 (512 KiB of L2): docs/raptorq-performance.md. */
static uint32_t best_width(const struct assay_rq_plan *plan, const struct assay_rq_wanted *wanted,
			   uint32_t symbol_size)
{
	/* Many outputs far apart in memory: each piece of one is a walk to another page. */
	bool far = symbol_size >= 4096 && wanted->len >= plan->code.k / 4;
	uint32_t width = plan->code.l <= 2500 || far ? 256 : 128;
	uint32_t unit = rq_kernel()->unit;

	while (width > unit && width > symbol_size)
		width /= 2;
	return width;
}

static bool width_valid(uint32_t width)
{
	return width % rq_kernel()->unit == 0 &&
	       (width == 32 || width == 64 || width == 128 || width == 256);
}

/* Deals the memory, or counts it when there is none. */
static void deal(struct assay_rq_solve *s, struct rq_arena *a, const struct assay_rq_plan *p,
		 enum assay_rq_way way, size_t len, uint32_t width)
{
	size_t from = p->steps_len + p->pivots;

	s->in.spare = rq_arena_take(a, width);
	s->out.spare = rq_arena_take(a, width);
	s->pointers = (const uint8_t **)rq_arena_take(a, (from + 64) * sizeof(*s->pointers));
	s->outs =
		rq_arena_take(a, (way != ASSAY_RQ_BACK ? len : RQ_EMIT) * (size_t)width + RQ_LINE);
	s->carry = rq_arena_take(a, len * RQ_LINE);
	if (way == ASSAY_RQ_DIRECT) {
		s->rows = rq_arena_take(a, from * width);
		return;
	}
	s->rows = rq_arena_take(a, (p->code.l + 1 + p->pivots) * (size_t)width);
	s->tables = rq_arena_take(a, 32768);
	s->buckets = rq_arena_take(a, (RQ_PAIR_DUMP(&p->code) + 1) * (size_t)width);
	s->running = rq_arena_take(a, width);
	s->hdpc = rq_arena_take(a, 2 * RQ_HDPC_MAX * (size_t)width);
}

size_t rq_solve_size(const struct assay_rq_plan *plan, enum assay_rq_way way, size_t len,
		     uint32_t width)
{
	struct assay_rq_solve s;
	struct rq_arena a = {NULL, 0, (sizeof(s) + 63) & ~(size_t)63};

	deal(&s, &a, plan, way, len, width);
	return a.used;
}

size_t assay_rq_solve_size(const struct assay_rq_plan *plan, const struct assay_rq_wanted *wanted,
			   uint32_t symbol_size, uint32_t width)
{
	if (width == 0)
		width = best_width(plan, wanted, symbol_size);
	return width_valid(width) ? rq_solve_size(plan, wanted->way, wanted->len, width) : 0;
}

static bool io_valid(const struct assay_rq_solve *s)
{
	const struct assay_rq_io *io = &s->io;

	if (io->symbol_size == 0 || io->symbol_size > ASSAY_RQ_SYMBOL_MAX || io->alignment == 0 ||
	    io->symbol_size % io->alignment != 0 || io->sub_blocks == 0 ||
	    io->sub_blocks > io->symbol_size / io->alignment)
		return false;
	return s->from < s->to && s->to <= io->symbol_size &&
	       (io->known != NULL || io->source != NULL) &&
	       (io->wanted != NULL || io->sink != NULL);
}

int assay_rq_solve_init(struct assay_rq_solve **solve, void *memory, size_t size,
			const struct assay_rq_plan *plan, const struct assay_rq_wanted *wanted,
			const struct assay_rq_io *io, uint32_t from, uint32_t to, uint32_t width)
{
	struct assay_rq_solve *s = memory;
	struct rq_arena a = {memory, size, (sizeof(*s) + 63) & ~(size_t)63};

	if (size < sizeof(*s))
		return ASSAY_E_NOMEM;
	*s = (struct assay_rq_solve){
		.plan = plan, .wanted = wanted, .io = *io, .from = from, .to = to};
	s->width = width != 0 ? width : best_width(plan, wanted, io->symbol_size);
	if (!width_valid(s->width) || !io_valid(s))
		return ASSAY_E_INVAL;
	deal(s, &a, plan, wanted->way, wanted->len, s->width);
	if (a.used > a.size)
		return ASSAY_E_NOMEM;
	s->stream = stream_pays(wanted, io->symbol_size) && s->width >= 2 * RQ_LINE;
	s->pieces = io->source != NULL || io->sink != NULL ? io->sub_blocks : 1;
	s->offset = from;
	s->follows = UINT32_MAX;
	s->weight = rq_weight(plan->code.l * (size_t)s->width);
	s->gather = (struct rq_gather){s->rows, s->width, plan->list, s->rows, &s->in};
	s->emit = (struct rq_gather){s->rows, s->width, wanted->list, s->rows, NULL};
	s->pointers[0] = NULL;
	if (wanted->way != ASSAY_RQ_DIRECT)
		s->gather.zero = s->rows + plan->code.l * (size_t)s->width;
	*solve = s;
	return 0;
}

/* The part of every symbol that sub-block `piece` holds (RFC 6330, 4.4.1.2). */
static uint32_t piece_offset(const struct assay_rq_solve *s, uint32_t piece)
{
	uint32_t units = s->io.symbol_size / s->io.alignment;
	uint32_t size = units / s->pieces, longer = units % s->pieces;

	return (piece * size + (piece < longer ? piece : longer)) * s->io.alignment;
}

static void port_move(struct assay_rq_solve *s, struct rq_port *port, const uint8_t *object,
		      uint64_t len, uint32_t start, uint32_t stride)
{
	uint64_t last = s->plan->code.k - 1;
	uint64_t at = (uint64_t)start * s->plan->code.k + (s->offset - start);

	port->offset = s->offset;
	port->row = s->width;
	port->width = s->size;
	port->stride = stride;
	port->object = object != NULL ? (uint8_t *)object + at : NULL;
	port->end = object != NULL ? (uint8_t *)object + len : NULL;
	port->careful =
		s->size < s->width || (object != NULL && at + last * stride + s->width > len);
}

/* Puts the next stripe before the phases. Stripes do not cross sub-blocks; the last of a sub-block
 * is moved back over its neighbour so that it has the full width. */
static void stripe(struct assay_rq_solve *s)
{
	uint32_t start = piece_offset(s, s->piece), end = piece_offset(s, s->piece + 1), low, high;
	bool whole;

	while (s->offset >= end) {
		start = end;
		end = piece_offset(s, ++s->piece + 1);
	}
	low = start > s->from ? start : s->from;
	high = end < s->to ? end : s->to;
	whole = high - s->offset >= s->width;
	if (!whole)
		s->offset = high - low < s->width ? low : high - s->width;
	s->size = high - s->offset < s->width ? high - s->offset : s->width;
	port_move(s, &s->in, s->io.source, s->io.source_len, start, end - start);
	port_move(s, &s->out, s->io.sink, s->io.sink_len, start, end - start);
	s->in.symbol = (uint8_t *const *)s->io.known;
	s->out.symbol = s->io.wanted;
	s->streams = s->stream && whole && !s->out.careful;
	s->carries = s->streams && s->follows == s->offset;
	s->flushes = high - s->offset < 2 * s->width;
	s->follows = s->streams && !s->flushes ? s->offset + s->width : UINT32_MAX;
}

static rq_phase *const *phases_of(const struct assay_rq_solve *s)
{
	switch (s->wanted->way) {
	case ASSAY_RQ_DIRECT:
		return rq_phases_direct;
	case ASSAY_RQ_SHORT:
		return rq_phases_short;
	default:
		return rq_phases_back;
	}
}

int rq_solve_spend(struct assay_rq_solve *s, uint64_t *budget)
{
	rq_phase *const *phases = phases_of(s);

	while (s->offset < s->to) {
		if (s->phase == 0 && s->at == 0 && s->part == 0)
			stripe(s);
		while (phases[s->phase] != NULL) {
			if (phases[s->phase](s, budget)) {
				s->phase++;
				s->at = s->part = 0;
			}
			if (*budget == 0 && phases[s->phase] != NULL)
				return ASSAY_E_AGAIN;
		}
		s->phase = 0;
		s->offset += s->size;
		if (*budget == 0 && s->offset < s->to)
			return ASSAY_E_AGAIN;
	}
	__builtin_ia32_sfence(); /* streamed outputs are there for whoever hears of the end */
	return 0;
}

int assay_rq_solve_run(struct assay_rq_solve *s, uint64_t budget)
{
	return rq_solve_spend(s, &budget);
}

uint32_t assay_rq_solve_done(const struct assay_rq_solve *s)
{
	return s->offset - s->from;
}

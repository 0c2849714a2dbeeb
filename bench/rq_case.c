/* SPDX-License-Identifier: Apache-2.0 */
#include "rq_case.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/must.h"

double rq_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

double rq_fastest(struct rq_case *c, void (*run)(struct rq_case *c))
{
	double best = 1e9, end = rq_now() + c->seconds;

	do {
		double start = rq_now(), took;

		run(c);
		took = rq_now() - start;
		best = took < best ? took : best;
	} while (rq_now() < end);
	return best;
}

void rq_plan(struct rq_case *c)
{
	must(box_plan(&c->box, c->k, c->encodes ? NULL : c->known, c->known_len) == 0);
}

void rq_lists(struct rq_case *c)
{
	must(box_wanted(&c->box, c->ids, c->ids_len, c->t) == 0);
}

void rq_numbers(struct rq_case *c)
{
	must(box_solve(&c->box, &c->io) == 0);
}

void rq_everything(struct rq_case *c)
{
	rq_plan(c);
	rq_lists(c);
	rq_numbers(c);
}

static uint8_t *repair_of(struct rq_case *c, size_t i)
{
	return c->repair + i * c->stride;
}

/* Repair symbols [first, first + n) of the case. */
static void want(struct rq_case *c, size_t first, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		c->ids[c->ids_len] = c->k + first + i;
		c->to[c->ids_len++] = repair_of(c, first + i);
	}
}

void rq_want_repair(struct rq_case *c)
{
	c->encodes = true;
	c->known_len = c->k;
	c->ids_len = 0;
	want(c, 0, (c->k + 9) / 10);
	c->io = (struct assay_rq_io){.source = c->object,
				     .source_len = c->bytes,
				     .wanted = c->to,
				     .symbol_size = c->t,
				     .sub_blocks = 1,
				     .alignment = 1};
}

void rq_want_lost(struct rq_case *c, unsigned percent, bool heal)
{
	size_t lost = ((size_t)c->k * percent + 99) / 100;
	uint8_t *gone = calloc(c->k, 1);
	uint64_t seed = percent;

	memcpy(c->copy, c->object, c->bytes);
	c->encodes = false;
	c->known_len = c->ids_len = 0;
	for (size_t i = 0; i < lost;) {
		uint32_t esi = box_random(&seed) % c->k;

		i += !gone[esi];
		gone[esi] = 1;
	}
	for (uint32_t esi = 0; esi < c->k; esi++)
		if (gone[esi]) {
			memset(c->copy + (size_t)esi * c->t, 0, c->t);
			c->to[c->ids_len] = NULL;
			c->ids[c->ids_len++] = esi;
		} else {
			c->from[c->known_len] = NULL;
			c->known[c->known_len++] = esi;
		}
	for (size_t i = 0; i < lost + 1; i++) {
		c->from[c->known_len] = repair_of(c, i);
		c->known[c->known_len++] = c->k + i;
	}
	if (heal)
		want(c, c->k + 1, 5 * (size_t)c->k);
	c->io = (struct assay_rq_io){.source = c->copy,
				     .source_len = c->bytes,
				     .known = c->from,
				     .sink = c->copy,
				     .sink_len = c->bytes,
				     .wanted = c->to,
				     .symbol_size = c->t,
				     .sub_blocks = 1,
				     .alignment = 1};
	free(gone);
}

void rq_case_check(const struct rq_case *c)
{
	must(c->encodes || memcmp(c->copy, c->object, c->bytes) == 0);
}

void rq_case_open(struct rq_case *c, uint32_t k, uint32_t t, double seconds)
{
	size_t repair, room;

	*c = (struct rq_case){.k = k, .t = t, .seconds = seconds, .bytes = (size_t)k * t};
	c->heals = t >= 65528 && k <= 2000;
	c->stride = (t + 63) & ~(size_t)63;
	repair = (c->heals ? 6 : 1) * (size_t)k + 1;
	room = 2 * (size_t)k + repair;
	c->object = box_alloc(c->bytes);
	c->copy = box_alloc(c->bytes);
	c->repair = box_alloc(repair * c->stride);
	c->known = box_alloc(room * sizeof(*c->known));
	c->ids = box_alloc(room * sizeof(*c->ids));
	c->from = box_alloc(room * sizeof(*c->from));
	c->to = box_alloc(room * sizeof(*c->to));
	box_fill(c->object, c->bytes, 1);
	rq_want_repair(c);
	c->ids_len = 0;
	want(c, 0, k + 1);
	rq_everything(c);
}

void rq_case_close(struct rq_case *c)
{
	free(c->object);
	free(c->copy);
	free(c->repair);
	free(c->known);
	free(c->ids);
	free(c->from);
	free(c->to);
	box_free(&c->box);
}

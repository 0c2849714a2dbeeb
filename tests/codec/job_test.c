/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The job's state machine with a pool that a test drives: tasks are refused, done in any order, in
 * slices of any size, and come back when it pleases; callbacks fail; the job is cancelled anywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "assay/status.h"
#include "codec/job.h"
#include "raptorq/code.h"
#include "raptorq/box.h"

enum { SLOTS = 8 };

struct chaos {
	struct task_pool pool;
	struct task *task[SLOTS];
	unsigned count, slots;
	uint64_t seed, budget; /* at most; 0: no end */
	unsigned refused, started_while_out;
};

static uint64_t below(struct chaos *c, uint64_t n)
{
	return box_random(&c->seed) % n;
}

static bool chaos_submit(void *ctx, struct task *t)
{
	struct chaos *c = ctx;

	if (c->count == c->slots || below(c, 5) == 0) {
		c->refused++;
		return false;
	}
	c->started_while_out += c->count > 0;
	c->task[c->count++] = t;
	return true;
}

/* Some slice of some task; only now and then does one come back. */
static struct task *chaos_take(void *ctx, bool wait)
{
	struct chaos *c = ctx;
	unsigned i = c->count > 0 ? below(c, c->count) : 0;
	struct task *t = c->task[i];

	if (c->count == 0)
		return NULL;
	t->result = atomic_load(t->cancel) ? ASSAY_E_CLOSED
					   : t->run(t->ctx, c->budget != 0 ? 1 + below(c, c->budget)
									   : ASSAY_RQ_FOREVER);
	if (t->result == ASSAY_E_AGAIN)
		return NULL;
	c->task[i] = c->task[--c->count];
	return t;
}

static void chaos_open(struct chaos *c, uint64_t seed, unsigned workers, uint64_t budget)
{
	*c = (struct chaos){.seed = seed, .budget = budget, .slots = 1 + seed % SLOTS};
	c->pool = (struct task_pool){chaos_submit, chaos_take, workers, c};
}

/* An object, its repair symbols, and what of them is at hand. */
struct object {
	struct assay_rq_params p;
	struct assay_rq_block b;
	uint8_t *data, *copy, *repair;
	size_t padded;	       /* K * T */
	uint32_t *known, *ids; /* room for all symbols */
	uint8_t **to;
	size_t known_len, lost_len, ids_len, repair_len;
	uint8_t *heal;
	/* of the callbacks */
	unsigned calls, fail_at, windows;
	int error;
};

enum { REPAIR = 300, HEAL = 20 };

static int may_fail(struct object *o)
{
	o->calls++;
	return o->calls == o->fail_at ? o->error : 0;
}

/* The grid of n symbols: sub-blocks one behind another. */
static uint8_t *rows_of(uint8_t *grid, const struct codec_window *w, size_t n)
{
	return grid + w->from * n;
}

static void columns(uint8_t *to, const uint8_t *symbol, const struct codec_window *w)
{
	memcpy(to, symbol + w->from, w->to - w->from);
}

static int read_window(void *ctx, const struct codec_window *w)
{
	struct object *o = ctx;
	size_t size = w->to - w->from, k = o->b.symbols;

	memcpy(w->source, rows_of(o->copy, w, k), k * size);
	for (size_t i = 0, row = 0; i < o->known_len; i++)
		if (o->known[i] >= k)
			columns(w->repair + size * row++,
				o->repair + (o->known[i] - k) * o->p.symbol_size, w);
	return may_fail(o);
}

static int solved_window(void *ctx, const struct codec_window *w)
{
	struct object *o = ctx;

	memcpy(rows_of(o->copy, w, o->b.symbols), w->source,
	       (size_t)o->b.symbols * (w->to - w->from));
	o->windows++;
	return may_fail(o);
}

static int run(struct codec_job *j, struct chaos *c, uint64_t cancel_at)
{
	uint64_t turns = 0;
	int e;

	while ((e = codec_job_step(j)) == ASSAY_E_AGAIN) {
		struct task *t = c->pool.take(c->pool.ctx, true);

		if (t != NULL)
			codec_job_back(j, t);
		if (++turns == cancel_at)
			atomic_store(&j->cancel, true);
		assert_true(codec_job_done(j) <=
			    (uint64_t)j->block.symbols * j->params.symbol_size);
		assert_true(turns < 10000000);
	}
	assert_int_equal(c->count, 0); /* nothing of the job is left with a worker */
	return e;
}

/* Encodes through a job as well: all repair symbols the test has. */
static void object_make(struct object *o, uint64_t seed, uint32_t k, uint32_t t, uint32_t n)
{
	static const struct codec_io io = {.read = read_window};
	struct codec_io mine = io;
	struct codec_job j;
	struct chaos c;

	memset(o, 0, sizeof(*o));
	o->p = (struct assay_rq_params){(uint64_t)k * t - seed % t, t, 1, n, 8};
	assert_int_equal(assay_rq_block(&o->b, &o->p, 0), 0);
	o->padded = (size_t)k * t;
	o->data = calloc(o->padded, 1);
	o->copy = malloc(o->padded);
	o->repair = malloc((size_t)REPAIR * t);
	o->heal = malloc((size_t)HEAL * t);
	o->known = calloc(k + REPAIR, sizeof(*o->known));
	o->ids = calloc(k + REPAIR, sizeof(*o->ids));
	o->to = calloc(k + REPAIR, sizeof(*o->to));
	box_fill(o->data, o->p.length, seed);
	memset(o->data + o->p.length, 0, o->padded - o->p.length);
	memcpy(o->copy, o->data, o->padded);
	for (uint32_t i = 0; i < REPAIR; i++) {
		o->ids[i] = k + i;
		o->to[i] = o->repair + (size_t)i * t;
	}
	chaos_open(&c, seed, 1 + seed % 4, 0);
	codec_job_init(&j, &c.pool, &o->p, &o->b);
	mine.ctx = o;
	assert_int_equal(codec_job_plan(&j, NULL, 0), 0);
	assert_int_equal(run(&j, &c, 0), 0);
	assert_int_equal(codec_job_solve(&j, o->ids, o->to, REPAIR, &mine), 0);
	assert_int_equal(run(&j, &c, 0), 0);
	codec_job_free(&j);
	o->calls = 0;
}

static void object_free(struct object *o)
{
	free(o->data);
	free(o->copy);
	free(o->repair);
	free(o->heal);
	free(o->known);
	free(o->ids);
	free(o->to);
}

/* The first symbols are lost; as many repair symbols and `extra` more are at hand; a heal wants the
 * lost ones in place and HEAL others. */
static void lose(struct object *o, uint32_t lost, int extra)
{
	uint32_t k = o->b.symbols, t = o->p.symbol_size;

	o->known_len = o->ids_len = o->windows = o->calls = 0;
	memcpy(o->copy, o->data, o->padded);
	for (uint32_t i = 0; i < k; i++)
		if (i >= lost)
			o->known[o->known_len++] = i;
	for (uint32_t j = 0; j < o->p.sub_blocks; j++) {
		struct assay_rq_piece piece;

		assay_rq_piece(&piece, &o->p, &o->b, j);
		memset(o->copy + piece.start, 0x5a, (size_t)lost * piece.size);
	}
	for (uint32_t i = 0; i < lost + extra; i++)
		o->known[o->known_len++] = k + i;
	for (uint32_t i = 0; i < lost; i++) {
		o->to[o->ids_len] = NULL;
		o->ids[o->ids_len++] = i;
	}
	for (uint32_t i = 0; i < HEAL; i++) {
		o->to[o->ids_len] = o->heal + (size_t)i * t;
		o->ids[o->ids_len++] = k + REPAIR - HEAL + i;
	}
	memset(o->heal, 0, (size_t)HEAL * t);
}

static int heal(struct object *o, struct chaos *c, uint64_t cancel_at)
{
	struct codec_io io = {.read = read_window, .solved = solved_window, .ctx = o};
	struct codec_job j;
	int e;

	codec_job_init(&j, &c->pool, &o->p, &o->b);
	e = codec_job_plan(&j, o->known, o->known_len);
	if (e == 0)
		e = run(&j, c, cancel_at);
	if (e == 0)
		e = codec_job_solve(&j, o->ids, o->to, o->ids_len, &io);
	if (e == 0)
		e = run(&j, c, cancel_at);
	codec_job_free(&j);
	return e;
}

static void healed(struct object *o)
{
	uint32_t t = o->p.symbol_size;

	assert_memory_equal(o->copy, o->data, o->padded);
	assert_memory_equal(o->heal, o->repair + (size_t)(REPAIR - HEAL) * t, (size_t)HEAL * t);
	assert_int_equal(o->windows, o->p.sub_blocks);
}

static const uint32_t shapes[][3] = {
	{1, 8, 1}, {7, 72, 9}, {40, 4096, 1}, {40, 4096, 3}, {200, 1048, 5}, {260, 2056, 2},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* However the work is dealt out, the octets are the same, and those of the codec alone. */
static void any_pool(void **state)
{
	static const uint64_t budgets[] = {0, 30, 1000, 100000};
	unsigned together = 0, refused = 0;

	for (unsigned s = 0; s < SHAPES; s++) {
		struct object o;

		object_make(&o, s + 1, shapes[s][0], shapes[s][1], shapes[s][2]);
		for (unsigned round = 0; round < 12; round++) {
			struct chaos c;

			chaos_open(&c, 100 * s + round, 1 + round % 6, budgets[round % 4]);
			lose(&o, round % 3 == 2 ? o.b.symbols : o.b.symbols / 3, 3);
			assert_int_equal(heal(&o, &c, 0), 0);
			healed(&o);
			together += c.started_while_out;
			refused += c.refused;
		}
		object_free(&o);
	}
	assert_true(together > 100 && refused > 100);
}

static void same_as_codec(void **state)
{
	struct object o;
	struct box box = {0};
	uint8_t *out;
	struct assay_rq_io io;

	object_make(&o, 3, 150, 1000, 4);
	out = malloc((size_t)REPAIR * 1000);
	for (uint32_t i = 0; i < REPAIR; i++)
		o.to[i] = out + (size_t)i * 1000;
	io = (struct assay_rq_io){.source = o.data,
				  .source_len = o.p.length,
				  .wanted = o.to,
				  .symbol_size = 1000,
				  .sub_blocks = 4,
				  .alignment = 8};
	assert_int_equal(box_plan(&box, 150, NULL, 150), 0);
	assert_int_equal(box_wanted(&box, o.ids, REPAIR, 1000), 0);
	assert_int_equal(box_solve(&box, &io), 0);
	assert_memory_equal(out, o.repair, (size_t)REPAIR * 1000);
	free(out);
	box_free(&box);
	object_free(&o);
}

static void cancelled_anywhere(void **state)
{
	struct object o;
	unsigned closed = 0, through = 0;

	object_make(&o, 5, 60, 1200, 6);
	for (uint64_t at = 1; at < 3000; at += 1 + at / 8) {
		struct chaos c;
		int e;

		chaos_open(&c, at, 3, 500);
		lose(&o, 20, 2);
		e = heal(&o, &c, at);
		assert_true(e == 0 || e == ASSAY_E_CLOSED);
		closed += e != 0;
		through += e == 0;
		if (e == 0)
			healed(&o);
	}
	assert_true(closed > 5 && through > 0);
	object_free(&o);
}

static void failing_anywhere(void **state)
{
	struct object o;

	object_make(&o, 6, 50, 800, 5);
	for (unsigned at = 1; at <= 11; at++) {
		struct chaos c;

		chaos_open(&c, at, 2, 2000);
		lose(&o, 10, 2);
		o.fail_at = at;
		o.error = at % 2 != 0 ? ASSAY_E_IO : ASSAY_E_NOSPC;
		/* five windows are read and five are taken */
		assert_int_equal(heal(&o, &c, 0), at <= 10 ? o.error : 0);
	}
	object_free(&o);
}

/* Too few symbols, then one after the other: the same job finds its plan. */
static void until_enough(void **state)
{
	struct object o;
	struct codec_job j;
	struct chaos c;
	size_t enough;
	int e;

	object_make(&o, 7, 90, 80, 1);
	lose(&o, 30, 10);
	enough = o.known_len;
	chaos_open(&c, 1, 2, 300);
	codec_job_init(&j, &c.pool, &o.p, &o.b);
	for (size_t len = 80; len <= enough; len++) {
		assert_int_equal(codec_job_plan(&j, o.known, len), 0);
		e = run(&j, &c, 0);
		assert_true(e == 0 || e == ASSAY_E_NOTFOUND);
		assert_true(e == 0 || codec_job_missing(&j) > 0);
		assert_true(len >= 90 || (e != 0 && codec_job_missing(&j) >= 90 - len));
		if (e == 0)
			break;
	}
	assert_int_equal(e, 0);
	codec_job_free(&j);
	object_free(&o);
}

/* Only symbols of the highest degrees: the plan asks for more memory than random sets need. */
static void memory_grows(void **state)
{
	enum { K = 300 };
	struct assay_rq_params p = {K * 8, 8, 1, 1, 8};
	struct assay_rq_block b;
	struct codec_job j;
	struct chaos c;
	uint32_t known[K + 10];
	struct rq_code code;
	size_t len = 0;

	assert_int_equal(rq_code(&code, K), 0);
	assert_int_equal(assay_rq_block(&b, &p, 0), 0);
	for (uint32_t esi = K; len < K + 10; esi++) {
		uint16_t columns[RQ_ROW_MAX];
		unsigned lt;

		rq_code_columns(&code, rq_code_internal(&code, esi), columns, &lt);
		if (lt >= 25)
			known[len++] = esi;
	}
	chaos_open(&c, 2, 1, 0);
	codec_job_init(&j, &c.pool, &p, &b);
	assert_int_equal(codec_job_plan(&j, known, len), 0);
	assert_int_equal(run(&j, &c, 0), 0);
	assert_true(j.plan_memory.room > assay_rq_plan_size(K, len) + 4096);
	codec_job_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_pool),	      cmocka_unit_test(same_as_codec),
		cmocka_unit_test(cancelled_anywhere), cmocka_unit_test(failing_anywhere),
		cmocka_unit_test(until_enough),	      cmocka_unit_test(memory_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

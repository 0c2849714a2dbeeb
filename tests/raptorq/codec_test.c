/* SPDX-License-Identifier: Apache-2.0 */
/* The codec against its slow twin, over random blocks, losses, shapes, kernels, ways and budgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "assay/raptorq.h"
#include "assay/status.h"
#include "raptorq/code.h"
#include "raptorq/box.h"
#include "raptorq/twin.h"

/* A block whose object ends somewhere in its last symbol, with K + extra symbols received. */
struct block {
	struct assay_rq_params p;
	struct assay_rq_block b;
	uint8_t *source, *copy; /* as in the object */
	uint8_t *symbols;	/* one behind another, the lost and the repair ones too */
	uint32_t *known;
	const uint8_t **from;
	size_t known_len;
	uint32_t *ids; /* lost source symbols, then repair ones nobody has */
	uint8_t **to;
	uint8_t *heal;
	size_t lost_len, ids_len;
	bool loose; /* known source symbols lie behind pointers, not in the object */
};

enum { REPAIR = 12, HEAL = 5 };

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	return box_random(&seed) % n;
}

static void block_make(struct block *x, uint32_t k, uint32_t t, uint32_t al, uint32_t n)
{
	size_t repair = k + REPAIR + HEAL;

	memset(x, 0, sizeof(*x));
	x->p = (struct assay_rq_params){(uint64_t)k * t - below(t), t, 1, n, al};
	assert_int_equal(assay_rq_block(&x->b, &x->p, 0), 0);
	assert_int_equal(x->b.symbols, k);
	x->source = malloc(x->p.length);
	x->copy = malloc(x->p.length);
	box_fill(x->source, x->p.length, box_random(&seed));
	x->symbols = malloc((k + repair) * t);
	x->known = malloc((k + repair) * sizeof(*x->known));
	x->from = malloc((k + repair) * sizeof(*x->from));
	x->ids = malloc((k + repair) * sizeof(*x->ids));
	x->to = malloc((k + repair) * sizeof(*x->to));
	x->heal = malloc((k + repair) * t);
	for (uint32_t i = 0; i < k; i++)
		assay_rq_source_symbol(x->symbols + i * t, &x->p, &x->b, x->source, i);
}

static void block_free(struct block *x)
{
	free(x->source);
	free(x->copy);
	free(x->symbols);
	free(x->known);
	free(x->from);
	free(x->ids);
	free(x->to);
	free(x->heal);
}

static struct assay_rq_io io_of(struct block *x)
{
	return (struct assay_rq_io){.source = x->source,
				    .source_len = x->p.length,
				    .wanted = x->to,
				    .symbol_size = x->p.symbol_size,
				    .sub_blocks = x->p.sub_blocks,
				    .alignment = x->p.alignment};
}

/* All repair symbols the test will use, behind the source ones. */
static void encode(struct block *x, struct box *box)
{
	uint32_t k = x->b.symbols;
	size_t len = k + REPAIR + HEAL;
	struct assay_rq_io io;

	for (size_t i = 0; i < len; i++) {
		x->ids[i] = k + i;
		x->to[i] = x->symbols + (k + i) * x->p.symbol_size;
	}
	io = io_of(x);
	assert_int_equal(box_plan(box, k, NULL, k), 0);
	assert_int_equal(box_wanted(box, x->ids, len, x->p.symbol_size), 0);
	assert_int_equal(box_solve(box, &io), 0);
}

/* Each source symbol is lost with chance percent; extra repair symbols beyond K, in any order. */
static void lose(struct block *x, uint32_t percent, int extra)
{
	uint32_t k = x->b.symbols, t = x->p.symbol_size;

	memcpy(x->copy, x->source, x->p.length);
	x->known_len = x->ids_len = 0;
	for (uint32_t i = 0; i < k; i++) {
		if (below(100) < percent) {
			x->to[x->ids_len] = NULL;
			x->ids[x->ids_len++] = i;
		} else {
			x->known[x->known_len++] = i;
		}
	}
	x->lost_len = x->ids_len;
	for (size_t i = 0; i < x->lost_len + extra; i++)
		x->known[x->known_len++] = k + i;
	for (size_t i = x->known_len; i > 1; i--) {
		size_t j = below(i);
		uint32_t swap = x->known[j];

		x->known[j] = x->known[i - 1];
		x->known[i - 1] = swap;
	}
	for (size_t i = 0; i < x->known_len; i++)
		x->from[i] = x->known[i] < k && !x->loose ? NULL : x->symbols + x->known[i] * t;
	for (uint32_t i = 0; i < HEAL; i++) {
		x->to[x->ids_len] = x->heal + i * t;
		x->ids[x->ids_len++] = k + k + REPAIR + i;
	}
}

/* What was lost is overwritten in the copy, so that only the codec can bring it back. */
static void damage(struct block *x)
{
	for (size_t l = 0; l < x->lost_len; l++)
		for (uint32_t j = 0; j < x->p.sub_blocks; j++) {
			struct assay_rq_piece piece;
			uint64_t at;

			assert_int_equal(assay_rq_piece(&piece, &x->p, &x->b, j), 0);
			at = piece.start + (uint64_t)x->ids[l] * piece.size;
			for (uint64_t o = at; o < at + piece.size && o < x->p.length; o++)
				x->copy[o] = ~x->copy[o];
		}
	memset(x->heal, 0x5a, HEAL * x->p.symbol_size);
}

static int decode(struct block *x, struct box *box)
{
	struct assay_rq_io io = io_of(x);
	int e = box_plan(box, x->b.symbols, x->known, x->known_len);

	if (e != 0)
		return e;
	damage(x);
	io.source = x->loose ? NULL : x->copy;
	io.known = x->from;
	io.sink = x->copy;
	io.sink_len = x->p.length;
	assert_int_equal(box_wanted(box, x->ids, x->ids_len, x->p.symbol_size), 0);
	assert_int_equal(box_solve(box, &io), 0);
	return 0;
}

static void check(struct block *x)
{
	uint32_t t = x->p.symbol_size, k = x->b.symbols;

	assert_memory_equal(x->copy, x->source, x->p.length);
	assert_memory_equal(x->heal, x->symbols + (2 * k + REPAIR) * t, HEAL * t);
}

/* Shapes: the symbol size in units of Al, and how many sub-blocks. */
static void random_shape(uint32_t *t, uint32_t *al, uint32_t *n, uint32_t units_max)
{
	static const uint32_t alignments[] = {1, 2, 4, 8};
	uint32_t units = 1 + below(units_max);

	*al = alignments[below(4)];
	*t = units * *al;
	*n = 1 + below(units < 12 ? units : 12);
}

static void with_twin(void **state)
{
	seed = 1;
	for (int round = 0; round < 60; round++) {
		struct box box = {0};
		struct block x;
		uint32_t t, al, n, k = 1 + below(40), l = twin_intermediate(k);
		uint8_t *c, *values, *symbol;
		int e;

		random_shape(&t, &al, &n, 6);
		block_make(&x, k, t, al, n);
		encode(&x, &box);
		c = malloc((size_t)l * t);
		values = malloc((2 * k + REPAIR + HEAL) * t);
		symbol = malloc(t);
		for (uint32_t i = 0; i < k; i++)
			x.known[i] = i;
		assert_true(twin_solve(c, k, x.known, x.symbols, k, t));
		for (uint32_t i = 0; i < 2 * k + REPAIR; i++) {
			twin_symbol(symbol, k, i, c, t);
			assert_memory_equal(symbol, x.symbols + i * t, t);
		}
		lose(&x, below(101), below(3));
		for (size_t i = 0; i < x.known_len; i++)
			memcpy(values + i * t, x.symbols + x.known[i] * t, t);
		e = decode(&x, &box);
		assert_int_equal(e == 0, twin_solve(c, k, x.known, values, x.known_len, t));
		if (e == 0)
			check(&x);
		free(c);
		free(values);
		free(symbol);
		block_free(&x);
		box_free(&box);
	}
}

/* Sets with fewer than K symbols, doubles among them, and sets of K that may fail. */
static void rank_with_twin(void **state)
{
	unsigned failed = 0;

	seed = 2;
	for (int round = 0; round < 400; round++) {
		uint32_t k = 1 + below(16), known[24], l = twin_intermediate(k), missing;
		uint8_t *c = malloc(l), values[24] = {0};
		size_t len = k - (round % 8 == 0 && k > 1) + below(3);
		struct box box = {0};
		int e;

		for (size_t i = 0; i < len; i++)
			known[i] = below(round % 3 == 0 ? 2 * k : 100000);
		e = box_plan(&box, k, known, len);
		missing = e == 0 ? 0 : assay_rq_plan_missing(box.plan);
		assert_true(e == 0 || e == ASSAY_E_NOTFOUND);
		assert_int_equal(e == 0, twin_solve(c, k, known, values, len, 1));
		assert_true(e == 0 || missing > 0);
		failed += e != 0;
		free(c);
		box_free(&box);
	}
	assert_true(failed > 20 && failed < 380);
}

static void larger(void **state)
{
	seed = 3;
	for (int round = 0; round < 40; round++) {
		struct box box = {0};
		struct block x;
		uint32_t t, al, n;

		random_shape(&t, &al, &n, round % 2 != 0 ? 150 : 700);
		box.way = below(3);
		block_make(&x, 1 + below(round < 30 ? 400 : 3000), t, al, n);
		x.loose = round % 4 == 0;
		encode(&x, &box);
		lose(&x, below(101), 1 + below(REPAIR));
		if (decode(&x, &box) == 0)
			check(&x);
		else
			assert_true(x.known_len < x.b.symbols + 4u);
		block_free(&x);
		box_free(&box);
	}
}

/* Few outputs as products of the known symbols: in place and copied, with and without columns that
 * are left to the HDPC rows, in slices and at once. */
static void direct(void **state)
{
	unsigned binary = 0, mixed = 0;

	seed = 7;
	for (int round = 0; round < 24; round++) {
		struct box whole = {0}, box = {.way = ASSAY_RQ_DIRECT};
		struct assay_rq_plan_facts facts;
		struct block x;
		uint32_t t, al, n, k = 1 + below(round < 16 ? 300 : 1800);

		random_shape(&t, &al, &n, 100);
		block_make(&x, round == 0 ? 20 : k, round == 0 ? 5000 : t, al, round == 0 ? 1 : n);
		encode(&x, &whole);
		lose(&x, x.b.symbols > 100 ? 1 + below(2) : below(40), round % 2 != 0 ? REPAIR : 2);
		box.budget = round % 3 == 0 ? 1 + below(3000) : 0;
		assert_true(x.ids_len <= 64);
		assert_int_equal(decode(&x, &box), 0);
		assert_int_equal(assay_rq_wanted_way(box.wanted), ASSAY_RQ_DIRECT);
		check(&x);
		assay_rq_plan_facts(&facts, box.plan);
		binary += facts.hdpc_unknowns == 0;
		mixed += facts.hdpc_unknowns > 0;
		block_free(&x);
		box_free(&whole);
		box_free(&box);
	}
	assert_true(binary > 0 && mixed > 0);
}

/* Every kernel, width and way gives the same octets. */
static void same_everywhere(void **state)
{
	static const uint32_t shapes[][4] = {{10, 1, 1, 1},
					     {26, 31, 1, 3},
					     {101, 264, 8, 2},
					     {33, 1280, 8, 5},
					     {300, 100, 4, 1}};

	seed = 4;
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		struct block x;
		struct box box = {0};

		block_make(&x, shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3]);
		encode(&x, &box);
		lose(&x, 10, 2);
		for (unsigned i = 0; assay_rq_kernel_name(i) != NULL; i++)
			for (uint32_t width = 0; width <= 256; width = width == 0 ? 32 : 2 * width)
				for (int way = ASSAY_RQ_BEST; way <= ASSAY_RQ_DIRECT; way++) {
					assert_int_equal(
						assay_rq_kernel_use(assay_rq_kernel_name(i)), 0);
					box_free(&box);
					box.way = way;
					box.width = width;
					if (x.ids_len > 64 && way == ASSAY_RQ_DIRECT)
						continue;
					assert_int_equal(decode(&x, &box), 0);
					check(&x);
				}
		assert_int_equal(assay_rq_kernel_use(assay_rq_kernel_name(0)), 0);
		block_free(&x);
		box_free(&box);
	}
}

/* Interrupted after every slice, however small, nothing changes. */
static void budgets(void **state)
{
	static const uint64_t sizes[] = {1, 7, 50, 333, 2000, 20000};

	seed = 5;
	for (int way = ASSAY_RQ_BACK; way <= ASSAY_RQ_DIRECT; way++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct box box = {.way = way, .budget = sizes[i]}, whole = {0};
			struct block x;

			block_make(&x, 130, 520, 8, 3);
			encode(&x, &whole);
			lose(&x, 20, 2);
			assert_int_equal(decode(&x, &box), 0);
			check(&x);
			assert_true(box.runs > (sizes[i] == 1 ? 500u : 4u));
			block_free(&x);
			box_free(&whole);
			box_free(&box);
		}
}

/* A job cut into ranges of octets is the same job. */
static void ranges(void **state)
{
	struct box box = {0};
	struct block x;
	struct assay_rq_io io;

	seed = 6;
	block_make(&x, 200, 776, 8, 4);
	encode(&x, &box);
	lose(&x, 60, 2);
	assert_int_equal(box_plan(&box, 200, x.known, x.known_len), 0);
	assert_int_equal(box_wanted(&box, x.ids, x.ids_len, 776), 0);
	damage(&x);
	io = io_of(&x);
	io.source = io.sink = x.copy;
	io.known = x.from;
	io.sink_len = x.p.length;
	for (uint32_t from = 0, to; from < 776; from = to) {
		size_t size = assay_rq_solve_size(box.plan, box.wanted, 776, 64);
		void *memory = box_alloc(size);
		struct assay_rq_solve *s;

		to = from + 1 + below(200) < 776 ? from + 1 + below(200) : 776;
		to = to > 776 ? 776 : to;
		assert_int_equal(assay_rq_solve_init(&s, memory, size, box.plan, box.wanted, &io,
						     from, to, 64),
				 0);
		assert_int_equal(assay_rq_solve_run(s, ASSAY_RQ_FOREVER), 0);
		assert_int_equal(assay_rq_solve_done(s), to - from);
		free(memory);
	}
	check(&x);
	block_free(&x);
	box_free(&box);
}

/* Many more symbols than needed, and a first part of the list that is one symbol over and over. */
static void far_too_many(void **state)
{
	struct box box = {0};
	uint32_t known[4000];

	for (uint32_t i = 0; i < 4000; i++)
		known[i] = i < 3000 ? 7 : 1000 + i;
	assert_int_equal(box_plan(&box, 900, known, 4000), 0);
	assert_int_equal(box_plan(&box, 900, known, 3800), ASSAY_E_NOTFOUND);
	assert_int_equal(assay_rq_plan_missing(box.plan) > 0, 1);
	box_free(&box);
}

/* Only symbols of the highest degrees: rows and inactive columns far beyond the expected. */
static void contrived(void **state)
{
	enum { K = 300 };
	struct box box = {0};
	uint32_t known[K + 10];
	size_t len = 0;

	for (uint32_t esi = K; len < K + 10; esi++) {
		uint16_t columns[40];
		unsigned lt;
		struct rq_code code;

		assert_int_equal(rq_code(&code, K), 0);
		rq_code_columns(&code, rq_code_internal(&code, esi), columns, &lt);
		if (lt >= 25)
			known[len++] = esi;
	}
	assert_int_equal(box_plan(&box, K, known, len), 0);
	box_free(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_twin),	   cmocka_unit_test(rank_with_twin),
		cmocka_unit_test(larger),	   cmocka_unit_test(direct),
		cmocka_unit_test(same_everywhere), cmocka_unit_test(budgets),
		cmocka_unit_test(ranges),	   cmocka_unit_test(far_too_many),
		cmocka_unit_test(contrived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raptorq_sweep_test [long]: blocks of many K' are encoded, lose symbols and come back; and how
 * often K+h random symbols suffice. `long` takes all 477 K' and more sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "assay/raptorq.h"
#include "assay/status.h"
#include "raptorq/box.h"
#include "raptorq/tables.h"

enum { T = 8 };
static bool all;

/* Half of the source lost, twice: that many repair symbols, then their missing neighbours. */
static void round_trip(uint32_t k)
{
	struct box box = {0};
	size_t half = (k + 1) / 2, n = half + 2;
	uint8_t *object = malloc(k * T), *copy = malloc(k * T), *repair = malloc(n * T);
	uint32_t *ids = malloc((k + n) * sizeof(*ids)), *lost = malloc(k * sizeof(*lost));
	uint8_t **to = malloc((k + n) * sizeof(*to));
	const uint8_t **from = malloc((k + n) * sizeof(*from));
	struct assay_rq_io io = {.source = object,
				 .source_len = k * T,
				 .wanted = to,
				 .symbol_size = T,
				 .sub_blocks = 1,
				 .alignment = 8};

	box_fill(object, k * T, k);
	for (uint32_t i = 0; i < n; i++) {
		ids[i] = k + 17 * i;
		to[i] = repair + i * T;
	}
	assert_int_equal(box_plan(&box, k, NULL, k), 0);
	assert_int_equal(box_wanted(&box, ids, n, T), 0);
	assert_int_equal(box_solve(&box, &io), 0);
	memcpy(copy, object, k * T);
	for (uint32_t i = 0; i < n; i++)
		from[i] = to[i];
	for (uint32_t i = 0; i < k; i++) {
		if (i % 2 != 0) {
			from[n + i / 2] = NULL;
			ids[n + i / 2] = i;
		} else {
			memset(copy + i * T, 0, T);
			lost[i / 2] = i;
			to[i / 2] = NULL;
		}
	}
	assert_int_equal(box_plan(&box, k, ids, n + k / 2), 0);
	assert_int_equal(box_wanted(&box, lost, half, T), 0);
	io.source = io.sink = copy;
	io.sink_len = k * T;
	io.known = from;
	assert_int_equal(box_solve(&box, &io), 0);
	assert_memory_equal(copy, object, k * T);
	free(object);
	free(copy);
	free(repair);
	free(ids);
	free(lost);
	free(to);
	free(from);
	box_free(&box);
}

static void every_size(void **state)
{
	for (int i = 0; i < RQ_TABLE_ROWS; i++)
		if (all || (rq_table[i].kp < 1000 && i % 4 == 0) || i % 110 == 0 ||
		    i == RQ_TABLE_ROWS - 1) {
			round_trip(rq_table[i].kp);
			round_trip(rq_table[i].kp - 1); /* with one padding symbol */
		}
	for (uint32_t k = 1; k < 10; k++)
		round_trip(k);
}

/* Failures among sets of K + h random symbols out of 2^16. */
static unsigned failures(uint32_t k, unsigned h, unsigned sets)
{
	uint32_t known[200];
	uint64_t seed = k * 100 + h;
	struct box box = {0};
	unsigned failed = 0;

	for (unsigned n = 0; n < sets; n++) {
		for (size_t i = 0; i < k + h; i++)
			known[i] = box_random(&seed) % 65536;
		failed += box_plan(&box, k, known, k + h) != 0;
	}
	box_free(&box);
	return failed;
}

/* 1/256^(h+1), and a little more since sets may hold a symbol twice (k^2/2^17). */
static void success_rate(void **state)
{
	static const uint32_t sizes[] = {10, 26, 101};
	unsigned sets = all ? 60000 : 2500;

	for (int i = 0; i < 3; i++) {
		double doubles = sizes[i] * sizes[i] / 131072.0;
		unsigned zero = failures(sizes[i], 0, sets), one = failures(sizes[i], 1, sets);

		assert_in_range(zero, sets * 0.0015, sets * (0.008 + 1.3 * doubles));
		assert_in_range(one, 0, sets * (0.0005 + 1.3 * doubles * doubles));
		assert_in_range(failures(sizes[i], 2, sets), 0, sets * 0.0003 + 1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(success_rate),
	};

	all = argc > 1 && strcmp(argv[1], "long") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

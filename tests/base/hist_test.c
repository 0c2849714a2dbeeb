/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sim.h"

static struct hist h, other;

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the sorted list: never below the true quantile, never more than 1/32 above. */
static void test_quantiles(void **state)
{
	enum { N = 5000 };
	static uint64_t values[N];
	uint64_t seed = 7;
	struct random random = random_sim(&seed);

	hist_reset(&h);
	for (unsigned i = 0; i < N; i++) {
		values[i] = random_u64(&random) >> (random_u64(&random) % 64);
		hist_add(&h, values[i]);
	}
	qsort(values, N, sizeof(values[0]), by_value);
	for (unsigned i = 0; i < N; i++) {
		uint64_t got = hist_quantile(&h, (double)(i + 1) / N);

		assert_true(got >= values[i]);
		assert_true(got - values[i] <= values[i] / 32);
	}
	assert_true(hist_quantile(&h, 0) >= h.min);
	assert_true(h.min == values[0] && h.max == values[N - 1]);
	assert_true(hist_quantile(&h, 1) == h.max);
}

static void test_edges(void **state)
{
	hist_reset(&h);
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	hist_add(&h, 0);
	assert_int_equal(hist_quantile(&h, 1), 0);
	hist_add(&h, UINT64_MAX);
	assert_true(hist_quantile(&h, 1) == UINT64_MAX);
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	for (uint64_t v = 0; v < HIST_SUB * 2; v++) { /* exact while it is linear */
		hist_reset(&h);
		hist_add(&h, v);
		hist_add(&h, UINT64_MAX);
		assert_true(hist_quantile(&h, 0.5) == v);
	}
}

static void test_merge(void **state)
{
	hist_reset(&h);
	hist_reset(&other);
	hist_merge(&h, &other);
	assert_int_equal(h.count, 0);
	hist_add(&other, 100);
	hist_add(&other, 300);
	hist_merge(&h, &other);
	assert_int_equal(h.min, 100);
	hist_reset(&other);
	hist_add(&other, 50);
	hist_merge(&h, &other);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.sum, 450);
	assert_int_equal(h.min, 50);
	assert_int_equal(h.max, 300);
	assert_int_equal(hist_quantile(&h, 0.6), 101); /* bucket 100..101 */
}

static void test_print(void **state)
{
	char text[8192] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	hist_reset(&h);
	for (unsigned i = 1; i <= 1000; i++)
		hist_add(&h, i * 1000);
	hist_print(&h, out, 1000);
	fclose(out);
	assert_non_null(strstr(text, "Percentile"));
	assert_non_null(strstr(text, "1000.000 1.000000000000       1000\n"));
	assert_non_null(strstr(text, "#[Mean    =      500.500, StdDeviation   ="));
	assert_non_null(strstr(text, "#[Max     =     1000.000, Total count    =         1000]"));

	double last = -1, share, value; /* percentiles ascend */
	unsigned lines = 0;

	for (char *line = strchr(text, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
		if (line[1] == '\n' || sscanf(line, "%lf %lf", &value, &share) != 2)
			continue;
		assert_true(share > last);
		last = share;
		lines++;
	}
	assert_in_range(lines, 30, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l.h>

#include "raptorq/kernel.h"
#include "rq_report.h"

enum { WIDTH = 256, N = 7, STEPS = 512 };

struct sums {
	uint8_t *rows;
	uint16_t list[STEPS * N];
	struct rq_step steps[STEPS + RQ_AHEAD];
	size_t len;
	unsigned row_count;
};

/* Seven random rows of 256 octets for each of the steps. */
static void sums_open(struct sums *s, unsigned rows)
{
	uint64_t seed = 1;

	s->row_count = rows;
	s->len = rows / 2 < STEPS ? rows / 2 : STEPS;
	s->rows = box_alloc((size_t)rows * WIDTH);
	for (int i = 0; i < STEPS * N; i++)
		s->list[i] = box_random(&seed) % rows;
	for (int i = 0; i < STEPS + RQ_AHEAD; i++)
		s->steps[i] = (struct rq_step){.start = i * N, .place = RQ_NONE, .dst = i, .n = N};
}

static void own_sums(struct sums *s)
{
	struct rq_port port = {.row = WIDTH, .width = WIDTH};
	struct rq_gather g = {s->rows, WIDTH, s->list, s->rows, &port};

	rq_kernel()->gather(&g, s->steps, s->len, false);
}

static void isal_sums(struct sums *s)
{
	void *array[N + 1];

	for (size_t i = 0; i < s->len; i++) {
		for (int n = 0; n < N; n++)
			array[n] = s->rows + s->list[i * N + n] * WIDTH;
		array[N] = s->rows + i * WIDTH;
		xor_gen(N + 1, WIDTH, array);
	}
}

static double rate(struct sums *s, void (*run)(struct sums *s), double seconds)
{
	double best = 1e9, end = rq_now() + seconds;

	do {
		double start = rq_now(), took;

		run(s);
		took = rq_now() - start;
		best = took < best ? took : best;
	} while (rq_now() < end);
	return (double)s->len * N * WIDTH / best;
}

double rq_gather_rate(double seconds)
{
	static struct sums s;
	double result;

	sums_open(&s, 1024);
	result = rate(&s, own_sums, seconds);
	free(s.rows);
	return result;
}

/* outs rows of 256 octets as products of sources with a matrix; octets multiplied and added per
 * second. */
static void products_print(unsigned sources, unsigned outs, double seconds)
{
	uint8_t *rows = box_alloc((size_t)(sources + outs) * WIDTH), *out = rows + sources * WIDTH;
	uint8_t *coef = box_alloc((size_t)sources * outs);
	uint8_t *tables = box_alloc((size_t)sources * outs * 32);
	const uint8_t **src = box_alloc(sources * sizeof(*src));
	uint8_t **to = box_alloc(outs * sizeof(*to));
	double best[2] = {1e9, 1e9}, work = (double)sources * outs * WIDTH;

	box_fill(coef, (size_t)sources * outs, 1);
	ec_init_tables(sources, outs, coef, tables);
	for (unsigned i = 0; i < sources; i++)
		src[i] = rows + (size_t)i * WIDTH;
	for (unsigned i = 0; i < outs; i++)
		to[i] = out + (size_t)i * WIDTH;
	for (double end = rq_now() + seconds; rq_now() < end;) {
		double start = rq_now(), middle, done;

		memset(out, 0, (size_t)outs * WIDTH);
		rq_kernel()->dot(out, outs, src, sources, coef, outs, WIDTH);
		middle = rq_now();
		ec_encode_data(WIDTH, sources, outs, tables, (uint8_t **)src, to);
		done = rq_now();
		best[0] = middle - start < best[0] ? middle - start : best[0];
		best[1] = done - middle < best[1] ? done - middle : best[1];
	}
	printf("products %3u x %2u   own %6.1f  ISA-L %6.1f GB/s\n", sources, outs,
	       work / best[0] / 1e9, work / best[1] / 1e9);
	free(rows);
	free(coef);
	free(tables);
	free(src);
	free(to);
}

void rq_kernels_print(double seconds)
{
	static struct sums s;

	for (unsigned rows = 64; rows <= 1024; rows *= 16) {
		sums_open(&s, rows);
		printf("sums of 7 in %s     own %6.1f  ISA-L %6.1f GB/s\n",
		       rows == 64 ? "L1" : "L2", rate(&s, own_sums, seconds) / 1e9,
		       rate(&s, isal_sums, seconds) / 1e9);
		free(s.rows);
	}
	products_print(20, 10, seconds);
	products_print(100, 10, seconds);
	products_print(100, 4, seconds);
	products_print(160, 27, seconds);
}

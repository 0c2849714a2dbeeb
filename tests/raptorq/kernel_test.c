/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GF(256) in all 65536 products against ISA-L, and every kernel against the plain one. The AVX-512
 * source also runs over a model of its intrinsics, since many machines cannot run it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <isa-l.h>

#include "raptorq/box.h"
#include "raptorq/gf.h"
#include "raptorq/kernel.h"

extern const struct rq_kernel rq_kernel_model;
static const struct rq_kernel *const kernels[] = {&rq_kernel_avx2, &rq_kernel_avx512,
						  &rq_kernel_model};
enum { KERNELS = 3, ROWS = 40, WIDTH = RQ_WIDTH_MAX, SIZE = ROWS * WIDTH };

static void products(void **state)
{
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			assert_int_equal(rq_gf_mul[a][b], gf_mul(a, b));
			assert_int_equal(rq_gf_nibble[a][b & 15] ^ rq_gf_nibble[a][16 + (b >> 4)],
					 gf_mul(a, b));
		}
		assert_int_equal(rq_gf_twice(a), gf_mul(a, 2));
		if (a != 0)
			assert_int_equal(rq_gf_inverse(a), gf_inv(a));
	}
}

/* Every constant times every octet, through `dot` of each kernel; and doubling through `hdpc`. */
static void products_of_kernels(void **state)
{
	uint8_t row[WIDTH], out[WIDTH];
	const uint8_t *src = row;

	for (int i = 0; i < WIDTH; i++)
		row[i] = i;
	for (int k = -1; k < KERNELS; k++) {
		const struct rq_kernel *kernel = k < 0 ? &rq_kernel_plain : kernels[k];
		uint8_t t[WIDTH], buckets[WIDTH] = {0}, zero[WIDTH] = {0}, map = 0;

		if (!kernel->usable())
			continue;
		for (int c = 0; c < 256; c++) {
			uint8_t coef = c;

			memset(out, 0, sizeof(out));
			kernel->dot(out, 1, &src, 1, &coef, 1, WIDTH);
			for (int i = 0; i < WIDTH; i++)
				assert_int_equal(out[i], gf_mul(c, i));
		}
		memcpy(t, row, sizeof(t));
		kernel->hdpc(t, buckets, zero, &map, 1, WIDTH);
		for (int i = 0; i < WIDTH; i++) {
			assert_int_equal(t[i], gf_mul(2, i));
			assert_int_equal(buckets[i], gf_mul(2, i));
		}
	}
}

/* Against ISA-L's encoder: several outputs, odd numbers of sources. */
static void dot_with_isal(void **state)
{
	enum { OUT = 11, SRC = 17 };
	static uint8_t rows[SRC][WIDTH], coef[OUT * SRC], out[OUT * WIDTH], want[OUT][WIDTH],
		tables[OUT * SRC * 32], turned[OUT * SRC];
	const uint8_t *src[SRC];
	uint8_t *data[SRC], *coded[OUT];

	box_fill(rows[0], sizeof(rows), 1);
	box_fill(coef, sizeof(coef), 2);
	for (int i = 0; i < SRC; i++)
		src[i] = data[i] = rows[i];
	for (int i = 0; i < OUT; i++)
		coded[i] = want[i];
	for (int i = 0; i < OUT * SRC; i++)
		turned[i % SRC * OUT + i / SRC] = coef[i];
	ec_init_tables(SRC, OUT, coef, tables);
	ec_encode_data(WIDTH, SRC, OUT, tables, data, coded);
	memset(out, 0, sizeof(out));
	rq_kernel()->dot(out, OUT, src, SRC, turned, OUT, WIDTH);
	for (int i = 0; i < OUT; i++)
		assert_memory_equal(out + i * WIDTH, want[i], WIDTH);
}

struct sample {
	uint8_t rows[SIZE], more[SIZE], object[SIZE + WIDTH], bits[SIZE];
	uint16_t list[400];
	uint8_t map[ROWS], pairs[ROWS][2], coef[ROWS * ROWS];
	struct rq_step steps[ROWS + RQ_AHEAD];
};

static void sample_make(struct sample *s, uint64_t seed)
{
	box_fill((uint8_t *)s, sizeof(*s), seed);
	memset(s->rows, 0, WIDTH); /* row 0 is the zero row */
	for (int i = 0; i < 400; i++)
		s->list[i] %= ROWS;
	for (int i = 0; i < ROWS; i++) {
		s->map[i] %= ROWS;
		s->pairs[i][0] %= 2;
		s->pairs[i][1] = 2 + s->pairs[i][1] % 2;
		s->steps[i] = (struct rq_step){.start = i * 8,
					       .place = i % 5 == 0 ? RQ_NONE : i,
					       .esi = i,
					       .dst = i,
					       .n = i < 30 ? i / 5 : i,
					       .m = 4};
	}
	for (int i = 0; i < RQ_AHEAD; i++)
		s->steps[ROWS + i].place = RQ_NONE;
}

/* One run of every loop; all results lie in the sample. */
static void run(struct sample *s, const struct rq_kernel *kernel, size_t w)
{
	struct rq_port port = {
		.object = s->object, .stride = w, .end = s->object + SIZE, .row = w, .width = w};
	struct rq_gather g = {s->rows, w, s->list, s->rows, &port};
	const uint8_t *src[ROWS];

	kernel->gather(&g, s->steps, ROWS, false);
	kernel->gather(&g, s->steps, ROWS, true);
	kernel->emit(s->more + w, &g, s->steps + 1, 4);
	kernel->hdpc(s->more, s->more + w, s->rows, s->map, ROWS - 1, w);
	kernel->table(s->object, s->rows, s->list, 4, w);
	kernel->lookup(s->more, NULL, ROWS, s->bits, 9, 3, s->object, 3, w);
	kernel->lookup(s->more, s->list, 1, s->bits, 9, 3, s->object, 3, w);
	for (int i = 0; i < ROWS; i++)
		src[i] = s->object + i * w;
	kernel->dot(s->rows, 7, src, ROWS, s->coef, ROWS, w);
	kernel->add(s->rows, s->more, w);
	kernel->scatter(s->more, s->list, s->steps, ROWS, w);
	kernel->hdpc_back(s->object, s->more, s->rows, s->map, ROWS - 1, w);
	if (8 * 5 * w <= SIZE)
		kernel->planes(s->rows + 4 * 8 * w, s->rows, s->bits, w,
			       (const uint8_t(*)[2])s->pairs,
			       ROWS * WIDTH / w < ROWS ? ROWS * WIDTH / w : ROWS, w);
}

static void same_as_plain(void **state)
{
	static struct sample want, got;

	for (int k = 0; k < KERNELS; k++)
		for (size_t w = 32; w <= WIDTH && kernels[k]->usable(); w *= 2) {
			if (w % kernels[k]->unit != 0)
				continue;
			sample_make(&want, w + k);
			sample_make(&got, w + k);
			run(&want, &rq_kernel_plain, w);
			run(&got, kernels[k], w);
			assert_memory_equal(&got, &want, sizeof(got));
		}
}

/* Rows one behind another at every place in a line, and nothing beside them. */
static void streams(void **state)
{
	enum { ROWS_OUT = 4, ROOM = 64 + 64 + ROWS_OUT * WIDTH + 64 };
	static _Alignas(64) uint8_t to[ROOM], want[ROOM], rows[ROWS_OUT * WIDTH + 64], carry[64];

	box_fill(rows, sizeof(rows), 3);
	for (int k = -1; k < KERNELS; k++) {
		const struct rq_kernel *kernel = k < 0 ? &rq_kernel_plain : kernels[k];

		for (size_t over = 0; over < 64 && kernel->usable(); over++)
			for (size_t w = 128; w <= WIDTH; w *= 2) {
				uint8_t *at = to + 64 + over;

				memset(to, 0x77, ROOM);
				memset(want, 0x77, ROOM);
				memcpy(want + 64 + over, rows, ROWS_OUT * w);
				for (int r = 0; r < ROWS_OUT; r++)
					kernel->stream(at + r * w, rows + r * w, w, carry, r == 0);
				memcpy(at + ROWS_OUT * w - over, carry, over);
				assert_memory_equal(to, want, ROOM);
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products),	 cmocka_unit_test(products_of_kernels),
		cmocka_unit_test(dot_with_isal), cmocka_unit_test(same_as_plain),
		cmocka_unit_test(streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

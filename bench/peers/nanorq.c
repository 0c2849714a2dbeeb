/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of bench/raptorq.py for nanorq, built from its own repository as its author builds it
 * (docs/raptorq-performance.md, "Peers"). Symbols are fed one by one and the object is compared.
 *
 *   nanorq K T SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nanorq.h>

static size_t k, t, len, repair_len;
static double seconds;
static uint8_t *object, *copy, *repair, *healed;
static struct ioctx *object_io, *copy_io;
static nanorq *warm;
static uint64_t oti_common;
static uint32_t oti_specific;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1e-9 * ts.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

static nanorq *encoder(void)
{
	nanorq *rq = nanorq_encoder_new_ex(len, t, k, 1, 8);

	if (rq == NULL || nanorq_blocks(rq) != 1 || nanorq_block_symbols(rq, 0) != k)
		exit(2);
	return rq;
}

static void symbols(nanorq *rq, struct ioctx *io, uint8_t *to, size_t n)
{
	nanorq_generate_symbols(rq, 0, io);
	for (size_t i = 0; i < n; i++)
		nanorq_encode(rq, to + i * t, k + i, 0, io);
}

static double encode_warm(unsigned none)
{
	double start = now();

	symbols(warm, object_io, repair, (k + 9) / 10);
	start = now() - start;
	nanorq_encoder_reset(warm, 0);
	return start;
}

static double encode_cold(unsigned none)
{
	double start = now();
	nanorq *rq = encoder();

	symbols(rq, object_io, repair, (k + 9) / 10);
	start = now() - start;
	nanorq_free(rq);
	return start;
}

static uint8_t *gone_of(unsigned percent, size_t *lost)
{
	uint8_t *gone = calloc(k, 1);
	uint64_t state = percent;

	*lost = (k * percent + 99) / 100;
	for (size_t i = 0; i < *lost;) {
		size_t j = next_random(&state) % k;

		i += !gone[j];
		gone[j] = 1;
	}
	return gone;
}

static double decode(unsigned percent)
{
	size_t lost;
	uint8_t *gone = gone_of(percent, &lost);
	double start;
	nanorq *rq;
	int good;

	memset(copy, 0, len);
	start = now();
	rq = nanorq_decoder_new(oti_common, oti_specific);
	for (size_t i = 0; i < k; i++)
		if (!gone[i])
			nanorq_decoder_add_symbol(rq, object + i * t, i, copy_io);
	for (size_t i = 0; i < lost + 1; i++)
		nanorq_decoder_add_symbol(rq, repair + i * t, k + i, copy_io);
	good = nanorq_repair_block(rq, copy_io, 0);
	start = now() - start;
	nanorq_free(rq);
	free(gone);
	if (!good || memcmp(copy, object, len) != 0)
		exit(3);
	return start;
}

/* As deployed: decode, then encode all over, with 5 K repair symbols. */
static double heal(unsigned percent)
{
	double took = decode(percent), start = now();
	nanorq *rq = encoder();

	symbols(rq, copy_io, healed, 5 * k);
	start = now() - start;
	nanorq_free(rq);
	return took + start;
}

static void report(const char *name, double (*run)(unsigned), unsigned argument)
{
	double best = 1e9, end = now() + seconds;

	do {
		double took = run(argument);

		best = took < best ? took : best;
	} while (now() < end);
	printf(" %s %.0f", name, len / best / 1e6);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	uint64_t state = 1;

	if (argc != 4)
		return 1;
	k = strtoul(argv[1], NULL, 10);
	t = strtoul(argv[2], NULL, 10);
	seconds = strtod(argv[3], NULL);
	len = k * t;
	repair_len = k + 8;
	object = malloc(len);
	copy = malloc(len);
	repair = malloc(repair_len * t);
	for (size_t i = 0; i < len; i++)
		object[i] = next_random(&state);
	object_io = ioctx_from_mem(object, len);
	copy_io = ioctx_from_mem(copy, len);
	warm = encoder();
	oti_common = nanorq_oti_common(warm);
	oti_specific = nanorq_oti_scheme_specific(warm);
	nanorq_precalculate(warm);
	printf("nanorq K=%zu T=%zu", k, t);
	report("warm", encode_warm, 0);
	report("cold", encode_cold, 0);
	symbols(warm, object_io, repair, repair_len);
	report("d5", decode, 5);
	report("d17", decode, 17);
	report("d50", decode, 50);
	report("d83", decode, 83);
	if (t >= 65528 && k <= 2000) {
		healed = malloc(5 * k * t);
		report("heal", heal, 83);
	}
	puts("");
	return 0;
}

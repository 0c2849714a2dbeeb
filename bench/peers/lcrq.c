/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of bench/raptorq.py for liblcrq (Debian's liblcrq-dev, which is under the GPL: this
 * program is for measuring only). It has no plan that can be kept, so encoding is always cold; a
 * decode that fails is left out.
 *
 *   cc -O2 -o lcrq bench/peers/lcrq.c -llcrq
 *   lcrq K T SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lcrq.h>

static size_t k, t, len;
static double seconds;
static uint8_t *object, *copy, *repair, *received;
static uint32_t *repair_esi, *esis;

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

/* n repair symbols, from nothing. */
static double encode(size_t n)
{
	double start = now();
	rq_t *rq = rq_init(len, t);
	rq_pid_t pid;

	if (rq == NULL || rq_K(rq) != k || rq_encode(rq, object, len) != 0)
		exit(2);
	pid = rq_pidsetesi(0, k);
	for (size_t i = 0; i < n; i++) {
		repair_esi[i] = rq_pid2esi(pid);
		rq_symbol(rq, &pid, repair + i * t, RQ_REPAIR);
	}
	start = now() - start;
	rq_free(rq);
	return start;
}

static double decode(unsigned percent)
{
	size_t lost = (k * percent + 99) / 100, n = 0;
	uint8_t *gone = calloc(k, 1);
	uint64_t state = percent;
	double start;
	rq_t *rq;

	for (size_t i = 0; i < lost;) {
		size_t j = next_random(&state) % k;

		i += !gone[j];
		gone[j] = 1;
	}
	for (size_t i = 0; i < k; i++)
		if (!gone[i]) {
			memcpy(received + n * t, object + i * t, t);
			esis[n++] = i;
		}
	for (size_t i = 0; i < lost + RQ_OVERHEAD; i++) {
		memcpy(received + n * t, repair + i * t, t);
		esis[n++] = repair_esi[i];
	}
	memset(copy, 0, len);
	start = now();
	rq = rq_init(len, t);
	start = rq_decode(rq, copy, received, esis, n) == 0 && memcmp(copy, object, len) == 0
			? now() - start
			: -1;
	rq_free(rq);
	free(gone);
	return start;
}

static void report(const char *name, double (*run)(size_t), size_t argument)
{
	double best = 1e9, end = now() + seconds;

	do {
		double took = run(argument);

		if (took < 0)
			return;
		best = took < best ? took : best;
	} while (now() < end);
	printf(" %s %.0f", name, len / best / 1e6);
	fflush(stdout);
}

static double decode_of(size_t percent)
{
	return decode(percent);
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
	object = malloc(len);
	copy = malloc(len);
	repair = malloc((k + 8) * t);
	received = malloc((k + 8) * t);
	repair_esi = malloc((k + 8) * sizeof(*repair_esi));
	esis = malloc((2 * k + 8) * sizeof(*esis));
	for (size_t i = 0; i < len; i++)
		object[i] = next_random(&state);
	printf("lcrq K=%zu T=%zu", k, t);
	report("cold", encode, (k + 9) / 10);
	encode(k + 8);
	report("d5", decode_of, 5);
	report("d17", decode_of, 17);
	report("d50", decode_of, 50);
	report("d83", decode_of, 83);
	puts("");
	return 0;
}

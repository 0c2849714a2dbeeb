/* SPDX-License-Identifier: Apache-2.0 */
/* What every log engine must do: the same cases over SQLite, etcd and the simulated one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "crypto/digest.h"
#include "log/etcd_server.h"
#include "log/log.h"

#define HANDLES	 3
#define PATIENCE 60 /* seconds for anything to become true */

/* One log and a few handles on it. */
struct bench {
	struct log_engine e[HANDLES];
	unsigned handles;
	int (*open)(struct bench *b, struct log_engine *out);
	struct engine_sim *sim;
	char dir[64];
	unsigned number;
};

static struct etcd_server server;
static unsigned benches;

static int open_sqlite(struct bench *b, struct log_engine *out)
{
	static const uint8_t net[32] = {1};
	char path[128], why[256];

	snprintf(path, sizeof(path), "%s/log.db", b->dir);
	return engine_sqlite_open(out, why, sizeof(why), path, net);
}

static int open_etcd(struct bench *b, struct log_engine *out)
{
	char prefix[32], why[256];
	struct engine_etcd_params params = {
		.endpoints = server.endpoint,
		.endpoint_count = server.members,
		.prefix = prefix,
		.backoff_ms_min = 50,
		.clock = clock_real(),
		.random = random_real(),
	};

	snprintf(prefix, sizeof(prefix), "test/%u/", b->number);
	return engine_etcd_open(out, why, sizeof(why), &params);
}

static int open_sim(struct bench *b, struct log_engine *out)
{
	return engine_sim_open(out, b->sim);
}

static struct log_engine *open_one(struct bench *b)
{
	struct log_engine *e = &b->e[b->handles++];
	uint64_t floor, head;
	time_t until = time(NULL) + PATIENCE;

	assert_true(b->handles <= HANDLES);
	assert_int_equal(b->open(b, e), 0);
	while (e->head(e->ctx, &floor, &head) != 0)
		assert_true(time(NULL) < until);
	return e;
}

static struct bench *bench_new(int (*open)(struct bench *, struct log_engine *))
{
	struct bench *b = calloc(1, sizeof(*b));

	b->open = open;
	b->number = benches++;
	b->sim = engine_sim_new(b->number);
	snprintf(b->dir, sizeof(b->dir), "/tmp/assay-log-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	return b;
}

static int setup_sqlite(void **state)
{
	*state = bench_new(open_sqlite);
	return 0;
}

static int setup_etcd(void **state)
{
	*state = bench_new(open_etcd);
	return 0;
}

static int setup_sim(void **state)
{
	*state = bench_new(open_sim);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	char command[96];

	for (unsigned i = 0; i < b->handles; i++)
		b->e[i].close(b->e[i].ctx);
	engine_sim_free(b->sim);
	snprintf(command, sizeof(command), "rm -rf %s", b->dir);
	assert_int_equal(system(command), 0);
	free(b);
	return 0;
}

/* --- helpers --- */

static size_t entry_of(uint8_t *out, unsigned n)
{
	return (size_t)sprintf((char *)out, "entry %u", n) + 1 + n % 100;
}

static enum log_result append(struct log_engine *e, unsigned n, uint64_t *seq)
{
	uint8_t entry[256] = {0};
	size_t len = entry_of(entry, n);

	return e->append(e->ctx, seq, entry, len);
}

static void must_append(struct log_engine *e, unsigned n)
{
	uint64_t seq = 0;

	assert_int_equal(append(e, n, &seq), LOG_APPENDED);
	assert_int_equal(seq, n);
}

struct seen {
	uint64_t next;
	unsigned offset; /* entry number = seq + offset */
};

static void on_entry(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	struct seen *s = arg;
	uint8_t expected[256] = {0};

	assert_int_equal(seq, s->next++);
	assert_int_equal(len, entry_of(expected, (unsigned)seq + s->offset));
	assert_memory_equal(entry, expected, len);
}

/* Reads on and waits as a follower does until `upto` was seen. */
static void follow(struct log_engine *e, struct seen *s, uint64_t upto)
{
	time_t until = time(NULL) + PATIENCE;

	while (s->next <= upto) {
		uint64_t before = s->next;
		int n = e->read(e->ctx, s->next, 7, on_entry, s);

		assert_true(n >= 0 && n <= 7);
		assert_int_equal(s->next, before + (unsigned)n);
		assert_true(time(NULL) < until);
		if (n == 0)
			assert_int_equal(e->wait(e->ctx, 100, true), 0);
	}
}

/* --- cases --- */

static void test_empty(void **state)
{
	struct log_engine *e = open_one(*state);
	uint64_t floor = 9, head = 9;
	struct log_health health;

	assert_int_equal(e->head(e->ctx, &floor, &head), 0);
	assert_int_equal(floor, 1);
	assert_int_equal(head, 0);
	assert_int_equal(e->read(e->ctx, 1, 10, on_entry, NULL), 0);
	assert_int_equal(e->wait(e->ctx, 30, false), 0);
	assert_int_equal(e->read(e->ctx, 1, 10, on_entry, NULL), 0);
	assert_int_equal(e->trim(e->ctx, 5), 0);
	e->health(e->ctx, &health);
	assert_true(health.reachable);
	assert_true(health.where[0] != '\0');
	assert_string_equal(health.trouble, "");
}

static void test_append_and_read(void **state)
{
	struct log_engine *e = open_one(*state), *late;
	struct seen seen = {1, 0}, again = {20, 0};
	uint64_t floor, head;

	for (unsigned i = 1; i <= 40; i++)
		must_append(e, i);
	follow(e, &seen, 40);
	late = open_one(*state);
	assert_int_equal(late->head(late->ctx, &floor, &head), 0);
	assert_int_equal(floor, 1);
	assert_int_equal(head, 40);
	follow(late, &again, 40);
	assert_int_equal(late->read(late->ctx, 41, 10, on_entry, NULL), 0);
	must_append(late, 41);
}

static void test_duplicate(void **state)
{
	struct log_engine *a = open_one(*state), *b = open_one(*state);
	uint64_t seq;

	for (unsigned i = 1; i <= 5; i++)
		must_append(i % 2 ? a : b, i);
	for (unsigned i = 1; i <= 5; i++) {
		seq = 0;
		assert_int_equal(append(i % 2 ? b : a, i, &seq), LOG_DUPLICATE);
		assert_int_equal(seq, i);
	}
	must_append(a, 6);
}

static void test_sizes(void **state)
{
	struct log_engine *e = open_one(*state);
	uint8_t *big = malloc(LOG_ENTRY_MAX + 1);
	uint64_t seq = 0;

	memset(big, 0xee, LOG_ENTRY_MAX + 1);
	assert_int_equal(e->append(e->ctx, &seq, big, LOG_ENTRY_MAX + 1), LOG_TOO_LARGE);
	assert_int_equal(e->append(e->ctx, &seq, big, LOG_ENTRY_MAX), LOG_APPENDED);
	assert_int_equal(seq, 1);
	assert_int_equal(e->append(e->ctx, &seq, big, 1), LOG_APPENDED);
	assert_int_equal(seq, 2);
	free(big);
}

/* A page of the largest entries comes through whatever carries it. */
static void count_big(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	assert_int_equal(len, LOG_ENTRY_MAX);
	assert_int_equal(entry[0], (uint8_t)seq);
	++*(unsigned *)arg;
}

static void test_big_page(void **state)
{
	struct log_engine *e = open_one(*state);
	uint8_t *big = calloc(1, LOG_ENTRY_MAX);
	unsigned seen = 0;
	uint64_t seq;

	for (unsigned i = 1; i <= 100; i++) {
		big[0] = (uint8_t)i;
		assert_int_equal(e->append(e->ctx, &seq, big, LOG_ENTRY_MAX), LOG_APPENDED);
	}
	e = open_one(*state);
	assert_int_equal(e->read(e->ctx, 1, LOG_PAGE_MAX, count_big, &seen), 100);
	assert_int_equal(seen, 100);
	free(big);
}

static void test_follow(void **state)
{
	struct log_engine *writer = open_one(*state), *a = open_one(*state), *b = open_one(*state);
	struct seen at_a = {1, 0}, at_b = {1, 0};

	for (unsigned i = 1; i <= 60; i++) {
		must_append(writer, i);
		follow(a, &at_a, i);
		if (i % 20 == 0)
			follow(b, &at_b, i);
	}
}

/* Handles that do not know of each other's entries both get theirs in. */
static void test_race(void **state)
{
	struct log_engine *a = open_one(*state), *b = open_one(*state);

	for (unsigned i = 1; i <= 30; i++)
		must_append(i % 7 < 4 ? a : b, i);
}

static void test_trim(void **state)
{
	struct log_engine *e = open_one(*state), *late;
	uint64_t floor, head, seq;
	struct seen rest = {151, 0}, all = {1, 0};

	for (unsigned i = 1; i <= 200; i++)
		must_append(e, i);
	follow(e, &all, 200);
	assert_int_equal(e->trim(e->ctx, 150), 0);
	assert_int_equal(e->head(e->ctx, &floor, &head), 0);
	assert_int_equal(floor, 151);
	assert_int_equal(head, 200);
	late = open_one(*state);
	assert_int_equal(late->read(late->ctx, 150, 10, on_entry, NULL), ASSAY_E_RANGE);
	assert_int_equal(late->head(late->ctx, &floor, &head), 0);
	follow(late, &rest, 200);
	/* What was trimmed may come again; what was not is known. */
	assert_int_equal(append(e, 151, &seq), LOG_DUPLICATE);
	assert_int_equal(append(e, 150, &seq), LOG_APPENDED);
	assert_int_equal(seq, 201);
	/* Never the newest. */
	assert_int_equal(late->trim(late->ctx, 1000), 0);
	assert_int_equal(late->head(late->ctx, &floor, &head), 0);
	assert_int_equal(floor, 201);
	assert_int_equal(head, 201);
	must_append(late, 202);
	must_append(e, 203);
	/* Backwards is nothing. */
	assert_int_equal(late->trim(late->ctx, 10), 0);
	assert_int_equal(late->head(late->ctx, &floor, &head), 0);
	assert_int_equal(floor, 201);
}

/* A handle that stands below the floor cannot fill what was trimmed. */
static void test_trimmed_writer(void **state)
{
	struct log_engine *stale = open_one(*state), *e = open_one(*state);
	uint64_t seq;

	for (unsigned i = 1; i <= 10; i++)
		must_append(e, i);
	assert_int_equal(e->trim(e->ctx, 9), 0);
	assert_int_equal(append(stale, 77, &seq), LOG_APPENDED);
	assert_int_equal(seq, 11);
}

static void test_stop(void **state)
{
	struct log_engine *e = open_one(*state);
	uint64_t seq;

	must_append(e, 1);
	e->wake(e->ctx, true);
	assert_int_equal(append(e, 2, &seq), LOG_UNAVAILABLE);
}

#define CASES(engine)                                                                            \
	CASE(engine, test_empty), CASE(engine, test_append_and_read),                            \
		CASE(engine, test_duplicate), CASE(engine, test_sizes),                          \
		CASE(engine, test_big_page), CASE(engine, test_follow), CASE(engine, test_race), \
		CASE(engine, test_trim), CASE(engine, test_trimmed_writer),                      \
		CASE(engine, test_stop)
#define CASE(engine, test)                                               \
	{                                                                \
#engine ": " #test, test, setup_##engine, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest here[] = {CASES(sqlite), CASES(sim)};
	const struct CMUnitTest etcd[] = {CASES(etcd)};
	int failed;

	digest_init();
	failed = cmocka_run_group_tests_name("sqlite and simulated", here, NULL, NULL);
	if (!etcd_installed()) {
		print_message("etcd: SKIPPED, not installed (apt-get install etcd-server)\n");
		return failed;
	}
	etcd_server_start(&server, 1);
	failed += cmocka_run_group_tests_name("etcd", etcd, NULL, NULL);
	etcd_server_stop(&server);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody writes into etcd behind the engine's back: what a log must not do is noticed. */
#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "crypto/digest.h"
#include "log/etcd_server.h"
#include "log/log.h"

#define PATIENCE 60

static struct etcd_server server;
static char prefix[32];
static unsigned prefixes;

static void open_engine(struct log_engine *out)
{
	char why[256];
	uint64_t floor, head;
	time_t until = time(NULL) + PATIENCE;
	struct engine_etcd_params params = {
		.endpoints = server.endpoint,
		.endpoint_count = server.members,
		.prefix = prefix,
		.idle_ms = 300,
		.backoff_ms_min = 50,
		.clock = clock_real(),
		.random = random_real(),
	};

	assert_int_equal(engine_etcd_open(out, why, sizeof(why), &params), 0);
	while (out->head(out->ctx, &floor, &head) != 0)
		assert_true(time(NULL) < until);
}

static int setup(void **state)
{
	snprintf(prefix, sizeof(prefix), "tamper/%u/", prefixes++);
	return 0;
}

static size_t ignore(char *data, size_t size, size_t n, void *arg)
{
	return n;
}

/* put or deleterange of log/<seq> */
static void tamper(const char *call, uint64_t seq, const char *value)
{
	char key[64], key64[128], value64[128], url[128], body[512];
	CURL *easy = curl_easy_init();
	int len = snprintf(key, sizeof(key), "%slog/%020" PRIu64, prefix, seq);

	EVP_EncodeBlock((unsigned char *)key64, (unsigned char *)key, len);
	EVP_EncodeBlock((unsigned char *)value64, (const unsigned char *)value, (int)strlen(value));
	snprintf(url, sizeof(url), "%s/v3/kv/%s", server.url[0], call);
	snprintf(body, sizeof(body),
		 value[0] != '\0' ? "{\"key\":\"%s\",\"value\":\"%s\"}" : "{\"key\":\"%s\"}", key64,
		 value64);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	assert_int_equal(curl_easy_perform(easy), CURLE_OK);
	curl_easy_cleanup(easy);
}

static void append_upto(struct log_engine *e, uint64_t upto)
{
	char text[32];
	uint64_t seq = 0;

	for (unsigned i = 1; seq < upto; i++) {
		size_t len = (size_t)snprintf(text, sizeof(text), "entry %u", i);
		enum log_result result = e->append(e->ctx, &seq, (uint8_t *)text, len);

		assert_true(result == LOG_APPENDED || result == LOG_DUPLICATE);
	}
}

static void count(void *arg, uint64_t seq, const uint8_t *entry, size_t len)
{
	assert_int_equal(seq, ++*(uint64_t *)arg);
}

/* Follows until it has `upto` or something else than entries and silence comes. */
static int follow(struct log_engine *e, uint64_t *seen, uint64_t upto)
{
	time_t until = time(NULL) + PATIENCE;

	while (*seen < upto) {
		int n = e->read(e->ctx, *seen + 1, 10, count, seen);

		assert_true(time(NULL) < until);
		if (n == 0)
			n = e->wait(e->ctx, 100, false);
		if (n < 0)
			return n;
	}
	return 0;
}

/* With the watch running. */
static void follow_first(struct log_engine *e, uint64_t *seen)
{
	open_engine(e);
	append_upto(e, 5);
	assert_int_equal(follow(e, seen, 5), 0);
	assert_int_equal(e->wait(e->ctx, 20, false), 0);
}

static void test_rewritten(void **state)
{
	struct log_engine e;
	uint64_t seen = 0;

	follow_first(&e, &seen);
	tamper("put", 3, "other bytes");
	assert_int_equal(follow(&e, &seen, 6), ASSAY_E_CHANGED);
	e.close(e.ctx);
}

/* The watch tells of an entry that does not follow on; the range knows no better. */
static void test_hole(void **state)
{
	struct log_engine e, reader;
	uint64_t seen = 0, again = 0;

	follow_first(&e, &seen);
	tamper("put", 8, "far ahead");
	assert_int_equal(follow(&e, &seen, 6), ASSAY_E_CORRUPT);
	e.close(e.ctx);
	open_engine(&reader);
	assert_int_equal(follow(&reader, &again, 6), ASSAY_E_CORRUPT);
	assert_int_equal(again, 5);
	reader.close(reader.ctx);
}

/* Deletions are not watched: the next range or the next append shows them. */
static void test_lost(void **state)
{
	struct log_engine e, reader;
	uint64_t seen = 0, seq, floor, head;

	follow_first(&e, &seen);
	tamper("deleterange", 5, "");
	assert_int_equal(e.append(e.ctx, &seq, (const uint8_t *)"new", 3), LOG_SEQUENCE);
	assert_int_equal(e.head(e.ctx, &floor, &head), 0);
	assert_int_equal(head, 4);
	e.close(e.ctx);
	open_engine(&reader);
	seen = 0;
	assert_int_equal(follow(&reader, &seen, 4), 0);
	tamper("deleterange", 2, "");
	assert_int_equal(reader.read(reader.ctx, 2, 10, count, &seen), ASSAY_E_CORRUPT);
	reader.close(reader.ctx);
}

/*
 * A log that was trimmed and compacted under a watch that has not looked for long. What the server
 * had sent before is good; where it had not, the follower is told that it is too far behind.
 */
static void test_compacted(void **state)
{
	struct log_engine e, reader;
	uint64_t seen = 0, rest = 29;
	int error;

	follow_first(&e, &seen);
	open_engine(&reader);
	append_upto(&reader, 40);
	assert_int_equal(reader.trim(reader.ctx, 30), 0);
	append_upto(&reader, 60);
	error = follow(&e, &seen, 60);
	assert_true(error == 0 || (error == ASSAY_E_RANGE && seen < 29));
	assert_int_equal(reader.read(reader.ctx, 30, 10, count, &rest), ASSAY_E_RANGE);
	e.close(e.ctx);
	reader.close(reader.ctx);
}

/* Other keys below log/ are no entries, unless they look like one. */
static void test_foreign(void **state)
{
	struct log_engine e;
	uint64_t seen = 0;
	size_t len = strlen(prefix);

	follow_first(&e, &seen);
	snprintf(prefix + len, sizeof(prefix) - len, "log/x/");
	tamper("put", 9, "a key behind all digits");
	prefix[len] = '\0';
	append_upto(&e, 9);
	assert_int_equal(follow(&e, &seen, 9), 0);
	tamper("put", UINT64_MAX, "a number out of place");
	assert_int_equal(follow(&e, &seen, 10), ASSAY_E_CORRUPT);
	assert_int_equal(seen, 9);
	e.close(e.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rewritten, setup),
		cmocka_unit_test_setup(test_hole, setup),
		cmocka_unit_test_setup(test_lost, setup),
		cmocka_unit_test_setup(test_compacted, setup),
		cmocka_unit_test_setup(test_foreign, setup),
	};
	int failed;

	digest_init();
	if (!etcd_installed()) {
		print_message("SKIPPED: etcd is not installed (apt-get install etcd-server)\n");
		return 77;
	}
	etcd_server_start(&server, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	etcd_server_stop(&server);
	return failed;
}

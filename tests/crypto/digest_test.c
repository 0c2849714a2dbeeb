/* SPDX-License-Identifier: Apache-2.0 */
/* digest_many against digest_one, digest_one against the stream, all against b3sum and OpenSSL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sim.h"
#include "base/text.h"
#include "crypto/digest.h"

#define MESSAGES 40

static uint64_t seed = 7;

static void fill(void *out, size_t len)
{
	struct random random = random_sim(&seed);

	random_fill(&random, out, len);
}

static void many_is_one(void **state)
{
	static uint8_t data[MESSAGES][16 * DIGEST_BLOCK];
	uint8_t out[MESSAGES * 32 + 1], told[32], key[32];
	const uint8_t *in[MESSAGES];

	fill(data, sizeof(data));
	fill(key, sizeof(key));
	for (unsigned i = 0; i < MESSAGES; i++)
		in[i] = data[(i * 7) % MESSAGES]; /* not in the order of memory */
	for (unsigned blocks = 1; blocks <= 16; blocks++)
		for (unsigned n = 0; n <= MESSAGES; n++)
			for (unsigned keyed = 0; keyed < 2; keyed++) {
				const uint8_t *k = keyed ? key : NULL;

				memset(out, 0xee, sizeof(out));
				digest_many(out, k, in, n, blocks);
				for (unsigned i = 0; i < n; i++) {
					digest_one(told, k, in[i], blocks * DIGEST_BLOCK);
					assert_memory_equal(out + 32 * i, told, 32);
				}
				assert_int_equal(out[32 * n], 0xee);
			}
}

static void one_is_the_stream(void **state)
{
	static uint8_t data[5000];
	uint8_t key[32], one[32], streamed[32];
	struct digest_stream s;

	fill(data, sizeof(data));
	fill(key, sizeof(key));
	for (size_t len = 0; len <= sizeof(data); len += len < 1100 ? 1 : 37)
		for (unsigned keyed = 0; keyed < 2; keyed++) {
			const uint8_t *k = keyed ? key : NULL;

			digest_one(one, k, data, len);
			digest_stream_init(&s, k);
			for (size_t i = 0, piece; i < len; i += piece) {
				piece = 1 + (i * 31) % 300;
				piece = piece < len - i ? piece : len - i;
				digest_stream_add(&s, data + i, piece);
			}
			digest_stream_end(&s, streamed);
			assert_memory_equal(one, streamed, 32);
		}
}

/* Runs b3sum on len bytes; false when it is not installed. */
static bool b3sum(uint8_t out[32], const uint8_t *data, size_t len)
{
	char path[] = "/tmp/assay-digest-XXXXXX", command[64], text[65] = "";
	int file = mkstemp(path);
	FILE *pipe;
	bool ran;

	assert_true(file >= 0);
	assert_int_equal(write(file, data, len), len);
	close(file);
	snprintf(command, sizeof(command), "b3sum --no-names %s 2>&1", path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	ran = fread(text, 1, 64, pipe) == 64 && hex_decode(out, 32, text) == 0;
	pclose(pipe);
	unlink(path);
	return ran;
}

static void b3sum_agrees(void **state)
{
	static const size_t lens[] = {0, 1, 64, 1023, 1024, 1025, 65532, 1 << 20, (3 << 20) + 5};
	uint8_t *data = malloc((3 << 20) + 5);
	uint8_t got[32], told[32];

	assert_non_null(data);
	fill(data, (3 << 20) + 5);
	if (!b3sum(told, data, 0)) {
		free(data);
		skip();
	}
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_true(b3sum(told, data, lens[i]));
		digest_one(got, NULL, data, lens[i]);
		assert_memory_equal(got, told, 32);
	}
	free(data);
}

static void labels_are_their_digests(void **state)
{
	static const char *const labels[] = {
#define X(name, text) text,
		DIGEST_LABELS(X)
#undef X
	};
	uint8_t key[32];

	for (unsigned i = 0; i < DIGEST_LABEL_COUNT; i++) {
		digest_one(key, NULL, labels[i], strlen(labels[i]));
		assert_memory_equal(digest_label_key(i), key, 32);
	}
}

static void sha256_is_openssl(void **state)
{
	uint8_t data[300], tag[64], got[32], told[32];
	unsigned len;

	fill(data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		struct sha256_part parts[] = {
			{data, cut}, {NULL, 0}, {data + cut, sizeof(data) - cut}};

		sha256_parts(got, parts, 3);
		assert_int_equal(EVP_Digest(data, sizeof(data), told, &len, EVP_sha256(), NULL), 1);
		assert_memory_equal(got, told, 32);
		sha256_parts(got, parts, 1);
		assert_int_equal(EVP_Digest(data, cut, told, &len, EVP_sha256(), NULL), 1);
		assert_memory_equal(got, told, 32);

		assert_int_equal(EVP_Digest("a/tag", 5, tag, &len, EVP_sha256(), NULL), 1);
		memcpy(tag + 32, tag, 32);
		EVP_DigestInit_ex(c, EVP_sha256(), NULL);
		EVP_DigestUpdate(c, tag, sizeof(tag));
		EVP_DigestUpdate(c, data, sizeof(data));
		EVP_DigestFinal_ex(c, told, &len);
		EVP_MD_CTX_free(c);
		sha256_tagged(got, "a/tag", parts, 3);
		assert_memory_equal(got, told, 32);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_is_one),	     cmocka_unit_test(one_is_the_stream),
		cmocka_unit_test(b3sum_agrees),	     cmocka_unit_test(labels_are_their_digests),
		cmocka_unit_test(sha256_is_openssl),
	};

	digest_init();
	return cmocka_run_group_tests_name("crypto: digests", tests, NULL, NULL);
}

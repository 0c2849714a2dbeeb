/* SPDX-License-Identifier: Apache-2.0 */
/* Derivations: against hashes put together by hand, and what must hold for any input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/client.h"
#include "base/sim.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "proof/derive.h"

static const struct derive_seed seed = {(const uint8_t *)"a seed of any length", 20};

/* A text of bytes that grows, to be hashed as a whole. */
struct text {
	uint8_t bytes[8192];
	size_t len;
};

static void add(struct text *t, const void *data, size_t len)
{
	assert_true(t->len + len <= sizeof(t->bytes));
	memcpy(t->bytes + t->len, data, len);
	t->len += len;
}

static void add_part(struct text *t, const void *data, size_t len)
{
	add(t, "", 1);
	add(t, data, len);
}

static void add_word(struct text *t, const char *word)
{
	add_part(t, word, strlen(word));
}

static void add_be(struct text *t, uint64_t value, unsigned bytes)
{
	uint8_t be[8];

	for (unsigned i = 0; i < bytes; i++)
		be[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	add_part(t, be, bytes);
}

/* Few and many parts, the second beyond what fits without heap. */
static void test_rank(void **state)
{
	for (unsigned n = 0; n < 50; n++) {
		struct derive_part parts[50];
		struct text t = {.len = 0};
		uint8_t got[32], want[32];

		add(&t, seed.data, seed.len);
		for (unsigned i = 0; i < n; i++) {
			parts[i] = (struct derive_part){&"0123456789"[i % 8], i % 3};
			add_part(&t, parts[i].data, parts[i].len);
		}
		assert_int_equal(derive_rank(got, seed, parts, n), 0);
		sha256_parts(want, &(struct sha256_part){t.bytes, t.len}, 1);
		assert_memory_equal(got, want, 32);
	}
}

static void test_offsets(void **state)
{
	static const uint64_t sizes[] = {257, 1000, 65532, 1ull << 40};
	uint64_t offsets[16];

	for (unsigned s = 0; s < 4; s++) {
		assert_int_equal(
			derive_offsets(offsets, seed, "t", "ticket", 2, 9, sizes[s], 256, 16), 0);
		for (unsigned i = 0; i < 16; i++) {
			struct text t = {.len = 0};
			uint8_t hash[32];
			uint64_t number = 0;

			add(&t, seed.data, seed.len);
			add_word(&t, "t");
			add_word(&t, "ticket");
			add_word(&t, "SYMBOL");
			add_be(&t, 9, 4);
			add_be(&t, i, 4);
			add_word(&t, "range_offset");
			sha256_parts(hash, &(struct sha256_part){t.bytes, t.len}, 1);
			for (unsigned j = 0; j < 8; j++)
				number = number << 8 | hash[j];
			assert_int_equal(offsets[i], number % (sizes[s] - 256));
		}
	}
}

static void test_transcript(void **state)
{
	const char *observers[12];
	char names[12][8];
	struct transcript t = {
		.epoch = 300,
		.challenger = "c",
		.target = "t",
		.ticket = "ticket",
		.artifact_key = "key",
		.derivation_hex = "dd",
		.compound_hex = "cc",
		.bucket = 2,
		.class = 1,
		.ordinal = 70000,
		.observers = observers,
		.observer_count = 12,
	};
	struct text text = {.len = 0};
	uint8_t got[32], want[32];

	/* Given in falling order, hashed in rising order, repeats kept. */
	for (unsigned i = 0; i < 12; i++) {
		snprintf(names[i], sizeof(names[i]), "o%02u", i / 2);
		observers[11 - i] = names[i];
	}
	assert_int_equal(transcript_hash(got, &t), 0);
	add(&text, "\0\0\0\0\0\0\1\54", 8);
	add_word(&text, "c");
	add_word(&text, "t");
	add_word(&text, "ticket");
	add_word(&text, "OLD");
	add_word(&text, "INDEX");
	add_be(&text, 70000, 4);
	add_word(&text, "key");
	add_word(&text, "dd");
	add_word(&text, "cc");
	add_be(&text, 12, 4);
	for (unsigned i = 0; i < 12; i++)
		add_word(&text, names[i]);
	add_word(&text, "transcript");
	sha256_parts(want, &(struct sha256_part){text.bytes, text.len}, 1);
	assert_memory_equal(got, want, 32);
}

#define NODES 60

static void make_names(char names[NODES][8], const char *list[NODES])
{
	for (unsigned i = 0; i < NODES; i++) {
		snprintf(names[i], 8, "n%u", i);
		list[i] = names[i];
	}
}

static void shuffle(const char **list, size_t n, const struct random *random)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = random_u64(random) % i;
		const char *swap = list[i - 1];

		list[i - 1] = list[j];
		list[j] = swap;
	}
}

/* Nobody twice, nobody itself, as many as there are targets, and the order of the lists is nothing.
 */
static void test_pairs(void **state)
{
	uint64_t stream = 5;
	struct random random = random_sim(&stream);
	char names[NODES][8];
	const char *list[NODES], *selected[NODES];

	make_names(names, list);
	for (unsigned n = 2; n <= NODES; n++) {
		struct derive_pair pairs[NODES], again[NODES];
		size_t at[NODES], targets, count, count_again;

		assert_int_equal(derive_targets(at, &targets, list, n, seed, 3), 0);
		assert_int_equal(targets, (n + 2) / 3);
		for (size_t i = 0; i < targets; i++)
			selected[i] = list[at[i]];
		assert_int_equal(
			derive_pairs(pairs, &count, list, n, selected, targets, list, n, seed), 0);
		assert_int_equal(count, targets);
		for (size_t i = 0; i < count; i++) {
			assert_string_not_equal(pairs[i].challenger, pairs[i].target);
			for (size_t j = 0; j < i; j++) {
				assert_true(strcmp(pairs[j].challenger, pairs[i].challenger) < 0);
				assert_string_not_equal(pairs[i].target, pairs[j].target);
			}
		}
		shuffle(list, n, &random);
		shuffle(selected, targets, &random);
		assert_int_equal(derive_pairs(again, &count_again, list, n, selected, targets, list,
					      n, seed),
				 0);
		assert_int_equal(count_again, count);
		for (size_t i = 0; i < count; i++) {
			assert_string_equal(again[i].challenger, pairs[i].challenger);
			assert_string_equal(again[i].target, pairs[i].target);
		}
	}
}

/* Every height is in the epoch whose bounds hold it. */
static void test_epochs(void **state)
{
	for (uint64_t length = 1; length < 20; length++)
		for (uint64_t height = 3; height < 200; height++) {
			uint64_t start, end, epoch = epoch_at_height(height, 3, length), client;

			epoch_bounds(&start, &end, epoch, 3, length);
			assert_in_range(height, start, end);
			assert_int_equal(end - start + 1, length);
			assert_true(epoch_client(&client, height, 3, length));
			assert_int_equal(client, epoch);
		}
}

static void test_extremes(void **state)
{
	uint64_t offset;
	uint8_t hash[32], byte = 7;
	const uint64_t last = UINT64_MAX;

	assert_int_equal(derive_bucket(INT64_MAX, INT64_MIN, 1200, 12000), ASSAY_BUCKET_OLD);
	assert_int_equal(derive_bucket(INT64_MIN, INT64_MAX, 1200, 12000), 0);
	assert_int_equal(derive_offsets(&offset, seed, "t", "k", 1, 0, UINT64_MAX, UINT64_MAX, 1),
			 0);
	assert_int_equal(offset, 0);
	assert_int_equal(compound_hash(hash, &byte, 1, &last, 1, 1), ASSAY_E_RANGE);
	assert_int_equal(compound_hash(hash, &byte, 1, &last, 1, UINT64_MAX), ASSAY_E_RANGE);
	assert_int_equal(derive_offsets(&offset, seed, "t", "k", 1, 0, 5, 6, 1), ASSAY_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rank),	   cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_transcript), cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_epochs),	   cmocka_unit_test(test_extremes),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

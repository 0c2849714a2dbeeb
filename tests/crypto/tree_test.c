/* SPDX-License-Identifier: Apache-2.0 */
/* Trees: roots against the digest, hash lists and verification against the recursive wording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/sim.h"
#include "crypto/digest.h"
#include "crypto/tree_oracle.h"

static uint64_t seed = 5;
static struct random random_test;

static uint64_t below(uint64_t bound)
{
	return random_u64(&random_test) % bound;
}

static void *bytes(size_t len)
{
	void *p = malloc(len > 0 ? len : 1);

	assert_non_null(p);
	random_fill(&random_test, p, len);
	return p;
}

/* Data of size bytes with its outboard. */
struct sample {
	uint64_t size;
	uint32_t chunks;
	uint8_t *data, *outboard;
	const uint8_t *root;
};

static struct sample make_sample(uint64_t size)
{
	struct sample s = {.size = size, .chunks = tree_chunks(size), .data = bytes(size)};
	size_t len = tree_outboard_len(s.chunks);

	s.outboard = bytes(len + 1);
	s.outboard[len] = 0xee;
	tree_build(s.outboard, s.data, size);
	assert_int_equal(s.outboard[len], 0xee);
	s.root = s.outboard + len - 32;
	return s;
}

static void free_sample(struct sample *s)
{
	free(s->data);
	free(s->outboard);
}

static void root_is_digest(void **state)
{
	for (uint64_t base = 0; base <= 4 << 20; base = base == 0 ? 1024 : base * 2)
		for (int64_t off = -1; off <= 1; off++) {
			uint64_t sizes[] = {base + off, base + base / 2 + off, base + 3072 + off};

			for (unsigned i = 0; i < 3; i++) {
				uint8_t digest[32];
				struct sample s;

				if ((int64_t)sizes[i] < 0)
					continue;
				s = make_sample(sizes[i]);
				digest_one(digest, NULL, s.data, s.size);
				assert_memory_equal(s.root, digest, 32);
				free_sample(&s);
			}
		}
}

static void offsets_are_sums(void **state)
{
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t chunks = i < 1500     ? i + 1
				  : i < 1502   ? UINT32_MAX - (i - 1500)
				  : i % 2 == 0 ? 1u << below(32)
					       : (uint32_t)below(UINT32_MAX) + 1;
		uint64_t count = chunks, sum = 0;
		unsigned level = 0;

		for (;; level++, count = (count + 1) / 2) {
			assert_int_equal(tree_level_offset(chunks, level), sum);
			sum += count;
			if (count == 1)
				break;
		}
		assert_int_equal(tree_height(chunks), level);
		assert_int_equal(tree_outboard_len(chunks), 32 * sum);
	}
}

/* Every entry of every level is the value of its chunks by the recursive wording. */
static void entries_are_values(void **state)
{
	for (uint32_t chunks = 1; chunks <= 40; chunks++) {
		struct sample s = make_sample((uint64_t)chunks * 1024 - below(1024));
		uint32_t all[40];
		struct oracle o = {
			.chunks = chunks, .touched = all, .n = chunks, .values = s.outboard};

		for (uint32_t i = 0; i < chunks; i++)
			all[i] = i;
		for (uint8_t level = 0; level <= tree_height(chunks); level++)
			for (uint32_t i = 0; (uint64_t)i << level < chunks; i++) {
				uint64_t a = (uint64_t)i << level, b = a + (1ull << level);
				uint8_t told[32];

				oracle_value(&o, told, a, b < chunks ? b : chunks);
				assert_memory_equal(tree_value(s.outboard, chunks,
							       (struct tree_node){i, level}),
						    told, 32);
			}
		free_sample(&s);
	}
}

static void chunk_values_agree(void **state)
{
	uint8_t *data = bytes(64 * 1024), all[64 * 32], one[32];

	for (unsigned round = 0; round < 200; round++) {
		unsigned n = 1 + below(64);
		uint32_t first = (uint32_t)below(UINT32_MAX - 64);

		tree_chunk_values(all, data, n, first);
		for (unsigned i = 0; i < n; i++) {
			tree_chunk_value(one, data + 1024 * i, 1024, first + i, false);
			assert_memory_equal(all + 32 * i, one, 32);
		}
	}
	for (uint16_t len = 0; len <= 1024; len++) {
		tree_chunk_value(all, data, len, 0, true);
		digest_one(one, NULL, data, len);
		assert_memory_equal(all, one, 32);
		tree_chunk_value(all, data, len, 0, false);
		assert_memory_not_equal(all, one, 32);
	}
	free(data);
}

static void touched_are_overlapped(void **state)
{
	for (unsigned round = 0; round < 3000; round++) {
		unsigned k = 1 + below(16), n, told = 0;
		uint32_t length = 1 + (uint32_t)below(1024), got[TREE_TOUCHED_MAX];
		uint64_t offsets[16];

		for (unsigned i = 0; i < k; i++)
			offsets[i] = below(40 * 1024 - length);
		n = tree_touched(got, offsets, k, length);
		for (uint32_t chunk = 0; chunk < 40; chunk++) {
			bool overlapped = false;

			for (unsigned i = 0; i < k; i++)
				overlapped |= offsets[i] < (chunk + 1) * 1024ull &&
					      offsets[i] + length > chunk * 1024ull;
			if (overlapped) {
				assert_true(told < n);
				assert_int_equal(got[told++], chunk);
			}
		}
		assert_int_equal(n, told);
	}
}

/* Compares list and verdict with the oracle, on values that need not come from data. */
static void check_set(uint32_t chunks, const uint32_t *touched, unsigned n)
{
	static struct tree_node list[TREE_HASHES_MAX];
	static uint64_t found[TREE_HASHES_MAX];
	unsigned count = tree_hash_list(list, TREE_HASHES_MAX, chunks, touched, n);
	struct oracle o = {.chunks = chunks, .touched = touched, .n = n, .found = found};
	uint8_t *values = bytes(32 * n), *hashes = bytes(32 * (count + 1)), root[32];

	oracle_value(&o, root, 0, chunks);
	assert_int_equal(o.used, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal((uint64_t)list[i].index << list[i].level, found[i]);

	o = (struct oracle){.chunks = chunks,
			    .touched = touched,
			    .n = n,
			    .values = values,
			    .hashes = hashes,
			    .hash_count = count};
	oracle_value(&o, root, 0, chunks);
	assert_false(o.missing);
	assert_true(tree_verify(root, chunks, touched, n, values, hashes, count));
	assert_false(tree_verify(root, chunks, touched, n, values, hashes, count + 1));
	if (count > 0)
		assert_false(tree_verify(root, chunks, touched, n, values, hashes, count - 1));
	root[below(32)] ^= 1 << below(8);
	assert_false(tree_verify(root, chunks, touched, n, values, hashes, count));
	free(values);
	free(hashes);
}

static void all_small_sets(void **state)
{
	for (uint32_t chunks = 1; chunks <= 9; chunks++)
		for (uint32_t set = 1; set < 1u << chunks; set++) {
			uint32_t touched[9];
			unsigned n = 0;

			for (uint32_t i = 0; i < chunks; i++)
				if ((set >> i & 1) != 0)
					touched[n++] = i;
			check_set(chunks, touched, n);
		}
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Up to the largest tree there is; the last chunk and neighbours often among the touched. */
static void large_random_sets(void **state)
{
	for (unsigned round = 0; round < 4000; round++) {
		uint32_t chunks =
			round % 8 == 0 ? UINT32_MAX - (uint32_t)below(3)
				       : (uint32_t)(random_u64(&random_test) >> (32 + below(32)));
		uint32_t raw[TREE_TOUCHED_MAX], touched[TREE_TOUCHED_MAX];
		unsigned drawn = 1 + below(TREE_TOUCHED_MAX), n = 0;

		chunks = chunks == 0 ? 1 : chunks;
		for (unsigned i = 0; i < drawn; i++)
			raw[i] = below(8) == 0		  ? chunks - 1
				 : i > 0 && below(4) == 0 ? (raw[i - 1] + 1) % chunks
							  : (uint32_t)below(chunks);
		qsort(raw, drawn, sizeof(raw[0]), ascending);
		for (unsigned i = 0; i < drawn; i++)
			if (n == 0 || touched[n - 1] != raw[i])
				touched[n++] = raw[i];
		check_set(chunks, touched, n);
	}
}

/* From data, as prover and verifier do it; then every bit of the proof flipped once. */
static void every_flipped_bit_is_refused(void **state)
{
	for (uint32_t chunks = 1; chunks <= 19; chunks += 3) {
		struct sample s = make_sample(chunks * 1024ull - below(1024));
		uint32_t touched[2] = {(uint32_t)below(chunks), chunks - 1};
		unsigned n = touched[0] == touched[1] ? 1 : 2;
		struct tree_node list[TREE_HASHES_MAX];
		unsigned count = tree_hash_list(list, TREE_HASHES_MAX, chunks, touched, n);
		uint8_t *proof = bytes(32 * (n + count + 1));
		uint8_t *values = proof, *hashes = proof + 32 * n, *key = hashes + 32 * count;

		for (unsigned i = 0; i < n; i++)
			tree_chunk_value(values + 32 * i, s.data + 1024ull * touched[i],
					 tree_chunk_len(s.size, touched[i]), touched[i],
					 chunks == 1);
		for (unsigned i = 0; i < count; i++)
			memcpy(hashes + 32 * i, tree_value(s.outboard, chunks, list[i]), 32);
		digest_one(key, NULL, s.data, s.size);
		assert_true(tree_verify(key, chunks, touched, n, values, hashes, count));
		for (unsigned bit = 0; bit < 8 * 32 * (n + count + 1); bit++) {
			proof[bit / 8] ^= 1 << bit % 8;
			assert_false(tree_verify(key, chunks, touched, n, values, hashes, count));
			proof[bit / 8] ^= 1 << bit % 8;
		}
		free(proof);
		free_sample(&s);
	}
}

static void list_keeps_to_its_room(void **state)
{
	struct tree_node list[3] = {0}, mark = {77, 7};
	uint32_t touched[] = {500};

	list[2] = mark;
	assert_int_equal(tree_hash_list(list, 2, 1000, touched, 1), 10);
	assert_memory_equal(&list[2], &mark, sizeof(mark));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_digest),
		cmocka_unit_test(offsets_are_sums),
		cmocka_unit_test(entries_are_values),
		cmocka_unit_test(chunk_values_agree),
		cmocka_unit_test(touched_are_overlapped),
		cmocka_unit_test(all_small_sets),
		cmocka_unit_test(large_random_sets),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(list_keeps_to_its_room),
	};

	random_test = random_sim(&seed);
	digest_init();
	return cmocka_run_group_tests_name("crypto: trees", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One piece at a time gives the outboard that tree_build makes of the whole. */
#include "store/tree_pass.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "crypto/digest.h"

struct sink {
	uint8_t *outboard;
	uint32_t chunks;
	uint64_t entries;
	unsigned fail_at; /* the call that fails; 0: none */
};

static int take(void *ctx, struct tree_node first, const uint8_t *values, uint32_t count)
{
	struct sink *s = ctx;

	if (s->fail_at > 0 && --s->fail_at == 0)
		return ASSAY_E_NOSPC;
	assert_in_range(count, 1, PIECE_CHUNKS);
	memcpy(s->outboard + 32 * (tree_level_offset(s->chunks, first.level) + first.index), values,
	       32 * (size_t)count);
	s->entries += count;
	return 0;
}

static void check_size(uint64_t size)
{
	uint32_t chunks = tree_chunks(size);
	uint64_t len = tree_outboard_len(chunks);
	uint8_t *data = malloc(size), *wanted = malloc(len), root[32], digest[32];
	struct sink sink = {calloc(1, len), chunks, 0, 0};
	struct tree_pass pass;

	for (uint64_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	tree_build(wanted, data, size);
	assert_int_equal(tree_pass_open(&pass, size, (struct tree_sink){take, &sink}), 0);
	for (uint32_t i = 0; i < pass.pieces; i++)
		assert_int_equal(tree_pass_piece(&pass, i, data + (uint64_t)i * PIECE_LEN), 0);
	assert_int_equal(tree_pass_end(&pass, root), 0);
	digest_one(digest, NULL, data, size);
	assert_memory_equal(root, digest, 32);
	assert_true(sink.entries == len / 32); /* each value once */
	assert_memory_equal(sink.outboard, wanted, len);
	tree_pass_close(&pass);
	free(sink.outboard);
	free(wanted);
	free(data);
}

static void test_sizes(void **state)
{
	static const uint64_t sizes[] = {
		1,
		1023,
		1024,
		1025,
		2048,
		2049,
		3 * 1024,
		65532,
		65536,
		65537,
		PIECE_LEN - 1,
		PIECE_LEN,
		PIECE_LEN + 1,
		2 * PIECE_LEN,
		3 * PIECE_LEN,
		4 * PIECE_LEN + 5000,
		7 * PIECE_LEN - 3,
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_size(sizes[i]);
}

/* Every number of chunks around the powers of two. */
static void test_shapes(void **state)
{
	for (uint64_t chunks = 1; chunks <= 70; chunks++)
		check_size(chunks * 1024 - chunks % 3);
	for (uint64_t chunks = 1000; chunks <= 1060; chunks += 7)
		check_size(chunks * 1024 - 1);
}

static void test_sink_fails(void **state)
{
	uint64_t size = 2 * PIECE_LEN + 100;
	uint8_t *data = calloc(1, size), root[32];
	unsigned calls;

	for (calls = 1;; calls++) {
		struct sink sink = {malloc(tree_outboard_len(tree_chunks(size))), tree_chunks(size),
				    0, calls};
		struct tree_pass pass;
		int err = 0;

		assert_int_equal(tree_pass_open(&pass, size, (struct tree_sink){take, &sink}), 0);
		for (uint32_t i = 0; err == 0 && i < pass.pieces; i++)
			err = tree_pass_piece(&pass, i, data + (uint64_t)i * PIECE_LEN);
		if (err == 0)
			err = tree_pass_end(&pass, root);
		tree_pass_close(&pass);
		free(sink.outboard);
		if (err == 0)
			break;
		assert_int_equal(err, ASSAY_E_NOSPC);
	}
	assert_int_equal(calls, 3 * 10 + 3 + 1);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_sink_fails),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

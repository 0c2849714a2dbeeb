/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, parameters, blocks and ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "assay/raptorq.h"
#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "raptorq/box.h"
#include "raptorq/tables.h"

static char text[65536];
static size_t text_len;

static void put(const char *format, uint32_t v)
{
	text_len += snprintf(text + text_len, sizeof(text) - text_len, format, v);
}

static void list(const uint32_t *v, size_t n)
{
	text_len = 0;
	for (size_t i = 0; i < n; i++)
		put(i == 0 ? "[%u" : ",%u", v[i]);
	put("]", 0);
}

static void digest_is(const char *want)
{
	uint8_t digest[32];
	char hex[65];

	sha256_parts(digest, &(struct sha256_part){text, text_len}, 1);
	hex_encode(hex, digest, sizeof(digest));
	assert_string_equal(hex, want);
}

/* The digests that go with the numbers, over their compact JSON. */
static void tables(void **state)
{
	static const char *const words[] = {
		"67d6c06f61d3a9c7d659b5a2c23337621181fef92d76f77cf0683e732a5b551c",
		"9ca326a231ecaf244a07947c976a30e2411eaf5049fb003aa7afb50a9f4ebc77",
		"65799d5fbab1ab705c2a76b8f8fd2b9518815d5585ee81b587bbaa2aee7bbc79",
		"bdf98cf1c59f70e4977550168a15b78c5d419a72d3154b4c0bec63e4b966eac9"};

	for (int i = 0; i < 4; i++) {
		list(rq_v[i], 256);
		digest_is(words[i]);
	}
	list(rq_degree, RQ_DEGREE_MAX + 1);
	digest_is("5eca4acad1d26d4bc6f3664cfc3629bcc9eab7c3527a8c88a00405ed6fb3e3dc");
	text_len = 0;
	for (int i = 0; i < RQ_TABLE_ROWS; i++) {
		put(i == 0 ? "[[%u" : ",[%u", rq_table[i].kp);
		put(",%u", rq_table[i].j);
		put(",%u", rq_table[i].s);
		put(",%u", rq_table[i].h);
		put(",%u]", rq_table[i].w);
	}
	put("]", 0);
	digest_is("475bd4b257a0191d69e411579ecf50325339b165d7b53ace75d7775360ecbd49");
}

/* What is wrong is refused and named; nothing is bent to fit. */
static void refusals(void **state)
{
	static const struct {
		struct assay_rq_params p;
		const char *why;
	} cases[] = {
		{{0, 8, 1, 1, 8}, "empty"},
		{{ASSAY_RQ_LENGTH_MAX + 1, 65535, 255, 1, 1}, "longer"},
		{{100, 0, 1, 1, 1}, "symbol size is not"},
		{{100, 65536, 1, 1, 1}, "symbol size is not"},
		{{100, 8, 1, 1, 0}, "alignment is not"},
		{{100, 8, 1, 1, 256}, "alignment is not"},
		{{100, 8, 1, 1, 3}, "multiple"},
		{{100, 8, 0, 1, 1}, "source blocks is not"},
		{{100000, 8, 256, 1, 1}, "source blocks is not"},
		{{100, 8, 1, 0, 1}, "sub-blocks"},
		{{100, 8, 1, 3, 4}, "sub-blocks"},
		{{100, 8, 14, 1, 1}, "more source blocks than"},
		{{56403 * 8 + 1, 8, 1, 1, 1}, "56403"},
	};
	struct assay_rq_params good = {ASSAY_RQ_LENGTH_MAX, 65535, 255, 1, 1}, p;
	const char *why = NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(assay_rq_params_check(&cases[i].p, &why), ASSAY_E_INVAL);
		assert_non_null(strstr(why, cases[i].why));
	}
	assert_int_equal(assay_rq_params_check(&good, NULL), 0);
	assert_int_equal(assay_rq_params_derive(&p, &why, 1000, 1024, 100), ASSAY_E_INVAL);
	assert_non_null(strstr(why, "memory"));
	assert_int_equal(assay_rq_params_derive(&p, &why, 0, 1024, 1 << 20), ASSAY_E_INVAL);
	assert_int_equal(assay_rq_params_derive(&p, &why, 5, 0, 1 << 20), ASSAY_E_INVAL);
	assert_int_equal(assay_rq_params_derive(&p, &why, 5, 65536, 1 << 20), ASSAY_E_INVAL);
	assert_int_equal(assay_rq_params_derive(&p, &why, 1ull << 39, 64, 1 << 20), ASSAY_E_INVAL);
	assert_int_equal(assay_rq_params_derive(&p, &why, 5, 1, UINT64_MAX), 0);
}

/* Blocks and pieces tile the object and the symbol, whatever the numbers. */
static void tiling(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 3000; round++) {
		uint32_t al = 1 + box_random(&seed) % 8, units = 1 + box_random(&seed) % 200;
		struct assay_rq_params p = {1 + box_random(&seed) % 5000000, units * al,
					    1 + box_random(&seed) % 255,
					    1 + box_random(&seed) % units, al};
		uint64_t at = 0;

		if (assay_rq_params_check(&p, NULL) != 0)
			continue;
		for (uint32_t sbn = 0; sbn < p.blocks; sbn++) {
			struct assay_rq_block b;
			uint64_t start = 0;

			assert_int_equal(assay_rq_block(&b, &p, sbn), 0);
			assert_true(b.extended >= b.symbols);
			assert_int_equal(b.offset, at);
			at += b.length;
			for (uint32_t j = 0; j < p.sub_blocks; j++) {
				struct assay_rq_piece piece;

				assert_int_equal(assay_rq_piece(&piece, &p, &b, j), 0);
				assert_int_equal(piece.start, start);
				assert_true(piece.size > 0);
				start += (uint64_t)piece.size * b.symbols;
			}
			assert_int_equal(start, (uint64_t)b.symbols * p.symbol_size);
		}
		assert_int_equal(at, p.length);
	}
}

static void payload_ids(void **state)
{
	uint8_t id[4];
	uint32_t sbn, esi;

	assert_int_equal(assay_rq_payload_id_write(id, 3, 0xfedcba), 0);
	assert_memory_equal(id, "\x03\xfe\xdc\xba", 4);
	assay_rq_payload_id_read(&sbn, &esi, id);
	assert_int_equal(sbn, 3);
	assert_int_equal(esi, 0xfedcba);
	assert_int_equal(assay_rq_payload_id_write(id, 256, 0), ASSAY_E_RANGE);
	assert_int_equal(assay_rq_payload_id_write(id, 0, 1 << 24), ASSAY_E_RANGE);
}

static void bad_calls(void **state)
{
	struct assay_rq_plan *plan;
	uint32_t known[] = {0, 1u << 24};
	void *memory = box_alloc(1 << 20);

	assert_int_equal(assay_rq_plan_size(0, 0), 0);
	assert_int_equal(assay_rq_plan_size(56404, 56404), 0);
	assert_int_equal(assay_rq_plan_init(&plan, memory, 1 << 20, 0, NULL, 0), ASSAY_E_RANGE);
	assert_int_equal(assay_rq_plan_init(&plan, memory, 1 << 20, 56404, NULL, 56404),
			 ASSAY_E_RANGE);
	assert_int_equal(assay_rq_plan_init(&plan, memory, 1 << 20, 2, NULL, 1), ASSAY_E_INVAL);
	assert_int_equal(assay_rq_plan_init(&plan, memory, 1 << 20, 2, known, 2), ASSAY_E_RANGE);
	assert_int_equal(assay_rq_plan_init(&plan, memory, 64, 2, NULL, 2), ASSAY_E_NOMEM);
	assert_int_equal(assay_rq_plan_init(&plan, memory, 8192, 200, NULL, 200), ASSAY_E_NOMEM);
	assert_true(assay_rq_plan_need(plan) > 8192);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables),    cmocka_unit_test(refusals),
		cmocka_unit_test(tiling),    cmocka_unit_test(payload_ids),
		cmocka_unit_test(bad_calls),
	};

	digest_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

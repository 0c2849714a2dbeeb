/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "base/sim.h"

static void test_hex(void **state)
{
	uint8_t in[3] = {0x00, 0xa5, 0xff}, out[3];
	char text[7];

	hex_encode(text, in, 3);
	assert_string_equal(text, "00a5ff");
	assert_int_equal(hex_decode(out, 3, "00A5fF"), 0);
	assert_memory_equal(in, out, 3);
	assert_int_equal(hex_decode(out, 3, "00a5f"), ASSAY_E_INVAL);
	assert_int_equal(hex_decode(out, 3, "00a5ff0"), ASSAY_E_INVAL);
	assert_int_equal(hex_decode(out, 3, "00a5fg"), ASSAY_E_INVAL);
	assert_int_equal(hex_decode(out, 1, ""), ASSAY_E_INVAL);
}

/* Vectors of the Internet draft on base58, and ones that only have zeros. */
static void test_base58_vectors(void **state)
{
	static const struct {
		const char *hex, *text;
	} cases[] = {
		{"", ""},
		{"00", "1"},
		{"000000", "111"},
		{"61", "2g"},
		{"626262", "a3gV"},
		{"0000287fb4cd", "11233QC4"},
		{"48656c6c6f20576f726c6421", "2NEpo7TZRRrLZSi2U"},
		{"54686520717569636b2062726f776e20666f78206a756d7073206f76657220746865206c617a7920"
		 "646f672e",
		 "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[64], back[64];
		size_t len = strlen(cases[i].hex) / 2;
		char text[100];

		assert_int_equal(hex_decode(bytes, len, cases[i].hex), 0);
		assert_int_equal(base58_encode(text, sizeof(text), bytes, len),
				 strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		assert_int_equal(base58_decode(back, len, text), 0);
		assert_memory_equal(bytes, back, len);
		assert_int_equal(base58_encode(text, strlen(cases[i].text), bytes, len),
				 ASSAY_E_FULL);
	}
}

static void test_base58_any_key(void **state)
{
	uint64_t seed = 1;
	struct random random = random_sim(&seed);

	for (unsigned i = 0; i < 2000; i++) {
		uint8_t key[32], back[32];
		char text[BASE58_KEY_MAX], hex[65];

		random_fill(&random, key, 32);
		memset(key, 0, i % 33);
		assert_true(base58_encode(text, sizeof(text), key, 32) > 0);
		assert_int_equal(key_parse(back, text), 0);
		assert_memory_equal(key, back, 32);
		hex_encode(hex, key, 32);
		assert_int_equal(key_parse(back, hex), 0);
		assert_memory_equal(key, back, 32);
	}
}

static void test_base58_refuses(void **state)
{
	uint8_t out[256];
	char ones[300], many[400];

	assert_int_equal(base58_decode(out, 3, "a3g0"), ASSAY_E_INVAL);
	assert_int_equal(base58_decode(out, 3, "a3gl"), ASSAY_E_INVAL);
	assert_int_equal(base58_decode(out, 3, "a3gVa3gV"), ASSAY_E_INVAL);
	assert_int_equal(base58_decode(out, 3, "2g"), ASSAY_E_INVAL);
	assert_int_equal(base58_decode(out, 3, "1a3gV"), ASSAY_E_INVAL);
	memset(ones, '1', 299);
	ones[299] = '\0';
	assert_int_equal(base58_decode(out, 256, ones), ASSAY_E_INVAL);
	memset(many, 'z', 399);
	many[399] = '\0';
	assert_int_equal(base58_decode(out, 256, many), ASSAY_E_INVAL);
	assert_int_equal(key_parse(out, ""), ASSAY_E_INVAL);
}

static void test_accounts(void **state)
{
	char text[66];

	assert_true(account_valid("node-1.example"));
	assert_false(account_valid(""));
	assert_false(account_valid("Node"));
	assert_false(account_valid("a b"));
	memset(text, 'a', 65);
	text[65] = '\0';
	assert_false(account_valid(text));
	text[64] = '\0';
	assert_true(account_valid(text));
}

static void test_numbers(void **state)
{
	uint64_t v = 7;

	assert_int_equal(u64_parse(&v, "0"), 0);
	assert_int_equal(v, 0);
	assert_int_equal(u64_parse(&v, "18446744073709551615"), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(u64_parse(&v, "18446744073709551616"), ASSAY_E_RANGE);
	assert_int_equal(u64_parse(&v, "99999999999999999999999"), ASSAY_E_RANGE);
	assert_int_equal(u64_parse(&v, ""), ASSAY_E_INVAL);
	assert_int_equal(u64_parse(&v, "-1"), ASSAY_E_INVAL);
	assert_int_equal(u64_parse(&v, " 1"), ASSAY_E_INVAL);
	assert_int_equal(u64_parse(&v, "1x"), ASSAY_E_INVAL);
	assert_true(v == UINT64_MAX); /* untouched by failures */
}

static void test_reader_and_writer(void **state)
{
	uint8_t room[15];
	struct writer w = writer_of(room, sizeof(room));

	write_u8(&w, 1);
	write_u16le(&w, 0x0203);
	write_u32be(&w, 0x04050607);
	write_u64le(&w, 0x08090a0b0c0d0e0f);
	assert_false(w.full);
	assert_int_equal(w.len, 15);
	write_u8(&w, 1);
	assert_true(w.full);
	assert_int_equal(w.len, 15);

	struct reader r = reader_of(room, sizeof(room));

	assert_int_equal(read_u8(&r), 1);
	assert_int_equal(read_u16be(&r), 0x0302);
	assert_int_equal(read_u32be(&r), 0x04050607);
	assert_false(read_done(&r));
	assert_true(read_u64le(&r) == 0x08090a0b0c0d0e0f);
	assert_true(read_done(&r));
	assert_int_equal(read_u8(&r), 0);
	assert_true(r.bad);
	assert_false(read_done(&r));

	r = reader_of(room, 3);
	assert_int_equal(read_u32le(&r), 0); /* too short: bad for good */
	assert_int_equal(read_u8(&r), 0);
	assert_true(r.bad);
}

static void test_status_lists(void **state)
{
	assert_string_equal(assay_reason_name(ASSAY_R_RANGE_END), "range_end");
	assert_string_equal(assay_reason_name(0), "none");
	assert_string_equal(assay_reason_name(63), "unknown");
	assert_false(assay_reason_known(0));
	assert_true(assay_reason_known(ASSAY_R_UDP_LENGTH));
	assert_string_equal(assay_error_text(ASSAY_E_NOSPC), "no space left on the device");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base58_vectors),
		cmocka_unit_test(test_base58_any_key),
		cmocka_unit_test(test_base58_refuses),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_reader_and_writer),
		cmocka_unit_test(test_status_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

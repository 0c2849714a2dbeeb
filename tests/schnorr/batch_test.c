/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts of whole batches against libsecp256k1, with every code that this processor runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "schnorr/cases.h"

#define MOST CASES_ROUNDS(384, 96)

static struct sig_case cases[MOST], good[MOST];
static bool told[MOST];
static uint64_t seed = 4;
static struct assay_schnorr *batch;
static enum assay_schnorr_code code;

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
				  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

static void same(size_t n)
{
	assert_int_equal(cases_differ(batch, cases, n, false, 0, NULL), -1);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(cases_random(&seed) % n);
}

static int open_batch(void **state)
{
	code = *(const enum assay_schnorr_code *)*state;
	batch = cases_batch(MOST, 8, code);
	for (uint32_t i = 0; i < MOST && good[0].len == 0; i++)
		case_sign(&good[MOST - 1 - i], &seed, i + 1);
	memcpy(cases, good, sizeof(cases));
	return 0;
}

static int close_batch(void **state)
{
	cases_free(batch);
	return 0;
}

static size_t read_vectors(struct sig_case *out, bool *valid)
{
	json_t *file = json_load_file(VECTORS_DIR "/bip340.json", 0, NULL), *entry;
	size_t i, n = 0;

	assert_non_null(file);
	json_array_foreach(json_object_get(file, "cases"), i, entry)
	{
		const char *message = json_string_value(json_object_get(entry, "message"));
		struct sig_case *c = &out[n];

		memset(c, 0, sizeof(*c));
		c->len = strlen(message) / 2;
		assert_true(c->len <= sizeof(c->message));
		assert_int_equal(hex_decode(c->message, c->len, message), 0);
		assert_int_equal(
			hex_decode(c->key, 32,
				   json_string_value(json_object_get(entry, "public_key"))),
			0);
		assert_int_equal(hex_decode(c->signature, 64,
					    json_string_value(json_object_get(entry, "signature"))),
				 0);
		valid[n++] = json_is_true(json_object_get(entry, "valid"));
	}
	json_decref(file);
	return n;
}

/* Alone, at every position of a batch, in 16 copies, all together. 24 are summed, then halved. */
static void published_answers(void **state)
{
	static struct sig_case vector[32];
	bool valid[32];
	size_t n = read_vectors(vector, valid);

	assert_int_equal(n, 19);
	for (size_t v = 0; v < n; v++) {
		for (size_t i = 0; i < MOST; i++)
			told[i] = true;
		for (size_t at = v % CASES_ROUNDS(1, 8); at < 24; at += CASES_ROUNDS(1, 8)) {
			memcpy(cases, good, 24 * sizeof(cases[0]));
			cases[at] = vector[v];
			told[at] = valid[v];
			assert_int_equal(cases_differ(batch, cases, 24, at % 2 == 0, 0, told), -1);
			told[at] = true;
		}
		memcpy(cases, good, 24 * sizeof(cases[0]));
		for (size_t i = 0; i < 16; i++) {
			cases[i] = vector[v];
			told[i] = valid[v];
		}
		assert_int_equal(cases_differ(batch, cases, 1, false, 0, told), -1);
		assert_int_equal(cases_differ(batch, cases, 16, false, 0, told), -1);
		assert_int_equal(cases_differ(batch, cases, 24, false, 0, told), -1);
	}
	assert_int_equal(cases_differ(batch, vector, n, false, 0, valid), -1);
}

static void every_size(void **state)
{
	for (size_t i = 0; i < MOST; i++)
		told[i] = true;
	assert_int_equal(cases_differ(batch, cases, 0, false, 0, told), -1);
	for (size_t n = 1; n <= MOST; n = n < 40 ? n + CASES_ROUNDS(1, 5) : n * 5 / 4)
		assert_int_equal(cases_differ(batch, cases, n, n % 2 == 0, 0, told), -1);
	assert_int_equal(cases_differ(batch, cases, MOST, true, 1000, told), -1);
}

static void one_bad_anywhere(void **state)
{
	for (size_t i = 0; i < MOST; i++)
		told[i] = true;
	for (unsigned round = 0; round < CASES_ROUNDS(32, 6); round++) {
		size_t n = round % 2 == 0 ? 9 + below(60) : MOST, at = below((uint32_t)n);
		uint8_t *bytes = round % 3 == 0	  ? cases[at].key
				 : round % 3 == 1 ? cases[at].signature
						  : cases[at].message;
		struct sig_case kept = cases[at];

		bytes[below(round % 3 == 1   ? 64
			    : round % 3 == 0 ? 32
					     : (uint32_t)kept.len | 1)] ^=
			(uint8_t)(1u << below(8));
		told[at] = case_valid(&cases[at]);
		assert_int_equal(cases_differ(batch, cases, n, round % 2 == 0, 20000, told), -1);
		cases[at] = kept;
		told[at] = true;
	}
}

/* Any share of bad ones, of many kinds. */
static void spoil(struct sig_case *c)
{
	static const uint8_t x_limit[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					    0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x2f};

	switch (below(12)) {
	case 0:
		memset(c->signature + 32, 0, 32); /* s = 0 */
		break;
	case 1:
		memcpy(c->signature + 32, order, 32); /* s = n */
		break;
	case 2:
		memset(c->signature, 0xff, 64);
		break;
	case 3:
		memcpy(c->signature, x_limit, 32); /* r = p */
		break;
	case 4:
		memcpy(c->signature, order, 32); /* n <= r < p */
		break;
	case 5:
		cases_fill(&seed, c->signature, 32); /* half of these are on no point */
		break;
	case 6:
		cases_fill(&seed, c->key, 32);
		break;
	case 7:
		memcpy(c->key, x_limit, 32);
		c->key[31]--;
		break;
	case 8:
		memset(c->signature, 0, 32);
		break;
	case 9:
		memcpy(c->signature, c->key, 32);
		break;
	case 10:
		for (int i = 0; i < 32; i++) /* n - s: the other parity of R */
			c->signature[32 + i] = (uint8_t)~c->signature[32 + i];
		break;
	default:
		c->message[below(32)] ^= 1;
		c->len |= 1;
	}
}

static void any_share_bad(void **state)
{
	static const uint32_t shares[] = {1, 2, 5, 20, 100};

	for (unsigned round = 0; round < CASES_ROUNDS(20, 5); round++) {
		size_t n = 1 + below(MOST - 1);

		memcpy(cases, good, sizeof(cases));
		for (size_t i = 0; i < n; i++)
			if (below(shares[round % 5]) == 0)
				spoil(&cases[i]);
		same(n);
	}
}

/* Errors that cancel when coefficients are equal: s + d and s - d, and swapped s. */
static void errors_that_cancel(void **state)
{
	for (size_t n = 2; n <= 64; n *= 2) {
		memcpy(cases, good, sizeof(cases));
		cases[0].signature[63]++;
		cases[1].signature[63]--;
		same(n);
		memcpy(cases[0].signature + 32, good[1].signature + 32, 32);
		memcpy(cases[1].signature + 32, good[0].signature + 32, 32);
		same(n);
		assert_false(assay_schnorr_valid(batch, 0));
		assert_false(assay_schnorr_valid(batch, 1));
		assert_int_equal(n == 2 || assay_schnorr_valid(batch, 2), true);
	}
}

/* Points that meet their equals and opposites: secrets 1, lambda, lambda^2, 2^128; equal nonces. */
static void equal_points(void **state)
{
	for (unsigned round = 0; round < CASES_ROUNDS(24, 6); round++) {
		unsigned nonces = round % 3 == 0 ? 1 : CASES_RELATED;
		unsigned keys = round % 4 == 0 ? 1 : CASES_RELATED;

		for (size_t i = 0; i < 96; i++)
			case_sign_related(&cases[i], &seed, below(keys), below(nonces));
		if (round % 2 != 0)
			spoil(&cases[below(96)]);
		same(round % 3 != 1 ? 96 : 3 + below(60));
	}
}

/* n copies of one, two that alternate, few keys. */
static void repeated_items(void **state)
{
	size_t n = MOST / 2;

	for (unsigned kinds = 1; kinds <= 32; kinds *= kinds == 1 ? 2 : 4) {
		for (size_t i = 0; i < n; i++)
			cases[i] = good[i % kinds];
		same(n);
		same(17);
		spoil(&cases[below((uint32_t)n)]);
		same(n);
		for (size_t i = 0; i < n; i++)
			case_sign(&cases[i], &seed, (uint32_t)i % kinds + 1);
		same(n);
	}
}

static void all_bad(void **state)
{
	for (size_t i = 0; i < MOST; i++)
		cases[i].message[0]++, cases[i].len |= 1;
	same(MOST);
	same(9);
}

/* The cache holds eight keys: the rest of the handles goes void, in the order of their last use. */
static void cache_is_bounded(void **state)
{
	uint64_t handle[10], again;
	uint8_t none[32] = {0};

	for (int i = 0; i < 8; i++)
		assert_int_equal(assay_schnorr_key(batch, &handle[i], good[i].key), 0);
	assert_int_equal(assay_schnorr_key(batch, &again, good[0].key), 0);
	assert_true(again == handle[0]);
	assert_int_equal(assay_schnorr_key(batch, &handle[8], good[8].key), 0);
	for (int i = 0; i < 9; i++)
		assert_int_equal(assay_schnorr_add_cached(batch, good[i].message, good[i].len,
							  handle[i], good[i].signature),
				 i == 1 ? ASSAY_E_NOTFOUND : 0);
	/* Evicting in the middle of a batch takes nothing from it. */
	for (int i = 20; i < 30; i++)
		assert_int_equal(assay_schnorr_key(batch, &again, good[i].key), 0);
	assert_int_equal(assay_schnorr_run(batch, 0), 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_true(assay_schnorr_valid(batch, i));
	assert_int_equal(assay_schnorr_key(batch, &again, none), ASSAY_E_CRYPTO);
	assert_int_equal(assay_schnorr_add(batch, "", 0, good[0].key, good[0].signature),
			 ASSAY_E_BUSY);
}

/* Known keys come from the cache from their second batch on; more than it holds make no difference.
 */
static void known_keys(void **state)
{
	struct assay_schnorr_stats first, second;

	for (unsigned round = 0; round < 4; round++) {
		uint32_t n = round < 2 ? 4 : 40;

		assay_schnorr_stats(batch, &first);
		assay_schnorr_reset(batch);
		for (uint32_t i = 0; i < n; i++) {
			cases[i] = good[i];
			cases[i].signature[50] ^= i % 8 == 3;
			assert_int_equal(assay_schnorr_add_known(batch, cases[i].message,
								 cases[i].len, cases[i].key,
								 cases[i].signature),
					 0);
		}
		assert_int_equal(assay_schnorr_run(batch, 0), 0);
		assay_schnorr_stats(batch, &second);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(assay_schnorr_valid(batch, i), i % 8 != 3);
		if (code != ASSAY_SCHNORR_PLAIN && round < 2) /* judged: no R is lifted */
			assert_int_equal(second.lifts - first.lifts, round == 0 ? 4 : 0);
	}
}

/* After a bad batch the next is judged without a sum, until most are good again. */
static void remembers(void **state)
{
	const struct assay_schnorr_config config = {MOST, 0, code, false};
	struct assay_schnorr *b = cases_batch_of(&config);
	struct assay_schnorr_stats before, after;

	assert_non_null(b);
	for (unsigned round = 0; round < 24; round++) {
		bool is_bad = round == 1 || round == 2;

		for (size_t i = 0; i < 48; i++) {
			cases[i] = good[i];
			cases[i].signature[3] ^= is_bad;
			told[i] = !is_bad;
		}
		assay_schnorr_stats(b, &before);
		assert_int_equal(cases_differ(b, cases, 48, false, 0, told), -1);
		assay_schnorr_stats(b, &after);
		if (round < 2 || round == 23)
			assert_true(after.checks > before.checks);
		else if (round == 2 || round == 3)
			assert_int_equal(after.checks, before.checks);
	}
	cases_free(b);
}

static void limits(void **state)
{
	struct assay_schnorr_config config = {0, 0, ASSAY_SCHNORR_BEST, false};
	struct assay_schnorr *b;
	uint8_t byte;

	assert_int_equal(assay_schnorr_size(&config), 0);
	config.items_max = ASSAY_SCHNORR_ITEMS_MAX + 1;
	assert_int_equal(assay_schnorr_size(&config), 0);
	config.items_max = ASSAY_SCHNORR_ITEMS_MAX;
	assert_true(assay_schnorr_size(&config) > 0);
	assert_int_equal(
		assay_schnorr_init(&b, &byte + ((uintptr_t)&byte % 64 == 0), 1, &config, order),
		ASSAY_E_INVAL);
	for (uint32_t i = 0; i < MOST; i++)
		assert_int_equal(assay_schnorr_add(batch, "", 0, good[i].key, good[i].signature),
				 0);
	assert_int_equal(assay_schnorr_add(batch, "", 0, good[0].key, good[0].signature),
			 ASSAY_E_FULL);
}

/* A long message, alone and among others: hashed in pieces. */
static void long_message(void **state)
{
	static uint8_t text[100001];

	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(assay_schnorr_add(batch, text, i % 3 == 0 ? sizeof(text) : 5,
						   good[i].key, good[i].signature),
				 0);
	while (assay_schnorr_run(batch, 1) == ASSAY_E_AGAIN)
		;
	for (uint32_t i = 0; i < 12; i++)
		assert_false(assay_schnorr_valid(batch, i));
}

#define TEST(f, code)                                          \
	{                                                      \
#f, f, open_batch, close_batch, (void *)(code) \
	}

int main(void)
{
	static const enum assay_schnorr_code codes[] = {ASSAY_SCHNORR_PLAIN, ASSAY_SCHNORR_AVX2,
							ASSAY_SCHNORR_IFMA};
	int failed = 0;

	for (unsigned i = 0; i < 3; i++) {
		const struct CMUnitTest tests[] = {
			TEST(published_answers, &codes[i]),  TEST(every_size, &codes[i]),
			TEST(one_bad_anywhere, &codes[i]),   TEST(any_share_bad, &codes[i]),
			TEST(errors_that_cancel, &codes[i]), TEST(equal_points, &codes[i]),
			TEST(repeated_items, &codes[i]),     TEST(all_bad, &codes[i]),
			TEST(cache_is_bounded, &codes[i]),   TEST(limits, &codes[i]),
			TEST(long_message, &codes[i]),	     TEST(known_keys, &codes[i]),
			TEST(remembers, &codes[i]),
		};
		struct assay_schnorr *b = cases_batch(1, 0, codes[i]);

		if (b == NULL)
			continue;
		print_message("code: %s\n", assay_schnorr_code_name(b));
		cases_free(b);
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	}
	return failed;
}

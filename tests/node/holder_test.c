/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a holder signs: a ticket coded by the real codec, seven holders, and everything that may be
 * wrong with what one of them has been told or given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "assay/status.h"
#include "base/sim.h"
#include "base/text.h"
#include "codec/ticket.h"
#include "crypto/digest.h"
#include "ledger/placement.h"
#include "node/holder.h"

#define STORED_MAX 400
#define FILE_SIZE  300000
#define MAX	   10 /* of layout files, and of index files */
#define IC	   7

struct stored {
	uint8_t key[32], *data;
	size_t len;
	uint64_t size;
	bool durable;
	unsigned held;
};

static struct stored stored[STORED_MAX];
static unsigned stored_count;
static int read_error;
static struct ticket ticket;
static struct layout layout;
static struct sign_key creator;
static struct holder_ticket told;
static char ids[MAX][BASE58_KEY_MAX];
static const char *id_list[MAX];
static char *data_hash;
static uint8_t keys[2][200][32]; /* by class and ordinal, as the codec told them */
static const char *const holders[7] = {"n1", "n7", "n3", "n6", "n2", "n5", "n4"};

static struct stored *find(const uint8_t key[32])
{
	for (unsigned i = 0; i < stored_count; i++)
		if (memcmp(stored[i].key, key, 32) == 0)
			return &stored[i];
	return NULL;
}

static int read_stored(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		       uint64_t size_max)
{
	const struct stored *s = find(key);

	if (read_error != 0)
		return read_error;
	if (s == NULL || !s->durable || s->data == NULL)
		return ASSAY_E_NOTFOUND;
	if (s->len > size_max)
		return ASSAY_E_RANGE;
	*data = malloc(s->len);
	memcpy(*data, s->data, s->len);
	*len = s->len;
	return 0;
}

static bool hold(void *ctx, const uint8_t key[32], uint64_t *size)
{
	struct stored *s = find(key);

	if (s == NULL || !s->durable)
		return false;
	s->held++;
	*size = s->size;
	return true;
}

static const struct holder_bytes bytes = {read_stored, hold, NULL};

static void store(const uint8_t key[32], const void *data, size_t len)
{
	struct stored *s = &stored[stored_count++];

	assert_true(stored_count <= STORED_MAX);
	memcpy(s->key, key, 32);
	s->len = s->size = len;
	s->durable = true;
	s->data = data != NULL ? malloc(len) : NULL;
	if (data != NULL)
		memcpy(s->data, data, len);
}

static int take(void *ctx, enum artifact_class class, uint32_t ordinal, const uint8_t id[32],
		const void *data, size_t len)
{
	memcpy(keys[class == ARTIFACT_SYMBOL][ordinal], id, 32);
	store(id, data, len);
	return 0;
}

static int setup(void **state)
{
	static uint64_t seed = 3;
	static struct random random;
	struct artifact_sink sink = {take, NULL};
	struct ticket_terms terms = {&creator, &random, IC, MAX, LAYOUT_RATIO};
	uint8_t secret[32];
	const char *why;

	digest_init();
	random = random_sim(&seed);
	sign_init(&random);
	stored_count = 0;
	read_error = 0;
	secret_generate(secret, &random);
	assert_int_equal(sign_key_from_secret(&creator, secret), 0);
	assert_int_equal(layout_init(&layout, &why, FILE_SIZE, LAYOUT_RATIO), 0);
	random_fill(&random, layout.hash, 32);
	for (uint32_t i = 0; i < layout.symbols; i++) {
		random_fill(&random, layout.ids[i], 32);
		memcpy(keys[1][i], layout.ids[i], 32);
		store(layout.ids[i], NULL, CODED_SYMBOL_SIZE);
	}
	assert_int_equal(ticket_make(&ticket, &layout, &terms, &sink), 0);
	data_hash = artifact_base64(ticket.data_hash, 32);
	for (unsigned i = 0; i < MAX; i++) {
		base58_encode(ids[i], sizeof(ids[i]), ticket.index_ids[i], 32);
		id_list[i] = ids[i];
	}
	told = (struct holder_ticket){
		.record = {.data_hash = data_hash,
			   .index_ids = id_list,
			   .signatures = ticket.signatures,
			   .size = FILE_SIZE,
			   .ic = IC,
			   .max = MAX,
			   .ratio = LAYOUT_RATIO,
			   .symbols = layout.symbols},
		.index_count = 2 * MAX,
		.symbol_count = layout.symbols,
		.holders = holders,
		.holder_count = 7,
		.index_copies = 3,
		.symbol_copies = 1,
	};
	memcpy(told.record.creator, creator.public, 32);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < stored_count; i++)
		free(stored[i].data);
	layout_free(&layout);
	ticket_free(&ticket);
	free(data_hash);
	return 0;
}

static struct holder_answer ask(const char *account)
{
	struct holder_answer answer;

	holder_digest(&answer, &told, account, &bytes);
	return answer;
}

/* As the ledger's text says it: INDEX then SYMBOL, ordinals ascending, (i * c + j) mod W. */
static void oracle(uint8_t digest[32], unsigned position)
{
	static uint8_t list[400 * 32];
	size_t n = 0;

	for (unsigned class = 0; class < 2; class ++) {
		uint64_t count = class == 0 ? told.index_count : told.symbol_count;
		uint64_t copies = class == 0 ? told.index_copies : told.symbol_copies;

		copies = copies < told.holder_count ? copies : told.holder_count;
		for (uint64_t i = 0; i < count; i++)
			for (uint64_t j = 0; j < copies; j++)
				if ((i * copies + j) % told.holder_count == position)
					memcpy(list + 32 * n++, keys[class][i], 32);
	}
	digest_one(digest, NULL, list, 32 * n);
}

static void test_digest(void **state)
{
	uint8_t want[32];

	for (told.holder_count = 1; told.holder_count <= 7; told.holder_count++)
		for (unsigned p = 0; p < told.holder_count; p++) {
			struct holder_answer answer = ask(holders[p]);

			assert_int_equal(answer.reason, HOLDER_SIGNS);
			oracle(want, p);
			assert_memory_equal(answer.digest, want, 32);
		}
	told.holder_count = 7;
	/* Only what lies on it must be there, and is held. */
	for (unsigned i = 0; i < stored_count; i++)
		stored[i].held = 0;
	ask("n3");
	for (uint64_t i = 0; i < told.symbol_count; i++)
		assert_int_equal(find(keys[1][i])->held, placement_on(i, told.symbol_copies, 7, 2));
	for (uint64_t i = 0; i < told.index_count; i++)
		assert_int_equal(find(keys[0][i])->held, placement_on(i, told.index_copies, 7, 2));
}

static void expect(enum holder_reason reason)
{
	struct holder_answer answer = ask("n3");

	if (answer.reason != reason)
		fail_msg("%s", holder_reason_name(answer.reason));
}

static void test_told_wrong(void **state)
{
	struct holder_answer answer = ask("n9");
	char *signatures = strdup(ticket.signatures);

	assert_int_equal(answer.reason, HOLDER_NOT_HOLDER);
	told.holder_count = 0;
	expect(HOLDER_NOT_HOLDER);
	told.holder_count = 7;
	told.symbol_count++;
	expect(HOLDER_COUNTS);
	told.record.symbols++;
	expect(HOLDER_COUNTS);
	told.symbol_count--;
	told.record.symbols--;
	told.index_count++;
	expect(HOLDER_COUNTS);
	told.index_count--;
	told.record.size = 0;
	expect(HOLDER_COUNTS);
	told.record.size = FILE_SIZE;
	told.record.creator[5] ^= 1;
	expect(HOLDER_INDEX);
	told.record.creator[5] ^= 1;
	for (size_t at = 0; at < strlen(ticket.signatures); at += 37) {
		signatures[at] = signatures[at] == 'A' ? 'B' : 'A';
		told.record.signatures = signatures;
		expect(HOLDER_INDEX);
		signatures[at] = ticket.signatures[at];
	}
	told.record.signatures = ticket.signatures;
	id_list[3] = "not base58 0OIl";
	expect(HOLDER_INDEX);
	id_list[3] = ids[3];
	expect(HOLDER_SIGNS);
	free(signatures);
}

/* Another file's record, size or hash: the layout says so. */
static void test_other_layout(void **state)
{
	told.record.data_hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	expect(HOLDER_LAYOUT);
	told.record.data_hash = data_hash;
	told.record.size = FILE_SIZE - 1; /* as many symbols */
	expect(HOLDER_LAYOUT);
}

static void test_layout_files(void **state)
{
	/* Any one of them is enough; those that do not fit are passed over. */
	for (unsigned i = 0; i < MAX - 1; i++)
		find(keys[0][i])->data[10] ^= 1;
	expect(HOLDER_SIGNS);
	find(keys[0][MAX - 1])->data[10] ^= 1;
	expect(HOLDER_LAYOUT);
	for (unsigned i = 0; i < MAX; i++)
		find(keys[0][i])->durable = false;
	expect(HOLDER_LAYOUT_MISSING);
	read_error = ASSAY_E_IO;
	expect(HOLDER_TROUBLE);
}

static void test_missing(void **state)
{
	struct holder_answer answer;
	unsigned mine = 0;

	for (uint32_t i = 0; i < told.symbol_count; i++) {
		struct stored *s = find(keys[1][i]);

		s->durable = false;
		answer = ask("n3");
		mine += placement_on(i, 1, 7, 2);
		assert_int_equal(answer.reason, mine > 0 ? HOLDER_MISSING : HOLDER_SIGNS);
		assert_int_equal(answer.count, mine);
	}
	assert_int_equal(answer.class, 2);
	assert_int_equal(answer.ordinal, 2);
	find(keys[0][told.index_count - 1])->durable = false; /* 19 * 3 = 1: on positions 1 to 3 */
	assert_int_equal(ask("n3").class, 1);
	assert_int_equal(ask("n3").ordinal, told.index_count - 1);
	find(keys[0][told.index_count - 2])->durable = false; /* on 5, 6 and 0 */
	assert_int_equal(ask("n1").class, 1);
	assert_int_equal(ask("n1").ordinal, told.index_count - 2);
}

static void test_symbol_size(void **state)
{
	struct holder_answer answer;

	find(keys[1][9])->size--; /* 9 mod 7 = 2: on n3 */
	answer = ask("n3");
	assert_int_equal(answer.reason, HOLDER_SIZE);
	assert_int_equal(answer.ordinal, 9);
	assert_int_equal(answer.count, 1);
	assert_int_equal(ask("n1").reason, HOLDER_SIGNS);
}

static void test_names(void **state)
{
	for (unsigned i = 1; i <= HOLDER_TROUBLE; i++) {
		assert_string_not_equal(holder_reason_name(i), "unknown");
		assert_true(strlen(holder_reason_text(i)) > 10);
	}
	assert_string_equal(holder_reason_name(99), "unknown");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_digest),	 T(test_told_wrong),  T(test_other_layout), T(test_layout_files),
		T(test_missing), T(test_symbol_size), T(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

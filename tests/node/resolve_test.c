/* SPDX-License-Identifier: Apache-2.0 */
/* From a ticket to keys and sizes: whom is asked, what is believed, what is kept. */
#include <stdio.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/text.h"
#include "node/coded_file.h"
#include "node/desk.h"
#include "node/resolve.h"

#define EPOCH_MS 600000

static struct desk desk;
static struct resolver resolver;
static struct coded_file file;
static struct sign_key creator;
static char names[6][4] = {"t", "a", "b", "c", "d", "e"}, *holders[6];
static char *index_ids[CODED_MAX];

static struct ticket *add_ticket(const char *id)
{
	struct ticket *t = desk_ticket(&desk, id, "t", ASSAY_BUCKET_RECENT);

	t->data_hash = file.data_hash;
	t->size = file.size;
	t->ic = 1;
	t->max = CODED_MAX;
	t->ratio = file.ratio;
	t->signatures = file.signatures;
	t->rq_ids_ids = (struct texts){index_ids, CODED_MAX};
	t->index_artifact_count = 2 * CODED_MAX;
	t->symbol_artifact_count = file.symbols;
	t->holders = (struct texts){holders, 6};
	t->index_copies = 3;
	return t;
}

static void begin(void)
{
	static char key[65];
	uint8_t secret[32] = {9};

	desk_init(&desk);
	assert_int_equal(sign_key_from_secret(&creator, secret), 0);
	coded_file_make(&file, &creator, 300000);
	hex_encode(key, creator.public, 32);
	for (unsigned i = 0; i < 6; i++) {
		holders[i] = names[i];
		desk_node(&desk, names[i]);
		index_ids[i] = file.index_id[i];
	}
	desk_node(&desk, "creator")->key = key;
	add_ticket("k");
	resolver_init(&resolver, &desk.ctx);
}

static void end(void)
{
	resolver_free(&resolver);
	coded_file_free(&file);
	desk_free(&desk);
}

static void want(uint64_t cookie, const char *ticket, unsigned class, uint32_t ordinal)
{
	struct effect e = {.kind = EFFECT_RESOLVE, .cookie = cookie, .account = "t"};

	strcpy(e.artifact.ticket, ticket);
	e.artifact.class = class;
	e.artifact.ordinal = ordinal;
	resolver_want(&resolver, &e, EPOCH_MS, desk.now, &desk.out);
}

static struct resolution expect(uint64_t cookie, enum resolve_end how)
{
	struct resolution r;

	assert_true(resolver_next(&resolver, &r));
	assert_int_equal(r.cookie, cookie);
	assert_int_equal(r.end, how);
	return r;
}

static void expect_nothing(void)
{
	struct resolution r;

	assert_false(resolver_next(&resolver, &r));
}

/* The layout file that was asked for, as an honest node gives it. */
static void give_layout(void)
{
	struct effect e = desk_take(&desk, EFFECT_FETCH);

	for (unsigned i = 0; i < CODED_MAX; i++)
		if (memcmp(file.index[i].key, e.bytes.key, 32) == 0) {
			resolver_fetched(&resolver, e.cookie, 0, file.index[i].data,
					 file.index[i].len, desk.now, &desk.out);
			return;
		}
	fail_msg("no layout file was asked for");
}

static void refuse_layout(void)
{
	struct effect e = desk_take(&desk, EFFECT_FETCH);

	resolver_fetched(&resolver, e.cookie, ASSAY_E_TIMEOUT, NULL, 0, desk.now, &desk.out);
}

static void check_symbol(const struct resolution *r, uint32_t ordinal)
{
	uint8_t key[32];
	char text[64];

	coded_file_symbol(key, file.size, ordinal);
	assert_memory_equal(r->artifact.key, key, 32);
	base58_encode(text, sizeof(text), key, 32);
	assert_string_equal(r->artifact.text, text);
	assert_int_equal(r->artifact.size, 65532);
}

/* A layout file from another holder; afterwards nobody is asked any more. */
static void test_m4_second_resolve_fetches_nothing(void **state)
{
	struct resolution r;

	begin();
	want(1, "k", ASSAY_CLASS_SYMBOL, 7);
	expect_nothing();
	assert_string_not_equal(desk.out.list[0].account, "t"); /* others first */
	give_layout();
	r = expect(1, RESOLVE_DONE);
	check_symbol(&r, 7);
	assert_int_equal(resolver.fetches, 1);

	want(2, "k", ASSAY_CLASS_SYMBOL, 0);
	r = expect(2, RESOLVE_DONE);
	check_symbol(&r, 0);
	assert_int_equal(desk.out.n, 0);
	assert_int_equal(resolver.fetches, 1);
	assert_int_equal(resolver.hits, 1);
	end();
}

/* INDEX keys are in the record; a holder proves the size, once. */
static void test_index_sizes(void **state)
{
	struct resolution r;
	struct effect e;

	begin();
	for (uint32_t ordinal = 0; ordinal < 2 * CODED_MAX; ordinal++) {
		want(ordinal, "k", ASSAY_CLASS_INDEX, ordinal);
		e = desk_take(&desk, EFFECT_SIZE);
		assert_memory_equal(e.bytes.key, file.index[ordinal].key, 32);
		resolver_sized(&resolver, e.cookie, 0, file.index[ordinal].len, desk.now,
			       &desk.out);
		r = expect(ordinal, RESOLVE_DONE);
		assert_memory_equal(r.artifact.key, file.index[ordinal].key, 32);
		assert_int_equal(r.artifact.size, file.index[ordinal].len);
	}
	want(99, "k", ASSAY_CLASS_INDEX, 5);
	expect(99, RESOLVE_DONE);
	assert_int_equal(desk.out.n, 0);
	want(100, "k", ASSAY_CLASS_INDEX, 2 * CODED_MAX);
	expect(100, RESOLVE_NO_KEY);
	end();
}

/* The copies' holders one after the other, the one that is examined last, nobody twice. */
static void test_holders_in_turn(void **state)
{
	const char *asked[3];
	unsigned n = 0;

	begin();
	want(1, "k", ASSAY_CLASS_INDEX, 0); /* on positions 0, 1, 2: t, a, b */
	while (desk_count(&desk, EFFECT_SIZE) > 0) {
		struct effect e = desk_take(&desk, EFFECT_SIZE);

		assert_in_range(n, 0, 2);
		for (unsigned i = 0; i < 6; i++)
			if (strcmp(names[i], e.account) == 0)
				asked[n] = names[i];
		n++;
		resolver_sized(&resolver, e.cookie, ASSAY_E_TIMEOUT, 0, desk.now, &desk.out);
	}
	assert_int_equal(n, 3);
	assert_string_equal(asked[0], "a");
	assert_string_equal(asked[1], "b");
	assert_string_equal(asked[2], "t");
	expect(1, RESOLVE_NO_SIZE);
	end();
}

/* Nodes that are known to be away are passed over. */
static void test_nodes_that_left(void **state)
{
	begin();
	for (unsigned i = 1; i < 6; i++)
		desk.node[i].state = NODE_STOPPED;
	want(1, "k", ASSAY_CLASS_INDEX, 0);
	assert_string_equal(desk_take(&desk, EFFECT_SIZE).account, "t");
	end();
}

/* Own copies are the nearest. */
static void test_own_copy_first(void **state)
{
	static char self[] = DESK_SELF;

	begin();
	holders[4] = self;
	want(1, "k", ASSAY_CLASS_SYMBOL, 3);
	assert_string_equal(desk.out.list[0].account, DESK_SELF);
	refuse_layout(); /* rotten, say */
	assert_string_not_equal(desk.out.list[0].account, DESK_SELF);
	give_layout();
	expect(1, RESOLVE_DONE);
	end();
}

/* Six nodes at most, then it is given up for this round. */
static void test_nobody_has_the_layout(void **state)
{
	unsigned asked = 0;

	begin();
	want(1, "k", ASSAY_CLASS_SYMBOL, 3);
	for (; desk_count(&desk, EFFECT_FETCH) > 0; asked++)
		refuse_layout();
	assert_in_range(asked, 2, 6);
	expect(1, RESOLVE_NO_KEY);
	want(2, "k", ASSAY_CLASS_SYMBOL, 3); /* the next round tries again */
	give_layout();
	expect(2, RESOLVE_DONE);
	end();
}

/* A node that sends something else is no obstacle. */
static void test_wrong_layouts(void **state)
{
	struct coded_file other;
	struct effect e;

	begin();
	coded_file_make(&other, &creator, 400000);
	want(1, "k", ASSAY_CLASS_SYMBOL, 3);
	e = desk_take(&desk, EFFECT_FETCH);
	resolver_fetched(&resolver, e.cookie, 0, (const uint8_t *)"junk", 4, desk.now, &desk.out);
	e = desk_take(&desk, EFFECT_FETCH);
	resolver_fetched(&resolver, e.cookie, 0, other.index[0].data, other.index[0].len, desk.now,
			 &desk.out);
	give_layout();
	expect(1, RESOLVE_DONE);
	coded_file_free(&other);
	end();
}

/* A record whose index nobody signed is no record. */
static void test_foreign_index(void **state)
{
	struct coded_file other;
	struct sign_key stranger;
	uint8_t secret[32] = {8};

	begin();
	assert_int_equal(sign_key_from_secret(&stranger, secret), 0);
	coded_file_make(&other, &stranger, 300000);
	desk.ticket[0].signatures = other.signatures;
	want(1, "k", ASSAY_CLASS_SYMBOL, 3);
	expect(1, RESOLVE_NO_KEY);
	want(2, "nobody's", ASSAY_CLASS_SYMBOL, 3);
	expect(2, RESOLVE_NO_KEY);
	assert_int_equal(desk.out.n, 0);
	coded_file_free(&other);
	end();
}

/* Two that want the same layout wait for one file. */
static void test_one_fetch_for_all(void **state)
{
	struct resolution r;
	bool seen[4] = {false};

	begin();
	for (unsigned i = 1; i < 4; i++)
		want(i, "k", ASSAY_CLASS_SYMBOL, i);
	assert_int_equal(desk_count(&desk, EFFECT_FETCH), 1);
	refuse_layout();
	assert_int_equal(desk_count(&desk, EFFECT_FETCH), 1);
	give_layout();
	while (resolver_next(&resolver, &r)) {
		assert_int_equal(r.end, RESOLVE_DONE);
		check_symbol(&r, (uint32_t)r.cookie);
		seen[r.cookie] = true;
	}
	assert_true(seen[1] && seen[2] && seen[3]);
	end();
}

/* 256 tickets are kept; the longest unused one goes. */
static void test_m4_bounded_memory(void **state)
{
	static char ids[300][8];
	struct effect e;

	begin();
	for (unsigned i = 0; i < 300; i++) {
		snprintf(ids[i], sizeof(ids[i]), "k%u", i);
		add_ticket(ids[i]);
		want(i, ids[i], ASSAY_CLASS_INDEX, 1);
		e = desk_take(&desk, EFFECT_SIZE);
		resolver_sized(&resolver, e.cookie, 0, 77, desk.now, &desk.out);
		expect(i, RESOLVE_DONE);
		want(1000, ids[0], ASSAY_CLASS_INDEX, 1); /* used all the time */
		expect(1000, RESOLVE_DONE);
		assert_in_range(resolver.n, 0, RESOLVE_TICKETS_MAX);
	}
	assert_int_equal(resolver.n, RESOLVE_TICKETS_MAX);
	want(1, ids[299], ASSAY_CLASS_INDEX, 1);
	expect(1, RESOLVE_DONE);
	want(2, ids[1], ASSAY_CLASS_INDEX, 1); /* forgotten */
	assert_int_equal(desk_count(&desk, EFFECT_SIZE), 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_m4_second_resolve_fetches_nothing),
		cmocka_unit_test(test_index_sizes),
		cmocka_unit_test(test_holders_in_turn),
		cmocka_unit_test(test_nodes_that_left),
		cmocka_unit_test(test_own_copy_first),
		cmocka_unit_test(test_nobody_has_the_layout),
		cmocka_unit_test(test_wrong_layouts),
		cmocka_unit_test(test_foreign_index),
		cmocka_unit_test(test_one_fetch_for_all),
		cmocka_unit_test(test_m4_bounded_memory),
	};
	uint64_t seed = 1;
	const struct random random = random_sim(&seed);

	sign_init(&random);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

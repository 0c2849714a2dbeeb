/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checker of PROVE against the real responder: what it says passes in any order, and no bit of
 * it can be changed on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/asked.h"

/* Any order, some twice: all are taken once, and the verdict is right. */
static void feed_shuffled(struct scene *s, const struct question *q, enum assay_verdict want)
{
	struct assay_inbound session = asked_inbound(s);
	struct assay_check *check = asked_checker(s, q, NULL);
	struct world *w = &s->world;
	struct assay_report report;
	uint8_t order[128];
	unsigned n = w->sent_count;

	assert_in_range(n, 1, sizeof(order));
	for (unsigned i = 0; i < n; i++)
		order[i] = (uint8_t)i;
	for (unsigned i = n; i > 1; i--) {
		unsigned j = random_u64(&s->random) % i;
		uint8_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct world_sent *d = &w->sent[order[i]];

		assert_int_equal(assay_check_verdict(check), ASSAY_INCOMPLETE);
		assert_int_equal(assay_check_feed(check, &session, d->data, d->len), ASSAY_R_NONE);
		assert_int_equal(assay_check_feed(check, &session, d->data, d->len),
				 ASSAY_R_REPLAY_SEEN);
	}
	assay_check_report(check, &report);
	if (report.verdict != want)
		fail_msg("%s: %s", assay_verdict_name(report.verdict), report.why);
	for (unsigned i = 0; i < ASSAY_STEP_COUNT; i++)
		if (i != ASSAY_STEP_TREE || want == ASSAY_PASS)
			assert_int_equal(report.step[i], ASSAY_GOOD);
	assay_check_free(check);
}

static void test_any_request(void **state)
{
	static const uint64_t sizes[] = {1, 700, 1024, 1025, 5000, 65532, 300000, 2000001};
	struct scene *s = asked_new(1);

	for (unsigned i = 0; i < 8; i++)
		world_artifact(&s->world, sizes[i], 13, i);
	for (unsigned round = 0; round < 400; round++) {
		const struct world_artifact *a =
			&s->world.artifact[random_u64(&s->random) % s->world.artifacts];
		uint32_t length = 1 + random_u64(&s->random) % 1024;
		unsigned k = 1 + random_u64(&s->random) % 16;
		bool tree = round % 3 != 0;
		struct question q;

		if (length > a->record.size)
			length = (uint32_t)a->record.size;
		asked_question(s, &q, a, k, length, tree);
		q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
		feed_shuffled(s, &q, tree ? ASSAY_PASS : ASSAY_PLAIN);
	}
	asked_free(s);
}

/* Each single bit of each datagram matters. */
static void flip_all(struct scene *s, const struct question *q)
{
	struct world *w = &s->world;

	for (unsigned i = 0; i < w->sent_count; i++) {
		struct assay_check *check = asked_checker(s, q, NULL);
		struct assay_inbound session = asked_inbound(s);
		struct world_sent *d = &w->sent[i];

		for (unsigned bit = 0; bit < 8u * d->len; bit++) {
			d->data[bit / 8] ^= 1u << bit % 8;
			if (assay_check_feed(check, &session, d->data, d->len) == ASSAY_R_NONE)
				fail_msg("datagram %u: bit %u may be changed", i, bit);
			d->data[bit / 8] ^= 1u << bit % 8;
		}
		assert_int_equal(assay_check_verdict(check), ASSAY_INCOMPLETE);
		assert_int_equal(assay_check_feed(check, &session, d->data, d->len), ASSAY_R_NONE);
		assay_check_free(check);
	}
}

static void test_every_bit(void **state)
{
	struct scene *s = asked_new(2);
	const struct world_artifact *a = world_artifact(&s->world, 5000, 13, 1);
	struct question q;

	asked_question(s, &q, a, 2, 64, true);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	flip_all(s, &q);
	asked_question(s, &q, a, 2, 64, false);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	flip_all(s, &q);
	asked_question(s, &q, a, 3, 1000, false);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	flip_all(s, &q);
	((struct assay_prove *)q.message)->epoch = 0;
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	assert_non_null(world_find(&s->world, ASSAY_REFUSED, 0));
	flip_all(s, &q);
	asked_free(s);
}

/* What shows before the tag has a name, and the earlier check wins. */
static void test_reasons(void **state)
{
	struct scene *s = asked_new(10);
	struct assay_inbound session = asked_inbound(s);
	struct assay_check *check;
	struct question q;
	uint8_t good[ASSAY_PAYLOAD_DEFAULT], bad[ASSAY_PAYLOAD_DEFAULT];
	size_t len;
	static const struct {
		unsigned at;
		uint8_t value;
		enum assay_reason reason;
	} changes[] = {
		{0, 2, ASSAY_R_VERSION},	 {1, 0x42, ASSAY_R_TYPE}, {2, 0, ASSAY_R_LENGTH},
		{1, ASSAY_PONG, ASSAY_R_LENGTH}, {4, 0, ASSAY_R_SESSION}, {54, 1, ASSAY_R_RESERVED},
		{8, 0, ASSAY_R_REPLAY_OLD},	 {16, 0, ASSAY_R_TAG},	  {33, 1, ASSAY_R_ROLE},
		{46, 1, ASSAY_R_LENGTH},
	};

	asked_question(s, &q, world_artifact(&s->world, 1000, 13, 1), 2, 64, true);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	check = asked_checker(s, &q, NULL);
	len = world_find(&s->world, ASSAY_CHUNK_MSG, 0)->len;
	memcpy(good, world_find(&s->world, ASSAY_CHUNK_MSG, 0)->data, len);
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		memcpy(bad, good, len);
		assert_int_not_equal(bad[changes[i].at], changes[i].value);
		bad[changes[i].at] = changes[i].value;
		assert_string_equal(assay_reason_name(assay_check_feed(check, &session, bad, len)),
				    assay_reason_name(changes[i].reason));
	}
	assert_int_equal(assay_check_feed(check, &session, good, 7), ASSAY_R_SHORT);
	assert_int_equal(assay_check_feed(check, &session, q.message, q.len), ASSAY_R_SESSION);
	((struct assay_session_head *)q.message)->index = INITIATOR;
	assert_int_equal(assay_check_feed(check, &session, q.message, q.len), ASSAY_R_ROLE);
	assert_int_equal(assay_check_feed(check, &session, good, len), ASSAY_R_NONE);
	assay_check_free(check);
	asked_free(s);
}

/* Cut and grown datagrams. */
static void test_every_length(void **state)
{
	struct scene *s = asked_new(3);
	struct question q;
	uint8_t longer[ASSAY_PAYLOAD_MAX] = {0};

	asked_question(s, &q, world_artifact(&s->world, 5000, 13, 1), 2, 64, true);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	for (unsigned i = 0; i < s->world.sent_count; i++) {
		const struct world_sent *d = &s->world.sent[i];
		struct assay_check *check = asked_checker(s, &q, NULL);
		struct assay_inbound session = asked_inbound(s);

		memcpy(longer, d->data, d->len);
		for (size_t len = 0; len <= ASSAY_PAYLOAD_MAX; len++) {
			struct assay_head *head = (void *)longer;

			if (len == d->len)
				continue;
			head->length = d->len;
			assert_int_not_equal(assay_check_feed(check, &session, longer, len), 0);
			head->length = (uint16_t)len;
			assert_int_not_equal(assay_check_feed(check, &session, longer, len), 0);
		}
		assay_check_free(check);
	}
	asked_free(s);
}

static void test_seal_table(void **state)
{
	struct scene *s = asked_new(4);
	const struct world_artifact *a = world_artifact(&s->world, 5000, 13, 1);
	struct assay_seals *seals = assay_seals_new(64);
	struct question q[16];
	struct world_in in[16];
	struct assay_seals_stats stats;

	/* One burst, one batch, one signature. */
	for (unsigned i = 0; i < 16; i++) {
		asked_question(s, &q[i], a, 2, 64, false);
		q[i].counter = ++s->sent;
		message_head(q[i].message, ASSAY_PROVE, (uint16_t)q[i].len, INDEX, s->sent);
		message_tag_general(q[i].message, q[i].len, s->keys.k_i);
		in[i] = (struct world_in){&s->path, q[i].message, q[i].len};
	}
	world_burst(&s->world, 0, in, 16);
	world_rest(&s->world);
	assert_int_equal(s->world.sent_count, 16);
	for (unsigned i = 0; i < 16; i++) {
		struct assay_check *check = asked_checker(s, &q[i], seals);
		struct assay_inbound session = asked_inbound(s);
		struct assay_report report;

		for (unsigned j = 0; j < 16; j++)
			assay_check_feed(check, &session, s->world.sent[j].data,
					 s->world.sent[j].len);
		assay_check_report(check, &report);
		assert_int_equal(report.verdict, ASSAY_PLAIN);
		assert_int_equal(report.seal_cached, i > 0);
		assert_int_equal(report.count, 16);
		assay_check_free(check);
	}
	stats = assay_seals_stats(seals);
	assert_int_equal(stats.misses, 1);
	assert_int_equal(stats.hits, 15);
	/* The same seal under another identity is another question. */
	s->world.self.identity.public[0] ^= 1;
	for (unsigned i = 0; i < 2; i++) {
		struct assay_check *check = asked_checker(s, &q[0], seals);
		struct assay_inbound session = asked_inbound(s);

		for (unsigned j = 0; j < 16; j++)
			assay_check_feed(check, &session, s->world.sent[j].data,
					 s->world.sent[j].len);
		assert_int_equal(assay_check_verdict(check), ASSAY_INVALID_TRANSCRIPT);
		assay_check_free(check);
	}
	assert_int_equal(assay_seals_stats(seals).misses, 2);
	s->world.self.identity.public[0] ^= 1;
	assay_seals_free(seals);
	asked_free(s);
}

/* Parts of answers to a request and to its repeat may be mixed. */
static void test_repeat(void **state)
{
	struct scene *s = asked_new(5);
	struct assay_inbound session = asked_inbound(s);
	struct assay_check *check;
	struct question q;
	unsigned n;

	asked_question(s, &q, world_artifact(&s->world, 65532, 13, 1), 4, 256, true);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	check = asked_checker(s, &q, NULL);
	n = s->world.sent_count;
	assert_true(n > 2);
	for (unsigned i = 0; i < n; i += 2)
		assay_check_feed(check, &session, s->world.sent[i].data, s->world.sent[i].len);
	assert_int_equal(assay_check_verdict(check), ASSAY_INCOMPLETE);
	assert_int_equal(assay_check_counter(check, asked_send(s, q.message, ASSAY_PROVE, q.len)),
			 0);
	assert_int_equal(s->world.sent_count, n);
	for (unsigned i = 1; i < n; i += 2)
		assert_int_equal(assay_check_feed(check, &session, s->world.sent[i].data,
						  s->world.sent[i].len),
				 0);
	assert_int_equal(assay_check_verdict(check), ASSAY_PASS);
	assay_check_free(check);
	asked_free(s);
}

static void test_bad_params(void **state)
{
	struct scene *s = asked_new(6);
	struct question q;
	struct assay_draw draw = {asked_seed, sizeof(asked_seed), "another ticket"};
	struct assay_check_params params = {
		.network_id = s->world.self.network_id,
		.identity = s->world.self.identity.public,
		.challenger = "node-a",
		.target = "node-b",
		.body = q.message + 32,
		.draw = &draw,
	};
	struct assay_prove *m = (void *)q.message;
	struct assay_check *check;

	asked_question(s, &q, world_artifact(&s->world, 5000, 13, 1), 2, 64, true);
	params.body_len = q.len - 32;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_CORRUPT);
	params.draw = NULL;
	params.body_len--;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_INVAL);
	params.body_len++;
	m->size = 100;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_RANGE);
	m->size = UINT64_MAX;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_INVAL);
	m->size = 5000;
	m->k = 17;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_INVAL);
	m->k = 2;
	m->flags = 2;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_INVAL);
	m->flags = 1;
	m->zero = 1;
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_INVAL);
	m->zero = 0;
	params.target = "a name that is much too long for an account, since those have at most 64";
	assert_int_equal(assay_check_new(&check, &params), ASSAY_E_INVAL);
	asked_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_request),  cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_seal_table),
		cmocka_unit_test(test_repeat),	     cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_bad_params),
	};

	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

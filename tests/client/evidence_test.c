/* SPDX-License-Identifier: Apache-2.0 */
/* Claims against their evidence, the checker of READ, and the replay window against a slow one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/asked.h"
#include "proof/collect.h"

/* --- evidence ------------------------------------------------------------------------------- */

static void test_claims(void **state)
{
	struct scene *s = asked_new(7);
	struct assay_inbound session = asked_inbound(s);
	uint8_t record[ASSAY_EVIDENCE_MAX], compound[32];
	enum assay_outcome step[ASSAY_STEP_COUNT];
	struct assay_report report;
	struct assay_check *check;
	struct question q;
	const struct assay_prove *m = (const void *)q.message;
	struct assay_claim claim, bad;
	int len;

	asked_question(s, &q, world_artifact(&s->world, 65532, 13, 1), 4, 256, true);
	q.counter = asked_send(s, q.message, ASSAY_PROVE, q.len);
	check = asked_checker(s, &q, NULL);
	assert_int_equal(assay_check_evidence(check, record), ASSAY_E_AGAIN);
	for (unsigned i = 0; i < s->world.sent_count; i++)
		assay_check_feed(check, &session, s->world.sent[i].data, s->world.sent[i].len);
	assay_check_report(check, &report);
	assert_int_equal(report.verdict, ASSAY_PASS);
	len = assay_check_evidence(check, record);
	assert_int_equal(len, 140 + 80);
	memcpy(compound, report.compound, 32);
	claim = (struct assay_claim){
		.network_id = s->world.self.network_id,
		.identity = s->world.self.identity.public,
		.compound = compound,
		.key = m->key,
		.transcript = report.transcript,
		.challenger = "node-a",
		.target = "node-b",
		.draw = {asked_seed, sizeof(asked_seed), asked_ticket},
		.epoch = m->epoch,
		.size = m->size,
		.ordinal = m->ordinal,
		.class = m->class,
		.bucket = m->bucket,
		.k = m->k,
		.range_length = m->range_length,
	};
	assert_true(assay_evidence_check(step, record, (size_t)len, &claim));

#define REFUTED(change, which)                                               \
	bad = claim;                                                         \
	change;                                                              \
	assert_false(assay_evidence_check(step, record, (size_t)len, &bad)); \
	assert_int_equal(step[which], ASSAY_BAD)
	REFUTED(bad.epoch++, ASSAY_STEP_SHAPE);
	REFUTED(bad.size++, ASSAY_STEP_SHAPE);
	REFUTED(bad.ordinal++, ASSAY_STEP_SHAPE);
	REFUTED(bad.class = 1, ASSAY_STEP_SHAPE);
	REFUTED(bad.bucket = 2, ASSAY_STEP_SHAPE);
	REFUTED(bad.range_length--, ASSAY_STEP_SHAPE);
	REFUTED(bad.key = compound, ASSAY_STEP_SHAPE);
	REFUTED(bad.draw.ticket = "ticket-2", ASSAY_STEP_DERIVATION);
	REFUTED(bad.draw.seed_len--, ASSAY_STEP_DERIVATION);
	REFUTED(bad.compound = m->key, ASSAY_STEP_SIGNATURE);
	REFUTED(bad.challenger = "node-c", ASSAY_STEP_SIGNATURE);
	REFUTED(bad.target = "node-c", ASSAY_STEP_SIGNATURE);
	REFUTED(bad.network_id = compound, ASSAY_STEP_SIGNATURE);
	REFUTED(bad.transcript = compound, ASSAY_STEP_TRANSCRIPT);
#undef REFUTED

	/* Each single bit of the record matters. */
	for (int bit = 0; bit < 8 * len; bit++) {
		record[bit / 8] ^= 1u << bit % 8;
		if (assay_evidence_check(step, record, (size_t)len, &claim))
			fail_msg("bit %d of the record may be changed", bit);
		record[bit / 8] ^= 1u << bit % 8;
	}
	assay_check_free(check);
	asked_free(s);
}

/* --- READ ----------------------------------------------------------------------------------- */

static void test_any_read(void **state)
{
	static const uint64_t sizes[] = {1, 1024, 1025, 16384, 65532, 2000001};
	struct scene *s = asked_new(8);
	struct assay_read_check *check = NULL;

	for (unsigned i = 0; i < 6; i++)
		world_artifact(&s->world, sizes[i], 13, i);
	for (unsigned round = 0; round < 300; round++) {
		const struct world_artifact *a =
			&s->world.artifact[random_u64(&s->random) % s->world.artifacts];
		bool last = random_u64(&s->random) % 4 == 0;
		struct assay_read_params params = {
			.first = last ? ASSAY_NO_CHUNK : random_u64(&s->random) % a->record.chunks,
			.count = 1 + random_u64(&s->random) % 16,
			.size = round % 2 ? a->record.size : ASSAY_SIZE_UNKNOWN,
		};
		struct assay_read m = {
			.first = params.first, .count = params.count, .flags = ASSAY_READ_HASHES};
		struct assay_inbound session = asked_inbound(s);
		struct assay_read_result result;
		uint64_t at;

		memcpy(params.key, a->record.key, 32);
		memcpy(m.key, a->record.key, 32);
		if (check == NULL)
			assert_int_equal(assay_read_new(&check, &params), 0);
		else
			assert_int_equal(assay_read_reset(check, &params), 0);
		assert_int_equal(
			assay_read_counter(check, asked_send(s, &m, ASSAY_READ, sizeof(m))), 0);
		for (unsigned i = s->world.sent_count; i-- > 0;) {
			assay_read_result(check, &result);
			assert_false(result.complete);
			assert_int_equal(assay_read_feed(check, &session, s->world.sent[i].data,
							 s->world.sent[i].len),
					 0);
		}
		assay_read_result(check, &result);
		assert_true(result.complete && result.verified);
		assert_int_equal(result.size, a->record.size);
		assert_int_equal(result.proves_size,
				 result.first + result.count == a->record.chunks);
		at = (uint64_t)result.first * 1024;
		for (unsigned i = 0; i < result.count; i++) {
			size_t len;
			const uint8_t *data = assay_read_chunk(check, i, &len);

			assert_memory_equal(data, a->data + at, len);
			at += len;
		}
	}
	assay_read_free(check);
	asked_free(s);
}

/* --- the replay window ---------------------------------------------------------------------- */

static void test_window(void **state)
{
	static bool seen[20000];
	uint64_t stream = 9, highest = 0, base = 1;
	struct random random = random_sim(&stream);
	struct assay_inbound s = {.index = INITIATOR, .limit = ASSAY_PAYLOAD_DEFAULT};
	struct assay_pong pong = {.head = {{1, ASSAY_PONG, sizeof(pong)}, INITIATOR, 0, {0}}};

	for (unsigned i = 0; i < 60000; i++) {
		uint64_t counter = base + random_u64(&random) % 5000, request;
		enum assay_reason want = ASSAY_R_NONE, got;

		if (counter > 0 && base > 2500)
			counter -= 2500;
		if (i % 6 == 0 && base < 12000)
			base++;
		pong.head.counter = counter;
		got = assay_inbound_head(&s, &request, &pong, sizeof(pong));
		if (counter == 0 || counter + ASSAY_WINDOW <= highest)
			want = ASSAY_R_REPLAY_OLD;
		else if (seen[counter])
			want = ASSAY_R_REPLAY_SEEN;
		assert_int_equal(got, want);
		if (got != ASSAY_R_NONE || i % 3 == 0)
			continue;
		inbound_mark(&s, counter);
		seen[counter] = true;
		if (counter > highest)
			highest = counter;
	}
	assert_true(highest > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_any_read),
		cmocka_unit_test(test_window),
	};

	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checkers against the real responder: what it says passes in any order, and no bit of it can
 * be changed on the way. The replay window against a slow one, and claims against their evidence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "assay/check.h"
#include "base/text.h"
#include "proof/collect.h"
#include "proof/derive.h"
#include "proof/world.h"

#define INDEX	  0x01000007u
#define INITIATOR 0x77u
#define COUNTER	  33

static const uint8_t seed[] = "seed of the tests";
static const char ticket[] = "ticket-1";

struct scene {
	struct world world;
	uint64_t stream;
	struct random random;
	struct noise_keys keys;
	struct path path;
	struct view_peer *peer;
	uint64_t sent; /* counters of the initiator */
};

static struct scene *scene_new(uint64_t number)
{
	struct scene *s = calloc(1, sizeof(*s));
	uint8_t secret[32], public[33];

	assert_non_null(s);
	world_init(&s->world, number, 1);
	s->stream = number + 1000;
	s->random = random_sim(&s->stream);
	s->path = world_path(2, 5000);
	secret_generate(secret, &s->random);
	assert_true(public_key(public, secret));
	s->peer = world_peer(&s->world, "node-a", public);
	world_publish(&s->world);
	random_fill(&s->random, &s->keys, sizeof(s->keys));
	world_session(&s->world, s->peer, INDEX & 0xff00ffffu, INITIATOR, &s->keys,
		      &s->path.remote);
	return s;
}

static void scene_free(struct scene *s)
{
	world_free(&s->world);
	free(s);
}

/* Sends a request; the answers lie in world.sent. */
static uint64_t ask(struct scene *s, void *message, uint8_t type, size_t len)
{
	world_forget(&s->world);
	s->sent++;
	message_head(message, type, (uint16_t)len, INDEX & 0xff00ffffu, s->sent);
	message_tag_general(message, len, s->keys.k_i);
	world_in(&s->world, 0, &s->path, message, len);
	world_rest(&s->world);
	return s->sent;
}

struct question {
	uint8_t message[sizeof(struct assay_prove) + 8 * ASSAY_RANGES_MAX];
	size_t len;
	uint64_t counter;
};

/* A challenge whose offsets and derivation hash follow from the seed. */
static void question_make(struct scene *s, struct question *q, const struct world_artifact *a,
			  unsigned k, uint32_t length, bool tree)
{
	struct assay_prove *m = (void *)q->message;
	struct derive_seed from = {seed, sizeof(seed)};
	uint64_t offsets[ASSAY_RANGES_MAX];

	*q = (struct question){.len = sizeof(*m) + 8 * k};
	m->epoch = 7;
	random_fill(&s->random, m->nonce, sizeof(m->nonce));
	memcpy(m->key, a->record.key, 32);
	m->size = a->record.size;
	m->ordinal = (uint32_t)random_u64(&s->random);
	m->class = ASSAY_CLASS_SYMBOL;
	m->bucket = ASSAY_BUCKET_RECENT;
	m->k = (uint8_t)k;
	m->flags = tree ? ASSAY_PROVE_TREE : 0;
	m->range_length = (uint16_t)length;
	assert_int_equal(derive_offsets(offsets, from, "node-b", ticket, m->class, m->ordinal,
					m->size, length, k),
			 0);
	assert_int_equal(derivation_hash(m->derivation, from, "node-b", ticket, m->class,
					 m->ordinal, offsets, k, length),
			 0);
	memcpy(m + 1, offsets, 8 * k);
}

static struct assay_check *checker(struct scene *s, const struct question *q,
				   struct assay_seals *seals)
{
	static const struct assay_draw draw = {seed, sizeof(seed), ticket};
	struct assay_check_params params = {
		.network_id = s->world.self.network_id,
		.identity = s->world.self.identity.public,
		.challenger = "node-a",
		.target = "node-b",
		.body = q->message + 32,
		.body_len = q->len - 32,
		.draw = &draw,
		.seals = seals,
	};
	struct assay_check *check;

	assert_int_equal(assay_check_new(&check, &params), 0);
	assert_int_equal(assay_check_counter(check, q->counter), 0);
	return check;
}

static struct assay_inbound inbound(const struct scene *s)
{
	struct assay_inbound session;

	assay_inbound_init(&session, s->keys.k_r, INITIATOR, ASSAY_PAYLOAD_DEFAULT);
	return session;
}

/* Any order, some twice: all are taken once, and the verdict is right. */
static void feed_shuffled(struct scene *s, const struct question *q, enum assay_verdict want)
{
	struct assay_inbound session = inbound(s);
	struct assay_check *check = checker(s, q, NULL);
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
	struct scene *s = scene_new(1);

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
		question_make(s, &q, a, k, length, tree);
		q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
		feed_shuffled(s, &q, tree ? ASSAY_PASS : ASSAY_PLAIN);
	}
	scene_free(s);
}

/* Each single bit of each datagram matters. */
static void flip_all(struct scene *s, const struct question *q)
{
	struct world *w = &s->world;

	for (unsigned i = 0; i < w->sent_count; i++) {
		struct assay_check *check = checker(s, q, NULL);
		struct assay_inbound session = inbound(s);
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
	struct scene *s = scene_new(2);
	const struct world_artifact *a = world_artifact(&s->world, 5000, 13, 1);
	struct question q;

	question_make(s, &q, a, 2, 64, true);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	flip_all(s, &q);
	question_make(s, &q, a, 2, 64, false);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	flip_all(s, &q);
	question_make(s, &q, a, 3, 1000, false);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	flip_all(s, &q);
	((struct assay_prove *)q.message)->epoch = 0;
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	assert_non_null(world_find(&s->world, ASSAY_REFUSED, 0));
	flip_all(s, &q);
	scene_free(s);
}

/* What shows before the tag has a name, and the earlier check wins. */
static void test_reasons(void **state)
{
	struct scene *s = scene_new(10);
	struct assay_inbound session = inbound(s);
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

	question_make(s, &q, world_artifact(&s->world, 1000, 13, 1), 2, 64, true);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	check = checker(s, &q, NULL);
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
	scene_free(s);
}

/* Cut and grown datagrams. */
static void test_every_length(void **state)
{
	struct scene *s = scene_new(3);
	struct question q;
	uint8_t longer[ASSAY_PAYLOAD_MAX] = {0};

	question_make(s, &q, world_artifact(&s->world, 5000, 13, 1), 2, 64, true);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	for (unsigned i = 0; i < s->world.sent_count; i++) {
		const struct world_sent *d = &s->world.sent[i];
		struct assay_check *check = checker(s, &q, NULL);
		struct assay_inbound session = inbound(s);

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
	scene_free(s);
}

static void test_seal_table(void **state)
{
	struct scene *s = scene_new(4);
	const struct world_artifact *a = world_artifact(&s->world, 5000, 13, 1);
	struct assay_seals *seals = assay_seals_new(64);
	struct question q[16];
	struct world_in in[16];
	struct assay_seals_stats stats;

	/* One burst, one batch, one signature. */
	for (unsigned i = 0; i < 16; i++) {
		question_make(s, &q[i], a, 2, 64, false);
		q[i].counter = ++s->sent;
		message_head(q[i].message, ASSAY_PROVE, (uint16_t)q[i].len, INDEX & 0xff00ffffu,
			     s->sent);
		message_tag_general(q[i].message, q[i].len, s->keys.k_i);
		in[i] = (struct world_in){&s->path, q[i].message, q[i].len};
	}
	world_burst(&s->world, 0, in, 16);
	world_rest(&s->world);
	assert_int_equal(s->world.sent_count, 16);
	for (unsigned i = 0; i < 16; i++) {
		struct assay_check *check = checker(s, &q[i], seals);
		struct assay_inbound session = inbound(s);
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
		struct assay_check *check = checker(s, &q[0], seals);
		struct assay_inbound session = inbound(s);

		for (unsigned j = 0; j < 16; j++)
			assay_check_feed(check, &session, s->world.sent[j].data,
					 s->world.sent[j].len);
		assert_int_equal(assay_check_verdict(check), ASSAY_INVALID_TRANSCRIPT);
		assay_check_free(check);
	}
	assert_int_equal(assay_seals_stats(seals).misses, 2);
	s->world.self.identity.public[0] ^= 1;
	assay_seals_free(seals);
	scene_free(s);
}

/* Parts of answers to a request and to its repeat may be mixed. */
static void test_repeat(void **state)
{
	struct scene *s = scene_new(5);
	struct assay_inbound session = inbound(s);
	struct assay_check *check;
	struct question q;
	unsigned n;

	question_make(s, &q, world_artifact(&s->world, 65532, 13, 1), 4, 256, true);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	check = checker(s, &q, NULL);
	n = s->world.sent_count;
	assert_true(n > 2);
	for (unsigned i = 0; i < n; i += 2)
		assay_check_feed(check, &session, s->world.sent[i].data, s->world.sent[i].len);
	assert_int_equal(assay_check_verdict(check), ASSAY_INCOMPLETE);
	assert_int_equal(assay_check_counter(check, ask(s, q.message, ASSAY_PROVE, q.len)), 0);
	assert_int_equal(s->world.sent_count, n);
	for (unsigned i = 1; i < n; i += 2)
		assert_int_equal(assay_check_feed(check, &session, s->world.sent[i].data,
						  s->world.sent[i].len),
				 0);
	assert_int_equal(assay_check_verdict(check), ASSAY_PASS);
	assay_check_free(check);
	scene_free(s);
}

static void test_bad_params(void **state)
{
	struct scene *s = scene_new(6);
	struct question q;
	struct assay_draw draw = {seed, sizeof(seed), "another ticket"};
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

	question_make(s, &q, world_artifact(&s->world, 5000, 13, 1), 2, 64, true);
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
	scene_free(s);
}

/* --- evidence
 * --------------------------------------------------------------------------------------------- */

static void test_claims(void **state)
{
	struct scene *s = scene_new(7);
	struct assay_inbound session = inbound(s);
	uint8_t record[ASSAY_EVIDENCE_MAX], compound[32];
	enum assay_outcome step[ASSAY_STEP_COUNT];
	struct assay_report report;
	struct assay_check *check;
	struct question q;
	const struct assay_prove *m = (const void *)q.message;
	struct assay_claim claim, bad;
	int len;

	question_make(s, &q, world_artifact(&s->world, 65532, 13, 1), 4, 256, true);
	q.counter = ask(s, q.message, ASSAY_PROVE, q.len);
	check = checker(s, &q, NULL);
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
		.draw = {seed, sizeof(seed), ticket},
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
	scene_free(s);
}

/* --- READ
 * ------------------------------------------------------------------------------------------------------
 */

static void test_any_read(void **state)
{
	static const uint64_t sizes[] = {1, 1024, 1025, 16384, 65532, 2000001};
	struct scene *s = scene_new(8);
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
		struct assay_inbound session = inbound(s);
		struct assay_read_result result;
		uint64_t at;

		memcpy(params.key, a->record.key, 32);
		memcpy(m.key, a->record.key, 32);
		if (check == NULL)
			assert_int_equal(assay_read_new(&check, &params), 0);
		else
			assert_int_equal(assay_read_reset(check, &params), 0);
		assert_int_equal(assay_read_counter(check, ask(s, &m, ASSAY_READ, sizeof(m))), 0);
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
	scene_free(s);
}

/* --- the replay window
 * -------------------------------------------------------------------------------------- */

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
		cmocka_unit_test(test_any_request),  cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_length), cmocka_unit_test(test_seal_table),
		cmocka_unit_test(test_repeat),	     cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_bad_params),   cmocka_unit_test(test_claims),
		cmocka_unit_test(test_any_read),     cmocka_unit_test(test_window),
	};

	assay_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

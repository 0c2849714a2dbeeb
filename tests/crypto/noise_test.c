/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake between two parties with random keys, and every way to spoil it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/sim.h"
#include "crypto/digest.h"
#include "crypto/noise.h"
#include "crypto/sign.h"

static const uint8_t network[32] = "a network", other_network[32] = "another";
static const char *const name_i = "node-a", *const name_r = "node-b";

static uint64_t seed = 3;
static struct random random_test;

struct party {
	struct noise_self self;
	struct noise_peer peer;
	uint8_t secret[32];
};

static void make_keys(struct party *p, const uint8_t *network_id)
{
	secret_generate(p->secret, &random_test);
	p->self.network_id = network_id;
	p->self.secret = p->secret;
	assert_true(public_key(p->self.public, p->secret));
}

static void introduce(struct party *i, struct party *r)
{
	assert_true(noise_peer_init(&i->peer, &i->self, r->self.public, true, name_i, name_r));
	assert_true(noise_peer_init(&r->peer, &r->self, i->self.public, false, name_i, name_r));
}

static void make_pair(struct party *i, struct party *r)
{
	make_keys(i, network);
	make_keys(r, network);
	introduce(i, r);
}

static void say_hello(struct assay_hello *hello, struct noise_initiator *state,
		      const struct party *i)
{
	uint8_t e[32];

	secret_generate(e, &random_test);
	memset(state, 0, sizeof(*state));
	noise_hello(hello, state, &i->self, &i->peer, name_i, name_r, e, 0x01020304, 99, 1452,
		    NULL);
}

static enum assay_reason read_hello(struct noise_responder *state, const struct assay_hello *hello,
				    const struct party *r)
{
	memset(state, 0, sizeof(*state));
	noise_responder_start(state, hello, &r->self, name_i, name_r);
	return noise_responder_read(state, &r->self, &r->peer);
}

static void welcome(struct assay_welcome *out, struct noise_keys *keys,
		    struct noise_responder *state, const struct party *r,
		    const struct assay_welcome_payload *payload)
{
	unsigned calls = 1;
	uint8_t e[32];

	secret_generate(e, &random_test);
	while (!noise_responder_write(out, keys, state, &r->self, &r->peer, e, payload))
		calls++;
	assert_int_equal(calls, 3);
}

static void assert_zero(const void *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(((const uint8_t *)p)[i], 0);
}

static void both_get_the_same_keys(void **state)
{
	for (unsigned round = 0; round < 10; round++) {
		struct assay_welcome_payload payload = {.index = 7 + round, .limit = 1452}, got;
		struct noise_initiator initiator;
		struct noise_responder responder;
		struct noise_keys keys_i, keys_r;
		struct assay_hello hello;
		struct assay_welcome message;
		struct party i, r;
		uint8_t mac[16];

		make_pair(&i, &r);
		assert_memory_equal(i.peer.m, r.peer.m, 32);
		assert_memory_equal(i.peer.hint, r.peer.hint, 16);
		assert_memory_equal(i.peer.pair, r.peer.pair, 32);
		say_hello(&hello, &initiator, &i);
		noise_mac1(mac, r.peer.m, &hello);
		assert_memory_equal(mac, hello.mac1, 16);
		assert_zero(hello.mac2, 16);
		assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_NONE);
		assert_int_equal(responder.limit, 1452);
		welcome(&message, &keys_r, &responder, &r, &payload);
		assert_zero(&responder, sizeof(responder));
		assert_int_equal(noise_welcome_read(&got, &keys_i, &initiator, &i.self, &message),
				 0);
		assert_zero(&initiator, sizeof(initiator));
		assert_memory_equal(&got, &payload, sizeof(got));
		assert_memory_equal(&keys_i, &keys_r, sizeof(keys_i));
		assert_memory_not_equal(keys_i.k_i, keys_i.k_r, 32);
	}
}

/* A flipped bit of what Noise covers is never read, and never with a wrong reason. */
static void spoilt_hellos(void **state)
{
	struct noise_initiator initiator;
	struct noise_responder responder;
	struct assay_hello hello;
	struct party i, r;
	uint8_t *p = (uint8_t *)&hello, mac[16];

	make_pair(&i, &r);
	say_hello(&hello, &initiator, &i);
	for (unsigned bit = 0; bit < 8 * offsetof(struct assay_hello, zero); bit++) {
		enum assay_reason reason;

		p[bit / 8] ^= 1 << bit % 8;
		noise_mac1(mac, r.peer.m, &hello);
		assert_memory_not_equal(mac, hello.mac1, 16);
		reason = read_hello(&responder, &hello, &r);
		if (bit / 8 >= offsetof(struct assay_hello, ephemeral) &&
		    bit / 8 < offsetof(struct assay_hello, sealed_static))
			assert_true(reason == ASSAY_R_HELLO_POINT ||
				    reason == ASSAY_R_HELLO_CRYPTO);
		else
			assert_int_equal(reason, ASSAY_R_HELLO_CRYPTO);
		p[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_NONE);
}

static void spoilt_welcomes(void **state)
{
	struct assay_welcome_payload payload = {.index = 7}, got = {0};
	struct noise_initiator initiator;
	struct noise_responder responder;
	struct noise_keys keys_i, keys_r;
	struct assay_hello hello;
	struct assay_welcome message;
	struct party i, r;
	uint8_t *p = (uint8_t *)&message;

	make_pair(&i, &r);
	say_hello(&hello, &initiator, &i);
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_NONE);
	welcome(&message, &keys_r, &responder, &r, &payload);
	for (unsigned bit = 0; bit < 8 * sizeof(message); bit++) {
		bool shape = bit / 8 < offsetof(struct assay_welcome, ephemeral) ||
			     bit / 8 >= offsetof(struct assay_welcome, zero);

		p[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(noise_welcome_read(&got, &keys_i, &initiator, &i.self, &message),
				 shape ? ASSAY_E_INVAL : ASSAY_E_CRYPTO);
		assert_zero(&got, sizeof(got)); /* nothing that is not authentic gets out */
		p[bit / 8] ^= 1 << bit % 8;
	}
	/* None of them did harm. */
	assert_int_equal(noise_welcome_read(&got, &keys_i, &initiator, &i.self, &message), 0);
	assert_memory_equal(&keys_i, &keys_r, sizeof(keys_i));
}

static void strangers(void **state)
{
	struct noise_initiator initiator;
	struct noise_responder responder;
	struct assay_hello hello;
	struct party i, r, thief;
	uint8_t mac[16];

	make_pair(&i, &r);
	make_keys(&thief, network);
	introduce(&thief, &r);
	introduce(&i, &r); /* so r takes i for its peer, as before */

	/* Another account's key under i's hint, without and with what i shares with r. */
	memcpy(thief.peer.hint, i.peer.hint, 16);
	say_hello(&hello, &initiator, &thief);
	noise_mac1(mac, r.peer.m, &hello);
	assert_memory_not_equal(mac, hello.mac1, 16);
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_HELLO_CRYPTO);
	memcpy(thief.peer.dh_static, i.peer.dh_static, 32);
	say_hello(&hello, &initiator, &thief);
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_HELLO_IDENTITY);

	/* The right key without what the two share. */
	memset(i.peer.dh_static, 1, 32);
	say_hello(&hello, &initiator, &i);
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_HELLO_CRYPTO);
	introduce(&i, &r);

	/* Another network, other names. */
	i.self.network_id = other_network;
	say_hello(&hello, &initiator, &i);
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_HELLO_CRYPTO);
	i.self.network_id = network;
	say_hello(&hello, &initiator, &i);
	memset(&responder, 0, sizeof(responder));
	noise_responder_start(&responder, &hello, &r.self, "node-c", name_r);
	assert_int_equal(noise_responder_read(&responder, &r.self, &r.peer), ASSAY_R_HELLO_CRYPTO);
	assert_int_equal(read_hello(&responder, &hello, &r), ASSAY_R_NONE);
}

static void peers_on_the_curve_only(void **state)
{
	struct party i, r;
	uint8_t bad[33] = {2};

	make_pair(&i, &r);
	assert_false(noise_peer_init(&i.peer, &i.self, bad, true, name_i, name_r));
}

static void directions_differ(void **state)
{
	uint8_t forth[32], back[32];
	struct noise_peer reverse;
	struct party i, r;

	make_pair(&i, &r);
	assert_true(noise_peer_init(&reverse, &i.self, r.self.public, false, name_r, name_i));
	assert_memory_equal(reverse.dh_static, i.peer.dh_static, 32);
	assert_memory_not_equal(reverse.hint, i.peer.hint, 16);
	assert_memory_not_equal(reverse.m, i.peer.m, 32);
	assert_memory_not_equal(reverse.pair, i.peer.pair, 32);
	noise_pair(forth, network, "ab", "c");
	noise_pair(back, network, "a", "bc");
	assert_memory_not_equal(forth, back, 32);
}

static void cookies(void **state)
{
	struct noise_initiator initiator;
	struct assay_hello hello, second;
	struct assay_cookie message;
	struct party i, r;
	uint8_t secret[32] = {1}, ip[16] = {2}, cookie[16], other[16], mac[16], e[32];
	uint8_t *p = (uint8_t *)&message;

	make_pair(&i, &r);
	say_hello(&hello, &initiator, &i);
	noise_cookie(cookie, secret, ip, 5000);
	noise_cookie(other, secret, ip, 5001);
	assert_memory_not_equal(cookie, other, 16);
	noise_cookie_message(&message, &r.peer, &hello, cookie);
	assert_true(noise_cookie_check(&message, &i.peer, &hello));
	for (unsigned bit = 0; bit < 8 * sizeof(message); bit++) {
		p[bit / 8] ^= 1 << bit % 8;
		assert_false(noise_cookie_check(&message, &i.peer, &hello));
		p[bit / 8] ^= 1 << bit % 8;
	}
	say_hello(&second, &initiator, &i); /* only the HELLO it was made for */
	assert_false(noise_cookie_check(&message, &i.peer, &second));

	secret_generate(e, &random_test);
	noise_hello(&second, &initiator, &i.self, &i.peer, name_i, name_r, e, 5, 100, 1452, cookie);
	noise_mac2(mac, cookie, &second);
	assert_memory_equal(mac, second.mac2, 16);
	noise_mac2(mac, other, &second);
	assert_memory_not_equal(mac, second.mac2, 16);
}

/* Handshakes of several threads do not share their cipher contexts. */
struct job {
	const struct party *r;
	const struct assay_hello *hello;
	unsigned good;
};

static void *read_many(void *arg)
{
	struct job *job = arg;

	for (unsigned n = 0; n < 200; n++) {
		struct noise_responder responder;

		job->good += read_hello(&responder, job->hello, job->r) == ASSAY_R_NONE;
	}
	return NULL;
}

static void threads(void **state)
{
	struct noise_initiator initiator;
	struct assay_hello hello;
	struct party i, r;
	struct job job[2];
	pthread_t thread[2];

	make_pair(&i, &r);
	say_hello(&hello, &initiator, &i);
	for (unsigned n = 0; n < 2; n++) {
		job[n] = (struct job){&r, &hello, 0};
		assert_int_equal(pthread_create(&thread[n], NULL, read_many, &job[n]), 0);
	}
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(pthread_join(thread[n], NULL), 0);
		assert_int_equal(job[n].good, 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_get_the_same_keys),
		cmocka_unit_test(spoilt_hellos),
		cmocka_unit_test(spoilt_welcomes),
		cmocka_unit_test(strangers),
		cmocka_unit_test(peers_on_the_curve_only),
		cmocka_unit_test(directions_differ),
		cmocka_unit_test(cookies),
		cmocka_unit_test(threads),
	};

	random_test = random_sim(&seed);
	digest_init();
	sign_init(&random_test);
	return cmocka_run_group_tests_name("crypto: handshake", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures; the published BIP-340 answers are in tests/vectors/bip340.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "assay/status.h"
#include "base/sim.h"
#include "base/text.h"
#include "crypto/sign.h"

static uint64_t seed = 11;
static struct random random_test;

/* n, the group's order, and p, the field's. */
static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
static const char field[] = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";

static void secrets_in_range(void **state)
{
	uint8_t zero[32] = {0}, n[32], other[33];
	struct sign_key key;

	assert_int_equal(hex_decode(n, 32, order), 0);
	assert_false(secret_valid(zero));
	assert_false(secret_valid(n));
	assert_false(public_key(other, zero));
	assert_false(public_key(other, n));
	assert_int_equal(sign_key_from_secret(&key, n), ASSAY_E_CRYPTO);
	assert_int_equal(sign_key_from_secret(&key, zero), ASSAY_E_CRYPTO);
	n[31]--;
	assert_true(secret_valid(n));
	assert_true(public_key(other, n));
	assert_int_equal(sign_key_from_secret(&key, n), 0);
	sign_key_wipe(&key);
	for (unsigned i = 0; i < sizeof(key); i++)
		assert_int_equal(((const uint8_t *)&key)[i], 0);
}

/* Returns values that are no secrets first. */
static void fill_bad_first(void *ctx, void *out, size_t len)
{
	unsigned *calls = ctx;

	memset(out, *calls == 0 ? 0xff : *calls == 1 ? 0 : 0x55, len);
	(*calls)++;
}

static void generate_skips_what_is_no_secret(void **state)
{
	unsigned calls = 0;
	struct random bad = {fill_bad_first, &calls};
	uint8_t secret[32], told[32];

	memset(told, 0x55, sizeof(told));
	secret_generate(secret, &bad);
	assert_memory_equal(secret, told, 32);
	assert_int_equal(calls, 3);
}

static void keys_on_the_curve(void **state)
{
	uint8_t key[33], p[32];

	for (unsigned i = 0; i < 20; i++) {
		uint8_t secret[32];

		secret_generate(secret, &random_test);
		assert_true(public_key(key, secret));
		assert_true(public_key_valid(key));
		assert_true(xonly_key_valid(key + 1));
		key[0] ^= 1; /* the point with the other y */
		assert_true(public_key_valid(key));
		key[0] = 4;
		assert_false(public_key_valid(key));
	}
	memset(key, 0, sizeof(key));
	assert_false(public_key_valid(key));
	key[0] = 2; /* x = 0: 7 is no square */
	assert_false(public_key_valid(key));
	assert_false(xonly_key_valid(key + 1));
	assert_int_equal(hex_decode(p, 32, field), 0);
	memcpy(key + 1, p, 32);
	assert_false(public_key_valid(key));
	assert_false(xonly_key_valid(p));
}

static void secrets_are_shared(void **state)
{
	uint8_t a[32], b[32], point_a[33], point_b[33], ab[32], ba[32];

	for (unsigned i = 0; i < 20; i++) {
		secret_generate(a, &random_test);
		secret_generate(b, &random_test);
		assert_true(public_key(point_a, a));
		assert_true(public_key(point_b, b));
		assert_true(shared_secret(ab, a, point_b));
		assert_true(shared_secret(ba, b, point_a));
		assert_memory_equal(ab, ba, 32);
		point_b[0] ^= 1;
		assert_true(shared_secret(ba, a, point_b));
		assert_memory_not_equal(ab, ba, 32);
	}
	memset(point_b, 0xff, sizeof(point_b));
	assert_false(shared_secret(ab, a, point_b));

	/* The secret 1: the digest of the point itself. */
	memset(a, 0, sizeof(a));
	a[31] = 1;
	sha256_parts(ab, &(struct sha256_part){point_a, sizeof(point_a)}, 1);
	assert_true(shared_secret(ba, a, point_a));
	assert_memory_equal(ab, ba, 32);
}

static void signatures(void **state)
{
	uint8_t message[50], signature[64], again[64], aux[32];
	const struct sha256_part part = {message, sizeof(message)};
	struct sign_key key, other;
	uint8_t secret[32];

	random_fill(&random_test, message, sizeof(message));
	random_fill(&random_test, aux, sizeof(aux));
	secret_generate(secret, &random_test);
	assert_int_equal(sign_key_from_secret(&key, secret), 0);
	secret_generate(secret, &random_test);
	assert_int_equal(sign_key_from_secret(&other, secret), 0);
	sign_tagged(signature, &key, TAG_BATCH_SEAL, &part, 1, aux);
	sign_tagged(again, &key, TAG_BATCH_SEAL, &part, 1, aux);
	assert_memory_equal(signature, again, 64);
	assert_true(verify_tagged(signature, key.public, TAG_BATCH_SEAL, &part, 1));

	/* Tags do not stand for one another, nor keys, nor a bare digest for a tagged one. */
	assert_false(verify_tagged(signature, key.public, TAG_SESSION_KEY, &part, 1));
	assert_false(verify_tagged(signature, other.public, TAG_BATCH_SEAL, &part, 1));
	assert_false(verify_message(signature, key.public, message, sizeof(message)));
	for (unsigned bit = 0; bit < 512; bit++) {
		signature[bit / 8] ^= 1 << bit % 8;
		assert_false(verify_tagged(signature, key.public, TAG_BATCH_SEAL, &part, 1));
		signature[bit / 8] ^= 1 << bit % 8;
	}
	message[49] ^= 1;
	assert_false(verify_tagged(signature, key.public, TAG_BATCH_SEAL, &part, 1));
	aux[0] ^= 1;
	message[49] ^= 1;
	sign_tagged(again, &key, TAG_BATCH_SEAL, &part, 1, aux);
	assert_memory_not_equal(signature, again, 64);
	assert_true(verify_tagged(again, key.public, TAG_BATCH_SEAL, &part, 1));
}

static void compares_every_byte(void **state)
{
	uint8_t a[33] = {0}, b[33] = {0};

	assert_true(equal_ct(a, b, sizeof(a)));
	for (unsigned i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		assert_false(equal_ct(a, b, sizeof(a)));
		assert_true(equal_ct(a, b, i));
		b[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_in_range),
		cmocka_unit_test(generate_skips_what_is_no_secret),
		cmocka_unit_test(keys_on_the_curve),
		cmocka_unit_test(secrets_are_shared),
		cmocka_unit_test(signatures),
		cmocka_unit_test(compares_every_byte),
	};

	random_test = random_sim(&seed);
	digest_init();
	sign_init(&random_test);
	sign_init(&random_test); /* idempotent */
	return cmocka_run_group_tests_name("crypto: keys and signatures", tests, NULL, NULL);
}

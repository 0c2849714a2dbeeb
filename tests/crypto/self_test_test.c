/* SPDX-License-Identifier: Apache-2.0 */
/* The self test passes, and names whatever is broken: the linker puts each primitive behind a
 * switch that spoils its result (--wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/sim.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/self_test.h"
#include "crypto/sign.h"
#include "crypto/tree.h"

static const char *broken = "";

static bool spoilt(const char *name)
{
	return strcmp(broken, name) == 0;
}

/* A call that fills out and returns nothing. */
#define SPOIL(name, parameters, arguments, at)     \
	void __real_##name parameters;             \
	void __wrap_##name parameters;             \
	void __wrap_##name parameters              \
	{                                          \
		__real_##name arguments;           \
		(at)[0] ^= (uint8_t)spoilt(#name); \
	}

/* A call that says yes or no. */
#define LIE(name, parameters, arguments)                         \
	bool __real_##name parameters;                           \
	bool __wrap_##name parameters;                           \
	bool __wrap_##name parameters                            \
	{                                                        \
		return __real_##name arguments != spoilt(#name); \
	}

SPOIL(digest_one, (uint8_t * out, const uint8_t *key, const void *data, size_t len),
      (out, key, data, len), out)
SPOIL(digest_many,
      (uint8_t * out, const uint8_t *key, const uint8_t *const *in, size_t n, unsigned blocks),
      (out, key, in, n, blocks), out + 32 * (n - 1))
SPOIL(digest_stream_end, (const struct digest_stream *s, uint8_t *out), (s, out), out)
SPOIL(tree_build, (uint8_t * out, const uint8_t *data, uint64_t size), (out, data, size),
      out + tree_outboard_len(tree_chunks(size)) - 32)
LIE(tree_verify,
    (const uint8_t *key, uint32_t chunks, const uint32_t *touched, unsigned n,
     const uint8_t *values, const uint8_t *hashes, unsigned hash_count),
    (key, chunks, touched, n, values, hashes, hash_count))
SPOIL(sha256_parts, (uint8_t * out, const struct sha256_part *parts, size_t n), (out, parts, n),
      out)
SPOIL(sha256_tagged, (uint8_t * out, const char *tag, const struct sha256_part *parts, size_t n),
      (out, tag, parts, n), out)
SPOIL(sign_tagged,
      (uint8_t * out, const struct sign_key *key, const char *tag, const struct sha256_part *parts,
       size_t n, const uint8_t *aux),
      (out, key, tag, parts, n, aux), out)
LIE(verify_tagged,
    (const uint8_t *signature, const uint8_t *public, const char *tag,
     const struct sha256_part *parts, size_t n),
    (signature, public, tag, parts, n))
LIE(shared_secret, (uint8_t * out, const uint8_t *secret, const uint8_t *key), (out, secret, key))
SPOIL(aead_seal,
      (uint8_t * out, const uint8_t *key, const uint8_t *ad, const uint8_t *plain, size_t len),
      (out, key, ad, plain, len), out)
LIE(aead_open,
    (uint8_t * out, const uint8_t *key, const uint8_t *ad, const uint8_t *in, size_t len),
    (out, key, ad, in, len))

static void test_good(void **state)
{
	broken = "";
	assert_null(crypto_self_test());
}

static void test_broken(void **state)
{
	static const char *const cases[][2] = {
		{"digest_one", "BLAKE3"},
		{"digest_stream_end", "BLAKE3 of a stream"},
		{"digest_many", "BLAKE3 of many messages"},
		{"tree_build", "BLAKE3 tree"},
		{"tree_verify", "BLAKE3 tree"},
		{"sha256_parts", "SHA-256"},
		{"sha256_tagged", "SHA-256"},
		{"sign_tagged", "BIP-340"},
		{"verify_tagged", "BIP-340"},
		{"shared_secret", "secp256k1 key exchange"},
		{"aead_seal", "ChaCha20-Poly1305"},
		{"aead_open", "ChaCha20-Poly1305"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		broken = cases[i][0];
		const char *said = crypto_self_test();

		assert_non_null(said);
		assert_string_equal(said, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_broken),
	};
	uint64_t seed = 3;
	struct random random = random_sim(&seed);

	digest_init();
	sign_init(&random);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

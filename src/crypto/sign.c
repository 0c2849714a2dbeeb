/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sign.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"

static_assert(sizeof(secp256k1_keypair) == sizeof(((struct sign_key *)0)->pair), "");

/* Read by all threads after sign_init, written by none. */
static secp256k1_context *context;

void sign_init(const struct random *random)
{
	uint8_t seed[32];

	if (context != NULL)
		return;
	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	must(context != NULL);
	random_fill(random, seed, sizeof(seed));
	must(secp256k1_context_randomize(context, seed));
	wipe(seed, sizeof(seed));
}

void wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

bool equal_ct(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

bool secret_valid(const uint8_t secret[32])
{
	return secp256k1_ec_seckey_verify(context, secret);
}

void secret_generate(uint8_t out[32], const struct random *random)
{
	do
		random_fill(random, out, 32);
	while (!secret_valid(out));
}

bool public_key(uint8_t out[33], const uint8_t secret[32])
{
	secp256k1_pubkey point;
	size_t len = 33;

	if (!secp256k1_ec_pubkey_create(context, &point, secret))
		return false;
	return secp256k1_ec_pubkey_serialize(context, out, &len, &point, SECP256K1_EC_COMPRESSED);
}

bool public_key_valid(const uint8_t key[33])
{
	secp256k1_pubkey point;

	return secp256k1_ec_pubkey_parse(context, &point, key, 33);
}

bool xonly_key_valid(const uint8_t key[32])
{
	secp256k1_xonly_pubkey point;

	return secp256k1_xonly_pubkey_parse(context, &point, key);
}

bool shared_secret(uint8_t out[32], const uint8_t secret[32], const uint8_t key[33])
{
	secp256k1_pubkey point;

	return secp256k1_ec_pubkey_parse(context, &point, key, 33) &&
	       secp256k1_ecdh(context, out, &point, secret, NULL, NULL);
}

int sign_key_from_secret(struct sign_key *key, const uint8_t secret[32])
{
	secp256k1_keypair *pair = (secp256k1_keypair *)key->pair;
	secp256k1_xonly_pubkey point;

	if (!secp256k1_keypair_create(context, pair, secret)) {
		sign_key_wipe(key);
		return ASSAY_E_CRYPTO;
	}
	memcpy(key->secret, secret, 32);
	must(secp256k1_keypair_xonly_pub(context, &point, NULL, pair));
	must(secp256k1_xonly_pubkey_serialize(context, key->public, &point));
	return 0;
}

void sign_key_wipe(struct sign_key *key)
{
	wipe(key, sizeof(*key));
}

void sign_tagged(uint8_t out[64], const struct sign_key *key, const char *tag,
		 const struct sha256_part *parts, size_t n, const uint8_t aux[32])
{
	uint8_t digest[32];

	sha256_tagged(digest, tag, parts, n);
	must(secp256k1_schnorrsig_sign32(context, out, digest, (const secp256k1_keypair *)key->pair,
					 aux));
}

bool verify_message(const uint8_t signature[64], const uint8_t public[32], const void *message,
		    size_t len)
{
	secp256k1_xonly_pubkey point;

	return secp256k1_xonly_pubkey_parse(context, &point, public) &&
	       secp256k1_schnorrsig_verify(context, signature, message, len, &point);
}

bool verify_tagged(const uint8_t signature[64], const uint8_t public[32], const char *tag,
		   const struct sha256_part *parts, size_t n)
{
	uint8_t digest[32];

	sha256_tagged(digest, tag, parts, n);
	return verify_message(signature, public, digest, sizeof(digest));
}

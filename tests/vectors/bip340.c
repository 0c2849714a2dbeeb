/* SPDX-License-Identifier: Apache-2.0 */
/* vectors-bip340: keys and verification of src/crypto/sign.h; signing with the same key pair. */
#include <secp256k1.h>
#include <secp256k1_schnorrsig.h>

#include "base/real.h"
#include "crypto/sign.h"
#include "vectors/runner.h"

/* The project signs tagged values only, so the untagged messages go to the library directly. */
static bool sign_same(struct vector_case *c, const uint8_t *message, size_t len)
{
	secp256k1_schnorrsig_extraparams extra = SECP256K1_SCHNORRSIG_EXTRAPARAMS_INIT;
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	struct sign_key key;
	uint8_t signature[64];
	int good;

	extra.ndata = vector_hex(c->in, "aux_rand", NULL);
	if (sign_key_from_secret(&key, vector_hex(c->in, "secret_key", NULL)) != 0)
		return vector_fail(c, "secret key refused");
	good = secp256k1_schnorrsig_sign_custom(context, signature, message, len,
						(const secp256k1_keypair *)key.pair, &extra);
	secp256k1_context_destroy(context);
	if (!good)
		return vector_fail(c, "not signed");
	return vector_same(c, "public_key", key.public, 32) &&
	       vector_same(c, "signature", signature, 64);
}

static bool run_bip340(struct vector_case *c)
{
	size_t message_len, key_len, signature_len;
	const uint8_t *message = vector_hex(c->in, "message", &message_len);
	const uint8_t *key = vector_hex(c->in, "public_key", &key_len);
	const uint8_t *signature = vector_hex(c->in, "signature", &signature_len);
	bool told = vector_bool(c->in, "valid");

	if (key_len != 32 || signature_len != 64)
		return vector_fail(c, "key of %zu, signature of %zu bytes", key_len, signature_len);
	if (verify_message(signature, key, message, message_len) != told)
		return vector_fail(c, "%s", told ? "refused" : "accepted");
	if (json_is_null(json_object_get(c->in, "secret_key")))
		return true;
	return sign_same(c, message, message_len);
}

int main(int argc, char **argv)
{
	static const struct vector_section sections[] = {{"bip340", run_bip340}, {NULL, NULL}};
	struct random random = random_real();

	sign_init(&random);
	return vectors_main(argc, argv, VECTORS_DIR "/bip340.json", sections);
}

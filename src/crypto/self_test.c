/* SPDX-License-Identifier: Apache-2.0 */
/* The answers were made by other programs: b3sum, Python's hashlib and cryptography, and the client
 * of tests/python. */
#include "crypto/self_test.h"

#include <string.h>

#include "base/text.h"
#include "crypto/aead.h"
#include "crypto/drbg.h"
#include "crypto/sign.h"
#include "crypto/tree.h"

#define SIZE   4097 /* of the pattern: five chunks, the last of one byte */
#define CHUNKS 5
#define ROOT   "9b4052b38f1c5fc8b1f9ff7ac7b27cd242487b3d890d15c96a1c25b8aa0fb995"
#define KEY_3  "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"
#define KEY_5  "022f8bde4d1a07209355b4a7250a5c5128e88b84bddc619ab7cba8d569b240efe4"

static const struct sha256_part abc = {"abc", 3};
static const uint8_t secret_3[32] = {[31] = 3};

static bool is(const uint8_t *bytes, size_t len, const char *hex)
{
	uint8_t wanted[80];

	return hex_decode(wanted, len, hex) == 0 && memcmp(bytes, wanted, len) == 0;
}

static void pattern(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i % 251);
}

static bool one_message(void)
{
	uint8_t data[64], out[32];

	pattern(data, sizeof(data));
	digest_one(out, NULL, "abc", 3);
	if (!is(out, 32, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"))
		return false;
	digest_one(out, digest_label_key(DIGEST_LEAF), data, sizeof(data));
	return is(out, 32, "80884b6ebd8e311fed1c3fa239541f108ed861bff1e999c245d3b83e0669c117");
}

static bool stream(void)
{
	uint8_t data[SIZE], out[32];
	struct digest_stream s;

	pattern(data, sizeof(data));
	digest_stream_init(&s, NULL);
	digest_stream_add(&s, data, 1000);
	digest_stream_add(&s, data + 1000, SIZE - 1000);
	digest_stream_end(&s, out);
	return is(out, 32, ROOT);
}

/* Every lane, and one message more than there are lanes. */
static bool lanes(void)
{
	uint8_t data[DIGEST_LANES + 1][128], out[DIGEST_LANES + 1][32], one[32];
	const uint8_t *in[DIGEST_LANES + 1];

	pattern(data[0], sizeof(data));
	for (unsigned i = 0; i <= DIGEST_LANES; i++)
		in[i] = data[i];
	digest_many(out[0], NULL, in, DIGEST_LANES + 1, 2);
	for (unsigned i = 0; i <= DIGEST_LANES; i++) {
		digest_one(one, NULL, data[i], sizeof(data[i]));
		if (memcmp(one, out[i], 32) != 0)
			return false;
	}
	return true;
}

static bool tree(void)
{
	uint8_t data[SIZE], outboard[32 * 16], value[32], hashes[32];
	const uint32_t last = CHUNKS - 1;
	struct tree_node node;
	bool good;

	pattern(data, sizeof(data));
	tree_build(outboard, data, SIZE);
	good = is(outboard + tree_outboard_len(CHUNKS) - 32, 32, ROOT) &&
	       tree_hash_list(&node, 1, CHUNKS, &last, 1) == 1;
	if (!good)
		return false;
	memcpy(hashes, tree_value(outboard, CHUNKS, node), 32);
	tree_chunk_value(value, data + last * TREE_CHUNK, 1, last, false);
	good = tree_verify(outboard + tree_outboard_len(CHUNKS) - 32, CHUNKS, &last, 1, value,
			   hashes, 1);
	value[0] ^= 1;
	return good && !tree_verify(outboard + tree_outboard_len(CHUNKS) - 32, CHUNKS, &last, 1,
				    value, hashes, 1);
}

static bool sha256(void)
{
	uint8_t out[32];

	sha256_parts(out, &abc, 1);
	if (!is(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
		return false;
	sha256_tagged(out, TAG_BATCH_SEAL, &abc, 1);
	return is(out, 32, "8585dda452c68c0bb7c141261be5be1c7af05fd23d7f33c1453467091f982cef");
}

static bool signature(void)
{
	static const uint8_t aux[32];
	uint8_t signature[64];
	struct sign_key key;
	bool good;

	if (sign_key_from_secret(&key, secret_3) != 0)
		return false;
	sign_tagged(signature, &key, TAG_BATCH_SEAL, &abc, 1, aux);
	good = is(signature, 64,
		  "b477fcaf231d0a3b8720c83213c06bdbb68c2f2ab82abf6af04372f46dbbdb45"
		  "81b612cdd1d43da0720c426ac38bdcea8fbc87785e534aa735276bd486ecce47") &&
	       verify_tagged(signature, key.public, TAG_BATCH_SEAL, &abc, 1);
	signature[40] ^= 1;
	return good && !verify_tagged(signature, key.public, TAG_BATCH_SEAL, &abc, 1);
}

static bool key_exchange(void)
{
	uint8_t public[33], peer[33], shared[32];

	return public_key(public, secret_3) && is(public, 33, KEY_3) &&
	       hex_decode(peer, 33, KEY_5) == 0 && shared_secret(shared, secret_3, peer) &&
	       is(shared, 32, "736510e0a2977668353b84ebb7ffa6b902e674a355038534e605d3b73eb0cf16");
}

static bool aead(void)
{
	uint8_t key_ad[64], plain[49], sealed[sizeof(plain) + AEAD_TAG], back[sizeof(plain)];

	pattern(key_ad, sizeof(key_ad));
	pattern(plain, sizeof(plain));
	aead_seal(sealed, key_ad, key_ad + 32, plain, sizeof(plain));
	if (!is(sealed, sizeof(sealed),
		"18b94032a9e3a0d61b68566aa34e4028e8a0e1e6f5b84d4bf4e1e60936286b4352292a4ef5cb1a7a"
		"b5a8720f48232e13ab048844a306054b9dd6e2415a59dd508c") ||
	    !aead_open(back, key_ad, key_ad + 32, sealed, sizeof(back)) ||
	    memcmp(back, plain, sizeof(back)) != 0)
		return false;
	sealed[20] ^= 1;
	return !aead_open(back, key_ad, key_ad + 32, sealed, sizeof(back));
}

static void zeros(void *ctx, void *out, size_t len)
{
	memset(out, 0, len);
}

static bool generator(void)
{
	const struct random seed = {zeros, NULL};
	struct drbg d;
	struct random random = random_drbg(&d);
	uint8_t first[32], second[32];

	drbg_init(&d, &seed);
	random_fill(&random, first, 32);
	random_fill(&random, second, 32);
	drbg_wipe(&d);
	return is(first, 32, "99c11d9ddb328a3fa2c21b9cd77bca7e631740e904d516ff1dd70547ac551720") &&
	       memcmp(first, second, 32) != 0;
}

const char *crypto_self_test(void)
{
	static const struct {
		const char *name;
		bool (*good)(void);
	} tests[] = {
		{"BLAKE3", one_message},
		{"BLAKE3 of a stream", stream},
		{"BLAKE3 of many messages", lanes},
		{"BLAKE3 tree", tree},
		{"SHA-256", sha256},
		{"BIP-340", signature},
		{"secp256k1 key exchange", key_exchange},
		{"ChaCha20-Poly1305", aead},
		{"random generator", generator},
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!tests[i].good())
			return tests[i].name;
	return NULL;
}

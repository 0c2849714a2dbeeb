/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secp256k1 keys and BIP-340 signatures through libsecp256k1. An identity key signs tagged values
 * only: no call here signs a bare digest. The list of tags is below; a new use takes a new tag.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/seam.h"
#include "crypto/digest.h"

#define TAG_BATCH_SEAL "assay/batch-seal/v1" /* identity key: root of a batch of answers */
#define TAG_SESSION_KEY \
	"assay/session-key/v1"		 /* session key: proof of possession in the registry */
#define TAG_ENTRY    "assay/entry/v1"	 /* identity or authority key: an entry of the ledger */
#define TAG_ROW	     "assay/row/v1"	 /* identity key: a challenger's result */
#define TAG_ARTIFACT "assay/artifact/v1" /* creator: texts of layout and index */
#define TAG_RECEIPT  "assay/receipt/v1"	 /* identity key: artifacts that this node answers for */

/* Builds the library context, blinded by random; call once at start, before any thread. Idempotent.
 */
void sign_init(const struct random *random);

struct sign_key { /* an identity key pair; wiped by sign_key_wipe */
	uint8_t secret[32];
	uint8_t public[32];	       /* x-only */
	_Alignas(16) uint8_t pair[96]; /* secp256k1_keypair */
};

/* New random secret, uniform in 1..n-1. */
void secret_generate(uint8_t out[32], const struct random *random);
bool secret_valid(const uint8_t secret[32]);
/* 33-byte compressed public key of a secret; false when the secret is not valid. */
bool public_key(uint8_t out[33], const uint8_t secret[32]);
bool public_key_valid(const uint8_t key[33]);
bool xonly_key_valid(const uint8_t key[32]);
/* SHA-256 of the compressed shared point; false when the key is not on the curve. */
bool shared_secret(uint8_t out[32], const uint8_t secret[32], const uint8_t key[33]);

/* 0 or ASSAY_E_CRYPTO. */
int sign_key_from_secret(struct sign_key *key, const uint8_t secret[32]);
void sign_key_wipe(struct sign_key *key);
/* BIP-340 over T(tag, parts), with 32 bytes of auxiliary randomness. */
void sign_tagged(uint8_t out[64], const struct sign_key *key, const char *tag,
		 const struct sha256_part *parts, size_t n, const uint8_t aux[32]);
bool verify_tagged(const uint8_t signature[64], const uint8_t public[32], const char *tag,
		   const struct sha256_part *parts, size_t n);
/* BIP-340 verification of a message of any length (for vectors and foreign signatures). */
bool verify_message(const uint8_t signature[64], const uint8_t public[32], const void *message,
		    size_t len);

/* Erases memory that held a secret; never optimised away. */
void wipe(void *p, size_t len);
/* Equality in constant time. */
bool equal_ct(const void *a, const void *b, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ChaCha20-Poly1305 by OpenSSL, for noise*.c. The nonce is always zero: in the IK pattern each key
 * that is mixed encrypts exactly one message.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AEAD_TAG 16

/* out = encryption of len bytes, then the tag: len + 16. ad is the 32-byte associated data. */
void aead_seal(uint8_t *out, const uint8_t key[32], const uint8_t ad[32], const uint8_t *plain,
	       size_t len);
/* in has len + 16 bytes; false, and out wiped, when it is not authentic. */
bool aead_open(uint8_t *out, const uint8_t key[32], const uint8_t ad[32], const uint8_t *in,
	       size_t len);

#endif

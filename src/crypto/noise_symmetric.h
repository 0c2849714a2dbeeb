/* SPDX-License-Identifier: Apache-2.0 */
/* The symmetric half of a Noise handshake, for noise_handshake.c. Tokens name what is traced. */
#ifndef CRYPTO_NOISE_SYMMETRIC_H
#define CRYPTO_NOISE_SYMMETRIC_H

#include <stddef.h>

#include "crypto/noise.h"

/* h and ck from the protocol's name, then the prologue and the responder's static key. */
void symmetric_start(struct noise_symmetric *s, const struct noise_self *self,
		     const uint8_t s_responder[33], const char *initiator, const char *responder,
		     const struct assay_hello *hello);
void symmetric_mix_hash(struct noise_symmetric *s, const char *token, const uint8_t *data,
			size_t len);
/* Mixes a DH result; key gets the key of the next message. */
void symmetric_mix_key(struct noise_symmetric *s, const char *token, const uint8_t dh[32],
		       uint8_t key[32]);
/* Encrypts len bytes to len + 16, the other way round; both mix the encrypted bytes. */
void symmetric_seal(struct noise_symmetric *s, const char *token, const uint8_t key[32],
		    uint8_t *out, const void *plain, size_t len);
bool symmetric_open(struct noise_symmetric *s, const char *token, const uint8_t key[32], void *out,
		    const uint8_t *in, size_t len);
void symmetric_split(const struct noise_symmetric *s, struct noise_keys *keys);

#endif

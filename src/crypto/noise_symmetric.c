/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/noise_symmetric.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

#define PROTOCOL_NAME  "Noise_IK_secp256k1_ChaChaPoly_BLAKE3"
#define PROLOGUE_LABEL "assay session v1"
#define HELLO_PROLOGUE 32 /* bytes of the HELLO that the prologue repeats */
#define MIX_MAX	       49 /* longest data that is mixed after the prologue: an encrypted key */
#define HMAC_BLOCK     64
#define HKDF_INPUT_MAX 33

static void trace(const struct noise_symmetric *s, const char *what, const char *token,
		  const uint8_t value[32])
{
	char name[32];

	if (s->trace == NULL)
		return;
	snprintf(name, sizeof(name), "%s%s", what, token);
	s->trace(s->trace_arg, name, value);
}

static void hmac(uint8_t out[32], const uint8_t key[32], const uint8_t *data, size_t len)
{
	uint8_t inner[HMAC_BLOCK + HKDF_INPUT_MAX], outer[HMAC_BLOCK + 32];

	must(len <= HKDF_INPUT_MAX);
	for (unsigned i = 0; i < HMAC_BLOCK; i++) {
		uint8_t k = i < 32 ? key[i] : 0;

		inner[i] = k ^ 0x36;
		outer[i] = k ^ 0x5c;
	}
	if (len > 0)
		memcpy(inner + HMAC_BLOCK, data, len);
	digest_one(outer + HMAC_BLOCK, NULL, inner, HMAC_BLOCK + len);
	digest_one(out, NULL, outer, sizeof(outer));
	wipe(inner, sizeof(inner));
	wipe(outer, sizeof(outer));
}

/* Noise's HKDF with two outputs. out1 may be ck. */
static void hkdf(uint8_t out1[32], uint8_t out2[32], const uint8_t ck[32], const uint8_t *input,
		 size_t len)
{
	uint8_t temp[32], next[33] = {[32] = 2};

	hmac(temp, ck, input, len);
	hmac(next, temp, (const uint8_t[]){1}, 1);
	memcpy(out1, next, 32);
	hmac(out2, temp, next, sizeof(next));
	wipe(temp, sizeof(temp));
	wipe(next, sizeof(next));
}

static void write_account(struct writer *w, const char *account)
{
	size_t len = strlen(account);

	write_u16le(w, (uint16_t)len);
	write_bytes(w, account, len);
}

void symmetric_mix_hash(struct noise_symmetric *s, const char *token, const uint8_t *data,
			size_t len)
{
	uint8_t input[32 + MIX_MAX];

	must(len <= MIX_MAX);
	memcpy(input, s->h, 32);
	memcpy(input + 32, data, len);
	digest_one(s->h, NULL, input, 32 + len);
	trace(s, "h after ", token, s->h);
}

void symmetric_start(struct noise_symmetric *s, const struct noise_self *self,
		     const uint8_t s_responder[33], const char *initiator, const char *responder,
		     const struct assay_hello *hello)
{
	uint8_t input[32 + sizeof(PROLOGUE_LABEL) + 32 + 2 * (2 + ASSAY_ACCOUNT_MAX) +
		      HELLO_PROLOGUE];
	struct writer w = writer_of(input, sizeof(input));

	digest_one(s->h, NULL, PROTOCOL_NAME, strlen(PROTOCOL_NAME));
	memcpy(s->ck, s->h, 32);
	trace(s, "h0", "", s->h);
	write_bytes(&w, s->h, 32);
	write_bytes(&w, PROLOGUE_LABEL, strlen(PROLOGUE_LABEL));
	write_bytes(&w, self->network_id, 32);
	write_account(&w, initiator);
	write_account(&w, responder);
	write_bytes(&w, hello, HELLO_PROLOGUE);
	must(!w.full);
	digest_one(s->h, NULL, input, w.len);
	trace(s, "h after ", "prologue", s->h);
	symmetric_mix_hash(s, "S_r", s_responder, 33);
}

void symmetric_mix_key(struct noise_symmetric *s, const char *token, const uint8_t dh[32],
		       uint8_t key[32])
{
	trace(s, "dh ", token, dh);
	hkdf(s->ck, key, s->ck, dh, 32);
	trace(s, "ck after ", token, s->ck);
	trace(s, "k after ", token, key);
}

void symmetric_seal(struct noise_symmetric *s, const char *token, const uint8_t key[32],
		    uint8_t *out, const void *plain, size_t len)
{
	aead_seal(out, key, s->h, plain, len);
	symmetric_mix_hash(s, token, out, len + AEAD_TAG);
}

bool symmetric_open(struct noise_symmetric *s, const char *token, const uint8_t key[32], void *out,
		    const uint8_t *in, size_t len)
{
	if (!aead_open(out, key, s->h, in, len))
		return false;
	symmetric_mix_hash(s, token, in, len + AEAD_TAG);
	return true;
}

void symmetric_split(const struct noise_symmetric *s, struct noise_keys *keys)
{
	hkdf(keys->k_i, keys->k_r, s->ck, NULL, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Both sides of the IK handshake: `e, es, s, ss, payload` and `e, ee, se, payload`. */
#include <string.h>

#include "base/must.h"
#include "crypto/aead.h"
#include "crypto/noise_symmetric.h"
#include "crypto/sign.h"

struct hello_payload {
	uint16_t limit;
	uint8_t zero[14];
} ASSAY_PACKED;

static_assert(sizeof(struct hello_payload) + AEAD_TAG ==
		      sizeof(((struct assay_hello *)0)->sealed_payload),
	      "");
static_assert(sizeof(struct assay_welcome_payload) + AEAD_TAG ==
		      sizeof(((struct assay_welcome *)0)->sealed_payload),
	      "");

static bool all_zero(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

/* DH, then its result into the chaining key; false when the public key is no point. */
static bool mix_dh(struct noise_symmetric *s, const char *token, const uint8_t secret[32],
		   const uint8_t key[33], uint8_t out[32])
{
	uint8_t dh[32];
	bool good = shared_secret(dh, secret, key);

	if (good)
		symmetric_mix_key(s, token, dh, out);
	wipe(dh, sizeof(dh));
	return good;
}

void noise_hello(struct assay_hello *out, struct noise_initiator *state,
		 const struct noise_self *self, const struct noise_peer *peer,
		 const char *initiator, const char *responder, const uint8_t e_secret[32],
		 uint32_t index, uint64_t time_ns, uint16_t limit, const uint8_t *cookie)
{
	struct noise_symmetric *s = &state->symmetric;
	struct hello_payload payload = {.limit = limit};
	uint8_t key[32];

	*out = (struct assay_hello){
		.head = {ASSAY_VERSION_WIRE, ASSAY_HELLO, sizeof(*out)},
		.index = index,
		.time_ns = time_ns,
	};
	memcpy(out->hint, peer->hint, sizeof(out->hint));
	must(public_key(out->ephemeral, e_secret));
	state->index = index;
	memcpy(state->e_secret, e_secret, 32);

	symmetric_start(s, self, peer->remote_static, initiator, responder, out);
	symmetric_mix_hash(s, "e", out->ephemeral, sizeof(out->ephemeral));
	must(mix_dh(s, "es", e_secret, peer->remote_static, key));
	symmetric_seal(s, "s", key, out->sealed_static, self->public, sizeof(self->public));
	symmetric_mix_key(s, "ss", peer->dh_static, key);
	symmetric_seal(s, "payload 1", key, out->sealed_payload, &payload, sizeof(payload));
	wipe(key, sizeof(key));

	noise_mac1(out->mac1, peer->m, out);
	if (cookie != NULL)
		noise_mac2(out->mac2, cookie, out);
}

int noise_welcome_read(struct assay_welcome_payload *out, struct noise_keys *keys,
		       struct noise_initiator *state, const struct noise_self *self,
		       const struct assay_welcome *welcome)
{
	struct noise_symmetric s = state->symmetric; /* a forged WELCOME leaves the state alone */
	int result = ASSAY_E_CRYPTO;
	uint8_t key[32];

	if (welcome->head.version != ASSAY_VERSION_WIRE || welcome->head.type != ASSAY_WELCOME ||
	    welcome->head.length != sizeof(*welcome) || welcome->index != state->index ||
	    !all_zero(welcome->zero, sizeof(welcome->zero)))
		return ASSAY_E_INVAL;
	symmetric_mix_hash(&s, "e (2)", welcome->ephemeral, sizeof(welcome->ephemeral));
	if (!mix_dh(&s, "ee", state->e_secret, welcome->ephemeral, key) ||
	    !mix_dh(&s, "se", self->secret, welcome->ephemeral, key))
		goto out;
	if (!symmetric_open(&s, "payload 2", key, out, welcome->sealed_payload, sizeof(*out)))
		goto out;
	symmetric_split(&s, keys);
	noise_initiator_wipe(state);
	result = 0;
out:
	wipe(key, sizeof(key));
	wipe(&s, sizeof(s));
	return result;
}

void noise_initiator_wipe(struct noise_initiator *state)
{
	wipe(state, sizeof(*state));
}

void noise_responder_start(struct noise_responder *state, const struct assay_hello *hello,
			   const struct noise_self *self, const char *initiator,
			   const char *responder)
{
	state->hello = *hello;
	state->limit = 0;
	state->step = 0;
	symmetric_start(&state->symmetric, self, self->public, initiator, responder, hello);
}

enum assay_reason noise_responder_read(struct noise_responder *state, const struct noise_self *self,
				       const struct noise_peer *peer)
{
	struct noise_symmetric *s = &state->symmetric;
	const struct assay_hello *hello = &state->hello;
	enum assay_reason reason = ASSAY_R_HELLO_POINT;
	struct hello_payload payload;
	uint8_t key[32], identity[33];

	symmetric_mix_hash(s, "e", hello->ephemeral, sizeof(hello->ephemeral));
	if (!mix_dh(s, "es", self->secret, hello->ephemeral, key))
		goto out;
	reason = ASSAY_R_HELLO_CRYPTO;
	if (!symmetric_open(s, "s", key, identity, hello->sealed_static, sizeof(identity)))
		goto out;
	symmetric_mix_key(s, "ss", peer->dh_static, key);
	if (!symmetric_open(s, "payload 1", key, &payload, hello->sealed_payload, sizeof(payload)))
		goto out;
	reason = ASSAY_R_HELLO_IDENTITY;
	if (!equal_ct(identity, peer->remote_static, sizeof(identity)))
		goto out;
	reason = ASSAY_R_RESERVED;
	if (!all_zero(payload.zero, sizeof(payload.zero)))
		goto out;
	state->limit = payload.limit;
	reason = ASSAY_R_NONE;
out:
	wipe(key, sizeof(key));
	return reason;
}

bool noise_responder_write(struct assay_welcome *out, struct noise_keys *keys,
			   struct noise_responder *state, const struct noise_self *self,
			   const struct noise_peer *peer, const uint8_t e_secret[32],
			   const struct assay_welcome_payload *payload)
{
	struct noise_symmetric *s = &state->symmetric;
	uint8_t key[32];

	switch (state->step++) {
	case 0:
		*out = (struct assay_welcome){
			.head = {ASSAY_VERSION_WIRE, ASSAY_WELCOME, sizeof(*out)},
			.index = state->hello.index,
		};
		must(public_key(out->ephemeral, e_secret));
		symmetric_mix_hash(s, "e (2)", out->ephemeral, sizeof(out->ephemeral));
		return false;
	case 1:
		/* Both were parsed before; the key of ee encrypts nothing. */
		must(mix_dh(s, "ee", e_secret, state->hello.ephemeral, key));
		wipe(key, sizeof(key));
		return false;
	default:
		must(mix_dh(s, "se", e_secret, peer->remote_static, key));
		symmetric_seal(s, "payload 2", key, out->sealed_payload, payload, sizeof(*payload));
		wipe(key, sizeof(key));
		symmetric_split(s, keys);
		noise_responder_wipe(state);
		return true;
	}
}

void noise_responder_wipe(struct noise_responder *state)
{
	wipe(state, sizeof(*state));
}

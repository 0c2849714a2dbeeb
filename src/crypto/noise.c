/* SPDX-License-Identifier: Apache-2.0 */
/* What is known before a handshake: peers, hints, and the short hashes that keep strangers cheap.
 */
#include "crypto/noise.h"

#include <stddef.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "crypto/digest.h"
#include "crypto/sign.h"

#define MAC1_COVERS offsetof(struct assay_hello, mac1)
#define MAC2_COVERS offsetof(struct assay_hello, mac2)

static_assert(MAC1_COVERS == 160 && MAC2_COVERS == 176, "");

/* First 16 bytes of the digest of prefix ‖ data. */
static void short_mac(uint8_t out[16], const uint8_t *prefix, size_t prefix_len, const void *data,
		      size_t len)
{
	uint8_t input[32 + sizeof(struct assay_hello)], digest[32];

	must(prefix_len <= 32 && len <= sizeof(struct assay_hello));
	memcpy(input, prefix, prefix_len);
	memcpy(input + prefix_len, data, len);
	digest_one(digest, NULL, input, prefix_len + len);
	memcpy(out, digest, 16);
}

void noise_mac1(uint8_t out[16], const uint8_t m[32], const struct assay_hello *hello)
{
	short_mac(out, m, 32, hello, MAC1_COVERS);
}

void noise_mac2(uint8_t out[16], const uint8_t cookie[16], const struct assay_hello *hello)
{
	short_mac(out, cookie, 16, hello, MAC2_COVERS);
}

void noise_cookie(uint8_t out[16], const uint8_t secret[32], const uint8_t ip[16], uint16_t port)
{
	uint8_t input[32 + 16 + 2], digest[32];

	memcpy(input, secret, 32);
	memcpy(input + 32, ip, 16);
	memcpy(input + 48, &port, 2);
	digest_one(digest, digest_label_key(DIGEST_COOKIE), input, sizeof(input));
	memcpy(out, digest, 16);
	wipe(input, sizeof(input));
}

static void cookie_mac(uint8_t out[16], const struct assay_cookie *cookie,
		       const struct noise_peer *peer, const struct assay_hello *hello)
{
	uint8_t data[16 + offsetof(struct assay_cookie, mac)];

	memcpy(data, hello->mac1, 16);
	memcpy(data + 16, cookie, offsetof(struct assay_cookie, mac));
	short_mac(out, peer->m, 32, data, sizeof(data));
}

void noise_cookie_message(struct assay_cookie *out, const struct noise_peer *peer,
			  const struct assay_hello *hello, const uint8_t cookie[16])
{
	out->head = (struct assay_head){ASSAY_VERSION_WIRE, ASSAY_COOKIE, sizeof(*out)};
	out->index = hello->index;
	memcpy(out->cookie, cookie, 16);
	cookie_mac(out->mac, out, peer, hello);
}

bool noise_cookie_check(const struct assay_cookie *cookie, const struct noise_peer *peer,
			const struct assay_hello *hello)
{
	uint8_t mac[16];

	cookie_mac(mac, cookie, peer, hello); /* covers head and index too */
	return equal_ct(mac, cookie->mac, sizeof(mac));
}

void noise_pair(uint8_t out[32], const uint8_t network_id[32], const char *challenger,
		const char *target)
{
	uint8_t input[32 + 2 * (2 + ASSAY_ACCOUNT_MAX)];
	struct writer w = writer_of(input, sizeof(input));

	write_bytes(&w, network_id, 32);
	write_u16le(&w, (uint16_t)strlen(challenger));
	write_bytes(&w, challenger, strlen(challenger));
	write_u16le(&w, (uint16_t)strlen(target));
	write_bytes(&w, target, strlen(target));
	must(!w.full);
	digest_one(out, digest_label_key(DIGEST_PAIR), input, w.len);
}

bool noise_peer_init(struct noise_peer *peer, const struct noise_self *self,
		     const uint8_t remote_static[33], bool self_is_initiator,
		     const char *initiator_account, const char *responder_account)
{
	const uint8_t *s_i = self_is_initiator ? self->public : remote_static;
	const uint8_t *s_r = self_is_initiator ? remote_static : self->public;
	uint8_t input[32 + 32 + 33 + 33], digest[32];
	struct writer w = writer_of(input, sizeof(input));

	if (!shared_secret(peer->dh_static, self->secret, remote_static))
		return false;
	memcpy(peer->remote_static, remote_static, 33);
	write_bytes(&w, peer->dh_static, 32);
	write_bytes(&w, self->network_id, 32);
	write_bytes(&w, s_i, 33);
	write_bytes(&w, s_r, 33);
	digest_one(peer->m, digest_label_key(DIGEST_HELLO), input, w.len);

	w = writer_of(input, sizeof(input));
	write_bytes(&w, s_r, 33);
	write_bytes(&w, s_i, 33);
	digest_one(digest, digest_label_key(DIGEST_HINT), input, w.len);
	memcpy(peer->hint, digest, sizeof(peer->hint));
	noise_pair(peer->pair, self->network_id, initiator_account, responder_account);
	wipe(input, sizeof(input));
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session handshake: Noise_IK_secp256k1_ChaChaPoly_BLAKE3 (Noise revision 34) with the HELLO
 * and WELCOME of docs/protocol.md, "Handshake". The responder's side is cut into steps of one curve
 * operation, so that a worker that also serves proofs is held up by one at most (about 55 us).
 */
#ifndef CRYPTO_NOISE_H
#define CRYPTO_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"
#include "assay/wire.h"

/* What two parties share for ever; computed once per registry entry. */
struct noise_peer {
	uint8_t remote_static[33];
	uint8_t dh_static[32]; /* DH(static, static) */
	uint8_t m[32];	       /* key of mac1 */
	uint8_t hint[16];      /* of HELLOs from initiator to responder */
	uint8_t pair[32];      /* PAIR of the direction challenger = initiator */
};

/* One side's own long-term part and the names that enter the prologue. Pointers stay valid while in
 * use. */
struct noise_self {
	const uint8_t *network_id; /* 32 */
	const uint8_t *secret;	   /* 32, session key */
	uint8_t public[33];
};

/*
 * Fills peer for sessions that initiator opens to responder; self_is_initiator says which of the
 * two self is. False when remote is not on the curve.
 */
bool noise_peer_init(struct noise_peer *peer, const struct noise_self *self,
		     const uint8_t remote_static[33], bool self_is_initiator,
		     const char *initiator_account, const char *responder_account);

/* PAIR = BK("assay/v1/pair", network id ‖ lp(challenger) ‖ lp(target)). */
void noise_pair(uint8_t out[32], const uint8_t network_id[32], const char *challenger,
		const char *target);

/* mac1 = B(M ‖ p[0..160))[0..16), mac2 = B(cookie ‖ p[0..176))[0..16). */
void noise_mac1(uint8_t out[16], const uint8_t m[32], const struct assay_hello *hello);
void noise_mac2(uint8_t out[16], const uint8_t cookie[16], const struct assay_hello *hello);
/* cookie = BK(cookie label, secret ‖ source address 16 ‖ port)[0..16). */
void noise_cookie(uint8_t out[16], const uint8_t secret[32], const uint8_t ip[16], uint16_t port);
/* The COOKIE message for a HELLO. */
void noise_cookie_message(struct assay_cookie *out, const struct noise_peer *peer,
			  const struct assay_hello *hello, const uint8_t cookie[16]);
/* True when a COOKIE belongs to this HELLO. */
bool noise_cookie_check(const struct assay_cookie *cookie, const struct noise_peer *peer,
			const struct assay_hello *hello);

/* Optional trace of every h, ck, dh, k in order, for the vectors; NULL in production. */
typedef void (*noise_trace)(void *arg, const char *name, const uint8_t value[32]);

/* The running hash and chaining key of a handshake. */
struct noise_symmetric {
	uint8_t h[32], ck[32];
	noise_trace trace;
	void *trace_arg;
};

/* --- initiator ------------------------------------------------------------------------------ */
struct noise_initiator { /* zeroed before its first use; wiped by noise_welcome_read or _wipe */
	struct noise_symmetric symmetric;
	uint8_t e_secret[32];
	uint32_t index;
};
struct noise_keys {
	uint8_t k_i[32]; /* tags of what the initiator sends */
	uint8_t k_r[32];
};

/* Writes a HELLO. e_secret is new for every HELLO, also a repeated one. cookie is NULL or 16 bytes
 * for mac2. */
void noise_hello(struct assay_hello *out, struct noise_initiator *state,
		 const struct noise_self *self, const struct noise_peer *peer,
		 const char *initiator, const char *responder, const uint8_t e_secret[32],
		 uint32_t index, uint64_t time_ns, uint16_t limit, const uint8_t *cookie);
/*
 * Reads the WELCOME; 0, ASSAY_E_INVAL (shape, index) or ASSAY_E_CRYPTO. On success the state is
 * wiped; otherwise it is as before, so that a forged WELCOME does not keep out the true one.
 */
int noise_welcome_read(struct assay_welcome_payload *out, struct noise_keys *keys,
		       struct noise_initiator *state, const struct noise_self *self,
		       const struct assay_welcome *welcome);
void noise_initiator_wipe(struct noise_initiator *state);

/* --- responder ------------------------------------------------------------------------------ */
struct noise_responder { /* zeroed before its first use */
	struct noise_symmetric symmetric;
	struct assay_hello hello;
	uint16_t limit; /* datagram limit that I offers, as sent */
	uint8_t step;	/* of noise_responder_write */
};

/* Starts on a HELLO whose length, reserved bytes, hint, mac1 and cookie are good. */
void noise_responder_start(struct noise_responder *state, const struct assay_hello *hello,
			   const struct noise_self *self, const char *initiator,
			   const char *responder);
/*
 * Reads message 1: one curve operation. Returns the reason to drop it: HELLO_POINT, HELLO_CRYPTO,
 * HELLO_IDENTITY, RESERVED, or NONE.
 */
enum assay_reason noise_responder_read(struct noise_responder *state, const struct noise_self *self,
				       const struct noise_peer *peer);
/*
 * Writes the WELCOME with the ephemeral e_secret, one curve operation a call (three in all, each
 * with the same arguments); true when it is done, keys are then set and the state is wiped.
 */
bool noise_responder_write(struct assay_welcome *out, struct noise_keys *keys,
			   struct noise_responder *state, const struct noise_self *self,
			   const struct noise_peer *peer, const uint8_t e_secret[32],
			   const struct assay_welcome_payload *payload);
void noise_responder_wipe(struct noise_responder *state);

#endif

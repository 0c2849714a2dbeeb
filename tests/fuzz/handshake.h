/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two parties with fixed keys for the handshake fuzzers. Inputs are changes of a true message, so
 * that they reach the cipher: pairs of position and bits to flip.
 */
#ifndef FUZZ_HANDSHAKE_H
#define FUZZ_HANDSHAKE_H

#include <stdlib.h>
#include <string.h>

#include "base/sim.h"
#include "crypto/digest.h"
#include "crypto/noise.h"
#include "crypto/sign.h"

#define FLIPS_MAX 4

struct fuzz_party {
	struct noise_self self;
	struct noise_peer peer;
	uint8_t secret[32];
};

static const uint8_t fuzz_network[32] = "a network";
static const uint8_t fuzz_e_i[32] = {0x51}, fuzz_e_r[32] = {0x52};
static struct fuzz_party fuzz_i, fuzz_r;

static inline void fuzz_party_init(struct fuzz_party *p, uint8_t secret)
{
	p->secret[0] = secret;
	p->self.network_id = fuzz_network;
	p->self.secret = p->secret;
	if (!public_key(p->self.public, p->secret))
		abort();
}

static inline void fuzz_parties_init(void)
{
	uint64_t seed = 1;
	struct random random = random_sim(&seed);

	digest_init();
	sign_init(&random);
	fuzz_party_init(&fuzz_i, 0x41);
	fuzz_party_init(&fuzz_r, 0x42);
	if (!noise_peer_init(&fuzz_i.peer, &fuzz_i.self, fuzz_r.self.public, true, "a", "b") ||
	    !noise_peer_init(&fuzz_r.peer, &fuzz_r.self, fuzz_i.self.public, false, "a", "b"))
		abort();
}

static inline void fuzz_hello(struct assay_hello *hello, struct noise_initiator *state)
{
	memset(state, 0, sizeof(*state));
	noise_hello(hello, state, &fuzz_i.self, &fuzz_i.peer, "a", "b", fuzz_e_i, 1, 2, 1452, NULL);
}

/* Flips bits of message as data says. */
static inline void fuzz_flip(void *message, size_t message_len, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i + 1 < len && i < 2 * FLIPS_MAX; i += 2)
		((uint8_t *)message)[data[i] % message_len] ^= data[i + 1];
}

#endif

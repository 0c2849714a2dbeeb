/* SPDX-License-Identifier: Apache-2.0 */
/* A responder that is asked, and the checkers' side of one session with it. */
#ifndef TESTS_CLIENT_ASKED_H
#define TESTS_CLIENT_ASKED_H

#include "assay/check.h"
#include "proof/world.h"

#define INDEX	  0x01000007u /* the responder's: slot 7 of worker 0 */
#define INITIATOR 0x77u

extern const uint8_t asked_seed[18];
extern const char asked_ticket[];

struct scene {
	struct world world;
	uint64_t stream;
	struct random random;
	struct noise_keys keys;
	struct path path;
	struct view_peer *peer;
	uint64_t sent; /* counters of the initiator */
};

struct question {
	uint8_t message[sizeof(struct assay_prove) + 8 * ASSAY_RANGES_MAX];
	size_t len;
	uint64_t counter;
};

struct scene *asked_new(uint64_t number);
void asked_free(struct scene *s);
/* Sends a request; the answers lie in world.sent. Its counter. */
uint64_t asked_send(struct scene *s, void *message, uint8_t type, size_t len);
/* A challenge whose offsets and derivation hash follow from the seed. */
void asked_question(struct scene *s, struct question *q, const struct world_artifact *a, unsigned k,
		    uint32_t length, bool tree);
struct assay_check *asked_checker(struct scene *s, const struct question *q,
				  struct assay_seals *seals);
struct assay_inbound asked_inbound(const struct scene *s);

#endif

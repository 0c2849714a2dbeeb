/* SPDX-License-Identifier: Apache-2.0 */
/* A client and a node on one simulated wire. */
#ifndef TESTS_CLIENT_WIRED_H
#define TESTS_CLIENT_WIRED_H

#include "client/challenge.h"
#include "client/client_impl.h"
#include "client/liar.h"

#define WIRED_SECRET "2b7e151628aed2a6abf7158809cf4f3c2b7e151628aed2a6abf7158809cf4f3c"
#define WIRED_NODE   "192.0.2.1:9100"
#define MS	     1000000ull

/* What the wire does beside faults. */
enum wire_mode { WIRE_OPEN, WIRE_DEAD, WIRE_VERSION };

struct scene {
	struct liar *liar;
	struct sim_net *wire;
	struct net_addr node, self;
	struct net net, idle;
	uint64_t random;
	struct assay_client_config config;
	struct assay_client *client;
	enum wire_mode mode;
	unsigned hellos;      /* seen */
	unsigned hellos_lost; /* of the next ones */
	uint64_t hello_ns[16];
	char why[256];
};

/* Without and with an open session. */
void wired_init(struct scene *s, uint64_t seed, uint64_t size);
void wired_open(struct scene *s, uint64_t seed, uint64_t size);
int wired_connect(struct scene *s);
void wired_close(struct scene *s);
/* Time passes, and what is on the wire arrives. */
void wired_pass(struct scene *s, uint64_t ns);
/* About the first artifact, its size unknown. */
struct challenge_question wired_question(const struct scene *s, bool tree);
void wired_expect(struct scene *s, const struct challenge_question *q, enum assay_verdict want);

#endif

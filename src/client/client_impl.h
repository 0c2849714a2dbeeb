/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a client; tests open one over simulated seams. */
#ifndef CLIENT_CLIENT_IMPL_H
#define CLIENT_CLIENT_IMPL_H

#include "client/flight.h"

#define CLIENT_WHY_MAX	  256
#define ANSWER_MS_DEFAULT 30000

struct assay_client {
	struct flight flight;
	uint8_t identity[32]; /* of the peer */
	uint64_t answer_ns;
	struct assay_seals *seals;
	bool own_net; /* close it */
	char why[CLIENT_WHY_MAX];
};

/* A client over given seams, which must outlive it; its session is opened by whoever needs one. */
int client_new_over(struct assay_client **out, const struct assay_client_config *config,
		    const struct net *net, const struct clock *clock, const struct random *random,
		    char *why, size_t why_room);
/* assay_client_open over given seams. */
int client_open_over(struct assay_client **out, const struct assay_client_config *config,
		     const struct net *net, const struct clock *clock, const struct random *random,
		     char *why, size_t why_room);

/* Fills why; returns error. */
__attribute__((format(printf, 3, 4))) int client_fail(struct assay_client *client, int error,
						      const char *format, ...);
/* The sentence for a failed flight_step or flight_connect. */
int client_fail_link(struct assay_client *client, int error);
/* As many requests at once as wanted, allowed by the node, and held here. */
unsigned client_in_flight(const struct assay_client *client, unsigned wanted);
/* One request more may be in flight. */
bool client_may_ask(const struct assay_client *client);
/* Refused for the moment: worth asking again. */
bool client_may_wait(unsigned reason);

#endif

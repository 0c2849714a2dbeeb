/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests in flight over one link: repeats, deadlines, and which answer belongs to which request.
 * A request is a datagram and an object that checks its answers.
 */
#ifndef CLIENT_FLIGHT_H
#define CLIENT_FLIGHT_H

#include "client/link.h"

#define FLIGHT_MAX	   256
#define FLIGHT_REQUEST_MAX 272 /* PROVE with 16 ranges: 268 */

struct flight_request;

/* How a kind of request judges its answers. */
struct flight_kind {

	/* A datagram with this counter asks it; an error means that it cannot be asked again. */
	int (*counter)(void *object, uint64_t counter);
	enum assay_reason (*feed)(void *object, struct assay_inbound *session, const void *datagram,
				  size_t len);
	/* True when no further answer can change anything. */
	bool (*settled)(void *object);
	/*
	 * True when the node refused for the moment, *wait_ms is then how long. Final refusals are
	 * settled instead.
	 */
	bool (*wait)(void *object, uint32_t *wait_ms);
	/* Sends it (again): its counter, or 0. NULL: its datagram goes out as it is. */
	uint64_t (*send)(void *object, struct link *l);
};

struct flight_request {
	/* Set by the caller before flight_start. */
	const struct flight_kind *kind;
	void *object;
	uint8_t datagram[FLIGHT_REQUEST_MAX];
	size_t len;
	uint64_t deadline_ns;
	uint64_t repeat_ns_min; /* no repeat before; 0: as round trips have it */

	/* Read by the caller. */
	bool done; /* settled, or past its deadline */
	uint64_t started_ns, done_ns;
	unsigned asked, answered;
	uint64_t answered_bytes;

	/* Of flight.c. */
	uint64_t repeat_ns, interval_ns;
	struct {
		uint32_t generation;
		uint64_t counter, at_ns;
	} sent[ASSAY_CHECK_COUNTERS];
};

struct flight {
	struct link link;
	struct flight_request *list[FLIGHT_MAX];
	unsigned count;
	uint8_t buffer[ASSAY_PAYLOAD_MAX];
};

/* The request is sent at once, or as soon as there is a session. It stays the caller's. */
void flight_start(struct flight *f, struct flight_request *request);
/* Takes a request out, finished or not. */
void flight_remove(struct flight *f, struct flight_request *request);
/*
 * One step: sends what is due, then waits for a datagram until the next timer. 0; TIMEOUT when
 * there is no session and no handshake was answered; IO.
 */
int flight_step(struct flight *f);
/* ... or until limit_ns. */
int flight_step_until(struct flight *f, uint64_t limit_ns);
/*
 * The same without waiting, for who watches many sockets: takes what has arrived, sends what is
 * due. *due_ns: when there will be something to do without any datagram. Errors as above.
 */
int flight_poll(struct flight *f, uint64_t *due_ns);
/* When there will be something to do, after requests were started or removed. */
uint64_t flight_due(const struct flight *f);
/* Steps until the request is done, and takes it out; errors of flight_step. */
int flight_finish(struct flight *f, struct flight_request *request);
/*
 * Before a call returns: gives a handshake that runs beside the requests one round trip to end, for
 * nobody listens between calls, and the node forgets a session that is not used within 5 s.
 */
void flight_settle(struct flight *f);
/* Steps until there is a session: 0, TIMEOUT or IO. */
int flight_connect(struct flight *f);

#endif

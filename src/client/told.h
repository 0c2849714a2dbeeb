/* SPDX-License-Identifier: Apache-2.0 */
/* What a node said to a WRITE: where the transfer stands, or why not. */
#ifndef CLIENT_TOLD_H
#define CLIENT_TOLD_H

#include "client/flight.h"

struct told {
	bool there; /* the state holds */
	enum assay_reason refused;
	uint32_t wait_ms;
	struct assay_write_state state;
};

/* For a struct flight_kind whose object begins with a struct told. */
int told_counter(void *object, uint64_t counter);
enum assay_reason told_feed(void *object, struct assay_inbound *session, const void *datagram,
			    size_t len);
bool told_settled(void *object);
bool told_wait(void *object, uint32_t *wait_ms);

#endif

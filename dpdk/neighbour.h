/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ordinary host needs to find and ping a DPDK port: answers to ARP requests, neighbour
 * solicitations and echo requests. One answer per request, never longer, at most 100 a second of
 * each kind and port.
 */
#ifndef DPDK_NEIGHBOUR_H
#define DPDK_NEIGHBOUR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dpdk/frame.h"

/*
 * Turns a request (kind ARP, ND, ECHO4 or ECHO6 from frame_parse) into its answer, in place.
 * Returns the answer's length, at most len.
 */
unsigned neighbour_answer(uint8_t *data, const struct frame *frame, const struct frame_self *self);

/* 100 a second, bursts of 100; any thread. Holds the time at which the bucket is full again. */
struct neighbour_limit {
	_Atomic uint64_t full_ns;
};
bool neighbour_allow(struct neighbour_limit *limit, uint64_t now);

#endif

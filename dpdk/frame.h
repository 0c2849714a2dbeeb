/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet, IPv4, IPv6 and UDP headers on plain bytes (docs/protocol.md, "Frames below"). Knows no
 * mbuf, so that it can be tested and fuzzed alone. Received UDP checksums are not looked at: tag
 * and mac1 protect the payload, and veth peers leave them unfinished.
 */
#ifndef DPDK_FRAME_H
#define DPDK_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "assay/status.h"
#include "proof/serve.h"

#define FRAME_ADDRESSES_MAX 8
#define FRAME_ETHER_LEN	    14
#define FRAME_IPV4_LEN	    20
#define FRAME_IPV6_LEN	    40
#define FRAME_UDP_LEN	    8
#define FRAME_HEADERS_MAX   (FRAME_ETHER_LEN + FRAME_IPV6_LEN + FRAME_UDP_LEN)

/* What a port answers to. */
struct frame_self {
	uint8_t mac[6];
	uint8_t address_count;
	struct net_addr address[FRAME_ADDRESSES_MAX];
};

enum frame_kind {
	FRAME_DROP,  /* reason says why */
	FRAME_UDP,   /* a datagram for us */
	FRAME_ARP,   /* request for one of our IPv4 addresses */
	FRAME_ND,    /* neighbour solicitation for one of our IPv6 addresses */
	FRAME_ECHO4, /* ICMP echo request to us */
	FRAME_ECHO6,
};

struct frame {
	enum frame_kind kind;
	enum assay_reason reason;
	uint16_t offset;  /* UDP: where the payload starts; else where the packet ends */
	uint16_t len;	  /* of the payload */
	struct path path; /* UDP: all but the port index */
};

void frame_parse(struct frame *out, const uint8_t *data, uint32_t len,
		 const struct frame_self *self);

/* What the device does not fill in on sending. */
enum {
	FRAME_SUM_IP = 1,     /* compute the IPv4 header checksum; otherwise it is left 0 */
	FRAME_SUM_PSEUDO = 2, /* UDP checksum = pseudo-header sum, the device finishes it;
				 otherwise 0 on IPv4 and computed on IPv6 */
};

/* Bytes that headers in front of a datagram on this path take. */
unsigned frame_headers_len(const struct path *path);
/*
 * Writes the headers that end where payload begins; there must be frame_headers_len() bytes. DF is
 * set, TTL and hop limit are 64.
 */
void frame_build(uint8_t *payload, uint16_t len, const struct path *path, const uint8_t mac[6],
		 unsigned sums);

/* Internet checksum of data added to sum (host order, not folded); frame_sum_end folds and
 * complements. */
uint64_t frame_sum(uint64_t sum, const uint8_t *data, uint32_t len);
uint16_t frame_sum_end(uint64_t sum);
/* Sum of the pseudo-header of IPv6. */
uint64_t frame_sum_ipv6(const uint8_t source[16], const uint8_t destination[16], uint32_t len,
			uint8_t protocol);

#endif

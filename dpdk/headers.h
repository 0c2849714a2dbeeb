/* SPDX-License-Identifier: Apache-2.0 */
/* Headers below UDP as they lie in a frame; integers are big-endian, to be read through be16(). */
#ifndef DPDK_HEADERS_H
#define DPDK_HEADERS_H

#include <assert.h>
#include <stdint.h>

#include "assay/wire.h"

enum { ETHER_IPV4 = 0x0800, ETHER_ARP = 0x0806, ETHER_IPV6 = 0x86dd };
enum { ETHER_VLAN = 0x8100, ETHER_QINQ = 0x88a8 };
enum { PROTOCOL_ICMP = 1, PROTOCOL_UDP = 17, PROTOCOL_ICMP6 = 58 };
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { ICMP_ECHO_REPLY = 0, ICMP_ECHO = 8 };
enum {
	ICMP6_ECHO = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_NEIGHBOUR_SOLICIT = 135,
	ICMP6_NEIGHBOUR_ADVERTISE = 136
};

static inline uint16_t be16(uint16_t v)
{
	return __builtin_bswap16(v);
}

struct ether_header {
	uint8_t destination[6];
	uint8_t source[6];
	uint16_t type;
} ASSAY_PACKED;

struct ipv4_header { /* without options */
	uint8_t version_ihl;
	uint8_t tos;
	uint16_t total_length;
	uint16_t id;
	uint16_t fragment;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t checksum;
	uint8_t source[4];
	uint8_t destination[4];
} ASSAY_PACKED;

struct ipv6_header {
	uint8_t version_class[4];
	uint16_t payload_length;
	uint8_t next_header;
	uint8_t hop_limit;
	uint8_t source[16];
	uint8_t destination[16];
} ASSAY_PACKED;

struct udp_header {
	uint16_t source;
	uint16_t destination;
	uint16_t length;
	uint16_t checksum;
} ASSAY_PACKED;

struct arp_packet { /* for IPv4 over Ethernet */
	uint16_t hardware;
	uint16_t protocol;
	uint8_t hardware_len;
	uint8_t protocol_len;
	uint16_t operation;
	uint8_t sender_mac[6];
	uint8_t sender_ip[4];
	uint8_t target_mac[6];
	uint8_t target_ip[4];
} ASSAY_PACKED;

struct icmp_header { /* also ICMPv6; then the rest of the message */
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint8_t rest[4];
} ASSAY_PACKED;

struct nd_solicit { /* then options */
	struct icmp_header icmp;
	uint8_t target[16];
} ASSAY_PACKED;

struct nd_advertise {
	struct icmp_header icmp; /* rest[0]: flags */
	uint8_t target[16];
	uint8_t option_type; /* 2: target link-layer address */
	uint8_t option_len;  /* 1, in units of 8 */
	uint8_t option_mac[6];
} ASSAY_PACKED;

static_assert(sizeof(struct ether_header) == 14, "");
static_assert(sizeof(struct ipv4_header) == 20, "");
static_assert(sizeof(struct ipv6_header) == 40, "");
static_assert(sizeof(struct udp_header) == 8, "");
static_assert(sizeof(struct arp_packet) == 28, "");
static_assert(sizeof(struct icmp_header) == 8, "");
static_assert(sizeof(struct nd_advertise) == 32, "");

#endif

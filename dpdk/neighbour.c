/* SPDX-License-Identifier: Apache-2.0 */
#include "dpdk/neighbour.h"

#include <string.h>

#include "base/must.h"
#include "dpdk/headers.h"

#define ANSWER_NS 10000000u   /* 100 a second */
#define BURST_NS  1000000000u /* 100 at once after a quiet second */

bool neighbour_allow(struct neighbour_limit *limit, uint64_t now)
{
	uint64_t full = atomic_load_explicit(&limit->full_ns, memory_order_relaxed);
	uint64_t next;

	do {
		next = (full > now ? full : now) + ANSWER_NS;
		if (next > now + BURST_NS)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&limit->full_ns, &full, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static void turn_ether(uint8_t *data, const uint8_t to[6], const struct frame_self *self)
{
	struct ether_header *ether = (struct ether_header *)data;

	memmove(ether->destination, to, 6);
	memcpy(ether->source, self->mac, 6);
}

static unsigned answer_arp(uint8_t *data, const struct frame_self *self)
{
	struct ether_header *ether = (struct ether_header *)data;
	struct arp_packet *arp = (struct arp_packet *)(ether + 1);
	uint8_t wanted[4];

	memcpy(wanted, arp->target_ip, 4);
	arp->operation = be16(ARP_REPLY);
	memcpy(arp->target_mac, arp->sender_mac, 6);
	memcpy(arp->target_ip, arp->sender_ip, 4);
	memcpy(arp->sender_mac, self->mac, 6);
	memcpy(arp->sender_ip, wanted, 4);
	turn_ether(data, ether->source, self);
	return sizeof(*ether) + sizeof(*arp);
}

static unsigned answer_echo4(uint8_t *data, unsigned len, const struct frame_self *self)
{
	struct ether_header *ether = (struct ether_header *)data;
	struct ipv4_header *ip = (struct ipv4_header *)(ether + 1);
	struct icmp_header *icmp = (struct icmp_header *)(ip + 1);
	uint8_t mine[4];

	icmp->type = ICMP_ECHO_REPLY;
	icmp->checksum = 0;
	icmp->checksum = be16(frame_sum_end(
		frame_sum(0, (const uint8_t *)icmp, len - sizeof(*ether) - sizeof(*ip))));
	memcpy(mine, ip->destination, 4);
	memcpy(ip->destination, ip->source, 4);
	memcpy(ip->source, mine, 4);
	ip->ttl = 64;
	ip->checksum = 0;
	ip->checksum = be16(frame_sum_end(frame_sum(0, (const uint8_t *)ip, sizeof(*ip))));
	turn_ether(data, ether->source, self);
	return len;
}

/* Writes the checksum of an ICMPv6 message that fills the rest of the frame. */
static void sum_icmp6(const struct ipv6_header *ip, struct icmp_header *icmp, unsigned len)
{
	icmp->checksum = 0;
	icmp->checksum = be16(frame_sum_end(
		frame_sum(frame_sum_ipv6(ip->source, ip->destination, len, PROTOCOL_ICMP6),
			  (const uint8_t *)icmp, len)));
}

static unsigned answer_echo6(uint8_t *data, unsigned len, const struct frame_self *self)
{
	struct ether_header *ether = (struct ether_header *)data;
	struct ipv6_header *ip = (struct ipv6_header *)(ether + 1);
	struct icmp_header *icmp = (struct icmp_header *)(ip + 1);
	uint8_t mine[16];

	icmp->type = ICMP6_ECHO_REPLY;
	memcpy(mine, ip->destination, 16);
	memcpy(ip->destination, ip->source, 16);
	memcpy(ip->source, mine, 16);
	ip->hop_limit = 64;
	sum_icmp6(ip, icmp, len - sizeof(*ether) - sizeof(*ip));
	turn_ether(data, ether->source, self);
	return len;
}

/*
 * The link-layer option goes in where the request was as long as the answer with it, as every
 * solicitation of a known source is. A duplicate address probe (no source) is answered to all.
 */
static unsigned answer_nd(uint8_t *data, unsigned len, const struct frame_self *self)
{
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t none[16];
	struct ether_header *ether = (struct ether_header *)data;
	struct ipv6_header *ip = (struct ipv6_header *)(ether + 1);
	struct nd_advertise *nd = (struct nd_advertise *)(ip + 1);
	unsigned nd_len = len - sizeof(*ether) - sizeof(*ip);
	bool is_probe = memcmp(ip->source, none, 16) == 0;

	memcpy(ip->destination, is_probe ? all_nodes : ip->source, 16);
	memcpy(ip->source, nd->target, 16);
	turn_ether(data, is_probe ? all_nodes_mac : ether->source, self);
	if (nd_len >= sizeof(*nd)) {
		nd->option_type = 2;
		nd->option_len = 1;
		memcpy(nd->option_mac, self->mac, 6);
		nd_len = sizeof(*nd);
	} else {
		nd_len = sizeof(struct nd_solicit);
	}
	nd->icmp.type = ICMP6_NEIGHBOUR_ADVERTISE;
	memset(nd->icmp.rest, 0, sizeof(nd->icmp.rest));
	nd->icmp.rest[0] = is_probe ? 0x20 : 0x60; /* override; solicited */
	ip->payload_length = be16((uint16_t)nd_len);
	ip->hop_limit = 255;
	sum_icmp6(ip, &nd->icmp, nd_len);
	return sizeof(*ether) + sizeof(*ip) + nd_len;
}

unsigned neighbour_answer(uint8_t *data, const struct frame *frame, const struct frame_self *self)
{
	switch (frame->kind) {
	case FRAME_ARP:
		return answer_arp(data, self);
	case FRAME_ND:
		return answer_nd(data, frame->offset, self);
	case FRAME_ECHO4:
		return answer_echo4(data, frame->offset, self);
	case FRAME_ECHO6:
		return answer_echo6(data, frame->offset, self);
	case FRAME_UDP:
	case FRAME_DROP:
		break;
	}
	never(true);
	return 0;
}

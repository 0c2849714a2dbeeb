/* SPDX-License-Identifier: Apache-2.0 */
/* What a frame is: a datagram for us, a request of a neighbour, or why it is dropped. */
#include "dpdk/frame.h"

#include <string.h>

#include "dpdk/headers.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static struct frame *drop(struct frame *out, enum assay_reason reason)
{
	out->kind = FRAME_DROP;
	out->reason = reason;
	return out;
}

/* The first of our addresses with this IP, and with this port unless it is 0; NULL otherwise. */
static const struct net_addr *own(const struct frame_self *self, const uint8_t ip[16],
				  uint16_t port)
{
	for (unsigned i = 0; i < self->address_count; i++)
		if (memcmp(self->address[i].ip, ip, 16) == 0 &&
		    (port == 0 || self->address[i].port == port))
			return &self->address[i];
	return NULL;
}

/* An answer to such a source would reach many hosts or none. */
static bool source_is_bad4(const uint8_t ip[4])
{
	return ip[0] == 0 || ip[0] == 127 || ip[0] >= 224;
}

static bool source_is_bad6(const uint8_t ip[16])
{
	static const uint8_t loopback[16] = {[15] = 1};
	static const uint8_t none[16];

	return ip[0] == 0xff || memcmp(ip, loopback, 16) == 0 || memcmp(ip, none, 16) == 0 ||
	       memcmp(ip, mapped, 12) == 0;
}

static void parse_udp(struct frame *out, const uint8_t *data, uint32_t left,
		      const struct frame_self *self)
{
	struct udp_header udp;

	if (left < sizeof(udp)) {
		drop(out, ASSAY_R_UDP_LENGTH);
		return;
	}
	memcpy(&udp, data, sizeof(udp));
	out->path.remote.port = be16(udp.source);
	out->path.local.port = be16(udp.destination);
	if (out->path.local.port == 0 ||
	    own(self, out->path.local.ip, out->path.local.port) == NULL)
		drop(out, ASSAY_R_NOT_MINE);
	else if (be16(udp.length) < sizeof(udp) || be16(udp.length) > left)
		drop(out, ASSAY_R_UDP_LENGTH);
	else {
		out->kind = FRAME_UDP;
		out->offset += sizeof(udp);
		out->len = be16(udp.length) - sizeof(udp);
	}
}

static void parse_arp(struct frame *out, const uint8_t *data, uint32_t left,
		      const struct frame_self *self)
{
	struct arp_packet arp;
	uint8_t target[16];

	if (left < sizeof(arp)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(&arp, data, sizeof(arp));
	memcpy(target, mapped, 12);
	memcpy(target + 12, arp.target_ip, 4);
	if (be16(arp.hardware) != 1 || be16(arp.protocol) != ETHER_IPV4 || arp.hardware_len != 6 ||
	    arp.protocol_len != 4 || be16(arp.operation) != ARP_REQUEST ||
	    own(self, target, 0) == NULL) {
		drop(out, ASSAY_R_NOT_MINE);
		return;
	}
	out->kind = FRAME_ARP;
	out->offset += sizeof(arp);
}

static void parse_icmp4(struct frame *out, const uint8_t *data, uint32_t left)
{
	if (left < sizeof(struct icmp_header))
		drop(out, ASSAY_R_IP_LENGTH);
	else if (frame_sum_end(frame_sum(0, data, left)) != 0)
		drop(out, ASSAY_R_IP_HEADER);
	else if (data[0] != ICMP_ECHO || data[1] != 0)
		drop(out, ASSAY_R_NOT_MINE);
	else {
		out->kind = FRAME_ECHO4;
		out->offset += left;
	}
}

static void parse_ipv4(struct frame *out, const uint8_t *data, uint32_t left,
		       const struct frame_self *self, bool to_us)
{
	struct ipv4_header ip;

	if (left < sizeof(ip)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(&ip, data, sizeof(ip));
	uint16_t total = be16(ip.total_length);

	if (ip.version_ihl != 0x45 || frame_sum_end(frame_sum(0, data, sizeof(ip))) != 0) {
		drop(out, ASSAY_R_IP_HEADER);
		return;
	}
	if ((be16(ip.fragment) & 0x3fff) != 0) { /* more fragments, or an offset */
		drop(out, ASSAY_R_IP_FRAGMENT);
		return;
	}
	if (total < sizeof(ip) || total > left) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(out->path.remote.ip, mapped, 12);
	memcpy(out->path.remote.ip + 12, ip.source, 4);
	memcpy(out->path.local.ip, mapped, 12);
	memcpy(out->path.local.ip + 12, ip.destination, 4);
	out->offset += sizeof(ip);
	if (!to_us || own(self, out->path.local.ip, 0) == NULL)
		drop(out, ASSAY_R_NOT_MINE);
	else if (source_is_bad4(ip.source) || own(self, out->path.remote.ip, 0) != NULL)
		drop(out, ASSAY_R_IP_HEADER);
	else if (ip.protocol == PROTOCOL_UDP)
		parse_udp(out, data + sizeof(ip), total - sizeof(ip), self);
	else if (ip.protocol == PROTOCOL_ICMP)
		parse_icmp4(out, data + sizeof(ip), total - sizeof(ip));
	else
		drop(out, ASSAY_R_NOT_MINE);
}

static void parse_icmp6(struct frame *out, const struct ipv6_header *ip, const uint8_t *data,
			uint32_t left, const struct frame_self *self, bool to_us)
{
	struct nd_solicit solicit;

	if (left < sizeof(struct icmp_header)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	if (frame_sum_end(
		    frame_sum(frame_sum_ipv6(ip->source, ip->destination, left, PROTOCOL_ICMP6),
			      data, left)) != 0) {
		drop(out, ASSAY_R_IP_HEADER);
		return;
	}
	out->offset += left;
	if (data[0] == ICMP6_ECHO && data[1] == 0) {
		if (!to_us || own(self, ip->destination, 0) == NULL)
			drop(out, ASSAY_R_NOT_MINE);
		else if (source_is_bad6(ip->source))
			drop(out, ASSAY_R_IP_HEADER);
		else
			out->kind = FRAME_ECHO6;
		return;
	}
	if (data[0] != ICMP6_NEIGHBOUR_SOLICIT || data[1] != 0) {
		drop(out, ASSAY_R_NOT_MINE);
		return;
	}
	if (left < sizeof(solicit)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(&solicit, data, sizeof(solicit));
	if (ip->hop_limit != 255 || ip->source[0] == 0xff) /* through a router, or from a group */
		drop(out, ASSAY_R_IP_HEADER);
	else if (own(self, solicit.target, 0) == NULL)
		drop(out, ASSAY_R_NOT_MINE);
	else
		out->kind = FRAME_ND;
}

static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 50 || next == 51 || next == 60 ||
	       next == 135 || next == 139 || next == 140;
}

static void parse_ipv6(struct frame *out, const uint8_t *data, uint32_t left,
		       const struct frame_self *self, bool to_us)
{
	struct ipv6_header ip;

	if (left < sizeof(ip)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(&ip, data, sizeof(ip));
	uint16_t payload = be16(ip.payload_length);

	if (ip.version_class[0] >> 4 != 6 || is_extension(ip.next_header)) {
		drop(out, ASSAY_R_IP_HEADER);
		return;
	}
	if (payload > left - sizeof(ip)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(out->path.remote.ip, ip.source, 16);
	memcpy(out->path.local.ip, ip.destination, 16);
	out->offset += sizeof(ip);
	if (ip.next_header == PROTOCOL_ICMP6)
		parse_icmp6(out, &ip, data + sizeof(ip), payload, self, to_us);
	else if (!to_us || ip.next_header != PROTOCOL_UDP || own(self, ip.destination, 0) == NULL)
		drop(out, ASSAY_R_NOT_MINE);
	else if (source_is_bad6(ip.source) || own(self, ip.source, 0) != NULL)
		drop(out, ASSAY_R_IP_HEADER);
	else
		parse_udp(out, data + sizeof(ip), payload, self);
}

void frame_parse(struct frame *out, const uint8_t *data, uint32_t len,
		 const struct frame_self *self)
{
	struct ether_header ether;

	memset(out, 0, sizeof(*out));
	if (len < sizeof(ether)) {
		drop(out, ASSAY_R_IP_LENGTH);
		return;
	}
	memcpy(&ether, data, sizeof(ether));
	bool to_us = memcmp(ether.destination, self->mac, 6) == 0;
	bool to_all = memcmp(ether.destination, broadcast, 6) == 0;
	/* 33:33:ff... are the groups that neighbour solicitations are sent to */
	bool to_group = ether.destination[0] == 0x33 && ether.destination[1] == 0x33;

	memcpy(out->path.remote_mac, ether.source, 6);
	out->offset = sizeof(ether);
	data += sizeof(ether);
	len -= sizeof(ether);
	uint16_t type = be16(ether.type);

	if (!to_us && !to_all && !to_group)
		drop(out, ASSAY_R_NOT_MINE);
	else if ((ether.source[0] & 1) != 0) /* a group cannot be a source */
		drop(out, ASSAY_R_NOT_MINE);
	else if (type == ETHER_VLAN || type == ETHER_QINQ)
		drop(out, ASSAY_R_VLAN);
	else if (type == ETHER_IPV4)
		parse_ipv4(out, data, len, self, to_us);
	else if (type == ETHER_IPV6)
		parse_ipv6(out, data, len, self, to_us);
	else if (type == ETHER_ARP)
		parse_arp(out, data, len, self);
	else
		drop(out, ASSAY_R_NOT_MINE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Internet checksums, and the headers of answers. */
#include "dpdk/frame.h"

#include <string.h>

#include "dpdk/headers.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The sum does not care about byte order until it is folded, so words are added as they lie. */
uint64_t frame_sum(uint64_t sum, const uint8_t *data, uint32_t len)
{
	uint64_t native = 0;
	uint32_t word;

	for (; len >= 4; data += 4, len -= 4) {
		memcpy(&word, data, 4);
		native += word;
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, data, len);
		native += word;
	}
	while (native >> 16 != 0)
		native = (native & 0xffff) + (native >> 16);
	return sum + be16((uint16_t)native);
}

uint16_t frame_sum_end(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

uint64_t frame_sum_ipv6(const uint8_t source[16], const uint8_t destination[16], uint32_t len,
			uint8_t protocol)
{
	return frame_sum(frame_sum(0, source, 16), destination, 16) + len + protocol;
}

static bool is_ipv4(const struct path *path)
{
	return memcmp(path->remote.ip, mapped, 12) == 0;
}

unsigned frame_headers_len(const struct path *path)
{
	return FRAME_ETHER_LEN + FRAME_UDP_LEN + (is_ipv4(path) ? FRAME_IPV4_LEN : FRAME_IPV6_LEN);
}

static void build_ether(uint8_t *at, const struct path *path, const uint8_t mac[6], uint16_t type)
{
	struct ether_header ether = {.type = be16(type)};

	memcpy(ether.destination, path->remote_mac, 6);
	memcpy(ether.source, mac, 6);
	memcpy(at, &ether, sizeof(ether));
}

static void build_ipv4(uint8_t *at, uint16_t udp_len, const struct path *path, unsigned sums)
{
	struct ipv4_header ip = {
		.version_ihl = 0x45,
		.total_length = be16(udp_len + FRAME_IPV4_LEN),
		.fragment = be16(0x4000), /* do not fragment */
		.ttl = 64,
		.protocol = PROTOCOL_UDP,
	};

	memcpy(ip.source, path->local.ip + 12, 4);
	memcpy(ip.destination, path->remote.ip + 12, 4);
	if ((sums & FRAME_SUM_IP) != 0)
		ip.checksum = be16(frame_sum_end(frame_sum(0, (const uint8_t *)&ip, sizeof(ip))));
	memcpy(at, &ip, sizeof(ip));
}

static void build_ipv6(uint8_t *at, uint16_t udp_len, const struct path *path)
{
	struct ipv6_header ip = {
		.version_class = {0x60},
		.payload_length = be16(udp_len),
		.next_header = PROTOCOL_UDP,
		.hop_limit = 64,
	};

	memcpy(ip.source, path->local.ip, 16);
	memcpy(ip.destination, path->remote.ip, 16);
	memcpy(at, &ip, sizeof(ip));
}

/* Pseudo-header sum of the packet, not folded. */
static uint64_t pseudo_sum(const struct path *path, uint16_t udp_len)
{
	if (!is_ipv4(path))
		return frame_sum_ipv6(path->local.ip, path->remote.ip, udp_len, PROTOCOL_UDP);
	return frame_sum(frame_sum(0, path->local.ip + 12, 4), path->remote.ip + 12, 4) + udp_len +
	       PROTOCOL_UDP;
}

static uint16_t udp_checksum(const uint8_t *udp, uint16_t udp_len, const struct path *path,
			     unsigned sums)
{
	uint16_t sum;

	if ((sums & FRAME_SUM_PSEUDO) != 0)
		return (uint16_t)~frame_sum_end(pseudo_sum(path, udp_len));
	if (is_ipv4(path))
		return 0;
	sum = frame_sum_end(frame_sum(pseudo_sum(path, udp_len), udp, udp_len));
	return sum != 0 ? sum : 0xffff; /* 0 would say that there is none */
}

void frame_build(uint8_t *payload, uint16_t len, const struct path *path, const uint8_t mac[6],
		 unsigned sums)
{
	uint8_t *at = payload - FRAME_UDP_LEN;
	uint16_t udp_len = len + FRAME_UDP_LEN;
	struct udp_header udp = {
		.source = be16(path->local.port),
		.destination = be16(path->remote.port),
		.length = be16(udp_len),
	};

	memcpy(at, &udp, sizeof(udp));
	udp.checksum = be16(udp_checksum(at, udp_len, path, sums));
	memcpy(at, &udp, sizeof(udp));
	if (is_ipv4(path)) {
		build_ipv4(at - FRAME_IPV4_LEN, udp_len, path, sums);
		build_ether(at - FRAME_IPV4_LEN - FRAME_ETHER_LEN, path, mac, ETHER_IPV4);
	} else {
		build_ipv6(at - FRAME_IPV6_LEN, udp_len, path);
		build_ether(at - FRAME_IPV6_LEN - FRAME_ETHER_LEN, path, mac, ETHER_IPV6);
	}
}

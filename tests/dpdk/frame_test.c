/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: golden bytes made by scapy 2.5, every drop reason, and answers to neighbours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/real.h"
#include "base/text.h"
#include "dpdk/frame.h"
#include "dpdk/headers.h"
#include "dpdk/neighbour.h"

static struct frame_self self;

static int setup(void **state)
{
	static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x01};

	memset(&self, 0, sizeof(self));
	memcpy(self.mac, mac, 6);
	self.address_count = 2;
	assert_int_equal(net_addr_parse(&self.address[0], "192.0.2.1:4600"), 0);
	assert_int_equal(net_addr_parse(&self.address[1], "[2001:db8::1]:4600"), 0);
	return 0;
}

struct bytes {
	uint8_t data[2048];
	uint32_t len;
};

static struct bytes from_hex(const char *text)
{
	struct bytes b = {.len = (uint32_t)strlen(text) / 2};

	assert_int_equal(hex_decode(b.data, b.len, text), 0);
	return b;
}

static struct frame parse(const struct bytes *b)
{
	struct frame f;

	frame_parse(&f, b->data, b->len, &self);
	return f;
}

#define assert_drop(b, expected)                                             \
	do {                                                                 \
		struct frame f_ = parse(b);                                  \
		assert_int_equal(f_.kind, FRAME_DROP);                       \
		assert_string_equal(assay_reason_name(f_.reason), expected); \
	} while (0)

/* Golden frames; see golden.py beside this file for how they were made. */
#include "frame_golden.h"

static void write16(struct bytes *b, unsigned at, unsigned value)
{
	b->data[at] = (uint8_t)(value >> 8);
	b->data[at + 1] = (uint8_t)value;
}

/* Fills in the IPv4 header checksum again. */
static struct bytes *sum4(struct bytes *b)
{
	write16(b, 24, 0);
	write16(b, 24, frame_sum_end(frame_sum(0, b->data + 14, 20)));
	return b;
}

static struct bytes *sum6(struct bytes *b)
{
	uint32_t len = b->len - 54;

	write16(b, 56, 0);
	write16(b, 56,
		frame_sum_end(
			frame_sum(frame_sum_ipv6(b->data + 22, b->data + 38, len, PROTOCOL_ICMP6),
				  b->data + 54, len)));
	return b;
}

static void udp_is_found(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);
	struct frame f = parse(&b);
	struct net_addr remote;

	assert_int_equal(f.kind, FRAME_UDP);
	assert_int_equal(f.offset, 42);
	assert_int_equal(f.len, 5);
	assert_memory_equal(b.data + f.offset, "hello", 5);
	net_addr_parse(&remote, "192.0.2.9:5000");
	assert_memory_equal(&f.path.remote, &remote, sizeof(remote));
	assert_memory_equal(&f.path.local, &self.address[0], sizeof(remote));
	assert_memory_equal(f.path.remote_mac, "\x02\0\0\0\0\x09", 6);

	b = from_hex(GOLDEN_UDP6);
	f = parse(&b);
	assert_int_equal(f.kind, FRAME_UDP);
	assert_int_equal(f.offset, 62);
	assert_int_equal(f.len, 5);
	net_addr_parse(&remote, "[2001:db8::9]:5000");
	assert_memory_equal(&f.path.remote, &remote, sizeof(remote));
	assert_memory_equal(&f.path.local, &self.address[1], sizeof(remote));
}

/* Short frames are padded to 60 bytes by the sender; the padding is not payload. */
static void padding_is_ignored(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);

	b.len = 60;
	assert_int_equal(parse(&b).len, 5);
}

static void what_we_build_equals_golden(void **state)
{
	uint8_t room[128];
	struct path path = {.remote_mac = {2, 0, 0, 0, 0, 9}, .local = self.address[0]};
	struct bytes golden = from_hex(GOLDEN_ANSWER4);

	net_addr_parse(&path.remote, "192.0.2.9:5000");
	assert_int_equal(frame_headers_len(&path), 42);
	memcpy(room + 62, "olleh", 5);
	frame_build(room + 62, 5, &path, self.mac, FRAME_SUM_IP);
	assert_int_equal(golden.len, 47);
	assert_memory_equal(room + 20, golden.data, golden.len);

	golden = from_hex(GOLDEN_ANSWER6);
	net_addr_parse(&path.remote, "[2001:db8::9]:5000");
	path.local = self.address[1];
	assert_int_equal(frame_headers_len(&path), 62);
	frame_build(room + 62, 5, &path, self.mac, FRAME_SUM_IP);
	assert_memory_equal(room, golden.data, golden.len);
}

/* A device that finishes the UDP sum gets the folded, uncomplemented sum of the pseudo-header. */
static void pseudo_sum_finishes_to_the_whole_sum(void **state)
{
	uint8_t room[128];
	struct path path = {.local = self.address[1]};
	uint16_t whole, finished;

	net_addr_parse(&path.remote, "[2001:db8::9]:5000");
	memcpy(room + 62, "olleh", 5);
	frame_build(room + 62, 5, &path, self.mac, 0);
	memcpy(&whole, room + 60, 2);
	frame_build(room + 62, 5, &path, self.mac, FRAME_SUM_PSEUDO);
	finished = frame_sum_end(frame_sum(0, room + 54, 13));
	assert_int_equal(be16(whole), finished);
}

static void build_then_parse_is_the_same(void **state)
{
	for (unsigned version = 0; version < 2; version++)
		for (unsigned len = 0; len <= 1452; len += 121) {
			struct bytes b = {.len = 62 + len};
			struct path path = {.remote_mac = {2, 0, 0, 0, 0, 1}};
			unsigned skip = version == 0 ? 20 : 0;
			struct frame f;

			net_addr_parse(&path.local,
				       version == 0 ? "192.0.2.7:99" : "[2001:db8::7]:99");
			path.remote = self.address[version];
			frame_build(b.data + 62, (uint16_t)len, &path,
				    (uint8_t *)"\x02\0\0\0\0\x07", FRAME_SUM_IP);
			frame_parse(&f, b.data + skip, b.len - skip, &self);
			assert_int_equal(f.kind, FRAME_UDP);
			assert_int_equal(f.len, len);
			assert_memory_equal(&f.path.remote, &path.local, sizeof(path.local));
			assert_memory_equal(f.path.remote_mac, "\x02\0\0\0\0\x07", 6);
		}
}

/* RFC 1071 as it is written: 16-bit words, big-endian, an odd byte padded with zero. */
static uint16_t plain_sum(const uint8_t *data, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)data[i] << (i % 2 == 0 ? 8 : 0);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void sum_equals_the_plain_one(void **state)
{
	uint8_t data[1500];
	uint32_t seed = 1;

	for (uint32_t len = 0; len < sizeof(data); len++) {
		for (uint32_t i = 0; i < len; i++)
			data[i] = len % 5 == 0
					  ? 0xff
					  : (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
		assert_int_equal(frame_sum_end(frame_sum(0, data, len)), plain_sum(data, len));
	}
}

static void strangers_are_not_mine(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);

	b.data[5] = 2; /* other MAC */
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_UDP4);
	b.data[33] = 2; /* other address */
	assert_drop(sum4(&b), "not_mine");
	b = from_hex(GOLDEN_UDP4);
	b.data[37]++; /* other port */
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_UDP4);
	b.data[23] = 6; /* TCP */
	assert_drop(sum4(&b), "not_mine");
	b = from_hex(GOLDEN_UDP4);
	memset(b.data, 0xff, 6); /* to all */
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_UDP4);
	b.data[6] |= 1; /* from a group */
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_UDP4);
	write16(&b, 12, 0x88cc); /* LLDP */
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_UDP6);
	b.data[53] = 2;
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_UDP6);
	b.data[20] = 6;
	assert_drop(&b, "not_mine");
}

static void vlan_is_named(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);

	write16(&b, 12, 0x8100);
	assert_drop(&b, "vlan");
	write16(&b, 12, 0x88a8);
	assert_drop(&b, "vlan");
}

static void headers_are_checked(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);

	b.data[24] ^= 1; /* checksum */
	assert_drop(&b, "ip_header");
	b = from_hex(GOLDEN_UDP4);
	b.data[14] = 0x46; /* options */
	assert_drop(sum4(&b), "ip_header");
	b = from_hex(GOLDEN_UDP4);
	b.data[14] = 0x65;
	assert_drop(sum4(&b), "ip_header");
	static const uint8_t bad[][4] = {
		{0, 0, 0, 0}, {127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}, {192, 0, 2, 1}};
	for (unsigned i = 0; i < 5; i++) { /* sources that cannot be answered */
		b = from_hex(GOLDEN_UDP4);
		memcpy(b.data + 26, bad[i], 4);
		assert_drop(sum4(&b), "ip_header");
	}
	b = from_hex(GOLDEN_UDP6);
	b.data[14] = 0x40;
	assert_drop(&b, "ip_header");
	static const uint8_t extension[] = {0, 43, 44, 50, 51, 60, 135};
	for (unsigned i = 0; i < sizeof(extension); i++) {
		b = from_hex(GOLDEN_UDP6);
		b.data[20] = extension[i];
		assert_drop(&b, "ip_header");
	}
	b = from_hex(GOLDEN_UDP6);
	b.data[22] = 0xff; /* from a group */
	assert_drop(&b, "ip_header");
	b = from_hex(GOLDEN_UDP6);
	memset(b.data + 22, 0, 16);
	assert_drop(&b, "ip_header");
}

static void fragments_are_named(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);

	write16(&b, 20, 0x2000); /* more follow */
	assert_drop(sum4(&b), "ip_fragment");
	write16(&b, 20, 0x0001); /* not the first */
	assert_drop(sum4(&b), "ip_fragment");
	write16(&b, 20, 0x4000); /* do not fragment: fine */
	assert_int_equal(parse(sum4(&b)).kind, FRAME_UDP);
}

static void lengths_are_checked(void **state)
{
	struct bytes b = from_hex(GOLDEN_UDP4);

	write16(&b, 16, 34); /* one more than there is */
	assert_drop(sum4(&b), "ip_length");
	write16(&b, 16, 19);
	assert_drop(sum4(&b), "ip_length");
	write16(&b, 16, 27); /* no room for the UDP header */
	assert_drop(sum4(&b), "udp_length");
	b = from_hex(GOLDEN_UDP4);
	write16(&b, 38, 14);
	assert_drop(&b, "udp_length");
	write16(&b, 38, 7);
	assert_drop(&b, "udp_length");
	write16(&b, 38, 8);
	assert_int_equal(parse(&b).len, 0);
	b = from_hex(GOLDEN_UDP6);
	write16(&b, 18, 14);
	assert_drop(&b, "ip_length");
	write16(&b, 18, 7);
	assert_drop(&b, "udp_length");
	b = from_hex(GOLDEN_UDP4);
	for (b.len = 0; b.len < 47; b.len++)
		assert_drop(&b, "ip_length");
	b = from_hex(GOLDEN_UDP6);
	for (b.len = 0; b.len < 67; b.len++)
		assert_drop(&b, "ip_length");
}

static unsigned answer(struct bytes *b)
{
	struct frame f = parse(b);

	assert_int_not_equal(f.kind, FRAME_DROP);
	assert_int_not_equal(f.kind, FRAME_UDP);
	unsigned len = neighbour_answer(b->data, &f, &self);

	assert_true(len > 0 && len <= b->len);
	return len;
}

static void assert_answer(const char *request, const char *reply)
{
	struct bytes b = from_hex(request), golden = from_hex(reply);

	assert_int_equal(answer(&b), golden.len);
	assert_memory_equal(b.data, golden.data, golden.len);
}

static void neighbours_are_answered(void **state)
{
	assert_answer(GOLDEN_ARP, GOLDEN_ARP_REPLY);
	assert_answer(GOLDEN_ND, GOLDEN_ND_REPLY);
	assert_answer(GOLDEN_ECHO4, GOLDEN_ECHO4_REPLY);
	assert_answer(GOLDEN_ECHO6, GOLDEN_ECHO6_REPLY);
}

/* Without an option in the request there is none in the answer: it would be longer. */
static void nd_answer_is_never_longer(void **state)
{
	struct bytes b = from_hex(GOLDEN_ND);

	b.len -= 8;
	write16(&b, 18, 24);
	sum6(&b);
	assert_int_equal(answer(&b), 78);
	assert_int_equal(b.data[54], ICMP6_NEIGHBOUR_ADVERTISE);

	b = from_hex(GOLDEN_ND); /* somebody else wants our address */
	memset(b.data + 22, 0, 16);
	sum6(&b);
	assert_int_equal(answer(&b), 86);
	assert_memory_equal(b.data, "\x33\x33\0\0\0\x01", 6);
	assert_int_equal(b.data[58], 0x20); /* override, not solicited */
}

static void other_neighbours_are_not_mine(void **state)
{
	struct bytes b = from_hex(GOLDEN_ARP);

	b.data[41] = 2;
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_ARP);
	b.data[21] = ARP_REPLY;
	assert_drop(&b, "not_mine");
	b = from_hex(GOLDEN_ND);
	b.data[77] = 2;
	assert_drop(sum6(&b), "not_mine");
	b = from_hex(GOLDEN_ND);
	b.data[21] = 254; /* came through a router */
	assert_drop(&b, "ip_header");
	b = from_hex(GOLDEN_ND);
	b.data[56] ^= 1;
	assert_drop(&b, "ip_header");
	b = from_hex(GOLDEN_ECHO4);
	b.data[36] ^= 1;
	assert_drop(&b, "ip_header");
	b = from_hex(GOLDEN_ECHO4_REPLY); /* to the other MAC, and no request */
	memcpy(b.data, self.mac, 6);
	memcpy(b.data + 26, b.data + 30, 4);
	memcpy(b.data + 30, self.address[0].ip + 12, 4);
	assert_drop(sum4(&b), "not_mine");
}

static void answers_are_limited(void **state)
{
	struct neighbour_limit limit = {0};
	uint64_t now = 5000000000u;
	unsigned allowed = 0;

	for (unsigned i = 0; i < 1000; i++)
		allowed += neighbour_allow(&limit, now);
	assert_int_equal(allowed, 100);
	for (unsigned ms = 1; ms <= 1000; ms++)
		for (unsigned i = 0; i < 3; i++)
			allowed += neighbour_allow(&limit, now + ms * 1000000ull);
	assert_in_range(allowed, 199, 201);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_is_found),
		cmocka_unit_test(padding_is_ignored),
		cmocka_unit_test(what_we_build_equals_golden),
		cmocka_unit_test(pseudo_sum_finishes_to_the_whole_sum),
		cmocka_unit_test(build_then_parse_is_the_same),
		cmocka_unit_test(sum_equals_the_plain_one),
		cmocka_unit_test(strangers_are_not_mine),
		cmocka_unit_test(vlan_is_named),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(fragments_are_named),
		cmocka_unit_test(lengths_are_checked),
		cmocka_unit_test(neighbours_are_answered),
		cmocka_unit_test(nd_answer_is_never_longer),
		cmocka_unit_test(other_neighbours_are_not_mine),
		cmocka_unit_test(answers_are_limited),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

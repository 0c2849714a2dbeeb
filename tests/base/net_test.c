/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/sim.h"

static void test_addresses(void **state)
{
	static const char *const good[] = {"192.0.2.1:9100", "[2001:db8::1]:9100", "[::1]:65535",
					   "0.0.0.0:0"};
	static const char *const bad[] = {
		"",	     ":",	  "192.0.2.1",	     "192.0.2.1:",   "192.0.2:1",
		"[::1]",     "[::1:80",	  "::1:80",	     "[]:80",	     "[192.0.2.1]:80",
		"host:80",   "1.2.3.4:x", "1.2.3.4:65536",   "1.2.3.4:-1",   "1.2.3.4 :80",
		"[::1]x:80", "[:80",	  "1.2.3.4:0000080", "1.2.3.4.5:80", "[fe80::1%eth0]:80",
	};
	struct net_addr addr;
	char text[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(net_addr_parse(&addr, good[i]), 0);
		net_addr_format(text, &addr);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(net_addr_parse(&addr, bad[i]), ASSAY_E_INVAL);
	assert_int_equal(net_addr_parse(&addr, "[::ffff:192.0.2.9]:1"), 0);
	net_addr_format(text, &addr);
	assert_string_equal(text, "192.0.2.9:1");
}

/* An endpoint that returns what it gets, with a mark. */
static void echo(void *arg, struct sim_net *n, const struct net_addr *from,
		 const struct net_addr *to, const void *data, size_t len)
{
	char text[64] = "re:";

	(*(unsigned *)arg)++;
	assert_true(len < 50);
	memcpy(text + 3, data, len);
	sim_net_send(n, to, from, text, len + 3);
}

struct wire {
	struct sim_clock clock;
	struct sim_net *net;
	struct net_addr client, server;
	struct net end;
	unsigned served;
};

static void wire_up(struct wire *w, uint64_t seed, struct sim_net_faults faults)
{
	memset(w, 0, sizeof(*w));
	w->net = sim_net_new(seed, &w->clock);
	sim_net_set_faults(w->net, faults);
	assert_int_equal(net_addr_parse(&w->client, "10.0.0.1:1"), 0);
	assert_int_equal(net_addr_parse(&w->server, "10.0.0.2:2"), 0);
	net_sim(w->net, &w->server, echo, &w->served);
	w->end = net_sim(w->net, &w->client, NULL, NULL);
}

static void test_sim_round_trip(void **state)
{
	struct wire w;
	struct net_addr from;
	char room[64];

	wire_up(&w, 1, (struct sim_net_faults){.delay_ns_min = 1000, .delay_ns_max = 1000});
	assert_int_equal(w.end.send(w.end.ctx, &w.server, "hi", 2), 0);
	assert_int_equal(w.end.receive(w.end.ctx, &from, room, sizeof(room), 1500),
			 ASSAY_E_TIMEOUT);
	assert_int_equal(w.clock.mono_ns, 1500);
	assert_int_equal(w.end.receive(w.end.ctx, &from, room, sizeof(room), 9000), 5);
	assert_int_equal(w.clock.mono_ns, 2000);
	assert_memory_equal(room, "re:hi", 5);
	assert_memory_equal(&from, &w.server, sizeof(from));
	/* Too long for the caller, and to nobody: dropped. */
	w.end.send(w.end.ctx, &w.server, "longer", 6);
	w.end.send(w.end.ctx, &from, "", 0);
	assert_int_equal(w.end.receive(w.end.ctx, &from, room, 4, 9000), 3);
	assert_int_equal(w.end.receive(w.end.ctx, &from, room, 4, 9000), ASSAY_E_TIMEOUT);
	assert_int_equal(w.served, 3);
	sim_net_free(w.net);
}

static void test_sim_faults(void **state)
{
	struct wire w;
	struct net_addr from;
	unsigned seen[1000] = {0}, lost = 0, twice = 0, swapped = 0;
	int last = -1;

	wire_up(&w, 5,
		(struct sim_net_faults){
			.loss = 10, .duplicate = 10, .reorder = 10, .delay_ns_max = 100});
	for (int i = 0; i < 1000; i++)
		w.end.send(w.end.ctx, &w.client, &i, sizeof(i)); /* to itself: one way */
	for (int i; w.end.receive(w.end.ctx, &from, &i, sizeof(i), 10000000) > 0;) {
		seen[i]++;
		swapped += i < last;
		last = i;
	}
	for (int i = 0; i < 1000; i++) {
		lost += seen[i] == 0;
		twice += seen[i] > 1;
	}
	assert_in_range(lost, 50, 160);
	assert_in_range(twice, 50, 160);
	assert_true(swapped > 100);
	sim_net_free(w.net);
}

static void check_real_socket(int family, const char *host)
{
	struct sockaddr_storage sa = {.ss_family = (sa_family_t)family};
	socklen_t len = sizeof(sa);
	struct clock clock = clock_real();
	struct net_addr to, from;
	struct net net;
	char room[8], text[64];
	int peer = socket(family, SOCK_DGRAM, 0);

	inet_pton(family, host,
		  family == AF_INET ? (void *)&((struct sockaddr_in *)&sa)->sin_addr
				    : (void *)&((struct sockaddr_in6 *)&sa)->sin6_addr);
	if (peer < 0 || bind(peer, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		skip(); /* no IPv6 on this machine */
	assert_int_equal(getsockname(peer, (struct sockaddr *)&sa, &len), 0);
	snprintf(text, sizeof(text), family == AF_INET ? "%s:%u" : "[%s]:%u", host,
		 ntohs(((struct sockaddr_in *)&sa)->sin_port));
	assert_int_equal(net_addr_parse(&to, text), 0);
	assert_int_equal(net_real_open(&net, &to), 0);

	assert_int_equal(net.send(net.ctx, &to, "hello", 5), 0);
	assert_int_equal(recvfrom(peer, room, 8, 0, (struct sockaddr *)&sa, &len), 5);
	assert_memory_equal(room, "hello", 5);
	sendto(peer, "longer than room", 16, 0, (struct sockaddr *)&sa, len);
	sendto(peer, "fits", 4, 0, (struct sockaddr *)&sa, len);
	uint64_t start = clock_mono(&clock), soon = start + 20000000;

	assert_int_equal(net.receive(net.ctx, &from, room, 8, start + 1000000000), 4);
	assert_memory_equal(room, "fits", 4);
	assert_memory_equal(&from, &to, sizeof(to));
	assert_int_equal(net.receive(net.ctx, &from, room, 8, soon), ASSAY_E_TIMEOUT);
	assert_true(clock_mono(&clock) >= soon);
	net_real_close(&net);
	close(peer);
}

static void test_real_socket(void **state)
{
	check_real_socket(AF_INET, "127.0.0.1");
	check_real_socket(AF_INET6, "::1");
}

static void test_random_and_clock(void **state)
{
	uint64_t seed_a = 9, seed_b = 9;
	struct random a = random_sim(&seed_a), b = random_sim(&seed_b), real = random_real();
	struct sim_clock time = {5, 100};
	struct clock clock = clock_sim(&time), now = clock_real();

	assert_true(random_u64(&a) == random_u64(&b));
	assert_true(random_u64(&real) != random_u64(&real));
	sim_clock_advance(&time, 10);
	assert_int_equal(clock_mono(&clock), 15);
	assert_int_equal(clock_wall(&clock), 110);
	assert_true(clock_wall(&now) > 1700000000ull * 1000000000);
	uint64_t before = clock_mono(&now);

	assert_true(clock_mono(&now) >= before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),	 cmocka_unit_test(test_sim_round_trip),
		cmocka_unit_test(test_sim_faults),	 cmocka_unit_test(test_real_socket),
		cmocka_unit_test(test_random_and_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

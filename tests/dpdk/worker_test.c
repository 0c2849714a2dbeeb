/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers of one process, unprivileged: a udp: port and a DPDK device that makes frames without
 * end (net_null), with every manner of idling. Also what ThreadSanitizer looks at: rings between
 * workers, snapshots published under load, control's questions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/must.h"
#include "base/real.h"
#include "base/sim.h"
#include "crypto/digest.h"
#include "dpdk/dataplane_int.h"

#define DATAGRAMS 2000
#define SENDERS	  8 /* source ports, so that several workers get some */

static struct dataplane *plane;
static struct plane calls;
static struct clock real_clock;
static struct random real_random;
static struct log quiet;
static struct node_self self;
static struct sim_disk *disk;
static struct disk disk_seam;
static struct store *store;
static struct artifact_source artifacts;

static struct view *make_view(uint64_t generation)
{
	struct view_peer *peer = calloc(1, sizeof(*peer)); /* the view owns it */
	struct view settings = {.generation = generation,
				.any_epoch = true,
				.ranges_max = 4,
				.length_max = 256,
				.payload_limit = ASSAY_PAYLOAD_DEFAULT,
				.idle_s = 60,
				.life_s = 600,
				.in_flight = 16};

	assert_non_null(peer);
	snprintf(peer->account, sizeof(peer->account), "peer");
	peer->session_limit = 8;
	return view_build(&settings, peer, 1);
}

/* As many workers as CPUs, so that on one CPU it is one, which shares it with control. */
static void make_config(struct dataplane_config *config)
{
	cpu_set_t set;

	memset(config, 0, sizeof(*config));
	CPU_ZERO(&set);
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned i = 0; i < CPU_SETSIZE && config->placement.cpus < 2; i++)
		if (CPU_ISSET(i, &set))
			config->placement.cpu[config->placement.cpus++] = (uint16_t)i;
	config->placement.control_cpu = -1;
	config->ports = 2;
	snprintf(config->port[0].name, sizeof(config->port[0].name), "u");
	snprintf(config->port[0].device, sizeof(config->port[0].device), "udp:127.0.0.1:0");
	config->port[0].is_udp = true;
	assert_int_equal(net_addr_parse(&config->port[0].listen, "127.0.0.1:0"), 0);
	snprintf(config->port[1].name, sizeof(config->port[1].name), "n");
	snprintf(config->port[1].device, sizeof(config->port[1].device), "dpdk:net_null0");
	config->port[1].address_count = 1;
	assert_int_equal(net_addr_parse(&config->port[1].address[0], "192.0.2.1:4600"), 0);
	config->payload_max = ASSAY_PAYLOAD_DEFAULT;
	config->hugepages = HUGEPAGES_OFF;
	config->memory_mib = 128;
	config->resident_bytes = 64 << 20;
	snprintf(config->run_dir, sizeof(config->run_dir), "/tmp");
	snprintf(config->file_prefix, sizeof(config->file_prefix), "assay-test-%d", getpid());
	config->log = &quiet;
	config->clock = &real_clock;
	config->random = &real_random;
}

static int open_plane(void **state)
{
	struct dataplane_config *config = malloc(sizeof(*config));
	struct finding trouble;

	real_clock = clock_real();
	real_random = random_real();
	quiet = log_none();
	digest_init();
	sign_init(&real_random);
	snprintf(self.account, sizeof(self.account), "node");
	secret_generate(self.session_secret, &real_random);
	make_config(config);
	if (dataplane_open(&plane, config, &trouble) != 0)
		fail_msg("%s", trouble.what);
	free(config);
	calls = dataplane_calls(plane);
	disk = sim_disk_new(1);
	disk_seam = disk_sim(disk);
	struct store_config store_config = {
		.disk = &disk_seam,
		.clock = &real_clock,
		.log = &quiet,
		.grace = dataplane_grace(plane),
		.memory = dataplane_memory(plane),
		.resident_max = 64 << 20,
	};
	assert_int_equal(store_open(&store, &store_config), 0);
	artifacts = store_source(store);
	return 0;
}

static int close_plane(void **state)
{
	store_close(store);
	dataplane_close(plane);
	sim_disk_free(disk);
	return 0;
}

static void start(enum dataplane_idle idle)
{
	struct finding trouble;

	plane->config.idle = idle;
	if (dataplane_start(plane, &self, store, &artifacts, &trouble) != 0)
		fail_msg("%s", trouble.what);
	calls.publish(calls.ctx, make_view(1));
}

static void stop(void)
{
	dataplane_stop(plane);
}

static uint16_t udp_port(void)
{
	struct plane_port port[2];

	assert_true(calls.ports(calls.ctx, port, 2) >= 1);
	return (uint16_t)atoi(strrchr(port[0].addresses, ':') + 1);
}

static struct serve_counters add_up(void)
{
	static struct plane_worker worker[SERVE_WORKERS_MAX];
	unsigned n = calls.workers(calls.ctx, worker, SERVE_WORKERS_MAX);
	struct serve_counters sum = {0};

	for (unsigned i = 0; i < n; i++) {
		sum.received += worker[i].counters.received;
		sum.answered += worker[i].counters.answered;
		sum.handed_over += worker[i].counters.handed_over;
		for (unsigned r = 0; r < ASSAY_R_MAX; r++)
			sum.drops[r] += worker[i].counters.drops[r];
	}
	return sum;
}

static uint64_t all_drops(const struct serve_counters *c)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < ASSAY_R_MAX; r++)
		sum += c->drops[r];
	return sum;
}

/* A minute from now nobody waits any longer. */
static uint64_t patience(void)
{
	return clock_mono(&real_clock) + 60000000000u;
}

static void rest(uint64_t deadline_ns)
{
	assert_true(clock_mono(&real_clock) < deadline_ns);
	usleep(1000);
}

/* Until the workers have seen so many datagrams and done with them. */
static struct serve_counters wait_for(unsigned datagrams)
{
	struct serve_counters c;

	for (uint64_t deadline = patience();; rest(deadline)) {
		c = add_up();
		if (c.received - c.handed_over >= datagrams &&
		    c.received == c.answered + c.handed_over + all_drops(&c))
			return c;
	}
}

/* PINGs of sessions that do not exist, of every worker: some need to be handed over. Never more at
 * once than a socket holds. */
static void storm(unsigned n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(udp_port())};
	struct assay_ping ping = {
		.head.head = {ASSAY_VERSION_WIRE, ASSAY_PING, sizeof(ping)},
	};
	int fd[SENDERS];

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	for (unsigned i = 0; i < SENDERS; i++) {
		fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		assert_true(fd[i] >= 0);
	}
	for (unsigned i = 0; i < n; i++) {
		ping.head.index = ((i + 1) & 0xffff) | (i / SENDERS % 3) << 16;
		ping.head.counter = i + 1;
		assert_int_equal(sendto(fd[i % SENDERS], &ping, sizeof(ping), 0,
					(struct sockaddr *)&to, sizeof(to)),
				 sizeof(ping));
		if (i % 32 == 0) {
			wait_for(i);
			calls.publish(calls.ctx, make_view(2 + i));
		}
	}
	for (unsigned i = 0; i < SENDERS; i++)
		close(fd[i]);
}

static void storm_adds_up(void)
{
	struct serve_counters c;

	storm(DATAGRAMS);
	c = wait_for(DATAGRAMS);
	assert_int_equal(c.received - c.handed_over, DATAGRAMS);
	assert_int_equal(c.drops[ASSAY_R_SESSION], DATAGRAMS);
	if (plane->workers.count > 1)
		assert_true(c.handed_over > 0);
}

/* Frames that are no datagrams all have a reason. The port goes on while it is read, so what two
 * readings say must overlap; one burst of each worker may be on its way. */
static void frames_add_up(void)
{
	struct plane_port port[2], later[2];
	uint64_t drops = 0, later_drops = 0;

	for (uint64_t deadline = patience();; rest(deadline)) {
		calls.ports(calls.ctx, port, 2);
		if (port[1].rx_packets > 0)
			break;
	}
	calls.ports(calls.ctx, later, 2);
	for (unsigned r = 0; r < ASSAY_R_MAX; r++) {
		drops += port[1].frame_drops[r];
		later_drops += later[1].frame_drops[r];
	}
	assert_true(drops <= later[1].rx_packets + 2 * SERVE_BURST_MAX);
	assert_true(port[1].rx_packets <= later_drops + 2 * SERVE_BURST_MAX);
	assert_int_equal(port[1].frame_drops[ASSAY_R_NOT_MINE], drops);
}

/* A worker that gets no CPU for half a second lets control down; then control asks again. */
static int sessions_of(unsigned worker, uint32_t *cursor)
{
	struct session_info info[4];
	int code;

	for (uint64_t deadline = patience();; rest(deadline))
		if ((code = calls.sessions(calls.ctx, worker, cursor, info, 4)) != ASSAY_E_TIMEOUT)
			return code;
}

static int close_session(uint32_t index)
{
	int code;

	for (uint64_t deadline = patience();; rest(deadline))
		if ((code = calls.close_session(calls.ctx, index)) != ASSAY_E_TIMEOUT)
			return code;
}

static void questions_are_answered(void)
{
	for (unsigned i = 0; i < plane->workers.count; i++) {
		uint32_t cursor = 0;

		assert_int_equal(sessions_of(i, &cursor), 0);
		assert_int_equal(cursor, 0);
		assert_int_equal(close_session(i << 16 | 5), ASSAY_E_NOTFOUND);
	}
	assert_int_equal(calls.close_session(calls.ctx, 200u << 16 | 5), ASSAY_E_NOTFOUND);
}

static void adaptive_worker_serves(void **state)
{
	start(IDLE_ADAPTIVE);
	storm_adds_up();
	frames_add_up();
	questions_are_answered();
	stop();
}

static void busy_worker_serves(void **state)
{
	start(IDLE_BUSY);
	storm_adds_up();
	questions_are_answered();
	stop();
}

static uint64_t all_turns(void)
{
	static struct plane_worker worker[SERVE_WORKERS_MAX];
	uint64_t turns = 0;

	for (unsigned i = 0; i < calls.workers(calls.ctx, worker, SERVE_WORKERS_MAX); i++)
		turns += worker[i].turns;
	return turns;
}

/* Without a device that needs polling a worker sleeps until something comes. */
static void interrupt_worker_sleeps(void **state)
{
	uint64_t begin_ns, turns, ms;

	plane->config.ports = 1;
	start(IDLE_INTERRUPT);
	storm_adds_up();
	questions_are_answered();
	for (uint64_t deadline = patience(); !calls.idle(calls.ctx); rest(deadline))
		;
	/* Awake it would make thousands of turns in a millisecond. */
	for (uint64_t deadline = patience();; rest(deadline)) {
		begin_ns = clock_mono(&real_clock);
		turns = all_turns();
		usleep(200000);
		turns = all_turns() - turns;
		ms = (clock_mono(&real_clock) - begin_ns) / 1000000u;
		if (turns < ms / 2 * plane->workers.count)
			break;
	}
	stop();
	plane->config.ports = 2;
}

static _Atomic unsigned released;

static void count_release(void *pointer)
{
	released++;
}

/* What is deferred waits for every worker, and not much longer. */
static void memory_is_released_after_grace(void **state)
{
	struct grace grace = dataplane_grace(plane);

	grace.defer(grace.ctx, count_release, NULL);
	assert_int_equal(released, 1); /* nobody runs */
	start(IDLE_ADAPTIVE);
	for (unsigned i = 0; i < 10; i++)
		grace.defer(grace.ctx, count_release, NULL);
	for (uint64_t deadline = patience(); released < 11; rest(deadline))
		;
	assert_int_equal(released, 11);
	stop();
}

static void resident_memory_is_aligned_and_reusable(void **state)
{
	struct store_memory memory = dataplane_memory(plane);
	void *block[64];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 64; i++) {
			size_t len = 1 + i * 9973;

			block[i] = memory.alloc(memory.ctx, len);
			assert_non_null(block[i]);
			assert_int_equal((uintptr_t)block[i] % 64, 0);
			memset(block[i], 0xa5, len);
		}
		for (unsigned i = 0; i < 64; i++)
			memory.release(memory.ctx, block[i], 1 + i * 9973);
	}
	assert_null(memory.alloc(memory.ctx, (size_t)1 << 40));
}

/* Two ports that cannot both be: the second start fails with a sentence, and leaves nothing. */
static void trouble_is_told(void **state)
{
	struct finding trouble;

	snprintf(plane->config.port[1].device, sizeof(plane->config.port[1].device),
		 "dpdk:net_nothing0");
	assert_true(dataplane_start(plane, &self, store, &artifacts, &trouble) != 0);
	assert_non_null(strstr(trouble.what, "port n"));
	assert_true(strlen(trouble.remedy) > 0);
	snprintf(plane->config.port[1].device, sizeof(plane->config.port[1].device),
		 "dpdk:net_null0");
	start(IDLE_ADAPTIVE);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adaptive_worker_serves),
		cmocka_unit_test(busy_worker_serves),
		cmocka_unit_test(interrupt_worker_sleeps),
		cmocka_unit_test(memory_is_released_after_grace),
		cmocka_unit_test(resident_memory_is_aligned_and_reusable),
		cmocka_unit_test(trouble_is_told),
	};

	return cmocka_run_group_tests(tests, open_plane, close_plane);
}

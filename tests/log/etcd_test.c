/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three etcd members that are killed, paused and all gone at times, while three nodes append and
 * follow: nothing acknowledged is lost, nothing is there twice, the order is one for all.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/must.h"
#include "base/real.h"
#include "crypto/digest.h"
#include "log/etcd_server.h"
#include "log/member.h"

#define NODES	 3
#define PROGRESS 10 /* entries acknowledged to each node: it goes on */
#define PATIENCE 120

static struct etcd_server server;
static struct member *node[NODES];
static atomic_bool appending, done;

static void open_engine(struct log_engine *out, unsigned first, unsigned endpoints)
{
	const char *order[ETCD_MEMBERS_MAX];
	char why[256];
	struct engine_etcd_params params = {
		.endpoints = order,
		.endpoint_count = endpoints,
		.prefix = "cluster/",
		.request_ms = 1000,
		.idle_ms = 1000,
		.backoff_ms_min = 50,
		.backoff_ms_max = 400,
		.clock = clock_real(),
		.random = random_real(),
	};

	for (unsigned i = 0; i < endpoints; i++)
		order[i] = server.endpoint[(first + i) % server.members];
	assert_int_equal(engine_etcd_open(out, why, sizeof(why), &params), 0);
}

static void *node_main(void *arg)
{
	while (!atomic_load(&done))
		member_turn(arg, atomic_load(&appending));
	return NULL;
}

static void wait_progress(void)
{
	unsigned from[NODES];
	time_t until = time(NULL) + PATIENCE;

	for (unsigned i = 0; i < NODES; i++)
		from[i] = atomic_load(&node[i]->acked);
	for (unsigned i = 0; i < NODES; i++)
		while (atomic_load(&node[i]->acked) < from[i] + PROGRESS) {
			must(time(NULL) < until);
			usleep(2000);
		}
}

/* The member takes part again: it answers a read that needs a majority. */
static void wait_member(unsigned member)
{
	struct log_engine e;
	uint64_t floor, head;
	time_t until = time(NULL) + PATIENCE;

	open_engine(&e, member, 1);
	while (e.head(e.ctx, &floor, &head) != 0) {
		must(time(NULL) < until);
		usleep(10000);
	}
	e.close(e.ctx);
}

/* Whoever leads is among them. */
static void kill_each(void)
{
	for (unsigned i = 0; i < server.members; i++) {
		etcd_server_kill(&server, i);
		wait_progress();
		etcd_server_restart(&server, i);
		wait_member(i);
	}
}

static void pause_each(void)
{
	for (unsigned i = 0; i < server.members; i++) {
		etcd_server_pause(&server, i, true);
		wait_progress();
		etcd_server_pause(&server, i, false);
		wait_member(i);
	}
}

static void kill_all(void)
{
	for (unsigned i = 0; i < server.members; i++)
		etcd_server_kill(&server, i);
	for (unsigned i = 0; i < server.members; i++)
		etcd_server_restart(&server, i);
	wait_progress();
}

/* All nodes, and one that reads it all anew, have the same. */
static void compare(uint64_t total)
{
	uint8_t chain[32], other[32];
	struct log_engine e;
	struct member *fresh;
	time_t until = time(NULL) + PATIENCE;

	open_engine(&e, 0, NODES);
	fresh = member_new(&e, NODES, 0);
	while (atomic_load(&fresh->seen) < total) {
		must(time(NULL) < until);
		member_turn(fresh, false);
	}
	member_chain(fresh, total, chain);
	for (unsigned i = 0; i < NODES; i++) {
		member_check(node[i]);
		member_chain(node[i], total, other);
		assert_memory_equal(chain, other, sizeof(chain));
		print_message("node %u: %u acknowledged, %u sent again, %u connects\n", i,
			      atomic_load(&node[i]->acked), node[i]->retries, node[i]->reconnects);
	}
	member_free(fresh);
}

/* The nodes stop appending, hear of what is on its way, and see everything: how much it is. */
static uint64_t settle(void)
{
	struct log_engine e;
	uint64_t floor, head;
	time_t until = time(NULL) + PATIENCE;

	atomic_store(&appending, false);
	for (unsigned i = 0; i < NODES; i++) {
		wait_member(i);
		while (atomic_load(&node[i]->in_flight)) {
			must(time(NULL) < until);
			usleep(1000);
		}
	}
	open_engine(&e, 0, NODES);
	while (e.head(e.ctx, &floor, &head) != 0)
		must(time(NULL) < until);
	e.close(e.ctx);
	for (unsigned i = 0; i < NODES; i++)
		while (atomic_load(&node[i]->seen) < head) {
			must(time(NULL) < until);
			usleep(1000);
		}
	return head;
}

static void test_cluster(void **state)
{
	pthread_t thread[NODES];
	struct log_engine e;
	uint64_t total;

	etcd_server_start(&server, NODES);
	for (unsigned i = 0; i < NODES; i++)
		wait_member(i);
	atomic_store(&appending, true);
	for (unsigned i = 0; i < NODES; i++) {
		open_engine(&e, i, NODES);
		node[i] = member_new(&e, i, 0);
		must(pthread_create(&thread[i], NULL, node_main, node[i]) == 0);
	}
	wait_progress();
	kill_each();
	pause_each();
	kill_all();
	total = settle();
	atomic_store(&done, true);
	for (unsigned i = 0; i < NODES; i++)
		pthread_join(thread[i], NULL);
	print_message("%llu entries\n", (unsigned long long)total);
	compare(total);
	for (unsigned i = 0; i < NODES; i++)
		member_free(node[i]);
	etcd_server_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cluster),
	};

	digest_init();
	if (!etcd_installed()) {
		print_message("SKIPPED: etcd is not installed (apt-get install etcd-server)\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

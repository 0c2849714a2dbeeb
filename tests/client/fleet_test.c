/* SPDX-License-Identifier: Apache-2.0 */
/* Many nodes at once over one simulated wire: pushes, pulls and calls, with nodes that are silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/real.h"
#include "base/text.h"
#include "client/fleet.h"
#include "client/site.h"

#define NODES	 7
#define PUSHES	 30
#define MINUTE	 (60000 * MS)
#define ARTIFACT 65532

struct place {
	struct liar *liar;
	struct site site;
	struct net_addr addr;
	char address[64];
	bool dead;
};

static struct sim_clock now;
static struct sim_net *wire;
static struct place place[NODES];
static struct assay_fleet *fleet;
static struct net idle;
static uint64_t random_state;
static unsigned sockets_open, done_count, error_count;

static void node_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	struct place *p = ctx;

	sim_net_send(wire, &p->addr, to, data, len);
}

static void node_take(void *arg, struct sim_net *n, const struct net_addr *from,
		      const struct net_addr *to, const void *data, size_t len)
{
	struct place *p = arg;

	if (p->dead)
		return;
	p->liar->world.time = now;
	liar_take(p->liar, from, data, len);
}

static int open_socket(void *ctx, struct net *out, const struct net_addr *remote)
{
	struct net_addr self = world_addr(2, (uint16_t)(5000 + sockets_open++));

	*out = net_sim(wire, &self, NULL, NULL);
	return 0;
}

static void close_socket(void *ctx, struct net *net)
{
	sockets_open--;
}

static int setup(void **state)
{
	const struct fleet_sockets sockets = {open_socket, close_socket, NULL};
	struct assay_client_config config = {0};
	struct clock clock = clock_sim(&now);
	struct random random = random_sim(&random_state);
	struct net_addr addr = world_addr(3, 1);

	now = (struct sim_clock){WORLD_START_NS, WORLD_WALL_NS};
	random_state = 5;
	sockets_open = done_count = error_count = 0;
	wire = sim_net_new(9, &now);
	sim_net_set_faults(wire, (struct sim_net_faults){2, 1, 5, 50000, 300000});
	idle = net_sim(wire, &addr, NULL, NULL);
	assert_int_equal(hex_decode(config.session_secret, 32, WIRED_SECRET), 0);
	for (unsigned i = 0; i < NODES; i++) {
		struct place *p = &place[i];

		*p = (struct place){.addr = world_addr(10 + i, 4600)};
		p->liar = liar_new(50, 200000, "node-a", config.session_secret);
		p->liar->send = node_send;
		p->liar->ctx = p;
		site_init(&p->site, i, &now);
		site_behind(&p->site, &p->liar->world);
		net_sim(wire, &p->addr, node_take, p);
		net_addr_format(p->address, &p->addr);
		liar_config(p->liar, &config, p->address);
		if (i == 0)
			assert_int_equal(
				fleet_open_over(&fleet, &config, &sockets, &clock, &random), 0);
		assert_int_equal(assay_fleet_add(fleet, &config.peer), i);
	}
	return 0;
}

static int teardown(void **state)
{
	assay_fleet_close(fleet);
	assert_int_equal(sockets_open, 0);
	sim_net_free(wire);
	for (unsigned i = 0; i < NODES; i++) {
		site_free(&place[i].site);
		assert_int_equal(world_imbalance(&place[i].liar->world), 0);
		liar_free(place[i].liar);
	}
	return 0;
}

/* Time passes as the fleet says. */
static void run(uint64_t limit_ns)
{
	uint64_t until = now.mono_ns + limit_ns;
	struct net_addr from;
	uint8_t byte;

	while (assay_fleet_left_all(fleet) > 0 && now.mono_ns < until) {
		uint64_t due = assay_fleet_step(fleet);

		/* A quarter of a millisecond stands for the event that a socket is readable. */
		if (due > now.mono_ns + MS / 4)
			due = now.mono_ns + MS / 4;
		idle.receive(idle.ctx, &from, &byte, 1, due);
	}
	assert_int_equal(assay_fleet_left_all(fleet), 0);
}

struct job {
	struct goods goods;
	int error;
	unsigned ended;
	char why[200];
};

static void job_done(void *arg, int error, const char *why)
{
	struct job *job = arg;

	job->error = error;
	job->ended++;
	snprintf(job->why, sizeof(job->why), "%s", why);
	done_count++;
	error_count += error != 0;
}

static void push_many(struct job jobs[NODES][PUSHES])
{
	for (unsigned n = 0; n < NODES; n++)
		for (unsigned i = 0; i < PUSHES; i++) {
			struct job *job = &jobs[n][i];
			struct assay_push push;

			job->goods =
				(struct goods){n * 1000 + i, i % 5 == 4 ? 1 + i : ARTIFACT - i};
			push = goods_push(&job->goods);
			assert_int_equal(assay_fleet_push(fleet, n, &push, job_done, job), 0);
		}
}

static void test_pushes(void **state)
{
	static struct job jobs[NODES][PUSHES];

	memset(jobs, 0, sizeof(jobs));
	place[3].dead = true;
	push_many(jobs);
	assert_int_equal(assay_fleet_left(fleet, 2), PUSHES);
	run(MINUTE);
	assert_int_equal(done_count, NODES * PUSHES);
	for (unsigned n = 0; n < NODES; n++)
		for (unsigned i = 0; i < PUSHES; i++) {
			const struct job *job = &jobs[n][i];

			assert_int_equal(job->ended, 1);
			if (job->error != (n == 3 ? ASSAY_E_TIMEOUT : 0))
				fail_msg("node %u, %u: %s", n, i, job->why);
			assert_int_equal(site_has(&place[n].site, &job->goods), n != 3);
		}
	assert_non_null(strstr(jobs[3][0].why, "did not answer the handshake"));
	/* All of them on one session each. */
	assert_int_equal(assay_fleet_stats(fleet, 0)->handshakes, 1);
}

struct fetched {
	const struct world_artifact *artifact;
	uint64_t at;
	int error;
	unsigned ended;
};

static int take_bytes(void *arg, uint64_t offset, const void *data, size_t len)
{
	struct fetched *f = arg;

	assert_int_equal(offset, f->at);
	assert_memory_equal(data, f->artifact->data + offset, len);
	f->at += len;
	return 0;
}

static void fetched_done(void *arg, int error, const char *why)
{
	struct fetched *f = arg;

	f->error = error;
	f->ended++;
}

static void test_pulls(void **state)
{
	static struct fetched list[NODES][20];

	memset(list, 0, sizeof(list));
	for (unsigned n = 0; n < NODES; n++)
		for (unsigned i = 0; i < 20; i++) {
			struct fetched *f = &list[n][i];
			struct assay_pull pull = {.sink = take_bytes, .arg = f};

			f->artifact = &place[n].liar->world.artifact[i % 2];
			memcpy(pull.key, f->artifact->record.key, 32);
			pull.size = i % 3 == 0 ? ASSAY_SIZE_UNKNOWN : f->artifact->record.size;
			pull.key[0] ^= i == 7;
			assert_int_equal(assay_fleet_pull(fleet, n, &pull, fetched_done, f), 0);
		}
	run(MINUTE);
	for (unsigned n = 0; n < NODES; n++)
		for (unsigned i = 0; i < 20; i++) {
			assert_int_equal(list[n][i].ended, 1);
			assert_int_equal(list[n][i].error, i == 7 ? ASSAY_E_REFUSED : 0);
			assert_int_equal(list[n][i].at, i == 7 ? 0 : 200000);
		}
}

/* Questions between other work, each answered once. */
static void test_calls(void **state)
{
	static struct assay_reply reply[NODES][10];
	static struct job jobs[NODES][PUSHES];
	struct job calls[NODES] = {0};
	char body[40];

	memset(jobs, 0, sizeof(jobs));
	push_many(jobs);
	for (unsigned n = 0; n < NODES; n++)
		for (unsigned i = 0; i < 10; i++) {
			struct assay_question q = {.method = 3, .body = body};

			q.len = (size_t)snprintf(body, sizeof(body), "question %u of %u", i, n);
			assert_int_equal(
				assay_fleet_call(fleet, n, &q, &reply[n][i], job_done, &calls[n]),
				0);
		}
	memset(body, 0, sizeof(body)); /* it was copied */
	run(MINUTE);
	for (unsigned n = 0; n < NODES; n++) {
		assert_int_equal(calls[n].ended, 10);
		for (unsigned i = 0; i < 10; i++) {
			size_t len =
				(size_t)snprintf(body, sizeof(body), "question %u of %u", i, n);

			assert_int_equal(reply[n][i].len, len);
			assert_int_equal(reply[n][i].body[0], body[len - 1]);
			assert_int_equal(reply[n][i].body[len - 1], 'q');
		}
	}
	assert_int_equal(error_count, 0);
}

/* --- what callbacks may do --- */

static struct job chain[5], others[6];
static unsigned chain_next;

static void queue_next(void *arg, int error, const char *why)
{
	struct assay_push push;

	job_done(arg, error, why);
	if (++chain_next == 5)
		return;
	chain[chain_next].goods = (struct goods){chain_next, 5000};
	push = goods_push(&chain[chain_next].goods);
	assert_int_equal(assay_fleet_push(fleet, 1, &push, queue_next, &chain[chain_next]), 0);
}

static void cancel_node(void *arg, int error, const char *why)
{
	job_done(arg, error, why);
	assay_fleet_cancel(fleet, 2);
}

static void test_callbacks(void **state)
{
	struct assay_push push;

	memset(chain, 0, sizeof(chain));
	memset(others, 0, sizeof(others));
	chain_next = 0;
	chain[0].goods = (struct goods){100, 5000};
	push = goods_push(&chain[0].goods);
	assert_int_equal(assay_fleet_push(fleet, 1, &push, queue_next, &chain[0]), 0);
	for (unsigned i = 0; i < 6; i++) {
		others[i].goods = (struct goods){200 + i, i == 0 ? 100 : 200000};
		push = goods_push(&others[i].goods);
		assert_int_equal(assay_fleet_push(fleet, 2, &push, i == 0 ? cancel_node : job_done,
						  &others[i]),
				 0);
	}
	run(MINUTE);
	assert_int_equal(chain_next, 5);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(others[i].ended, 1);
		assert_int_equal(others[i].error, i == 0 ? 0 : ASSAY_E_CLOSED);
	}
}

static void test_close_ends_all(void **state)
{
	static struct job jobs[NODES][PUSHES];

	memset(jobs, 0, sizeof(jobs));
	push_many(jobs);
	for (unsigned i = 0; i < 20; i++)
		assay_fleet_step(fleet);
	assay_fleet_close(fleet);
	fleet = NULL;
	assert_int_equal(done_count, NODES * PUSHES);
	assert_int_equal(error_count, NODES * PUSHES);
	assert_int_equal(jobs[0][0].error, ASSAY_E_CLOSED);
}

static void test_bad_arguments(void **state)
{
	struct goods g = {1, 100};
	struct assay_push push = goods_push(&g);
	struct assay_question q = {.len = ASSAY_CALL_MAX + 1};
	struct assay_peer peer = {.account = "x", .address = "nowhere"};
	struct job job = {0};

	assert_int_equal(assay_fleet_push(fleet, NODES, &push, job_done, &job), ASSAY_E_INVAL);
	assert_int_equal(assay_fleet_call(fleet, 0, &q, NULL, job_done, &job), ASSAY_E_RANGE);
	assert_int_equal(assay_fleet_add(fleet, &peer), ASSAY_E_INVAL);
	peer.address = "192.0.2.9:1";
	assert_int_equal(assay_fleet_add(fleet, &peer), ASSAY_E_INVAL); /* no key */
	push.size = 0;
	assert_int_equal(assay_fleet_push(fleet, 0, &push, job_done, &job), 0);
	run(MINUTE);
	assert_int_equal(job.error, ASSAY_E_RANGE);
	assert_int_equal(assay_fleet_left(fleet, NODES), 0);
	assert_null(assay_fleet_stats(fleet, NODES));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_pushes),	   T(test_pulls),	   T(test_calls),
		T(test_callbacks), T(test_close_ends_all), T(test_bad_arguments),
	};

	assay_init(); /* so that all nodes draw the same keys */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

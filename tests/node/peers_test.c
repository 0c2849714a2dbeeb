/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions with other nodes: over a simulated wire to real responders, and real sockets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"
#include "client/challenge.h"
#include "client/liar.h"
#include "node/peers.h"
#include "proof/derive.h"

#define HOSTS 4
#define MS    1000000ull
#define SIZE  300000

struct host {
	char account[16], address[64];
	struct world world;
	struct net_addr at;
	struct world_artifact *artifact;
	bool silent;
	unsigned seen;	   /* datagrams */
	struct liar *liar; /* instead of the world */
};

static struct host host[HOSTS];
static unsigned hosts;
static struct sim_net *wire;
static struct sim_clock now;
static struct net idle;
static struct peers *peers;
static struct peer_port port;
static struct peers_config config;
static uint64_t seed;
static unsigned opened, closed;
static bool deaf; /* this machine's socket does not send */
static uint8_t own_bytes[3000];

/* --- the wire */

static void host_take(void *arg, struct sim_net *n, const struct net_addr *from,
		      const struct net_addr *to, const void *data, size_t len)
{
	struct host *h = arg;
	struct path path = world_path(1, 1);
	struct world *w = h->liar != NULL ? &h->liar->world : &h->world;

	h->seen++;
	if (h->silent)
		return;
	w->time = now;
	if (h->liar != NULL) {
		liar_take(h->liar, from, data, len);
		return;
	}
	path.remote = *from;
	world_in(w, 0, &path, data, len);
	world_rest(w);
	for (unsigned i = 0; i < w->sent_count; i++)
		sim_net_send(n, to, &w->sent[i].path.remote, w->sent[i].data, w->sent[i].len);
	world_forget(w);
}

static void liar_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	const struct host *h = ctx;

	sim_net_send(wire, &h->at, to, data, len);
}

static int (*wire_send)(void *ctx, const struct net_addr *to, const void *data, size_t len);

static int maybe_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	return deaf ? ASSAY_E_IO : wire_send(ctx, to, data, len);
}

static int open_socket(void *ctx, struct net *out, const struct net_addr *remote)
{
	const struct net_addr self = world_addr(200, (uint16_t)(5000 + opened++));

	*out = net_sim(wire, &self, NULL, NULL);
	wire_send = out->send;
	out->send = maybe_send;
	return 0;
}

static void close_socket(void *ctx, struct net *net)
{
	closed++;
}

static bool find(void *ctx, struct peer_facts *out, const char *account)
{
	for (unsigned i = 0; i < hosts; i++) {
		const struct world *w =
			host[i].liar != NULL ? &host[i].liar->world : &host[i].world;

		if (strcmp(host[i].account, account) != 0)
			continue;
		strcpy(out->address, host[i].address);
		memcpy(out->session_key, w->self.noise.public, 33);
		memcpy(out->identity, w->self.identity.public, 32);
		return true;
	}
	return false;
}

static int own_read(void *ctx, uint8_t **data, size_t *len, const uint8_t key[32],
		    uint64_t size_max)
{
	if (key[0] != 'o')
		return ASSAY_E_NOTFOUND;
	*data = malloc(sizeof(own_bytes));
	memcpy(*data, own_bytes, sizeof(own_bytes));
	*len = sizeof(own_bytes);
	return 0;
}

static int own_size(void *ctx, uint64_t *size, const uint8_t key[32])
{
	*size = sizeof(own_bytes);
	return key[0] == 'o' ? 0 : ASSAY_E_NOTFOUND;
}

static void begin_with(unsigned count)
{
	uint8_t public[33];
	struct net_addr addr = world_addr(250, 1);

	assay_init();
	now = (struct sim_clock){WORLD_START_NS, WORLD_WALL_NS};
	seed = 42;
	hosts = count;
	deaf = false;
	opened = closed = 0;
	wire = sim_net_new(3, &now);
	sim_net_set_faults(wire, (struct sim_net_faults){0, 0, 0, 100000, 300000});
	idle = net_sim(wire, &addr, NULL, NULL);
	config = (struct peers_config){
		.account = "asker",
		.book = {find, NULL},
		.sockets = {.open = open_socket, .close = close_socket},
		.own = {.read = own_read, .size = own_size},
		.clock = clock_sim(&now),
		.random = random_sim(&seed),
		.log = log_none(),
	};
	memset(config.session_secret, 7, 32);
	memset(config.network_id, 9, 32);
	assert_true(public_key(public, config.session_secret));
	for (unsigned i = 0; i < count; i++) {
		struct host *h = &host[i];

		memset(h, 0, sizeof(*h));
		world_init(&h->world, 100 + i, 1);
		h->world.time = now;
		snprintf(h->account, sizeof(h->account), "host-%u", i);
		strcpy(h->world.self.account, h->account);
		memcpy(h->world.self.network_id, config.network_id, 32);
		h->artifact = world_artifact(&h->world, SIZE, 13, i);
		world_peer(&h->world, "asker", public);
		world_publish(&h->world);
		h->at = world_addr(10 + i, 9100);
		net_addr_format(h->address, &h->at);
		net_sim(wire, &h->at, host_take, h);
	}
}

static void begin(unsigned count)
{
	begin_with(count);
	peers = peers_new(&config);
	port = peers_port(peers);
}

static void end(void)
{
	peers_free(peers);
	assert_int_equal(opened, closed);
	for (unsigned i = 0; i < hosts; i++)
		world_free(&host[i].world);
	sim_net_free(wire);
}

/* --- asking */

static struct question question_of(const uint8_t key[32], const char *target, uint64_t epoch)
{
	static const uint8_t draw[] = "a seed of an epoch";
	struct challenge_question q = {
		.epoch = epoch,
		.seed = draw,
		.seed_len = sizeof(draw),
		.ticket = "ticket",
		.class = ASSAY_CLASS_SYMBOL,
		.bucket = ASSAY_BUCKET_RECENT,
		.size = SIZE,
		.tree = true,
	};
	struct challenge_answer derived;
	struct question out = {.seed_len = sizeof(draw), .ticket = "ticket"};
	char why[128];

	memcpy(q.key, key, 32);
	assert_int_equal(challenge_derive(&derived, &q, target, why, sizeof(why)), 0);
	out.request = derived.request;
	out.request.draw = NULL;
	memcpy(out.seed, draw, sizeof(draw));
	return out;
}

static void ask(uint64_t cookie, const struct host *h, uint64_t epoch, uint64_t ms)
{
	const struct question q = question_of(h->artifact->record.key, h->account, epoch);

	port.ask(port.ctx, cookie, h->account, &q, now.mono_ns + ms * MS);
}

/* Until there is an outcome. */
static struct node_event outcome(void)
{
	struct net_addr from;
	struct node_event e;
	uint8_t byte;

	for (unsigned i = 0; i < 100000; i++) {
		uint64_t due = peers_turn(peers), until = now.mono_ns + MS;

		if (peers_next(peers, &e))
			return e;
		assert_true(due != UINT64_MAX);
		idle.receive(idle.ctx, &from, &byte, 1,
			     due > now.mono_ns && due < until ? due : until);
	}
	fail_msg("nothing came of it");
	return (struct node_event){0};
}

static void test_three_nodes_at_once(void **state)
{
	bool seen[3] = {false};

	begin(3);
	for (unsigned i = 0; i < 3; i++)
		ask(i, &host[i], 7, 30000);
	for (unsigned i = 0; i < 3; i++) {
		struct node_event e = outcome();
		uint8_t compound[32];
		struct question q;

		assert_int_equal(e.kind, EVENT_ASKED);
		assert_in_range(e.cookie, 0, 2);
		assert_int_equal(e.asked.outcome, ASK_PASS);
		q = question_of(host[e.cookie].artifact->record.key, host[e.cookie].account, 7);
		assert_int_equal(compound_hash(compound, host[e.cookie].artifact->data, SIZE,
					       q.request.offsets, q.request.k,
					       q.request.range_length),
				 0);
		assert_memory_equal(e.asked.compound, compound, 32);
		seen[e.cookie] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_int_equal(peers_sessions(peers), 3);
	end();
}

/* One session serves all that is asked of a node. */
static void test_many_questions_one_session(void **state)
{
	begin(1);
	for (unsigned i = 0; i < 20; i++)
		ask(i, &host[0], 7 + i, 30000);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(outcome().asked.outcome, ASK_PASS);
	assert_int_equal(opened, 1);
	end();
}

static void test_faulty_wire(void **state)
{
	begin(2);
	sim_net_set_faults(wire, (struct sim_net_faults){25, 20, 20, 100000, 3000000});
	for (unsigned i = 0; i < 20; i++)
		ask(i, &host[i % 2], 7 + i, 60000);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(outcome().asked.outcome, ASK_PASS);
	end();
}

/* Every lie comes out as what it is. */
static void test_lies(void **state)
{
	for (const struct lie *lie = lies_tree; lie->name != NULL; lie++) {
		struct node_event e;

		begin(1);
		host[0].liar = liar_new(5, SIZE, "asker", config.session_secret);
		host[0].liar->send = liar_send;
		host[0].liar->ctx = &host[0];
		strcpy(host[0].account, host[0].liar->world.self.account);
		peers_free(peers);
		memcpy(config.network_id, host[0].liar->world.self.network_id, 32);
		peers = peers_new(&config);
		port = peers_port(peers);
		host[0].artifact = &host[0].liar->world.artifact[0];
		host[0].liar->lie = lie;
		ask(1, &host[0], 7, 3000);
		if (lie->again) {
			assert_int_equal(outcome().asked.outcome, ASK_PASS);
			ask(1, &host[0], 8, 3000);
		}
		e = outcome();
		if (e.asked.outcome != (lie->verdict == ASSAY_HASH_MISMATCH ? ASK_HASH_MISMATCH
					: lie->verdict == ASSAY_INVALID_TRANSCRIPT ? ASK_INVALID
										   : ASK_TIMEOUT))
			fail_msg("%s: outcome %d (%s)", lie->name, e.asked.outcome, e.asked.why);
		liar_free(host[0].liar);
		host[0].liar = NULL;
		end();
	}
}

static void test_silence(void **state)
{
	struct node_event e;
	uint64_t from;

	begin(1);
	host[0].silent = true;
	from = now.mono_ns;
	ask(1, &host[0], 7, 5000);
	e = outcome();
	assert_int_equal(e.asked.outcome, ASK_TIMEOUT);
	assert_string_equal(e.asked.why, "no response");
	assert_in_range(now.mono_ns - from, 5000 * MS, 5010 * MS);
	assert_in_range(host[0].seen, 2, 10);
	/* It comes back. */
	host[0].silent = false;
	ask(2, &host[0], 7, 30000);
	assert_int_equal(outcome().asked.outcome, ASK_PASS);
	end();
}

/* What never left this machine is no silence of the target's. */
static void test_own_trouble(void **state)
{
	struct node_event e;

	begin(1);
	deaf = true;
	ask(1, &host[0], 7, 2000);
	assert_int_equal(outcome().asked.outcome, ASK_OURS);
	deaf = false;
	strcpy(host[0].account, "host-x");
	host[0].account[5] = '0';
	strcpy(host[0].address, "a.name.of.a.node:4600"); /* names are not looked up */
	ask(2, &host[0], 7, 2000);
	e = outcome();
	/* The session with the old address is still there; a new one is not to be had. */
	assert_int_equal(e.asked.outcome, ASK_OURS);
	hosts = 0;
	ask(3, &host[0], 7, 2000);
	assert_int_equal(outcome().asked.outcome, ASK_OURS);
	hosts = 1;
	end();
}

static void test_refusals(void **state)
{
	struct question q;
	struct node_event e;
	uint8_t nobody[32] = {1};

	begin(1);
	q = question_of(nobody, host[0].account, 7);
	port.ask(port.ctx, 1, host[0].account, &q, now.mono_ns + 5000 * MS);
	e = outcome();
	assert_int_equal(e.asked.outcome, ASK_REFUSED);
	assert_int_equal(e.asked.refused, ASSAY_R_ARTIFACT_UNKNOWN);
	assert_string_equal(e.asked.why, "artifact_unknown");
	end();
}

/* A node that learns of the epoch a moment later is asked again; one that never does refuses. */
static void test_node_behind_the_epoch(void **state)
{
	struct node_event e;

	begin(1);
	host[0].world.settings.any_epoch = false;
	host[0].world.settings.epoch[0] = 6;
	host[0].world.settings.epoch[1] = 5;
	world_publish(&host[0].world);
	ask(1, &host[0], 7, 3000);
	e = outcome();
	assert_int_equal(e.asked.outcome, ASK_REFUSED);
	assert_int_equal(e.asked.refused, ASSAY_R_EPOCH);
	ask(2, &host[0], 7, 10000);
	for (unsigned i = 0; i < 500; i++) {
		struct net_addr from;
		uint8_t byte;

		peers_turn(peers);
		assert_false(peers_next(peers, &e));
		idle.receive(idle.ctx, &from, &byte, 1, now.mono_ns + MS);
	}
	host[0].world.settings.epoch[0] = 7;
	world_publish(&host[0].world);
	assert_int_equal(outcome().asked.outcome, ASK_PASS);
	end();
}

/* --- reads */

static void test_fetch(void **state)
{
	struct node_event e;
	uint8_t nobody[32] = {1};

	begin(1);
	port.fetch(port.ctx, 1, host[0].account, host[0].artifact->record.key, SIZE,
		   now.mono_ns + 30000 * MS);
	e = outcome();
	assert_int_equal(e.kind, EVENT_FETCHED);
	assert_int_equal(e.fetched.error, 0);
	assert_int_equal(e.fetched.len, SIZE);
	assert_memory_equal(e.fetched.data, host[0].artifact->data, SIZE);
	port.fetch(port.ctx, 2, host[0].account, host[0].artifact->record.key, SIZE - 1,
		   now.mono_ns + 30000 * MS);
	assert_int_equal(outcome().fetched.error, ASSAY_E_RANGE);
	port.fetch(port.ctx, 3, host[0].account, nobody, SIZE, now.mono_ns + 30000 * MS);
	assert_int_equal(outcome().fetched.error, ASSAY_E_REFUSED);
	host[0].silent = true;
	port.fetch(port.ctx, 4, host[0].account, host[0].artifact->record.key, SIZE,
		   now.mono_ns + 1000 * MS);
	assert_int_equal(outcome().fetched.error, ASSAY_E_TIMEOUT);
	end();
}

static void test_fetch_over_a_faulty_wire(void **state)
{
	struct node_event e;

	begin(1);
	sim_net_set_faults(wire, (struct sim_net_faults){10, 10, 10, 100000, 2000000});
	port.fetch(port.ctx, 1, host[0].account, host[0].artifact->record.key, SIZE,
		   now.mono_ns + 60000 * MS);
	e = outcome();
	assert_int_equal(e.fetched.error, 0);
	assert_memory_equal(e.fetched.data, host[0].artifact->data, SIZE);
	end();
}

static void test_size(void **state)
{
	struct node_event e;

	begin(1);
	port.size(port.ctx, 1, host[0].account, host[0].artifact->record.key,
		  now.mono_ns + 30000 * MS);
	e = outcome();
	assert_int_equal(e.kind, EVENT_SIZED);
	assert_int_equal(e.sized.error, 0);
	assert_int_equal(e.sized.size, SIZE);
	host[0].silent = true;
	port.size(port.ctx, 2, host[0].account, host[0].artifact->record.key,
		  now.mono_ns + 500 * MS);
	assert_int_equal(outcome().sized.error, ASSAY_E_TIMEOUT);
	end();
}

static void test_own_store(void **state)
{
	const uint8_t ours[32] = {'o'}, other[32] = {'x'};
	struct node_event e;

	begin(1);
	memset(own_bytes, 0x5a, sizeof(own_bytes));
	port.fetch(port.ctx, 1, "asker", ours, 10000, now.mono_ns + MS);
	e = outcome();
	assert_int_equal(e.fetched.error, 0);
	assert_memory_equal(e.fetched.data, own_bytes, sizeof(own_bytes));
	port.fetch(port.ctx, 2, "asker", other, 10000, now.mono_ns + MS);
	assert_int_equal(outcome().fetched.error, ASSAY_E_NOTFOUND);
	port.size(port.ctx, 3, "asker", ours, now.mono_ns + MS);
	assert_int_equal(outcome().sized.size, sizeof(own_bytes));
	assert_int_equal(opened, 0);
	end();
}

/* --- sessions */

/* More nodes than sessions: the idle ones make room; later they are closed by themselves. */
static void test_sessions_are_bounded(void **state)
{
	struct net_addr from;
	uint8_t byte;

	begin_with(4);
	config.sessions_max = 2;
	peers = peers_new(&config);
	port = peers_port(peers);
	for (unsigned i = 0; i < 8; i++) {
		ask(i, &host[i % 4], 7, 30000);
		assert_int_equal(outcome().asked.outcome, ASK_PASS);
		assert_in_range(opened - closed, 1, 2);
	}
	for (unsigned i = 0; i < 70; i++) {
		idle.receive(idle.ctx, &from, &byte, 1, now.mono_ns + 1000 * MS);
		peers_turn(peers);
	}
	assert_int_equal(opened, closed);
	assert_int_equal(peers_turn(peers), UINT64_MAX);
	end();
}

/* A node moved: the registry's new address is used from the next question on. */
static void test_node_moved(void **state)
{
	begin(2);
	ask(1, &host[0], 7, 30000);
	assert_int_equal(outcome().asked.outcome, ASK_PASS);
	host[0].silent = true;
	strcpy(host[0].address, host[1].address); /* nobody of that name there */
	ask(2, &host[0], 7, 2000);
	assert_int_equal(outcome().asked.outcome, ASK_TIMEOUT);
	assert_int_equal(opened, 2);
	end();
}

/* --- real sockets: probes */

static uint16_t listener(int *fd, int backlog)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(*fd, backlog), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static enum port_state probe(const char *address, uint16_t tcp, uint64_t ms)
{
	struct clock clock = clock_real();
	struct node_event e;

	strcpy(host[0].address, address);
	port.probe(port.ctx, 1, host[0].account, tcp, clock_mono(&clock) + ms * MS);
	for (unsigned i = 0; i < 60000; i++) {
		peers_turn(peers);
		if (peers_next(peers, &e)) {
			assert_int_equal(e.kind, EVENT_PROBED);
			return e.probed;
		}
		usleep(1000);
	}
	fail_msg("the probe never ends");
	return PORT_UNKNOWN;
}

/* Takes a place in the queue of a listener who never accepts. */
static int connecting(uint16_t to)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(to),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	connect(fd, (struct sockaddr *)&a, sizeof(a));
	return fd;
}

/* Only a refusal says that nobody listens; everything else is not known. */
static void test_m6_closed_only_when_refused(void **state)
{
	struct real_sockets *sockets;
	uint16_t open_port, closed_port, full_port;
	int fd, other, full, waiting[4];

	begin_with(1);
	assert_int_equal(real_sockets_new(&sockets), 0);
	config.sockets = real_sockets_seam(sockets);
	config.clock = clock_real();
	peers = peers_new(&config);
	port = peers_port(peers);
	open_port = listener(&fd, 8);
	closed_port = listener(&other, 8);
	close(other);
	assert_int_equal(probe("127.0.0.1:4600", open_port, 60000), PORT_OPEN);
	assert_int_equal(probe("127.0.0.1:4600,tcp=9", open_port, 60000), PORT_OPEN);
	assert_int_equal(probe("127.0.0.1:4600", closed_port, 60000), PORT_CLOSED);
	assert_int_equal(probe("127.0.0.1:4600", 0, 60000), PORT_UNKNOWN);
	assert_int_equal(probe("no.such.name:4600", open_port, 60000), PORT_UNKNOWN);
	assert_int_equal(probe("", open_port, 60000), PORT_UNKNOWN);
	assert_int_equal(probe("255.255.255.255:4600", open_port, 60000), PORT_UNKNOWN);
	/* Nobody answers there: the time is over before anything is known. */
	full_port = listener(&full, 0);
	for (unsigned i = 0; i < 4; i++)
		waiting[i] = connecting(full_port);
	assert_int_equal(probe("127.0.0.1:4600", full_port, 50), PORT_UNKNOWN);
	for (unsigned i = 0; i < 4; i++)
		close(waiting[i]);
	close(full);
	/* A cancelled one leaves nothing behind. */
	port.probe(port.ctx, 2, host[0].account, open_port, UINT64_MAX);
	peers_turn(peers);
	close(fd);
	end();
	real_sockets_free(sockets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_nodes_at_once),
		cmocka_unit_test(test_many_questions_one_session),
		cmocka_unit_test(test_faulty_wire),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_own_trouble),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_node_behind_the_epoch),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_fetch_over_a_faulty_wire),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_own_store),
		cmocka_unit_test(test_sessions_are_bounded),
		cmocka_unit_test(test_node_moved),
		cmocka_unit_test(test_m6_closed_only_when_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

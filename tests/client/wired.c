/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "client/wired.h"

static void wire_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	struct scene *s = ctx;

	sim_net_send(s->wire, &s->node, to, data, len);
}

static void wire_take(void *arg, struct sim_net *n, const struct net_addr *from,
		      const struct net_addr *to, const void *data, size_t len)
{
	static const struct assay_version_msg version = {
		{1, ASSAY_VERSION_MSG, sizeof(version)}, 2, 3, 0};
	struct scene *s = arg;

	if (len == sizeof(struct assay_hello)) {
		if (s->hellos < 16)
			s->hello_ns[s->hellos] = s->liar->world.time.mono_ns;
		s->hellos++;
		if (s->hellos_lost > 0) {
			s->hellos_lost--;
			return;
		}
	}
	if (s->mode == WIRE_VERSION)
		sim_net_send(n, to, from, &version, sizeof(version));
	if (s->mode == WIRE_OPEN)
		liar_take(s->liar, from, data, len);
}

void wired_init(struct scene *s, uint64_t seed, uint64_t size)
{
	struct net_addr idle;

	*s = (struct scene){
		.node = world_addr(1, 9100), .self = world_addr(2, 5000), .random = seed + 1};
	assert_int_equal(hex_decode(s->config.session_secret, 32, WIRED_SECRET), 0);
	s->liar = liar_new(seed, size, "node-a", s->config.session_secret);
	liar_config(s->liar, &s->config, WIRED_NODE);
	s->liar->send = wire_send;
	s->liar->ctx = s;
	s->wire = sim_net_new(seed + 2, &s->liar->world.time);
	sim_net_set_faults(s->wire, (struct sim_net_faults){0, 0, 0, 100000, 300000});
	net_sim(s->wire, &s->node, wire_take, s);
	s->net = net_sim(s->wire, &s->self, NULL, NULL);
	idle = world_addr(3, 1);
	s->idle = net_sim(s->wire, &idle, NULL, NULL);
}

/* Time passes, and what is on the wire arrives. */
void wired_pass(struct scene *s, uint64_t ns)
{
	struct net_addr from;
	uint8_t byte;

	assert_int_equal(
		s->idle.receive(s->idle.ctx, &from, &byte, 1, s->liar->world.time.mono_ns + ns),
		ASSAY_E_TIMEOUT);
}

int wired_connect(struct scene *s)
{
	struct random random = random_sim(&s->random);

	return client_open_over(&s->client, &s->config, &s->net, &s->liar->world.clock, &random,
				s->why, sizeof(s->why));
}

void wired_open(struct scene *s, uint64_t seed, uint64_t size)
{
	wired_init(s, seed, size);
	if (wired_connect(s) != 0)
		fail_msg("%s", s->why);
}

void wired_close(struct scene *s)
{
	assay_client_close(s->client);
	sim_net_free(s->wire);
	assert_int_equal(world_imbalance(&s->liar->world), 0);
	liar_free(s->liar);
}

struct challenge_question wired_question(const struct scene *s, bool tree)
{
	struct challenge_question q = {
		.epoch = 7,
		.class = ASSAY_CLASS_INDEX,
		.bucket = ASSAY_BUCKET_OLD,
		.size = ASSAY_SIZE_UNKNOWN,
		.tree = tree,
	};

	memcpy(q.key, s->liar->world.artifact[0].record.key, 32);
	return q;
}

void wired_expect(struct scene *s, const struct challenge_question *q, enum assay_verdict want)
{
	struct challenge_answer a;
	int error = challenge_run(s->client, &a, q);

	if (error != 0)
		fail_msg("%s", assay_client_why(s->client));
	if (a.proof.report.verdict != want)
		fail_msg("%s (%s)", assay_verdict_name(a.proof.report.verdict), a.proof.report.why);
}

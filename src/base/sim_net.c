/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/sim.h"
#include "base/sim_random.h"

#define FLIGHT_MAX                                                                    \
	4096 /* datagrams on the wire and in inboxes; more are lost, as on a real one \
	      */
#define REORDER_EXTRA_NS 100000u

struct datagram {
	struct datagram *next; /* of its list, in order of arrival */
	uint64_t due_ns;
	struct net_addr from, to;
	size_t len;
	uint8_t bytes[];
};

struct endpoint {
	struct endpoint *next;
	struct sim_net *net;
	struct net_addr self;
	sim_net_handler handler;
	void *arg;
	struct datagram *inbox, **inbox_end;
};

struct sim_net {
	uint64_t seed;
	struct sim_clock *clock;
	struct sim_net_faults faults;
	struct endpoint *endpoints;
	struct datagram *wire; /* by due_ns; equal ones in the order they were sent */
	unsigned in_flight;
};

struct sim_net *sim_net_new(uint64_t seed, struct sim_clock *clock)
{
	struct sim_net *n = calloc(1, sizeof(*n));

	if (n != NULL) {
		n->seed = seed;
		n->clock = clock;
	}
	return n;
}

static void free_list(struct datagram *d)
{
	while (d != NULL) {
		struct datagram *next = d->next;

		free(d);
		d = next;
	}
}

void sim_net_free(struct sim_net *n)
{
	if (n == NULL)
		return;
	free_list(n->wire);
	while (n->endpoints != NULL) {
		struct endpoint *e = n->endpoints;

		n->endpoints = e->next;
		free_list(e->inbox);
		free(e);
	}
	free(n);
}

void sim_net_set_faults(struct sim_net *n, struct sim_net_faults faults)
{
	must(faults.delay_ns_min <= faults.delay_ns_max);
	n->faults = faults;
}

uint64_t sim_net_due(const struct sim_net *n)
{
	return n->wire != NULL ? n->wire->due_ns : UINT64_MAX;
}

static uint64_t delay_ns(struct sim_net *n)
{
	const struct sim_net_faults *f = &n->faults;
	uint64_t delay =
		f->delay_ns_min + sim_next(&n->seed) % (f->delay_ns_max - f->delay_ns_min + 1);

	if (sim_chance(&n->seed, f->reorder))
		delay += 1 + sim_next(&n->seed) % (4 * f->delay_ns_max + REORDER_EXTRA_NS);
	return delay;
}

static void launch(struct sim_net *n, const struct net_addr *from, const struct net_addr *to,
		   const void *data, size_t len)
{
	struct datagram **at = &n->wire, *d;

	if (n->in_flight == FLIGHT_MAX)
		return;
	d = malloc(sizeof(*d) + len);
	must(d != NULL);
	d->due_ns = n->clock->mono_ns + delay_ns(n);
	d->from = *from;
	d->to = *to;
	d->len = len;
	if (len > 0)
		memcpy(d->bytes, data, len);
	while (*at != NULL && (*at)->due_ns <= d->due_ns)
		at = &(*at)->next;
	d->next = *at;
	*at = d;
	n->in_flight++;
}

void sim_net_send(struct sim_net *n, const struct net_addr *from, const struct net_addr *to,
		  const void *data, size_t len)
{
	if (sim_chance(&n->seed, n->faults.loss))
		return;
	launch(n, from, to, data, len);
	if (sim_chance(&n->seed, n->faults.duplicate))
		launch(n, from, to, data, len);
}

static struct endpoint *find(struct sim_net *n, const struct net_addr *addr)
{
	for (struct endpoint *e = n->endpoints; e != NULL; e = e->next)
		if (e->self.port == addr->port &&
		    memcmp(e->self.ip, addr->ip, sizeof(addr->ip)) == 0)
			return e;
	return NULL;
}

/* Takes the next datagram off the wire, at its time, and gives it to whom it is for. */
static void deliver_next(struct sim_net *n)
{
	struct datagram *d = n->wire;
	struct endpoint *e = find(n, &d->to);

	n->wire = d->next;
	if (d->due_ns > n->clock->mono_ns)
		sim_clock_advance(n->clock, d->due_ns - n->clock->mono_ns);
	if (e != NULL && e->handler == NULL) {
		d->next = NULL;
		*e->inbox_end = d;
		e->inbox_end = &d->next;
		return;
	}
	n->in_flight--;
	if (e != NULL)
		e->handler(e->arg, n, &d->from, &d->to, d->bytes, d->len);
	free(d);
}

/* The first of the inbox; false when there is none. */
static bool take(struct endpoint *e, struct net_addr *from, void *out, size_t room, int *len)
{
	while (e->inbox != NULL) {
		struct datagram *d = e->inbox;
		bool fits = d->len <= room;

		e->inbox = d->next;
		if (e->inbox == NULL)
			e->inbox_end = &e->inbox;
		e->net->in_flight--;
		if (fits) {
			*from = d->from;
			memcpy(out, d->bytes, d->len);
			*len = (int)d->len;
		}
		free(d);
		if (fits)
			return true;
	}
	return false;
}

static int sim_receive(void *ctx, struct net_addr *from, void *out, size_t room,
		       uint64_t deadline_ns)
{
	struct endpoint *e = ctx;
	struct sim_net *n = e->net;
	int len;

	for (;;) {
		if (take(e, from, out, room, &len))
			return len;
		bool due = n->wire != NULL &&
			   (n->wire->due_ns <= deadline_ns || n->wire->due_ns <= n->clock->mono_ns);

		if (!due)
			break;
		deliver_next(n);
	}
	if (deadline_ns > n->clock->mono_ns)
		sim_clock_advance(n->clock, deadline_ns - n->clock->mono_ns);
	return ASSAY_E_TIMEOUT;
}

static int sim_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	struct endpoint *e = ctx;

	sim_net_send(e->net, &e->self, to, data, len);
	return 0;
}

struct net net_sim(struct sim_net *n, const struct net_addr *self, sim_net_handler handler,
		   void *arg)
{
	struct endpoint *e = calloc(1, sizeof(*e));

	must(e != NULL);
	e->net = n;
	e->self = *self;
	e->handler = handler;
	e->arg = arg;
	e->inbox_end = &e->inbox;
	e->next = n->endpoints;
	n->endpoints = e;
	return (struct net){sim_send, sim_receive, e};
}

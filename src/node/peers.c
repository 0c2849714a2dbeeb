/* SPDX-License-Identifier: Apache-2.0 */
#include "node/peers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/real.h"
#include "node/peers_impl.h"

#define SESSIONS_MAX 64
#define IDLE_NS	     (60 * LINK_NS_PER_S) /* without a request */
#define LATER_NS     (10 * LINK_NS_PER_S)

struct peers *peers_new(const struct peers_config *config)
{
	struct peers *p = calloc(1, sizeof(*p));

	must(p != NULL);
	p->config = *config;
	if (p->config.sessions_max == 0)
		p->config.sessions_max = SESSIONS_MAX;
	assay_init();
	return p;
}

static void peer_free(struct peers *p, struct peer *peer)
{
	struct net net = peer->client->flight.link.net;

	assay_client_close(peer->client);
	p->config.sockets.close(p->config.sockets.ctx, &net);
	free(peer);
}

void peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	while (p->tasks != NULL)
		peer_task_free(p, peer_task_take(&p->tasks, p->tasks));
	while (p->finished != NULL)
		peer_task_free(p, peer_task_take(&p->finished, p->finished));
	if (p->given != NULL)
		peer_task_free(p, p->given);
	for (unsigned i = 0; i < p->n; i++)
		peer_free(p, p->peer[i]);
	free(p->peer);
	wipe(p->config.session_secret, sizeof(p->config.session_secret));
	free(p);
}

unsigned peers_sessions(const struct peers *p)
{
	unsigned up = 0;

	for (unsigned i = 0; i < p->n; i++)
		up += link_state(&p->peer[i]->client->flight.link) == LINK_UP;
	return up;
}

/* --- the nodes */

static bool peer_busy(const struct peers *p, const struct peer *peer)
{
	for (const struct peer_task *t = p->tasks; t != NULL; t = t->next)
		if (t->peer == peer)
			return true;
	return false;
}

static void drop(struct peers *p, unsigned at)
{
	peer_free(p, p->peer[at]);
	p->peer[at] = p->peer[--p->n];
}

/* Room for one more: the one that was idle longest goes. */
static bool make_room(struct peers *p)
{
	unsigned oldest = p->n;

	if (p->n < p->config.sessions_max)
		return true;
	for (unsigned i = 0; i < p->n; i++)
		if (!peer_busy(p, p->peer[i]) &&
		    (oldest == p->n || p->peer[i]->used_ns < p->peer[oldest]->used_ns))
			oldest = i;
	if (oldest == p->n)
		return false;
	drop(p, oldest);
	return true;
}

bool peer_address(struct net_addr *out, const char *address)
{
	char first[256];
	size_t len = strcspn(address, ",");

	if (len >= sizeof(first))
		return false;
	memcpy(first, address, len);
	first[len] = '\0';
	return net_addr_parse(out, first) == 0;
}

static struct peer *peer_open(struct peers *p, const char *account, const struct peer_facts *facts,
			      const struct net_addr *remote)
{
	char address[64];
	struct assay_client_config config = {
		.account = p->config.account,
		.peer = {.account = account, .address = address},
	};
	struct peer *peer = calloc(1, sizeof(*peer));
	struct net net;

	must(peer != NULL);
	net_addr_format(address, remote);
	memcpy(config.session_secret, p->config.session_secret, 32);
	memcpy(config.network_id, p->config.network_id, 32);
	memcpy(config.peer.session_key, facts->session_key, 33);
	memcpy(config.peer.identity, facts->identity, 32);
	peer->facts = *facts;
	strcpy(peer->account, account);
	if (p->config.sockets.open(p->config.sockets.ctx, &net, remote) != 0) {
		free(peer);
		return NULL;
	}
	if (client_new_over(&peer->client, &config, &net, &p->config.clock, &p->config.random, NULL,
			    0) != 0) {
		p->config.sockets.close(p->config.sockets.ctx, &net);
		free(peer);
		peer = NULL;
	}
	wipe(config.session_secret, sizeof(config.session_secret));
	return peer;
}

/* The node with the keys and the address that the registry has now; NULL: it cannot be asked. */
static struct peer *peer_of(struct peers *p, const char *account, const char **why)
{
	struct peer_facts facts = {""};
	struct net_addr remote;
	struct peer *peer;

	*why = "not in the registry";
	if (!p->config.book.find(p->config.book.ctx, &facts, account))
		return NULL;
	for (unsigned i = 0; i < p->n; i++) {
		if (strcmp(p->peer[i]->account, account) != 0)
			continue;
		if (memcmp(&p->peer[i]->facts, &facts, sizeof(facts)) == 0)
			return p->peer[i];
		if (!peer_busy(p, p->peer[i])) {
			drop(p, i);
			break;
		}
		return p->peer[i]; /* what is under way ends with the old ones */
	}
	*why = "no address that can be spoken to";
	if (!peer_address(&remote, facts.address))
		return NULL;
	*why = "no free socket";
	if (!make_room(p))
		return NULL;
	peer = peer_open(p, account, &facts, &remote);
	if (peer == NULL)
		return NULL;
	p->peer = realloc(p->peer, (p->n + 1) * sizeof(*p->peer));
	must(p->peer != NULL);
	return p->peer[p->n++] = peer;
}

/* --- what is asked for */

static uint64_t now_ns(const struct peers *p)
{
	return clock_mono(&p->config.clock);
}

static struct peer_task *peer_task_add(struct peers *p, enum event_kind kind, uint64_t cookie,
				       const char *account, uint64_t deadline_ns)
{
	struct peer_task *t = calloc(1, sizeof(*t));

	must(t != NULL);
	t->kind = kind;
	t->cookie = cookie;
	t->deadline_ns = deadline_ns;
	t->probe = -1;
	t->self = strcmp(account, p->config.account) == 0;
	strcpy(t->account, account);
	peer_task_append(&p->tasks, t);
	return t;
}

static void port_ask(void *ctx, uint64_t cookie, const char *account, const struct question *q,
		     uint64_t deadline_ns)
{
	peer_task_add(ctx, EVENT_ASKED, cookie, account, deadline_ns)->question = *q;
}

static void port_fetch(void *ctx, uint64_t cookie, const char *account, const uint8_t key[32],
		       uint64_t size_max, uint64_t deadline_ns)
{
	struct peer_task *t = peer_task_add(ctx, EVENT_FETCHED, cookie, account, deadline_ns);

	memcpy(t->key, key, 32);
	t->size_max = size_max;
}

static void port_size(void *ctx, uint64_t cookie, const char *account, const uint8_t key[32],
		      uint64_t deadline_ns)
{
	memcpy(peer_task_add(ctx, EVENT_SIZED, cookie, account, deadline_ns)->key, key, 32);
}

static void port_probe(void *ctx, uint64_t cookie, const char *account, uint16_t port,
		       uint64_t deadline_ns)
{
	peer_task_add(ctx, EVENT_PROBED, cookie, account, deadline_ns)->port = port;
}

struct peer_port peers_port(struct peers *p)
{
	return (struct peer_port){port_ask, port_fetch, port_size, port_probe, p};
}

bool peer_port_carry(const struct peer_port *port, const struct effect *e)
{
	switch (e->kind) {
	case EFFECT_ASK:
		port->ask(port->ctx, e->cookie, e->account, &e->question, e->deadline_ns);
		return true;
	case EFFECT_FETCH:
		port->fetch(port->ctx, e->cookie, e->account, e->bytes.key, e->bytes.size_max,
			    e->deadline_ns);
		return true;
	case EFFECT_SIZE:
		port->size(port->ctx, e->cookie, e->account, e->bytes.key, e->deadline_ns);
		return true;
	case EFFECT_PROBE:
		port->probe(port->ctx, e->cookie, e->account, e->port, e->deadline_ns);
		return true;
	case EFFECT_ENTRY:
	case EFFECT_RESOLVE:
	case EFFECT_HEAL:
	case EFFECT_HEAL_CANCEL:
		break;
	}
	return false;
}

/* --- a turn */

/* Ends what cannot even begin; true when the task goes on. */
static bool begin(struct peers *p, struct peer_task *t)
{
	const char *why;

	if (t->begun)
		return true;
	t->begun = true;
	if (t->kind == EVENT_PROBED)
		return peer_task_probe(p, t);
	if (t->self)
		return peer_task_own(p, t);
	t->peer = peer_of(p, t->account, &why);
	if (t->peer == NULL) {
		peer_task_end(t, why);
		return false;
	}
	t->sent_before = t->peer->client->flight.link.stats.sent;
	t->peer->used_ns = now_ns(p);
	return peer_task_begin(p, t);
}

static void finish(struct peers *p, struct peer_task *t)
{
	if (t->peer != NULL)
		t->peer->used_ns = now_ns(p);
	peer_task_stop(p, t);
	peer_task_append(&p->finished, peer_task_take(&p->tasks, t));
}

/* Every task as far as it goes now. */
static uint64_t advance(struct peers *p)
{
	uint64_t due = UINT64_MAX, now = now_ns(p);

	for (struct peer_task *t = p->tasks, *next; t != NULL; t = next) {
		next = t->next;
		if (!begin(p, t) || !peer_task_step(p, t, now))
			finish(p, t);
		else if (t->deadline_ns < due)
			due = t->deadline_ns;
	}
	return due;
}

/* Sessions with something to do, and idle ones until they are old. */
static uint64_t poll(struct peers *p)
{
	uint64_t due = UINT64_MAX, now = now_ns(p), when;

	for (unsigned i = p->n; i-- > 0;) {
		struct peer *peer = p->peer[i];
		bool busy = peer_busy(p, peer);

		if (!busy && now - peer->used_ns > IDLE_NS) {
			drop(p, i);
			continue;
		}
		if (!busy && link_state(&peer->client->flight.link) == LINK_DOWN)
			continue;
		/* A handshake that nobody answered begins anew as long as a task waits for it. */
		if (flight_poll(&peer->client->flight, &when) != 0)
			when = now + LINK_NS_PER_MS;
		if (when < due)
			due = when;
	}
	return due;
}

uint64_t peers_turn(struct peers *p)
{
	uint64_t due, polled;

	advance(p); /* what was just asked for goes out with this turn */
	polled = poll(p);
	due = advance(p);
	if (p->finished != NULL)
		return 0;
	if (p->n > 0 && polled > now_ns(p) + LATER_NS)
		polled = now_ns(p) + LATER_NS; /* to notice idle ones */
	return polled < due ? polled : due;
}

bool peers_next(struct peers *p, struct node_event *out)
{
	if (p->given != NULL)
		peer_task_free(p, p->given);
	p->given = p->finished;
	if (p->given == NULL)
		return false;
	peer_task_take(&p->finished, p->given);
	*out = p->given->outcome;
	out->kind = p->given->kind;
	out->cookie = p->given->cookie;
	return true;
}

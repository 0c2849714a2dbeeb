/* SPDX-License-Identifier: Apache-2.0 */
/* A node on the simulated wire: the sockets of its peers, and the responder behind its address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "sim/run.h"

#define SERVER_PORT  4000
#define SOCKET_FIRST 5000
#define HOST_FIRST   10

struct arrived {
	struct arrived *next;
	struct net_addr from;
	size_t len;
	uint8_t bytes[];
};

/* The wire keeps endpoints for ever, so closed ones stay until the end. */
struct run_socket {
	struct run_socket *next;
	struct run_node *node;
	struct net wire;
	struct arrived *first, **last;
	bool open;
};

struct net_addr run_addr(unsigned node, uint16_t port)
{
	return world_addr(HOST_FIRST + node, port);
}

/* A partition separates the sides. */
static bool reaches(const struct run_node *n, const struct net_addr *to)
{
	const struct run *r = n->run;
	unsigned other = (unsigned)to->ip[15] - HOST_FIRST;

	return !n->frozen && other < r->nodes && r->node[other].side == n->side;
}

static void note_datagram(struct run_node *n, const struct net_addr *to, const void *data,
			  size_t len)
{
	n->run->datagrams++;
	run_note(n->run, n->number, "datagram", (uint64_t)to->ip[15] << 32 | to->port, data,
		 len < 64 ? len : 64);
}

/* --- sockets --- */

static int socket_send(void *ctx, const struct net_addr *to, const void *data, size_t len)
{
	struct run_socket *s = ctx;

	note_datagram(s->node, to, data, len);
	return reaches(s->node, to) ? s->wire.send(s->wire.ctx, to, data, len) : 0;
}

static void socket_take(void *arg, struct sim_net *wire, const struct net_addr *from,
			const struct net_addr *to, const void *data, size_t len)
{
	struct run_socket *s = arg;
	struct arrived *a;

	if (!s->open || !reaches(s->node, from))
		return;
	a = malloc(sizeof(*a) + len);
	must(a != NULL);
	*a = (struct arrived){.from = *from, .len = len};
	memcpy(a->bytes, data, len);
	*s->last = a;
	s->last = &a->next;
	s->node->turn_ns = s->node->run->now.mono_ns;
}

/* Never waits: the queue of moments does. */
static int socket_receive(void *ctx, struct net_addr *from, void *out, size_t room,
			  uint64_t deadline_ns)
{
	struct run_socket *s = ctx;
	struct arrived *a = s->first;
	int len = ASSAY_E_TIMEOUT;

	if (a == NULL)
		return len;
	s->first = a->next;
	if (s->first == NULL)
		s->last = &s->first;
	if (a->len <= room) {
		*from = a->from;
		memcpy(out, a->bytes, a->len);
		len = (int)a->len;
	}
	free(a);
	return len;
}

static int socket_open(void *ctx, struct net *out, const struct net_addr *remote)
{
	struct run_node *n = ctx;
	struct run_socket *s = calloc(1, sizeof(*s));
	const struct net_addr self = run_addr(n->number, (uint16_t)(SOCKET_FIRST + n->opened++));

	must(s != NULL);
	s->next = n->sockets;
	n->sockets = s;
	s->node = n;
	s->last = &s->first;
	s->open = true;
	s->wire = net_sim(n->run->wire, &self, socket_take, s);
	*out = (struct net){socket_send, socket_receive, s};
	return 0;
}

static void socket_empty(struct run_socket *s)
{
	while (s->first != NULL) {
		struct arrived *a = s->first;

		s->first = a->next;
		free(a);
	}
	s->last = &s->first;
	s->open = false;
}

static void socket_close(void *ctx, struct net *net)
{
	socket_empty(net->ctx);
}

struct peer_sockets run_sockets(struct run_node *n)
{
	return (struct peer_sockets){.open = socket_open, .close = socket_close, .ctx = n};
}

void run_sockets_free(struct run_node *n)
{
	while (n->sockets != NULL) {
		struct run_socket *s = n->sockets;

		n->sockets = s->next;
		socket_empty(s);
		free(s);
	}
}

/* --- the responder --- */

static void find_many(void *ctx, struct artifact **out, const uint8_t *const *keys, unsigned count)
{
	struct run_node *n = ctx;

	for (unsigned i = 0; i < count; i++) {
		const struct run_item *item = run_item_find(n->run, keys[i]);

		out[i] = item != NULL && n->vice != RUN_EMPTY && run_item_there(n, item)
				 ? &n->record[item - n->run->item]
				 : NULL;
	}
}

void run_server_fill(struct run_node *n)
{
	for (unsigned i = 0; i < n->run->items; i++) {
		const struct run_item *item = &n->run->item[i];
		struct artifact *a = &n->record[i];

		memset(a, 0, sizeof(*a));
		memcpy(a->key, item->key, 32);
		a->size = item->size;
		a->chunks = tree_chunks(item->size);
		atomic_store(&a->state, ARTIFACT_STORED);
		atomic_store(&a->bytes, n->vice == RUN_ROTTEN ? &item->bad : &item->good);
	}
}

void run_session_secret(uint8_t secret[32], unsigned node)
{
	struct sign_key key;
	uint8_t seed[32];
	char text[64];

	snprintf(text, sizeof(text), "session %u", node);
	digest_one(seed, NULL, text, strlen(text));
	must(sign_key_from_secret(&key, seed) == 0);
	memcpy(secret, key.secret, 32);
}

static void take_identity(struct world *w, const struct run_node *n)
{
	strcpy(w->self.account, n->who->account);
	w->self.identity = n->who->key;
	memcpy(w->self.network_id, n->run->net.net, 32);
	run_session_secret(w->self.session_secret, n->number);
	memcpy(w->self.noise.public, n->who->session_key, 33);
}

void run_server_epoch(struct run_node *n)
{
	uint64_t epoch = state_epoch(core_state(n->core));

	if (n->epoch == epoch)
		return;
	n->epoch = epoch;
	n->server->settings.any_epoch = false;
	n->server->settings.epoch[0] = epoch;
	n->server->settings.epoch[1] = epoch > 0 ? epoch - 1 : 0;
	n->server->settings.recheck_epochs = 7;
	world_publish(n->server);
}

void run_server_start(struct run_node *n)
{
	struct run *r = n->run;

	n->server = malloc(sizeof(*n->server));
	must(n->server != NULL);
	world_init(n->server, r->options.seed * 1000 + n->number * 50 + n->starts, 1);
	n->server->time = n->time;
	n->server->source = (struct artifact_source){find_many, n};
	take_identity(n->server, n);
	run_server_fill(n);
	for (unsigned i = 0; i < r->nodes; i++)
		if (i != n->number)
			world_peer(n->server, r->node[i].who->account, r->node[i].who->session_key);
	n->epoch = RUN_NEVER;
	run_server_epoch(n);
}

void run_server_stop(struct run_node *n)
{
	world_free(n->server);
	free(n->server);
	n->server = NULL;
}

static void server_take(void *arg, struct sim_net *wire, const struct net_addr *from,
			const struct net_addr *to, const void *data, size_t len)
{
	struct run_node *n = arg;
	struct world *w = n->server;
	struct path path = {.remote = *from, .local = *to};

	if (w == NULL || !reaches(n, from))
		return;
	w->time = n->run->now;
	w->time.wall_ns += (uint64_t)n->skew_ns;
	world_in(w, 0, &path, data, len);
	world_rest(w);
	for (unsigned i = 0; i < w->sent_count; i++) {
		const struct world_sent *s = &w->sent[i];

		note_datagram(n, &s->path.remote, s->data, s->len);
		sim_net_send(wire, to, &s->path.remote, s->data, s->len);
	}
	world_forget(w);
}

void run_server_listen(struct run_node *n)
{
	const struct net_addr self = run_addr(n->number, SERVER_PORT);

	net_sim(n->run->wire, &self, server_take, n);
}

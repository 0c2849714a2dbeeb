/* SPDX-License-Identifier: Apache-2.0 */
#include "client/fleet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/real.h"

static const unsigned active_max[TASK_KINDS] = {FLEET_PUSHES, FLEET_PULLS, FLEET_CALLS};

/* --- life --- */

int fleet_open_over(struct assay_fleet **out, const struct assay_client_config *config,
		    const struct fleet_sockets *sockets, const struct clock *clock,
		    const struct random *random)
{
	struct assay_fleet *f;
	size_t len = strlen(config->account);

	*out = NULL;
	if (len > ASSAY_ACCOUNT_MAX)
		return ASSAY_E_INVAL;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return ASSAY_E_NOMEM;
	f->config = *config;
	memcpy(f->account, config->account, len + 1);
	f->config.account = f->account;
	f->sockets = *sockets;
	f->clock = *clock;
	f->random = *random;
	f->epoll = -1;
	*out = f;
	return 0;
}

static int real_open(void *ctx, struct net *out, const struct net_addr *remote)
{
	const struct assay_fleet *f = ctx;
	struct epoll_event event = {.events = EPOLLIN};
	int error = net_real_open(out, remote);

	if (error != 0)
		return error;
	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, net_real_fd(out), &event) == 0)
		return 0;
	net_real_close(out);
	return ASSAY_E_IO;
}

static void real_close(void *ctx, struct net *net)
{
	net_real_close(net);
}

int assay_fleet_open(struct assay_fleet **out, const struct assay_client_config *config)
{
	const struct fleet_sockets sockets = {real_open, real_close, NULL};
	struct clock clock = clock_real();
	struct random random = random_real();
	int error = fleet_open_over(out, config, &sockets, &clock, &random);

	if (error != 0)
		return error;
	(*out)->sockets.ctx = *out;
	(*out)->epoll = epoll_create1(EPOLL_CLOEXEC);
	if ((*out)->epoll >= 0)
		return 0;
	assay_fleet_close(*out);
	*out = NULL;
	return ASSAY_E_IO;
}

static struct fleet_node *node_of(const struct assay_fleet *f, unsigned node)
{
	return node < f->nodes ? f->node[node] : NULL;
}

int assay_fleet_add(struct assay_fleet *f, const struct assay_peer *peer)
{
	struct assay_client_config config = f->config;
	struct fleet_node *n = f->nodes < FLEET_NODES_MAX ? calloc(1, sizeof(*n)) : NULL;
	struct net_addr remote;
	struct net net;
	int error;

	if (n == NULL)
		return f->nodes < FLEET_NODES_MAX ? ASSAY_E_NOMEM : ASSAY_E_FULL;
	config.peer = *peer;
	error = net_addr_parse(&remote, peer->address);
	if (error == 0)
		error = f->sockets.open(f->sockets.ctx, &net, &remote);
	if (error != 0)
		goto fail;
	error = client_new_over(&n->client, &config, &net, &f->clock, &f->random, NULL, 0);
	if (error == 0) {
		n->sender = sender_new(n->client);
		error = n->sender != NULL ? 0 : ASSAY_E_NOMEM;
	}
	if (error != 0) {
		assay_client_close(n->client);
		f->sockets.close(f->sockets.ctx, &net);
		goto fail;
	}
	for (unsigned kind = 0; kind < TASK_KINDS; kind++)
		TAILQ_INIT(&n->waiting[kind]);
	TAILQ_INIT(&n->active);
	f->node[f->nodes] = n;
	return (int)f->nodes++;
fail:
	free(n);
	return error;
}

void assay_fleet_close(struct assay_fleet *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < f->nodes; i++) {
		struct fleet_node *n = f->node[i];
		struct net net = n->client->flight.link.net;

		assay_fleet_cancel(f, i);
		sender_free(n->sender);
		assay_client_close(n->client);
		f->sockets.close(f->sockets.ctx, &net);
		free(n);
	}
	if (f->epoll >= 0)
		close(f->epoll);
	free(f);
}

/* --- tasks --- */

static int queue(struct assay_fleet *f, unsigned node, struct task *t)
{
	struct fleet_node *n = node_of(f, node);

	if (n == NULL) {
		free(t);
		return ASSAY_E_INVAL;
	}
	TAILQ_INSERT_TAIL(&n->waiting[t->kind], t, entry);
	n->left++;
	f->left++;
	return 0;
}

static struct task *task_new(enum task_kind kind, size_t body_len, assay_done done, void *arg)
{
	struct task *t = calloc(1, sizeof(*t) + body_len);

	if (t != NULL) {
		t->kind = kind;
		t->done = done;
		t->arg = arg;
	}
	return t;
}

int assay_fleet_push(struct assay_fleet *f, unsigned node, const struct assay_push *push,
		     assay_done done, void *arg)
{
	struct task *t = task_new(TASK_PUSH, 0, done, arg);

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->params = *push;
	return queue(f, node, t);
}

int assay_fleet_pull(struct assay_fleet *f, unsigned node, const struct assay_pull *pull,
		     assay_done done, void *arg)
{
	struct task *t = task_new(TASK_PULL, 0, done, arg);

	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->pull = *pull;
	return queue(f, node, t);
}

int assay_fleet_call(struct assay_fleet *f, unsigned node, const struct assay_question *question,
		     struct assay_reply *reply, assay_done done, void *arg)
{
	struct task *t;

	if (question->len > ASSAY_CALL_MAX)
		return ASSAY_E_RANGE;
	t = task_new(TASK_CALL, question->len, done, arg);
	if (t == NULL)
		return ASSAY_E_NOMEM;
	t->question = *question;
	t->question.body = t->body;
	if (question->len > 0)
		memcpy(t->body, question->body, question->len);
	t->reply = reply;
	return queue(f, node, t);
}

/* It is out of its list; whoever is told may queue more. */
static void finish(struct assay_fleet *f, struct fleet_node *n, struct task *t, int error)
{
	task_stop(t);
	n->left--;
	f->left--;
	t->done(t->arg, error, error != 0 ? n->client->why : "");
	free(t);
}

static void finish_active(struct assay_fleet *f, struct fleet_node *n, struct task *t, int error)
{
	TAILQ_REMOVE(&n->active, t, entry);
	n->active_count[t->kind]--;
	finish(f, n, t, error);
}

/* All that is there now: what a callback queues meanwhile stays. */
static void finish_all(struct assay_fleet *f, struct fleet_node *n, int error)
{
	struct task_list all = TAILQ_HEAD_INITIALIZER(all);
	struct task *t;

	TAILQ_CONCAT(&all, &n->active, entry);
	for (unsigned kind = 0; kind < TASK_KINDS; kind++) {
		TAILQ_CONCAT(&all, &n->waiting[kind], entry);
		n->active_count[kind] = 0;
	}
	while ((t = TAILQ_FIRST(&all)) != NULL) {
		TAILQ_REMOVE(&all, t, entry);
		finish(f, n, t, error);
	}
}

void assay_fleet_cancel(struct assay_fleet *f, unsigned node)
{
	struct fleet_node *n = node_of(f, node);

	if (n == NULL || n->left == 0)
		return;
	client_fail(n->client, ASSAY_E_CLOSED, "cancelled");
	finish_all(f, n, ASSAY_E_CLOSED);
}

unsigned assay_fleet_left(const struct assay_fleet *f, unsigned node)
{
	const struct fleet_node *n = node_of(f, node);

	return n != NULL ? n->left : 0;
}

unsigned assay_fleet_left_all(const struct assay_fleet *f)
{
	return f->left;
}

const struct assay_client_stats *assay_fleet_stats(const struct assay_fleet *f, unsigned node)
{
	const struct fleet_node *n = node_of(f, node);

	return n != NULL ? assay_client_stats(n->client) : NULL;
}

/* --- steps --- */

static unsigned open_pushes(const struct fleet_node *n)
{
	const struct task *t;
	unsigned open = 0;

	TAILQ_FOREACH(t, &n->active, entry)
	open += t->kind == TASK_PUSH && push_is_open(t->push);
	return open;
}

/* True when one more of that kind may begin. */
static bool has_room(const struct fleet_node *n, unsigned kind)
{
	return n->active_count[kind] < active_max[kind] &&
	       n->client->flight.count < FLIGHT_MAX / 2 &&
	       (kind != TASK_PUSH || open_pushes(n) < FLEET_OPEN);
}

static void start_waiting(struct assay_fleet *f, struct fleet_node *n, uint64_t *due_ns)
{
	for (unsigned kind = 0; kind < TASK_KINDS; kind++) {
		struct task *t;

		while ((t = TAILQ_FIRST(&n->waiting[kind])) != NULL && has_room(n, kind)) {
			uint64_t due = UINT64_MAX;
			int error;

			TAILQ_REMOVE(&n->waiting[kind], t, entry);
			TAILQ_INSERT_TAIL(&n->active, t, entry);
			n->active_count[kind]++;
			error = task_start(n, t);
			if (error == 0)
				error = task_step(n, t, &due);
			if (error != ASSAY_E_AGAIN)
				finish_active(f, n, t, error);
			if (due < *due_ns)
				*due_ns = due;
		}
	}
}

/* One that was not stepped in this round. A callback may end any of them. */
static struct task *next_active(struct fleet_node *n)
{
	struct task *t;

	TAILQ_FOREACH(t, &n->active, entry)
	if (t->round != n->round)
		return t;
	return NULL;
}

static void step_active(struct assay_fleet *f, struct fleet_node *n, uint64_t *due_ns)
{
	struct task *t;

	n->round++;
	while ((t = next_active(n)) != NULL) {
		uint64_t due;
		int error;

		t->round = n->round;
		error = task_step(n, t, &due);
		if (due < *due_ns)
			*due_ns = due;
		if (error != ASSAY_E_AGAIN)
			finish_active(f, n, t, error);
	}
}

static uint64_t step_node(struct assay_fleet *f, struct fleet_node *n)
{
	struct flight *flight = &n->client->flight;
	uint64_t due_ns, task_due_ns = UINT64_MAX;
	int error;

	if (n->left == 0)
		return UINT64_MAX;
	error = flight_poll(flight, &due_ns);
	if (error != 0) {
		client_fail_link(n->client, error);
		finish_all(f, n, error);
		return n->left > 0 ? 0 : UINT64_MAX;
	}
	step_active(f, n, &task_due_ns);
	start_waiting(f, n, &task_due_ns);
	if (due_ns != 0) /* 0: more has arrived */
		due_ns = flight_due(flight);
	return task_due_ns < due_ns ? task_due_ns : due_ns;
}

uint64_t assay_fleet_step(struct assay_fleet *f)
{
	uint64_t due_ns = UINT64_MAX;

	for (unsigned i = 0; i < f->nodes; i++) {
		uint64_t due = step_node(f, f->node[i]);

		if (due < due_ns)
			due_ns = due;
	}
	return due_ns;
}

int assay_fleet_fd(const struct assay_fleet *f)
{
	return f->epoll;
}

void assay_fleet_wait(struct assay_fleet *f, uint32_t wait_ms)
{
	uint64_t due_ns = assay_fleet_step(f), now = clock_mono(&f->clock);
	uint64_t left_ms = due_ns > now ? (due_ns - now + LINK_NS_PER_MS - 1) / LINK_NS_PER_MS : 0;
	struct epoll_event events[16];

	if (left_ms > wait_ms)
		left_ms = wait_ms;
	if (left_ms > 0 && f->left > 0)
		epoll_wait(f->epoll, events, 16, (int)left_ms);
	assay_fleet_step(f);
}

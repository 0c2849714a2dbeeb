/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/entry.h"
#include "ledger/rules.h"
#include "node/core_impl.h"

#define N_PER_MS 1000 /* entries of one millisecond that differ in n */

/* --- what the replica tells --- */

static void on_event(void *ctx, const struct state_event *event)
{
	struct core *c = ctx;

	if (c->states != NULL && event->kind == STATE_SEALED)
		statewriter_prune(c->states, core_state(c));
	c->heals_changed |= event->kind == STATE_HEAL_CHANGED;
	c->nodes_changed += event->kind == STATE_NODE_CHANGED;
	if (c->config.listener.event != NULL)
		c->config.listener.event(c->config.listener.ctx, event);
}

static void on_applied(void *ctx, uint64_t seq, const struct entry_result *result)
{
	struct core *c = ctx;

	if (c->config.listener.applied != NULL)
		c->config.listener.applied(c->config.listener.ctx, seq, result);
}

static void on_outcome(void *ctx, uint64_t cookie, const uint8_t id[32],
		       const struct entry_outcome *outcome)
{
	struct core *c = ctx;
	struct ended *e;

	if (cookie == 0)
		return; /* of before the start: whoever wanted it looks into the ledger */
	if (c->ended_n == c->ended_room) {
		c->ended_room = 2 * c->ended_room + 16;
		c->ended = realloc(c->ended, c->ended_room * sizeof(*c->ended));
		must(c->ended != NULL);
	}
	e = &c->ended[c->ended_n++];
	*e = (struct ended){.cookie = cookie, .outcome = *outcome};
	memcpy(e->id, id, 32);
}

static void on_edge(void *ctx, uint64_t epoch)
{
	struct core *c = ctx;

	statewriter_edge(c->states, core_state(c), epoch);
}

static void on_edge_over(void *ctx, uint64_t epoch, bool ended)
{
	struct core *c = ctx;

	statewriter_edge_over(c->states, core_state(c), ended);
}

static void on_replaced(void *ctx, struct state *state)
{
	struct core *c = ctx;

	c->view = ledger_view_of(state);
	if (c->runner != NULL)
		runner_replaced(c->runner, &c->view);
}

/* --- what the parts ask for --- */

static int sign_with_identity(void *ctx, uint8_t signature[64], const char *tag,
			      const struct sha256_part *parts, size_t n)
{
	struct core *c = ctx;
	uint8_t aux[32];

	random_fill(&c->config.peers.random, aux, sizeof(aux));
	sign_tagged(signature, c->config.identity, tag, parts, n, aux);
	return 0;
}

/* Who a node is, by the ledger. */
static bool book_find(void *ctx, struct peer_facts *out, const char *account)
{
	struct core *c = ctx;
	const struct node *node = node_find(core_state(c), account);

	if (node == NULL)
		return false;
	snprintf(out->address, sizeof(out->address), "%s", text_of(node->address));
	return hex_decode(out->session_key, 33, text_of(node->session_key)) == 0 &&
	       hex_decode(out->identity, 32, text_of(node->key)) == 0;
}

static uint64_t fresh_n(struct core *c, struct moment now)
{
	uint64_t n = now.wall_ms * N_PER_MS;

	c->last_n = n > c->last_n ? n : c->last_n + 1;
	return c->last_n;
}

int core_put(struct core *c, uint64_t cookie, enum entry_class class, const char *type,
	     const json_t *data, uint64_t n, struct moment now)
{
	struct state *s = core_state(c);
	struct state_origin origin;
	struct buf bytes = {0};
	char net[65];
	uint8_t id[32], aux[32];
	struct entry_body body = {.author = c->config.peers.account,
				  .type = type,
				  .net = net,
				  .epoch = state_epoch(s),
				  .n = n == CORE_FRESH ? fresh_n(c, now) : n,
				  .data = data};
	int error;

	state_origin(s, &origin);
	hex_encode(net, origin.net, 32);
	random_fill(&c->config.peers.random, aux, sizeof(aux));
	error = entry_sign(&bytes, id, c->config.identity, &body, aux);
	if (error == 0)
		error = replica_put(c->replica, cookie, class, (const uint8_t *)bytes.at, bytes.len,
				    now);
	buf_free(&bytes);
	return error == ASSAY_E_EXISTS ? 0 : error;
}

/* --- effects and events --- */

static void carry_entry(struct core *c, const struct effect *e, struct moment now)
{
	json_t *data = json_loads(e->entry.data, 0, NULL);
	int error;

	must(data != NULL);
	error = core_put(c, e->cookie, e->entry.class, e->entry.type, data, e->entry.n, now);
	json_decref(data);
	if (error != 0) {
		struct entry_outcome never = {.end = ENTRY_EXPIRED, .reason = ""};

		log_warning(&c->config.peers.log, "ledger", "an entry cannot be sent now",
			    "type=%s error=\"%s\"", e->entry.type, assay_error_text(error));
		on_outcome(c, e->cookie, (const uint8_t[32]){0}, &never);
	}
}

/* Effects may come of effects only by events, so one pass is enough. */
static void carry(struct core *c, struct moment now)
{
	for (size_t i = 0; i < c->effects.n; i++) {
		const struct effect *e = &c->effects.list[i];

		if (e->kind == EFFECT_ENTRY)
			carry_entry(c, e, now);
		else if (!core_carry_heal(c, e))
			must(peer_port_carry(&c->port, e));
	}
	effects_clear(&c->effects);
}

void core_step(struct core *c, const struct node_event *event, struct moment now)
{
	runner_step(c->runner, event, now, &c->effects);
	carry(c, now);
}

static void tell_applied(struct core *c, struct moment now)
{
	struct replica_status status;
	struct node_event event = {.kind = EVENT_APPLIED};

	replica_status(c->replica, &status);
	event.caught_up = status.condition == REPLICA_CURRENT;
	if (status.seq == c->seq && event.caught_up == c->caught_up)
		return;
	c->seq = status.seq;
	c->caught_up = event.caught_up;
	event.heals_changed = c->heals_changed;
	c->heals_changed = false;
	core_step(c, &event, now);
}

static void tell_ended(struct core *c, struct moment now)
{
	for (size_t i = 0; i < c->ended_n; i++) {
		struct ended e = c->ended[i];
		struct node_event event = {
			.kind = EVENT_ENTRY, .cookie = e.cookie, .entry = e.outcome};

		if (e.cookie >= CORE_COOKIES)
			core_step(c, &event, now);
		else if (c->config.listener.outcome != NULL)
			c->config.listener.outcome(c->config.listener.ctx, e.cookie, e.id,
						   &e.outcome);
	}
	c->ended_n = 0;
}

static uint64_t turn_peers(struct core *c, struct moment now)
{
	struct node_event event;
	uint64_t due = peers_turn(c->peers);

	while (peers_next(c->peers, &event)) {
		core_step(c, &event, now);
		due = peers_turn(c->peers);
	}
	return due;
}

uint64_t core_turn(struct core *c, struct moment now)
{
	struct node_event turn = {.kind = EVENT_TURN};
	bool more = replica_turn(c->replica, now);
	uint64_t peers_due, due;

	if (c->states != NULL)
		more |= statewriter_turn(c->states, core_state(c));
	tell_applied(c, now);
	tell_ended(c, now);
	if (now.mono_ns >= c->due)
		core_step(c, &turn, now);
	peers_due = turn_peers(c, now);
	core_turn_heal(c, now);
	tell_ended(c, now);
	c->due = runner_due(c->runner, now);
	if (more)
		return now.mono_ns;
	due = replica_due(c->replica); /* with what this turn put */
	due = peers_due < due ? peers_due : due;
	return c->due < due ? c->due : due;
}

void core_stop(struct core *c, struct moment now)
{
	struct node_event stop = {.kind = EVENT_STOP};

	core_step(c, &stop, now);
}

bool core_stopped(const struct core *c, struct moment now)
{
	return runner_stopped(c->runner, now);
}

/* --- life --- */

static int open_replica(struct core *c, char *why, size_t why_room)
{
	const struct core_config *config = &c->config;
	struct replica_config replica = {
		.db = config->db,
		.genesis = config->genesis,
		.genesis_len = config->genesis_len,
		.self = config->peers.account,
		.log = config->peers.log,
		.random = config->peers.random,
		.failpoints = config->failpoints,
		.event = on_event,
		.applied = on_applied,
		.outcome = on_outcome,
		.replaced = on_replaced,
		.ctx = c,
	};

	if (c->states != NULL) {
		replica.epoch_edge = on_edge;
		replica.epoch_edge_over = on_edge_over;
	}
	return replica_open(&c->replica, why, why_room, &replica);
}

static int open_states(struct core *c, char *why, size_t why_room)
{
	struct statewriter_config config = {
		.db = c->config.db, .disk = c->config.states, .log = c->config.peers.log};
	int error;

	if (config.disk.open == NULL)
		return 0;
	error = statewriter_new(&c->states, &config);
	if (error != 0)
		snprintf(why, why_room, "the folder " STATES_DIR " cannot be used: %s",
			 assay_error_text(error));
	return error;
}

static void open_runner(struct core *c, unsigned heal_folders)
{
	struct runner_config runner = {
		.signer = {sign_with_identity, c},
		.log = c->config.peers.log,
		.settings = c->config.settings,
		.local = c->local,
		.reveal = c->config.reveal,
		.heal = c->config.heal,
		.failpoints = c->config.failpoints,
		.heal_folders = heal_folders,
	};
	uint8_t boot[16];

	c->view = ledger_view_of(core_state(c));
	runner.ledger = c->view;
	strcpy(runner.account, c->config.peers.account);
	random_fill(&c->config.peers.random, boot, sizeof(boot));
	hex_encode(runner.boot, boot, sizeof(boot));
	c->runner = runner_new(&runner);
}

int core_new(struct core **out, char *why, size_t why_room, const struct core_config *config)
{
	struct core *c = calloc(1, sizeof(*c));
	unsigned folders;
	int error;

	*out = NULL;
	must(c != NULL);
	c->config = *config;
	error = open_states(c, why, why_room);
	if (error == 0)
		error = open_replica(c, why, why_room);
	if (error == 0)
		error = local_open(&c->local, config->db, why, why_room);
	if (error == 0)
		error = core_sweep_staging(c, &folders, why, why_room);
	if (error != 0) {
		core_free(c);
		return error;
	}
	if (c->config.peers.book.find == NULL)
		c->config.peers.book = (struct peer_book){book_find, c};
	c->peers = peers_new(&c->config.peers);
	must(c->peers != NULL);
	c->port = peers_port(c->peers);
	open_runner(c, folders);
	*out = c;
	return 0;
}

void core_free(struct core *c)
{
	if (c == NULL)
		return;
	runner_free(c->runner);
	peers_free(c->peers);
	statewriter_free(c->states);
	replica_close(c->replica);
	local_close(c->local);
	effects_free(&c->effects);
	free(c->ended);
	free(c);
}

void core_attach(struct core *c, struct feed *feed)
{
	replica_attach(c->replica, feed);
}

struct replica *core_replica(struct core *c)
{
	return c->replica;
}

struct state *core_state(struct core *c)
{
	return replica_state(c->replica);
}

struct runner *core_runner(struct core *c)
{
	return c->runner;
}

struct peers *core_peers(struct core *c)
{
	return c->peers;
}

uint64_t core_seq(const struct core *c)
{
	return replica_seq(c->replica);
}

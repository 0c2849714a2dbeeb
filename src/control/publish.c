/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot for the workers. A key keeps its slot for as long as it is registered; a slot that
 * became free is given out again as late as possible, since sessions of its old key may live on
 * until the workers have seen the snapshot.
 */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "control/network.h"

struct slot {
	bool used, seen;
	char account[ASSAY_ACCOUNT_MAX + 1];
	struct noise_peer noise; /* costs a curve operation, so it is kept */
};

struct publisher {
	uint64_t generation;
	uint32_t next; /* where the search for a free slot starts */
	struct slot slots[VIEW_PEERS_MAX];
};

static_assert(REGISTRY_ENTRIES_MAX <= VIEW_PEERS_MAX, "every entry gets a slot");

struct publisher *publisher_new(void)
{
	return calloc(1, sizeof(struct publisher));
}

void publisher_free(struct publisher *p)
{
	if (p != NULL)
		wipe(p, sizeof(*p));
	free(p);
}

static uint32_t slot_of(struct publisher *p, const struct registry_entry *e)
{
	for (uint32_t i = 0; i < VIEW_PEERS_MAX; i++)
		if (p->slots[i].used &&
		    memcmp(p->slots[i].noise.remote_static, e->session_key, 33) == 0 &&
		    strcmp(p->slots[i].account, e->account) == 0)
			return i;
	return VIEW_PEERS_MAX;
}

static uint32_t slot_new(struct publisher *p, const struct registry_entry *e,
			 const struct node_self *self)
{
	uint32_t i = p->next;

	for (unsigned tried = 0; p->slots[i].used; tried++) {
		must(tried < VIEW_PEERS_MAX);
		i = (i + 1) % VIEW_PEERS_MAX;
	}
	p->next = (i + 1) % VIEW_PEERS_MAX;
	p->slots[i].used = true;
	snprintf(p->slots[i].account, sizeof(p->slots[i].account), "%s", e->account);
	/* The registry took the key for a point of the curve. */
	must(noise_peer_init(&p->slots[i].noise, &self->noise, e->session_key, false, e->account,
			     self->account));
	return i;
}

static void fill_peer(struct view_peer *peer, const struct registry_entry *e,
		      const struct config *config)
{
	snprintf(peer->account, sizeof(peer->account), "%s", e->account);
	peer->permissions = e->permissions;
	peer->session_limit = e->sessions != 0 ? e->sessions : (uint32_t)config->session_limit;
	peer->rate_kib = e->rate_kib != 0 ? e->rate_kib : (uint32_t)config->rate_kib;
	peer->burst_kib = e->burst_kib != 0 ? e->burst_kib : (uint32_t)config->burst_kib;
}

/* Slots of keys that left the registry come free, before new keys look for one. */
static void release_slots(struct publisher *p, const struct registry *registry)
{
	for (uint32_t i = 0; i < VIEW_PEERS_MAX; i++)
		p->slots[i].seen = false;
	for (unsigned i = 0; i < registry->count; i++) {
		uint32_t slot = slot_of(p, &registry->entries[i]);

		if (slot < VIEW_PEERS_MAX)
			p->slots[slot].seen = true;
	}
	for (uint32_t i = 0; i < VIEW_PEERS_MAX; i++)
		if (p->slots[i].used && !p->slots[i].seen)
			wipe(&p->slots[i], sizeof(p->slots[i]));
}

/* All entries but this node's own; how many. */
static uint32_t fill_peers(struct control *c, struct view_peer *peers)
{
	const struct registry *registry = c->app->registry;
	struct publisher *p = c->publisher;
	uint32_t count = 0;

	release_slots(p, registry);
	for (unsigned i = 0; i < registry->count; i++) {
		const struct registry_entry *e = &registry->entries[i];
		uint32_t slot;

		if (strcmp(e->account, c->app->self.account) == 0)
			continue;
		slot = slot_of(p, e);
		if (slot == VIEW_PEERS_MAX)
			slot = slot_new(p, e, &c->app->self);
		fill_peer(&peers[count], e, &c->app->config);
		peers[count].noise = p->slots[slot].noise;
		peers[count].slot = slot;
		count++;
	}
	return count;
}

int publish_view(struct control *c)
{
	const struct config *config = &c->app->config;
	struct view settings = {
		.generation = c->publisher->generation + 1,
		.draining = c->state == RPC_IN_DRAIN,
		.any_epoch = true,
		.ranges_max = (uint8_t)config->ranges_max,
		.length_max = (uint16_t)config->length_max,
		.payload_limit = (uint16_t)config->datagram_limit,
		.idle_s = (uint16_t)config->session_idle_s,
		.life_s = (uint16_t)config->session_life_s,
		.in_flight = (uint16_t)config->session_in_flight,
	};
	struct view_peer *peers = calloc(c->app->registry->count + 1u, sizeof(*peers));
	struct view *view;

	if (peers == NULL)
		return ASSAY_E_NOMEM;
	if (c->app->network != NULL && network_view(c->app->network, &settings) != 0) {
		free(peers);
		return ASSAY_E_NOMEM;
	}
	view = view_build(&settings, peers, fill_peers(c, peers));
	if (view == NULL) {
		free(peers);
		free((void *)settings.grants);
		return ASSAY_E_NOMEM;
	}
	c->publisher->generation++;
	c->app->plane.publish(c->app->plane.ctx, view);
	log_debug(&c->app->log, "control", "snapshot published",
		  "generation=%lu peers=%u grants=%u", view->generation, view->peer_count,
		  view->grant_count);
	return 0;
}

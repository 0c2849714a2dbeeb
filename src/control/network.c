/* SPDX-License-Identifier: Apache-2.0 */
#include "control/network.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sysexits.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "control/garbage.h"
#include "control/network_impl.h"
#include "crypto/digest.h"
#include "ledger/entry.h"
#include "ledger/jcs.h"
#include "ledger/params.h"
#include "node/node_db.h"

#define GENESIS_MAX ((size_t)1 << 30)
#define NS_PER_US   1000u
#define US_PER_S    1000000u

static struct moment moment_of(const struct app *app)
{
	return (struct moment){clock_mono(&app->clock), clock_wall(&app->clock) / NS_PER_MS};
}

/* --- the genesis document --- */

static char *file_read(size_t *len, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	long size = -1;

	if (in != NULL && fseek(in, 0, SEEK_END) == 0)
		size = ftell(in);
	if (size >= 0 && (size_t)size <= GENESIS_MAX && fseek(in, 0, SEEK_SET) == 0)
		text = malloc((size_t)size + 1);
	if (text != NULL && fread(text, 1, (size_t)size, in) != (size_t)size) {
		free(text);
		text = NULL;
	}
	if (text != NULL)
		text[ *len = (size_t)size] = '\0';
	if (in != NULL)
		fclose(in);
	return text;
}

int genesis_read(char **document, size_t *len, uint8_t network_id[32], char *why, size_t why_room,
		 const char *path)
{
	struct buf canonical = {0};
	enum jcs_error error;
	json_t *value;
	bool same;

	*document = file_read(len, path);
	if (*document == NULL) {
		snprintf(why, why_room, "genesis: %s: cannot be read", path);
		return ASSAY_E_IO;
	}
	value = jcs_parse(&error, *document, *len, GENESIS_MAX);
	if (value != NULL)
		jcs_write(&canonical, value);
	same = value != NULL && canonical.len == *len && memcmp(canonical.at, *document, *len) == 0;
	if (same)
		log_hash_genesis(network_id, value);
	buf_free(&canonical);
	if (!same) {
		snprintf(why, why_room,
			 "genesis: %s: not the bytes that `assayctl ledger init` wrote (%s)", path,
			 value == NULL ? jcs_error_name(error) : "not canonical");
		free(*document);
		*document = NULL;
	}
	json_decref(value);
	return same ? 0 : ASSAY_E_INVAL;
}

/* --- what the core tells --- */

static void on_event(void *ctx, const struct state_event *event)
{
	struct network *n = ctx;

	switch (event->kind) {
	case STATE_NODE_CHANGED:
		n->registry_changed = true;
		break;
	case STATE_EPOCH_STARTED:
	case STATE_PARAMS_CHANGED:
		n->view_changed = true;
		break;
	case STATE_HEAL_CHANGED:
		network_heal_changed(n, event->number);
		break;
	case STATE_TICKET_CHANGED:
		garbage_changed(n->app->garbage, event->ticket);
		break;
	default:
		break;
	}
}

static void on_outcome(void *ctx, uint64_t cookie, const uint8_t id[32],
		       const struct entry_outcome *outcome)
{
	struct network *n = ctx;

	for (unsigned i = 0; i < NETWORK_WAITS_MAX; i++) {
		struct network_wait *w = &n->waits[i], wait = *w;

		if (w->cookie != cookie || w->done == NULL)
			continue;
		/* One that has no verdict in time may still get one. */
		if (outcome->end != ENTRY_OPEN)
			*w = (struct network_wait){0};
		wait.done(wait.ctx, id, outcome);
		return;
	}
}

int network_put(struct network *n, enum entry_class class, const char *type, const json_t *data,
		uint64_t entry_n, network_done done, void *ctx)
{
	struct network_wait *w = NULL;
	int error;

	for (unsigned i = 0; i < NETWORK_WAITS_MAX && w == NULL; i++)
		if (n->waits[i].done == NULL)
			w = &n->waits[i];
	if (w == NULL)
		return ASSAY_E_FULL;
	*w = (struct network_wait){++n->cookies, done, ctx};
	error = core_put(n->core, w->cookie, class, type, data, entry_n, moment_of(n->app));
	if (error != 0)
		*w = (struct network_wait){0};
	else if (n->turn != NULL)
		event_active(n->turn, EV_TIMEOUT, 0);
	return error;
}

void network_forget(struct network *n, const void *ctx)
{
	for (unsigned i = 0; n != NULL && i < NETWORK_WAITS_MAX; i++)
		if (n->waits[i].ctx == ctx)
			n->waits[i] = (struct network_wait){0};
}

/* --- the registry and the snapshot --- */

static bool entry_of(struct registry_entry *out, const struct node *node)
{
	*out = (struct registry_entry){
		.node = true,
		.has_pop = true,
		.permissions = ASSAY_MAY_PROVE | ASSAY_MAY_READ | ASSAY_MAY_WRITE | ASSAY_MAY_CALL,
	};
	snprintf(out->account, sizeof(out->account), "%s", node->record.key);
	snprintf(out->address, sizeof(out->address), "%.*s",
		 (int)strcspn(text_of(node->address), ","), text_of(node->address));
	snprintf(out->operator_name, sizeof(out->operator_name), "%s", text_of(node->operator));
	return hex_decode(out->key, 32, text_of(node->key)) == 0 &&
	       hex_decode(out->session_key, 33, text_of(node->session_key)) == 0 &&
	       hex_decode(out->session_pop, 64, text_of(node->session_pop)) == 0 &&
	       hex_decode(out->enc_key, 33, text_of(node->enc_key)) == 0;
}

int network_registry(struct network *n, struct registry *registry)
{
	struct tables *tables = state_tables(core_state(n->core));
	char why[REGISTRY_WHY_MAX];

	for (unsigned i = registry->count; i-- > 0;)
		if (registry->entries[i].node)
			registry_remove(registry, registry->entries[i].account, why);
	for (struct node *node = table_first(tables, T_NODES); node != NULL;
	     node = table_next(tables, node)) {
		struct registry_entry entry;

		if (node->state == NODE_DISABLED || !entry_of(&entry, node))
			continue;
		if (registry_add(registry, &entry, why) != 0)
			log_warning(&n->app->log, "registry", why, "account=%s", entry.account);
	}
	return 0;
}

int network_view(struct network *n, struct view *settings)
{
	struct state *s = core_state(n->core);
	const struct params *p = params_current(state_tables(s));
	uint64_t epoch = state_epoch(s);

	settings->any_epoch = false;
	settings->epoch[0] = epoch;
	settings->epoch[1] = epoch > 0 ? epoch - 1 : 0;
	settings->recheck_epochs = n->app->config.recheck_lookback;
	settings->ranges_max = (uint8_t)p->storage_truth_compound_ranges_per_artifact;
	settings->length_max = (uint16_t)p->storage_truth_compound_range_len_bytes;
	return network_grants(n, settings);
}

void network_reload(struct network *n)
{
	if (n != NULL)
		replica_races(core_replica(n->core),
			      (unsigned)n->app->config.heal_sequence_attempts);
}

/* --- turns --- */

/* How full the disk of the artifacts is, and how much of it they are. */
static void tell_host(struct network *n)
{
	struct host_facts host = {0};
	struct store_stats stats;
	struct statvfs fs;

	store_stats(n->app->store, &stats);
	host.stored_bytes = stats.bytes;
	if (statvfs(n->app->config.state_dir, &fs) == 0 && fs.f_blocks > 0)
		host.disk = (uint32_t)(10000 - 10000 * fs.f_bavail / fs.f_blocks);
	runner_host(core_runner(n->core), &host);
}

static int publish_registry(struct network *n)
{
	json_t *result = NULL;
	struct rpc_error error = {0};
	int failed = reload_registry(n->control, &result, &error);

	if (failed != 0 && failed != ASSAY_E_NOMEM)
		log_error(&n->app->log, "registry", error.message, NULL);
	json_decref(result);
	return failed;
}

/* A registry that cannot be read keeps nothing else back. Without memory the next turn tries again:
 * a grant that has ended must not live on in the workers. */
static void publish_changes(struct network *n)
{
	int failed = n->registry_changed ? publish_registry(n) : 0;

	if (n->view_changed && (!n->registry_changed || failed == ASSAY_E_INVAL))
		failed = publish_view(n->control);
	if (failed == ASSAY_E_NOMEM) {
		if (!n->unpublished)
			log_warning(&n->app->log, "control", "out of memory",
				    "the workers keep their former epochs for now");
		n->unpublished = true;
		return;
	}
	n->unpublished = n->registry_changed = n->view_changed = false;
}

static void turn(struct network *n)
{
	struct moment now = moment_of(n->app);
	uint64_t due = core_turn(n->core, now);
	uint64_t wait_us = due > now.mono_ns ? (due - now.mono_ns) / NS_PER_US + 1 : 0;
	struct timeval wait;

	if (wait_us > US_PER_S)
		wait_us = US_PER_S;
	wait = (struct timeval){(time_t)(wait_us / US_PER_S), (suseconds_t)(wait_us % US_PER_S)};
	n->view_changed |= core_heal_generation(n->core) != n->heal_generation;
	if (n->registry_changed || n->view_changed)
		publish_changes(n);
	if (now.mono_ns >= n->host_ns) {
		n->host_ns = now.mono_ns + 10 * (uint64_t)US_PER_S * NS_PER_US;
		tell_host(n);
	}
	event_add(n->turn, &wait);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	turn(arg);
}

void network_drain(struct control *c)
{
	if (c->app->network != NULL)
		core_stop(c->app->network->core, moment_of(c->app));
}

bool network_drained(struct control *c)
{
	return c->app->network == NULL || core_stopped(c->app->network->core, moment_of(c->app));
}

/* --- start and stop --- */

static struct settings settings_of(const struct config *config)
{
	return (struct settings){
		.challenges = config->challenge_on,
		.poll_interval_ms = config->challenge_poll_ms,
		.lep6 = config->lep6_on,
		.challenge = {.targets_at_once = (unsigned)config->lep6_targets,
			      .timeout_ms = (unsigned)config->lep6_timeout_ms},
		.recheck_on = config->recheck_on,
		.recheck = {.lookback = config->recheck_lookback,
			    .per_turn_max = (unsigned)config->recheck_max,
			    .interval_ms = config->recheck_interval_ms,
			    .failures_max = (unsigned)config->recheck_failures,
			    .failures_ttl_ms = config->recheck_ttl_ms,
			    .timeout_ms = (unsigned)config->lep6_timeout_ms},
		.heal = network_heal_settings(config),
	};
}

/* A reveal chain only where there is one: members make it with `assayctl ledger tip`. */
static int open_reveal(struct network *n, char *why, size_t why_room)
{
	const struct disk *disk = &n->app->disk;

	if (disk->size_of(disk->ctx, REVEAL_FILE) < 0)
		return 0;
	return reveal_open(&n->reveal, why, why_room, disk, &n->app->random, BEACON_CHAIN_LEN);
}

static int open_core(struct network *n, char *why, size_t why_room)
{
	struct app *app = n->app;
	struct core_config config = {
		.identity = &app->self.identity,
		.db = n->db,
		.genesis = n->document,
		.genesis_len = n->document_len,
		.settings = settings_of(&app->config),
		.reveal = n->reveal,
		.states = app->disk,
		.peers = {.sockets = real_sockets_seam(n->sockets),
			  .own = network_own(app),
			  .clock = app->clock,
			  .random = app->random,
			  .log = app->log},
		.heal = heals_port(n->heals),
		.failpoints = app->failpoints,
		.listener = {.event = on_event, .outcome = on_outcome, .ctx = n},
	};

	snprintf(config.peers.account, sizeof(config.peers.account), "%s", app->self.account);
	memcpy(config.peers.session_secret, app->self.session_secret, 32);
	memcpy(config.peers.network_id, app->self.network_id, 32);
	return core_new(&n->core, why, why_room, &config);
}

int app_network_start(struct app *app)
{
	char path[300], why[400] = "out of memory";
	struct network *n;
	int error;

	if (app->config.genesis[0] == 0)
		return 0;
	app->network = n = calloc(1, sizeof(*n));
	if (n == NULL)
		return app_fail(app, ASSAY_E_NOMEM, "%s", why);
	n->app = app;
	snprintf(path, sizeof(path), "%s/node.db", app->config.state_dir);
	error = genesis_read(&n->document, &n->document_len, app->self.network_id, why, sizeof(why),
			     app->config.genesis);
	if (error == 0)
		error = node_db_open(&n->db, why, sizeof(why), path);
	if (error == 0)
		error = real_sockets_new(&n->sockets);
	if (error == 0)
		error = open_reveal(n, why, sizeof(why));
	if (error == 0)
		error = network_heals_open(n);
	if (error == 0)
		error = open_core(n, why, sizeof(why));
	if (error != 0) {
		app->exit_code = EX_CONFIG;
		return app_fail(app, error, "%s", why);
	}
	network_reload(n);
	log_info(&app->log, "ledger", "the node's copy is loaded", "seq=%lu height=%lu",
		 core_seq(n->core), state_height(core_state(n->core)));
	return 0;
}

static int open_engine(struct network *n, struct log_engine *out, char *why, size_t why_room)
{
	const struct config *config = &n->app->config;
	const char *endpoints[CONFIG_LIST_MAX];
	char prefix[80];
	struct engine_etcd_params etcd = {
		.endpoints = endpoints,
		.endpoint_count = config->ledger_endpoints.count,
		.prefix = config->ledger_prefix,
		.ca_file = config->ledger_ca[0] != 0 ? config->ledger_ca : NULL,
		.cert_file = config->ledger_cert[0] != 0 ? config->ledger_cert : NULL,
		.key_file = config->ledger_key[0] != 0 ? config->ledger_key : NULL,
		.clock = n->app->clock,
		.random = n->app->random,
	};

	if (config->ledger_engine == CONFIG_ENGINE_SQLITE)
		return engine_sqlite_open(out, why, why_room, config->ledger_file,
					  n->app->self.network_id);
	for (unsigned i = 0; i < config->ledger_endpoints.count; i++)
		endpoints[i] = config->ledger_endpoints.item[i];
	if (config->ledger_prefix[0] == 0) {
		engine_etcd_prefix(prefix, n->app->self.network_id);
		etcd.prefix = prefix;
	}
	return engine_etcd_open(out, why, why_room, &etcd);
}

int network_follow(struct control *c)
{
	struct network *n = c->app->network;
	struct log_engine engine;
	char why[400] = "out of memory";
	int error;

	if (n == NULL)
		return 0;
	n->control = c;
	error = open_engine(n, &engine, why, sizeof(why));
	if (error != 0)
		return app_fail(c->app, error, "ledger: %s", why);
	n->feed = feed_new(&engine, core_seq(n->core) + 1);
	core_attach(n->core, n->feed);
	n->turn = event_new(c->base, -1, 0, on_turn, n);
	n->from_feed = event_new(c->base, feed_fd(n->feed), EV_READ | EV_PERSIST, on_turn, n);
	n->from_peers =
		event_new(c->base, real_sockets_fd(n->sockets), EV_READ | EV_PERSIST, on_turn, n);
	if (n->turn == NULL || n->from_feed == NULL || n->from_peers == NULL ||
	    event_add(n->from_feed, NULL) != 0 || event_add(n->from_peers, NULL) != 0 ||
	    network_heals_follow(n, on_turn) != 0)
		return app_fail(c->app, ASSAY_E_NOMEM, "%s", why);
	feed_start(n->feed);
	event_active(n->turn, EV_TIMEOUT, 0);
	return 0;
}

void network_unfollow(struct network *n)
{
	struct event **events[] = {&n->turn, &n->from_feed, &n->from_peers, &n->from_heals};

	heals_stop(n->heals);
	for (unsigned i = 0; i < 4; i++) {
		if (*events[i] != NULL)
			event_free(*events[i]);
		*events[i] = NULL;
	}
	if (n->core != NULL)
		core_attach(n->core, NULL);
	feed_free(n->feed);
	n->feed = NULL;
	n->control = NULL;
}

void app_network_stop(struct app *app)
{
	struct network *n = app->network;

	if (n == NULL)
		return;
	core_free(n->core);
	heals_free(n->heals);
	reveal_close(n->reveal);
	real_sockets_free(n->sockets);
	node_db_close(n->db);
	free(n->document);
	free(n);
	app->network = NULL;
}

struct core *network_core(struct network *n)
{
	return n != NULL ? n->core : NULL;
}

void network_engine(struct network *n, struct log_health *out)
{
	feed_health(n->feed, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the node is and how it is. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/real.h"
#include "base/text.h"
#include "control/methods.h"
#include "control/metrics.h"
#include "control/network.h"
#include "control/snapshot.h"

#define SECOND_NS    1000000000u
#define SILENT_NS    (5ull * SECOND_NS) /* a worker without heartbeat for this long is named */
#define SESSIONS_MAX 10000
#define ROWS_MAX     256

static const char *state_name(unsigned state)
{
	return state == RPC_IN_START ? "starting" : state == RPC_IN_RUN ? "running" : "draining";
}

__attribute__((format(printf, 2, 3))) static void warn(json_t *list, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_array_append_new(list, json_string(text));
}

static void warn_ledger(json_t *list, const struct control *c)
{
	struct core *core = network_core(c->app->network);
	struct replica_status status;

	if (core == NULL)
		return;
	replica_status(core_replica(core), &status);
	if (status.mismatch[0] != '\0')
		warn(list, "ledger: %.200s: assayctl ledger status", status.mismatch);
	else if (status.condition != REPLICA_CURRENT)
		warn(list, "ledger: this node's copy is %s: assayctl ledger status",
		     replica_condition_name(status.condition));
}

static json_t *warnings(const struct control *c, const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned w = 0; w < s->worker_count; w++)
		if (s->now_ns > s->workers[w].heartbeat_ns &&
		    s->now_ns - s->workers[w].heartbeat_ns > SILENT_NS)
			warn(list, "worker %u gives no sign of life", s->workers[w].worker);
	for (unsigned p = 0; p < s->port_count; p++)
		if (!s->ports[p].link_up)
			warn(list, "port %s: link is down", s->ports[p].name);
	if (s->store.rot > 0)
		warn(list, "%lu artifacts are rotten and not served: assayctl artifact list",
		     s->store.rot);
	if (s->store.free_bytes < c->app->config.reserve_mib << 20)
		warn(list, "disk: less free than store.reserve_mib, nothing can be stored");
	warn_ledger(list, c);
	if (registry_find(c->app->registry, c->app->self.account) == NULL)
		warn(list, "the registry does not hold this node: assayctl node id | "
			   "assayctl registry add -");
	return list;
}

static json_t *ports_brief(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned p = 0; p < s->port_count; p++)
		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:s,s:s,s:b}", "name", s->ports[p].name,
						"device", s->ports[p].device, "addresses",
						s->ports[p].addresses, "driver", s->ports[p].driver,
						"link", (int)s->ports[p].link_up));
	return list;
}

static json_t *store_json(const struct store_stats *s)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "artifacts", (json_int_t)s->artifacts,
			 "bytes", (json_int_t)s->bytes, "resident", (json_int_t)s->resident,
			 "resident_bytes", (json_int_t)s->resident_bytes, "rot", (json_int_t)s->rot,
			 "scrubbed", (json_int_t)s->scrubbed, "scrub_left",
			 (json_int_t)s->scrub_left, "free_bytes", (json_int_t)s->free_bytes);
}

METHOD(method_status)
{
	struct control *c = ctx->control;
	const struct app *app = c->app;
	struct snapshot s;
	char node_id[65];
	json_t *out;

	if (snapshot_take(&s, c) != 0)
		return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
	hex_encode(node_id, app->self.identity.public, 32);
	out = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:s}", "account", app->self.account,
			"network", app->config.network, "node_id", node_id, "version",
			ASSAY_VERSION, "state", state_name(c->state), "uptime_s",
			(json_int_t)(s.uptime_ns / SECOND_NS), "config", app->config.path,
			"state_dir", app->config.state_dir);
	json_object_set_new(out, "ports", ports_brief(&s));
	json_object_set_new(
		out, "registry",
		json_pack("{s:i,s:i}", "nodes", (int)s.nodes, "clients", (int)s.clients));
	json_object_set_new(out, "workers", json_integer(s.worker_count));
	json_object_set_new(out, "sessions", json_integer((json_int_t)s.total.sessions));
	json_object_set_new(out, "received", json_integer((json_int_t)s.total.received));
	json_object_set_new(out, "proofs", json_integer((json_int_t)s.total.proofs));
	json_object_set_new(out, "store", store_json(&s.store));
	json_object_set_new(out, "jobs", json_integer(s.jobs));
	json_object_set_new(out, "control_clients", json_integer(s.control_clients));
	json_object_set_new(out, "warnings", warnings(c, &s));
	snapshot_free(&s);
	return out;
}

METHOD(method_topology)
{
	const struct plane *plane = &ctx->control->app->plane;
	struct plane_row *rows = calloc(ROWS_MAX, sizeof(*rows));
	json_t *list = json_array();
	unsigned n = rows != NULL ? plane->topology(plane->ctx, rows, ROWS_MAX) : 0;

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i,s:s,s:s}", "cpu", rows[i].cpu, "role",
						      rows[i].role, "why", rows[i].why));
	free(rows);
	return json_pack("{s:o}", "rows", list);
}

METHOD(method_doctor)
{
	static const char *const names[] = {"good", "warning", "bad"};
	const struct plane *plane = &ctx->control->app->plane;
	struct plane_check *checks = calloc(ROWS_MAX, sizeof(*checks));
	json_t *list = json_array();
	unsigned n = checks != NULL ? plane->doctor(plane->ctx, checks, ROWS_MAX) : 0;
	enum plane_verdict worst = PLANE_GOOD;

	for (unsigned i = 0; i < n; i++) {
		worst = checks[i].verdict > worst ? checks[i].verdict : worst;
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "verdict",
						      names[checks[i].verdict], "what",
						      checks[i].what, "found", checks[i].found,
						      "remedy", checks[i].remedy));
	}
	free(checks);
	return json_pack("{s:s,s:o}", "verdict", names[worst], "checks", list);
}

METHOD(method_metrics)
{
	char *text = metrics_text(ctx->control);
	json_t *out = text != NULL ? json_pack("{s:s}", "text", text) : NULL;

	free(text);
	return out != NULL ? out : rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
}

static json_t *permissions_json(uint32_t permissions)
{
	json_t *list = json_array();

	if ((permissions & ASSAY_MAY_PROVE) != 0)
		json_array_append_new(list, json_string("prove"));
	if ((permissions & ASSAY_MAY_READ) != 0)
		json_array_append_new(list, json_string("read"));
	if ((permissions & ASSAY_MAY_WRITE) != 0)
		json_array_append_new(list, json_string("write"));
	if ((permissions & ASSAY_MAY_CALL) != 0)
		json_array_append_new(list, json_string("call"));
	return list;
}

/* A worker may have read the clock after us. */
static json_int_t seconds_since(uint64_t then, uint64_t now)
{
	return now > then ? (json_int_t)((now - then) / SECOND_NS) : 0;
}

static json_t *session_json(const struct session_info *s, unsigned worker, uint64_t now)
{
	char remote[64];

	net_addr_format(remote, &s->remote);
	return json_pack("{s:I,s:s,s:s,s:i,s:I,s:I,s:I,s:I,s:o,s:b}", "index", (json_int_t)s->index,
			 "account", s->account, "remote", remote, "worker", (int)worker, "age_s",
			 seconds_since(s->opened_ns, now), "idle_s", seconds_since(s->used_ns, now),
			 "received", (json_int_t)s->received, "answered", (json_int_t)s->answered,
			 "permissions", permissions_json(s->permissions), "confirmed",
			 (int)s->confirmed);
}

/* All sessions of one worker onto the list; false when it does not answer. */
static bool list_worker(const struct control *c, unsigned worker, json_t *list)
{
	const struct plane *plane = &c->app->plane;
	struct session_info room[256];
	uint64_t now = clock_mono(&c->app->clock);
	uint32_t cursor = 0;

	do {
		int n = plane->sessions(plane->ctx, worker, &cursor, room, 256);

		if (n < 0)
			return false;
		for (int i = 0; i < n && json_array_size(list) < SESSIONS_MAX; i++)
			json_array_append_new(list, session_json(&room[i], worker, now));
	} while (cursor != 0 && json_array_size(list) < SESSIONS_MAX);
	return true;
}

METHOD(method_sessions_list)
{
	struct snapshot s;
	json_t *list, *silent;

	if (snapshot_take(&s, ctx->control) != 0)
		return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
	list = json_array();
	silent = json_array();
	for (unsigned w = 0; w < s.worker_count; w++)
		if (!list_worker(ctx->control, s.workers[w].worker, list))
			json_array_append_new(silent, json_integer(s.workers[w].worker));
	snapshot_free(&s);
	return json_pack("{s:o,s:o}", "sessions", list, "silent_workers", silent);
}

METHOD(method_sessions_close)
{
	const struct plane *plane = &ctx->control->app->plane;
	uint64_t index = rpc_number(params, "index", 0);
	int result = plane->close_session(plane->ctx, (uint32_t)index);

	if (result == ASSAY_E_NOTFOUND)
		return rpc_fail(error, result, "index", "assayctl sessions list shows them",
				"no session has that index");
	if (result != 0)
		return rpc_fail(error, result, "index", NULL, "the session could not be closed: %s",
				assay_error_text(result));
	return json_object();
}

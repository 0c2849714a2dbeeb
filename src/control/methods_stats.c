/* SPDX-License-Identifier: Apache-2.0 */
/* Counters as JSON. The drop table adds up: received = answered + handed over + dropped + in
 * progress. */
#include <string.h>

#include "assay/status.h"
#include "control/methods.h"
#include "control/snapshot.h"

static json_t *reasons_json(const uint64_t counts[ASSAY_R_MAX])
{
	json_t *out = json_object();

	for (unsigned r = 1; r < ASSAY_R_MAX; r++)
		if (counts[r] != 0)
			json_object_set_new(out, assay_reason_name(r),
					    json_integer((json_int_t)counts[r]));
	return out;
}

static json_t *stages_json(const struct serve_counters *c)
{
	json_t *out = json_object();

	for (unsigned i = 0; i < STAGE_COUNT; i++)
		json_object_set_new(out, stage_names[i],
				    json_pack("{s:I,s:I,s:I}", "calls",
					      (json_int_t)c->stage_calls[i], "items",
					      (json_int_t)c->stage_items[i], "cycles",
					      (json_int_t)c->stage_cycles[i]));
	return out;
}

static json_t *counters_json(const struct serve_counters *c)
{
	json_t *out = json_object();
	uint64_t dropped = reasons_sum(c->drops);
	uint64_t accounted = c->answered + c->handed_over + dropped;

	for (const struct counter_field *f = counter_fields; f->name != NULL; f++)
		json_object_set_new(out, f->name,
				    json_integer((json_int_t)counter_get(c, f->offset)));
	json_object_set_new(out, "sessions", json_integer((json_int_t)c->sessions));
	json_object_set_new(out, "dropped", json_integer((json_int_t)dropped));
	/* Counters are read one by one while the worker runs, so this can be off by a burst. */
	json_object_set_new(out, "in_progress",
			    json_integer((json_int_t)c->received - (json_int_t)accounted));
	json_object_set_new(out, "drops", reasons_json(c->drops));
	json_object_set_new(out, "refused", reasons_json(c->refused));
	json_object_set_new(out, "stages", stages_json(c));
	return out;
}

/* sizes: how many batches had 1, 2..3, 4..7, ... signatures. */
static json_t *verify_json(const struct verify_counters *v)
{
	json_t *sizes = json_array();

	for (unsigned i = 0; i < VERIFIER_SIZES; i++)
		json_array_append_new(sizes, json_integer((json_int_t)v->sizes[i]));
	return json_pack("{s:I,s:I,s:I,s:I,s:o}", "jobs", (json_int_t)v->jobs, "bad",
			 (json_int_t)v->bad, "batches", (json_int_t)v->batches, "slices",
			 (json_int_t)v->slices, "sizes", sizes);
}

static json_t *worker_json(const struct plane_worker *w, uint64_t now)
{
	json_t *out = counters_json(&w->counters);
	uint64_t age = now > w->heartbeat_ns ? now - w->heartbeat_ns : 0;

	json_object_set_new(out, "worker", json_integer(w->worker));
	json_object_set_new(out, "lcore", json_integer(w->lcore));
	json_object_set_new(out, "cpu", json_integer(w->cpu));
	json_object_set_new(out, "roles", json_string(w->roles));
	json_object_set_new(out, "verify", verify_json(&w->verify));
	json_object_set_new(out, "turns", json_integer((json_int_t)w->turns));
	json_object_set_new(out, "busy_cycles", json_integer((json_int_t)w->busy_cycles));
	json_object_set_new(out, "idle_cycles", json_integer((json_int_t)w->idle_cycles));
	json_object_set_new(out, "heartbeat_age_ms", json_integer((json_int_t)(age / 1000000)));
	return out;
}

static json_t *port_json(const struct plane_port *p)
{
	json_t *out = json_pack("{s:s,s:s,s:s,s:b}", "name", p->name, "device", p->device, "driver",
				p->driver, "link", (int)p->link_up);
	const struct {
		const char *name;
		uint64_t value;
	} fields[] = {
		{"rx_packets", p->rx_packets},	     {"rx_bytes", p->rx_bytes},
		{"tx_packets", p->tx_packets},	     {"tx_bytes", p->tx_bytes},
		{"rx_missed", p->rx_missed},	     {"rx_errors", p->rx_errors},
		{"rx_nombuf", p->rx_nombuf},	     {"tx_errors", p->tx_errors},
		{"arp_answered", p->arp_answered},   {"nd_answered", p->nd_answered},
		{"echo_answered", p->echo_answered},
	};

	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		json_object_set_new(out, fields[i].name, json_integer((json_int_t)fields[i].value));
	json_object_set_new(out, "frame_drops", reasons_json(p->frame_drops));
	return out;
}

METHOD(method_stats)
{
	struct snapshot s;
	json_t *workers, *ports, *total;

	if (snapshot_take(&s, ctx->control) != 0)
		return rpc_fail(error, ASSAY_E_NOMEM, NULL, NULL, "out of memory");
	workers = json_array();
	ports = json_array();
	for (unsigned w = 0; w < s.worker_count; w++)
		json_array_append_new(workers, worker_json(&s.workers[w], s.now_ns));
	for (unsigned p = 0; p < s.port_count; p++)
		json_array_append_new(ports, port_json(&s.ports[p]));
	total = counters_json(&s.total);
	json_object_set_new(total, "verify", verify_json(&s.verify));
	json_object_set_new(total, "workers", json_integer(s.worker_count));
	snapshot_free(&s);
	return json_pack("{s:I,s:o,s:o,s:o}", "time_ns",
			 (json_int_t)clock_mono(&ctx->control->app->clock), "total", total,
			 "workers", workers, "ports", ports);
}

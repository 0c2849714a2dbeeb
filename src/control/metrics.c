/* SPDX-License-Identifier: Apache-2.0 */
/* The table of families drives the text and its documentation. */
#include "control/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "control/snapshot.h"

struct family {
	const char *name;   /* without prefix and _total */
	const char *type;   /* "counter" or "gauge" */
	const char *labels; /* for the documentation */
	const char *help;
	void (*emit)(FILE *out, const struct family *f, const struct snapshot *s);
	size_t offset;
};

static const char *suffix(const struct family *f)
{
	return f->type[0] == 'c' ? "_total" : "";
}

static void line(FILE *out, const struct family *f, const char *labels, double value)
{
	fprintf(out, "assay_%s%s%s%s%s %.17g\n", f->name, suffix(f), labels[0] != 0 ? "{" : "",
		labels, labels[0] != 0 ? "}" : "", value);
}

static void emit_build(FILE *out, const struct family *f, const struct snapshot *s)
{
	line(out, f, "version=\"" ASSAY_VERSION "\"", 1);
}

static void emit_uptime(FILE *out, const struct family *f, const struct snapshot *s)
{
	line(out, f, "", (double)s->uptime_ns / 1e9);
}

static void emit_registry(FILE *out, const struct family *f, const struct snapshot *s)
{
	line(out, f, "kind=\"node\"", s->nodes);
	line(out, f, "kind=\"client\"", s->clients);
}

static void emit_clients(FILE *out, const struct family *f, const struct snapshot *s)
{
	line(out, f, "", s->control_clients);
}

static void emit_jobs(FILE *out, const struct family *f, const struct snapshot *s)
{
	line(out, f, "", s->jobs);
}

static void emit_store(FILE *out, const struct family *f, const struct snapshot *s)
{
	line(out, f, "", (double)counter_get(&s->store, f->offset));
}

static void emit_worker(FILE *out, const struct family *f, const struct snapshot *s)
{
	char labels[64];

	for (unsigned w = 0; w < s->worker_count; w++) {
		snprintf(labels, sizeof(labels), "worker=\"%u\"", s->workers[w].worker);
		line(out, f, labels, (double)counter_get(&s->workers[w], f->offset));
	}
}

static void emit_heartbeat(FILE *out, const struct family *f, const struct snapshot *s)
{
	char labels[64];

	for (unsigned w = 0; w < s->worker_count; w++) {
		uint64_t beat = s->workers[w].heartbeat_ns;

		snprintf(labels, sizeof(labels), "worker=\"%u\"", s->workers[w].worker);
		line(out, f, labels, s->now_ns > beat ? (double)(s->now_ns - beat) / 1e9 : 0);
	}
}

/* One line for each reason there is: series that appear late are easily missed. */
static void emit_reasons(FILE *out, const struct family *f, const char *who, const uint64_t *counts)
{
	char labels[128];

	for (unsigned r = 1; r < ASSAY_R_MAX; r++) {
		if (!assay_reason_known(r))
			continue;
		snprintf(labels, sizeof(labels), "%s,reason=\"%s\"", who, assay_reason_name(r));
		line(out, f, labels, (double)counts[r]);
	}
}

static void emit_worker_reasons(FILE *out, const struct family *f, const struct snapshot *s)
{
	char who[32];

	for (unsigned w = 0; w < s->worker_count; w++) {
		const char *base = (const char *)&s->workers[w] + f->offset;

		snprintf(who, sizeof(who), "worker=\"%u\"", s->workers[w].worker);
		emit_reasons(out, f, who, (const uint64_t *)(const void *)base);
	}
}

static void emit_stages(FILE *out, const struct family *f, const struct snapshot *s)
{
	char labels[64];

	for (unsigned w = 0; w < s->worker_count; w++)
		for (unsigned i = 0; i < STAGE_COUNT; i++) {
			snprintf(labels, sizeof(labels), "worker=\"%u\",stage=\"%s\"",
				 s->workers[w].worker, stage_names[i]);
			line(out, f, labels,
			     (double)counter_get(&s->workers[w], f->offset + i * sizeof(uint64_t)));
		}
}

/* Batches by the least number of signatures they had: 1, 2, 4, 8 and so on. */
static void emit_verify_sizes(FILE *out, const struct family *f, const struct snapshot *s)
{
	char labels[64];

	for (unsigned w = 0; w < s->worker_count; w++)
		for (unsigned i = 0; i < VERIFIER_SIZES; i++) {
			snprintf(labels, sizeof(labels), "worker=\"%u\",size=\"%u\"",
				 s->workers[w].worker, 1u << i);
			line(out, f, labels, (double)s->workers[w].verify.sizes[i]);
		}
}

static void emit_port(FILE *out, const struct family *f, const struct snapshot *s)
{
	char labels[64];

	for (unsigned p = 0; p < s->port_count; p++) {
		snprintf(labels, sizeof(labels), "port=\"%s\"", s->ports[p].name);
		line(out, f, labels, (double)counter_get(&s->ports[p], f->offset));
	}
}

static void emit_link(FILE *out, const struct family *f, const struct snapshot *s)
{
	char labels[64];

	for (unsigned p = 0; p < s->port_count; p++) {
		snprintf(labels, sizeof(labels), "port=\"%s\"", s->ports[p].name);
		line(out, f, labels, s->ports[p].link_up);
	}
}

static void emit_port_reasons(FILE *out, const struct family *f, const struct snapshot *s)
{
	char who[64];

	for (unsigned p = 0; p < s->port_count; p++) {
		snprintf(who, sizeof(who), "port=\"%s\"", s->ports[p].name);
		emit_reasons(out, f, who, s->ports[p].frame_drops);
	}
}

#define SERVE(field)  offsetof(struct plane_worker, counters.field)
#define WORKER(field) offsetof(struct plane_worker, field)
#define PORT(field)   offsetof(struct plane_port, field)
#define STORE(field)  offsetof(struct store_stats, field)
#define COUNTER(name, field, help)                                         \
	{                                                                  \
		name, "counter", "worker", help, emit_worker, SERVE(field) \
	}
#define OF_PORT(name, field, help)                                    \
	{                                                             \
		name, "counter", "port", help, emit_port, PORT(field) \
	}

static const struct family families[] = {
	{"build_info", "gauge", "version", "Version of the daemon, always 1", emit_build, 0},
	{"uptime_seconds", "gauge", "", "Seconds since the start", emit_uptime, 0},
	COUNTER("received_datagrams", received, "Datagrams taken in by the worker"),
	COUNTER("answered_datagrams", answered, "Datagrams answered, refusals included"),
	COUNTER("handed_over_datagrams", handed_over,
		"Datagrams handed to the worker that owns their session"),
	{"dropped_datagrams", "counter", "worker, reason", "Datagrams not answered, by reason",
	 emit_worker_reasons, SERVE(drops)},
	{"refused_requests", "counter", "worker, reason", "Requests answered by REFUSED, by code",
	 emit_worker_reasons, SERVE(refused)},
	COUNTER("sent_datagrams", sent_datagrams, "Datagrams sent"),
	COUNTER("sent_bytes", sent_bytes, "Bytes of datagrams sent"),
	COUNTER("received_bytes", received_bytes, "Bytes of datagrams taken in"),
	COUNTER("hello_messages", hellos, "HELLO messages taken in"),
	COUNTER("welcome_messages", welcomes, "WELCOME messages sent"),
	COUNTER("cookie_messages", cookies, "COOKIE messages sent"),
	COUNTER("reset_messages", resets, "RESET messages sent"),
	COUNTER("version_messages", versions, "VERSION messages sent"),
	COUNTER("ping_requests", pings, "PING requests"),
	COUNTER("prove_requests", proves, "PROVE requests, with tree and without"),
	COUNTER("prove_tree_requests", proves_tree, "PROVE requests with tree"),
	COUNTER("read_requests", reads, "READ requests"),
	COUNTER("write_requests", writes, "WRITE requests"),
	COUNTER("call_requests", calls, "CALL requests"),
	COUNTER("close_messages", closes, "CLOSE messages"),
	COUNTER("proofs", proofs, "PROOF messages sent"),
	COUNTER("seals", seals, "Batch seals signed"),
	COUNTER("chunks", chunks, "CHUNK messages sent"),
	COUNTER("cold_requests", cold, "Requests that waited for the disk"),
	COUNTER("sessions_opened", sessions_opened, "Sessions opened"),
	COUNTER("sessions_closed", sessions_closed, "Sessions ended"),
	{"sessions", "gauge", "worker", "Sessions now", emit_worker, SERVE(sessions)},
	{"stage_calls", "counter", "worker, stage", "Bursts that entered the stage", emit_stages,
	 SERVE(stage_calls)},
	{"stage_items", "counter", "worker, stage", "Items that entered the stage", emit_stages,
	 SERVE(stage_items)},
	{"stage_cycles", "counter", "worker, stage", "CPU cycles spent in the stage", emit_stages,
	 SERVE(stage_cycles)},
	{"verify_signatures", "counter", "worker", "Signatures verified in batches", emit_worker,
	 WORKER(verify.jobs)},
	{"verify_bad_signatures", "counter", "worker", "Signatures that were not valid",
	 emit_worker, WORKER(verify.bad)},
	{"verify_batches", "counter", "worker, size",
	 "Batches of signatures, by size: up to twice that of the label", emit_verify_sizes, 0},
	{"verify_slices", "counter", "worker", "Slices of 50 us that batches took", emit_worker,
	 WORKER(verify.slices)},
	{"worker_turns", "counter", "worker", "Turns of the loop", emit_worker, WORKER(turns)},
	{"worker_busy_cycles", "counter", "worker", "CPU cycles of turns with work", emit_worker,
	 WORKER(busy_cycles)},
	{"worker_idle_cycles", "counter", "worker", "CPU cycles of turns without work", emit_worker,
	 WORKER(idle_cycles)},
	{"worker_heartbeat_age_seconds", "gauge", "worker",
	 "Seconds since the worker gave a sign of life", emit_heartbeat, 0},
	{"port_link_up", "gauge", "port", "1 when the link is up", emit_link, 0},
	OF_PORT("port_received_packets", rx_packets, "Packets received by the device"),
	OF_PORT("port_received_bytes", rx_bytes, "Bytes received by the device"),
	OF_PORT("port_sent_packets", tx_packets, "Packets sent by the device"),
	OF_PORT("port_sent_bytes", tx_bytes, "Bytes sent by the device"),
	OF_PORT("port_missed_packets", rx_missed, "Packets the device dropped, queue full"),
	OF_PORT("port_receive_errors", rx_errors, "Packets the device received with errors"),
	OF_PORT("port_receive_nobuf", rx_nombuf, "Receptions that found no packet buffer"),
	OF_PORT("port_send_errors", tx_errors, "Packets the device failed to send"),
	OF_PORT("port_arp_answers", arp_answered, "ARP requests answered"),
	OF_PORT("port_nd_answers", nd_answered, "IPv6 neighbour solicitations answered"),
	OF_PORT("port_echo_answers", echo_answered, "ICMP echo requests answered"),
	{"port_dropped_frames", "counter", "port, reason",
	 "Frames that are no datagrams for this node, by reason", emit_port_reasons, 0},
	{"store_artifacts", "gauge", "", "Artifacts stored", emit_store, STORE(artifacts)},
	{"store_bytes", "gauge", "", "Bytes of artifacts", emit_store, STORE(bytes)},
	{"store_resident_artifacts", "gauge", "", "Artifacts in memory", emit_store,
	 STORE(resident)},
	{"store_resident_bytes", "gauge", "", "Memory of resident artifacts", emit_store,
	 STORE(resident_bytes)},
	{"store_staged_files", "gauge", "", "Rebuilt files that wait for the verifiers of a heal",
	 emit_store, STORE(staged)},
	{"store_staged_bytes", "gauge", "", "Bytes of these files", emit_store,
	 STORE(staged_bytes)},
	{"store_rotten_artifacts", "gauge", "", "Artifacts whose bytes do not match their key",
	 emit_store, STORE(rot)},
	{"store_free_bytes", "gauge", "", "Free bytes of the disk", emit_store, STORE(free_bytes)},
	{"store_scrubbed_artifacts", "counter", "", "Artifacts checked by the scrub", emit_store,
	 STORE(scrubbed)},
	{"store_scrubbed_bytes", "counter", "", "Bytes checked by the scrub", emit_store,
	 STORE(scrub_bytes)},
	{"registry_entries", "gauge", "kind", "Entries of the registry", emit_registry, 0},
	{"control_clients", "gauge", "", "Connections to the control socket", emit_clients, 0},
	{"control_jobs", "gauge", "", "Jobs that wait or run", emit_jobs, 0},
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

char *metrics_text(const struct control *c)
{
	struct snapshot s;
	char *text = NULL;
	size_t len;
	FILE *out;

	if (snapshot_take(&s, c) != 0)
		return NULL;
	out = open_memstream(&text, &len);
	for (unsigned i = 0; i < FAMILIES && out != NULL; i++) {
		fprintf(out, "# TYPE assay_%s %s\n# HELP assay_%s %s.\n", families[i].name,
			families[i].type, families[i].name, families[i].help);
		families[i].emit(out, &families[i], &s);
	}
	snapshot_free(&s);
	if (out == NULL)
		return NULL;
	metrics_network(out, c->app);
	fputs("# EOF\n", out);
	fclose(out);
	return text;
}

void metrics_document(FILE *out)
{
	fputs("| name | type | labels | what |\n|---|---|---|---|\n", out);
	for (unsigned i = 0; i < FAMILIES; i++)
		fprintf(out, "| `assay_%s%s` | %s | %s | %s |\n", families[i].name,
			suffix(&families[i]), families[i].type, families[i].labels,
			families[i].help);
}

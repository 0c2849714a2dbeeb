/* SPDX-License-Identifier: Apache-2.0 */
#include "control/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "control/socket.h"

const char *const stage_names[STAGE_COUNT] = {
	[STAGE_PARSE] = "parse",	 [STAGE_TAG] = "tag",	    [STAGE_ADMIT] = "admit",
	[STAGE_PROVE] = "prove",	 [STAGE_CHUNKS] = "chunks", [STAGE_SEAL] = "seal",
	[STAGE_HANDSHAKE] = "handshake",
};

#define FIELD(name, help)                                          \
	{                                                          \
#name, offsetof(struct serve_counters, name), help \
	}
const struct counter_field counter_fields[] = {
	FIELD(received, "Datagrams taken in"),
	FIELD(answered, "Datagrams answered"),
	FIELD(handed_over, "Datagrams handed to the worker that owns the session"),
	FIELD(sent_datagrams, "Datagrams sent"),
	FIELD(sent_bytes, "Bytes of datagrams sent"),
	FIELD(received_bytes, "Bytes of datagrams taken in"),
	FIELD(hellos, "HELLO messages"),
	FIELD(welcomes, "WELCOME messages sent"),
	FIELD(cookies, "COOKIE messages sent"),
	FIELD(resets, "RESET messages sent"),
	FIELD(versions, "VERSION messages sent"),
	FIELD(pings, "PING requests"),
	FIELD(proves, "PROVE requests"),
	FIELD(proves_tree, "PROVE requests with tree"),
	FIELD(reads, "READ requests"),
	FIELD(closes, "CLOSE messages"),
	FIELD(calls, "CALL requests"),
	FIELD(writes, "WRITE requests"),
	FIELD(proofs, "PROOF messages sent"),
	FIELD(seals, "Batch seals signed"),
	FIELD(chunks, "CHUNK messages sent"),
	FIELD(cold, "Requests that waited for the disk"),
	FIELD(sessions_opened, "Sessions opened"),
	FIELD(sessions_closed, "Sessions ended"),
	{NULL, 0, NULL},
};
#undef FIELD

uint64_t counter_get(const void *base, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)base + offset, sizeof(value));
	return value;
}

uint64_t reasons_sum(const uint64_t counts[ASSAY_R_MAX])
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < ASSAY_R_MAX; r++)
		sum += counts[r];
	return sum;
}

/* All of them are uint64_t. */
static void add_counters(void *into, const void *from, size_t len)
{
	uint64_t *a = into;
	const uint64_t *b = from;

	for (size_t i = 0; i < len / sizeof(*a); i++)
		a[i] += b[i];
}
static_assert(sizeof(struct serve_counters) % sizeof(uint64_t) == 0 &&
		      sizeof(struct verify_counters) % sizeof(uint64_t) == 0,
	      "counters only");

int snapshot_take(struct snapshot *out, const struct control *c)
{
	const struct app *app = c->app;

	memset(out, 0, sizeof(*out));
	out->workers = calloc(SERVE_WORKERS_MAX, sizeof(*out->workers));
	out->ports = calloc(CONFIG_PORTS_MAX, sizeof(*out->ports));
	if (out->workers == NULL || out->ports == NULL) {
		snapshot_free(out);
		return ASSAY_E_NOMEM;
	}
	out->now_ns = clock_mono(&app->clock);
	out->uptime_ns = out->now_ns - c->started_ns;
	out->worker_count = app->plane.workers(app->plane.ctx, out->workers, SERVE_WORKERS_MAX);
	out->port_count = app->plane.ports(app->plane.ctx, out->ports, CONFIG_PORTS_MAX);
	for (unsigned w = 0; w < out->worker_count; w++) {
		const struct plane_worker *worker = &out->workers[w];

		add_counters(&out->total, &worker->counters, sizeof(out->total));
		add_counters(&out->verify, &worker->verify, sizeof(out->verify));
	}
	if (app->store != NULL)
		store_stats(app->store, &out->store);
	for (unsigned i = 0; i < app->registry->count; i++)
		app->registry->entries[i].node ? out->nodes++ : out->clients++;
	out->control_clients = server_clients(c->server);
	out->jobs = jobs_count(c->jobs, NULL);
	return 0;
}

void snapshot_free(struct snapshot *s)
{
	free(s->workers);
	free(s->ports);
	memset(s, 0, sizeof(*s));
}

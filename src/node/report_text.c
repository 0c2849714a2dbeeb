/* SPDX-License-Identifier: Apache-2.0 */
/* What the report says of the targets' ports and of this node, and its text. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "node/report_impl.h"

/* --- probes
 * ----------------------------------------------------------------------------------------------------
 */

void report_probes_free(struct reporting *r)
{
	free(r->probes);
	r->probes = NULL;
	r->probe_count = r->probe_next = 0;
}

void report_probes_make(struct reporting *r, const struct epoch_facts *facts)
{
	report_probes_free(r);
	r->probes = calloc(r->challenge->n * facts->port_count + 1, sizeof(*r->probes));
	must(r->probes != NULL);
	for (size_t i = 0; i < r->challenge->n; i++)
		for (size_t k = 0; k < facts->port_count; k++) {
			struct probe *p = &r->probes[r->probe_count++];

			strcpy(p->account, challenge_target(r->challenge, i));
			p->port = facts->ports[k];
		}
}

void report_probes_start(struct reporting *r, struct moment now, struct effects *out)
{
	unsigned running = 0;

	for (size_t i = 0; i < r->probe_next; i++)
		running += r->probes[i].state == PROBE_RUNNING;
	while (running < PROBES_AT_ONCE && r->probe_next < r->probe_count) {
		struct probe *p = &r->probes[r->probe_next++];
		struct effect *effect;

		p->state = PROBE_RUNNING;
		p->cookie = ctx_cookie(r->ctx, PART_REPORT);
		effect = effects_add(out, EFFECT_PROBE, p->cookie, p->account);
		effect->port = p->port;
		effect->deadline_ns = now.mono_ns + PROBE_MS * NS_PER_MS;
		running++;
	}
}

bool report_probes_done(const struct reporting *r, struct moment now)
{
	if (now.mono_ns >= r->probe_end_ns)
		return true;
	for (size_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].state != PROBE_DONE)
			return false;
	return true;
}

/* --- the text
 * ------------------------------------------------------------------------------------------------
 */

static enum port_state probed(const struct reporting *r, const char *account, uint16_t port)
{
	for (size_t i = 0; i < r->probe_count; i++)
		if (r->probes[i].port == port && strcmp(r->probes[i].account, account) == 0)
			return r->probes[i].result;
	return PORT_UNKNOWN;
}

static json_t *observations_json(const struct reporting *r, const struct epoch_facts *facts)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->challenge->n; i++) {
		const char *target = challenge_target(r->challenge, i);
		json_t *ports = json_array();

		for (size_t k = 0; k < facts->port_count; k++)
			json_array_append_new(ports,
					      json_integer(probed(r, target, facts->ports[k])));
		json_array_append_new(list,
				      json_pack("{s:s, s:o}", "target", target, "ports", ports));
	}
	return list;
}

static json_t *host_json(const struct host_facts *h)
{
	return json_pack("{s:I, s:I, s:I, s:[], s:I, s:I}", "cpu", (json_int_t)h->cpu, "mem",
			 (json_int_t)h->mem, "disk", (json_int_t)h->disk, "ports", "failed_actions",
			 (json_int_t)h->failed_actions, "stored_bytes",
			 (json_int_t)h->stored_bytes);
}

char *report_text(const struct reporting *r, const struct epoch_facts *facts)
{
	json_t *rows = json_array(), *json;
	char *text;

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(rows, row_json(&r->rows[i]));
	json = json_pack("{s:I, s:o, s:o, s:o}", "epoch", (json_int_t)facts->epoch, "host",
			 host_json(&r->host), "observations", observations_json(r, facts), "rows",
			 rows);
	must(json != NULL);
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	must(text != NULL);
	json_decref(json);
	return text;
}

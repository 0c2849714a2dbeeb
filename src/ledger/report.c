/* SPDX-License-Identifier: Apache-2.0 */
/* Epoch reports: what is checked, in its order, and what an accepted one does. */
#include "ledger/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "crypto/sign.h"
#include "ledger/assign.h"
#include "ledger/epoch_end.h"
#include "ledger/jcs.h"
#include "ledger/scores.h"

#define PERCENT_ALL 10000 /* hundredths of a percent */

struct submission {
	const char *author;
	const struct node *node;
	uint64_t epoch;
	const json_t *host, *observations, *rows_json;
	const struct params *params; /* those of the epoch's start */
	struct anchor *anchor;
	struct assigned assigned;
	struct report_row rows[REPORT_ROWS_MAX];
	size_t row_count;
};

static bool among(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static unsigned check_reporter(struct state *s, struct submission *r)
{
	if (*r->author == '\0')
		return VERDICT_BAD_SIGNER;
	if (r->epoch != state_epoch(s))
		return VERDICT_BAD_EPOCH;
	r->node = node_find(s, r->author);
	if (r->node == NULL)
		return VERDICT_REPORTER_UNKNOWN;
	return node_challengeable(r->node) ? VERDICT_OK : VERDICT_REPORTER_STATE;
}

static unsigned check_host(struct state *s, struct submission *r)
{
	char key[KEY_ROOM];
	size_t ports = json_array_size(json_object_get(r->host, "ports"));

	if (data_number(r->host, "cpu") > PERCENT_ALL ||
	    data_number(r->host, "mem") > PERCENT_ALL || data_number(r->host, "disk") > PERCENT_ALL)
		return VERDICT_HOST_METRIC;
	r->anchor = table_find(state_tables(s), T_ANCHORS, key_epoch(key, r->epoch));
	if (r->anchor == NULL)
		return VERDICT_BAD_EPOCH;
	r->params = params_of_epoch(state_tables(s), r->epoch);
	must(assigned_of(s, &r->assigned, r->author, r->epoch) == 0);
	return ports == 0 || ports == r->params->required_open_ports.n ? VERDICT_OK
								       : VERDICT_PORT_LIST;
}

static unsigned check_observations(const struct submission *r)
{
	const json_t *item;
	size_t i, seen = 0;
	const char **targets = calloc(r->assigned.n + 1, sizeof(*targets));
	unsigned code = VERDICT_OK;

	must(targets != NULL);
	if (!r->assigned.prober && json_array_size(r->observations) > 0)
		code = VERDICT_REPORTER_STATE;
	json_array_foreach(r->observations, i, item)
	{
		const char *target = data_text(item, "target");

		if (code != VERDICT_OK)
			break;
		if (strcmp(target, r->author) == 0 ||
		    !among(r->assigned.targets, r->assigned.n, target) ||
		    among(targets, seen, target))
			code = VERDICT_BAD_OBSERVATIONS;
		else if (json_array_size(json_object_get(item, "ports")) !=
			 r->params->required_open_ports.n)
			code = VERDICT_PORT_LIST;
		else
			targets[seen++] = target;
	}
	free(targets);
	return code;
}

static void read_row(struct report_row *row, const json_t *item)
{
	*row = (struct report_row){
		.target = data_text(item, "target"),
		.challenger = data_text(item, "challenger"),
		.ticket = data_text(item, "ticket"),
		.key = data_text(item, "key"),
		.derivation = data_text(item, "derivation"),
		.transcript = data_text(item, "transcript"),
		.sig = data_text(item, "sig"),
		.details = data_text(item, "details"),
		.bucket = data_number(item, "bucket"),
		.class = data_number(item, "class"),
		.ordinal = data_number(item, "ordinal"),
		.count = data_number(item, "count"),
		.result = data_number(item, "result"),
	};
}

static unsigned check_row_shapes(struct submission *r)
{
	struct report_duty duty = {
		.reporter = r->author,
		.targets = r->assigned.targets,
		.target_count = r->assigned.n,
		.prober = r->assigned.prober,
		.full = r->params->storage_truth_enforcement_mode == MODE_FULL,
	};
	const char *rule;
	int row;

	if (json_array_size(r->rows_json) > REPORT_ROWS_MAX)
		return VERDICT_BAD_PROOFS;
	for (; r->row_count < json_array_size(r->rows_json); r->row_count++)
		read_row(&r->rows[r->row_count], json_array_get(r->rows_json, r->row_count));
	return report_rows_check(&rule, &row, &duty, r->rows, r->row_count);
}

static unsigned check_counts(struct state *s, const struct report_row *row)
{
	struct ticket *ticket = ticket_find(s, row->ticket);
	uint64_t count = ticket != NULL ? ticket_count(ticket, (unsigned)row->class) : 0;

	if (count != 0 && row->count != count)
		return VERDICT_ARTIFACT_COUNT;
	return count != 0 && row->ordinal >= count ? VERDICT_BAD_PROOFS : VERDICT_OK;
}

static bool placed(struct state *s, const struct report_row *row, uint64_t epoch)
{
	struct ticket *ticket = ticket_find(s, row->ticket);
	int position;

	if (ticket == NULL || !ticket_challengeable(ticket, epoch))
		return false;
	position = ticket_position(ticket, row->target);
	return position >= 0 && ticket_places(ticket, (unsigned)row->class, row->ordinal, position);
}

struct bucket_search {
	uint64_t bucket, epoch, height;
	const struct params *params;
	bool found;
};

static bool look_at_age(void *arg, struct ticket *ticket)
{
	struct bucket_search *search = arg;

	search->found = ticket_challengeable(ticket, search->epoch) &&
			derive_bucket((int64_t)search->height, (int64_t)ticket->height,
				      search->params->storage_truth_recent_bucket_max_blocks,
				      search->params->storage_truth_old_bucket_min_blocks) ==
				search->bucket;
	return !search->found;
}

bool report_bucket_filled(struct state *s, const char *target, uint64_t bucket, uint64_t epoch)
{
	struct bucket_search search = {.bucket = bucket, .epoch = epoch};
	uint64_t start;

	search.params = params_of_epoch(state_tables(s), epoch);
	epoch_bounds(&start, &search.height, epoch, search.params->epoch_zero_height,
		     search.params->epoch_length_blocks);
	tickets_of_holder(s, target, look_at_age, &search);
	return search.found;
}

/* Rows against the ledger's own tickets. */
static unsigned check_tickets(struct state *s, const struct submission *r)
{
	unsigned code = VERDICT_OK;

	for (size_t i = 0; i < r->row_count && code == VERDICT_OK; i++)
		if (*r->rows[i].ticket != '\0')
			code = check_counts(s, &r->rows[i]);
	for (size_t i = 0; i < r->row_count && code == VERDICT_OK; i++)
		if (*r->rows[i].ticket != '\0' && !placed(s, &r->rows[i], r->epoch))
			code = VERDICT_BAD_PROOFS;
	for (size_t i = 0; i < r->row_count && code == VERDICT_OK; i++)
		if (r->rows[i].result == RESULT_NO_ELIGIBLE_TICKET &&
		    report_bucket_filled(s, r->rows[i].target, r->rows[i].bucket, r->epoch))
			code = VERDICT_BAD_PROOFS;
	return code;
}

void report_row_parts(struct sha256_part parts[3], uint8_t *class, const struct report_row *row)
{
	static const uint8_t zero;

	*class = (uint8_t)row->result;
	parts[0] = (struct sha256_part){row->transcript, strlen(row->transcript)};
	parts[1] = (struct sha256_part){&zero, 1};
	parts[2] = (struct sha256_part){class, 1};
}

static unsigned check_signatures(struct state *s, const struct submission *r)
{
	for (size_t i = 0; i < r->row_count; i++) {
		struct sha256_part parts[3];
		uint8_t class;

		report_row_parts(parts, &class, &r->rows[i]);
		if (!hex_valid(r->rows[i].transcript, 32) ||
		    !state_verify_tagged(s, r->rows[i].sig, r->node->key, TAG_ROW, parts, 3))
			return VERDICT_BAD_PROOFS;
	}
	return VERDICT_OK;
}

static unsigned check(struct state *s, struct submission *r)
{
	char key[KEY_ROOM];
	unsigned code = check_reporter(s, r);

	if (code == VERDICT_OK)
		code = check_host(s, r);
	if (code == VERDICT_OK)
		code = check_observations(r);
	if (code == VERDICT_OK)
		code = check_row_shapes(r);
	if (code == VERDICT_OK)
		code = check_tickets(s, r);
	if (code != VERDICT_OK)
		return code;
	key_format(key, "%020" PRIu64 "/%s", r->epoch, r->author);
	if (table_find(state_tables(s), T_REPORTS, key) != NULL)
		return VERDICT_DUPLICATE_REPORT;
	return check_signatures(s, r);
}

static bool disk_full(const struct params *p, uint64_t disk)
{
	return p->min_disk_free_percent > 0 &&
	       disk > PERCENT_ALL - p->min_disk_free_percent * (PERCENT_ALL / 100);
}

bool report_disk_full(struct state *s, const struct report *report)
{
	enum jcs_error error;
	const char *text = text_of(report->host);
	json_t *host = jcs_parse(&error, text, strlen(text), ENTRY_MAX);
	bool full = disk_full(state_params(s), data_number(host, "disk"));

	json_decref(host);
	return full;
}

/* Empty lists are left out of a record, as its line leaves them out. */
static void keep_json(char **member, const json_t *value)
{
	struct buf text = {0};

	if (json_array_size(value) == 0 && json_object_size(value) == 0)
		return;
	jcs_write(&text, value);
	text_set(member, text.at);
	buf_free(&text);
}

static void record_report(struct state *s, const struct submission *r)
{
	char key[KEY_ROOM];
	struct report *report =
		table_put(state_tables(s), T_REPORTS,
			  key_format(key, "%020" PRIu64 "/%s", r->epoch, r->author));
	const struct state_event event = {
		.kind = STATE_REPORT, .number = r->epoch, .account = r->author};

	keep_json(&report->host, r->host);
	keep_json(&report->observations, r->observations);
	keep_json(&report->rows, r->rows_json);
	state_event(s, &event);
}

static void apply_rows(struct state *s, const struct submission *r)
{
	struct result results[REPORT_ROWS_MAX];

	for (size_t i = 0; i < r->row_count; i++) {
		const struct report_row *row = &r->rows[i];

		results[i] = (struct result){
			.target = row->target,
			.ticket = row->ticket,
			.key = row->key,
			.derivation = row->derivation,
			.transcript = row->transcript,
			.sig = row->sig,
			.bucket = row->bucket,
			.artifact_class = row->class,
			.ordinal = row->ordinal,
			.count = row->count,
			.class = row->result,
		};
	}
	results_apply(s, r->author, r->epoch, results, r->row_count);
}

static void accept(struct state *s, const struct submission *r)
{
	struct node *node = node_find(s, r->author);
	bool full = disk_full(state_params(s), data_number(r->host, "disk"));

	apply_rows(s, r);
	if (json_array_size(r->observations) < r->assigned.n)
		reporter_incomplete(s, r->author, r->epoch);
	record_report(s, r);
	if (full && node->state == NODE_ACTIVE)
		node_set_state(s, node, NODE_STORAGE_FULL);
	if (!full && node->state == NODE_STORAGE_FULL)
		node_set_state(s, node, NODE_ACTIVE);
}

unsigned apply_report(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		      const char **reason)
{
	struct submission r = {
		.author = ctx->author,
		.epoch = data_number(data, "epoch"),
		.host = json_object_get(data, "host"),
		.observations = json_object_get(data, "observations"),
		.rows_json = json_object_get(data, "rows"),
	};
	unsigned code = check(s, &r);

	if (code == VERDICT_OK)
		accept(s, &r);
	assigned_free(&r.assigned);
	return code;
}

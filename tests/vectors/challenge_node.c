/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors/challenge_node.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "node/buffer.h"
#include "node/recheck.h"
#include "node/share.h"
#include "node/trim.h"

bool same_json(struct vector_case *c, const char *name, const json_t *got)
{
	const json_t *want = json_object_get(c->out, name);
	char *g, *w;

	if (json_equal(got, want))
		return true;
	g = json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	w = json_dumps(want, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	vector_fail(c, "%s is %.200s, want %.200s", name, g, w != NULL ? w : "nothing");
	free(g);
	free(w);
	return false;
}

static bool same_number(struct vector_case *c, const char *name, uint64_t got)
{
	uint64_t want = vector_u64(c->out, name);

	return got == want ? true
			   : vector_fail(c, "%s is %llu, want %llu", name, (unsigned long long)got,
					 (unsigned long long)want);
}

static bool same_flag(struct vector_case *c, const char *name, bool got)
{
	return got == vector_bool(c->out, name) ? true : vector_fail(c, "%s is %d", name, got);
}

bool run_reference_only(struct vector_case *c)
{
	return vector_fail(c, "a case of a section that is for reference only");
}

bool run_artifact_count(struct vector_case *c)
{
	const json_t *meta = json_object_get(c->in, "meta");
	const struct ticket ticket = {
		.rq_ids_ids.n = json_array_size(json_object_get(meta, "rq_ids_ids")),
		.index_artifact_count = vector_u64(meta, "index_artifact_count"),
		.symbol_artifact_count = vector_u64(meta, "symbol_artifact_count"),
	};
	uint32_t count;
	int error = share_total(&count, &ticket, (unsigned)vector_u64(c->in, "class"));

	if (json_is_true(json_object_get(c->out, "error")) != (error != 0))
		return vector_fail(c, "%s", assay_error_text(error));
	return same_number(c, "count", count);
}

/* What a call of the original that ended so is at a node that speaks datagrams. */
static struct ask_result ask_result_of(const json_t *err, const char *reason)
{
	const char *kind = vector_text(err, "kind");
	uint64_t code = vector_u64(err, "code");

	if (strcmp(kind, "none") == 0)
		return (struct ask_result){.outcome = ASK_REFUSED, .why = reason};
	if (strcmp(kind, "deadline") == 0 || strcmp(kind, "canceled") == 0 ||
	    (strcmp(kind, "grpc") == 0 && (code == 1 || code == 4 || code == 14)))
		return (struct ask_result){.outcome = ASK_TIMEOUT, .why = reason};
	return (struct ask_result){.outcome = ASK_INVALID, .why = reason};
}

bool run_classify_proof_failure(struct vector_case *c)
{
	const struct ask_result result =
		ask_result_of(json_object_get(c->in, "err"), vector_text(c->in, "reason"));

	return same_number(c, "result", classify_ask(&result));
}

bool run_recheck_eligible(struct vector_case *c)
{
	const struct recheck_candidate candidate = {
		.key = {.epoch = 1, .ticket = "k", .target = "t"},
		.challenged = "h",
		.reporter = "r",
		.result = (unsigned)vector_u64(c->in, "result"),
	};

	return same_flag(c, "eligible", recheck_usable(&candidate, "self"));
}

bool run_recheck_outcome(struct vector_case *c)
{
	static const struct {
		const char *name;
		unsigned class;
	} outcomes[] = {
		{"pass", RESULT_PASS},
		{"fail", RESULT_HASH_MISMATCH},
		{"hash_mismatch", RESULT_HASH_MISMATCH},
		{"timeout", RESULT_TIMEOUT},
		{"observer_quorum_fail", RESULT_OBSERVER_QUORUM_FAIL},
	};
	const char *name = vector_text(c->in, "outcome");
	unsigned class = RESULT_INVALID_TRANSCRIPT;

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (strcmp(outcomes[i].name, name) == 0)
			class = outcomes[i].class;
	return same_number(c, "result", classify_recheck(class));
}

bool run_proof_coverage(struct vector_case *c)
{
	const json_t *targets = json_object_get(c->in, "targets"),
		     *list = json_object_get(c->in, "rows");
	size_t n = json_array_size(list), count = json_array_size(targets);
	struct row *rows = vector_alloc(n * sizeof(*rows));
	const char **names = vector_alloc(count * sizeof(*names));

	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(list, i);

		rows[i].bucket = (unsigned)vector_u64(row, "bucket");
		trim_copy(rows[i].target, sizeof(rows[i].target), vector_text(row, "target"));
	}
	for (size_t i = 0; i < count; i++)
		names[i] = json_string_value(json_array_get(targets, i));
	return same_flag(c, "complete", row_buffer_covers(rows, n, names, count));
}

/* --- result_buffer */

static uint64_t number_or_0(const json_t *object, const char *name)
{
	return json_object_get(object, name) != NULL ? vector_u64(object, name) : 0;
}

static const char *text_or_empty(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

static struct row row_of(const json_t *op)
{
	struct row row = {
		.epoch = number_or_0(op, "epoch"),
		.bucket = (unsigned)number_or_0(op, "bucket"),
		.result = (unsigned)number_or_0(op, "result"),
	};

	strcpy(row.target, text_or_empty(op, "target"));
	strcpy(row.ticket, text_or_empty(op, "ticket_id"));
	return row;
}

static json_t *rows_json(const struct row *rows, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s}", "bucket",
						      (int)rows[i].bucket, "result",
						      (int)rows[i].result, "target", rows[i].target,
						      "ticket_id", rows[i].ticket));
	return list;
}

bool run_result_buffer(struct vector_case *c)
{
	const json_t *ops = json_object_get(c->in, "ops"), *op;
	json_t *collected = json_array(), *eligible = json_array();
	struct row last[BUFFER_ROWS_MAX], row;
	struct row_buffer buffer = {0};
	size_t dropped = 0, n = 0, i;
	bool ok;

	json_array_foreach(ops, i, op)
	{
		const char *what = vector_text(op, "op");

		row = row_of(op);
		if (strcmp(what, "append") == 0)
			row_buffer_append(&buffer, &row);
		else if (strcmp(what, "requeue") == 0)
			row_buffer_requeue(&buffer, last, n);
		else if (strcmp(what, "has_eligible") == 0)
			json_array_append_new(eligible,
					      json_boolean(row_buffer_has_eligible(
						      &buffer, row.epoch, row.target, row.bucket)));
		else {
			dropped += row_buffer_collect(&buffer, last, &n, row.epoch);
			json_array_append_new(collected, rows_json(last, n));
		}
	}
	row_buffer_free(&buffer);
	ok = same_json(c, "collected", collected) && same_json(c, "has_eligible", eligible) &&
	     same_number(c, "dropped_total", dropped);
	json_decref(collected);
	json_decref(eligible);
	return ok;
}

/* --- recheck_find: the ledger and the store are the case's */

static struct {
	const json_t *in;
	unsigned queries;
	struct ticket ticket; /* every target of the case holds it */
} finding;

static void holders_of_case(void)
{
	const json_t *report, *row;
	struct texts *holders = &finding.ticket.holders;
	size_t i, k;

	finding.ticket = (struct ticket){.state = TICKET_OPEN};
	holders->at = vector_alloc(256 * sizeof(*holders->at));
	json_array_foreach(json_object_get(finding.in, "reports"), i, report)
		json_array_foreach(json_object_get(report, "rows"), k, row)
	{
		char *name = vector_alloc(ACCOUNT_ROOM);

		trim_copy(name, ACCOUNT_ROOM, vector_text(row, "target"));
		if (holders->n < 256)
			holders->at[holders->n++] = name;
	}
}

static const struct ticket *find_ticket(void *ctx, const char *id)
{
	return &finding.ticket;
}

static int find_rows(void *ctx, uint64_t epoch, void (*each)(void *arg, const struct reported *row),
		     void *arg)
{
	const json_t *reporters = json_object_get(finding.in, "reporters"),
		     *reports = json_object_get(finding.in, "reports"), *who, *report, *row;
	size_t i, k, r;

	json_array_foreach(reporters, i, who)
	{
		finding.queries++;
		json_array_foreach(reports, k, report)
		{
			if (strcmp(vector_text(report, "reporter"), json_string_value(who)) != 0 ||
			    vector_u64(report, "epoch") != epoch)
				continue;
			json_array_foreach(json_object_get(report, "rows"), r, row)
				each(arg, &(struct reported){
						  .challenger = vector_text(row, "challenger"),
						  .target = vector_text(row, "target"),
						  .ticket = vector_text(row, "ticket_id"),
						  .transcript = vector_text(row, "transcript_hash"),
						  .result = (unsigned)vector_u64(row, "result"),
					  });
		}
	}
	return 0;
}

static enum recheck_taken find_taken(void *ctx, const struct reported *row, uint64_t epoch,
				     const char *self)
{
	return TAKEN_NONE;
}

static int find_stored(void *ctx, enum recheck_status *status, const struct recheck_key *key)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(finding.in, "existing_rows"), i, row)
	{
		if (vector_u64(row, "epoch") != key->epoch ||
		    strcmp(vector_text(row, "ticket_id"), key->ticket) != 0)
			continue;
		*status = strcmp(vector_text(row, "status"), "pending") == 0 ? RECHECK_PENDING
									     : RECHECK_DONE;
		return 0;
	}
	return ASSAY_E_NOTFOUND;
}

static json_t *candidate_json(const struct recheck_candidate *c)
{
	char epoch[24];

	snprintf(epoch, sizeof(epoch), "%llu", (unsigned long long)c->key.epoch);
	return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "challenged_transcript", c->challenged,
			 "epoch", epoch, "original_reporter", c->reporter, "original_result",
			 (int)c->result, "target", c->key.target, "ticket_id", c->key.ticket);
}

bool run_recheck_find(struct vector_case *c)
{
	struct node_ctx ctx = {
		.ledger = {.ticket = find_ticket,
			   .failed_rows = find_rows,
			   .rechecked = find_taken},
		.log = log_none(),
	};
	const struct recheck_store store = {.find = find_stored};
	struct recheck_settings settings = {
		.lookback = vector_u64(c->in, "lookback"),
		.per_turn_max = (unsigned)vector_u64(c->in, "max_per_tick"),
	};
	struct recheck_cache *cache = recheck_cache_new();
	struct recheck_candidate *found;
	json_t *list = json_array();
	size_t n;
	bool ok;

	recheck_settings_standard(&settings);
	strcpy(ctx.self, vector_text(c->in, "self"));
	finding.in = c->in;
	finding.queries = 0;
	holders_of_case();
	found = vector_alloc(settings.per_turn_max * sizeof(*found));
	if (recheck_find(found, &n, settings.per_turn_max,
			 &(struct recheck_search){
				 .ctx = &ctx,
				 .cache = cache,
				 .store = &store,
				 .epoch_now = vector_u64(c->in, "current_epoch"),
				 .lookback = settings.lookback,
			 }) != 0)
		n = 0;
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, candidate_json(&found[i]));
	ok = same_json(c, "candidates", list) && same_number(c, "report_queries", finding.queries);
	json_decref(list);
	recheck_cache_free(cache);
	return ok;
}

/* --- recheck_submit: a store that tells what it was asked */

static struct {
	json_t *calls;
	enum recheck_status row; /* 0: none */
} submitting;

static void called(const char *name)
{
	json_array_append_new(submitting.calls, json_string(name));
}

static int submit_stage(void *ctx, enum recheck_status *there, const struct recheck_row *row,
			uint64_t now_ms)
{
	called("stage_pending");
	*there = submitting.row;
	if (submitting.row != 0)
		return ASSAY_E_EXISTS;
	submitting.row = RECHECK_PENDING;
	return 0;
}

static int submit_renew(void *ctx, const struct recheck_row *row, uint64_t now_ms)
{
	return 0;
}

static int submit_mark(void *ctx, const struct recheck_key *key, enum recheck_status status)
{
	called("mark_submitted");
	submitting.row = status;
	return 0;
}

static int submit_drop(void *ctx, const struct recheck_key *key)
{
	called("delete_pending");
	submitting.row = 0;
	return 0;
}

static const char *const row_names[] = {"none", "pending", "submitted", "closed"};

/* The ledger's word that stands for how sending ends in the case. */
static struct entry_outcome entry_outcome_of(const json_t *tx)
{
	const char *kind = vector_text(tx, "kind");

	if (strcmp(kind, "none") == 0)
		return (struct entry_outcome){.end = ENTRY_VERDICT_CAME, .reason = ""};
	if (strcmp(kind, "deadline") == 0 || strcmp(kind, "canceled") == 0)
		return (struct entry_outcome){.end = ENTRY_OPEN, .reason = ""};
	return (struct entry_outcome){
		.end = ENTRY_VERDICT_CAME,
		.code = strcmp(kind, "abci") == 0 ? (unsigned)vector_u64(tx, "code") : UINT32_MAX,
		.reason = "NOT_ELIGIBLE"};
}

static bool submit_case(struct vector_case *c, const struct recheck_store *store)
{
	const json_t *in = json_object_get(c->in, "candidate"),
		     *result_in = json_object_get(c->in, "result");
	struct node_ctx ctx = {.log = log_none()};
	struct recheck_candidate candidate = {
		.key.epoch = vector_u64(in, "epoch"),
		.result = (unsigned)vector_u64(in, "original_result"),
	};
	struct recheck_result result = {.result = (unsigned)vector_u64(result_in, "result")};
	struct effects out = {0};
	enum recheck_says says;
	int error;

	strcpy(ctx.self, vector_text(c->in, "self"));
	strcpy(candidate.key.target, vector_text(in, "target"));
	strcpy(candidate.key.ticket, vector_text(in, "ticket_id"));
	strcpy(candidate.challenged, vector_text(in, "challenged_transcript"));
	strcpy(candidate.reporter, vector_text(in, "original_reporter"));
	strcpy(result.transcript, vector_text(result_in, "transcript_hash"));
	error = recheck_submit(&says, &ctx, store, &candidate, &result, candidate.key.epoch, 7, 1,
			       1, &out);
	if (out.n > 0) {
		const struct entry_outcome outcome = entry_outcome_of(json_object_get(c->in, "tx"));

		called("send_tx");
		error = recheck_settle(&says, store, &candidate.key, &outcome);
	}
	effects_free(&out);
	if (strcmp(vector_text(c->out, "metric_outcome"),
		   says == RECHECK_SAYS ? "" : recheck_says_name(says)) != 0)
		return vector_fail(c, "outcome %d", says);
	return same_flag(c, "ok", error == 0);
}

bool run_recheck_submit(struct vector_case *c)
{
	const struct recheck_store store = {
		.stage = submit_stage,
		.renew = submit_renew,
		.mark = submit_mark,
		.drop = submit_drop,
	};
	const char *prior = vector_text(c->in, "prior_row");
	bool ok;

	submitting.calls = json_array();
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(row_names[i], prior) == 0)
			submitting.row = i;
	ok = submit_case(c, &store) && same_json(c, "calls", submitting.calls);
	json_decref(submitting.calls);
	if (ok && strcmp(vector_text(c->out, "row_after"), row_names[submitting.row]) != 0)
		return vector_fail(c, "the row is %s", row_names[submitting.row]);
	return ok;
}

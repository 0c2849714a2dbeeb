/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole runs: the case's ledger, targets and signer around the node's step functions. Keys and
 * sizes come from the rule of the original client, which assay replaces, and a good answer counts
 * as one whose tree verifies.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"
#include "codec/artifact.h"
#include "crypto/digest.h"
#include "node/challenge.h"
#include "node/recheck.h"
#include "node/share.h"
#include "proof/derive.h"
#include "vectors/challenge_node.h"

struct scenario {
	const json_t *in;
	const char *self;
	uint64_t current_epoch;
	struct ticket ticket; /* the last one that was looked up */
	char *holder[1];
	unsigned sign_calls;
	json_t *requests;
	struct node_ctx ctx;
	const json_t *candidate; /* of a recheck */
};

static const json_t *meta_of(const struct scenario *s, const char *ticket)
{
	const json_t *entry = json_object_get(json_object_get(s->in, "meta_by_ticket"), ticket);

	return entry != NULL && !json_is_true(json_object_get(entry, "fails")) ? entry : NULL;
}

/* --- the ledger */

static bool view_epoch(void *ctx, struct epoch_facts *out, uint64_t epoch)
{
	const struct scenario *s = ctx;
	const uint8_t *seed;
	size_t len;

	*out = (struct epoch_facts){
		.epoch = vector_u64(s->in, "epoch"),
		.start = 1,
		.end = vector_u64(s->in, "epoch_end_height"),
		.height = vector_u64(s->in, "latest_height"),
		.mode = (unsigned)vector_u64(s->in, "mode"),
		.enabled = true,
		.recent_max = vector_u64(s->in, "recent_max"),
		.old_min = vector_u64(s->in, "old_min"),
		.k = (unsigned)vector_u64(s->in, "ranges_per_artifact"),
		.range_length = (unsigned)vector_u64(s->in, "range_len"),
		.tick_interval_ms = 6000,
	};
	seed = vector_hex(s->in, "seed", &len);
	must(len <= sizeof(out->seed));
	memcpy(out->seed, seed, len);
	out->seed_len = len;
	return true;
}

static bool view_current(void *ctx, struct epoch_facts *out)
{
	view_epoch(ctx, out, 0);
	out->epoch = ((const struct scenario *)ctx)->current_epoch;
	return true;
}

static int view_targets(void *ctx, uint64_t epoch, const char *self,
			void (*each)(void *arg, const char *target), void *arg)
{
	const struct scenario *s = ctx;
	const json_t *target;
	size_t i;

	json_array_foreach(json_object_get(s->in, "assigned"), i, target)
		each(arg, json_string_value(target));
	return 0;
}

static int view_tickets(void *ctx, uint64_t epoch, const char *target,
			void (*each)(void *arg, const char *ticket, uint64_t height), void *arg)
{
	const struct scenario *s = ctx;
	const json_t *ticket;
	size_t i;

	if (json_is_true(json_object_get(json_object_get(s->in, "ticket_list_fails"), target)))
		return ASSAY_E_IO;
	json_array_foreach(json_object_get(json_object_get(s->in, "tickets_by_target"), target), i,
			   ticket)
		each(arg, vector_text(ticket, "ticket_id"), vector_u64(ticket, "anchor_height"));
	return 0;
}

/* The node whose list has the ticket, or whom a recheck is about: its one holder. */
static const char *holder_of(const struct scenario *s, const char *id)
{
	const char *target;
	json_t *list;

	json_object_foreach((json_t *)json_object_get(s->in, "tickets_by_target"), target, list)
	{
		const json_t *ticket;
		size_t i;

		json_array_foreach(list, i, ticket) if (strcmp(vector_text(ticket, "ticket_id"),
							       id) == 0) return target;
	}
	return s->candidate != NULL ? vector_text(s->candidate, "target") : "";
}

static const struct ticket *view_ticket(void *ctx, const char *id)
{
	struct scenario *s = ctx;
	const json_t *meta = json_object_get(meta_of(s, id), "meta");

	if (meta == NULL)
		return NULL;
	s->holder[0] = (char *)holder_of(s, id);
	s->ticket = (struct ticket){
		.state = TICKET_OPEN,
		.rq_ids_ids.n = json_array_size(json_object_get(meta, "rq_ids_ids")),
		.index_artifact_count = vector_u64(meta, "index_artifact_count"),
		.symbol_artifact_count = vector_u64(meta, "symbol_artifact_count"),
		.index_copies = 1,
		.symbol_copies = 1,
		.holders = {s->holder, 1},
	};
	return &s->ticket;
}

static int view_failed_rows(void *ctx, uint64_t epoch,
			    void (*each)(void *arg, const struct reported *row), void *arg)
{
	const struct scenario *s = ctx;
	const json_t *c = s->candidate;

	if (vector_u64(c, "epoch") == epoch)
		each(arg, &(struct reported){
				  .challenger = vector_text(c, "original_reporter"),
				  .target = vector_text(c, "target"),
				  .ticket = vector_text(c, "ticket_id"),
				  .transcript = vector_text(c, "challenged_transcript"),
				  .result = (unsigned)vector_u64(c, "original_result"),
			  });
	return 0;
}

static enum recheck_taken view_rechecked(void *ctx, const struct reported *row, uint64_t epoch,
					 const char *self)
{
	return TAKEN_NONE;
}

static int scenario_sign(void *ctx, uint8_t signature[64], const char *tag,
			 const struct sha256_part *parts, size_t n)
{
	struct scenario *s = ctx;
	const char *failure = vector_text(s->in, "sign_failure");
	unsigned nth;

	s->sign_calls++;
	memset(signature, 0x11, 64);
	if (strcmp(failure, "all") == 0 ||
	    (sscanf(failure, "call %u", &nth) == 1 && nth == s->sign_calls))
		return ASSAY_E_CRYPTO;
	return 0;
}

static void scenario_init(struct scenario *s, const json_t *in)
{
	*s = (struct scenario){.in = in, .requests = json_array()};
	s->current_epoch = vector_u64(in, "epoch");
	s->ctx = (struct node_ctx){
		.ledger = {.current = view_current,
			   .epoch = view_epoch,
			   .targets = view_targets,
			   .tickets = view_tickets,
			   .ticket = view_ticket,
			   .failed_rows = view_failed_rows,
			   .rechecked = view_rechecked,
			   .ctx = s},
		.signer = {scenario_sign, s},
		.log = log_none(),
	};
	strcpy(s->ctx.self, vector_text(in, "self"));
}

/* --- keys and sizes as in the original */

static int original_key(char out[KEY_TEXT_ROOM], uint64_t *made, const json_t *meta,
			const struct effect *e)
{
	const json_t *ids = json_object_get(meta, "rq_ids_ids");
	const char *signatures = vector_text(meta, "signatures");
	struct artifact_file file;

	*made = 0;
	if (e->artifact.class == ASSAY_CLASS_SYMBOL) {
		if (e->artifact.ordinal >= json_array_size(ids))
			return ASSAY_E_RANGE;
		strcpy(out, json_string_value(json_array_get(ids, e->artifact.ordinal)));
		return 0;
	}
	if (*signatures == '\0' || e->artifact.ordinal >= vector_u64(meta, "rq_ids_max"))
		return ASSAY_E_RANGE;
	must(artifact_make(&file, signatures,
			   (uint32_t)(vector_u64(meta, "rq_ids_ic") + e->artifact.ordinal)) == 0);
	base58_encode(out, KEY_TEXT_ROOM, file.id, 32);
	*made = file.len;
	artifact_free(&file);
	return 0;
}

static uint64_t original_size(const struct scenario *s, const json_t *entry, const char *key,
			      uint64_t made, const struct effect *e)
{
	const json_t *meta = json_object_get(entry, "meta"),
		     *stored = json_object_get(json_object_get(s->in, "stored_sizes"), key);
	uint64_t max = vector_u64(meta, "rq_ids_max");
	int64_t kbs = vector_i64(entry, "file_size_kbs");

	if (json_integer_value(stored) > 0)
		return (uint64_t)json_integer_value(stored);
	if (e->artifact.class == ASSAY_CLASS_INDEX)
		return made;
	return kbs <= 0 || max == 0 ? 0 : ((uint64_t)kbs * 1024 + max - 1) / max;
}

static enum resolve_end resolve(const struct scenario *s, struct resolved *out,
				const struct effect *e)
{
	const json_t *entry = meta_of(s, e->artifact.ticket);
	uint64_t made;

	if (original_key(out->text, &made, json_object_get(entry, "meta"), e) != 0)
		return RESOLVE_NO_KEY;
	digest_one(out->key, NULL, out->text, strlen(out->text));
	out->size = original_size(s, entry, out->text, made, e);
	return out->size != 0 ? RESOLVE_DONE : RESOLVE_NO_SIZE;
}

/* --- the targets */

static json_t *number_text(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return json_string(text);
}

/* The request as the original would have sent it. */
static json_t *request_json(struct scenario *s, const struct effect *e, const char *key)
{
	const struct assay_prove_request *r = &e->question.request;
	struct derive_seed seed = {e->question.seed, e->question.seed_len};
	char seed_hex[2 * SEED_ROOM + 1], id_hex[65];
	json_t *ranges = json_array();
	uint32_t count;
	uint8_t id[32];

	for (unsigned i = 0; i < r->k; i++)
		json_array_append_new(ranges,
				      json_pack("[o, o]", number_text(r->offsets[i]),
						number_text(r->offsets[i] + r->range_length)));
	hex_encode(seed_hex, seed.data, seed.len);
	challenge_id(id, seed, r->epoch, e->account, e->question.ticket, r->class, r->ordinal);
	hex_encode(id_hex, id, 32);
	must(share_total(&count, view_ticket(s, e->question.ticket), r->class) == 0);
	return json_pack("{s:s, s:o, s:i, s:s, s:s, s:i, s:i, s:o, s:[], s:i, s:o, s:s, s:s, s:s}",
			 "artifact_key", key, "artifact_size", number_text(r->size), "bucket",
			 (int)r->bucket, "challenge_id", id_hex, "challenger", s->ctx.self, "class",
			 (int)r->class, "count", (int)count, "epoch", number_text(r->epoch),
			 "observers", "ordinal", (int)r->ordinal, "ranges", ranges, "seed",
			 seed_hex, "target", e->account, "ticket_id", e->question.ticket);
}

static struct ask_result good_answer(const struct effect *e, const char *key)
{
	const struct assay_prove_request *r = &e->question.request;
	struct ask_result result = {.outcome = ASK_PASS};
	uint8_t *data = vector_alloc(r->size);

	for (uint64_t i = 0; i < r->size; i++)
		data[i] = (uint8_t)(i * 7 + strlen(key) + (i >> 8));
	must(compound_hash(result.compound, data, r->size, r->offsets, r->k, r->range_length) == 0);
	return result;
}

static struct ask_result ask(struct scenario *s, const struct effect *e, const char *key)
{
	const json_t *how = json_object_get(json_object_get(s->in, "target_behaviour"), e->account);
	const char *kind = vector_text(how, "kind"),
		   *text = json_string_value(json_object_get(how, "text"));
	int64_t code = json_integer_value(json_object_get(how, "code"));
	struct ask_result result = {.outcome = ASK_INVALID, .why = text != NULL ? text : ""};

	if (strncmp(kind, "dial_", 5) != 0)
		json_array_append_new(s->requests, request_json(s, e, key));
	if (strcmp(kind, "ok") == 0 || strcmp(kind, "upper_hash") == 0)
		return good_answer(e, key);
	if (strcmp(kind, "bad_hash") == 0 || strcmp(kind, "empty_hash") == 0)
		result.outcome = ASK_HASH_MISMATCH;
	else if (strcmp(kind, "not_ok") == 0)
		result.outcome = ASK_REFUSED;
	else if (strcmp(kind, "nil") == 0 || strcmp(kind, "deadline") == 0 ||
		 (strstr(kind, "grpc") != NULL && (code == 1 || code == 4 || code == 14)))
		result.outcome = ASK_TIMEOUT;
	return result;
}

/* --- a run */

/* Carries effects out, one after the other, until there are none. */
static void run(struct scenario *s, struct effects *effects, struct challenge *challenge,
		struct recheck *recheck, json_t **entry)
{
	const struct moment now = {1, 1};
	char key[KEY_TEXT_ROOM] = "";

	for (size_t i = 0; i < effects->n; i++) {
		struct effect e = effects->list[i];
		struct ask_result answer;
		struct resolved artifact = {""};
		enum resolve_end end;

		switch (e.kind) {
		case EFFECT_RESOLVE:
			end = resolve(s, &artifact, &e);
			strcpy(key, artifact.text);
			if (challenge != NULL)
				challenge_resolved(challenge, e.cookie, end, &artifact, now,
						   effects);
			else
				recheck_resolved(recheck, e.cookie, end, &artifact, now, effects);
			break;
		case EFFECT_ASK:
			answer = ask(s, &e, key);
			if (challenge != NULL)
				challenge_asked(challenge, e.cookie, &answer, now, effects);
			else
				recheck_asked(recheck, e.cookie, &answer, now, effects);
			break;
		case EFFECT_ENTRY:
			*entry = json_loads(e.entry.data, 0, NULL);
			break;
		default:
			must(false);
		}
	}
}

static json_t *rows_json(const struct row *rows, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:s, s:i, s:i, s:s, s:i, s:i, s:s, s:s, s:s}",
				  "artifact_key", r->key, "bucket", (int)r->bucket, "challenger",
				  r->challenger, "class", (int)r->class, "count", (int)r->count,
				  "derivation_input_hash", r->derivation, "ordinal",
				  (int)r->ordinal, "result", (int)r->result, "target", r->target,
				  "ticket_id", r->ticket, "transcript_hash", r->transcript));
	}
	return list;
}

/* The counters under the names of the metrics page. */
static void add_metric(void *arg, const char *name, const char *labels, uint64_t value)
{
	static const struct {
		const char *name, *label, *member;
	} known[] = {
		{"dispatch_results_total", "result_class=\"%127[^\"]", "results"},
		{"sign_failures_total", "row=\"%127[^\"]", "sign_failures"},
		{"internal_failures_total", "stage=\"%127[^\"]", "internal_failures"},
	};
	char label[128];

	for (size_t i = 0; value > 0 && i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0 && sscanf(labels, known[i].label, label) == 1)
			json_object_set_new(json_object_get(arg, known[i].member), label,
					    json_integer((json_int_t)value));
}

static void preload(struct row_buffer *buffer, const struct scenario *s)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(s->in, "rows_already_buffered"), i, row)
	{
		struct row r = {
			.epoch = vector_u64(s->in, "epoch"),
			.bucket = (unsigned)vector_u64(row, "bucket"),
			.result = (unsigned)vector_u64(row, "result"),
		};

		strcpy(r.target, vector_text(row, "target"));
		strcpy(r.ticket, vector_text(row, "ticket_id"));
		row_buffer_append(buffer, &r);
	}
}

/* What is signed differs from the original: rows are compared without it. */
static bool same_rows(struct vector_case *c, const json_t *got)
{
	json_t *want = json_deep_copy(json_object_get(c->out, "rows")), *row;
	struct vector_case without = {.in = c->in};
	size_t i;
	bool ok;

	json_array_foreach(want, i, row) json_object_del(row, "signed_message");
	without.out = json_pack("{s:o}", "rows", want);
	ok = same_json(&without, "rows", got);
	strcpy(c->why, without.why);
	json_decref((json_t *)without.out);
	return ok;
}

bool run_dispatch_epoch(struct vector_case *c)
{
	const struct challenge_settings settings = {.targets_at_once = 1};
	json_t *metrics = json_pack("{s:{}, s:{}, s:{}}", "results", "sign_failures",
				    "internal_failures"),
	       *rows, *entry = NULL;
	struct row collected[BUFFER_ROWS_MAX];
	struct challenge challenge;
	struct effects effects = {0};
	struct row_buffer buffer = {0};
	struct epoch_facts facts;
	struct scenario s;
	size_t n;
	bool ok;

	scenario_init(&s, c->in);
	preload(&buffer, &s);
	view_current(&s, &facts);
	challenge_init(&challenge, &s.ctx, &buffer, &settings);
	ok = (challenge_begin(&challenge, &facts, (struct moment){1, 1}) != 0) ==
	     vector_bool(c->out, "error");
	challenge_round(&challenge, (struct moment){1, 1}, &effects);
	run(&s, &effects, &challenge, NULL, &entry);
	row_buffer_collect(&buffer, collected, &n, facts.epoch);
	rows = rows_json(collected, n);
	counters_list(&s.ctx.counters, add_metric, metrics);
	ok = ok && same_json(c, "requests", s.requests) && same_rows(c, rows) &&
	     same_json(c, "metrics", metrics);
	json_decref(rows);
	json_decref(metrics);
	json_decref(s.requests);
	challenge_free(&challenge);
	row_buffer_free(&buffer);
	effects_free(&effects);
	return ok;
}

/* --- recheck_execute: nothing is remembered */

static int no_stage(void *ctx, enum recheck_status *there, const struct recheck_row *row,
		    uint64_t now_ms)
{
	return 0;
}
static int no_find(void *ctx, enum recheck_status *status, const struct recheck_key *key)
{
	return ASSAY_E_NOTFOUND;
}
static int no_failures(void *ctx, unsigned *count, const struct recheck_key *key, uint64_t now_ms)
{
	*count = 0;
	return 0;
}
static int no_fail(void *ctx, const struct recheck_key *key, const char *error, uint64_t expires_ms)
{
	return 0;
}
static int no_purge(void *ctx, uint64_t now_ms)
{
	return 0;
}

bool run_recheck_execute(struct vector_case *c)
{
	const struct recheck_store store = {
		.stage = no_stage,
		.find = no_find,
		.failures = no_failures,
		.failed = no_fail,
		.purge = no_purge,
	};
	const struct recheck_settings settings = {0};
	struct effects effects = {0};
	struct epoch_facts facts;
	struct recheck recheck;
	struct scenario s;
	json_t *entry = NULL;
	bool ok, error = vector_bool(c->out, "error");

	scenario_init(&s, json_object_get(c->in, "scenario"));
	s.candidate = json_object_get(c->in, "candidate");
	s.current_epoch = vector_u64(s.candidate, "epoch");
	view_current(&s, &facts);
	recheck_init(&recheck, &s.ctx, &store, &settings);
	recheck_turn(&recheck, &facts, (struct moment){1, 1}, &effects);
	run(&s, &effects, NULL, &recheck, &entry);
	ok = (entry == NULL) == error ? same_json(c, "requests", s.requests)
				      : vector_fail(c, "error told %d", error);
	if (ok && entry != NULL &&
	    (vector_u64(entry, "class") != vector_u64(c->out, "result") ||
	     strcmp(vector_text(entry, "recheck_transcript"),
		    vector_text(c->out, "transcript_hash")) != 0))
		ok = vector_fail(c, "class %d, transcript %s", (int)vector_u64(entry, "class"),
				 vector_text(entry, "recheck_transcript"));
	json_decref(entry);
	json_decref(s.requests);
	recheck_free(&recheck);
	effects_free(&effects);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Another node repeated a challenge that failed, and says what came out. */
#include <inttypes.h>
#include <string.h>

#include "ledger/scores.h"

#define OVERTURNED_PENALTY 25
#define CONFIRMED_CREDIT   (-3)

struct recheck {
	uint64_t epoch, class;
	const char *author, *challenged, *ticket;
	const char *challenged_hash, *recheck_hash;
	struct transcript_record *transcript; /* the challenged one */
};

static unsigned bad(const char **reason, const char *word)
{
	return refuse(reason, VERDICT_BAD_RECHECK, word);
}

static bool class_allowed(uint64_t class)
{
	return class == RESULT_PASS || result_failure(class);
}

static const char *done_key(char key[KEY_ROOM], const struct recheck *r)
{
	return key_format(key, "%020" PRIu64 "/%s/%s/%s", r->epoch, r->ticket, r->challenged,
			  r->author);
}

static unsigned check_fields(struct state *s, const struct recheck *r, const char **reason)
{
	char key[KEY_ROOM];

	if (*r->author == '\0')
		return VERDICT_BAD_SIGNER;
	if (*r->challenged == '\0')
		return bad(reason, "MISSING_FIELD");
	if (strcmp(r->challenged, r->author) == 0)
		return bad(reason, "NOT_INDEPENDENT");
	if (*r->ticket == '\0' || *r->challenged_hash == '\0' || *r->recheck_hash == '\0')
		return bad(reason, "MISSING_FIELD");
	if (table_find(state_tables(s), T_ANCHORS, key_epoch(key, r->epoch)) == NULL)
		return VERDICT_BAD_EPOCH;
	if (node_find(s, r->author) == NULL)
		return VERDICT_REPORTER_UNKNOWN;
	if (node_find(s, r->challenged) == NULL)
		return bad(reason, "MISMATCH");
	return class_allowed(r->class) ? VERDICT_OK : bad(reason, "BAD_CLASS");
}

static unsigned check_transcripts(struct state *s, const struct recheck *r, const char **reason)
{
	const struct transcript_record *t = r->transcript;
	char key[KEY_ROOM];

	if (t == NULL)
		return bad(reason, "UNKNOWN_TRANSCRIPT");
	if (t->epoch != r->epoch || strcmp(text_of(t->ticket), r->ticket) != 0 ||
	    strcmp(text_of(t->target), r->challenged) != 0)
		return bad(reason, "MISMATCH");
	if (strcmp(text_of(t->reporter), r->author) == 0)
		return bad(reason, "NOT_INDEPENDENT");
	if (!t->recheck_eligible)
		return bad(reason, "NOT_ELIGIBLE");
	if (table_find(state_tables(s), T_RECHECKS, done_key(key, r)) != NULL)
		return bad(reason, "ALREADY_SUBMITTED");
	if (t->recheck_transcript != NULL && strcmp(t->recheck_transcript, r->recheck_hash) != 0)
		return bad(reason, "LINK_CONFLICT");
	t = table_find(state_tables(s), T_TRANSCRIPTS, r->recheck_hash);
	if (t != NULL && (strcmp(text_of(t->challenged_transcript), r->challenged_hash) != 0 ||
			  strcmp(text_of(t->reporter), r->author) != 0))
		return bad(reason, "LINK_CONFLICT");
	return VERDICT_OK;
}

static void link_transcripts(struct state *s, const struct recheck *r)
{
	struct tables *tables = state_tables(s);
	struct transcript_record *old = r->transcript, *t;

	table_touch(tables, old);
	text_set(&old->recheck_transcript, r->recheck_hash);
	if (table_find(tables, T_TRANSCRIPTS, r->recheck_hash) != NULL)
		return;
	t = table_put(tables, T_TRANSCRIPTS, r->recheck_hash);
	t->epoch = old->epoch;
	text_set(&t->reporter, r->author);
	text_set(&t->target, old->target);
	text_set(&t->ticket, old->ticket);
	t->result_class = r->class;
	t->bucket = ASSAY_BUCKET_RECHECK;
	t->artifact_class = old->artifact_class;
	text_set(&t->artifact_key, old->artifact_key);
	t->ordinal = old->ordinal;
	t->count = old->count;
	text_set(&t->challenged_transcript, r->challenged_hash);
	index_add_transcript(&state_scores(s)->index, t);
}

/* The first reporter is judged by what the recheck said of its row. */
static void judge_reporter(struct state *s, const struct recheck *r, uint64_t epoch)
{
	struct tables *tables = state_tables(s);
	bool confirmed = r->class == RESULT_RECHECK_CONFIRMED_FAIL;
	const char *reporter = text_of(r->transcript->reporter);
	struct reporter_result *f;
	char key[KEY_ROOM];

	if (!confirmed && r->class != RESULT_PASS)
		return;
	reporter_update(s, reporter, epoch, confirmed ? CONFIRMED_CREDIT : OVERTURNED_PENALTY,
			!confirmed);
	r->transcript->confirmed = confirmed;
	r->transcript->contradicted = !confirmed;
	f = table_find(tables, T_REPORTER_RESULTS,
		       key_format(key, "%s/%020" PRIu64 "/%s/%s", reporter, r->epoch, r->ticket,
				  r->challenged));
	if (f == NULL)
		return;
	table_touch(tables, f);
	f->confirmed = confirmed;
	f->overturned = !confirmed;
}

unsigned apply_recheck(struct state *s, const struct entry_ctx *ctx, const json_t *data,
		       const char **reason)
{
	struct recheck r = {
		.epoch = data_number(data, "epoch"),
		.class = data_number(data, "class"),
		.author = ctx->author,
		.challenged = data_text(data, "challenged"),
		.ticket = data_text(data, "ticket"),
		.challenged_hash = data_text(data, "challenged_transcript"),
		.recheck_hash = data_text(data, "recheck_transcript"),
	};
	struct result result = {
		.target = r.challenged,
		.ticket = r.ticket,
		.bucket = ASSAY_BUCKET_RECHECK,
		.class = r.class,
	};
	unsigned code = check_fields(s, &r, reason);
	char key[KEY_ROOM];

	if (code != VERDICT_OK)
		return code;
	r.transcript = table_find(state_tables(s), T_TRANSCRIPTS, r.challenged_hash);
	code = check_transcripts(s, &r, reason);
	if (code != VERDICT_OK)
		return code;
	link_transcripts(s, &r);
	table_put(state_tables(s), T_RECHECKS, done_key(key, &r));
	scores_apply(s, r.author, state_epoch(s), &result, 1);
	judge_reporter(s, &r, state_epoch(s));
	state_event_named(s, "storage_truth_recheck_evidence_submitted", r.challenged, r.ticket);
	return VERDICT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/desk.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "crypto/digest.h"
#include "ledger/rules.h"

#define RECENT_MAX 300
#define OLD_MIN	   3000

/* --- the ledger */

static bool view_epoch(void *ctx, struct epoch_facts *out, uint64_t epoch)
{
	const struct desk *d = ctx;

	*out = d->facts;
	out->epoch = epoch;
	out->start = 1 + 100 * epoch;
	out->end = out->start + 99;
	memset(out->seed, (int)epoch, 32);
	return !d->no_anchor;
}

static bool view_current(void *ctx, struct epoch_facts *out)
{
	const struct desk *d = ctx;

	return view_epoch(ctx, out, d->facts.epoch);
}

static int view_targets(void *ctx, uint64_t epoch, const char *self,
			void (*each)(void *arg, const char *target), void *arg)
{
	const struct desk *d = ctx;

	if (d->targets_fail)
		return ASSAY_E_IO;
	for (unsigned i = 0; i < d->target_count; i++)
		each(arg, d->targets[i]);
	return 0;
}

static int view_tickets(void *ctx, uint64_t epoch, const char *target,
			void (*each)(void *arg, const char *ticket, uint64_t height), void *arg)
{
	struct desk *d = ctx;

	if (d->tickets_fail)
		return ASSAY_E_IO;
	for (unsigned i = 0; i < d->ticket_count; i++)
		if (ticket_challengeable(&d->ticket[i], epoch) &&
		    ticket_position(&d->ticket[i], target) >= 0)
			each(arg, d->ticket[i].record.key, d->ticket[i].height);
	return 0;
}

static const struct ticket *view_ticket(void *ctx, const char *id)
{
	const struct desk *d = ctx;

	for (unsigned i = 0; i < d->ticket_count; i++)
		if (strcmp(d->ticket[i].record.key, id) == 0)
			return &d->ticket[i];
	return NULL;
}

static const struct node *view_node(void *ctx, const char *account)
{
	const struct desk *d = ctx;

	for (unsigned i = 0; i < d->node_count; i++)
		if (strcmp(d->node[i].record.key, account) == 0)
			return &d->node[i];
	return NULL;
}

static bool view_has_report(void *ctx, uint64_t epoch, const char *account)
{
	return ((const struct desk *)ctx)->reported;
}

static int view_failed_rows(void *ctx, uint64_t epoch,
			    void (*each)(void *arg, const struct reported *row), void *arg)
{
	const struct desk *d = ctx;

	for (unsigned i = 0; i < d->row_count; i++)
		if (d->row[i].epoch == epoch)
			each(arg, &d->row[i].row);
	return 0;
}

static enum recheck_taken view_rechecked(void *ctx, const struct reported *row, uint64_t epoch,
					 const char *self)
{
	const struct desk *d = ctx;

	for (unsigned i = 0; i < d->row_count; i++)
		if (strcmp(d->row[i].row.transcript, row->transcript) == 0)
			return d->row[i].taken;
	return TAKEN_NONE;
}

static bool view_tick(void *ctx, struct tick_facts *out, const char *self)
{
	*out = ((const struct desk *)ctx)->tick;
	return true;
}

static int sign(void *ctx, uint8_t signature[64], const char *tag, const struct sha256_part *parts,
		size_t n)
{
	struct desk *d = ctx;

	assert_string_equal(tag, TAG_ROW);
	memset(signature, 0x33, 64);
	d->signs++;
	return d->sign_fails || d->signs == d->sign_fails_at ? ASSAY_E_CRYPTO : 0;
}

/* --- the desk */

void desk_init(struct desk *d)
{
	char why[128];

	digest_init();
	memset(d, 0, sizeof(*d));
	d->facts = (struct epoch_facts){
		.epoch = 20,
		.height = 2050,
		.seed_len = 32,
		.mode = 1,
		.enabled = true,
		.recent_max = RECENT_MAX,
		.old_min = OLD_MIN,
		.tick_interval_ms = 6000,
		.k = 4,
		.range_length = 256,
	};
	view_epoch(d, &d->facts, 20);
	strcpy(d->ctx.self, DESK_SELF);
	d->ctx.ledger = (struct ledger_view){
		view_current,	view_epoch, view_targets,    view_tickets,
		view_ticket,	view_node,  view_has_report, view_failed_rows,
		view_rechecked, view_tick,  .ctx = d,
	};
	d->ctx.signer = (struct signer){sign, d};
	d->ctx.log = log_sim(&d->log);
	assert_int_equal(sqlite3_open(":memory:", &d->db), SQLITE_OK);
	assert_int_equal(local_open(&d->local, d->db, why, sizeof(why)), 0);
	d->store = local_rechecks(d->local);
	d->now = (struct moment){1000 * NS_PER_MS, 1790000000000};
}

void desk_free(struct desk *d)
{
	local_close(d->local);
	sqlite3_close(d->db);
	effects_free(&d->out);
}

struct ticket *desk_ticket(struct desk *d, const char *id, const char *holder, unsigned bucket)
{
	struct ticket *t = &d->ticket[d->ticket_count];

	assert_in_range(d->ticket_count, 0, DESK_TICKETS - 1);
	d->holder[d->ticket_count] = (char *)holder;
	*t = (struct ticket){
		.record.key = (char *)id,
		.creator = (char *)"creator",
		.state = TICKET_OPEN,
		.index_artifact_count = 10,
		.symbol_artifact_count = 10,
		.index_copies = 1,
		.symbol_copies = 1,
		.holders = {&d->holder[d->ticket_count], 1},
		.ready_epoch = 1,
		/* Of ages that all epochs of the look-back see in the same bucket. */
		.height = bucket == ASSAY_BUCKET_RECENT ? d->facts.end - 100 : 1,
	};
	d->facts.old_min = d->facts.recent_max + 1;
	d->ticket_count++;
	return t;
}

void desk_target(struct desk *d, const char *account)
{
	d->targets[d->target_count++] = account;
}

struct node *desk_node(struct desk *d, const char *account)
{
	struct node *n = &d->node[d->node_count++];

	*n = (struct node){.record.key = (char *)account, .state = NODE_ACTIVE};
	return n;
}

struct desk_row *desk_row(struct desk *d, uint64_t epoch, const char *ticket, const char *target,
			  const char *reporter, unsigned result)
{
	static const char *const hashes[] = {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7",
					     "h8", "h9", "ha", "hb", "hc", "hd", "he", "hf"};
	struct desk_row *row = &d->row[d->row_count];

	assert_in_range(d->row_count, 0, 15);
	*row = (struct desk_row){
		.epoch = epoch,
		.row = {reporter, target, ticket, hashes[d->row_count], result},
	};
	d->row_count++;
	return row;
}

unsigned desk_count(const struct desk *d, enum effect_kind kind)
{
	unsigned n = 0;

	for (size_t i = 0; i < d->out.n; i++)
		n += d->out.list[i].kind == kind;
	return n;
}

struct effect desk_take(struct desk *d, enum effect_kind kind)
{
	for (size_t i = 0; i < d->out.n; i++) {
		struct effect e = d->out.list[i];

		if (e.kind != kind)
			continue;
		memmove(&d->out.list[i], &d->out.list[i + 1],
			(--d->out.n - i) * sizeof(d->out.list[0]));
		return e;
	}
	fail_msg("no effect of kind %d", kind);
	return (struct effect){0};
}

void desk_resolve(struct desk *d, struct challenge *c, enum resolve_end end)
{
	struct effect e = desk_take(d, EFFECT_RESOLVE);
	struct resolved artifact = {.size = 65532};

	digest_one(artifact.key, NULL, e.artifact.ticket, strlen(e.artifact.ticket));
	strcpy(artifact.text, "key");
	challenge_resolved(c, e.cookie, end, &artifact, d->now, &d->out);
}

void desk_answer(struct desk *d, struct challenge *c, enum ask_outcome what, const char *why)
{
	const struct effect e = desk_take(d, EFFECT_ASK);
	const struct ask_result result = {.outcome = what, .why = why};

	challenge_asked(c, e.cookie, &result, d->now, &d->out);
}

bool desk_logged(const struct desk *d, const char *text)
{
	for (unsigned i = 0; i < 64; i++)
		if (strstr(d->log.line[i], text) != NULL)
			return true;
	return false;
}

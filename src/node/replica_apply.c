/* SPDX-License-Identifier: Apache-2.0 */
/* A burst of entries becomes part of the copy. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "ledger/params.h"
#include "ledger/rules.h"
#include "node/node_db.h"
#include "node/replica_impl.h"

void replica_fail(struct replica *r, const char *what, int err)
{
	if (!r->failed)
		log_error(&r->config.log, "ledger", what,
			  "error=\"%s\" database=\"%s\" remedy=\"free space or mend the disk, "
			  "then start again\"",
			  assay_error_text(err), sqlite3_errmsg(r->config.db));
	r->failed = true;
}

/* --- events, kept until the commit --- */

static char *copy_of(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	must(text == NULL || copy != NULL);
	return copy;
}

void replica_keep_event(void *ctx, const struct state_event *event)
{
	struct replica *r = ctx;
	struct kept_event *k;

	if (r->config.event == NULL)
		return;
	if (r->event_n == r->event_room) {
		r->event_room = 2 * r->event_room + 64;
		r->events = realloc(r->events, r->event_room * sizeof(*r->events));
		must(r->events != NULL);
	}
	k = &r->events[r->event_n++];
	k->event = *event; /* its name is static */
	k->event.account = k->account = copy_of(event->account);
	k->event.ticket = k->ticket = copy_of(event->ticket);
}

void replica_drop_events(struct replica *r, bool tell)
{
	for (size_t i = 0; i < r->event_n; i++) {
		if (tell)
			r->config.event(r->config.ctx, &r->events[i].event);
		free(r->events[i].account);
		free(r->events[i].ticket);
	}
	r->event_n = 0;
}

/* --- applying --- */

static void count(struct replica *r, const struct entry_result *result)
{
	r->voids += result->kind == ENTRY_VOID;
	r->duplicates += result->kind == ENTRY_DUPLICATE;
	r->refused += result->kind == ENTRY_VERDICT && result->code != 0;
}

static bool is_tick(const struct taken *t)
{
	return t->parsed.document != NULL && strcmp(t->parsed.type, "tick") == 0;
}

/* Own seals trim what is sealed for long. */
static void trim_after(struct replica *r, const struct taken *t, const struct entry_result *result)
{
	uint64_t upto;

	if (r->config.self == NULL || result->kind != ENTRY_VERDICT || result->code != 0 ||
	    strcmp(result->type, "seal") != 0 || strcmp(result->author, r->config.self) != 0)
		return;
	upto = trim_upto(r->state, data_number(t->parsed.data, "epoch"));
	if (upto > 0)
		feed_trim(r->feed, upto);
}

/* One entry into state and database. */
static int apply_one(struct replica *r, unsigned n)
{
	struct taken *t = &r->burst[n];
	struct entry_result *result = &r->result[n];
	uint64_t height = state_height(r->state), seq;
	uint8_t log[32];
	int err;

	state_apply(r->state, result, t->bytes, t->len);
	count(r, result);
	seq = state_seq(r->state);
	state_log(r->state, log);
	err = copy_put_entry(r->copy, seq, t->bytes, t->len, log);
	if (err == 0)
		err = outbox_applied(r->outbox, r->state, t->bytes, t->len, result);
	if (err == 0 && state_height(r->state) != height)
		err = copy_put_height(r->copy, r->state);
	if (err == 0 && is_tick(t) && result->kind == ENTRY_VERDICT && result->code == 0)
		replica_tick_agrees(r, &t->parsed, seq);
	return err;
}

/* Entries first..last - 1 in one transaction; fewer when one of them raised a mismatch. */
static unsigned apply_some(struct replica *r, unsigned first, unsigned last)
{
	uint64_t epoch = state_epoch(r->state), seq = state_seq(r->state);
	unsigned n = first;
	int err = node_db_exec(r->config.db, "begin immediate");

	for (; err == 0 && n < last && r->mismatch[0] == '\0' && !r->failed; n++)
		err = apply_one(r, n);
	if (err == 0 && state_epoch(r->state) != epoch)
		err = outbox_expire(r->outbox, r->state);
	if (err == 0)
		err = copy_put_state(r->copy, r->state);
	failpoint(&r->config.failpoints, FAIL_LEDGER_APPLY);
	if (err == 0 && !r->failed)
		err = node_db_exec(r->config.db, "commit");
	if (err != 0)
		replica_fail(r, "entries could not be written to the node's database", err);
	if (r->failed) {
		replica_drop_events(r, false);
		return last;
	}
	for (unsigned i = first; i < n; i++)
		trim_after(r, &r->burst[i], &r->result[i]);
	for (unsigned i = first; r->config.applied != NULL && i < n; i++)
		r->config.applied(r->config.ctx, ++seq, &r->result[i]);
	replica_drop_events(r, true);
	outbox_committed(r->outbox);
	return n;
}

/* The tick that this entry may be would end the epoch. */
static bool at_edge(struct replica *r, const struct taken *t)
{
	uint64_t height = state_height(r->state);
	const struct params *p = params_current(state_tables(r->state));

	return is_tick(t) && height >= p->epoch_zero_height &&
	       (height - p->epoch_zero_height + 1) % p->epoch_length_blocks == 0;
}

/* How far it can go before an entry may be at the edge: a tick raises the height by one at most. */
static unsigned before_edge(struct replica *r, unsigned n)
{
	const struct params *p = params_current(state_tables(r->state));
	uint64_t height = state_height(r->state), ticks = p->epoch_length_blocks;

	if (height >= p->epoch_zero_height)
		ticks -= (height - p->epoch_zero_height + 1) % p->epoch_length_blocks;
	for (; n < r->burst_n && ticks > 0; n++)
		ticks -= is_tick(&r->burst[n]);
	return n;
}

static void apply_edge(struct replica *r, unsigned n)
{
	uint64_t epoch = state_epoch(r->state);

	r->config.epoch_edge(r->config.ctx, epoch);
	apply_some(r, n, n + 1);
	r->config.epoch_edge_over(r->config.ctx, epoch, state_epoch(r->state) != epoch);
}

static void verify_ahead(struct replica *r)
{
	ahead_begin(r->ahead);
	for (unsigned i = 0; i < r->burst_n; i++)
		if (r->burst[i].parsed.document != NULL &&
		    !ahead_add(r->ahead, r->state, &r->burst[i].parsed))
			break;
	ahead_run(r->ahead);
}

void replica_apply(struct replica *r)
{
	unsigned n = 0, upto;

	verify_ahead(r);
	while (n < r->burst_n && r->mismatch[0] == '\0' && !r->failed) {
		if (r->config.epoch_edge != NULL && at_edge(r, &r->burst[n])) {
			apply_edge(r, n++);
			continue;
		}
		upto = r->config.epoch_edge != NULL ? before_edge(r, n) : r->burst_n;
		n = apply_some(r, n, upto);
	}
	replica_burst_clear(r);
}

void replica_burst_clear(struct replica *r)
{
	for (unsigned i = 0; i < r->burst_n; i++) {
		entry_free(&r->burst[i].parsed);
		free(r->burst[i].bytes);
	}
	r->burst_n = 0;
	r->burst_bytes = 0;
}

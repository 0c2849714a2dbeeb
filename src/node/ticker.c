/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ticker.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "assay/status.h"
#include "base/must.h"
#include "base/text.h"

#define CLOCK_OFF_MS	30000
#define CLOCK_OFF_TICKS 3

void ticker_init(struct ticker *t, struct node_ctx *ctx, struct reveal *reveal)
{
	*t = (struct ticker){.ctx = ctx, .reveal = reveal};
}

int ticker_place(const struct tick_facts *f)
{
	unsigned m = f->member_count, first;
	int place = 0;

	if (m == 0 || f->self < 0)
		return -1;
	first = (unsigned)((f->height + 1) % m);
	for (unsigned i = 0; i < m; i++) {
		unsigned member = (first + i) % m;

		if (f->excluded[member])
			continue;
		if (member == (unsigned)f->self)
			return place;
		place++;
	}
	return -1;
}

/* Both clocks should tell about the same time; which one is off, nobody here can say. */
static void watch_clock(struct ticker *t, const struct tick_facts *f, struct moment now)
{
	uint64_t off =
		now.wall_ms > f->time_ms ? now.wall_ms - f->time_ms : f->time_ms - now.wall_ms;

	if (off <= CLOCK_OFF_MS) {
		t->clock_off = 0;
		return;
	}
	if (++t->clock_off == CLOCK_OFF_TICKS)
		log_warning(&t->ctx->log, "clock",
			    "wall clock and ledger time differ by more than 30 s",
			    "wall_ms=%" PRIu64 " ledger_ms=%" PRIu64, now.wall_ms, f->time_ms);
}

static char *tick_text(const struct tick_facts *f, uint64_t time_ms, const uint8_t value[32],
		       const uint8_t *new_tip)
{
	char reveal[65], log[65], tip[65];
	json_t *json;
	char *text;

	hex_encode(reveal, value, 32);
	hex_encode(log, f->log, 32);
	json = json_pack("{s:I, s:I, s:s, s:I, s:s}", "height", (json_int_t)(f->height + 1), "time",
			 (json_int_t)time_ms, "reveal", reveal, "at_seq", (json_int_t)f->seq,
			 "at_log", log);
	must(json != NULL);
	if (new_tip != NULL) {
		hex_encode(tip, new_tip, 32);
		json_object_set_new(json, "new_tip", json_string(tip));
	}
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	must(text != NULL);
	json_decref(json);
	return text;
}

static void tell_lost(struct ticker *t, int error)
{
	if (t->told_lost)
		return;
	t->told_lost = true;
	log_error(&t->ctx->log, "ticker",
		  "cannot tick: the ledger's tip of this member is not of the chain in " REVEAL_FILE
		  "; the authority has to set the chain's tip (assayctl committee propose)",
		  "error=\"%s\"", assay_error_text(error));
}

static void send(struct ticker *t, const struct tick_facts *f, struct moment now,
		 struct effects *out)
{
	uint64_t last = f->time_ms + 3 * f->interval_ms;
	uint64_t time_ms = f->height > 0 && now.wall_ms > last ? last : now.wall_ms;
	uint8_t tip[32], value[32], new_tip[32];
	bool renewed;
	int error = hex_decode(tip, 32, f->tip);

	if (error == 0)
		error = reveal_next(t->reveal, value, &renewed, new_tip, tip);
	if (error != 0) {
		t->blocked_ns = now.mono_ns + f->interval_ms * NS_PER_MS;
		tell_lost(t, error);
		return;
	}
	t->told_lost = false;
	t->sent = f->height + 1;
	t->cookie = ctx_cookie(t->ctx, PART_TICKER);
	t->ctx->counters.ticks_sent++;
	effects_entry(out, t->cookie, ENTRY_TICK, "tick",
		      tick_text(f, time_ms, value, renewed ? new_tip : NULL));
}

static bool facts_of(const struct ticker *t, struct tick_facts *f)
{
	const struct ledger_view *ledger = &t->ctx->ledger;

	return ledger->tick(ledger->ctx, f, t->ctx->self);
}

static uint64_t turn_ns(const struct ticker *t, const struct tick_facts *f, int place)
{
	return t->seen_ns + (1 + (uint64_t)place) * f->interval_ms * NS_PER_MS;
}

/* Half an interval after the last one, exactly; the first tick may come at once. */
static uint64_t time_min(const struct tick_facts *f)
{
	return f->time_ms + (f->height > 0 ? (f->interval_ms + 1) / 2 : 0);
}

void ticker_turn(struct ticker *t, struct moment now, struct effects *out)
{
	struct tick_facts f;
	int place;

	if (!facts_of(t, &f))
		return;
	if (!t->any_height || t->height != f.height) {
		if (t->any_height)
			watch_clock(t, &f, now);
		t->any_height = true;
		t->height = f.height;
		t->seen_ns = now.mono_ns;
		t->sent = 0;
	}
	place = t->reveal != NULL ? ticker_place(&f) : -1;
	if (place < 0 || t->sent == f.height + 1 || now.mono_ns < t->blocked_ns ||
	    now.mono_ns < turn_ns(t, &f, place))
		return;
	if (now.wall_ms < time_min(&f))
		t->blocked_ns = now.mono_ns + (time_min(&f) - now.wall_ms) * NS_PER_MS;
	else
		send(t, &f, now, out);
}

void ticker_verdict(struct ticker *t, uint64_t cookie, const struct entry_outcome *outcome)
{
	/* Refused, it may be tried again; accepted, the height says so. */
	if (cookie == t->cookie && classify_verdict(outcome) != SAYS_ACCEPTED &&
	    outcome->end != ENTRY_OPEN)
		t->sent = 0;
}

uint64_t ticker_due(const struct ticker *t)
{
	struct tick_facts f;
	int place;

	if (t->reveal == NULL || !t->any_height || !facts_of(t, &f))
		return UINT64_MAX;
	place = ticker_place(&f);
	if (place < 0 || t->sent == f.height + 1)
		return UINT64_MAX;
	return turn_ns(t, &f, place) > t->blocked_ns ? turn_ns(t, &f, place) : t->blocked_ns;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "node/runner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "node/presence.h"
#include "node/resolve.h"
#include "node/ticker.h"

#define POLL_MS	    5000
#define STOP_NS	    (2000 * NS_PER_MS)
#define STOPPING_NS (50 * NS_PER_MS)
#define PROBING_NS  (500 * NS_PER_MS)
#define HEAL_NS	    (30000 * NS_PER_MS) /* for cancelled work to end */

struct runner {
	struct node_ctx ctx;
	struct settings settings;
	struct row_buffer buffer;
	struct challenge challenge;
	struct resolver resolver;
	struct reporting report;
	struct recheck recheck;
	struct ticker ticker;
	struct presence_part presence;
	struct heal heal;
	bool healing;
	struct epoch_facts facts; /* of the last turn */
	bool any_facts, caught_up, stopping;
	uint64_t stop_ns, round_ns, begin_ns;
};

static struct heal_left heal_left(struct local *local, unsigned folders)
{
	struct heal_left left = {.folders = folders};

	if (local != NULL && local_heal_claims(local, &left.claims) != 0)
		left.claims = 0;
	return left;
}

static void init_heal(struct runner *r, const struct runner_config *config)
{
	struct heal_store store = local_heals(config->local);

	r->healing = config->settings.heal.on && config->heal.begin != NULL;
	heal_init(&r->heal, &r->ctx, &store, &config->heal, &config->failpoints,
		  &config->settings.heal);
}

struct runner *runner_new(const struct runner_config *config)
{
	struct runner *r = calloc(1, sizeof(*r));
	struct recheck_store store = local_rechecks(config->local);
	struct heal_left left = heal_left(config->local, config->heal_folders);

	must(r != NULL && settings_wrong(&config->settings) == NULL);
	strcpy(r->ctx.self, config->account);
	r->ctx.ledger = config->ledger;
	r->ctx.signer = config->signer;
	r->ctx.log = config->log;
	r->settings = config->settings;
	if (r->settings.poll_interval_ms == 0)
		r->settings.poll_interval_ms = POLL_MS;
	challenge_init(&r->challenge, &r->ctx, &r->buffer, &r->settings.challenge);
	resolver_init(&r->resolver, &r->ctx);
	report_init(&r->report, &r->ctx, &r->challenge, config->local);
	r->report.challenges = r->settings.challenges && r->settings.lep6;
	recheck_init(&r->recheck, &r->ctx, &store, &r->settings.recheck);
	ticker_init(&r->ticker, &r->ctx, config->reveal);
	presence_init(&r->presence, &r->ctx, config->boot);
	init_heal(r, config);
	settings_warn(&r->settings, &left, &r->ctx.log);
	return r;
}

void runner_free(struct runner *r)
{
	if (r == NULL)
		return;
	challenge_free(&r->challenge);
	row_buffer_free(&r->buffer);
	resolver_free(&r->resolver);
	report_free(&r->report);
	recheck_free(&r->recheck);
	heal_free(&r->heal);
	free(r);
}

void runner_host(struct runner *r, const struct host_facts *host)
{
	r->report.host = *host;
}

void runner_replaced(struct runner *r, const struct ledger_view *ledger)
{
	r->ctx.ledger = *ledger;
	r->heal.generation++;
	r->heal.due_ns = 0;
}

const struct counters *runner_counters(const struct runner *r)
{
	return &r->ctx.counters;
}

const struct heal *runner_heal(const struct runner *r)
{
	return r->healing ? &r->heal : NULL;
}

static uint64_t epoch_ms(const struct runner *r)
{
	const struct epoch_facts *f = &r->facts;

	return r->any_facts ? (f->end + 1 - f->start) * f->tick_interval_ms : 0;
}

/* --- keys that the parts want to know */

static void give_resolution(struct runner *r, const struct resolution *done, struct moment now,
			    struct effects *out)
{
	if (cookie_part(done->cookie) == PART_CHALLENGE)
		challenge_resolved(&r->challenge, done->cookie, done->end, &done->artifact, now,
				   out);
	else
		recheck_resolved(&r->recheck, done->cookie, done->end, &done->artifact, now, out);
}

/* Takes the RESOLVEs out of the list, from `from` on: the resolver is one of us. */
static bool take_wants(struct runner *r, size_t from, struct moment now, struct effects *out)
{
	for (size_t i = from; i < out->n; i++) {
		struct effect want = out->list[i];

		if (want.kind != EFFECT_RESOLVE)
			continue;
		memmove(&out->list[i], &out->list[i + 1], (--out->n - i) * sizeof(want));
		resolver_want(&r->resolver, &want, epoch_ms(r), now, out);
		return true;
	}
	return false;
}

static void settle(struct runner *r, size_t from, struct moment now, struct effects *out)
{
	struct resolution done;

	do
		while (resolver_next(&r->resolver, &done))
			give_resolution(r, &done, now, out);
	while (take_wants(r, from, now, out));
}

/* --- turns */

/*
 * Others apply the first tick of an epoch a moment later; whoever is asked before that would refuse
 * the epoch and be blamed for it. So nobody is asked before the second one.
 */
static bool challenging(const struct runner *r)
{
	if (r->facts.height == r->facts.start)
		return false;
	return r->report.challenges && r->facts.mode != 0 && r->facts.enabled &&
	       r->report.state == REPORT_WAITING && !challenge_complete(&r->challenge);
}

static void begin_epoch(struct runner *r, struct moment now)
{
	struct challenge *c = &r->challenge;
	int error;

	if (c->running && c->facts.epoch == r->facts.epoch) {
		c->facts.height = r->facts.height;
		return;
	}
	if (now.mono_ns < r->begin_ns)
		return;
	error = challenge_begin(c, &r->facts, now);
	if (error == 0)
		return;
	r->begin_ns = now.mono_ns + r->settings.poll_interval_ms * NS_PER_MS;
	log_error(&r->ctx.log, "challenge", "no assignment for this epoch",
		  "epoch=%" PRIu64 " error=\"%s\"", r->facts.epoch, assay_error_text(error));
}

/* Rounds come at the poll interval, in short epochs more often. */
static void maybe_round(struct runner *r, struct moment now, struct effects *out)
{
	uint64_t ms = r->settings.poll_interval_ms, epoch = epoch_ms(r);

	if (!challenging(r) || now.mono_ns < r->round_ns)
		return;
	if (epoch > 0 && ms > epoch / 20)
		ms = epoch / 20 > 0 ? epoch / 20 : 1;
	r->round_ns = now.mono_ns + ms * NS_PER_MS;
	challenge_round(&r->challenge, now, out);
}

static void turn(struct runner *r, struct moment now, struct effects *out)
{
	const struct ledger_view *ledger = &r->ctx.ledger;

	/* Nothing is decided on an old copy. */
	if (!r->caught_up || r->stopping)
		return;
	ticker_turn(&r->ticker, now, out);
	presence_turn(&r->presence, now, out);
	if (r->healing)
		heal_turn(&r->heal, now, out);
	r->any_facts = ledger->current(ledger->ctx, &r->facts);
	if (!r->any_facts)
		return;
	if (!report_is_over(&r->report, &r->facts, now)) {
		begin_epoch(r, now);
		maybe_round(r, now, out);
		report_turn(&r->report, &r->facts, now, out);
	}
	if (r->settings.recheck_on)
		recheck_turn(&r->recheck, &r->facts, now, out);
}

static void stop(struct runner *r, struct moment now, struct effects *out)
{
	if (r->stopping)
		return;
	r->stopping = true;
	r->stop_ns = now.mono_ns + STOP_NS;
	/* Whoever does not answer us now has no part in it. */
	challenge_end(&r->challenge);
	recheck_stop(&r->recheck);
	heal_stop(&r->heal, out);
	presence_stop(&r->presence, out);
}

static void take_entry(struct runner *r, uint64_t cookie, const struct entry_outcome *outcome,
		       struct moment now, struct effects *out)
{
	switch (cookie_part(cookie)) {
	case PART_REPORT:
		report_verdict(&r->report, cookie, outcome, r->facts.height, now);
		break;
	case PART_RECHECK:
		recheck_verdict(&r->recheck, cookie, outcome, now);
		break;
	case PART_TICKER:
		ticker_verdict(&r->ticker, cookie, outcome);
		break;
	case PART_PRESENCE:
		presence_verdict(&r->presence, cookie, outcome);
		break;
	case PART_HEAL:
		heal_verdict(&r->heal, cookie, outcome, now, out);
		break;
	case PART_CHALLENGE:
	case PART_RESOLVE:
		break;
	}
}

void runner_step(struct runner *r, const struct node_event *e, struct moment now,
		 struct effects *out)
{
	size_t from = out->n;

	switch (e->kind) {
	case EVENT_TURN:
		break;
	case EVENT_APPLIED:
		r->caught_up = e->caught_up;
		if (e->heals_changed)
			heal_changed(&r->heal, now);
		break;
	case EVENT_ASKED:
		if (cookie_part(e->cookie) == PART_CHALLENGE)
			challenge_asked(&r->challenge, e->cookie, &e->asked, now, out);
		else
			recheck_asked(&r->recheck, e->cookie, &e->asked, now, out);
		break;
	case EVENT_FETCHED:
		resolver_fetched(&r->resolver, e->cookie, e->fetched.error, e->fetched.data,
				 e->fetched.len, now, out);
		break;
	case EVENT_SIZED:
		resolver_sized(&r->resolver, e->cookie, e->sized.error, e->sized.size, now, out);
		break;
	case EVENT_PROBED:
		report_probed(&r->report, e->cookie, e->probed, now, out);
		break;
	case EVENT_ENTRY:
		take_entry(r, e->cookie, &e->entry, now, out);
		break;
	case EVENT_HEALED:
		heal_healed(&r->heal, e->cookie, e->healed, now, out);
		break;
	case EVENT_STOP:
		stop(r, now, out);
		break;
	}
	settle(r, from, now, out);
	turn(r, now, out);
	settle(r, from, now, out);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t runner_due(struct runner *r, struct moment now)
{
	uint64_t due = now.mono_ns + r->settings.poll_interval_ms * NS_PER_MS;

	if (r->stopping && now.mono_ns < r->stop_ns)
		return sooner(due, r->stop_ns);
	if (r->stopping)
		return now.mono_ns + STOPPING_NS;
	if (!r->caught_up)
		return due;
	due = sooner(due, ticker_due(&r->ticker));
	if (r->healing)
		due = sooner(due, heal_due(&r->heal));
	if (r->any_facts && challenging(r))
		due = sooner(due, r->round_ns);
	if (r->report.state == REPORT_PROBING)
		due = sooner(due, now.mono_ns + PROBING_NS);
	if (r->settings.recheck_on && r->any_facts)
		due = sooner(due, r->recheck.due_ns);
	return due > now.mono_ns ? due : now.mono_ns + NS_PER_MS;
}

bool runner_stopped(const struct runner *r, struct moment now)
{
	if (!r->stopping)
		return false;
	if (heal_working(&r->heal) && now.mono_ns < r->stop_ns + HEAL_NS)
		return false;
	return now.mono_ns >= r->stop_ns ||
	       (r->presence.state == PRESENCE_GONE && r->recheck.n == 0 &&
		r->report.state != REPORT_SENT && !heal_sending(&r->heal));
}

void runner_status(const struct runner *r, struct runner_status *out)
{
	static const char *const names[] = {"waiting", "probing", "sent", "over"};

	*out = (struct runner_status){
		.any_epoch = r->any_facts,
		.epoch = r->facts.epoch,
		.height = r->facts.height,
		.start = r->facts.start,
		.end = r->facts.end,
		.report = names[r->report.state],
		.targets = r->challenge.n,
		.slots_filled = challenge_filled(&r->challenge),
		.rechecks = r->recheck.n,
		.caught_up = r->caught_up,
	};
}

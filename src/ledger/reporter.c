/* SPDX-License-Identifier: Apache-2.0 */
/* How far a reporter's rows are trusted. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/must.h"
#include "ledger/scores.h"

#define INCOMPLETE_PENALTY 8
#define DIVERGENCE_PENALTY 8
#define CLEAN_CREDIT	   (-4)
#define CLEAN_PASSES_MIN   5

static int64_t decayed(const struct params *p, const struct reporter_reliability *r, uint64_t epoch)
{
	return score_decay(r->reliability_score,
			   p->storage_truth_reporter_reliability_decay_per_epoch,
			   above(epoch, r->last_updated_epoch));
}

int64_t reporter_reliability_at(struct state *s, const char *account, uint64_t epoch)
{
	struct reporter_reliability *r =
		table_find(state_tables(s), T_REPORTER_RELIABILITY, account);

	return r == NULL ? 0 : decayed(state_params(s), r, epoch);
}

bool reporter_ineligible(struct state *s, const struct params *p, const char *account,
			 uint64_t epoch)
{
	struct reporter_reliability *r =
		table_find(state_tables(s), T_REPORTER_RELIABILITY, account);

	if (r == NULL || p->storage_truth_enforcement_mode == 0)
		return false;
	return score_trust_band(p, decayed(p, r, epoch)) == TRUST_INELIGIBLE ||
	       (r->ineligible_until_epoch != 0 && r->ineligible_until_epoch >= epoch);
}

static void stamp_band(struct reporter_reliability *r, const struct params *p, uint64_t epoch)
{
	r->trust_band = score_trust_band(p, r->reliability_score);
	r->ineligible_until_epoch =
		r->trust_band == TRUST_INELIGIBLE
			? epoch + p->storage_truth_reporter_ineligible_duration_epochs
			: 0;
}

static void count_delta(struct reporter_reliability *r, const struct params *p, uint64_t epoch,
			int64_t delta)
{
	if (above(epoch, r->window_start_epoch) >= p->storage_truth_divergence_window_epochs) {
		r->window_start_epoch = epoch;
		r->window_positive_count = r->window_negative_count = 0;
	}
	r->window_negative_count += delta > 0;
	r->window_positive_count += delta < 0;
}

/* By the assignment that is kept, if any. */
static bool kept_out(struct state *s, const char *account)
{
	const struct assignment *a = &state_scores(s)->assignment;

	return a->made && reporter_ineligible(s, params_of_epoch(state_tables(s), a->epoch),
					      account, a->epoch);
}

void reporter_update(struct state *s, const char *account, uint64_t epoch, int64_t delta,
		     uint64_t contradictions)
{
	const struct params *p = state_params(s);
	bool out = kept_out(s, account);
	struct reporter_reliability *r =
		table_find(state_tables(s), T_REPORTER_RELIABILITY, account);
	int64_t score;

	if (*account == '\0' || (r == NULL && delta == 0 && contradictions == 0))
		return;
	r = table_put(state_tables(s), T_REPORTER_RELIABILITY, account);
	text_set(&r->account, account);
	score = score_add(decayed(p, r, epoch), delta);
	r->reliability_score = score > 0 ? score : 0;
	r->last_updated_epoch = epoch;
	r->contradiction_count += contradictions;
	stamp_band(r, p, epoch);
	count_delta(r, p, epoch, delta);
	if (kept_out(s, account) != out)
		assignment_forget(&state_scores(s)->assignment);
}

void reporter_incomplete(struct state *s, const char *account, uint64_t epoch)
{
	reporter_update(s, account, epoch, INCOMPLETE_PENALTY, 0);
}

/* What a reporter's facts say over some epochs. */
struct tally {
	const char *account;
	uint64_t total, passes, negative, confirmed, overturned;
};

static void tally_count(struct tally *t, struct state *s, uint64_t first, uint64_t last)
{
	char prefix[KEY_ROOM], key[KEY_ROOM];
	struct reporter_result *r;

	key_format(prefix, "%s/", t->account);
	r = table_from(state_tables(s), T_REPORTER_RESULTS,
		       key_format(key, "%s/%020" PRIu64, t->account, first));
	for (; r != NULL && record_within(r, prefix) && r->epoch <= last;
	     r = table_next(state_tables(s), r)) {
		bool negative = result_failure(r->result_class);

		t->total++;
		t->passes += r->result_class == RESULT_PASS;
		t->negative += negative;
		t->confirmed += negative && r->confirmed;
		t->overturned += negative && r->overturned;
	}
}

/* negative / total against one another, without dividing. */
static int compare_share(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;
	unsigned __int128 left = (unsigned __int128)x->negative * y->total,
			  right = (unsigned __int128)y->negative * x->total;

	return (left > right) - (left < right);
}

/* More than twice the median's share, and less than half of it confirmed. */
static bool diverges(const struct tally *t, const struct tally *median)
{
	unsigned __int128 share = (unsigned __int128)t->negative * median->total,
			  twice = (unsigned __int128)2 * median->negative * t->total;

	return share > twice && 2 * t->confirmed < t->negative;
}

void reporters_diverge(struct state *s, uint64_t epoch)
{
	const struct params *p = state_params(s);
	uint64_t first = score_window_start(epoch, p->storage_truth_divergence_window_epochs);
	size_t n = 0, room = table_count(state_tables(s), T_REPORTER_RELIABILITY);
	struct tally *list = calloc(room + 1, sizeof(*list));
	struct reporter_reliability *r = table_first(state_tables(s), T_REPORTER_RELIABILITY);

	must(list != NULL);
	for (; r != NULL; r = table_next(state_tables(s), r)) {
		list[n] = (struct tally){.account = r->record.key};
		tally_count(&list[n], s, first, epoch);
		n += list[n].total >= p->storage_truth_reporter_min_reports_for_divergence;
	}
	if (n > 0) {
		qsort(list, n, sizeof(*list), compare_share);
		struct tally median = list[n / 2];

		for (size_t i = 0; i < n; i++)
			if (diverges(&list[i], &median))
				reporter_update(s, list[i].account, epoch, DIVERGENCE_PENALTY, 0);
	}
	free(list);
}

/*
 * Only who has facts in the epoch can have passed often enough, so their accounts are all that is
 * looked at; each account's update is its own, so their order does not matter.
 */
void reporters_recover(struct state *s, uint64_t epoch)
{
	char key[KEY_ROOM];
	struct reporter_result *r = table_first(state_tables(s), T_REPORTER_RESULTS);

	while (r != NULL) {
		struct tally t = {.account = r->reporter};

		tally_count(&t, s, epoch, epoch);
		if (t.passes >= CLEAN_PASSES_MIN && t.overturned == 0)
			reporter_update(s, t.account, epoch, CLEAN_CREDIT, 0);
		/* "0" is what comes after "/". */
		r = table_from(state_tables(s), T_REPORTER_RESULTS,
			       key_format(key, "%s0", t.account));
	}
}

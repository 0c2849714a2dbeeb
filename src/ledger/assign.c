/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/assign.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/bytes.h"
#include "base/must.h"
#include "base/text.h"
#include "ledger/scores.h"

#define SEED_MIN	8
#define DIVISOR_DEFAULT 3

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int compare_pair(const void *a, const void *b)
{
	const struct derive_pair *x = a, *y = b;

	return strcmp(x->challenger, y->challenger);
}

/* As many as a third of the challengers, ranked among all candidates. */
static size_t target_count(const struct assign_input *in, size_t candidate_count)
{
	uint64_t divisor = in->divisor != 0 ? in->divisor : DIVISOR_DEFAULT;
	uint64_t count = in->active_count / divisor + (in->active_count % divisor != 0);

	return count < candidate_count ? count : candidate_count;
}

void assign_pairs(struct derive_pair *out, size_t *count, const struct assign_input *in)
{
	bool any = in->candidate_count > 0;
	const char *const *candidates = any ? in->candidates : in->active;
	size_t n = any ? in->candidate_count : in->active_count, ranked, selected;
	const char **names;
	size_t *order;

	*count = 0;
	if (in->active_count <= 1)
		return;
	selected = target_count(in, n);
	order = calloc(n, sizeof(*order));
	names = calloc(selected, sizeof(*names));
	must(order != NULL && names != NULL);
	must(derive_targets(order, &ranked, candidates, n, in->seed, 1) == 0 && ranked == n);
	for (size_t i = 0; i < selected; i++)
		names[i] = candidates[order[i]];
	must(derive_pairs(out, count, in->active, in->active_count, names, selected, candidates, n,
			  in->seed) == 0);
	free(names);
	free(order);
}

/* Mode 0: the old rotation, which still decides whose ports are looked at. */
static size_t rotation_length(const struct assign_input *in)
{
	unsigned __int128 k =
		((unsigned __int128)in->peer_quorum * in->candidate_count + in->active_count - 1) /
		in->active_count;

	if (k < in->probe_min)
		k = in->probe_min;
	if (k > in->probe_max)
		k = in->probe_max;
	return k < in->candidate_count - 1 ? (size_t)k : in->candidate_count - 1;
}

static bool free_target(const char *name, const char *reporter, const char *const *taken, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(taken[i], name) == 0)
			return false;
	return strcmp(name, reporter) != 0;
}

static size_t rotate(const char **out, const struct assign_input *in, size_t position,
		     const char *reporter)
{
	size_t n = in->candidate_count, length, taken = 0, tried;
	struct reader seed = reader_of(in->seed.data, in->seed.len);
	uint64_t at;

	if (n <= 1)
		return 0;
	length = rotation_length(in);
	at = read_u64be(&seed) % n + (uint64_t)position * length % n;
	for (size_t j = 0; j < length; j++) {
		size_t c = (size_t)((at + j) % n);

		for (tried = 0; tried < n; tried++, c = (c + 1) % n)
			if (free_target(in->candidates[c], reporter, out, taken))
				break;
		if (tried == n)
			break;
		out[taken++] = in->candidates[c];
	}
	return taken;
}

int assign_targets(const char **out, size_t *count, bool *prober, const struct assign_input *in,
		   const struct derive_pair *pairs, size_t pair_count, const char *reporter)
{
	const struct derive_pair wanted = {.challenger = reporter}, *pair = NULL;
	const char *const *self = NULL;

	*count = 0;
	*prober = false;
	if (*reporter == '\0' || in->seed.len < SEED_MIN)
		return ASSAY_E_INVAL;
	if (in->active_count > 0)
		self = bsearch(&reporter, in->active, in->active_count, sizeof(*in->active),
			       compare_text);
	if (self == NULL)
		return 0;
	*prober = true;
	if (in->mode == 0) {
		*count = rotate(out, in, (size_t)(self - in->active), reporter);
		return 0;
	}
	if (pair_count > 0)
		pair = bsearch(&wanted, pairs, pair_count, sizeof(*pairs), compare_pair);
	if (pair != NULL)
		out[(*count)++] = pair->target;
	return 0;
}

const char **eligible_challengers(struct state *s, size_t *count, const struct texts *active,
				  const struct params *p, uint64_t epoch)
{
	const char **out = calloc(active->n + 1, sizeof(*out));

	must(out != NULL);
	*count = 0;
	for (size_t i = 0; i < active->n; i++)
		if (!reporter_ineligible(s, p, active->at[i], epoch))
			out[(*count)++] = active->at[i];
	return out;
}

void assignment_forget(struct assignment *a)
{
	free(a->active);
	free(a->pairs);
	*a = (struct assignment){0};
}

/* The pairs of an epoch cost a hash per pair looked at, so they are kept while they hold. */
static void assignment_make(struct state *s, const struct anchor *anchor, const struct params *p)
{
	struct assignment *a = &state_scores(s)->assignment;
	struct assign_input *in = &a->in;

	if (a->made && a->epoch == anchor->epoch)
		return;
	assignment_forget(a);
	a->made = true;
	a->epoch = anchor->epoch;
	a->active = eligible_challengers(s, &in->active_count, &anchor->active, p, anchor->epoch);
	in->active = a->active;
	in->mode = p->storage_truth_enforcement_mode;
	in->divisor = p->storage_truth_challenge_target_divisor;
	in->peer_quorum = p->peer_quorum_reports;
	in->probe_min = p->min_probe_targets_per_epoch;
	in->probe_max = p->max_probe_targets_per_epoch;
	in->candidates = (const char *const *)anchor->targets.at;
	in->candidate_count = anchor->targets.n;
	must(hex_decode(a->seed, sizeof(a->seed), text_of(anchor->seed)) == 0);
	in->seed = (struct derive_seed){a->seed, sizeof(a->seed)};
	a->pairs = calloc(in->active_count + 1, sizeof(*a->pairs));
	must(a->pairs != NULL);
	if (in->mode != 0)
		assign_pairs(a->pairs, &a->pair_count, in);
}

int assigned_of(struct state *s, struct assigned *out, const char *account, uint64_t epoch)
{
	char key[KEY_ROOM];
	struct anchor *anchor = table_find(state_tables(s), T_ANCHORS, key_epoch(key, epoch));
	struct assignment *a = &state_scores(s)->assignment;

	*out = (struct assigned){0};
	if (anchor == NULL)
		return ASSAY_E_NOTFOUND;
	if (epoch == 0)
		return 0;
	assignment_make(s, anchor, params_of_epoch(state_tables(s), epoch));
	out->targets = calloc(a->in.candidate_count + 1, sizeof(*out->targets));
	must(out->targets != NULL);
	return assign_targets(out->targets, &out->n, &out->prober, &a->in, a->pairs, a->pair_count,
			      account);
}

void assigned_free(struct assigned *assigned)
{
	free(assigned->targets);
	*assigned = (struct assigned){0};
}

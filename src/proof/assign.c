/* SPDX-License-Identifier: Apache-2.0 */
/* Who is examined in an epoch, and by whom. */
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "proof/derive.h"
#include "proof/rank.h"

#define TARGET_DIVISOR_DEFAULT 3

struct ranked {
	uint8_t rank[32];
	const char *id;
	size_t at;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return rank_compare(x->rank, x->id, y->rank, y->id);
}

int derive_targets(size_t *out, size_t *count, const char *const *ids, size_t n,
		   struct derive_seed seed, uint32_t divisor)
{
	struct ranked *list;

	*count = 0;
	if (n == 0)
		return 0;
	if (divisor == 0)
		divisor = TARGET_DIVISOR_DEFAULT;
	list = calloc(n, sizeof(*list));
	if (list == NULL)
		return ASSAY_E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct derive_part parts[] = {part_text(ids[i]),
						    part_text("challenge_target")};

		list[i].id = ids[i];
		list[i].at = i;
		rank_few(list[i].rank, seed, parts, 2);
	}
	qsort(list, n, sizeof(*list), compare_ranked);
	/* n >= 1 and divisor >= 1 keep this within 1..n. */
	*count = n / divisor + (n % divisor != 0);
	for (size_t i = 0; i < *count; i++)
		out[i] = list[i].at;
	free(list);
	return 0;
}

/* Position of the target with the smallest pair rank, not the challenger and not taken; or -1. */
static int64_t best_target(const char *challenger, const char *const *targets, size_t n,
			   const char *const *taken, size_t taken_count, struct derive_seed seed)
{
	struct rank_best best = {.at = -1};

	for (size_t i = 0; i < n; i++) {
		const struct derive_part parts[] = {part_text(challenger), part_text(targets[i]),
						    part_text("pair")};

		if (strcmp(targets[i], challenger) == 0 ||
		    text_among(targets[i], taken, taken_count))
			continue;
		rank_offer(&best, (int64_t)i, targets[i], seed, parts, 3);
	}
	return best.at;
}

const char *derive_pair(const char *challenger, const char *const *targets, size_t n,
			const char *const *assigned, size_t assigned_count, struct derive_seed seed)
{
	int64_t at = best_target(challenger, targets, n, assigned, assigned_count, seed);

	return at < 0 ? NULL : targets[at];
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Copies the texts that are not empty, sorted, each once; returns their number. */
static size_t unique_sorted(const char **out, const char *const *list, size_t n)
{
	size_t kept = 0, count = 0;

	for (size_t i = 0; i < n; i++)
		if (list[i][0] != '\0')
			out[kept++] = list[i];
	if (kept > 1)
		qsort(out, kept, sizeof(*out), compare_text);
	for (size_t i = 0; i < kept; i++)
		if (count == 0 || strcmp(out[count - 1], out[i]) != 0)
			out[count++] = out[i];
	return count;
}

struct assignment {
	const char **open; /* selected and not yet taken */
	size_t open_count;
	const char **taken;
	size_t taken_count;
	const char *const *candidates;
	size_t candidate_count;
};

/* An open target if there is one, else any candidate that is not taken; NULL if there is none. */
static const char *assign_next(struct assignment *a, const char *challenger,
			       struct derive_seed seed)
{
	int64_t at = best_target(challenger, a->open, a->open_count, NULL, 0, seed);
	const char *target;

	if (at >= 0) {
		target = a->open[at];
		a->open[at] = a->open[--a->open_count];
	} else {
		target = derive_pair(challenger, a->candidates, a->candidate_count, a->taken,
				     a->taken_count, seed);
	}
	if (target != NULL)
		a->taken[a->taken_count++] = target;
	return target;
}

int derive_pairs(struct derive_pair *out, size_t *count, const char *const *active,
		 size_t active_count, const char *const *selected, size_t selected_count,
		 const char *const *candidates, size_t candidate_count, struct derive_seed seed)
{
	const char **texts, **challengers, **others;
	size_t challenger_count, limit;
	struct assignment a = {0};

	*count = 0;
	if (active_count == 0 || selected_count == 0)
		return 0;
	texts = calloc(active_count + candidate_count + 2 * selected_count, sizeof(*texts));
	if (texts == NULL)
		return ASSAY_E_NOMEM;
	challengers = texts;
	others = challengers + active_count;
	a.open = others + candidate_count;
	a.taken = a.open + selected_count;

	challenger_count = unique_sorted(challengers, active, active_count);
	a.candidate_count = unique_sorted(others, candidates, candidate_count);
	a.candidates = others;
	if (a.candidate_count == 0) {
		a.candidates = challengers;
		a.candidate_count = challenger_count;
	}
	a.open_count = limit = unique_sorted(a.open, selected, selected_count);
	for (size_t i = 0; i < challenger_count && a.taken_count < limit; i++) {
		const char *target = assign_next(&a, challengers[i], seed);

		if (target != NULL)
			out[(*count)++] = (struct derive_pair){challengers[i], target};
	}
	free(texts);
	return 0;
}

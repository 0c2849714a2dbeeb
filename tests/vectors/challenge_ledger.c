/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors/challenge_ledger.h"

#include <string.h>

#include "ledger/assign.h"
#include "ledger/report.h"

static const char **names(const json_t *array, size_t *n)
{
	const char **list = vector_alloc((json_array_size(array) + 1) * sizeof(*list));

	*n = json_array_size(array);
	for (size_t i = 0; i < *n; i++)
		list[i] = json_string_value(json_array_get(array, i));
	return list;
}

static bool same_result(struct vector_case *c, const struct assign_input *in,
			const struct derive_pair *pairs, size_t pair_count, const json_t *want)
{
	const json_t *targets = json_object_get(want, "targets");
	const char **got = vector_alloc((in->candidate_count + 1) * sizeof(*got)),
		   *reporter = vector_text(want, "reporter");
	bool prober, told_error = json_object_get(want, "error") != NULL;
	size_t n;
	int error = assign_targets(got, &n, &prober, in, pairs, pair_count, reporter);

	if ((error != 0) != told_error)
		return vector_fail(c, "'%s': error %d", reporter, error);
	if (told_error)
		return true;
	if (prober != vector_bool(want, "is_prober"))
		return vector_fail(c, "'%s': is_prober %d", reporter, prober);
	if (n != json_array_size(targets))
		return vector_fail(c, "'%s': %zu targets, want %zu", reporter, n,
				   json_array_size(targets));
	for (size_t i = 0; i < n; i++)
		if (strcmp(got[i], json_string_value(json_array_get(targets, i))) != 0)
			return vector_fail(c, "'%s': target %zu is %s", reporter, i, got[i]);
	return true;
}

bool run_chain_targets(struct vector_case *c)
{
	const json_t *results = json_object_get(c->out, "results"), *want;
	struct assign_input in = {
		.mode = vector_u64(c->in, "mode"),
		.divisor = vector_u64(c->in, "divisor"),
		.peer_quorum = vector_u64(c->in, "peer_quorum"),
		.probe_min = vector_u64(c->in, "min_probe"),
		.probe_max = vector_u64(c->in, "max_probe"),
	};
	struct derive_pair *pairs;
	size_t i, n = 0;

	in.active = names(json_object_get(c->in, "active"), &in.active_count);
	in.candidates = names(json_object_get(c->in, "candidates"), &in.candidate_count);
	in.seed.data = vector_hex(c->in, "seed", &in.seed.len);
	pairs = vector_alloc((in.active_count + 1) * sizeof(*pairs));
	if (in.mode != 0)
		assign_pairs(pairs, &n, &in);
	if (json_array_size(results) == 0)
		return vector_fail(c, "no results told");
	json_array_foreach(results, i, want) if (!same_result(c, &in, pairs, n, want)) return false;
	return true;
}

static struct report_row row_of(const json_t *r)
{
	/* A missing row is one without a target. */
	if (!json_is_object(r))
		return (struct report_row){"", "", "", "", "", "", "", "", 0, 0, 0, 0, 0};
	return (struct report_row){
		.target = vector_text(r, "target"),
		.challenger = vector_text(r, "challenger"),
		.ticket = vector_text(r, "ticket_id"),
		.key = vector_text(r, "artifact_key"),
		.derivation = vector_text(r, "derivation_input_hash"),
		.transcript = vector_text(r, "transcript_hash"),
		.sig = vector_text(r, "challenger_signature"),
		.details = vector_text(r, "details"),
		.bucket = vector_u64(r, "bucket"),
		.class = vector_u64(r, "class"),
		.ordinal = vector_u64(r, "ordinal"),
		.count = vector_u64(r, "artifact_count"),
		.result = vector_u64(r, "result"),
	};
}

bool run_chain_validate_proofs(struct vector_case *c)
{
	const json_t *list = json_object_get(c->in, "rows");
	struct report_duty duty = {
		.reporter = vector_text(c->in, "reporter"),
		.prober = vector_bool(c->in, "is_prober"),
		.full = vector_bool(c->in, "full_mode"),
	};
	size_t n = json_array_size(list);
	struct report_row *rows = vector_alloc((n + 1) * sizeof(*rows));
	const char *rule;
	int row, told_row = -1;
	unsigned code;

	duty.targets = names(json_object_get(c->in, "allowed"), &duty.target_count);
	for (size_t i = 0; i < n; i++)
		rows[i] = row_of(json_array_get(list, i));
	code = report_rows_check(&rule, &row, &duty, rows, n);
	if (vector_bool(c->out, "accept"))
		return code == VERDICT_OK ||
		       vector_fail(c, "refused with %u: %s, row %d", code, rule, row);
	if (json_object_get(c->out, "row") != NULL)
		told_row = (int)vector_u64(c->out, "row");
	if (code != vector_u64(c->out, "code") || row != told_row)
		return vector_fail(c, "code %u, row %d, rule %s; want row %d, rule %s", code, row,
				   rule != NULL ? rule : "none", told_row,
				   vector_text(c->out, "rule"));
	return true;
}

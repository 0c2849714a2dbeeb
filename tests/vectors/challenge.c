/* SPDX-License-Identifier: Apache-2.0 */
/* The storage-challenge derivations against vectors/challenge.json. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "proof/derive.h"
#include "vectors/challenge_ledger.h"
#include "vectors/challenge_node.h"

static struct derive_seed seed_of(const json_t *in)
{
	struct derive_seed seed;

	seed.data = vector_hex(in, "seed", &seed.len);
	return seed;
}

static uint32_t u32_of(const json_t *in, const char *name)
{
	return (uint32_t)vector_u64(in, name);
}

struct texts {
	const char **list;
	size_t n;
};

static struct texts texts_of(const json_t *in, const char *name)
{
	const json_t *array = json_object_get(in, name);
	struct texts t = {.n = json_array_size(array)};

	t.list = vector_alloc((t.n + 1) * sizeof(*t.list));
	for (size_t i = 0; i < t.n; i++)
		t.list[i] = json_string_value(json_array_get(array, i));
	return t;
}

struct numbers {
	uint64_t *list;
	size_t n;
};

static struct numbers numbers_of(const json_t *in, const char *name)
{
	const json_t *array = json_object_get(in, name);
	struct numbers v = {.n = json_array_size(array)};

	v.list = vector_alloc((v.n + 1) * sizeof(*v.list));
	for (size_t i = 0; i < v.n; i++)
		v.list[i] = strtoull(json_string_value(json_array_get(array, i)), NULL, 10);
	return v;
}

/* True when the case is finished: an error was told, or an error came. *ok is its outcome. */
static bool error_settles(struct vector_case *c, int error, bool *ok)
{
	bool told = json_is_true(json_object_get(c->out, "error"));

	*ok = true;
	if (told != (error != 0))
		*ok = vector_fail(c, "error told %d, got %d (%s)", told, error,
				  assay_error_text(error));
	return told || error != 0;
}

static bool same_u64(struct vector_case *c, const char *name, uint64_t got)
{
	uint64_t want = vector_u64(c->out, name);

	if (want == got)
		return true;
	return vector_fail(c, "%s is %" PRIu64 ", want %" PRIu64, name, got, want);
}

static bool same_text(struct vector_case *c, const char *name, const char *got)
{
	const char *want = vector_text(c->out, name);

	if (strcmp(want, got) == 0)
		return true;
	return vector_fail(c, "%s is '%s', want '%s'", name, got, want);
}

static bool run_rank_hash(struct vector_case *c)
{
	const json_t *parts = json_object_get(c->in, "parts");
	size_t n = json_array_size(parts);
	struct derive_part *list = vector_alloc((n + 1) * sizeof(*list));
	uint8_t hash[32];

	for (size_t i = 0; i < n; i++)
		list[i].data =
			vector_hex_text(json_string_value(json_array_get(parts, i)), &list[i].len);
	if (derive_rank(hash, seed_of(c->in), list, n) != 0)
		return vector_fail(c, "no memory");
	return vector_same(c, "hash", hash, 32);
}

static bool run_select_targets(struct vector_case *c)
{
	struct texts active = texts_of(c->in, "active"), want = texts_of(c->out, "targets");
	size_t *got = vector_alloc((active.n + 1) * sizeof(*got)), n;

	if (derive_targets(got, &n, active.list, active.n, seed_of(c->in),
			   u32_of(c->in, "divisor")) != 0)
		return vector_fail(c, "no memory");
	if (n != want.n)
		return vector_fail(c, "%zu targets, want %zu", n, want.n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(active.list[got[i]], want.list[i]) != 0)
			return vector_fail(c, "target %zu is %s, want %s", i, active.list[got[i]],
					   want.list[i]);
	return true;
}

static bool run_pair_challenger(struct vector_case *c)
{
	struct texts targets = texts_of(c->in, "targets"), taken = texts_of(c->in, "assigned");
	const char *got = derive_pair(vector_text(c->in, "challenger"), targets.list, targets.n,
				      taken.list, taken.n, seed_of(c->in));

	return same_text(c, "target", got == NULL ? "" : got);
}

static bool run_assign_pairs(struct vector_case *c)
{
	struct texts active = texts_of(c->in, "active"), selected = texts_of(c->in, "selected"),
		     candidates = texts_of(c->in, "candidates");
	const json_t *want = json_object_get(c->out, "pairs");
	struct derive_pair *got = vector_alloc((active.n + 1) * sizeof(*got));
	size_t n;

	if (derive_pairs(got, &n, active.list, active.n, selected.list, selected.n, candidates.list,
			 candidates.n, seed_of(c->in)) != 0)
		return vector_fail(c, "no memory");
	if (n != json_array_size(want))
		return vector_fail(c, "%zu pairs, want %zu", n, json_array_size(want));
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(want, i);

		if (strcmp(got[i].challenger, json_string_value(json_array_get(pair, 0))) != 0 ||
		    strcmp(got[i].target, json_string_value(json_array_get(pair, 1))) != 0)
			return vector_fail(c, "pair %zu is %s -> %s", i, got[i].challenger,
					   got[i].target);
	}
	return true;
}

static bool run_classify_bucket(struct vector_case *c)
{
	return same_u64(c, "bucket",
			derive_bucket(vector_i64(c->in, "current_height"),
				      vector_i64(c->in, "anchor_height"),
				      vector_u64(c->in, "recent_max"),
				      vector_u64(c->in, "old_min")));
}

static bool run_select_ticket(struct vector_case *c)
{
	struct texts eligible = texts_of(c->in, "eligible"), excluded = texts_of(c->in, "excluded");
	int64_t at =
		derive_ticket(eligible.list, eligible.n, excluded.list, excluded.n, seed_of(c->in),
			      vector_text(c->in, "target"), u32_of(c->in, "bucket"));

	return same_text(c, "ticket", at < 0 ? "" : eligible.list[at]);
}

static bool run_artifact_class(struct vector_case *c)
{
	unsigned roll,
		class = derive_class(&roll, seed_of(c->in), vector_text(c->in, "target"),
				     vector_text(c->in, "ticket_id"), u32_of(c->in, "index_count"),
				     u32_of(c->in, "symbol_count"));

	return same_u64(c, "roll", roll) && same_u64(c, "class", class);
}

static bool run_artifact_ordinal(struct vector_case *c)
{
	uint32_t ordinal = 0;
	bool ok;
	int error = derive_ordinal(&ordinal, seed_of(c->in), vector_text(c->in, "target"),
				   vector_text(c->in, "ticket_id"), u32_of(c->in, "class"),
				   u32_of(c->in, "count"));

	return error_settles(c, error, &ok) ? ok : same_u64(c, "ordinal", ordinal);
}

static bool run_range_offsets(struct vector_case *c)
{
	int64_t k = vector_i64(c->in, "k");
	uint64_t *got = vector_alloc((k > 0 ? (size_t)k : 1) * sizeof(*got));
	int error = derive_offsets(got, seed_of(c->in), vector_text(c->in, "target"),
				   vector_text(c->in, "ticket_id"), u32_of(c->in, "class"),
				   u32_of(c->in, "ordinal"), vector_u64(c->in, "size"),
				   vector_u64(c->in, "range_len"), k);
	struct numbers want;
	bool ok;

	if (error_settles(c, error, &ok))
		return ok;
	want = numbers_of(c->out, "offsets");
	if (want.n != (size_t)k || memcmp(want.list, got, want.n * sizeof(*got)) != 0)
		return vector_fail(c, "offsets differ");
	return true;
}

static bool run_compound_hash(struct vector_case *c)
{
	struct numbers offsets = numbers_of(c->in, "offsets");
	uint8_t hash[32], *data;
	size_t size;
	int error;
	bool ok;

	data = vector_data(c->in, "data", &size);
	error = compound_hash(hash, data, size, offsets.list, offsets.n,
			      vector_u64(c->in, "range_len"));
	return error_settles(c, error, &ok) ? ok : vector_same(c, "hash", hash, 32);
}

static bool run_derivation_input_hash(struct vector_case *c)
{
	struct numbers offsets = numbers_of(c->in, "offsets");
	uint8_t hash[32];
	bool ok;
	int error = derivation_hash(hash, seed_of(c->in), vector_text(c->in, "target"),
				    vector_text(c->in, "ticket_id"), u32_of(c->in, "class"),
				    u32_of(c->in, "ordinal"), offsets.list, offsets.n,
				    vector_u64(c->in, "range_len"));

	return error_settles(c, error, &ok) ? ok : vector_same(c, "hash", hash, 32);
}

static bool run_transcript_hash(struct vector_case *c)
{
	struct texts observers = texts_of(c->in, "observers");
	struct transcript t = {
		.epoch = vector_u64(c->in, "epoch"),
		.challenger = vector_text(c->in, "challenger"),
		.target = vector_text(c->in, "target"),
		.ticket = vector_text(c->in, "ticket_id"),
		.artifact_key = vector_text(c->in, "artifact_key"),
		.derivation_hex = vector_text(c->in, "derivation_input_hash"),
		.compound_hex = vector_text(c->in, "compound_hash_hex"),
		.bucket = u32_of(c->in, "bucket"),
		.class = u32_of(c->in, "class"),
		.ordinal = u32_of(c->in, "ordinal"),
		.observers = observers.list,
		.observer_count = observers.n,
	};
	uint8_t hash[32];
	bool ok;
	int error = transcript_hash(hash, &t);

	return error_settles(c, error, &ok) ? ok : vector_same(c, "hash", hash, 32);
}

static bool run_challenge_id(struct vector_case *c)
{
	uint8_t id[32];

	challenge_id(id, seed_of(c->in), vector_u64(c->in, "epoch"), vector_text(c->in, "target"),
		     vector_text(c->in, "ticket_id"), u32_of(c->in, "class"),
		     u32_of(c->in, "ordinal"));
	return vector_same(c, "challenge_id", id, 32);
}

static bool run_content_key(struct vector_case *c)
{
	char text[BASE58_KEY_MAX];
	uint8_t hash[32];
	size_t len;

	if (json_object_get(c->in, "hash") != NULL) {
		const uint8_t *given = vector_hex(c->in, "hash", &len);

		if (len != 32)
			return vector_fail(c, "hash of %zu bytes", len);
		memcpy(hash, given, 32);
	} else {
		const uint8_t *data = vector_data(c->in, "data", &len);

		digest_one(hash, NULL, data, len);
		if (!vector_same(c, "blake3", hash, 32))
			return false;
	}
	if (base58_encode(text, sizeof(text), hash, 32) < 0)
		return vector_fail(c, "base58 does not fit");
	return same_text(c, "key", text);
}

static bool run_epoch_at_height(struct vector_case *c)
{
	uint64_t height = vector_u64(c->in, "height"), zero = vector_u64(c->in, "zero"),
		 length = vector_u64(c->in, "length"), start, end, client = 0;
	uint64_t epoch = epoch_at_height(height, zero, length);
	bool ok = epoch_client(&client, height, zero, length);

	epoch_bounds(&start, &end, epoch, zero, length);
	if (ok != vector_bool(c->out, "client_ok"))
		return vector_fail(c, "client_ok is %d", ok);
	return same_u64(c, "epoch", epoch) && same_u64(c, "start", start) &&
	       same_u64(c, "end", end) && (!ok || same_u64(c, "client_epoch", client));
}

static bool run_epoch_by_id(struct vector_case *c)
{
	uint64_t start, end;

	epoch_bounds(&start, &end, vector_u64(c->in, "epoch"), vector_u64(c->in, "zero"),
		     vector_u64(c->in, "length"));
	return same_u64(c, "start", start) && same_u64(c, "end", end);
}

static bool run_epoch_seed(struct vector_case *c)
{
	size_t len;
	const uint8_t *header = vector_hex(c->in, "header_hash", &len);
	uint8_t seed[32];

	epoch_seed(seed, header, len, vector_u64(c->in, "epoch"),
		   vector_u64(c->in, "start_height"));
	return vector_same(c, "seed", seed, 32);
}

static bool run_commit_list(struct vector_case *c)
{
	struct texts list = texts_of(c->in, "list");
	uint8_t hash[32];

	commit_list(hash, list.list, list.n);
	return vector_same(c, "hash", hash, 32);
}

static const struct vector_section sections[] = {
	{"rank_hash", run_rank_hash},
	{"select_targets", run_select_targets},
	{"pair_challenger", run_pair_challenger},
	{"assign_pairs", run_assign_pairs},
	{"classify_bucket", run_classify_bucket},
	{"select_ticket", run_select_ticket},
	{"artifact_class", run_artifact_class},
	{"artifact_ordinal", run_artifact_ordinal},
	{"range_offsets", run_range_offsets},
	{"compound_hash", run_compound_hash},
	{"derivation_input_hash", run_derivation_input_hash},
	{"transcript_hash", run_transcript_hash},
	{"challenge_id", run_challenge_id},
	{"content_key", run_content_key},
	{"epoch_at_height", run_epoch_at_height},
	{"epoch_by_id", run_epoch_by_id},
	{"epoch_seed", run_epoch_seed},
	{"commit_list", run_commit_list},
	{"artifact_count", run_artifact_count},
	{"classify_proof_failure", run_classify_proof_failure},
	{"dispatch_epoch", run_dispatch_epoch},
	{"proof_coverage", run_proof_coverage},
	{"recheck_eligible", run_recheck_eligible},
	{"recheck_execute", run_recheck_execute},
	{"recheck_find", run_recheck_find},
	{"recheck_outcome", run_recheck_outcome},
	{"recheck_submit", run_recheck_submit},
	{"result_buffer", run_result_buffer},
	{"chain_targets", run_chain_targets},
	{"chain_validate_proofs", run_chain_validate_proofs},
	{"classify_chain_error", run_reference_only},
	{"compound_handler", run_reference_only},
	{"index_ids_provisional", run_reference_only},
	{"no_eligible_window", run_reference_only},
	{"symbol_key", run_reference_only},
	{"symbol_size_fallback", run_reference_only},
	{"ticket_filter", run_reference_only},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	digest_init();
	return vectors_main(argc, argv, VECTORS_DIR "/challenge.json", sections);
}

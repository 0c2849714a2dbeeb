/* SPDX-License-Identifier: Apache-2.0 */
/* vectors-ledger [--only section,...] [FILE]: the functions and scripts of ledger.json. */
#include <stdlib.h>
#include <string.h>

#include "base/real.h"
#include "base/text.h"
#include "crypto/sign.h"
#include "ledger/beacon.h"
#include "ledger/entry.h"
#include "ledger/field.h"
#include "ledger/jcs.h"
#include "ledger/placement.h"
#include "ledger/statefile.h"
#include "ledger/text.h"
#include "ledger/trailer.h"
#include "ledger/vectors_script.h"
#include "proof/derive.h"
#include "vectors/runner.h"

static const uint8_t no_aux[32];

static struct sign_key key_of(const json_t *in)
{
	struct sign_key key;

	if (sign_key_from_secret(&key, vector_hex(in, "secret", NULL)) != 0)
		abort();
	return key;
}

static bool same_number(struct vector_case *c, const char *name, uint64_t got)
{
	uint64_t want = vector_u64(c->out, name);

	return want == got || vector_fail(c, "%s is %" PRIu64 ", want %" PRIu64, name, got, want);
}

static bool same_text(struct vector_case *c, const char *name, const char *got)
{
	const char *want = vector_text(c->out, name);

	return strcmp(want, got) == 0 || vector_fail(c, "%s is %s, want %s", name, got, want);
}

static void texts_of(struct texts *out, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		texts_add(out, json_string_value(json_array_get(list, i)));
}

static bool same_texts(struct vector_case *c, const char *name, const struct texts *got)
{
	const json_t *want = json_object_get(c->out, name);

	if (json_array_size(want) != got->n)
		return vector_fail(c, "%s: %zu, want %zu", name, got->n, json_array_size(want));
	for (size_t i = 0; i < got->n; i++)
		if (strcmp(got->at[i], json_string_value(json_array_get(want, i))) != 0)
			return vector_fail(c, "%s: number %zu is %s", name, i, got->at[i]);
	return true;
}

static bool run_entry(struct vector_case *c)
{
	struct sign_key key = key_of(c->in);
	uint8_t *body_text = vector_hex(c->in, "body_hex", NULL), id[32], hash[32];
	size_t body_len = strlen(vector_text(c->in, "body_hex")) / 2;
	enum jcs_error error;
	json_t *body = jcs_parse(&error, (const char *)body_text, body_len, ENTRY_MAX);
	struct buf stored = {0};
	struct entry e;
	bool ok;

	if (body == NULL)
		return vector_fail(c, "body: %s", jcs_error_name(error));
	ok = entry_sign(&stored, id, &key,
			&(struct entry_body){
				.author = json_string_value(json_object_get(body, "author")),
				.type = json_string_value(json_object_get(body, "type")),
				.net = json_string_value(json_object_get(body, "net")),
				.epoch = vector_u64(body, "epoch"),
				.n = vector_u64(body, "n"),
				.data = json_object_get(body, "data"),
			},
			no_aux) == 0 &&
	     vector_same(c, "id", id, 32) &&
	     vector_same(c, "entry_hex", (uint8_t *)stored.at, stored.len) &&
	     vector_same(c, "key", key.public, 32);
	ok = ok && (entry_parse(&e, (uint8_t *)stored.at, stored.len) ||
		    vector_fail(c, "own entry does not parse"));
	if (ok) {
		entry_hash(hash, (uint8_t *)stored.at, stored.len);
		ok = vector_same(c, "id", e.id, 32) && vector_same(c, "sig", e.sig, 64) &&
		     vector_same(c, "entry_hash", hash, 32);
		entry_free(&e);
	}
	buf_free(&stored);
	json_decref(body);
	return ok;
}

static bool run_log(struct vector_case *c)
{
	size_t len = vector_u64(c->in, "len");
	uint8_t *bytes = vector_alloc(len), hash[32], out[32];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + len);
	entry_hash(hash, bytes, len);
	log_hash(out, vector_hex(c->in, "prev", NULL), vector_u64(c->in, "seq"), hash);
	return vector_same(c, "log", out, 32);
}

static bool run_beacon(struct vector_case *c)
{
	const uint8_t *reveal = vector_hex(c->in, "reveal", NULL);
	uint8_t tip[32], beacon[32], seed[32];

	beacon_link(tip, reveal);
	beacon_next(beacon, vector_hex(c->in, "prev", NULL), reveal);
	epoch_seed(seed, beacon, 32, vector_u64(c->in, "epoch"), 0);
	return vector_same(c, "tip", tip, 32) && vector_same(c, "beacon", beacon, 32) &&
	       vector_same(c, "epoch_seed", seed, 32);
}

static bool run_ticket_id(struct vector_case *c)
{
	char id[TICKET_ID_LEN + 1];

	ticket_id(id, vector_text(c->in, "creator"), vector_text(c->in, "data_hash"),
		  vector_u64(c->in, "n"));
	return same_text(c, "ticket", id);
}

static bool run_symbol_count(struct vector_case *c)
{
	return same_number(c, "symbols",
			   ticket_symbols(vector_u64(c->in, "size"), vector_u64(c->in, "ratio")));
}

static uint64_t width_of(const json_t *in)
{
	return placement_width_of(vector_u64(in, "placement_width"),
				  vector_u64(in, "index_artifact_count"),
				  vector_u64(in, "symbol_artifact_count"));
}

static bool run_placement(struct vector_case *c)
{
	struct texts active = {0}, skip = {0}, holders = {0};
	bool ok;

	texts_of(&active, json_object_get(c->in, "active"));
	texts_of(&skip, json_object_get(c->in, "skip"));
	placement_new(&holders, vector_text(c->in, "ticket"), &active, &skip, width_of(c->in));
	ok = same_texts(c, "holders", &holders);
	texts_free(&active);
	texts_free(&skip);
	texts_free(&holders);
	return ok;
}

/* Both ways to see who holds an ordinal. */
static bool run_deal(struct vector_case *c)
{
	uint64_t count = vector_u64(c->in, "count"), copies = vector_u64(c->in, "copies");
	uint64_t holders = vector_u64(c->in, "holders");
	const json_t *lists = json_object_get(c->out, "ordinals");

	for (uint64_t p = 0; p < holders; p++) {
		const json_t *list = json_array_get(lists, p);
		uint64_t share = placement_share(count, copies, holders, p), k = 0;

		if (share != json_array_size(list))
			return vector_fail(c, "position %" PRIu64 " has %" PRIu64, p, share);
		for (uint64_t i = 0; i < count; i++) {
			bool told = k < share &&
				    json_integer_value(json_array_get(list, k)) == (int64_t)i;

			if (placement_on(i, copies, holders, p) != told ||
			    (told && placement_ordinal(k, copies, holders, p) != i))
				return vector_fail(c, "position %" PRIu64 ", ordinal %" PRIu64, p,
						   i);
			k += told;
		}
	}
	return true;
}

static bool run_replace(struct vector_case *c)
{
	struct texts old = {0}, active = {0}, skip = {0}, holders = {0};
	const char *ticket = vector_text(c->in, "ticket");
	const json_t *told = json_object_get(c->out, "receipt_positions");
	bool anew, ok;
	size_t next = 0;

	texts_of(&old, json_object_get(c->in, "old"));
	texts_of(&active, json_object_get(c->in, "active"));
	texts_of(&skip, json_object_get(c->in, "skip"));
	anew = vector_bool(c->in, "rehome") ||
	       !placement_replace(&holders, ticket, &old, &active, &skip);
	if (anew)
		placement_new(&holders, ticket, &active, &skip, width_of(c->in));
	ok = same_texts(c, "holders", &holders);
	for (size_t i = 0; i < holders.n && ok; i++) {
		if (!anew && strcmp(old.at[i], holders.at[i]) == 0)
			continue;
		ok = json_integer_value(json_array_get(told, next++)) == (int64_t)i ||
		     vector_fail(c, "a receipt for position %zu", i);
	}
	ok = ok && (next == json_array_size(told) || vector_fail(c, "%zu receipts", next));
	texts_free(&old);
	texts_free(&active);
	texts_free(&skip);
	texts_free(&holders);
	return ok;
}

static bool run_draw(struct vector_case *c)
{
	struct derive_seed seed = {0};
	const char *target = vector_text(c->in, "target"), *ticket = vector_text(c->in, "ticket");
	uint64_t copies = vector_u64(c->in, "copies"), holders = vector_u64(c->in, "holders");
	uint64_t position = vector_u64(c->in, "position"), share;
	unsigned class, roll;
	uint32_t k;

	seed.data = vector_hex(c->in, "seed", &seed.len);
	class = derive_class(&roll, seed, target, ticket, 1, 1);
	share = placement_share(vector_u64(c->in, "count"), copies, holders, position);
	if (derive_ordinal(&k, seed, target, ticket, class, (uint32_t)share) != 0)
		return vector_fail(c, "no ordinal");
	return same_number(c, "roll", roll) && same_text(c, "class", class_name(class)) &&
	       same_number(c, "ordinal", placement_ordinal(k, copies, holders, position));
}

static bool run_receipt(struct vector_case *c)
{
	struct sign_key key = key_of(c->in);
	uint8_t digest[32], text[RECEIPT_ROOM], message[32], sig[64];
	struct sha256_part part = {text, 0};
	struct digest_stream s;

	digest_stream_init(&s, NULL);
	for (int class = 0; class < 2; class ++) {
		const json_t *keys =
			json_object_get(c->in, class == 0 ? "index_keys" : "symbol_keys");

		for (size_t i = 0; i < json_array_size(keys); i++)
			digest_stream_add(
				&s,
				vector_hex_text(json_string_value(json_array_get(keys, i)), NULL),
				32);
	}
	digest_stream_end(&s, digest);
	part.len = receipt_message(text, vector_text(c->in, "ticket"),
				   vector_u64(c->in, "placement_epoch"),
				   vector_text(c->in, "account"), digest);
	sha256_tagged(message, TAG_RECEIPT, &part, 1);
	sign_tagged(sig, &key, TAG_RECEIPT, &part, 1, no_aux);
	return vector_same(c, "digest", digest, 32) && vector_same(c, "message", message, 32) &&
	       vector_same(c, "sig", sig, 64);
}

static void put_records(struct tables *t, const json_t *records)
{
	const char *table, *key, *fault;
	json_t *list, *record;

	json_object_foreach((json_t *)records, table, list) json_object_foreach(list, key, record)
	{
		enum table_id id = table_by_name(table, strlen(table));

		if (shape_read(table_put(t, id, key), &fault, &table_shapes[id].shape, record) != 0)
			abort();
	}
}

static void add_line(void *arg, const char *text, size_t len)
{
	buf_add(arg, text, len);
}

static bool same_lines(struct vector_case *c, struct tables *t)
{
	const json_t *lines = json_object_get(c->out, "lines");
	struct buf want = {0}, got = {0};
	bool same;

	for (size_t i = 0; i < json_array_size(lines); i++)
		buf_text(&want, json_string_value(json_array_get(lines, i)));
	tables_dump(t, add_line, &got);
	same = want.len == got.len && (want.len == 0 || memcmp(want.at, got.at, want.len) == 0);
	if (!same)
		vector_fail(c, "lines: %s", got.len > 0 ? got.at : "none");
	buf_free(&want);
	buf_free(&got);
	return same;
}

static bool same_buckets(struct vector_case *c, struct tables *t)
{
	const json_t *buckets = json_object_get(c->out, "buckets");
	uint8_t digest[32];
	char hex[65], name[8];

	for (unsigned b = 0; b < BUCKETS; b++) {
		struct buf lines = {0};
		const char *told;

		tables_bucket(t, b, digest, add_line, &lines);
		hex_encode(hex, digest, 32);
		snprintf(name, sizeof(name), "%u", b);
		told = json_string_value(json_object_get(buckets, name));
		if ((told != NULL) != (lines.len > 0) || (told != NULL && strcmp(told, hex) != 0)) {
			buf_free(&lines);
			return vector_fail(c, "bucket %u is %s", b, hex);
		}
		buf_free(&lines);
	}
	return true;
}

/* Of the dump section, for the snapshots. */
#define DUMPS_MAX 16
static json_t *dumps[DUMPS_MAX];
static size_t dump_count;

static bool run_dump(struct vector_case *c)
{
	struct tables *t = tables_new();
	uint8_t hash[32];
	bool ok;

	if (dump_count < DUMPS_MAX)
		dumps[dump_count++] = json_incref(json_object_get(c->in, "records"));
	put_records(t, json_object_get(c->in, "records"));
	tables_hash(t, hash);
	ok = same_lines(c, t) && same_buckets(c, t) && vector_same(c, "state_hash", hash, 32);
	tables_free(t);
	return ok;
}

static bool run_snapshot_header(struct vector_case *c)
{
	struct tables *t = tables_new();
	struct statefile_header *h = vector_alloc(sizeof(*h)), *again = vector_alloc(sizeof(*h));
	uint8_t *bytes = vector_alloc(STATEFILE_HEADER_LEN), digest[32];
	unsigned which;
	bool ok;

	if (sscanf(vector_text(c->in, "records"), "dump[%u]", &which) != 1 || which >= dump_count) {
		tables_free(t);
		return vector_fail(c, "needs section dump");
	}
	put_records(t, dumps[which]);
	h->epoch = vector_u64(c->in, "epoch");
	h->seq = vector_u64(c->in, "seq");
	memcpy(h->log, vector_hex(c->in, "log", NULL), 32);
	statefile_describe_tables(h, t);
	statefile_header_write(bytes, h);
	digest_one(digest, NULL, bytes, STATEFILE_HEADER_LEN);
	ok = vector_same(c, "state_hash", h->state, 32) && vector_same(c, "first_88", bytes, 88) &&
	     same_number(c, "len", STATEFILE_HEADER_LEN) && vector_same(c, "blake3", digest, 32) &&
	     ((statefile_header_read(again, bytes) == 0 && memcmp(h, again, sizeof(*h)) == 0) ||
	      vector_fail(c, "own header does not read back"));
	tables_free(t);
	return ok;
}

static bool run_trailer(struct vector_case *c)
{
	const json_t *ids = json_object_get(c->in, "attested_ids");
	struct sign_key key = key_of(c->in);
	struct trailer t = {
		.committee_n = (uint16_t)vector_u64(c->in, "committee_n"),
		.epoch = vector_u64(c->in, "epoch"),
		.time = vector_u64(c->in, "time"),
		.cum_weight = vector_u64(c->in, "cum_weight"),
	};
	uint8_t body[TRAILER_BODY], id[32], digest[32];

	memcpy(t.prev, vector_hex(c->in, "prev", NULL), 32);
	memcpy(t.state_root, vector_hex(c->in, "state_root", NULL), 32);
	memcpy(t.committee_key, key.public, 32);
	memcpy(t.next_key, vector_hex(c->in, "next_key", NULL), 32);
	for (size_t i = 0; i < json_array_size(ids); i++) {
		uint64_t member = (uint64_t)json_integer_value(json_array_get(ids, i));

		trailer_attested(&t, member);
	}
	trailer_write(body, &t);
	trailer_id(id, body);
	trailer_digest(digest, t.epoch, id);
	return vector_same(c, "body", body, sizeof(body)) && vector_same(c, "id", id, 32) &&
	       vector_same(c, "digest", digest, 32) &&
	       vector_same(c, "committee_key", t.committee_key, 32) &&
	       (verify_message(vector_hex(c->in, "sig", NULL), key.public, digest, 32) ||
		vector_fail(c, "signature"));
}

static bool run_genesis_hash(struct vector_case *c)
{
	uint8_t hash[32];

	log_hash_genesis(hash, json_object_get(c->in, "document"));
	return vector_same(c, "log_0", hash, 32);
}

static bool run_details_cut(struct vector_case *c)
{
	char cut[DETAILS_MAX + 1];

	details_cut(cut, json_string_value(c->in));
	return strcmp(cut, json_string_value(c->out)) == 0 || vector_fail(c, "cut to %s", cut);
}

static bool run_group_ready_digest(struct vector_case *c)
{
	uint8_t digest[32];

	group_ready_digest(digest, vector_hex(c->in, "key_group_id", NULL));
	return vector_same(c, "digest", digest, 32);
}

int main(int argc, char **argv)
{
	static const struct vector_section sections[] = {
		{"entry", run_entry},
		{"log", run_log},
		{"beacon", run_beacon},
		{"ticket_id", run_ticket_id},
		{"symbol_count", run_symbol_count},
		{"placement", run_placement},
		{"deal", run_deal},
		{"replace", run_replace},
		{"draw", run_draw},
		{"receipt", run_receipt},
		{"dump", run_dump},
		{"snapshot_header", run_snapshot_header},
		{"trailer", run_trailer},
		{"genesis_hash", run_genesis_hash},
		{"details_cut", run_details_cut},
		{"group_ready_digest", run_group_ready_digest},
		{"scripts", run_script},
		{NULL, NULL},
	};
	struct random random = random_real();
	int status;

	digest_init();
	sign_init(&random);
	status = vectors_main(argc, argv, VECTORS_DIR "/ledger.json", sections);
	while (dump_count > 0)
		json_decref(dumps[--dump_count]);
	return status;
}

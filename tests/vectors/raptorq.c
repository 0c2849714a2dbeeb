/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors-raptorq [--only section,...] [FILE]: the answers in raptorq.json, whose sections are
 * top-level lists: cases, decode_sets, oti_from_size, lumera. Prints what failed and
 * `N passed, N failed`.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assay/raptorq.h"
#include "assay/status.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "raptorq/box.h"

static char why[512];

__attribute__((format(printf, 1, 2))) static bool fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return false;
}

static uint64_t number(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_integer(v)) {
		fprintf(stderr, "no number \"%s\": another schema\n", name);
		exit(2);
	}
	return json_integer_value(v);
}

static const char *text(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	if (!json_is_string(v)) {
		fprintf(stderr, "no text \"%s\": another schema\n", name);
		exit(2);
	}
	return json_string_value(v);
}

static bool same(const char *what, const char *want, const void *data, size_t len)
{
	uint8_t digest[32];
	char hex[65];

	sha256_parts(digest, &(struct sha256_part){data, len}, 1);
	hex_encode(hex, digest, sizeof(digest));
	return strcmp(hex, want) == 0 || fail("%s is %s instead of %s", what, hex, want);
}

/* An object, and its encoder one block at a time. */
struct object {
	struct assay_rq_params p;
	uint8_t *bytes;
	struct box box;
	uint32_t boxed; /* block whose plan is in the box, or UINT32_MAX */
};

static void object_make(struct object *o, const json_t *c)
{
	o->bytes = malloc(o->p.length + 8);
	box_fill(o->bytes, o->p.length, number(c, "seed"));
	o->boxed = UINT32_MAX;
}

static void object_free(struct object *o)
{
	free(o->bytes);
	box_free(&o->box);
}

/* Packets (payload id and symbol) of the given ESIs of a block, one behind another. */
static uint8_t *packets(struct object *o, uint32_t sbn, const uint32_t *esis, size_t len)
{
	size_t size = ASSAY_RQ_PAYLOAD_ID + o->p.symbol_size;
	uint8_t *out = calloc(len + 1, size), **at = calloc(len + 1, sizeof(*at));
	struct assay_rq_block b;
	struct assay_rq_io io;

	assay_rq_block(&b, &o->p, sbn);
	if (o->boxed != b.symbols && box_plan(&o->box, b.symbols, NULL, b.symbols) != 0)
		abort();
	o->boxed = b.symbols;
	for (size_t i = 0; i < len; i++) {
		assay_rq_payload_id_write(out + i * size, sbn, esis[i]);
		at[i] = out + i * size + ASSAY_RQ_PAYLOAD_ID;
	}
	io = (struct assay_rq_io){.source = o->bytes + b.offset,
				  .source_len = b.length,
				  .wanted = at,
				  .symbol_size = o->p.symbol_size,
				  .sub_blocks = o->p.sub_blocks,
				  .alignment = o->p.alignment};
	if (box_wanted(&o->box, esis, len, o->p.symbol_size) != 0 || box_solve(&o->box, &io) != 0)
		abort();
	for (size_t i = 0; i < len; i++)
		if (esis[i] < b.symbols)
			assay_rq_source_symbol(at[i], &o->p, &b, o->bytes + b.offset, esis[i]);
	free(at);
	return out;
}

static bool check_packets(struct object *o, const json_t *c)
{
	const json_t *row;
	size_t i, size = ASSAY_RQ_PAYLOAD_ID + o->p.symbol_size;

	json_array_foreach(json_object_get(c, "packets"), i, row)
	{
		uint32_t sbn = json_integer_value(json_array_get(row, 0));
		uint32_t esi = json_integer_value(json_array_get(row, 1));
		uint8_t *got = packets(o, sbn, &esi, 1);
		char name[64];
		bool good;

		snprintf(name, sizeof(name), "packet %u:%u", sbn, esi);
		good = same(name, json_string_value(json_array_get(row, 2)), got, size);
		free(got);
		if (!good)
			return false;
	}
	return true;
}

/* Range of ESIs of every block, from the first source or the first repair symbol on. */
static bool check_all(struct object *o, const json_t *c, bool source)
{
	size_t size = ASSAY_RQ_PAYLOAD_ID + o->p.symbol_size, len = 0;
	uint32_t repair = number(c, "repair_per_block");
	uint8_t *all = NULL;
	bool good;

	for (uint32_t sbn = 0; sbn < o->p.blocks; sbn++) {
		struct assay_rq_block b;
		uint32_t *esis, n;
		uint8_t *part;

		assay_rq_block(&b, &o->p, sbn);
		n = source ? b.symbols : repair;
		esis = malloc((n + 1) * sizeof(*esis));
		for (uint32_t i = 0; i < n; i++)
			esis[i] = source ? i : b.symbols + i;
		part = packets(o, sbn, esis, n);
		all = realloc(all, len + n * size + 1);
		memcpy(all + len, part, n * size);
		len += n * size;
		free(part);
		free(esis);
	}
	good = same(source ? "all source" : "all repair",
		    text(c, source ? "all_source_sha256" : "all_repair_sha256"), all, len);
	free(all);
	return good;
}

static bool check_intermediate(struct object *o, const json_t *c)
{
	const json_t *want = json_object_get(c, "intermediate");
	struct assay_rq_plan_facts facts;
	uint32_t *ids;
	uint8_t *got, **at;
	struct assay_rq_io io;
	bool good;

	if (want == NULL)
		return true;
	assay_rq_plan_facts(&facts, o->box.plan);
	if (facts.intermediate != number(want, "L"))
		return fail("L is %u", facts.intermediate);
	ids = malloc(facts.intermediate * sizeof(*ids));
	at = malloc(facts.intermediate * sizeof(*at));
	got = malloc((size_t)facts.intermediate * o->p.symbol_size);
	for (uint32_t i = 0; i < facts.intermediate; i++) {
		ids[i] = ASSAY_RQ_INTERMEDIATE(i);
		at[i] = got + (size_t)i * o->p.symbol_size;
	}
	io = (struct assay_rq_io){.source = o->bytes,
				  .source_len = o->p.length,
				  .wanted = at,
				  .symbol_size = o->p.symbol_size,
				  .sub_blocks = o->p.sub_blocks,
				  .alignment = o->p.alignment};
	if (box_wanted(&o->box, ids, facts.intermediate, o->p.symbol_size) != 0 ||
	    box_solve(&o->box, &io) != 0)
		abort();
	good = same("intermediate", text(want, "sha256"), got,
		    (size_t)facts.intermediate * o->p.symbol_size);
	free(ids);
	free(at);
	free(got);
	return good;
}

static bool oti_same(const struct assay_rq_params *p, const json_t *c)
{
	uint8_t oti[ASSAY_RQ_OTI], want[ASSAY_RQ_OTI];
	struct assay_rq_params back;
	const char *reason = "";

	if (hex_decode(want, sizeof(want), text(c, "oti")) != 0)
		return fail("oti is no hex");
	assay_rq_oti_write(oti, p);
	if (memcmp(oti, want, sizeof(oti)) != 0)
		return fail("OTI differs");
	if (assay_rq_oti_read(&back, &reason, want) != 0)
		return fail("OTI is refused: %s", reason);
	return memcmp(&back, p, sizeof(back)) == 0 || fail("OTI reads back differently");
}

static bool case_run(const json_t *c)
{
	struct object o = {.p = {number(c, "F"), number(c, "T"), number(c, "Z"), number(c, "N"),
				 number(c, "Al")}};
	const json_t *row;
	size_t i;
	bool good;

	if (!oti_same(&o.p, c))
		return false;
	json_array_foreach(json_object_get(c, "blocks"), i, row)
	{
		struct assay_rq_block b;
		uint32_t sbn = json_integer_value(json_array_get(row, 0));

		if (assay_rq_block(&b, &o.p, sbn) != 0 ||
		    b.symbols != json_integer_value(json_array_get(row, 1)) ||
		    b.extended != json_integer_value(json_array_get(row, 2)))
			return fail("block %u differs", sbn);
	}
	object_make(&o, c);
	good = same("object", text(c, "object_sha256"), o.bytes, o.p.length) &&
	       check_packets(&o, c) && check_all(&o, c, true) && check_all(&o, c, false) &&
	       check_intermediate(&o, c);
	object_free(&o);
	return good;
}

static int try_set(const uint32_t *esis, size_t len, uint32_t k)
{
	struct box b = {0};
	int e = box_plan(&b, k, esis, len);

	box_free(&b);
	return e;
}

static bool decode_set_run(const json_t *c)
{
	const json_t *list = json_object_get(c, "esis"), *v;
	size_t len = json_array_size(list), i;
	uint32_t *esis = malloc((len + 1) * sizeof(*esis)), k = number(c, "K");
	bool decodable = json_is_true(json_object_get(c, "decodable")), good = true;
	int e;

	json_array_foreach(list, i, v) esis[i] = json_integer_value(v);
	e = try_set(esis, len, k);
	if (e != (decodable ? 0 : ASSAY_E_NOTFOUND))
		good = fail("K=%u: %d, decodable %d", k, e, decodable);
	if (good && !decodable) {
		esis[len] = number(c, "decodable_after_adding_esi");
		e = try_set(esis, len + 1, k);
		good = e == 0 || fail("K=%u: %d after adding", k, e);
	}
	free(esis);
	return good;
}

static bool oti_run(const json_t *c)
{
	struct assay_rq_params p;
	const char *reason = "";

	if (assay_rq_params_derive(&p, &reason, number(c, "F"), number(c, "P"), number(c, "WS")) !=
	    0)
		return fail("refused: %s", reason);
	return oti_same(&p, c);
}

/* base58(BLAKE3) of each packet, joined by line feeds; the list at `name` must be where told. */
static bool ids_are(const json_t *c, const char *name, const char *ids, size_t from)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(c, name), i,
			   v) if (strcmp(json_string_value(v), ids + (from + i) * BASE58_KEY_MAX) !=
				  0) return fail("%s[%zu] differs", name, i);
	return true;
}

static bool lumera_run(const json_t *c)
{
	struct object o = {0};
	uint32_t k = number(c, "K"), total = number(c, "total_symbols");
	size_t size = number(c, "packet_bytes"), joined = 0;
	uint32_t *esis = malloc(total * sizeof(*esis));
	char *ids = malloc((size_t)total * BASE58_KEY_MAX),
	     *all = malloc((size_t)total * BASE58_KEY_MAX);
	uint8_t *got, digest[32];
	char hash[BASE58_KEY_MAX];
	bool good;

	if (assay_rq_params_derive(&o.p, NULL, number(c, "F"), 65535, 10485760) != 0 ||
	    !oti_same(&o.p, c))
		return false;
	object_make(&o, c);
	for (uint32_t i = 0; i < total; i++)
		esis[i] = i;
	got = packets(&o, 0, esis, total);
	for (uint32_t i = 0; i < total; i++) {
		char *id = ids + (size_t)i * BASE58_KEY_MAX;

		digest_one(digest, NULL, got + i * size, size);
		base58_encode(id, BASE58_KEY_MAX, digest, sizeof(digest));
		joined += sprintf(all + joined, "%s%s", i > 0 ? "\n" : "", id);
	}
	digest_one(digest, NULL, o.bytes, o.p.length);
	base58_encode(hash, sizeof(hash), digest, sizeof(digest));
	good = (strcmp(hash, text(c, "block_hash")) == 0 || fail("block hash differs")) &&
	       ids_are(c, "first_ids", ids, 0) && ids_are(c, "first_repair_ids", ids, k) &&
	       ids_are(c, "last_ids", ids,
		       total - json_array_size(json_object_get(c, "last_ids"))) &&
	       same("all ids", text(c, "all_ids_sha256"), all, joined) &&
	       same("all packets", text(c, "all_packets_sha256"), got, total * size);
	free(esis);
	free(ids);
	free(all);
	free(got);
	object_free(&o);
	return good;
}

static const struct {
	const char *name;
	bool (*run)(const json_t *c);
} sections[] = {
	{"cases", case_run},
	{"decode_sets", decode_set_run},
	{"oti_from_size", oti_run},
	{"lumera", lumera_run},
};

/* True when the comma-separated list has the name, or when there is no list. */
static bool listed(const char *only, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = only; p != NULL;
	     p = strchr(p, ',') != NULL ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	return only == NULL;
}

int main(int argc, char **argv)
{
	const char *file = VECTORS_DIR "/raptorq.json", *only = NULL;
	unsigned passed = 0, failed = 0;
	json_error_t error;
	json_t *all;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			only = argv[++i];
		else
			file = argv[i];
	}
	all = json_load_file(file, 0, &error);
	if (all == NULL) {
		fprintf(stderr, "%s:%d: %s\n", file, error.line, error.text);
		return 2;
	}
	digest_init();
	for (size_t s = 0; s < sizeof(sections) / sizeof(sections[0]); s++) {
		const json_t *list = json_object_get(all, sections[s].name), *c;
		size_t i;

		if (!listed(only, sections[s].name))
			continue;
		if (!json_is_array(list)) {
			printf("%s: missing in %s\n", sections[s].name, file);
			failed++;
			continue;
		}
		json_array_foreach(list, i, c)
		{
			const json_t *id = json_object_get(c, "id");

			if (sections[s].run(c)) {
				passed++;
				continue;
			}
			failed++;
			printf("%s %zu %s: %s\n", sections[s].name, i,
			       json_is_string(id) ? json_string_value(id) : "", why);
		}
	}
	json_decref(all);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}

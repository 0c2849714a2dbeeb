/* SPDX-License-Identifier: Apache-2.0 */
#include "proof/derive.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "assay/wire.h"
#include "base/bytes.h"
#include "base/must.h"
#include "crypto/digest.h"
#include "proof/rank.h"

/* Integers enter the hashes big-endian. */
struct be32 {
	uint8_t b[4];
};
struct be64 {
	uint8_t b[8];
};

static struct be32 be32_of(uint32_t v)
{
	struct be32 out;

	v = __builtin_bswap32(v);
	memcpy(out.b, &v, sizeof(v));
	return out;
}

static struct be64 be64_of(uint64_t v)
{
	struct be64 out;

	v = __builtin_bswap64(v);
	memcpy(out.b, &v, sizeof(v));
	return out;
}

const char *class_name(unsigned class)
{
	switch (class) {
	case ASSAY_CLASS_INDEX:
		return "INDEX";
	case ASSAY_CLASS_SYMBOL:
		return "SYMBOL";
	default:
		return NULL;
	}
}

const char *bucket_name(unsigned bucket)
{
	switch (bucket) {
	case ASSAY_BUCKET_RECENT:
		return "RECENT";
	case ASSAY_BUCKET_OLD:
		return "OLD";
	case ASSAY_BUCKET_PROBATION:
		return "PROBATION";
	case ASSAY_BUCKET_RECHECK:
		return "RECHECK";
	default:
		return NULL;
	}
}

/* One zero byte stands before each part, none after the last. */
static void hash_parts(uint8_t out[32], struct sha256_part *list, struct derive_seed seed,
		       const struct derive_part *parts, size_t n)
{
	list[0] = (struct sha256_part){seed.data, seed.len};
	for (size_t i = 0; i < n; i++) {
		list[1 + 2 * i] = (struct sha256_part){"", 1};
		list[2 + 2 * i] = (struct sha256_part){parts[i].data, parts[i].len};
	}
	sha256_parts(out, list, 1 + 2 * n);
}

void rank_few(uint8_t out[32], struct derive_seed seed, const struct derive_part *parts, size_t n)
{
	struct sha256_part list[1 + 2 * RANK_FEW];

	must(n <= RANK_FEW);
	hash_parts(out, list, seed, parts, n);
}

int derive_rank(uint8_t out[32], struct derive_seed seed, const struct derive_part *parts, size_t n)
{
	struct sha256_part *list;

	if (n <= RANK_FEW) {
		rank_few(out, seed, parts, n);
		return 0;
	}
	list = calloc(1 + 2 * n, sizeof(*list));
	if (list == NULL)
		return ASSAY_E_NOMEM;
	hash_parts(out, list, seed, parts, n);
	free(list);
	return 0;
}

/* The first 8 bytes of a rank as a number. */
static uint64_t rank_number(struct derive_seed seed, const struct derive_part *parts, size_t n)
{
	uint8_t hash[32];
	struct reader r = reader_of(hash, sizeof(hash));

	rank_few(hash, seed, parts, n);
	return read_u64be(&r);
}

unsigned derive_bucket(int64_t current, int64_t anchor, uint64_t recent_max, uint64_t old_min)
{
	uint64_t age = (uint64_t)current - (uint64_t)anchor;

	if (current < anchor)
		return 0;
	if (age <= recent_max)
		return ASSAY_BUCKET_RECENT;
	return age >= old_min ? ASSAY_BUCKET_OLD : 0;
}

int64_t derive_ticket(const char *const *eligible, size_t n, const char *const *excluded,
		      size_t excluded_count, struct derive_seed seed, const char *target,
		      unsigned bucket)
{
	const char *name = bucket_name(bucket);
	struct rank_best best = {.at = -1};

	if (name == NULL)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *ticket = eligible[i];
		const struct derive_part parts[] = {part_text(target), part_text(name),
						    part_text(ticket), part_text("ticket_rank")};

		if (ticket[0] == '\0' || text_among(ticket, excluded, excluded_count))
			continue;
		rank_offer(&best, (int64_t)i, ticket, seed, parts, 4);
	}
	return best.at;
}

unsigned derive_class(unsigned *roll, struct derive_seed seed, const char *target,
		      const char *ticket, uint32_t index_count, uint32_t symbol_count)
{
	const struct derive_part parts[] = {part_text(target), part_text(ticket),
					    part_text("artifact_class")};

	*roll = rank_number(seed, parts, 3) % 10;
	if (*roll < 2)
		return index_count > 0 ? ASSAY_CLASS_INDEX : 0;
	return symbol_count > 0 ? ASSAY_CLASS_SYMBOL : 0;
}

int derive_ordinal(uint32_t *out, struct derive_seed seed, const char *target, const char *ticket,
		   unsigned class, uint32_t count)
{
	const char *name = class_name(class);

	if (name == NULL || count == 0)
		return ASSAY_E_INVAL;
	const struct derive_part parts[] = {part_text(target), part_text(ticket), part_text(name),
					    part_text("artifact_ordinal")};

	*out = (uint32_t)(rank_number(seed, parts, 4) % count);
	return 0;
}

int derive_offsets(uint64_t *out, struct derive_seed seed, const char *target, const char *ticket,
		   unsigned class, uint32_t ordinal, uint64_t size, uint64_t length, int64_t k)
{
	const char *name = class_name(class);

	if (name == NULL || k <= 0 || k > UINT32_MAX || size == 0 || length == 0)
		return ASSAY_E_INVAL;
	if (length > size)
		return ASSAY_E_RANGE;
	for (int64_t i = 0; i < k; i++) {
		struct be32 ord = be32_of(ordinal), number = be32_of((uint32_t)i);
		const struct derive_part parts[] = {part_text(target), part_text(ticket),
						    part_text(name),   {ord.b, 4},
						    {number.b, 4},     part_text("range_offset")};

		out[i] = length == size ? 0 : rank_number(seed, parts, 6) % (size - length);
	}
	return 0;
}

int compound_hash(uint8_t out[32], const uint8_t *data, uint64_t size, const uint64_t *offsets,
		  size_t k, uint64_t length)
{
	struct digest_stream s;

	if (length == 0)
		return ASSAY_E_INVAL;
	digest_stream_init(&s, NULL);
	for (size_t i = 0; i < k; i++) {
		if (length > size || offsets[i] > size - length)
			return ASSAY_E_RANGE;
		digest_stream_add(&s, data + offsets[i], length);
	}
	digest_stream_end(&s, out);
	return 0;
}

int derivation_hash(uint8_t out[32], struct derive_seed seed, const char *target,
		    const char *ticket, unsigned class, uint32_t ordinal, const uint64_t *offsets,
		    size_t k, uint64_t length)
{
	const char *name = class_name(class);
	struct be32 ord = be32_of(ordinal);
	struct be64 len = be64_of(length);
	struct derive_part *parts;
	struct be64 *starts;
	size_t n = 0;
	int error;

	if (name == NULL)
		return ASSAY_E_INVAL;
	parts = calloc(k + 6, sizeof(*parts));
	starts = calloc(k + 1, sizeof(*starts));
	error = ASSAY_E_NOMEM;
	if (parts == NULL || starts == NULL)
		goto out;
	parts[n++] = part_text(target);
	parts[n++] = part_text(ticket);
	parts[n++] = part_text(name);
	parts[n++] = (struct derive_part){ord.b, 4};
	parts[n++] = (struct derive_part){len.b, 8};
	for (size_t i = 0; i < k; i++) {
		starts[i] = be64_of(offsets[i]);
		parts[n++] = (struct derive_part){starts[i].b, 8};
	}
	parts[n++] = part_text("derivation_input");
	error = derive_rank(out, seed, parts, n);
out:
	free(parts);
	free(starts);
	return error;
}

/* A ticket needs a class; the rows without a ticket have the word for none. */
static const char *transcript_class(const struct transcript *t)
{
	if (t->ticket[0] == '\0' && class_name(t->class) == NULL)
		return "UNSPECIFIED";
	return class_name(t->class);
}

static int compare_parts_text(const void *a, const void *b)
{
	return strcmp(((const struct derive_part *)a)->data, ((const struct derive_part *)b)->data);
}

int transcript_hash(uint8_t out[32], const struct transcript *t)
{
	const char *class = transcript_class(t), *bucket = bucket_name(t->bucket);
	struct be64 epoch = be64_of(t->epoch);
	struct be32 ordinal = be32_of(t->ordinal), observers = be32_of((uint32_t)t->observer_count);
	struct derive_part *parts;
	size_t n = 0;
	int error;

	if (class == NULL || bucket == NULL || t->observer_count > UINT32_MAX)
		return ASSAY_E_INVAL;
	parts = calloc(t->observer_count + 11, sizeof(*parts));
	if (parts == NULL)
		return ASSAY_E_NOMEM;
	parts[n++] = part_text(t->challenger);
	parts[n++] = part_text(t->target);
	parts[n++] = part_text(t->ticket);
	parts[n++] = part_text(bucket);
	parts[n++] = part_text(class);
	parts[n++] = (struct derive_part){ordinal.b, 4};
	parts[n++] = part_text(t->artifact_key);
	parts[n++] = part_text(t->derivation_hex);
	parts[n++] = part_text(t->compound_hex);
	parts[n++] = (struct derive_part){observers.b, 4};
	for (size_t i = 0; i < t->observer_count; i++)
		parts[n++] = part_text(t->observers[i]);
	if (t->observer_count > 1)
		qsort(parts + n - t->observer_count, t->observer_count, sizeof(*parts),
		      compare_parts_text);
	parts[n++] = part_text("transcript");
	error = derive_rank(out, (struct derive_seed){epoch.b, 8}, parts, n);
	free(parts);
	return error;
}

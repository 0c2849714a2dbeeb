/* SPDX-License-Identifier: Apache-2.0 */
#include "node/holder.h"

#include <stdlib.h>
#include <string.h>

#include "assay/status.h"
#include "base/must.h"
#include "crypto/digest.h"
#include "ledger/placement.h"

const char *holder_reason_name(unsigned reason)
{
	switch (reason) {
#define X(number, constant, name, text) \
	case number:                    \
		return name;
		HOLDER_REASONS(X)
#undef X
	default:
		return "unknown";
	}
}

const char *holder_reason_text(unsigned reason)
{
	switch (reason) {
#define X(number, constant, name, text) \
	case number:                    \
		return text;
		HOLDER_REASONS(X)
#undef X
	default:
		return "unknown reason";
	}
}

static bool is_trouble(int error)
{
	return error == ASSAY_E_NOMEM || error == ASSAY_E_IO;
}

static bool counts_sound(const struct holder_ticket *t)
{
	const struct coded_record *r = &t->record;

	return r->size >= 1 && r->size <= TICKET_SIZE_MAX && r->max >= 1 &&
	       t->index_count == 2ull * r->max && t->symbol_count == r->symbols &&
	       t->symbol_count == ticket_symbols(r->size, r->ratio) && t->index_copies >= 1 &&
	       t->symbol_copies >= 1;
}

static int position_of(const struct holder_ticket *t, const char *account)
{
	for (size_t i = 0; i < t->holder_count; i++)
		if (strcmp(t->holders[i], account) == 0)
			return (int)i;
	return -1;
}

/* The layout out of the first layout file that is here; any of them will do. */
static enum holder_reason find_layout(struct coded *c, const struct holder_ticket *t,
				      const struct holder_bytes *bytes)
{
	enum holder_reason reason = HOLDER_LAYOUT_MISSING;

	for (uint32_t i = 0; i < t->record.max; i++) {
		const char *why;
		uint8_t *data;
		size_t len;
		int error = bytes->read(bytes->ctx, &data, &len, coded_index_key(c, i),
					coded_layout_size_max(c));

		if (is_trouble(error))
			return HOLDER_TROUBLE;
		if (error != 0)
			continue;
		error = coded_take_layout(c, &why, data, len);
		free(data);
		if (error == 0)
			return HOLDER_SIGNS;
		if (is_trouble(error))
			return HOLDER_TROUBLE;
		reason = HOLDER_LAYOUT;
	}
	return reason;
}

/* The artifacts of one class that lie here, in order. */
struct share {
	uint8_t class;
	uint64_t count, copies;
	const uint8_t *(*key)(const struct coded *c, uint32_t ordinal);
	uint64_t size; /* that each must have; 0: any */
};

static void lacks(struct holder_answer *out, enum holder_reason reason, const struct share *share,
		  uint32_t ordinal)
{
	if (out->reason == HOLDER_SIGNS) {
		out->reason = reason;
		out->class = share->class;
		out->ordinal = ordinal;
	}
	out->count += out->reason == reason;
}

/* Keys go into the list; whatever is not as it must be, into the answer. */
static void take_share(struct holder_answer *out, struct digest_stream *digest,
		       const struct coded *c, const struct holder_ticket *t, uint64_t position,
		       const struct share *share, const struct holder_bytes *bytes)
{
	uint64_t n = placement_share(share->count, share->copies, t->holder_count, position);

	for (uint64_t k = 0; k < n; k++) {
		uint32_t ordinal =
			(uint32_t)placement_ordinal(k, share->copies, t->holder_count, position);
		const uint8_t *key = share->key(c, ordinal);
		uint64_t size;

		if (key == NULL || !bytes->hold(bytes->ctx, key, &size)) {
			lacks(out, HOLDER_MISSING, share, ordinal);
			continue;
		}
		if (share->size != 0 && size != share->size)
			lacks(out, HOLDER_SIZE, share, ordinal);
		digest_stream_add(digest, key, 32);
	}
}

static void resolve(struct holder_answer *out, const struct coded *c, const struct holder_ticket *t,
		    uint64_t position, const struct holder_bytes *bytes)
{
	const struct share index = {PLACEMENT_INDEX, t->index_count, t->index_copies,
				    coded_index_key, 0};
	const struct share symbol = {PLACEMENT_SYMBOL, t->symbol_count, t->symbol_copies,
				     coded_symbol_key, CODED_SYMBOL_SIZE};
	struct digest_stream digest;

	digest_stream_init(&digest, NULL);
	take_share(out, &digest, c, t, position, &index, bytes);
	take_share(out, &digest, c, t, position, &symbol, bytes);
	if (out->reason == HOLDER_SIGNS)
		digest_stream_end(&digest, out->digest);
}

/* Index and layout, out of what is here. */
static enum holder_reason open_coded(struct coded **c, uint64_t *position,
				     const struct holder_ticket *t, const char *account,
				     const struct holder_bytes *bytes)
{
	int at = position_of(t, account), error;
	enum holder_reason reason;

	*c = NULL;
	if (at < 0)
		return HOLDER_NOT_HOLDER;
	if (!counts_sound(t))
		return HOLDER_COUNTS;
	error = coded_new(c, &t->record);
	if (error != 0)
		return is_trouble(error) ? HOLDER_TROUBLE : HOLDER_INDEX;
	*position = (uint64_t)at;
	reason = find_layout(*c, t, bytes);
	if (reason == HOLDER_SIGNS)
		return reason;
	coded_free(*c);
	*c = NULL;
	return reason;
}

void holder_digest(struct holder_answer *out, const struct holder_ticket *t, const char *account,
		   const struct holder_bytes *bytes)
{
	uint64_t position;
	struct coded *c;

	*out = (struct holder_answer){.reason = open_coded(&c, &position, t, account, bytes)};
	if (out->reason == HOLDER_SIGNS)
		resolve(out, c, t, position, bytes);
	coded_free(c);
}

enum holder_reason holder_keys(uint8_t (**keys)[32], size_t *n, const struct holder_ticket *t,
			       const char *account, const struct holder_bytes *bytes)
{
	uint64_t position, index, all;
	struct coded *c;
	enum holder_reason reason = open_coded(&c, &position, t, account, bytes);

	if (reason != HOLDER_SIGNS)
		return reason;
	index = placement_share(t->index_count, t->index_copies, t->holder_count, position);
	all = index + placement_share(t->symbol_count, t->symbol_copies, t->holder_count, position);
	*keys = malloc((all > 0 ? all : 1) * sizeof(**keys));
	*n = 0;
	for (uint64_t k = 0; k < all && *keys != NULL; k++) {
		uint64_t copies = k < index ? t->index_copies : t->symbol_copies;
		uint32_t ordinal = (uint32_t)placement_ordinal(k < index ? k : k - index, copies,
							       t->holder_count, position);
		const uint8_t *key =
			k < index ? coded_index_key(c, ordinal) : coded_symbol_key(c, ordinal);

		must(key != NULL); /* counts are those of index and layout */
		memcpy((*keys)[(*n)++], key, 32);
	}
	coded_free(c);
	return *keys != NULL ? HOLDER_SIGNS : HOLDER_TROUBLE;
}

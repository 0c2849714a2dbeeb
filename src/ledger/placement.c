/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "ledger/placement.h"

#define SYMBOL_BYTES 65528 /* of a file in one symbol */
#define REPAIR_BYTES 65535

void ticket_id(char out[TICKET_ID_LEN + 1], const char *creator, const char *data_hash, uint64_t n)
{
	struct digest_stream s;
	uint8_t digest[32];
	char number[24];
	int len = snprintf(number, sizeof(number), "%" PRIu64, n);

	digest_stream_init(&s, NULL);
	digest_stream_add(&s, "assay/ticket/v1", sizeof("assay/ticket/v1"));
	digest_stream_add(&s, creator, strlen(creator) + 1);
	digest_stream_add(&s, data_hash, strlen(data_hash) + 1);
	digest_stream_add(&s, number, (size_t)len);
	digest_stream_end(&s, digest);
	hex_encode(out, digest, TICKET_ID_LEN / 2);
}

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
	return a / b + (a % b != 0);
}

uint64_t ticket_symbols(uint64_t size, uint64_t ratio)
{
	uint64_t repair = size <= REPAIR_BYTES ? ratio + 1 : ceil_div(size * ratio, REPAIR_BYTES);

	return ceil_div(size, SYMBOL_BYTES) + repair;
}

struct rank {
	uint8_t hash[32];
	const char *account;
};

static int rank_order(const void *left, const void *right)
{
	const struct rank *a = left, *b = right;
	int order = memcmp(b->hash, a->hash, 32);

	return order != 0 ? order : strcmp(a->account, b->account);
}

/* Accounts that may become holders, best first; freed by the caller. */
static struct rank *rank_accounts(size_t *count, const char *ticket, const struct texts *active,
				  const struct texts *skip, const struct texts *except)
{
	struct rank *ranks = calloc(active->n + 1, sizeof(*ranks));
	size_t n = 0;

	must(ranks != NULL);
	for (size_t i = 0; i < active->n; i++) {
		const char *account = active->at[i];
		const struct sha256_part parts[] = {
			{ticket, strlen(ticket) + 1},
			{account, strlen(account)},
		};

		if (texts_have(skip, account) || (except != NULL && texts_have(except, account)))
			continue;
		ranks[n].account = account;
		sha256_parts(ranks[n++].hash, parts, 2);
	}
	qsort(ranks, n, sizeof(*ranks), rank_order);
	*count = n;
	return ranks;
}

void placement_new(struct texts *out, const char *ticket, const struct texts *active,
		   const struct texts *skip, uint64_t width)
{
	size_t n;
	struct rank *ranks = rank_accounts(&n, ticket, active, skip, NULL);

	for (size_t i = 0; i < n && i < width; i++)
		texts_add(out, ranks[i].account);
	free(ranks);
}

bool placement_replace(struct texts *out, const char *ticket, const struct texts *old,
		       const struct texts *active, const struct texts *skip)
{
	size_t n, next = 0;
	struct rank *ranks = rank_accounts(&n, ticket, active, skip, old);
	bool enough = true;

	for (size_t i = 0; i < old->n && enough; i++) {
		bool stays = texts_have_sorted(active, old->at[i]);

		enough = stays || next < n;
		if (enough)
			texts_add(out, stays ? old->at[i] : ranks[next++].account);
	}
	if (!enough)
		texts_free(out);
	free(ranks);
	return enough;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t placement_width_of(uint64_t placement_width, uint64_t index_count, uint64_t symbol_count)
{
	return min_u64(placement_width, min_u64(index_count, symbol_count));
}

/*
 * The copies of all artifacts of a class, one after the other, are dealt to the positions in turn:
 * copy m = i * c + j goes to position m mod holders.
 */
bool placement_on(uint64_t ordinal, uint64_t copies, uint64_t holders, uint64_t position)
{
	uint64_t c = min_u64(copies, holders), first;

	if (holders == 0 || position >= holders)
		return false;
	first = ordinal * c % holders;
	return (position + holders - first) % holders < c;
}

uint64_t placement_share(uint64_t count, uint64_t copies, uint64_t holders, uint64_t position)
{
	uint64_t dealt = count * min_u64(copies, holders);

	if (holders == 0 || position >= dealt)
		return 0;
	return (dealt - position - 1) / holders + 1;
}

uint64_t placement_ordinal(uint64_t k, uint64_t copies, uint64_t holders, uint64_t position)
{
	return (k * holders + position) / min_u64(copies, holders);
}

static void write_lp(struct writer *w, const char *text)
{
	write_u32be(w, (uint32_t)strlen(text));
	write_bytes(w, text, strlen(text));
}

size_t receipt_message(uint8_t out[RECEIPT_ROOM], const char *ticket, uint64_t placement_epoch,
		       const char *account, const uint8_t keys_digest[32])
{
	struct writer w = writer_of(out, RECEIPT_ROOM);

	write_lp(&w, ticket);
	write_u64be(&w, placement_epoch);
	write_lp(&w, account);
	write_bytes(&w, keys_digest, 32);
	must(!w.full);
	return w.len;
}

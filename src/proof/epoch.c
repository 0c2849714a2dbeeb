/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs of the challenge: numbers, seeds, list commitments, and the name of a challenge. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "proof/derive.h"

#define EPOCH_ZERO_DEFAULT   1
#define EPOCH_LENGTH_DEFAULT 400

static void defaults(uint64_t *zero, uint64_t *length)
{
	if (*zero == 0)
		*zero = EPOCH_ZERO_DEFAULT;
	if (*length == 0)
		*length = EPOCH_LENGTH_DEFAULT;
}

uint64_t epoch_at_height(uint64_t height, uint64_t zero, uint64_t length)
{
	defaults(&zero, &length);
	return height < zero ? 0 : (height - zero) / length;
}

void epoch_bounds(uint64_t *start, uint64_t *end, uint64_t epoch, uint64_t zero, uint64_t length)
{
	defaults(&zero, &length);
	*start = zero + epoch * length;
	*end = *start + length - 1;
}

bool epoch_client(uint64_t *epoch, uint64_t height, uint64_t zero, uint64_t length)
{
	if (length == 0 || height < zero)
		return false;
	*epoch = (height - zero) / length;
	return true;
}

static void add_u64be(struct digest_stream *s, uint64_t v)
{
	v = __builtin_bswap64(v);
	digest_stream_add(s, &v, sizeof(v));
}

static void add_text(struct digest_stream *s, const char *text)
{
	digest_stream_add(s, text, strlen(text));
}

void epoch_seed(uint8_t out[32], const uint8_t *header_hash, size_t header_hash_len, uint64_t epoch,
		uint64_t start_height)
{
	struct digest_stream s;

	digest_stream_init(&s, NULL);
	add_text(&s, "lumera:epoch-seed");
	if (header_hash_len > 0)
		digest_stream_add(&s, header_hash, header_hash_len);
	else
		add_u64be(&s, start_height);
	add_u64be(&s, epoch);
	digest_stream_end(&s, out);
}

void commit_list(uint8_t out[32], const char *const *list, size_t n)
{
	struct digest_stream s;

	digest_stream_init(&s, NULL);
	for (size_t i = 0; i < n; i++)
		digest_stream_add(&s, list[i], strlen(list[i]) + 1);
	digest_stream_end(&s, out);
}

void challenge_id(uint8_t out[32], struct derive_seed seed, uint64_t epoch, const char *target,
		  const char *ticket, unsigned class, uint32_t ordinal)
{
	struct digest_stream s;
	char number[64];
	int len;

	digest_stream_init(&s, NULL);
	digest_stream_add(&s, seed.data, seed.len);
	len = snprintf(number, sizeof(number), "lep6:%" PRIu64 ":", epoch);
	must(len > 0 && len < (int)sizeof(number));
	add_text(&s, number);
	add_text(&s, target);
	add_text(&s, ":");
	add_text(&s, ticket);
	len = snprintf(number, sizeof(number), ":%u:%" PRIu32, class, ordinal);
	must(len > 0 && len < (int)sizeof(number));
	add_text(&s, number);
	digest_stream_end(&s, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "ledger/trailer.h"

#define AT_TIME	  16
#define AT_WEIGHT 24

void trailer_attested(struct trailer *t, uint64_t member_id)
{
	must(member_id >= 1 && member_id <= 256);
	t->attest_bits[(member_id - 1) / 8] |= (uint8_t)(1 << (member_id - 1) % 8);
}

void trailer_write(uint8_t out[TRAILER_BODY], const struct trailer *t)
{
	struct writer w = writer_of(out, TRAILER_BODY);

	write_bytes(&w, "ATR1", 4);
	write_u8(&w, 1);
	write_u8(&w, 0);
	write_u16be(&w, t->committee_n);
	write_u64be(&w, t->epoch);
	write_u64be(&w, t->time);
	write_u64be(&w, t->cum_weight);
	write_bytes(&w, t->prev, 32);
	write_bytes(&w, t->state_root, 32);
	write_bytes(&w, t->committee_key, 32);
	write_bytes(&w, t->next_key, 32);
	write_bytes(&w, t->attest_bits, 32);
	must(!w.full && w.left == 0);
}

static uint64_t number_at(const uint8_t *body, size_t at)
{
	struct reader r = reader_of(body + at, 8);

	return read_u64be(&r);
}

uint64_t trailer_time(const uint8_t body[TRAILER_BODY])
{
	return number_at(body, AT_TIME);
}

uint64_t trailer_weight(const uint8_t body[TRAILER_BODY])
{
	return number_at(body, AT_WEIGHT);
}

void trailer_id(uint8_t out[32], const uint8_t body[TRAILER_BODY])
{
	sha256_tagged(out, "assay/trailer/v1", &(struct sha256_part){body, TRAILER_BODY}, 1);
}

/* T("assay/sign/<route>/v1", lp(request) ‖ payload) */
static void route_digest(uint8_t out[32], const char *tag, const char *request,
			 const uint8_t payload[32])
{
	uint8_t message[128];
	struct writer w = writer_of(message, sizeof(message));

	write_u32be(&w, (uint32_t)strlen(request));
	write_bytes(&w, request, strlen(request));
	write_bytes(&w, payload, 32);
	must(!w.full);
	sha256_tagged(out, tag, &(struct sha256_part){message, w.len}, 1);
}

void trailer_digest(uint8_t out[32], uint64_t epoch, const uint8_t id[32])
{
	char request[32];

	snprintf(request, sizeof(request), "epoch-%" PRIu64, epoch);
	route_digest(out, "assay/sign/epoch-trailer/v1", request, id);
}

void group_ready_digest(uint8_t out[32], const uint8_t key_group_id[32])
{
	char request[32] = "group-";

	hex_encode(request + strlen("group-"), key_group_id, 8);
	route_digest(out, "assay/sign/group-ready/v1", request, key_group_id);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of an epoch's trailer (docs/ledger.md, "Seals"): 192 bytes that the committee signs;
 * with the signature behind them they are the trailer.
 */
#ifndef LEDGER_TRAILER_H
#define LEDGER_TRAILER_H

#include <stddef.h>
#include <stdint.h>

#define TRAILER_BODY 192
#define TRAILER_LEN  256

struct trailer {
	uint16_t committee_n;
	uint64_t epoch, time, cum_weight;
	uint8_t prev[32], state_root[32], committee_key[32], next_key[32];
	uint8_t attest_bits[32]; /* bit i: member i + 1 */
};

void trailer_attested(struct trailer *t, uint64_t member_id);
void trailer_write(uint8_t out[TRAILER_BODY], const struct trailer *t);
/* Of a body that trailer_write made. */
uint64_t trailer_time(const uint8_t body[TRAILER_BODY]);
uint64_t trailer_weight(const uint8_t body[TRAILER_BODY]);
void trailer_id(uint8_t out[32], const uint8_t body[TRAILER_BODY]);
/* What the committee signs: route "epoch-trailer", request "epoch-<e>". */
void trailer_digest(uint8_t out[32], uint64_t epoch, const uint8_t id[32]);
/* What a new key group signs: route "group-ready", request "group-<16 hex of its id>". */
void group_ready_digest(uint8_t out[32], const uint8_t key_group_id[32]);

#endif

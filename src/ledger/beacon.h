/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beacon that seeds the epochs (docs/ledger.md, "Height, ticks, beacon"). A member's values are
 * a hash chain that it reveals backwards: each tick shows the value whose hash is the last one.
 */
#ifndef LEDGER_BEACON_H
#define LEDGER_BEACON_H

#include <stdint.h>

#define BEACON_CHAIN_LEN 65536

/* The value that is revealed before this one. */
void beacon_link(uint8_t out[32], const uint8_t value[32]);
/* The value of a secret that is `steps` links from it; the tip of a new chain: BEACON_CHAIN_LEN. */
void beacon_value(uint8_t out[32], const uint8_t secret[32], uint32_t steps);
/* R = BLAKE3("assay/beacon/v1" ‖ R before ‖ reveal). */
void beacon_next(uint8_t out[32], const uint8_t before[32], const uint8_t reveal[32]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Hex (lower case) and base58 (Bitcoin alphabet, each leading zero byte becomes "1"). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE58_KEY_MAX 45 /* text of a 32-byte key with its terminator */

/* out has room for 2 * len + 1. */
void hex_encode(char *out, const uint8_t *in, size_t len);
/* Exactly 2 * len digits of either case; 0 or ASSAY_E_INVAL. */
int hex_decode(uint8_t *out, size_t len, const char *text);
/* in of at most 256 bytes; out has room for room bytes with the terminator. Length, or
 * ASSAY_E_FULL. */
int base58_encode(char *out, size_t room, const uint8_t *in, size_t len);
/* Decodes to exactly len bytes (at most 256); 0 or ASSAY_E_INVAL. */
int base58_decode(uint8_t *out, size_t len, const char *text);
/* An artifact key as people type it: 64 hex digits or base58. */
int key_parse(uint8_t out[32], const char *text);
/* Account name: 1..64 of [a-z0-9.-]. */
bool account_valid(const char *text);
/* Whole text a decimal u64 without sign or leading blanks; 0 or ASSAY_E_INVAL / ASSAY_E_RANGE. */
int u64_parse(uint64_t *out, const char *text);

#endif

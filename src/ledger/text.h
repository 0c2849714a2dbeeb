/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of entries: hex as records keep it, base64, cut details. */
#ifndef LEDGER_TEXT_H
#define LEDGER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exactly 2 * len lower-case digits. */
bool hex_valid(const char *text, size_t len);
bool hex_read(uint8_t *out, size_t len, const char *text); /* NULL is no hex */
/* Standard base64 with padding of exactly len bytes, in its one canonical form. */
bool base64_read(uint8_t *out, size_t len, const char *text, size_t text_len);
/* Ticket ids of a genesis document and, where they are not computed, anywhere: 1..64 of 21..7e. */
bool ticket_id_valid(const char *text);
/* `details` cut to its longest prefix of whole characters within 256 bytes. */
#define DETAILS_MAX 256
void details_cut(char out[DETAILS_MAX + 1], const char *details);

#endif

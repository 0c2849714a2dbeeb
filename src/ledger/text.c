/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/evp.h>
#include <string.h>

#include "base/must.h"
#include "base/text.h"
#include "ledger/text.h"

bool hex_valid(const char *text, size_t len)
{
	return text != NULL && strlen(text) == 2 * len &&
	       strspn(text, "0123456789abcdef") == 2 * len;
}

bool hex_read(uint8_t *out, size_t len, const char *text)
{
	return hex_valid(text, len) && hex_decode(out, len, text) == 0;
}

#define BASE64_MAX 96 /* bytes that a text of an entry may stand for */

bool base64_read(uint8_t *out, size_t len, const char *text, size_t text_len)
{
	uint8_t bytes[BASE64_MAX + 3];
	char again[BASE64_MAX / 3 * 4 + 5];

	must(len <= BASE64_MAX);
	if (text_len != (len + 2) / 3 * 4 ||
	    EVP_DecodeBlock(bytes, (const uint8_t *)text, (int)text_len) < 0)
		return false;
	EVP_EncodeBlock((uint8_t *)again, bytes, (int)len);
	if (memcmp(again, text, text_len) != 0)
		return false;
	memcpy(out, bytes, len);
	return true;
}

bool ticket_id_valid(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	return len >= 1 && len <= 64;
}

void details_cut(char out[DETAILS_MAX + 1], const char *details)
{
	size_t len = strnlen(details, DETAILS_MAX + 1);

	if (len > DETAILS_MAX) {
		len = DETAILS_MAX;
		while (len > 0 && ((uint8_t)details[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(out, details, len);
	out[len] = '\0';
}

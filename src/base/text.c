/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <string.h>

#include "assay/status.h"
#include "base/must.h"

#define BASE58_IN_MAX	  256
#define BASE58_DIGITS_MAX (BASE58_IN_MAX * 138 / 100 + 1) /* log(256) / log(58) = 1.3658 */

static const char base58_alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

void hex_encode(char *out, const uint8_t *in, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(uint8_t *out, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return ASSAY_E_INVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * len] == '\0' ? 0 : ASSAY_E_INVAL;
}

int base58_encode(char *out, size_t room, const uint8_t *in, size_t len)
{
	uint8_t digits[BASE58_DIGITS_MAX]; /* least significant first */
	size_t count = 0, zeros = 0;

	must(len <= BASE58_IN_MAX);
	while (zeros < len && in[zeros] == 0)
		zeros++;
	for (size_t i = zeros; i < len; i++) {
		unsigned carry = in[i];

		for (size_t j = 0; j < count || carry > 0; j++) {
			if (j == count)
				digits[count++] = 0;
			carry += 256u * digits[j];
			digits[j] = carry % 58;
			carry /= 58;
		}
	}
	if (zeros + count + 1 > room)
		return ASSAY_E_FULL;
	memset(out, '1', zeros);
	for (size_t i = 0; i < count; i++)
		out[zeros + i] = base58_alphabet[digits[count - 1 - i]];
	out[zeros + count] = '\0';
	return (int)(zeros + count);
}

int base58_decode(uint8_t *out, size_t len, const char *text)
{
	uint8_t bytes[BASE58_IN_MAX]; /* least significant first */
	size_t count = 0, zeros = 0;

	must(len <= BASE58_IN_MAX);
	while (text[zeros] == '1')
		zeros++;
	if (zeros > len)
		return ASSAY_E_INVAL;
	for (const char *p = text + zeros; *p != '\0'; p++) {
		const char *found = strchr(base58_alphabet, *p);

		if (found == NULL)
			return ASSAY_E_INVAL;
		unsigned carry = (unsigned)(found - base58_alphabet);

		for (size_t j = 0; j < count || carry > 0; j++) {
			if (j == len - zeros)
				return ASSAY_E_INVAL;
			if (j == count)
				bytes[count++] = 0;
			carry += 58u * bytes[j];
			bytes[j] = (uint8_t)carry;
			carry >>= 8;
		}
	}
	if (zeros + count != len)
		return ASSAY_E_INVAL;
	memset(out, 0, zeros);
	for (size_t i = 0; i < count; i++)
		out[zeros + i] = bytes[count - 1 - i];
	return 0;
}

int key_parse(uint8_t out[32], const char *text)
{
	if (strlen(text) == 64)
		return hex_decode(out, 32, text);
	return base58_decode(out, 32, text);
}

bool account_valid(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");

	return len >= 1 && len <= 64 && text[len] == '\0';
}

int u64_parse(uint64_t *out, const char *text)
{
	uint64_t value = 0;

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return ASSAY_E_INVAL;
	for (; *text != '\0'; text++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*text - '0'), &value))
			return ASSAY_E_RANGE;
	*out = value;
	return 0;
}

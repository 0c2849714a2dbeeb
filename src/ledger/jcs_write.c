/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/must.h"
#include "ledger/jcs.h"

static void write_escape(struct buf *out, char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\b\t\n\f\r", to[] = "\"\\btnfr";
	const char *found = strchr(from, c);
	char u[] = "\\u00__";

	if (found != NULL) {
		buf_char(out, '\\');
		buf_char(out, to[found - from]);
		return;
	}
	u[4] = hex[(uint8_t)c >> 4];
	u[5] = hex[(uint8_t)c & 15];
	buf_add(out, u, 6);
}

/* Has any of 8 bytes to be escaped? Looks at all of them at once. */
static bool escapes_in(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t v, quote, backslash;

	memcpy(&v, p, sizeof(v));
	quote = v ^ ones * '"';
	backslash = v ^ ones * '\\';
	return (((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) |
		((backslash - ones) & ~backslash)) &
	       high;
}

void jcs_write_text(struct buf *out, const char *text, size_t len)
{
	size_t from = 0;

	buf_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		while (i + 8 <= len && !escapes_in(text + i))
			i += 8;
		if (i == len)
			break;
		if ((uint8_t)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
			continue;
		buf_add(out, text + from, i - from);
		write_escape(out, text[i]);
		from = i + 1;
	}
	buf_add(out, text + from, len - from);
	buf_char(out, '"');
}

/*
 * The order of UTF-16 code units: that of UTF-8 bytes, but the lead bytes of what UTF-16 writes as
 * a surrogate pair (f0..f4) sort before ee and ef (U+E000..U+FFFF).
 */
static int name_rank(uint8_t byte)
{
	return byte >= 0xf0 ? byte - 2 : byte >= 0xee ? byte + 5 : byte;
}

static int name_order(const void *left, const void *right)
{
	const uint8_t *a = *(const uint8_t *const *)left, *b = *(const uint8_t *const *)right;

	while (*a != 0 && *a == *b)
		a++, b++;
	return name_rank(*a) - name_rank(*b);
}

static void write_object(struct buf *out, const json_t *object)
{
	size_t n = json_object_size(object), at = 0;
	const char **names = malloc((n + 1) * sizeof(*names));
	const char *name;
	json_t *value;

	must(names != NULL);
	json_object_foreach((json_t *)object, name, value) names[at++] = name;
	qsort(names, n, sizeof(*names), name_order);
	buf_char(out, '{');
	for (at = 0; at < n; at++) {
		if (at > 0)
			buf_char(out, ',');
		jcs_write_text(out, names[at], strlen(names[at]));
		buf_char(out, ':');
		jcs_write(out, json_object_get(object, names[at]));
	}
	buf_char(out, '}');
	free(names);
}

static void write_array(struct buf *out, const json_t *array)
{
	buf_char(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0)
			buf_char(out, ',');
		jcs_write(out, json_array_get(array, i));
	}
	buf_char(out, ']');
}

void jcs_write(struct buf *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(out, value);
		break;
	case JSON_ARRAY:
		write_array(out, value);
		break;
	case JSON_STRING:
		jcs_write_text(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		buf_i64(out, json_integer_value(value));
		break;
	case JSON_TRUE:
		buf_text(out, "true");
		break;
	case JSON_FALSE:
		buf_text(out, "false");
		break;
	case JSON_NULL:
		buf_text(out, "null");
		break;
	case JSON_REAL:
		must(!"a real number in canonical JSON");
	}
}

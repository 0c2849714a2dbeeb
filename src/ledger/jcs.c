/* SPDX-License-Identifier: Apache-2.0 */
/* The strict decoder. Each function leaves `at` behind what it read, or sets error and fails. */
#include <stdlib.h>

#include "base/must.h"
#include "ledger/jcs.h"

struct decoder {
	const char *at, *end;
	struct buf text; /* the string being read */
	unsigned depth;
	enum jcs_error error;
};

static json_t *read_value(struct decoder *d);

static bool fail(struct decoder *d, enum jcs_error error)
{
	if (d->error == JCS_OK)
		d->error = error;
	return false;
}

/* Bytes of the sequence at p, 0 when it is not well-formed UTF-8 (Unicode, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (left < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

static bool utf8_valid(const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_sequence(p + i, len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

static void skip_blanks(struct decoder *d)
{
	while (d->at < d->end &&
	       (*d->at == ' ' || *d->at == '\t' || *d->at == '\n' || *d->at == '\r'))
		d->at++;
}

static bool take(struct decoder *d, char c)
{
	if (d->at == d->end || *d->at != c)
		return false;
	d->at++;
	return true;
}

/* Four hex digits; -1 when they are not there. */
static int32_t read_unit(struct decoder *d)
{
	int32_t unit = 0;

	if (d->end - d->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *d->at++;
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static void add_code_point(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_char(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_char(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_char(b, (char)(0xe0 | c >> 12));
		} else {
			buf_char(b, (char)(0xf0 | c >> 18));
			buf_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_char(b, (char)(0x80 | (c & 0x3f)));
}

/* Behind `\u`. */
static bool read_code_point(struct decoder *d)
{
	int32_t unit = read_unit(d), low;

	if (unit < 0)
		return fail(d, JCS_MALFORMED);
	if (unit == 0)
		return fail(d, JCS_NUL);
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return fail(d, JCS_SURROGATE);
	if (unit < 0xd800 || unit > 0xdbff) {
		add_code_point(&d->text, (uint32_t)unit);
		return true;
	}
	if (!take(d, '\\') || !take(d, 'u'))
		return fail(d, JCS_SURROGATE);
	low = read_unit(d);
	if (low < 0)
		return fail(d, JCS_MALFORMED);
	if (low < 0xdc00 || low > 0xdfff)
		return fail(d, JCS_SURROGATE);
	add_code_point(&d->text, 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (low - 0xdc00));
	return true;
}

static bool read_escape(struct decoder *d)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (d->at == d->end)
		return fail(d, JCS_MALFORMED);
	if (take(d, 'u'))
		return read_code_point(d);
	found = *d->at != '\0' ? strchr(from, *d->at) : NULL;
	if (found == NULL)
		return fail(d, JCS_MALFORMED);
	buf_char(&d->text, to[found - from]);
	d->at++;
	return true;
}

/* A string into d->text, which always ends with a NUL that is not part of it. */
static bool read_string(struct decoder *d)
{
	buf_clear(&d->text);
	buf_add(&d->text, "", 0);
	if (!take(d, '"'))
		return fail(d, JCS_MALFORMED);
	while (d->at < d->end && *d->at != '"') {
		const char *from = d->at;

		while (d->at < d->end && *d->at != '"' && *d->at != '\\' && (uint8_t)*d->at >= 0x20)
			d->at++;
		buf_add(&d->text, from, (size_t)(d->at - from));
		if (d->at < d->end && (uint8_t)*d->at < 0x20)
			return fail(d, JCS_CONTROL);
		if (take(d, '\\') && !read_escape(d))
			return false;
	}
	return take(d, '"') || fail(d, JCS_MALFORMED);
}

static json_t *read_number(struct decoder *d)
{
	bool negative = take(d, '-'), range = false;
	const char *from = d->at;
	int64_t value = 0;

	while (d->at < d->end && *d->at >= '0' && *d->at <= '9') {
		if (!range)
			value = value * 10 + (*d->at - '0');
		range = range || value > JCS_INT_MAX;
		d->at++;
	}
	if (d->at == from || (*from == '0' && d->at - from > 1)) {
		fail(d, JCS_MALFORMED);
		return NULL;
	}
	if (d->at < d->end && (*d->at == '.' || *d->at == 'e' || *d->at == 'E'))
		fail(d, JCS_NOT_INTEGER);
	else if (range)
		fail(d, JCS_INT_RANGE);
	else if (negative && value == 0)
		fail(d, JCS_NEGATIVE_ZERO);
	return d->error == JCS_OK ? json_integer(negative ? -value : value) : NULL;
}

static bool read_member(struct decoder *d, json_t *object)
{
	json_t *value = NULL;
	char *name;
	bool ok = false;

	skip_blanks(d);
	if (!read_string(d))
		return false;
	name = strdup(d->text.at);
	must(name != NULL);
	skip_blanks(d);
	if (json_object_get(object, name) != NULL)
		fail(d, JCS_DUPLICATE_KEY);
	else if (!take(d, ':'))
		fail(d, JCS_MALFORMED);
	else
		value = read_value(d);
	if (value != NULL) {
		must(json_object_set_new_nocheck(object, name, value) == 0);
		ok = true;
	}
	free(name);
	return ok;
}

static bool read_element(struct decoder *d, json_t *array)
{
	json_t *value = read_value(d);

	if (value == NULL)
		return false;
	must(json_array_append_new(array, value) == 0);
	return true;
}

/* An object or array; the opening character was taken. */
static json_t *read_items(struct decoder *d, json_t *into, char close,
			  bool (*read_item)(struct decoder *, json_t *))
{
	bool more;

	must(into != NULL);
	if (++d->depth > JCS_DEPTH_MAX) {
		fail(d, JCS_DEPTH);
		goto failed;
	}
	skip_blanks(d);
	more = !take(d, close);
	while (more) {
		if (!read_item(d, into))
			goto failed;
		skip_blanks(d);
		more = take(d, ',');
		if (!more && !take(d, close)) {
			fail(d, JCS_MALFORMED);
			goto failed;
		}
	}
	d->depth--;
	return into;
failed:
	json_decref(into);
	return NULL;
}

static bool take_word(struct decoder *d, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(d->end - d->at) < len || memcmp(d->at, word, len) != 0)
		return false;
	d->at += len;
	return true;
}

static json_t *read_value(struct decoder *d)
{
	json_t *value = NULL;

	skip_blanks(d);
	if (take(d, '{'))
		return read_items(d, json_object(), '}', read_member);
	if (take(d, '['))
		return read_items(d, json_array(), ']', read_element);
	if (take_word(d, "true"))
		return json_true();
	if (take_word(d, "false"))
		return json_false();
	if (take_word(d, "null"))
		return json_null();
	if (d->at < d->end && *d->at == '"') {
		if (read_string(d))
			value = json_stringn_nocheck(d->text.at, d->text.len);
	} else if (d->at < d->end && (*d->at == '-' || (*d->at >= '0' && *d->at <= '9'))) {
		value = read_number(d);
	}
	if (value == NULL)
		fail(d, JCS_MALFORMED);
	return value;
}

json_t *jcs_parse(enum jcs_error *error, const char *text, size_t len, size_t len_max)
{
	struct decoder d = {.at = text, .end = text};
	json_t *value = NULL;

	if (len > 0) /* an empty text may be NULL */
		d.end += len;
	if (len > len_max)
		fail(&d, JCS_TOO_LARGE);
	else if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		fail(&d, JCS_BOM);
	else if (!utf8_valid(text, len))
		fail(&d, JCS_UTF8);
	else
		value = read_value(&d);
	skip_blanks(&d);
	if (value != NULL && d.at != d.end) {
		fail(&d, JCS_MALFORMED);
		json_decref(value);
		value = NULL;
	}
	buf_free(&d.text);
	*error = d.error;
	return value;
}

const char *jcs_error_name(enum jcs_error error)
{
	static const char *const names[] = {"ok",
#define X(constant, name) name,
					    JCS_ERRORS(X)
#undef X
	};

	must(error < sizeof(names) / sizeof(names[0]));
	return names[error];
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The strict decoder and the canonical writer against canonicaljson.json. */
#include <string.h>

#include "ledger/jcs.h"
#include "vectors/runner.h"

#define DOCUMENT_MAX 65536

/* The text, also given as hex or, for long ones, as a rule. */
static const uint8_t *input_of(struct vector_case *c, size_t *len)
{
	const char *text = json_string_value(json_object_get(c->in, "input"));
	uint8_t *rule;

	if (text != NULL) {
		*len = strlen(text);
		return (const uint8_t *)text;
	}
	if (json_object_get(c->in, "input_hex") != NULL)
		return vector_hex(c->in, "input_hex", len);
	*len = vector_u64(c->in, "input_length");
	rule = vector_alloc(*len);
	memset(rule, ' ', *len);
	memcpy(rule, "[", 1);
	memcpy(rule + *len - 1, "]", 1);
	return rule;
}

/* Codes of texts that are no JSON are one class. */
static bool same_error(const char *want, enum jcs_error got)
{
	static const char *const malformed[] = {"eof", "syntax", "trailing", "escape"};

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		if (strcmp(want, malformed[i]) == 0)
			return got == JCS_MALFORMED;
	return strcmp(want, jcs_error_name(got)) == 0;
}

/* What was written must read back and be written the same. */
static bool fixed_point(struct vector_case *c, const struct buf *text)
{
	struct buf again = {0};
	enum jcs_error error;
	json_t *value = jcs_parse(&error, text->at, text->len, DOCUMENT_MAX);
	bool same;

	if (value == NULL)
		return vector_fail(c, "own text: %s", jcs_error_name(error));
	jcs_write(&again, value);
	same = again.len == text->len && memcmp(again.at, text->at, text->len) == 0;
	buf_free(&again);
	json_decref(value);
	return same || vector_fail(c, "own text is written differently");
}

static bool run_case(struct vector_case *c)
{
	struct buf text = {0};
	enum jcs_error error;
	size_t len;
	const uint8_t *input = input_of(c, &len);
	json_t *value = jcs_parse(&error, (const char *)input, len, DOCUMENT_MAX);
	bool ok;

	if (!vector_bool(c->out, "ok")) {
		json_decref(value);
		return (value == NULL && same_error(vector_text(c->out, "error"), error)) ||
		       vector_fail(c, "%s instead of %s", jcs_error_name(error),
				   vector_text(c->out, "error"));
	}
	if (value == NULL)
		return vector_fail(c, "%s", jcs_error_name(error));
	jcs_write(&text, value);
	ok = vector_same(c, "canonical_hex", (uint8_t *)text.at, text.len) && fixed_point(c, &text);
	buf_free(&text);
	json_decref(value);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct vector_section sections[] = {{"cases", run_case}, {NULL, NULL}};

	return vectors_main(argc, argv, VECTORS_DIR "/canonicaljson.json", sections);
}

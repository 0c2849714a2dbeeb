/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical JSON (RFC 8785, narrowed; docs/ledger.md, "Canonical JSON"): one strict decoder and one
 * writer for everything that is signed or hashed. Integers only, within +-(2^53-1); the canonical
 * text of a value is a fixed point.
 */
#ifndef LEDGER_JCS_H
#define LEDGER_JCS_H

#include <jansson.h>
#include <stdbool.h>

#include "ledger/buf.h"

#define JCS_DEPTH_MAX 32
#define JCS_INT_MAX   ((INT64_C(1) << 53) - 1)

/* X(CONSTANT, name). MALFORMED is any text that is no JSON at all. */
#define JCS_ERRORS(X)                     \
	X(MALFORMED, "malformed")         \
	X(TOO_LARGE, "too_large")         \
	X(BOM, "bom")                     \
	X(UTF8, "utf8")                   \
	X(DEPTH, "depth")                 \
	X(NOT_INTEGER, "not_integer")     \
	X(INT_RANGE, "int_range")         \
	X(NEGATIVE_ZERO, "negative_zero") \
	X(DUPLICATE_KEY, "duplicate_key") \
	X(SURROGATE, "surrogate")         \
	X(NUL, "nul")                     \
	X(CONTROL, "control")

enum jcs_error {
	JCS_OK,
#define X(constant, name) JCS_##constant,
	JCS_ERRORS(X)
#undef X
};

/* A new reference, or NULL and *error. Texts longer than len_max are TOO_LARGE. */
json_t *jcs_parse(enum jcs_error *error, const char *text, size_t len, size_t len_max);
const char *jcs_error_name(enum jcs_error error);

/* Appends the canonical text. Values come from jcs_parse or hold only what it accepts. */
void jcs_write(struct buf *out, const json_t *value);
/* One string with its quotes. */
void jcs_write_text(struct buf *out, const char *text, size_t len);

#endif

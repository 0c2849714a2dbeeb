/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of every vector runner: `build/tests/vectors-<name> [--only section,...] [FILE]`. FILE
 * is
 * {"about":..., "cases": {section: [{id, in, out, source_only?}]}}, or has one array as cases, of
 * one section, or {"unit": {section: [..]}, "scripts": [..]}; default is the project's own copy.
 * Prints what failed and `N passed, N failed`. A section the build does not know is a failure
 * unless left out by --only; source_only cases are skipped.
 */
#ifndef VECTORS_RUNNER_H
#define VECTORS_RUNNER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vector_case {
	const json_t *in;
	const json_t *out;
	char why[512]; /* set by a failing case */
};

struct vector_section {
	const char *name;
	/* True when the case came out as told; otherwise why is filled (vector_fail). */
	bool (*run)(struct vector_case *c);
};

/* sections ends with a NULL name. Returns the exit status. */
int vectors_main(int argc, char **argv, const char *default_file,
		 const struct vector_section *sections);

/* Fills why; returns false, so that a section can `return vector_fail(...)`. */
__attribute__((format(printf, 2, 3))) bool vector_fail(struct vector_case *c, const char *format,
						       ...);

/* Fields; a missing or wrong one ends the run with a message (a vector file with another schema).
 */
const char *vector_text(const json_t *object, const char *name);
uint64_t vector_u64(const json_t *object, const char *name); /* number or decimal string */
int64_t vector_i64(const json_t *object, const char *name);
bool vector_bool(const json_t *object, const char *name);
/* Hex text into malloc'd bytes (freed at exit of the case by the runner); *len may be NULL. */
uint8_t *vector_hex(const json_t *object, const char *name, size_t *len);
uint8_t *vector_hex_text(const char *text, size_t *len);
/* {len, mul, add} bytes, freed by the runner. */
uint8_t *vector_data(const json_t *object, const char *name, size_t *len);
/* Memory that lives until the end of the case. */
void *vector_alloc(size_t len);
/* Compares bytes with the hex text of out[name]; false with why filled when they differ. */
bool vector_same(struct vector_case *c, const char *name, const uint8_t *got, size_t len);

#endif

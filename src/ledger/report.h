/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of epoch reports (docs/scores.md, "Reports"). */
#ifndef LEDGER_REPORT_H
#define LEDGER_REPORT_H

#include "ledger/rules.h"

#define REPORT_ROWS_MAX 16

struct report_row { /* texts are never NULL */
	const char *target, *challenger, *ticket, *key, *derivation, *transcript, *sig, *details;
	uint64_t bucket, class, ordinal, count, result;
};

/* Whom the rows may be about. */
struct report_duty {
	const char *reporter;
	const char *const *targets;
	size_t target_count;
	bool prober, full; /* full: each target needs one RECENT and one OLD row */
};
/*
 * The checks that need no ledger: 0, or the verdict's code with what is wrong in a word and the
 * row's number (-1: no single row). A challenger asks the same before it sends.
 */
unsigned report_rows_check(const char **rule, int *row, const struct report_duty *duty,
			   const struct report_row *rows, size_t n);

/* What the challenger signs of a row. */
void report_row_parts(struct sha256_part parts[3], uint8_t *class, const struct report_row *row);

/* Is there a ticket of the target that this epoch may challenge and whose age fits the bucket? */
bool report_bucket_filled(struct state *s, const char *target, uint64_t bucket, uint64_t epoch);

#endif

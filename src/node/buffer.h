/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that wait for the epoch's report. They are few; when they are not, those that arrived first
 * go first, the largest group of one target and bucket before others. Names of tickets play no
 * part, so nobody can choose a name that pushes out a row.
 */
#ifndef NODE_BUFFER_H
#define NODE_BUFFER_H

#include "node/row.h"

#define BUFFER_ROWS_MAX 16 /* of a report */

struct row_buffer {
	struct row *rows; /* by arrival */
	size_t n, room;
	uint64_t arrivals;
	uint64_t current; /* epoch; rows of earlier ones are forgotten */
};

void row_buffer_free(struct row_buffer *b);
/* The epoch that is under way, as its owner knows it: rows of earlier ones are discarded. */
void row_buffer_epoch(struct row_buffer *b, uint64_t epoch);

void row_buffer_append(struct row_buffer *b, const struct row *row);
/* Is there a row of another class than NO_ELIGIBLE? */
bool row_buffer_has_eligible(const struct row_buffer *b, uint64_t epoch, const char *target,
			     unsigned bucket);
/* Takes out the epoch's rows, sorted by bucket, ticket and arrival. Returns how many were dropped.
 */
size_t row_buffer_collect(struct row_buffer *b, struct row out[BUFFER_ROWS_MAX], size_t *n,
			  uint64_t epoch);
/* Puts rows back in the order given, as if they came now. */
void row_buffer_requeue(struct row_buffer *b, const struct row *rows, size_t n);

/* Has each target that is not blank exactly one RECENT and one OLD row? */
bool row_buffer_covers(const struct row *rows, size_t n, const char *const *targets, size_t count);

#endif

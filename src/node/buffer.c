/* SPDX-License-Identifier: Apache-2.0 */
#include "node/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "node/trim.h"

void row_buffer_free(struct row_buffer *b)
{
	free(b->rows);
	*b = (struct row_buffer){0};
}

void row_buffer_epoch(struct row_buffer *b, uint64_t epoch)
{
	size_t kept = 0;

	if (epoch > b->current)
		b->current = epoch;
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].epoch >= b->current)
			b->rows[kept++] = b->rows[i];
	b->n = kept;
}

void row_buffer_append(struct row_buffer *b, const struct row *row)
{
	if (row->epoch < b->current)
		return;
	if (b->n == b->room) {
		b->room = b->room > 0 ? 2 * b->room : BUFFER_ROWS_MAX;
		b->rows = realloc(b->rows, b->room * sizeof(*b->rows));
		must(b->rows != NULL);
	}
	b->rows[b->n] = *row;
	b->rows[b->n++].arrival = ++b->arrivals;
}

static bool same_group(const struct row *row, uint64_t epoch, const char *target, unsigned bucket)
{
	return row->epoch == epoch && row->bucket == bucket && strcmp(row->target, target) == 0;
}

bool row_buffer_has_eligible(const struct row_buffer *b, uint64_t epoch, const char *target,
			     unsigned bucket)
{
	for (size_t i = 0; i < b->n; i++)
		if (same_group(&b->rows[i], epoch, target, bucket) &&
		    b->rows[i].result != RESULT_NO_ELIGIBLE_TICKET)
			return true;
	return false;
}

/* --- collecting
 * ----------------------------------------------------------------------------------------------
 */

static size_t group_size(const struct row *rows, size_t n, const struct row *member)
{
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		size += same_group(&rows[i], rows[i].epoch, member->target, member->bucket);
	return size;
}

static int compare_group(const struct row *a, const struct row *b)
{
	int order = strcmp(a->target, b->target);

	return order != 0 ? order : (a->bucket > b->bucket) - (a->bucket < b->bucket);
}

/*
 * The row to drop: the oldest of the largest group, of equally large ones the smaller by name; once
 * all groups have one row, the oldest of all. Rows come by arrival.
 */
static size_t victim(const struct row *rows, size_t n)
{
	size_t best = 0, best_size = group_size(rows, n, &rows[0]);

	for (size_t i = 1; i < n; i++) {
		size_t size = group_size(rows, n, &rows[i]);

		if (size > best_size ||
		    (size == best_size && size > 1 && compare_group(&rows[i], &rows[best]) < 0)) {
			best = i;
			best_size = size;
		}
	}
	return best;
}

static int compare_row(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = (x->bucket > y->bucket) - (x->bucket < y->bucket);

	if (order == 0)
		order = strcmp(x->ticket, y->ticket);
	return order != 0 ? order : (x->arrival > y->arrival) - (x->arrival < y->arrival);
}

size_t row_buffer_collect(struct row_buffer *b, struct row out[BUFFER_ROWS_MAX], size_t *n,
			  uint64_t epoch)
{
	struct row *taken = calloc(b->n + 1, sizeof(*taken));
	size_t count = 0, kept = 0, dropped = 0;

	must(taken != NULL);
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].epoch == epoch)
			taken[count++] = b->rows[i];
		else
			b->rows[kept++] = b->rows[i];
	b->n = kept;
	for (; count > BUFFER_ROWS_MAX; dropped++) {
		size_t at = victim(taken, count);

		memmove(&taken[at], &taken[at + 1], (--count - at) * sizeof(*taken));
	}
	qsort(taken, count, sizeof(*taken), compare_row);
	memcpy(out, taken, count * sizeof(*taken));
	*n = count;
	free(taken);
	return dropped;
}

void row_buffer_requeue(struct row_buffer *b, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row_buffer_append(b, &rows[i]);
}

/* --- coverage
 * ------------------------------------------------------------------------------------------------
 */

bool row_buffer_covers(const struct row *rows, size_t n, const char *const *targets, size_t count)
{
	for (size_t t = 0; t < count; t++) {
		size_t recent = 0, old = 0;
		char target[ACCOUNT_ROOM];

		if (!trim_copy(target, sizeof(target), targets[t]) || *target == '\0')
			continue;
		for (size_t i = 0; i < n; i++) {
			if (strcmp(target, rows[i].target) != 0)
				continue;
			recent += rows[i].bucket == ASSAY_BUCKET_RECENT;
			old += rows[i].bucket == ASSAY_BUCKET_OLD;
		}
		if (recent != 1 || old != 1)
			return false;
	}
	return true;
}

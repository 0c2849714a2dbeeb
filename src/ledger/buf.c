/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/must.h"
#include "ledger/buf.h"

char *buf_room(struct buf *b, size_t len)
{
	must(len < SIZE_MAX / 4);
	if (b->room - b->len < len + 1) {
		size_t room = b->room < 256 ? 256 : b->room * 2;

		while (room - b->len < len + 1)
			room *= 2;
		b->at = realloc(b->at, room);
		must(b->at != NULL);
		b->room = room;
	}
	return b->at + b->len;
}

void buf_free(struct buf *b)
{
	free(b->at);
	*b = (struct buf){0};
}

void buf_u64(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	buf_add(b, digits + at, sizeof(digits) - at);
}

void buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

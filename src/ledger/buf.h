/* SPDX-License-Identifier: Apache-2.0 */
/* A text that grows. Starts as {0}; always has a final NUL once something was added. */
#ifndef LEDGER_BUF_H
#define LEDGER_BUF_H

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *at;
	size_t len, room;
};

/* Room for len more bytes and a NUL; where they go. */
char *buf_room(struct buf *b, size_t len);
void buf_free(struct buf *b);

static inline void buf_add(struct buf *b, const void *p, size_t len)
{
	char *to = buf_room(b, len);

	memcpy(to, p, len);
	to[len] = '\0';
	b->len += len;
}

static inline void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

static inline void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

static inline void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_i64(struct buf *b, int64_t v);
void buf_u64(struct buf *b, uint64_t v);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reading and writing of bytes that come from or go to the outside. A reader that runs past
 * its end turns bad and stays bad; it then yields zeros. So a parser reads everything and asks once
 * at the end.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct reader reader_of(const void *p, size_t len)
{
	return (struct reader){p, len, false};
}

/* The next len bytes in place, or NULL and bad. */
static inline const uint8_t *read_bytes(struct reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

/* True when all was read and nothing was missing. */
static inline bool read_done(const struct reader *r)
{
	return !r->bad && r->left == 0;
}

#define BYTES_READ(name, type, convert)                      \
	static inline type name(struct reader *r)            \
	{                                                    \
		type v = 0;                                  \
		const uint8_t *p = read_bytes(r, sizeof(v)); \
		if (p != NULL)                               \
			memcpy(&v, p, sizeof(v));            \
		return convert(v);                           \
	}
#define BYTES_SAME(v) (v)
BYTES_READ(read_u8, uint8_t, BYTES_SAME)
BYTES_READ(read_u16le, uint16_t, BYTES_SAME)
BYTES_READ(read_u32le, uint32_t, BYTES_SAME)
BYTES_READ(read_u64le, uint64_t, BYTES_SAME)
BYTES_READ(read_u16be, uint16_t, __builtin_bswap16)
BYTES_READ(read_u32be, uint32_t, __builtin_bswap32)
BYTES_READ(read_u64be, uint64_t, __builtin_bswap64)
#undef BYTES_READ

struct writer {
	uint8_t *p;
	size_t left;
	size_t len; /* written so far */
	bool full;  /* something did not fit; nothing more is written */
};

static inline struct writer writer_of(void *p, size_t room)
{
	return (struct writer){p, room, 0, false};
}

static inline void write_bytes(struct writer *w, const void *p, size_t len)
{
	if (w->full || len > w->left) {
		w->full = true;
		return;
	}
	if (len > 0)
		memcpy(w->p, p, len);
	w->p += len;
	w->left -= len;
	w->len += len;
}

#define BYTES_WRITE(name, type, convert)                  \
	static inline void name(struct writer *w, type v) \
	{                                                 \
		v = convert(v);                           \
		write_bytes(w, &v, sizeof(v));            \
	}
BYTES_WRITE(write_u8, uint8_t, BYTES_SAME)
BYTES_WRITE(write_u16le, uint16_t, BYTES_SAME)
BYTES_WRITE(write_u32le, uint32_t, BYTES_SAME)
BYTES_WRITE(write_u64le, uint64_t, BYTES_SAME)
BYTES_WRITE(write_u16be, uint16_t, __builtin_bswap16)
BYTES_WRITE(write_u32be, uint32_t, __builtin_bswap32)
BYTES_WRITE(write_u64be, uint64_t, __builtin_bswap64)
#undef BYTES_WRITE
#undef BYTES_SAME

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that workers compute in. All of it is there when it is handed out, in huge pages where the
 * kernel gives them: a worker that serves must not wait for a page to be cleared.
 */
#ifndef CODEC_MEMORY_H
#define CODEC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is freed is kept for whoever reserves next, so many and so many octets of them. */
#define BUFFERS_KEPT	 12
#define BUFFERS_KEPT_LEN ((size_t)128 << 20)

struct buffer { /* zero-initialised; 64-octet aligned */
	uint8_t *data;
	size_t room;
	bool mapped;
};

/* At least len octets of any values; those that were there are lost when it has to grow. 0 or
 * ASSAY_E_NOMEM. */
int buffer_reserve(struct buffer *b, size_t len);
void buffer_free(struct buffer *b);

#endif

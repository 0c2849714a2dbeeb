/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "assay/status.h"

#define PAGE	   ((size_t)2 << 20)
#define MAPPED_MIN ((size_t)256 << 10)

/* Starts on a border of a huge page; what lies before it is given back. */
static uint8_t *map(size_t room)
{
	uint8_t *p =
		mmap(NULL, room + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p % PAGE;
	if (before > 0)
		munmap(p, before);
	if (before < PAGE)
		munmap(p + before + room, PAGE - before);
	p += before;
	madvise(p, room, MADV_HUGEPAGE);
	if (madvise(p, room, MADV_POPULATE_WRITE) != 0)
		memset(p, 0, room); /* an older kernel */
	return p;
}

int buffer_reserve(struct buffer *b, size_t len)
{
	if (b->data != NULL && b->room >= len)
		return 0;
	buffer_free(b);
	b->mapped = len >= MAPPED_MIN;
	b->room = b->mapped ? (len + PAGE - 1) & ~(PAGE - 1) : (len + 63) & ~(size_t)63;
	b->data = b->mapped ? map(b->room) : aligned_alloc(64, b->room + 64);
	if (b->data == NULL)
		return ASSAY_E_NOMEM;
	if (!b->mapped)
		memset(b->data, 0, b->room);
	return 0;
}

void buffer_free(struct buffer *b)
{
	if (b->mapped && b->data != NULL)
		munmap(b->data, b->room);
	else
		free(b->data);
	*b = (struct buffer){0};
}

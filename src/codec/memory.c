/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/memory.h"

#include <pthread.h>
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

/*
 * Mappings that nobody uses, oldest first, for the next job: clearing its pages takes as long as
 * the work on a small file, and in a virtual machine several times as long.
 */
static struct {
	pthread_mutex_t lock;
	unsigned n;
	size_t total;
	struct {
		uint8_t *data;
		size_t room;
	} list[BUFFERS_KEPT];
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* With the lock held. */
static uint8_t *kept_out(size_t *room, unsigned i)
{
	uint8_t *data = kept.list[i].data;

	*room = kept.list[i].room;
	kept.total -= *room;
	kept.n--;
	memmove(&kept.list[i], &kept.list[i + 1], (kept.n - i) * sizeof(kept.list[0]));
	return data;
}

/* The smallest that is large enough, and not more than twice that; NULL when there is none. */
static uint8_t *take_kept(size_t *room, size_t len)
{
	uint8_t *data = NULL;
	unsigned best = BUFFERS_KEPT;

	pthread_mutex_lock(&kept.lock);
	for (unsigned i = 0; i < kept.n; i++)
		if (kept.list[i].room >= len && kept.list[i].room <= 2 * len &&
		    (best == BUFFERS_KEPT || kept.list[i].room < kept.list[best].room))
			best = i;
	if (best < BUFFERS_KEPT)
		data = kept_out(room, best);
	pthread_mutex_unlock(&kept.lock);
	return data;
}

static void keep(uint8_t *data, size_t room)
{
	if (room > BUFFERS_KEPT_LEN) {
		munmap(data, room);
		return;
	}
	pthread_mutex_lock(&kept.lock);
	while (kept.n == BUFFERS_KEPT || kept.total + room > BUFFERS_KEPT_LEN) {
		size_t old_room;
		uint8_t *old = kept_out(&old_room, 0);

		munmap(old, old_room);
	}
	kept.list[kept.n].data = data;
	kept.list[kept.n++].room = room;
	kept.total += room;
	pthread_mutex_unlock(&kept.lock);
}

int buffer_reserve(struct buffer *b, size_t len)
{
	if (b->data != NULL && b->room >= len)
		return 0;
	buffer_free(b);
	b->mapped = len >= MAPPED_MIN;
	b->room = b->mapped ? (len + PAGE - 1) & ~(PAGE - 1) : (len + 63) & ~(size_t)63;
	if (b->mapped && (b->data = take_kept(&b->room, b->room)) != NULL)
		return 0;
	b->data = b->mapped ? map(b->room) : aligned_alloc(64, b->room + 64);
	if (b->data == NULL)
		return ASSAY_E_NOMEM;
	if (!b->mapped)
		memset(b->data, 0, b->room);
	return 0;
}

void buffer_free(struct buffer *b)
{
	if (!b->mapped)
		free(b->data);
	else if (b->data != NULL)
		keep(b->data, b->room);
	*b = (struct buffer){0};
}
